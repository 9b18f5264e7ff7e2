"""Empty answers: never taken at their word at once."""

from __future__ import annotations

import datetime as dt

import pytest

from sleepbalance.provider import Reading
from tests.sync.maker import EMPTY, make_provider, night
from tests.sync.world import DAY, World

FIRST = dt.date(2026, 10, 10)


@pytest.fixture
def world(lite: World) -> World:
    lite.provider = make_provider(Reading(longest=30, first=14, settles_after=7, history=44))
    return lite


def test_an_empty_answer_where_nights_are_known(world: World) -> None:
    world.maker.add_nights("2026-11-09", "2026-11-21")
    world.sync()
    before, bond = world.nights(), world.connected()
    world.maker.fail("sleeps", EMPTY)
    (attempt, *_) = world.sync(first=dt.date(2026, 11, 9))
    assert (attempt["status"], attempt["error_code"]) == ("partial", "BAD_DATA")
    assert attempt["error_message"].startswith(
        "Nothing came for 14 days, although 13 nights are known there; they were kept."
    )
    assert attempt["detail"]["summary"] == "asked 14 days, nothing came"
    assert attempt["records_fetched"] == 0
    assert world.nights() == before
    assert world.connected() == bond  # last_sync_at neither


def test_a_false_empty_answer_about_a_new_night_heals(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-11-22")
    world.sync()
    world.now += DAY
    world.maker.add(night("2026-11-23"))
    world.maker.fail("sleeps", EMPTY)
    world.sync()
    assert world.ranges()["wanted"] == [(dt.date(2026, 11, 23),) * 2]
    world.sync()
    assert dt.date(2026, 11, 23) in world.nights()
    assert list(world.ranges()) == ["fetched"]


def test_a_false_empty_answer_at_the_first_sync_heals(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-11-22")
    world.maker.fail("sleeps", EMPTY)
    assert [a["status"] for a in world.sync()] == ["success"] * 2
    assert len(world.nights()) == 31  # windows overlap by some hours
    assert world.ranges()["asked"] == [(dt.date(2026, 11, 9), dt.date(2026, 11, 22))]
    world.sync()
    assert len(world.nights()) == 44


def test_the_quiet_before_the_first_night_is_believed_a_day_later(world: World) -> None:
    world.maker.add_nights("2026-11-11", "2026-11-22")
    world.sync()
    assert world.ranges()["asked"] == [(FIRST, dt.date(2026, 11, 8))]
    for hours in (0, 11, 12):  # a person syncs again and again
        world.now += dt.timedelta(hours=hours)
        assert len(world.sync()) == 1
        assert "asked" in world.ranges()
    world.now += dt.timedelta(hours=2)
    assert len(world.sync()) == 2
    assert "asked" not in world.ranges()
    assert len(world.sync()) == 1


def test_a_hole_is_asked_again_by_a_person_until_it_is_believed(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-10-12")
    world.maker.add_nights("2026-11-15", "2026-11-22")
    world.provider = make_provider(Reading(longest=10, first=14, settles_after=7, history=44))
    world.sync()
    hole = world.ranges()["asked"]
    for hours in (0, 11, 12):
        world.now += dt.timedelta(hours=hours)
        world.sync()
        assert len(world.maker.windows()) > 1
    world.now += dt.timedelta(hours=2)
    world.sync()
    assert hole
    assert "asked" not in world.ranges()


def test_where_no_night_is_known_a_person_asks_again_at_once(world: World) -> None:
    asked = len(world.sync())
    assert len(world.sync()) == asked
    assert len(world.sync(trigger="automatic")) == 1


def test_a_schedule_does_not_ask_again_before_it_may_believe(world: World) -> None:
    world.maker.add_nights("2026-11-11", "2026-11-22")
    world.sync()
    assert len(world.sync(trigger="automatic")) == 1
    world.now += DAY
    assert len(world.sync(trigger="automatic")) == 2
    assert "asked" not in world.ranges()


def test_what_the_maker_no_longer_keeps_is_given_up(world: World) -> None:
    world.maker.add_nights("2026-11-11", "2026-11-22")
    world.sync()
    world.now += 5 * DAY
    world.sync()
    assert world.ranges()["refused"] == [(FIRST, FIRST + 4 * DAY)]


def test_the_search_back_ends_and_is_remembered(world: World) -> None:
    world.provider = make_provider(Reading(longest=200, first=14, settles_after=7))
    world.maker.add_nights("2026-11-01", "2026-11-22")
    assert [a["sync_date_to"] for a in world.sync()][-1] < dt.date(2026, 1, 1)
    (earliest, _) = world.ranges()["asked"][0]
    world.now += 2 * DAY
    world.sync()
    assert list(world.ranges()) == ["fetched"]
    for _ in range(3):
        world.now += DAY
        world.sync()
        assert len(world.maker.windows()) == 1
    assert world.ranges()["fetched"][0][0] == earliest


def test_a_device_that_was_laid_aside_for_months(world: World) -> None:
    world.provider = make_provider(Reading(longest=30, first=14, settles_after=7))
    world.maker.add_nights("2026-11-01", "2026-11-22")
    world.maker.add_nights("2026-01-01", "2026-01-05")
    world.sync()
    assert len(world.nights()) == 27
