"""Shows one night whole: what it was, what each source told, and where each number is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from sleepbalance.cli import hypnogram, words
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
)


def show(out: Console, row: Night, reports: Sequence[Report]) -> None:
    """The whole page of a night."""
    details = row["details"] or {}
    date = row["sleep_date"]
    out.print(words.night(date, details.get("evening_date"), year=True), style="bold")
    out.print(words.in_words(row))
    source = words.safe(str(details.get("source_name") or row["data_source"]))
    why = details.get("why") or "a row that was here before"
    out.print(f"Told by {source} ({words.safe(str(why).removeprefix(f'{source}: '))}).")
    out.print()
    chosen = [r for r in reports if r.id in (details.get("sessions") or ())]
    for line in hypnogram.draw(chosen, out.width):
        out.print(line, no_wrap=True, crop=True)
    if chosen:
        out.print()
    out.print(_numbers(row, details, reports))
    _beside(out, row, details)


def _numbers(row: Night, details: Mapping[str, Any], reports: Sequence[Report]) -> Table:
    """Ours, then each other source's own, then where ours is from."""
    others = list(details.get("alternatives") or ())
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("This night", justify="right")
    for other in others:
        table.add_column(words.safe(str(other["source"])), justify="right")
    table.add_column("Where it is from")
    values = {**details, **{k: v for k, v in row.items() if k not in ("details", "naps")}}
    origin = details.get("provenance") or {}
    for label, key, said, ours, theirs in _lines(values, others):
        if ours != "–" or any(cell != "–" for cell in theirs):
            table.add_row(label, ours, *theirs, words.safe(str(origin.get(key, said))))
    return table


def _lines(
    values: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str, str, str, list[str]]]:
    lines = []
    for label, key in _CLOCKS:
        theirs = [words.clock(other.get(key)) for other in others]
        lines.append((label, key, "", words.clock(values.get(key)), theirs))
    for label, key in _MINUTES:
        theirs = [words.minutes(other.get(key)) for other in others]
        lines.append((label, key, "", words.minutes(values.get(key)), theirs))
    for label, key, unit in _OTHERS:
        theirs = [words.number(other.get(key), unit) for other in others]
        lines.append((label, key, "", words.number(values.get(key), unit), theirs))
    return lines


def _beside(out: Console, row: Night, details: Mapping[str, Any]) -> None:
    """What a table cannot hold: reasons, naps, other sleeps, the zone, the person's words."""
    for other in details.get("alternatives") or ():
        if _differs(row, other):
            name, why = words.safe(str(other["source"])), words.safe(str(other["why"]))
            out.print(f"{name} was not taken: {why}.")
    for nap in row["naps"]:
        out.print(
            f"{str(nap['kind']).capitalize()} {words.span(nap['start'], nap['end'])}:"
            f" {words.minutes(nap['minutes'])}, {words.safe(str(nap['source']))}"
        )
    for sleep in details.get("other_main_sleeps") or ():
        out.print(
            f"Another sleep ended on this date, {words.span(sleep['start'], sleep['end'])}:"
            f" {words.minutes(sleep['minutes'])}"
        )
    if details.get("zone"):
        out.print(f"Zone: {details['zone']}, {_ZONES.get(details['zone_from'], '')}")
    if row["quality_rating"] or row["quality_notes"]:
        notes = words.safe(row["quality_notes"] or "")
        out.print(f"Your words: {words.safe(row['quality_rating'] or '–')}. {notes}".rstrip())


def _differs(row: Night, other: Mapping[str, Any]) -> bool:
    ours, theirs = row["total_sleep_time"], other.get("total_sleep_time")
    if ours is None or theirs is None:
        return ours is not theirs
    return abs(int(ours) - int(theirs)) >= WORTH_SAYING


_ZONES = {
    "record": "as the record says",
    "neighbour": "as a record near it says",
    "person": "as you said",
    "file": "a guess: what the file happens to print",
    "none": "a guess: nobody says where this was",
}
