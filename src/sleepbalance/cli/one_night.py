"""Shows one night whole: what it was, what each source told, and where each number is from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sleepbalance.cli import hypnogram, makers, words
from sleepbalance.cli.show import Screen
from sleepbalance.model import Report

Night = Mapping[str, Any]
WORTH_SAYING = 2  # minutes by which a source's number differs before its reason is told

_MINUTES = (
    ("Asleep", "total_sleep_time"),
    ("Deep", "deep_sleep_duration"),
    ("REM", "rem_sleep_duration"),
    ("Light", "light_sleep_duration"),
    ("Stage unknown", "unspecified_sleep_duration"),
    ("Awake after onset", "awake_duration"),
    ("In bed", "time_in_bed"),
    ("To fall asleep", "sleep_onset_latency"),
    ("To get up", "latency_to_arising"),
    ("Not measured", "unmeasured_duration"),
)
_CLOCKS = (
    ("Went to bed", "bed_time"),
    ("Fell asleep", "sleep_start_time"),
    ("Woke up", "sleep_end_time"),
    ("Got up", "wake_time"),
)
_OTHERS = (
    ("Sleep efficiency", "sleep_efficiency", " %"),
    ("Times awake", "awakenings", ""),
    ("Heart, mean", "avg_heart_rate", " /min"),
    ("Heart, lowest", "min_heart_rate", " /min"),
    ("Heart, highest", "max_heart_rate", " /min"),
    ("HRV (RMSSD)", "avg_hrv", " ms"),
    ("HRV (SDNN)", "avg_hrv_sdnn", " ms"),
    ("Breathing", "avg_breathing_rate", " /min"),
    ("Oxygen, mean", "avg_spo2", " %"),
    ("Oxygen, lowest", "min_spo2", " %"),
    ("Skin temperature", "avg_skin_temperature", " °C"),
)


def show(out: Screen, row: Night, reports: Sequence[Report]) -> None:
    """The whole page of a night."""
    details = row["details"] or {}
    out.say(words.night(row["sleep_date"], details.get("evening_date"), year=True), style="bold")
    out.say(words.what_it_was(row))
    if words.only_words(row):
        _beside(out, row, details)
        return
    source = str(details.get("source_name") or row["data_source"])
    why = details.get("why") or "a row that was here before"
    out.say(f"Told by {source} ({str(why).removeprefix(f'{source}: ')}).")
    out.say("")
    chosen = [r for r in reports if r.id in (details.get("sessions") or ())]
    drawn = hypnogram.draw(chosen, out.width)
    for line in drawn:
        out.say(line)
    if drawn:
        out.say("")
    _numbers(out, row, details)
    _beside(out, row, details)
    for line in makers.lines(row, reports):
        out.say(line)
    if details.get("provisional"):
        until = details["provisional_until"]
        out.say(f"Provisional: the maker may still revise it, until {until}.")


def show_naps(out: Screen, naps: Sequence[Night]) -> None:
    """What there is of a date without a night."""
    out.say(words.day(naps[0]["sleep_date"], year=True), style="bold")
    out.say("No night: a nap alone makes none.")
    for nap in naps:
        out.say(_nap(nap))


def _nap(nap: Mapping[str, Any]) -> str:
    what = f"{str(nap['kind']).capitalize()} {words.span(nap['start'], nap['end'])}"
    return f"{what}: {words.minutes(nap['minutes'])}, {nap['source']}"


def _numbers(out: Screen, row: Night, details: Mapping[str, Any]) -> None:
    """Ours, then each other source's own, then where ours is from."""
    others = list(details.get("alternatives") or ())
    values = {**details, **{k: v for k, v in row.items() if k not in ("details", "naps")}}
    origin = details.get("provenance") or {}
    lines = [
        [label, ours, *theirs, str(origin.get(key, ""))]
        for label, key, ours, theirs in _lines(values, others)
        if ours != "–" or any(cell != "–" for cell in theirs)
    ]
    names = [f">{other['source']}" for other in others]
    out.table(["", ">This night", *names, "Where it is from"], lines)


def _lines(
    values: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str, str, list[str]]]:
    """(label, key, ours, theirs) of every number there may be."""
    said: list[tuple[str, str, Callable[[Any], str]]] = [
        *((label, key, words.clock) for label, key in _CLOCKS),
        *((label, key, words.minutes) for label, key in _MINUTES),
        *((label, key, partial(words.number, unit=unit)) for label, key, unit in _OTHERS),
    ]
    return [
        (label, key, say(values.get(key)), [say(other.get(key)) for other in others])
        for label, key, say in said
    ]


def values(row: Night) -> list[tuple[str, str]]:
    """(label, value) of everything that an edit may change."""
    details = row["details"] or {}
    naps = [f"{n['kind']} {words.span(n['start'], n['end'])}" for n in row["naps"]]
    return [
        ("Told by", str(details.get("source_name") or row["data_source"])),
        *((label, ours) for label, _, ours, _ in _lines({**details, **row}, [])),
        ("Naps", ", ".join(naps) or "–"),
        ("Rated", row["quality_rating"] or "–"),
        ("Note", row["quality_notes"] or "–"),
    ]


def _beside(out: Screen, row: Night, details: Mapping[str, Any]) -> None:
    """What a table cannot hold: reasons, naps, other sleeps, the zone, the person's words."""
    chosen = str(details.get("source_name"))
    for other in details.get("alternatives") or ():
        if _differs(row, other):
            why = re.sub(r"(^|, )it\b", lambda found: found[1] + chosen, str(other["why"]))
            out.say(f"{other['source']} was not taken: {why}.")
    for nap in row["naps"]:
        out.say(_nap(nap))
    for sleep in details.get("other_main_sleeps") or ():
        out.say(
            f"Another sleep ended on this date, {words.span(sleep['start'], sleep['end'])}:"
            f" {words.minutes(sleep['total_sleep_time'])}, {sleep['source']}"
        )
    if details.get("zone"):
        out.say(f"Zone: {details['zone']}, {_ZONES.get(details['zone_from'], '')}")
    rating, notes = row["quality_rating"], row["quality_notes"]
    if rating or notes:
        said = [f"{rating}."] if rating else []
        out.say("Your words: " + " ".join([*said, *([notes] if notes else [])]))


def _differs(row: Night, other: Mapping[str, Any]) -> bool:
    """Whether a source tells any duration of the night otherwise than the night does."""
    ours = {**(row["details"] or {}), **row}
    return any(_apart(ours.get(key), other[key]) for _, key in _MINUTES if key in other)


def _apart(mine: int | None, theirs: int | None) -> bool:
    if mine is None or theirs is None:
        return mine is not theirs
    return abs(mine - theirs) >= WORTH_SAYING


_ZONES = {
    "record": "as the record says",
    "neighbour": "as a record near it says",
    "person": "as you said",
    "file": "a guess: what the file happens to print",
    "none": "a guess: nobody says where this was",
}
