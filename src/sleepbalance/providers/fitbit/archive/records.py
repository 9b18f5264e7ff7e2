"""Sleeps of the archive as raw records, each as it came: log entries, and rows of a table.

Both tell the same sleeps, and may come in files that are imported apart: `joining` puts them
together. Both are placed by what the clock on the wall showed, so that they lie side by side.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sleepbalance.model import MANUAL_MARK, UNNAMED, Source
from sleepbalance.payloads import decode, decode_as, digest, inside, numeral, text
from sleepbalance.provider import Raw, misplaced

from .tables import Row
from .times import ahead, instant, wall, zone

LOG, ROW = "archive-log", "archive-row"
DEVICE = Source(UNNAMED, "Fitbit")
HAND = Source(UNNAMED + MANUAL_MARK, "Fitbit")
NEAR = dt.timedelta(minutes=2)  # between two tellings of one sleep
QUARTER = dt.timedelta(minutes=15)  # all offsets are multiples of it
ROUNDED = dt.timedelta(minutes=1)  # by so much a duration is rounded
FURTHEST = dt.timedelta(hours=26)  # between two clocks on earth
STAGED = ("light", "deep", "rem")

Ends = tuple[dt.datetime | None, dt.datetime | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of UserSleeps, and those of UserSleepStages that belong to it."""

    row: Row
    stages: Sequence[Row] = ()

    @property
    def id(self) -> str:
        return text(self.row.get("sleep_id"))[:64]

    @property
    def ends(self) -> Ends:
        return instant(self.row.get("sleep_start")), instant(self.row.get("sleep_end"))

    @property
    def zones(self) -> tuple[str | None, str | None]:
        return zone(self.row.get("start_utc_offset")), zone(self.row.get("end_utc_offset"))

    @property
    def zoned(self) -> bool:
        return None not in self.zones

    @property
    def shown(self) -> Ends:
        """What the clock on the wall showed, as if in UTC; the instants where nobody knows it.

        Who flew west over the date line woke up before they went to bed: then as if they had not.
        """
        (start, end), (here, there) = self.ends, self.zones
        if start is None or end is None or here is None or there is None:
            return start, end
        begun, ended = start + ahead(here), end + ahead(there)
        return begun, ended if begun < ended or end <= start else begun + (end - start)

    @property
    def by_hand(self) -> bool:
        """Typed in. One that has stages was measured."""
        manual = "MANUAL" in text(self.row.get("data_source")).upper()
        return manual and text(self.row.get("sleep_type")).upper() != "STAGES"


def line_of(payload: bytes) -> Line | None:
    """The row that a payload holds; None where it cannot be read."""
    row = decode_as(payload, Row)
    return Line(row) if row is not None else None


def newest_row(payloads: Sequence[bytes]) -> bytes:
    """The one written last, whichever came last."""
    return max(payloads, key=_written)


def _written(payload: bytes) -> tuple[dt.datetime, bytes]:
    line = line_of(payload)
    told = instant(line.row.get("sleep_last_updated")) if line else None
    return told or dt.datetime.min.replace(tzinfo=dt.UTC), payload


def walls_of(told: Any) -> Ends:
    """Start and end of a log entry, on the wall; who flew west over the date line, as if not."""
    start, end = wall(told.get("startTime")), wall(told.get("endTime"))
    if start is not None and (end is None or end <= start):
        lasted = _lasted(told)
        if lasted and (end is None or _jumped(end - start, lasted) is not None):
            end = start + lasted
    return start, end


def elapsed(told: Any, start: dt.datetime, end: dt.datetime) -> dt.timedelta | None:
    """How long a sleep between these lasted, where the entry says it.

    The clock may have been set in it, or they flew: by quarters of an hour. What is written in
    whole minutes has its seconds from the clock.
    """
    lasted = _lasted(told)
    jumped = _jumped(end - start, lasted) if lasted else None
    return None if jumped is None else end - start - jumped


def _lasted(told: Any) -> dt.timedelta | None:
    seconds = (numeral(told.get("duration")) or 0) / 1000
    seconds = seconds or (numeral(told.get("timeInBed")) or 0) * 60
    return dt.timedelta(seconds=int(seconds)) if 0 < seconds < 10**6 else None


def _jumped(shown: dt.timedelta, lasted: dt.timedelta) -> dt.timedelta | None:
    """How far the clock was set between two times that it showed; None where no clock is."""
    jumped = round((shown - lasted) / QUARTER) * QUARTER
    apart = abs(shown - lasted - jumped)
    return jumped if apart <= ROUNDED and abs(jumped) <= FURTHEST else None


def by_hand(told: Any) -> bool:
    """Typed in. One that has stages was measured, and only begun or put right by a person."""
    levels = inside(told, "levels", "summary")
    staged = told.get("type") == "stages" or any(name in levels for name in STAGED)
    return told.get("logType") == "manual" and not staged


def log_record(entry: bytes, now: dt.datetime) -> Raw:
    """A log entry; nobody knows where that wall was."""
    told = inside(decode(entry))
    start, end = walls_of(told)
    log_id = _id(told.get("logId"))
    problem = misplaced(start, end, now, None if log_id else "has no id")
    return Raw(
        key=f"log/{log_id or digest(entry)}",
        kind=LOG,
        source=HAND if by_hand(told) else DEVICE,
        payload=entry,
        start=None if problem else start,
        end=None if problem else end,
        problem=problem,
    )


def row_record(row: Row, now: dt.datetime) -> Raw:
    """A row. Where it was its session tells: what is placed by a wall is no mark for others."""
    line, payload = Line(row), msgspec.json.encode(row)
    problem = misplaced(*line.ends, now, None if line.id else "has no id")
    start, end = line.shown
    return Raw(
        key=f"row/{line.id or digest(payload)}",
        kind=ROW,
        source=HAND if line.by_hand else DEVICE,
        payload=payload,
        start=None if problem else start,
        end=None if problem else end,
        revised_at=instant(row.get("sleep_last_updated")),
        problem=problem,
    )


def unreadable(piece: bytes) -> Raw:
    problem = "is no sleep log: damaged, or cut off"
    return Raw(key=f"log/{digest(piece)}", kind=LOG, source=DEVICE, payload=piece, problem=problem)


def _id(value: object) -> str:
    """A number, as Fitbit writes it, or a word."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value)[:64] if whole else text(value)[:64]
