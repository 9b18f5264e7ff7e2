"""What comes beside sleeps and suddenly does not, without an error: asked once more."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from sleepbalance.provider import Reading
from tests.sync.maker import make_provider, night
from tests.sync.world import DAY, World

SECOND = "2026-10-20", "2026-11-08"  # the second window
LAST = dt.date(2026, 11, 22)


@pytest.fixture
def months(world: World) -> World:
    """A history of several windows that all hold sleeps."""
    world.provider = make_provider(Reading(longest=20, first=14, settles_after=7, history=54))
    world.maker.add_nights("2026-09-30", "2026-11-22")
    return world


def hearts(world: World) -> list[dt.date]:
    """The nights that have a heart rate."""
    return [day for day, told in world.nights().items() if told["avg_heart_rate"] is not None]


def requests(world: World) -> list[str]:
    return [path for path, _ in world.maker.asked]


def hush(world: World, first: str, last: str, heart: float | None = None) -> None:
    """The maker gives no heart rates of these nights, or gives them again."""
    told = {key: sleep for key, sleep in world.maker.sleeps.items() if first <= key[1:] <= last}
    world.maker.add(*(replace(sleep, heart=heart) for sleep in told.values()))


def test_nothing_at_the_whole_first_sync_heals_at_the_next(months: World) -> None:
    hush(months, "2026-09-30", "2026-11-22")
    first = months.sync()
    assert len(first) == 3
    assert hearts(months) == []
    assert {a["detail"]["came"]["heart rate"] for a in first} == {0}
    assert list(months.ranges()) == ["fetched"]  # it may have none: nobody asks again
    hush(months, "2026-09-30", "2026-11-22", 55.0)
    months.sync()
    assert len(hearts(months)) == len(months.nights()) == 54
    assert list(months.ranges()) == ["fetched"]
    assert len(months.sync()) == 1


def test_nothing_in_one_window_heals_at_the_next_sync(months: World) -> None:
    hush(months, *SECOND)
    (_, second, third) = months.sync()
    assert second["detail"]["summary"].endswith(", no heart rate came")
    assert second["status"] == "success"
    assert "no heart rate" not in third["detail"]["summary"]
    assert months.ranges()["wanted"] == [tuple(map(dt.date.fromisoformat, SECOND))]
    hush(months, *SECOND, 55.0)
    months.sync()
    assert len(hearts(months)) == 54
    assert list(months.ranges()) == ["fetched"]


def test_nothing_again_is_believed(months: World) -> None:
    hush(months, *SECOND)
    months.sync()
    (_, again) = months.sync()
    assert again["detail"]["summary"].endswith(", no heart rate came")
    assert list(months.ranges()) == ["fetched"]
    assert len(months.sync()) == 1


def test_what_never_comes_costs_nothing_more(months: World) -> None:
    for attempt in months.sync():
        assert attempt["detail"]["came"]["mood"] == 0
        assert "mood" not in attempt["detail"]["summary"]
    for _ in range(3):
        months.now += DAY
        months.sync()
        assert requests(months).count("moods") == 1
        assert list(months.ranges()) == ["fetched"]


def test_a_device_that_no_longer_tells_is_noticed_once(months: World) -> None:
    months.sync()
    for day in range(1, 9):
        months.now += DAY
        months.maker.add(night(LAST + day * DAY, heart=None))
        hush(months, "2026-11-01", "2026-12-31")
        assert len(months.sync()) == 1
    assert list(months.ranges()) == ["fetched"]
    assert len(months.sync()) == 1


def test_nothing_for_two_sleeps_proves_nothing(world: World) -> None:
    world.maker.add_nights("2026-11-01", "2026-11-08")
    world.sync()
    world.now += 20 * DAY
    world.maker.add(night("2026-12-01", heart=None), night("2026-12-02", heart=None))
    world.sync()
    assert "wanted" not in world.ranges()
