"""Makes raw records of what Garmin tells of a day: one of its night, one of each nap.

A day of the Personal API and a day of the account export are told apart by the kind of the record.
What came from the export is wrapped, with the last date of the file that it was in:
`{"file": "2026-11-13", "record": ...}`, as the same day lies in several files.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sleepbalance.model import Source
from sleepbalance.payloads import date, decode, digest, inside, items, numeral, offset, text
from sleepbalance.provider import Raw, anywhere, misplaced

from .values import instant

GARMIN = Source("garmin", "Garmin")  # it says of no sleep which device told it
BY_HAND = Source("garmin#manual", "Garmin")

SECOND = dt.timedelta(seconds=1)

NIGHT, NAP, HRV, RESTING, STATUS = "day", "nap", "hrv", "resting heart rate", "health status"
EXPORTED = "exported "  # before the kind of what lies in an account export
OFF_WRIST = "OFF_WRIST"
BY_HAND_IN_CONNECT = 2  # of `napSource`; 1 is a nap begun by hand on the watch, which measured it

Told = Mapping[str, Any]


def record_of(raw: Raw) -> Told:
    """What the maker wrote, without our wrapping."""
    told = decode(raw.payload)
    return inside(told, "record") if raw.kind.startswith(EXPORTED) else inside(told)


def kind_of(raw: Raw) -> str:
    return raw.kind.removeprefix(EXPORTED)


def confirmation(told: Told) -> str:
    """How the window of a night was confirmed; the export writes it in capitals."""
    return text(told.get("sleepWindowConfirmationType")).upper()


def off_wrist(told: Told) -> bool:
    return confirmation(told) == OFF_WRIST


def staged(told: Told) -> bool:
    return any(numeral(told.get(f"{stage}SleepSeconds")) for stage in ("deep", "light", "rem"))


def by_hand(told: Told) -> bool:
    """Whether no device saw it.

    A night whose times the person put right is "manually confirmed" too, and was measured.
    """
    if "napStartTimestampGMT" in told:
        return told.get("napSource") == BY_HAND_IN_CONNECT
    if staged(told):
        return told.get("sleepFromDevice") is False
    return told.get("sleepFromDevice") is False or confirmation(told) == "MANUALLY_CONFIRMED"


def source_of(told: Told) -> Source:
    return BY_HAND if by_hand(told) else GARMIN


def offsets(told: Told) -> tuple[str | None, str | None]:
    """Where the clock was at both ends, as far as the record says."""
    if "napStartTimestampGMT" in told:
        minutes = (numeral(told.get(f"nap{end}TimeOffset")) for end in ("Start", "End"))
        start, end = (offset(None if m is None else m * 60) for m in minutes)
        return start, end
    return _shown(told, "Start"), _shown(told, "End")


def _shown(told: Told, end: str) -> str | None:
    """The local time is written as if it were an instant; what is between them is the offset."""
    wall = instant(told.get(f"sleep{end}TimestampLocal"))
    true = instant(told.get(f"sleep{end}TimestampGMT"))
    return offset((wall - true).total_seconds()) if wall and true else None


# -- raw records ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads days as of `now`; `file` is the last date of the export's file that they lie in."""

    now: dt.datetime
    file: str | None = None

    def day(self, payload: bytes) -> Iterator[Raw]:
        """The night of a day, where there was one, and its naps."""
        told = decode(payload)
        if not isinstance(told, dict):
            problem = "is no record of a day"
            yield self._unreadable(NIGHT, payload, problem)
            return
        if told.get("sleepStartTimestampGMT") is not None or off_wrist(told):
            yield self._night(payload, told)
        for nap in [*items(told.get("dailyNapDTOS")), *items(told.get("napList"))]:
            yield self._nap(nap)

    def _night(self, payload: bytes, told: Told) -> Raw:
        span = [instant(told.get(f"sleep{end}TimestampGMT")) for end in ("Start", "End")]
        day = date(told.get("calendarDate"))
        start, end = _placed_anyhow(span, day) if off_wrist(told) else span
        return self._sleep(NIGHT, str(day) if day else _stamp(start), payload, told, (start, end))

    def _nap(self, told: Any) -> Raw:
        payload = json.dumps(told).encode()
        if not isinstance(told, dict):
            return self._unreadable(NAP, payload, "is no record of a nap")
        start, end = (instant(told.get(f"nap{end}TimestampGMT")) for end in ("Start", "End"))
        return self._sleep(NAP, _stamp(start), payload, told, (start, end))

    def _sleep(
        self,
        kind: str,
        name: str,
        payload: bytes,
        told: Told,
        span: tuple[dt.datetime | None, dt.datetime | None],
    ) -> Raw:
        problem = misplaced(*span, self.now)
        if problem:
            return replace(self._unreadable(kind, payload, problem), source=source_of(told))
        source = source_of(told)
        # an import leaves a record with its source: what a person typed in has a name of its own
        apart = "by hand/" if self.file is not None and source is BY_HAND else ""
        return Raw(
            key=f"{kind}/{apart}{name}",
            kind=self._kind(kind),
            source=source,
            payload=self._wrapped(payload),
            start=span[0],
            end=span[1],
            revised_at=instant(told.get("updateTimestampGMT")),
            zone=offsets(told)[0],
        )

    def beside(self, kind: str, payload: bytes, day: dt.date) -> Raw:
        """What is told of a date and is no sleep."""
        begins, ends = anywhere(day)
        return Raw(
            key=f"{kind}/{day}",
            kind=self._kind(kind),
            source=GARMIN,
            payload=self._wrapped(payload),
            start=begins,
            end=ends,
            companion=True,
        )

    def unreadable_beside(self, kind: str, payload: bytes, problem: str) -> Raw:
        return replace(self._unreadable(kind, payload, problem), companion=True)

    def unreadable(self, payload: bytes, problem: str) -> Raw:
        """What should have been days."""
        return self._unreadable(NIGHT, payload, problem)

    def _unreadable(self, kind: str, payload: bytes, problem: str) -> Raw:
        """By a name of its own, so that it takes no readable record's place."""
        return Raw(
            key=f"{kind}/unreadable/{digest(payload)}",
            kind=self._kind(kind),
            source=GARMIN,
            payload=payload,
            problem=problem,
        )

    def _kind(self, kind: str) -> str:
        return kind if self.file is None else EXPORTED + kind

    def _wrapped(self, payload: bytes) -> bytes:
        if self.file is None:
            return payload
        return b'{"file":"%s","record":%s}' % (self.file.encode(), payload)


def _stamp(start: dt.datetime | None) -> str:
    return f"{start:%Y-%m-%dT%H:%M:%SZ}" if start else ""


def _placed_anyhow(
    span: list[dt.datetime | None], day: dt.date | None
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Off the wrist there may be no times, or none between them; the word counts all the same."""
    start, end = span
    if start is None and day is not None:
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
    if start is not None and (end is None or end <= start):
        end = start + SECOND
    return start, end
