"""Turns each session of Google Fit into a sleep; knows its codes for stages and for numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sleepbalance.hypnograms import Canvas, Paint, asleep, cut
from sleepbalance.model import (
    MANUAL_MARK,
    Method,
    Piece,
    Segment,
    Session,
    Stage,
    Totals,
    Vital,
)
from sleepbalance.payloads import decode, inside, items, pack, unpack
from sleepbalance.provider import Normalised, Raw
from sleepbalance.stretches import Span

from .points import millis, nanos, values

CODES = {
    1: Stage.AWAKE,
    2: Stage.ASLEEP,
    3: Stage.OUT_OF_BED,
    4: Stage.LIGHT,
    5: Stage.DEEP,
    6: Stage.REM,
    # what nights before 2021 are made of: activities
    72: Stage.ASLEEP,
    109: Stage.LIGHT,
    110: Stage.DEEP,
    111: Stage.REM,
    112: Stage.AWAKE,
}
PLAUSIBLE = {"heart-rate": (20.0, 300.0), "oxygen": (50.1, 100.0)}
VITALS = {"heart-rate": "heart_rate", "oxygen": "spo2"}
SHOWN = ("name", "description", "activeTimeMillis")


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """Of a sleep the version that was modified last; of measures every one, the newest first."""
    if kind == "sleep":
        return max(reversed(payloads), key=_modified)
    if len(set(payloads)) == 1:
        return payloads[-1]
    points = {_when(point): point for payload in payloads for point in unpack(payload)}
    return pack([points[when] for when in sorted(points)])


def _modified(payload: bytes) -> float:
    told = millis(inside(decode(payload), "session").get("modifiedTimeMillis"))
    return told.timestamp() if told else 0.0


def _when(point: bytes) -> tuple[str, str]:
    told = inside(decode(point))
    start, stream = str(told.get("startTimeNanos")), str(told.get("originDataSourceId"))
    return start.rjust(20), stream


def normalise(raws: Iterable[Raw]) -> Normalised:
    """One session for each sleep, with what its app measured in it."""
    raws = list(raws)
    beside = [raw for raw in raws if raw.companion]
    newest: dict[str, Raw] = {}
    for raw in sorted((raw for raw in raws if not raw.companion), key=_version):
        newest[raw.key] = raw
    sessions: list[Session] = []
    aside: list[tuple[str, str]] = []
    for key, raw in sorted(newest.items()):
        told = decode(raw.payload)
        if not inside(told, "session"):
            aside.append((key, "kept in a form that this version cannot read"))
        else:
            sessions.append(_session(raw, told, beside))
    return Normalised(sessions=tuple(sessions), aside=tuple(aside))


def _version(raw: Raw) -> tuple[float, int, bytes]:
    """Stages come later, and do not always touch the session."""
    return _modified(raw.payload), len(raw.payload), raw.payload


def _session(raw: Raw, told: Any, beside: Iterable[Raw]) -> Session:
    if raw.start is None or raw.end is None:
        raise ValueError("this record has no place in time")
    length = round((raw.end - raw.start).total_seconds())
    hypnogram = _hypnogram(items(told.get("point")), raw.start, length)
    sleeping = asleep(hypnogram, raw.start) or (raw.start, raw.end)
    unstaged = not hypnogram or hypnogram == (Segment(0, length, Stage.ASLEEP),)
    session = inside(told, "session")
    return Session(
        external_id=raw.key,
        source=raw.source,
        start=raw.start,
        end=raw.end,
        door="oauth",
        method=Method.MANUAL if raw.source.key.endswith(MANUAL_MARK) else Method.DEVICE,
        parts=(Piece(0, length),),
        hypnogram=() if unstaged else hypnogram,
        totals=Totals(asleep=length) if unstaged else None,  # nobody looked whether it was awake
        sleep_start=raw.start if unstaged else None,
        sleep_end=raw.end if unstaged else None,
        vitals=_vitals(beside, sleeping),
        maker={name: session[name] for name in SHOWN if name in session},
        revised_at=raw.revised_at,
    )


# -- stages --------------------------------------------------------------------------------------


def _hypnogram(points: Iterable[Any], start: dt.datetime, length: int) -> tuple[Segment, ...]:
    canvas, paints = Canvas(length), list(_paints(points, start, length))
    canvas.lay(paints)
    for each in paints:
        if each.stage is Stage.OUT_OF_BED:
            canvas.turn(each.begin, each.end, (Stage.AWAKE,), Stage.OUT_OF_BED)
    return canvas.hypnogram()


def _paints(points: Iterable[Any], start: dt.datetime, length: int) -> Iterator[Paint]:
    for told in map(inside, points):
        first, last = nanos(told.get("startTimeNanos")), nanos(told.get("endTimeNanos"))
        lies = cut(first, last, start, length)
        if lies is not None:
            code = next(iter(values(told)), 0.0)
            stage = CODES.get(int(code), Stage.UNKNOWN) if code == int(code) else Stage.UNKNOWN
            yield Paint.of(stage, millis(told.get("modifiedTimeMillis")), *lies)


# -- numbers -------------------------------------------------------------------------------------


def _vitals(beside: Iterable[Raw], sleeping: Span) -> Mapping[str, Vital]:
    found: dict[str, dict[tuple[dt.datetime, float], float]] = {}
    for raw in beside:
        for when, value in _measured(raw.kind, raw.payload):
            if sleeping[0] <= when < sleeping[1]:
                found.setdefault(raw.kind, {})[when, value] = value
    vitals = {VITALS[kind]: Vital.of(list(found[kind].values())) for kind in sorted(found)}
    return {name: vital for name, vital in vitals.items() if vital is not None}


@lru_cache(maxsize=16)  # a day is beside the sleeps of two nights, and their naps
def _measured(kind: str, payload: bytes) -> tuple[tuple[dt.datetime, float], ...]:
    """The samples of a pack that a living person can have."""
    low, high = PLAUSIBLE.get(kind, (1.0, 0.0))
    points = (inside(decode(sent)) for sent in unpack(payload))
    told = ((nanos(point.get("startTimeNanos")), values(point)) for point in points)
    return tuple((when, n[0]) for when, n in told if when and n and low <= n[0] <= high)
