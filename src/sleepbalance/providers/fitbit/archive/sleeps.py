"""Turns each sleep of the archive into one of ours, with what was measured beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sleepbalance.hypnograms import asleep
from sleepbalance.model import Kind, Method, Piece, Segment, Session, Stage, Totals
from sleepbalance.payloads import decode, inside, numeral, seconds, text
from sleepbalance.provider import Normalised, Raw

from .facts import Night, measured
from .records import HAND, SLEEP, STAGED, Kept, Line, elapsed, kept, walls_of
from .timeline import of_line, of_log
from .times import ahead, date

NAP = 3 * 3600  # Google gives stages to sleeps of three hours and more; below it says "nap"
_SAID = (
    "logId",
    "type",
    "logType",
    "infoCode",
    "efficiency",
    "minutesAsleep",
    "minutesAwake",
    "minutesToFallAsleep",
    "minutesAfterWakeup",
    "timeInBed",
    "duration",
)


def normalise(raws: Iterable[Raw]) -> Normalised:
    """One session for each sleep."""
    raws = list(raws)
    beside = sorted({raw.payload: raw for raw in raws if raw.companion}.items())
    newest: dict[str, Raw] = {}
    for raw in sorted((raw for raw in raws if raw.kind == SLEEP), key=_version):
        newest[raw.key] = raw
    sessions: list[Session] = []
    aside: list[tuple[str, str]] = []
    for key, raw in sorted(newest.items()):
        session = _session(raw, kept(raw.payload), [each for _, each in beside])
        if session is None:
            aside.append((key, "kept in a form that this version cannot read"))
        else:
            sessions.append(session)
    return Normalised(sessions=tuple(sessions), aside=tuple(aside))


def _version(raw: Raw) -> tuple[bool, bytes]:
    return raw.zone is not None, raw.payload


def _session(raw: Raw, told: Kept, beside: Sequence[Raw]) -> Session | None:
    if bytes(told.log):
        return _of_log(raw, inside(decode(bytes(told.log))), told.line, beside)
    return _of_line(raw, told.line, beside) if told.line else None


# -- log entries ---------------------------------------------------------------------------------


def _of_log(
    raw: Raw, told: Mapping[str, Any], line: Line | None, beside: Sequence[Raw]
) -> Session | None:
    start, end = walls_of(told)
    if start is None or end is None or start >= end:
        return None
    if line is not None and not line.is_of((start, end)):
        line = None
    zones = line.zones if line else (None, None)
    lasted = elapsed(told, start, end)
    length = _length(start, end, zones, lasted)
    hypnogram = of_log(told, start, length)
    if not hypnogram and line and line.ends[0]:
        hypnogram = of_line(line, line.ends[0], length)
    totals = None if hypnogram else _totals(told, length)
    hand = raw.source.key == HAND.key
    main = _main(told)
    night = Night(
        day=date(told.get("dateOfSleep")) or end.date(),
        log_id=str(told.get("logId")),
        sleep_id=line.id if line else None,
        wall=asleep(hypnogram, start) or (start, end),
        zone=zones[0],
        main=not hand and (length >= NAP if main is None else main),
        hand=hand,
    )
    vitals, facts = measured(beside, night)
    return Session(
        external_id=raw.key,
        source=raw.source,
        start=start,
        end=end,
        kind=_kind(main, hypnogram, totals, length),
        method=Method.MANUAL if hand else Method.DEVICE,
        wall=True,
        zone_start=zones[0],
        zone_end=zones[1],
        parts=(Piece(0, length),) if lasted or line else (),
        hypnogram=hypnogram or (() if totals else (Segment(0, length, Stage.ASLEEP),)),
        in_bed=() if hand else (Piece(0, length),),
        totals=totals,
        vitals=vitals,
        maker=_maker(told) | (_row(line) if line else {}) | facts,
        maker_date=date(told.get("dateOfSleep")),
    )


def _length(
    start: dt.datetime,
    end: dt.datetime,
    zones: Sequence[str | None],
    lasted: dt.timedelta | None,
) -> int:
    """How long it lasted, also where the clock was set in it."""
    here, there = zones
    length = lasted or end - start
    if here is not None and there is not None:
        length = end - start - (ahead(there) - ahead(here))
    return max(1, round(length.total_seconds()))


def _main(told: Mapping[str, Any]) -> bool | None:
    """Takeout says mainSleep, the old API isMainSleep, or nothing at all."""
    said = told.get("mainSleep", told.get("isMainSleep"))
    return said if isinstance(said, bool) else None


def _kind(
    main: bool | None, hypnogram: Sequence[Segment], totals: Totals | None, length: int
) -> Kind | None:
    """What is not the main sleep may be a part of the night; short and unstaged it is a nap."""
    if main is not False:
        return Kind.MAIN if main else None
    staged = any(s.stage in (Stage.LIGHT, Stage.DEEP, Stage.REM) for s in hypnogram)
    staged = staged or bool(totals and (totals.light or totals.deep or totals.rem))
    return None if staged or length >= NAP else Kind.NAP


def _totals(told: Mapping[str, Any], length: int) -> Totals | None:
    """The maker's sums, for a sleep without stages over time; None if they are none."""
    summary = inside(told, "levels", "summary")
    sums = {
        name: seconds(numeral(inside(summary, name).get("minutes")), length, 60) for name in summary
    }
    slept = seconds(numeral(told.get("minutesAsleep")), length, 60)
    awake = sums.get("wake", sums.get("awake"))
    if awake is None:
        awake = seconds(numeral(told.get("minutesAwake")), length, 60)
    light, deep, rem = (sums.get(name) for name in STAGED)
    staged = sum(filter(None, (light, deep, rem)))
    slept = max(sums.get("asleep") or 0, staged) if slept is None else max(slept, staged)
    if slept > length or (not slept and numeral(told.get("minutesAsleep")) != 0):
        return None
    if not staged:
        light = deep = rem = None  # their zeros say only that nobody staged it
    return Totals(
        light=light,
        deep=deep,
        rem=rem,
        asleep=slept - staged,
        awake=awake,
        restless=sums.get("restless"),
        awake_scope="in_bed",
    )


def _maker(told: Mapping[str, Any]) -> dict[str, object]:
    """The maker's own sums, as sent."""
    said: dict[str, object] = {name: told[name] for name in _SAID if name in told}
    if summary := inside(told, "levels", "summary"):
        said["summary"] = dict(summary)
    return said


# -- rows ----------------------------------------------------------------------------------------


def _of_line(raw: Raw, line: Line, beside: Sequence[Raw]) -> Session | None:
    start, end = line.ends
    if start is None or end is None or start >= end:
        return None
    length = round((end - start).total_seconds())
    hypnogram = of_line(line, start, length)
    totals = None if hypnogram else _sums(line, length)
    here, there = line.zones
    sleep = asleep(hypnogram, start) or (start, end)
    away = ahead(here) if here else dt.timedelta(0)
    hand = raw.source.key == HAND.key
    night = Night(
        day=(end + (ahead(there) if there else away)).date(),
        log_id=None,
        sleep_id=line.id,
        wall=(sleep[0] + away, sleep[1] + away),
        zone=here,
        main=length >= NAP and not hand,
        hand=hand,
    )
    vitals, facts = measured(beside, night)
    return Session(
        external_id=raw.key,
        source=raw.source,
        start=start,
        end=end,
        method=Method.MANUAL if hand else Method.DEVICE,
        zone_start=here,
        zone_end=there,
        parts=(Piece(0, length),),
        hypnogram=hypnogram or (() if totals else (Segment(0, length, Stage.ASLEEP),)),
        in_bed=() if hand else (Piece(0, length),),
        totals=totals,
        vitals=vitals,
        maker=_row(line) | facts,
        revised_at=raw.revised_at,
    )


def _sums(line: Line, length: int) -> Totals | None:
    slept = seconds(numeral(line.row.get("minutes_asleep")), length, 60)
    if not slept:
        return None
    awake = seconds(numeral(line.row.get("minutes_awake")), length, 60)
    return Totals(asleep=slept, awake=awake, awake_scope="in_bed")


def _row(line: Line) -> dict[str, object]:
    """The row as it came, its id among it: it may be the one that the API calls the sleep by."""
    return {"sleep_id": line.id, "row": {name: text(told) for name, told in line.row.items()}}
