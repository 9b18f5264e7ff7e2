"""What was measured beside a sleep: the numbers of its date, its score, its samples."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sleepbalance.model import Vital
from sleepbalance.payloads import numeral
from sleepbalance.provider import Raw

from .files import DETAILED, RESTING
from .packs import DAYS, DETAILS, told
from .tables import Row
from .times import ahead, date, instant, wall

NO_OXYGEN = 50.0  # percent, written for "could not be measured"
MISSING = -1
FEW = 5  # samples of which no night's mean is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What tells which of the numbers are of a sleep. `wall`: first and last sleep by the clock."""

    day: dt.date
    log_id: str | None
    sleep_id: str | None
    wall: tuple[dt.datetime, dt.datetime]
    zone: str | None
    main: bool
    hand: bool


class Daily(NamedTuple):
    """One number a night. Outside its limits no sleeper is alive, or nothing was measured."""

    table: str
    dated: str
    column: str
    vital: str
    low: float
    high: float


DAILY = (
    Daily("hrv", "timestamp", "rmssd", "hrv_rmssd", 1, 500),
    Daily("breathing", "timestamp", "daily_respiratory_rate", "breathing_rate", 3, 60),
    Daily("breathing by stage", "timestamp", "full_sleep_breathing_rate", "breathing_rate", 3, 60),
    Daily("oxygen", "timestamp", "average_value", "spo2", NO_OXYGEN + 0.1, 100),
    Daily("temperature", "sleep_end", "nightly_temperature", "skin_temperature", 15, 45),
)


def measured(beside: Sequence[Raw], night: Night) -> tuple[dict[str, Vital], dict[str, object]]:
    """Vitals of a sleep, and what the maker says of it elsewhere, as it says it.

    The numbers of a date are those of the sleep that it calls the main one.
    """
    facts: dict[str, object] = {}
    if score := _score(beside, night):
        facts["score"] = score
    if night.hand or not night.main:
        return {}, facts
    vitals = _daily(beside, night.day, facts)
    if "hrv_rmssd" not in vitals:
        vitals |= _rates(beside, night)
    if "spo2" not in vitals:
        vitals |= _oxygen(beside, night)
    if resting := _resting(beside, night.day):
        facts["restingHeartRate"] = resting
    return vitals, facts


def _daily(beside: Sequence[Raw], day: dt.date, facts: dict[str, object]) -> dict[str, Vital]:
    """The numbers of a date; `facts` takes the rows that they are from."""
    vitals: dict[str, Vital] = {}
    for each in DAILY:
        for row in _rows(beside, each.table):
            if date(row.get(each.dated)) != day:
                continue
            facts[each.table] = row
            value = numeral(row.get(each.column))
            if value is not None and each.low <= value <= each.high:
                vitals.setdefault(each.vital, Vital(value))
    return vitals


def _rows(beside: Iterable[Raw], table: str) -> Iterator[Row]:
    kind = DETAILS if table in DETAILED else DAYS
    for raw in beside:
        if raw.kind == kind:
            yield from told(raw.payload).get(table, ())


def _score(beside: Sequence[Raw], night: Night) -> dict[str, object]:
    """Of the log entry, else of the row; what is missing is empty in one and -1 in the other."""
    wanted = (
        ("log scores", "sleep_log_entry_id", night.log_id),
        ("scores", "sleep_id", night.sleep_id),
    )
    for table, column, name in wanted:
        for row in _rows(beside, table):
            if name and row.get(column) == name:
                return {k: v for k, v in row.items() if v and numeral(v) != MISSING}
    return {}


def _resting(beside: Sequence[Raw], day: dt.date) -> float | None:
    """A number of the day, not of the night."""
    for row in _rows(beside, RESTING):
        if date(row.get("date")) == day:
            return numeral(row.get("value"))
    for row in _rows(beside, "resting by day"):
        if date(row.get("timestamp")) == day:
            return numeral(row.get("beats per minute"))
    return None


# Means of what was measured between the first and the last sleep, for want of the maker's.


def _rates(beside: Sequence[Raw], night: Night) -> dict[str, Vital]:
    first, last = night.wall
    values = [
        value
        for row in _rows(beside, "hrv details")
        if (at := wall(row.get("timestamp"))) and first <= at < last
        if (value := numeral(row.get("rmssd"))) is not None and 1 <= value <= 500
    ]
    return _mean("hrv_rmssd", values)


def _oxygen(beside: Sequence[Raw], night: Night) -> dict[str, Vital]:
    """These are in UTC: nothing where nobody knows where this sleep was."""
    if night.zone is None:
        return {}
    first, last = (moment - ahead(night.zone) for moment in night.wall)
    values = [
        value
        for row in _rows(beside, "oxygen by minute")
        if (at := instant(row.get("timestamp"))) and first <= at < last
        if (value := numeral(row.get("value"))) is not None and NO_OXYGEN < value <= 100
    ]
    return _mean("spo2", values)


def _mean(name: str, values: Sequence[float]) -> dict[str, Vital]:
    vital = Vital.of(values) if len(values) >= FEW else None
    return {name: vital} if vital else {}
