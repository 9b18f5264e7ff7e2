"""Sleeps that the maker has no more, and those that it gives another name."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.errors import Unavailable
from sleepbalance.provider import Reading
from tests.sync.maker import EMPTY, Sleep, make_provider, nap, night
from tests.sync.world import DAY, World

HOUR = dt.timedelta(hours=1)
LOST = dt.date(2026, 11, 20)


@pytest.fixture
def world(world: World) -> World:
    world.provider = make_provider(Reading(longest=30, first=14, settles_after=7, history=14))
    world.maker.add_nights("2026-11-09", "2026-11-22")
    world.sync()
    return world


def session(world: World, key: str = "n2026-11-20") -> dict[str, Any]:
    (found,) = (row for row in world.rows("sleep_sessions") if row["external_id"] == key)
    return found


def raw(world: World, key: str = "n2026-11-20") -> dict[str, Any]:
    (found,) = (row for row in world.rows("raw_records") if row["external_id"] == key)
    return found


def test_missing_once_it_stays_missing_a_day_later_it_is_hidden(world: World) -> None:
    world.maker.drop("n2026-11-20")
    (attempt,) = world.sync()
    assert (attempt["records_updated"], attempt["detail"]["missing"]) == (0, 1)
    assert attempt["detail"]["summary"] == (
        "asked 7 days, 6 nights came,"
        " 1 sleep not told any more (kept until it is missing again, a day later)"
    )
    assert session(world)["absent_since"] == world.now
    assert raw(world)["absent_since"] is None
    assert LOST in world.nights()

    world.now += 23 * HOUR
    world.sync()
    assert LOST in world.nights()

    world.now += HOUR
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["records_updated"]) == ("success", 1)
    assert attempt["detail"]["deleted"] == 1
    assert attempt["detail"]["summary"].endswith("1 deleted")
    assert LOST not in world.nights()
    assert session(world)["hidden_since"] is not None
    assert raw(world)["absent_since"] is not None
    assert len(world.rows("raw_records")) == 28  # with the heart rates: nothing is erased

    (attempt,) = world.sync()
    assert (attempt["records_updated"], attempt["detail"]["deleted"]) == (0, 0)


def test_what_is_missing_is_told_apart_from_days_that_were_empty(world: World) -> None:
    dates = {"first": dt.date(2026, 11, 14), "last": dt.date(2026, 11, 22)}
    world.maker.add(nap("2026-11-19"))
    world.sync(**dates)
    for lost in ("n2026-11-20", "n2026-11-18", nap("2026-11-19").id):
        world.maker.drop(lost)
    (attempt,) = world.sync(**dates)
    assert attempt["detail"]["summary"] == (
        "asked 9 days, 7 nights came,"
        " 3 sleeps not told any more (kept until they are missing again, a day later)"
    )
    world.now += DAY
    (attempt,) = world.sync(**dates)
    assert attempt["detail"]["summary"] == "asked 9 days, 7 nights came, 2 days empty, 3 deleted"


def test_what_comes_back_in_between(world: World) -> None:
    lost = world.maker.sleeps["n2026-11-20"]
    before = world.nights()
    world.maker.drop("n2026-11-20")
    world.sync()
    world.maker.add(lost)
    world.now += DAY
    world.sync()
    assert session(world)["absent_since"] is None
    world.maker.drop("n2026-11-20")
    world.sync()
    assert world.nights() == before  # missing for the first time again


def test_what_comes_back_later(world: World) -> None:
    lost, before = world.maker.sleeps["n2026-11-20"], world.nights()
    world.maker.drop("n2026-11-20")
    for _ in range(2):
        world.sync()
        world.now += DAY
    assert LOST not in world.nights()
    world.maker.add(lost)
    (attempt,) = world.sync()
    assert attempt["records_updated"] == 1
    assert world.nights() == before
    assert session(world)["absent_since"] is session(world)["hidden_since"] is None
    assert raw(world)["absent_since"] is None


def test_it_is_asked_again_also_when_it_has_settled(world: World) -> None:
    oldest = "n2026-11-16"  # the next sync's newest days begin later
    world.maker.drop(oldest)
    world.sync()
    world.now += DAY
    world.sync()
    assert dt.date(2026, 11, 16) not in world.nights()


def test_old_ones_that_the_person_asked_for(world: World) -> None:
    world.maker.drop("n2026-11-12")
    world.sync(first=dt.date(2026, 11, 10), last=dt.date(2026, 11, 14))
    assert session(world, "n2026-11-12")["absent_since"] == world.now
    world.now += DAY
    world.sync()
    assert dt.date(2026, 11, 12) not in world.nights()


def test_never_by_an_empty_answer(world: World) -> None:
    before = world.nights()
    for _ in range(3):
        world.maker.fail("sleeps", EMPTY)
        world.sync()
        world.now += 2 * DAY
    assert world.nights() == before
    assert {row["absent_since"] for row in world.rows("sleep_sessions")} == {None}


def test_never_by_an_answer_that_broke_off(world: World) -> None:
    world.maker.page = 2
    before = world.nights()
    for _ in range(3):
        world.maker.fail("sleeps", None, Unavailable("cut"))
        world.sync(first=dt.date(2026, 11, 16))
        world.now += 2 * DAY
    assert world.nights() == before
    assert {row["absent_since"] for row in world.rows("sleep_sessions")} == {None}


def test_never_by_an_answer_that_could_not_be_read_whole(world: World) -> None:
    world.maker.drop("n2026-11-20")
    world.maker.add(Sleep("broken", None, night("2026-11-20").end))
    for _ in range(3):
        (attempt,) = world.sync()
        assert (attempt["status"], attempt["error_code"]) == ("partial", "BAD_DATA")
        assert attempt["detail"]["unreadable"] == 1
        assert "does not say when it was" in attempt["error_message"]
        world.now += DAY
    assert LOST in world.nights()
    assert raw(world, "broken")["problem"] == "does not say when it was"


def test_a_known_one_that_comes_broken_stays_as_it_was(world: World) -> None:
    before = world.nights()
    world.maker.revise("n2026-11-20", start=None)
    (attempt,) = world.sync()
    assert attempt["status"] == "partial"
    assert world.nights() == before
    world.maker.revise("n2026-11-20", start=night("2026-11-20").start, stage="deep")
    assert [a["status"] for a in world.sync()] == ["success"]
    assert world.nights()[LOST]["deep_sleep_duration"] == 480


def test_only_where_the_answer_speaks(world: World) -> None:
    world.maker.drop("n2026-11-10")
    for _ in range(2):
        world.sync(first=dt.date(2026, 11, 12), last=dt.date(2026, 11, 14))
        world.now += DAY
    assert session(world, "n2026-11-10")["absent_since"] is None


def test_one_that_the_maker_gave_another_name_never_stands_twice(world: World) -> None:
    before, id_before = world.nights(), session(world)["id"]
    renamed = replace(world.maker.sleeps["n2026-11-20"], id="other name")
    world.maker.drop("n2026-11-20")
    world.maker.add(renamed)
    (attempt,) = world.sync()
    assert (attempt["records_inserted"], attempt["records_updated"]) == (0, 1)
    assert world.nights() == before
    assert session(world, "other name")["id"] == id_before  # edits and readers find it again
    assert raw(world)["absent_since"] is not None
    assert [a["records_updated"] for a in world.sync()] == [0]


def test_one_that_was_replaced_after_both_were_told(world: World) -> None:
    longer = night("2026-11-20", id="longer")
    assert longer.start is not None
    world.maker.add(replace(longer, start=longer.start - HOUR))
    world.sync()
    world.maker.drop("n2026-11-20")
    (attempt,) = world.sync()
    assert attempt["detail"]["deleted"] == 1
    assert session(world)["hidden_since"] is not None
    record = world.nights()[LOST]
    assert record["total_sleep_time"] == 540
    world.maker.add(night("2026-11-20"))
    world.sync()
    assert session(world)["hidden_since"] is None


def test_a_neighbour_is_no_replacement(world: World) -> None:
    end = world.maker.sleeps["n2026-11-20"].end
    world.maker.drop("n2026-11-20")
    world.maker.add(Sleep("after", end - HOUR, end + 4 * HOUR, kind="nap"))
    world.sync()
    assert session(world)["absent_since"] is not None
    assert session(world)["hidden_since"] is None
    world.now += DAY
    (attempt,) = world.sync()
    assert attempt["detail"]["deleted"] == 1
    hidden = {row["external_id"] for row in world.rows("sleep_sessions") if row["hidden_since"]}
    assert hidden == {"n2026-11-20"}


def test_the_hidden_stays_hidden_when_its_neighbours_change(world: World) -> None:
    world.maker.add(nap("2026-11-20"))
    world.sync()
    world.maker.drop("p2026-11-20")
    for _ in range(2):
        world.sync()
        world.now += DAY
    end = nap("2026-11-20").end
    world.maker.add(Sleep("beside", end, end + HOUR, kind="nap"))  # touches the hidden one
    world.sync()
    assert session(world, "p2026-11-20")["hidden_since"] is not None
    world.maker.revise("beside", stage="deep")
    world.sync()
    assert session(world, "p2026-11-20")["hidden_since"] is not None


def test_an_edit_outlives_the_sleep_and_its_return(world: World) -> None:
    from sqlalchemy import insert

    from sleepbalance.store.engine import writing
    from sleepbalance.store.tables import sleep_edits

    lost = world.maker.sleeps["n2026-11-20"]
    with writing(world.engine) as connection:
        connection.execute(
            insert(sleep_edits).values(
                id="edit",
                user_id=world.user_id,
                kind="rating",
                value={"rating": "good"},
                start_at=lost.start,
                end_at=lost.end,
                made_at=world.now,
                made_by="person",
            )
        )
    world.maker.drop(lost.id)
    for _ in range(2):
        world.sync()
        world.now += DAY
    world.maker.add(lost)
    world.sync()
    assert world.nights()[LOST]["quality_rating"] == "good"
