"""Turns each sleep of the archive into one of ours, with what was measured beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sleepbalance.hypnograms import asleep
from sleepbalance.model import Kind, Method, Piece, Segment, Session, Stage, Totals
from sleepbalance.payloads import inside, numeral, seconds, text
from sleepbalance.provider import Normalised, Raw

from .facts import Night, measured
from .joining import Log, Pair, pairs
from .packs import STAGES
from .records import HAND, NEAR, STAGED, Line
from .timeline import of_log, of_rows
from .times import date

NAP = 3 * 3600  # Google gives stages to sleeps of three hours and more; below it says "nap"
MINUTE = 60
LOOSE = 5 * MINUTE  # at the ends of a timeline
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
    packs = {raw.payload: raw for raw in raws if raw.companion and raw.kind != STAGES}
    beside = [raw for _, raw in sorted(packs.items())]
    sessions: list[Session] = []
    aside: list[tuple[str, str]] = []
    for pair in pairs(raws):
        session = _session(pair, beside)
        if session is None:
            aside.append((pair.raw.key, "kept in a form that this version cannot read"))
        else:
            sessions.append(session)
    return Normalised(sessions=tuple(sessions), aside=tuple(aside))


def _session(pair: Pair, beside: Sequence[Raw]) -> Session | None:
    if pair.log is not None:
        return _of_log(pair.raw, pair.log, pair.line, beside)
    return _of_line(pair.raw, pair.line, beside) if pair.line else None


# -- log entries ---------------------------------------------------------------------------------


def _of_log(raw: Raw, log: Log, line: Line | None, beside: Sequence[Raw]) -> Session:
    told, start, end = log.told, log.start, log.end
    zones = line.zones if line else (None, None)
    length = _length(log, line)
    slept = seconds(numeral(told.get("minutesAsleep")), length, MINUTE)
    timeline, sums = _timeline(log, line, length), _totals(told, length)
    hypnogram, totals = _told(timeline, sums, slept, length)
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
        parts=(Piece(0, length),) if log.lasted or line else (),
        hypnogram=hypnogram,
        in_bed=() if hand else (Piece(0, length),),
        totals=totals,
        vitals=vitals,
        maker=_maker(told) | (_row(line) if line else {}) | facts,
        maker_date=date(told.get("dateOfSleep")),
    )


def _timeline(log: Log, line: Line | None, length: int) -> tuple[Segment, ...]:
    """The log's own, finer than the row's; that where only it covers the sleep."""
    own = of_log(log.told, log.start, length)
    if line is None or line.ends[0] is None or _covers(own, length):
        return own
    other = of_rows(line.stages, line.ends[0], length)
    return other if not own or _covers(other, length) else own


def _told(
    timeline: tuple[Segment, ...], totals: Totals | None, slept: int | None, length: int
) -> tuple[tuple[Segment, ...], Totals | None]:
    """What stands: the timeline where it is of the whole sleep, else the maker's sums.

    Beside a timeline stands what the maker says was `slept`, where that is more than it shows.
    """
    if totals is None:
        return timeline or (Segment(0, length, Stage.ASLEEP),), None
    shown = sum(segment.seconds for segment in timeline if segment.stage.is_sleep)
    if not _covers(timeline, length) or (slept and not shown):
        return (), totals
    more = slept is not None and slept - shown > MINUTE
    return timeline, _more(timeline, slept or 0) if more else None


def _more(timeline: Sequence[Segment], slept: int) -> Totals:
    """The stages of the timeline, and the sleep of which it shows none."""
    light, deep, rem = (
        sum(each.seconds for each in timeline if each.stage == stage) or None for stage in STAGED
    )
    staged = sum(filter(None, (light, deep, rem)))
    return Totals(light=light, deep=deep, rem=rem, asleep=slept - staged)


def _covers(timeline: Sequence[Segment], length: int) -> bool:
    """Whether it tells the sleep from one end to the other, and most of what is between."""
    if not timeline:
        return False
    known = sum(each.seconds for each in timeline if each.stage is not Stage.UNKNOWN)
    ends = timeline[0].offset <= LOOSE and timeline[-1].end >= length - LOOSE
    return ends and known >= length / 2


def _length(log: Log, line: Line | None) -> int:
    """How long it lasted, also where the clock was set in it."""
    length = log.lasted or log.end - log.start
    if line is not None and line.ends[0] is not None and line.ends[1] is not None:
        row = line.ends[1] - line.ends[0]
        length = length if abs(row - length) <= NEAR else row
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
    (first, last), (start, end) = line.ends, line.shown
    if first is None or last is None or start is None or end is None or first >= last:
        return None
    length = round((last - first).total_seconds())
    timeline, sums = of_rows(line.stages, first, length), _sums(line, length)
    hypnogram, totals = _told(timeline, sums, sums.asleep if sums else None, length)
    hand = raw.source.key == HAND.key
    night = Night(
        day=end.date(),
        log_id=None,
        sleep_id=line.id,
        wall=asleep(hypnogram, start) or (start, end),
        zone=line.zones[0],
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
        wall=line.zoned,
        zone_start=line.zones[0],
        zone_end=line.zones[1],
        parts=(Piece(0, length),),
        hypnogram=hypnogram,
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
