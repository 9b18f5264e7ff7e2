"""Reads a row of the phone app's sleep_records as a session of the source `app`, and as edits.

How each column is read, and what is a guess, stands in docs/from-the-app.md.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sleepbalance.model import (
    EditKind,
    Method,
    Piece,
    Segment,
    Session,
    Source,
    Stage,
    Totals,
    Vital,
    offset_name,
    zone_info,
)

PROVIDER = "app"
TIMES = ("bed_time", "sleep_start_time", "sleep_end_time", "wake_time")
LONGEST = dt.timedelta(hours=36)  # times further apart are no one sleep
YEARS = range(1990, 2101)
NOT_SET = ("", "UTC")  # what the app writes where nobody chose a zone

STAGES = {
    "light": Stage.LIGHT,
    "light sleep": Stage.LIGHT,
    "core": Stage.LIGHT,
    "n1": Stage.LIGHT,
    "n2": Stage.LIGHT,
    "deep": Stage.DEEP,
    "deep sleep": Stage.DEEP,
    "n3": Stage.DEEP,
    "rem": Stage.REM,
    "rem sleep": Stage.REM,
    "asleep": Stage.ASLEEP,
    "sleep": Stage.ASLEEP,
    "sleeping": Stage.ASLEEP,
    "awake": Stage.AWAKE,
    "wake": Stage.AWAKE,
    "awake in bed": Stage.AWAKE,
    "restless": Stage.RESTLESS,
    "out of bed": Stage.OUT_OF_BED,
}

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Told:
    """What one row says. `session` is None where nothing in it can be placed in time; `problem`
    says what could not be read."""

    session: Session | None
    date: dt.date | None
    revised_at: dt.datetime | None
    edits: tuple[tuple[EditKind, Mapping[str, object]], ...]
    deleted: bool
    problem: str | None


def read(row: Row, zone: str = "UTC", phases: Iterable[Row] = ()) -> Told:
    """What a row (column name in lower case → value as stored) says.

    `zone` is where its naive times are read; `phases` are rows with started_at, duration (s) and
    name. Never raises: whatever cannot be read is left out, and named.
    """
    problems: list[str] = []
    date = day(row.get("sleep_date"))
    if date is None:
        problems.append("its date cannot be read")
    revised_at = instant(row.get("updated_at"), zone)
    session = _session(row, date, _phases(phases, problems), problems)
    if session is not None:
        session = replace(session, revised_at=revised_at)
    deleted = bool(_number(row.get("is_deleted")))
    problem = "; ".join(problems) or None
    return Told(session, date, revised_at, tuple(_edits(row)), deleted, problem)


def person_zone(timezone: object) -> str | None:
    """The zone that a user chose, None where they chose none or it is no zone."""
    if not isinstance(timezone, str) or timezone.strip() in NOT_SET:
        return None
    try:
        zone_info(timezone.strip())
    except ValueError:
        return None
    return timezone.strip()


def source_name(row: Row) -> str:
    """What the app says the row came from."""
    name = row.get("data_source")
    return name if isinstance(name, str) and name else PROVIDER


def day(value: object) -> dt.date | None:
    """A calendar date out of what a date column holds, None where it is none."""
    if isinstance(value, dt.date):
        return value
    try:
        found = dt.date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.year in YEARS else None


def _clock(value: object) -> dt.datetime | None:
    """A time as written: naive, or with its offset."""
    if not isinstance(value, str) or len(value.strip()) <= len("2025-10-30"):
        return None  # a date alone is no time
    try:
        found = dt.datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return found.replace(microsecond=0) if found.year in YEARS else None


def instant(value: object, zone: str) -> dt.datetime | None:
    found = _clock(value)
    if found is None:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=zone_info(zone))).astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class _Phase:
    start: dt.datetime
    seconds: int
    stage: Stage


def _phases(rows: Iterable[Row], problems: list[str]) -> list[_Phase]:
    found = []
    unread = 0
    for row in rows:
        start, seconds = _clock(row.get("started_at")), _number(row.get("duration"))
        if start is None or not seconds or seconds > LONGEST.total_seconds():
            unread += 1
            continue
        name = str(row.get("name") or "").strip().lower().replace("_", " ")
        found.append(_Phase(start, int(seconds), STAGES.get(name, Stage.UNKNOWN)))
    if unread:
        problems.append(f"{unread} of its sleep phases cannot be read")
    return found


def _session(
    row: Row, date: dt.date | None, phases: Sequence[_Phase], problems: list[str]
) -> Session | None:
    written = {name: _clock(row.get(name)) for name in TIMES}
    problems += [f"its {n} cannot be read" for n in TIMES if row.get(n) and not written[n]]
    found = {name: time for name, time in written.items() if time is not None}
    everything = [*found.values(), *(p.start for p in phases)]
    # One naive time among others makes them all what the clock on the wall showed.
    wall = any(time.tzinfo is None for time in everything)
    times = {name: _placed(time, wall) for name, time in found.items()}
    placed = [replace(p, start=_placed(p.start, wall)) for p in phases]
    times, placed = _one_sleep(times, placed, problems)
    if not times and not placed:
        return None if date is None else _told(row, date, _noon(date), _noon(date), wall=True)
    start = min([*times.values(), *(p.start for p in placed)])
    end = max([*times.values(), *(_end(p) for p in placed)])
    sleep_start, sleep_end = _sleep(times, problems)
    zone_start, zone_end = (None, None) if wall else _own_zones(found.values())
    return replace(
        _told(row, date, start, end, wall=wall),
        zone_start=zone_start,
        zone_end=zone_end,
        parts=_pieces(start, start, end),
        in_bed=_pieces(start, times.get("bed_time"), times.get("wake_time")),
        hypnogram=_hypnogram(start, placed),
        sleep_start=sleep_start,
        sleep_end=sleep_end,
    )


def _placed(time: dt.datetime, wall: bool) -> dt.datetime:
    return time.replace(tzinfo=dt.UTC) if wall else time.astimezone(dt.UTC)


def _end(phase: _Phase) -> dt.datetime:
    return phase.start + dt.timedelta(seconds=phase.seconds)


def _noon(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(12), dt.UTC)


def _one_sleep(
    times: dict[str, dt.datetime], phases: list[_Phase], problems: list[str]
) -> tuple[dict[str, dt.datetime], list[_Phase]]:
    """Without times, and without phases, that lie too far apart to be of one sleep."""
    if times and max(times.values()) - min(times.values()) > LONGEST:
        problems.append("its times lie more than a day and a half apart")
        times = {}
    low = min([*times.values(), *(p.start for p in phases)], default=None)
    high = max([*times.values(), *(_end(p) for p in phases)], default=None)
    if low is not None and high is not None and high - low > LONGEST:
        problems.append("its sleep phases lie too far apart")
        phases = []
    return times, phases


def _own_zones(times: Iterable[dt.datetime]) -> tuple[str | None, str | None]:
    """The offsets that the first and the last time carry; `Z` tells the instant and no place."""
    names: list[str | None] = []
    for time in sorted(times):
        offset = time.utcoffset() or dt.timedelta()
        names.append(offset_name(_seconds(offset)) if offset else None)
    return (names[0], names[-1]) if names else (None, None)


def _told(
    row: Row, date: dt.date | None, start: dt.datetime, end: dt.datetime, *, wall: bool
) -> Session:
    """All that the row says but for its times."""
    return Session(
        external_id=str(row.get("id")),
        source=Source(PROVIDER, source_name(row)),
        start=start,
        end=end,
        method=Method.MANUAL,
        wall=wall,
        totals=_totals(row),
        vitals=_vitals(row),
        maker_date=date,
    )


def _pieces(
    origin: dt.datetime, start: dt.datetime | None, end: dt.datetime | None
) -> tuple[Piece, ...]:
    if start is None or end is None or end <= start:
        return ()
    return (Piece(_seconds(start - origin), _seconds(end - start)),)


def _seconds(span: dt.timedelta) -> int:
    return int(span.total_seconds())


def _sleep(
    times: Mapping[str, dt.datetime], problems: list[str]
) -> tuple[dt.datetime | None, dt.datetime | None]:
    start, end = times.get("sleep_start_time"), times.get("sleep_end_time")
    if start is not None and end is not None and end < start:
        problems.append("its sleep ends before it begins")
        return None, None
    return start, end


def _hypnogram(origin: dt.datetime, phases: Sequence[_Phase]) -> tuple[Segment, ...]:
    """In order and free of overlaps: a phase begins where the one before it ended."""
    segments: list[Segment] = []
    done = 0
    for phase in sorted(phases, key=lambda p: (p.start, p.seconds)):
        start = _seconds(phase.start - origin)
        end = start + phase.seconds
        if end > done:
            begin = max(start, done)
            segments.append(Segment(begin, end - begin, phase.stage))
            done = end
    return tuple(segments)


def _totals(row: Row) -> Totals | None:
    total = _duration(row.get("total_sleep_time"))
    names = ("light", "deep", "rem")
    stages = {name: _duration(row.get(f"{name}_sleep_duration")) for name in names}
    awake = _duration(row.get("awake_duration"))
    known = sum(seconds for seconds in stages.values() if seconds)
    if not known:  # nothing but zeros: the sleep was not staged
        stages = dict.fromkeys(names)
    asleep = total if total is None or not known else max(0, total - known) or None
    if total is None and awake is None and not known:
        return None
    return Totals(**stages, asleep=asleep, awake=awake, awake_scope="in_bed")


def _vitals(row: Row) -> dict[str, Vital]:
    found = {
        "heart_rate": Vital(
            _measure(row.get("avg_heart_rate")),
            _measure(row.get("min_heart_rate")),
            _measure(row.get("max_heart_rate")),
        ),
        "hrv_rmssd": Vital(_measure(row.get("avg_hrv"))),
        "breathing_rate": Vital(_measure(row.get("avg_breathing_rate"))),
    }
    return {name: vital for name, vital in found.items() if vital != Vital(None)}


def _edits(row: Row) -> Iterable[tuple[EditKind, Mapping[str, object]]]:
    for kind, column in (
        (EditKind.RATING, "quality_rating"),
        (EditKind.NOTES, "quality_notes"),
    ):
        said = row.get(column)
        if isinstance(said, str) and said.strip():
            yield kind, {str(kind): said}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _measure(value: object) -> float | None:
    """The app writes 0 where it measured none."""
    number = _number(value)
    return float(number) if number else None


def _duration(value: object) -> int | None:
    """Minutes as seconds."""
    minutes = _number(value)
    if minutes is None or minutes * 60 > LONGEST.total_seconds():
        return None
    return round(minutes * 60)
