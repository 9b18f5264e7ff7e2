"""What a watch uploads in the course of time, and Garmin's servers make of it, in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sleepbalance.sandbox.parts.garmin import summaries
from sleepbalance.sandbox.parts.garmin.night import Night, told
from sleepbalance.sandbox.parts.garmin.summaries import Summary
from sleepbalance.sandbox.parts.garmin.times import day_in, seconds_ahead
from sleepbalance.sandbox.people import DAY, Person
from sleepbalance.sandbox.world import World

LOOKED_BACK = 100 * DAY  # older nights are told no more, even if somebody edits them
AFTER_MIDNIGHT = dt.timedelta(minutes=20)
INSTANT = dt.timedelta(microseconds=1)
Settings = Mapping[str, Any]
Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, eq=False)
class Happening:
    """One summary of one type, uploaded at that instant."""

    at: dt.datetime
    person: Person
    kind: str
    summary: Summary


def between(
    world: World, person: Person, since: dt.datetime, until: dt.datetime, settings: Settings
) -> Iterator[Happening]:
    """After `since` until `until`, oldest first."""
    for at, date in sorted(_moments(world, person, since, until)):
        yield from _changed(world, person, at, date, settings)
    yield from _days_that_end(person, since, until)


def _moments(
    world: World, person: Person, since: dt.datetime, until: dt.datetime
) -> set[tuple[dt.datetime, dt.date]]:
    """When something is told of which date."""
    found = set()
    date = max(person.began, since.date() - LOOKED_BACK)
    while date <= until.date() + DAY:
        for sleep in world.all_of(person, date):
            found |= {(t.at, sleep.date_of(t)) for t in sleep.tellings if since < t.at <= until}
        lying = told(world, person, date, until).off_wrist if not person.wears(date) else None
        if lying and since < (at := lying.end + dt.timedelta(minutes=40)) <= until:
            found.add((at, date))
        date += DAY
    return found


def _changed(
    world: World, person: Person, at: dt.datetime, date: dt.date, settings: Settings
) -> Iterator[Happening]:
    before, after = (told(world, person, date, when) for when in (at - INSTANT, at))
    for summary in _sleeps(before, after, settings):
        yield Happening(at, person, "sleeps", summary)
    if not after.parts:
        return
    for kind, found in summaries.companions(after).items():
        for summary in found:
            yield Happening(at, person, kind, summary)
    if not before.parts and (day := summaries.daily(after, person.place(date), at)):
        yield Happening(at, person, "dailies", day)


def _sleeps(before: Night, after: Night, settings: Settings) -> Iterator[Summary]:
    """A night that is gone is told as one off the wrist, by the name that it had."""
    if after.parts:
        yield summaries.sleep(after, settings)
    elif before.parts:
        yield summaries.off_wrist(before, before.start, before.ahead_at_start)
    elif after.off_wrist:
        yield _lying(after)


def _lying(night: Night) -> Summary:
    rest = night.off_wrist
    assert rest
    return summaries.off_wrist(night, rest.start, seconds_ahead(rest.start, rest.zone_start))


def _days_that_end(person: Person, since: dt.datetime, until: dt.datetime) -> Iterator[Happening]:
    """A day is told once more when it is over."""
    date = max(person.began, since.date() - 2 * DAY)
    while date <= until.date():
        zone = person.place(date)
        at = day_in(date, zone)[1] + AFTER_MIDNIGHT
        day = summaries.daily(Night(person, date), zone, at) if since < at <= until else None
        if day:
            yield Happening(at, person, "dailies", day)
        date += DAY


def in_span(
    world: World, person: Person, kind: str, span: Span, at: dt.datetime, settings: Settings
) -> Iterator[Happening]:
    """As told at that instant, whatever begins in that span: history that was asked for."""
    date = max(person.began, span[0].date() - DAY)
    while date <= min(span[1], at).date() + DAY:
        for summary in _of_type(told(world, person, date, at), kind, at, settings):
            start = dt.datetime.fromtimestamp(summary["startTimeInSeconds"], dt.UTC)
            if span[0] <= start <= span[1]:
                yield Happening(at, person, kind, summary)
        date += DAY


def _of_type(night: Night, kind: str, at: dt.datetime, settings: Settings) -> list[Summary]:
    if kind == "dailies":
        day = summaries.daily(night, night.person.place(night.date), at)
        return [day] if day else []
    if kind == "sleeps" and night.off_wrist:
        return [_lying(night)]
    if not night.parts:
        return []
    if kind == "sleeps":
        return [summaries.sleep(night, settings)]
    return summaries.companions(night).get(kind, [])
