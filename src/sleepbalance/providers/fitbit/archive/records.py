"""One sleep of the archive as a raw record: its log entry, its row with stages, or both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sleepbalance.model import MANUAL_MARK, UNNAMED, Source
from sleepbalance.payloads import decode, decode_as, digest, inside, numeral, text
from sleepbalance.provider import Raw, misplaced

from .tables import Row
from .times import ahead, instant, wall, zone

SLEEP = "archive-sleep"
DEVICE = Source(UNNAMED, "Fitbit")
HAND = Source(UNNAMED + MANUAL_MARK, "Fitbit")
NEAR = dt.timedelta(minutes=2)  # between two tellings of one sleep
QUARTER = dt.timedelta(minutes=15)  # all offsets are multiples of it
ROUNDED = dt.timedelta(minutes=1)  # by so much a duration is rounded
FURTHEST = dt.timedelta(hours=26)  # between two clocks on earth
STAGED = ("light", "deep", "rem")

Ends = tuple[dt.datetime | None, dt.datetime | None]


@dataclass(slots=True)
class Line:
    """A row of UserSleeps, and the lines of UserSleepStages that belong to it."""

    row: Row
    header: str = ""
    stages: list[str] = field(default_factory=list)

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
    def walls(self) -> Ends:
        """What the clock on the wall showed at both ends, as if in UTC."""
        (start, end), (here, there) = self.ends, self.zones
        return _shown(start, here), _shown(end, there)

    @property
    def by_hand(self) -> bool:
        return "MANUAL" in text(self.row.get("data_source")).upper()

    def is_of(self, ends: Ends) -> bool:
        """Whether it tells the sleep that had these ends on the wall."""
        pairs = list(zip(self.walls, ends, strict=True))
        return all(a is not None and b is not None and abs(a - b) <= NEAR for a, b in pairs)


def _shown(moment: dt.datetime | None, where: str | None) -> dt.datetime | None:
    return None if moment is None or where is None else moment + ahead(where)


class Kept(msgspec.Struct):
    """The payload of a sleep."""

    log: msgspec.Raw = msgspec.Raw()  # empty where there is none
    row: Row | None = None
    header: str = ""
    stages: list[str] = msgspec.field(default_factory=list)

    @property
    def line(self) -> Line | None:
        return Line(self.row, self.header, self.stages) if self.row is not None else None


def kept(payload: bytes) -> Kept:
    """What a payload holds; nothing where it cannot be read."""
    return decode_as(payload, Kept) or Kept()


def _payload(entry: bytes | None, line: Line | None) -> bytes:
    parts = [b'"log":%b' % entry] if entry else []
    if line:
        told = {"row": line.row, "header": line.header, "stages": line.stages}
        parts.append(msgspec.json.encode(told)[1:-1])
    return b"{%b}" % b",".join(parts)


def merge_sleeps(payloads: Sequence[bytes]) -> bytes:
    """The newest; what an older one knew of its place in time stays if that still fits."""
    newest = kept(payloads[-1])
    if not bytes(newest.log) or newest.row is not None:
        return payloads[-1]
    ends = walls_of(inside(decode(bytes(newest.log))))
    for payload in reversed(payloads[:-1]):
        line = kept(payload).line
        if line is not None and line.is_of(ends):
            return _payload(bytes(newest.log), line)
    return payloads[-1]


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


def log_record(entry: bytes, line: Line | None, now: dt.datetime) -> Raw:
    """A log entry, placed by what the wall showed, with the row that tells where that was."""
    told = inside(decode(entry))
    start, end = walls_of(told)
    log_id = _id(told.get("logId"))
    problem = misplaced(start, end, now, None if log_id else "has no id")
    return Raw(
        key=f"log/{log_id or digest(entry)}",
        kind=SLEEP,
        source=HAND if by_hand(told) else DEVICE,
        payload=_payload(entry, line),
        start=None if problem else start,
        end=None if problem else end,
        zone=line.zones[0] if line else None,
        problem=problem,
    )


def line_record(line: Line, now: dt.datetime) -> Raw:
    """A row of which there is no log entry."""
    start, end = line.ends
    problem = misplaced(start, end, now, None if line.id else "has no id")
    payload = _payload(None, line)
    return Raw(
        key=f"row/{line.id or digest(payload)}",
        kind=SLEEP,
        source=HAND if line.by_hand else DEVICE,
        payload=payload,
        start=None if problem else start,
        end=None if problem else end,
        zone=line.zones[0],
        revised_at=instant(line.row.get("sleep_last_updated")),
        problem=problem,
    )


def unreadable(piece: bytes) -> Raw:
    problem = "is no sleep log: damaged, or cut off"
    return Raw(
        key=f"log/{digest(piece)}", kind=SLEEP, source=DEVICE, payload=piece, problem=problem
    )


def _id(value: object) -> str:
    """A number, as Fitbit writes it, or a word."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value)[:64] if whole else text(value)[:64]
