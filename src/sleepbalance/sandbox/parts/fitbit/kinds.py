"""The data types that are played: what each is made of, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.parts.fitbit import points
from sleepbalance.sandbox.parts.fitbit.filters import Filter, Moment
from sleepbalance.sandbox.people import DAY, Person
from sleepbalance.sandbox.world import Seen, World

SCOPE = "https://www.googleapis.com/auth/googlehealth."
SLEEP = SCOPE + "sleep.readonly"
METRICS = SCOPE + "health_metrics_and_measurements.readonly"
SETTINGS = SCOPE + "settings.readonly"
PROFILE = SCOPE + "profile.readonly"

Bounds = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True)
class Entry:
    """One data point: `key` sorts it and marks its place between two pages."""

    key: str
    moment: Moment
    member: Callable[[], Any]
    seen: Seen | None = None
    by_hand: bool = False


Source = Callable[[World, Person, Bounds], Iterator[Entry]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One data type. `record` decides what may be filtered: session, sample or daily."""

    id: str
    member: str
    record: str
    entries: Source
    scope: str = METRICS
    page: int = 1440
    most: int = 10_000
    method: str = "DERIVED"

    @property
    def filter_name(self) -> str:
        return self.id.replace("-", "_")


def bounds(world: World, person: Person, parsed: Filter) -> Bounds:
    """Between which instants to look, generously: whatever is left over is filtered after."""
    low = dt.datetime.combine(person.began, dt.time(), tzinfo=dt.UTC) - 2 * DAY
    high = world.now()
    for group in parsed:
        if len(group) > 1:
            continue
        edge = _instant(group[0].value)
        if group[0].at_least:
            low = max(low, edge - 2 * DAY)
        else:
            high = min(high, edge + 2 * DAY)
    return low, high


def _instant(value: dt.date) -> dt.datetime:
    if not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time(), tzinfo=dt.UTC)
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


# -- sources -------------------------------------------------------------------------------------


def _sleeps(world: World, person: Person, within: Bounds) -> Iterator[Entry]:
    for seen in _between(world, person, within):
        end = seen.telling.end
        yield Entry(
            f"{points.instant(seen.telling.start)} {seen.sleep.id}",
            Moment(end=end, civil=_wall(end.astimezone(ZoneInfo(seen.sleep.zone_end)))),
            partial(points.sleep, person, seen),
            seen,
            by_hand=seen.sleep.device is None,
        )


def _between(world: World, person: Person, within: Bounds) -> list[Seen]:
    low, high = within
    return world.sleeps(person, low.date() - DAY, high.date() + DAY)


def _nights(world: World, person: Person, within: Bounds) -> Iterator[Seen]:
    """The main sleeps with stages, newest first: what daily values are made of."""
    found = _between(world, person, within)
    return (s for s in found if s.main and s.telling.form == "staged")


def _wall(here: dt.datetime) -> dt.datetime:
    return here.replace(tzinfo=None)


def _nightly(make: Callable[[Person, dt.date], Any]) -> Source:
    def entries(world: World, person: Person, within: Bounds) -> Iterator[Entry]:
        for seen in _nights(world, person, within):
            yield Entry(
                seen.date.isoformat(), Moment(date=seen.date), partial(make, person, seen.date)
            )

    return entries


def _resting(world: World, person: Person, within: Bounds) -> Iterator[Entry]:
    slept = {seen.date for seen in _nights(world, person, within)}
    for day in points.worn_days(world, person, within[0].date(), within[1].date()):
        yield Entry(
            day.isoformat(),
            Moment(date=day),
            partial(points.daily_resting, person, day, slept=day in slept),
        )


def _summaries(world: World, person: Person, within: Bounds) -> Iterator[Entry]:
    for seen in _between(world, person, within):
        if seen.telling.form == "staged":
            at = seen.telling.end.astimezone(ZoneInfo(seen.sleep.zone_end))
            yield Entry(
                points.instant(at),
                Moment(end=at, civil=_wall(at)),
                partial(points.breath_summary, person, seen),
            )


def _in_sleep(make: Callable[[Person, Seen, dt.datetime], Any], minutes: int) -> Source:
    def entries(world: World, person: Person, within: Bounds) -> Iterator[Entry]:
        low, high = within
        staged = (s for s in _between(world, person, within) if s.telling.form == "staged")
        for seen in staged:
            if seen.telling.end < low or seen.telling.start > high:
                continue
            for at in points.in_sleep(seen, minutes):
                here = at.astimezone(ZoneInfo(seen.sleep.zone_start))
                yield Entry(
                    points.instant(at),
                    Moment(end=at, civil=_wall(here)),
                    partial(make, person, seen, at),
                )

    return entries


def _pulse(world: World, person: Person, within: Bounds) -> Iterator[Entry]:
    low, high = within
    while high > low:
        start = max(low, high - DAY)
        for body in points.pulse(person, start, high):
            text = body["sampleTime"]["physicalTime"]
            at = dt.datetime.fromisoformat(text)
            civil = _wall(points.local(person, at))
            yield Entry(text, Moment(end=at, civil=civil), partial(dict, body))
        high = start


KINDS = {
    kind.id: kind
    for kind in (
        Kind(
            id="sleep",
            member="sleep",
            record="session",
            entries=_sleeps,
            scope=SLEEP,
            page=25,
            most=25,
        ),
        Kind(
            id="heart-rate",
            member="heartRate",
            record="sample",
            entries=_pulse,
            page=50,  # as captured; 1440 is what the document says it may be at most
            method="PASSIVELY_MEASURED",
        ),
        Kind(
            id="heart-rate-variability",
            member="heartRateVariability",
            record="sample",
            entries=_in_sleep(points.hrv_sample, 5),
        ),
        Kind(
            id="daily-heart-rate-variability",
            member="dailyHeartRateVariability",
            record="daily",
            entries=_nightly(points.daily_hrv),
        ),
        Kind(
            id="daily-resting-heart-rate",
            member="dailyRestingHeartRate",
            record="daily",
            entries=_resting,
        ),
        Kind(
            id="daily-respiratory-rate",
            member="dailyRespiratoryRate",
            record="daily",
            entries=_nightly(points.daily_breath),
        ),
        Kind(
            id="respiratory-rate-sleep-summary",
            member="respiratoryRateSleepSummary",
            record="sample",
            entries=_summaries,
        ),
        Kind(
            id="daily-oxygen-saturation",
            member="dailyOxygenSaturation",
            record="daily",
            entries=_nightly(points.daily_oxygen),
            method="PASSIVELY_MEASURED",
        ),
        Kind(
            id="oxygen-saturation",
            member="oxygenSaturation",
            record="sample",
            entries=_in_sleep(points.oxygen_sample, 1),
            method="PASSIVELY_MEASURED",
        ),
        Kind(
            id="daily-sleep-temperature-derivations",
            member="dailySleepTemperatureDerivations",
            record="daily",
            entries=_nightly(points.daily_warmth),
        ),
    )
}


def filtered(
    entries: Iterator[Entry], parsed: Callable[[Moment], bool], before: str | None
) -> Iterator[Entry]:
    """What the filter lets through and lies after the place where the last page ended."""
    return (e for e in entries if (before is None or e.key < before) and parsed(e.moment))
