"""Turns each of Google's sleeps into one of ours; knows the words it uses for stages and states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sleepbalance.hypnograms import Canvas, Paint, asleep, cut
from sleepbalance.model import (
    Kind,
    Method,
    Piece,
    Segment,
    Session,
    Stage,
    Totals,
    Vital,
    local,
)
from sleepbalance.payloads import (
    decode,
    inside,
    instant,
    items,
    numeral,
    pack,
    seconds,
    text,
    unpack,
)
from sleepbalance.provider import Normalised, Raw

from .points import offset
from .sources import by_hand, is_own
from .vitals import daily, heart_rate

WORDS = {
    "AWAKE": Stage.AWAKE,
    "RESTLESS": Stage.RESTLESS,
    "ASLEEP": Stage.ASLEEP,
    "LIGHT": Stage.LIGHT,
    "DEEP": Stage.DEEP,
    "REM": Stage.REM,
}
UNTOLD = ("", "STAGES_STATE_UNSPECIFIED")  # any other state of the stages is final


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """Of a sleep the version that was updated last; of heart rates every piece, the newest first.

    Any other record is replaced by the newest.
    """
    if kind == "sleep":
        return max(reversed(payloads), key=_updated)
    if kind != "heart-rate" or len(set(payloads)) == 1:
        return payloads[-1]
    pieces: dict[dt.datetime, bytes] = {}
    for payload in payloads:
        for point in unpack(payload):
            start = instant(inside(decode(point)).get("startTime"))
            if start is not None:
                pieces[start] = point
    return pack([pieces[start] for start in sorted(pieces)])


def _updated(payload: bytes) -> float:
    told = instant(inside(decode(payload), "sleep").get("updateTime"))
    return told.timestamp() if told else 0.0


def normalise(raws: Iterable[Raw]) -> Normalised:
    """One session for each sleep, with what was measured during it."""
    raws = list(raws)
    beside = [raw for raw in raws if raw.companion]
    versions = {(raw.key, raw.payload): raw for raw in raws if not raw.companion}
    newest = {
        key: raw
        for (key, payload), raw in sorted(
            versions.items(), key=lambda item: (_updated(item[0][1]), item[0])
        )
    }
    sessions: list[Session] = []
    aside: list[tuple[str, str]] = []
    for key, raw in sorted(newest.items()):
        point = decode(raw.payload)
        if not inside(point, "sleep"):
            aside.append((key, "kept in a form that this version cannot read"))
        else:
            sessions.append(_session(raw, point, beside))
    return Normalised(sessions=tuple(sessions), aside=tuple(aside))


def _session(raw: Raw, point: Any, beside: Iterable[Raw]) -> Session:
    if raw.start is None or raw.end is None:
        raise ValueError("this record has no place in time")
    sleep = inside(point, "sleep")
    length = round((raw.end - raw.start).total_seconds())
    totals, hypnogram = _account(sleep, raw.start, length)
    zones = [offset(inside(sleep, "interval").get(f"{end}UtcOffset")) for end in ("start", "end")]
    sleeping = asleep(hypnogram, raw.start) or (raw.start, raw.end)
    vitals, sent = _vitals(point, beside, sleeping, _day(raw.end, zones[1]))
    hand = by_hand(point)
    return Session(
        external_id=raw.key,
        source=raw.source,
        start=raw.start,
        end=raw.end,
        door="oauth",
        kind=_kind(inside(sleep, "metadata")),
        method=Method.MANUAL if hand else Method.DEVICE,
        zone_start=zones[0],
        zone_end=zones[1],
        parts=(Piece(0, length),),
        hypnogram=hypnogram,
        in_bed=(Piece(0, length),) if is_own(point) and not hand else (),
        totals=totals,
        vitals=vitals,
        maker=_maker(sleep) | sent,
        provisional=_provisional(point, hypnogram),
        revised_at=raw.revised_at,
    )


# -- stages --------------------------------------------------------------------------------------


def _account(
    sleep: Mapping[str, Any], start: dt.datetime, length: int
) -> tuple[Totals | None, tuple[Segment, ...]]:
    """What it tells of stages: over time, else in sums, else nothing but that it was sleep."""
    stages = list(_paints(sleep.get("stages"), start, length))
    if not stages:
        totals = _totals(inside(sleep, "summary"), length)
        return totals, () if totals else (Segment(0, length, Stage.ASLEEP),)
    canvas = Canvas(length)
    canvas.lay(stages)
    # of any type: one that says LIGHT was seen
    for short in _paints(sleep.get("shortAwakenings"), start, length):
        canvas.paint(short.begin, short.end, Stage.AWAKE)
    for away in _paints(sleep.get("outOfBedSegments"), start, length):
        canvas.turn(away.begin, away.end, (Stage.AWAKE,), Stage.OUT_OF_BED)
    return None, canvas.hypnogram()


def _paints(told: object, start: dt.datetime, length: int) -> Iterator[Paint]:
    for each in map(inside, items(told)):
        lies = cut(instant(each.get("startTime")), instant(each.get("endTime")), start, length)
        if lies is not None:
            stage = WORDS.get(text(each.get("type")), Stage.UNKNOWN)
            written = instant(each.get("updateTime")) or instant(each.get("createTime"))
            yield Paint.of(stage, written, *lies)


def _totals(summary: Mapping[str, Any], length: int) -> Totals | None:
    """The maker's sums, for a sleep that comes without stages over time; None if they are none."""
    told = {"ASLEEP": summary.get("minutesAsleep"), "AWAKE": summary.get("minutesAwake")}
    for each in items(summary.get("stagesSummary")):
        if (word := text(inside(each).get("type"))) in ("LIGHT", "DEEP", "REM", "RESTLESS"):
            told[word] = each.get("minutes")
    sums = {word: seconds(numeral(value), length, 60) for word, value in told.items()}
    light, deep, rem = (sums.get(word) for word in ("LIGHT", "DEEP", "REM"))
    staged = sum(filter(None, (light, deep, rem)))
    slept = max(sums["ASLEEP"] or 0, staged)
    if not slept or slept > length:
        return None
    if not staged:
        light = deep = rem = None  # their zeros say only that nobody staged it
    return Totals(
        light=light,
        deep=deep,
        rem=rem,
        asleep=slept - staged,
        awake=sums["AWAKE"],
        restless=sums.get("RESTLESS"),
        awake_scope="in_bed",
    )


# -- everything else -----------------------------------------------------------------------------


def _kind(metadata: Mapping[str, Any]) -> Kind | None:
    """Called both, as a short sleep is that is the only one of its day, the rules decide."""
    main, nap = _is_main(metadata), metadata.get("nap") is True
    if main == nap:
        return None
    return Kind.MAIN if main else Kind.NAP


def _is_main(metadata: Mapping[str, Any]) -> bool:
    return metadata.get("mainSleep", metadata.get("main")) is True  # documents once said `main`


def _provisional(point: Any, hypnogram: Sequence[Segment]) -> bool:
    """Whether its stages may still come. What others wrote, or a person, has no such state."""
    metadata = inside(point, "sleep", "metadata")
    staged = any(s.stage in (Stage.LIGHT, Stage.DEEP, Stage.REM) for s in hypnogram)
    final = metadata.get("processed") is True or text(metadata.get("stagesStatus")) not in UNTOLD
    return is_own(point) and not by_hand(point) and not staged and not final


def _vitals(
    point: Any,
    beside: Iterable[Raw],
    sleeping: tuple[dt.datetime, dt.datetime],
    day: dt.date | None,
) -> tuple[dict[str, Vital], dict[str, object]]:
    """The account's readings belong to what its own devices saw, those of the day to main sleep."""
    if by_hand(point) or not is_own(point):
        return {}, {}
    beats = heart_rate(beside, sleeping)
    if day is None or not _is_main(inside(point, "sleep", "metadata")):
        return beats, {}
    vitals, sent = daily(beside, day)
    return beats | vitals, sent


def _day(end: dt.datetime, zone: str | None) -> dt.date | None:
    return local(end, zone).date() if zone else None


def _maker(sleep: Mapping[str, Any]) -> dict[str, object]:
    """The maker's own sums, as sent."""
    metadata = inside(sleep, "metadata")
    states = ("stagesStatus", "manuallyEdited")
    return {
        **inside(sleep, "summary"),
        **({"type": sleep["type"]} if "type" in sleep else {}),
        **{name: metadata[name] for name in states if name in metadata},
    }
