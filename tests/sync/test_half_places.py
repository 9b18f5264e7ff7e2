"""Sleeps of which the maker tells where the clock was at their start, and not at their end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from sleepbalance.derive import derive_all
from sleepbalance.provider import Ask, Client, Normalised, Raw
from sleepbalance.store import people
from sleepbalance.store.engine import writing
from tests.sync.maker import night as slept
from tests.sync.maker import normalise, sleep
from tests.sync.world import World

BACK = dt.date(2026, 10, 25)  # the clocks of Berlin were put back that night


def _half(raws: Iterable[Raw]) -> Normalised:
    said = normalise(raws)
    return replace(said, sessions=tuple(replace(s, zone_end=None) for s in said.sessions))


def _told(world: World, offset: str) -> None:
    maker = world.provider

    def fetch(client: Client, ask: Ask) -> Iterator[Raw]:
        del client, ask
        start = dt.datetime(2026, 10, 24, 21, 30, tzinfo=dt.UTC)
        one = slept(BACK, start=start, end=start + dt.timedelta(hours=8))
        yield replace(sleep(one.told()), zone=offset)

    door = maker.remote[0]
    api = replace(door.api, resources=(replace(door.api.resources[0], fetch=fetch),))
    world.provider = replace(maker, doors=(replace(door, api=api),), normalise=_half)


@pytest.mark.parametrize(
    ("offset", "home", "woke"),
    [
        ("+02:00", "Europe/Berlin", "2026-10-25T06:30:00+01:00"),
        ("+02:00", "Africa/Johannesburg", "2026-10-25T07:30:00+02:00"),
        ("+09:00", "Europe/Berlin", "2026-10-25T14:30:00+09:00"),  # on a journey
        ("+02:00", None, "2026-10-25T07:30:00+02:00"),
    ],
)
def test_the_end_is_where_the_person_lives_if_the_start_was(
    lite: World, offset: str, home: str | None, woke: str
) -> None:
    _told(lite, offset)
    lite.sync(first=dt.date(2026, 10, 20), last=dt.date(2026, 10, 26))
    if home is not None:
        with writing(lite.engine) as connection:
            people.set_zone(connection, lite.user_id, home)
            derive_all(connection, lite.user_id)
    (night,) = lite.nights().values()
    assert night["sleep_end_time"] == woke
    assert night["total_sleep_time"] == 480
