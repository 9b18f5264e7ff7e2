"""What comes beside the sleeps: permissions, faults, and what belongs to the whole account."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from sleepbalance.errors import (
    Gone,
    Malformed,
    NeedsReconnect,
    NotEntitled,
    RateLimited,
    SleepBalanceError,
    Unavailable,
)
from sleepbalance.provider import Reading
from tests.sync.maker import Sleep, make_provider, night
from tests.sync.world import DAY, World

READING = Reading(longest=30, first=14, settles_after=7, history=14)
LAST = dt.date(2026, 11, 22)


@pytest.fixture
def world(world: World) -> World:
    world.provider = make_provider(READING)
    world.maker.add_nights("2026-11-09", "2026-11-22")
    return world


@pytest.fixture
def lite(lite: World) -> World:
    lite.provider = make_provider(READING)
    lite.maker.add_nights("2026-11-09", "2026-11-22")
    return lite


def paths(world: World) -> set[str]:
    return {path for path, _ in world.maker.asked}


# -- permissions -------------------------------------------------------------------------------


def test_a_permission_that_is_missing_leaves_the_rest(world: World) -> None:
    world.alter(granted_scopes="sleep mood")
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["error_code"]) == ("partial", "SCOPE_MISSING")
    assert "heart rate" in attempt["error_message"]
    assert "sleepbalance connect traumland" in attempt["error_message"]
    assert attempt["records_inserted"] == 14
    assert paths(world) == {"sleeps", "moods"}
    assert world.ranges()["fetched"] == [(dt.date(2026, 11, 9), LAST)]
    assert world.nights()[LAST]["avg_heart_rate"] is None


def test_a_permission_given_later_is_used_where_the_person_asks_again(world: World) -> None:
    world.alter(granted_scopes="sleep,mood")
    world.sync()
    world.alter(granted_scopes="sleep,mood,heart")
    assert [a["status"] for a in world.sync(first=dt.date(2026, 11, 9))] == ["success"]
    assert {record["avg_heart_rate"] for record in world.nights().values()} == {55}


def test_without_the_permission_for_sleep_nothing_is_asked(world: World) -> None:
    world.alter(granted_scopes="heart")
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["error_code"]) == ("failed", "SCOPE_MISSING")
    assert "sleepbalance connect traumland" in attempt["error_message"]
    assert world.maker.asked == []
    assert "fetched" not in world.ranges()


def test_a_maker_that_tells_no_permissions_is_asked_for_all(world: World) -> None:
    world.alter(granted_scopes="")
    assert [a["status"] for a in world.sync()] == ["success"]
    assert paths(world) == {"sleeps", "hearts", "moods"}


def test_a_plan_without_heart_rates(world: World) -> None:
    world.maker.fail("hearts", NotEntitled("Heart rates need a subscription."))
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["error_code"]) == ("partial", "NOT_ENTITLED")
    assert "Heart rates need a subscription." in attempt["error_message"]
    assert list(world.ranges()) == ["fetched"]
    assert paths(world) == {"sleeps", "hearts", "moods"}


# -- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [Unavailable("Their server is down."), Malformed("Rubbish."), RateLimited("Wait.", 60.0)],
    ids=lambda f: type(f).__name__,
)
@pytest.mark.parametrize("after", [0, 5])
def test_what_came_is_kept_and_the_rest_asked_again(
    world: World, fault: SleepBalanceError, after: int
) -> None:
    world.maker.fail("hearts", *[None] * after, fault)
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["error_code"]) == ("partial", fault.code)
    assert attempt["error_message"] == f"Without heart rate: {fault}"
    assert attempt["records_inserted"] == 14
    assert len([n for n in world.nights().values() if n["avg_heart_rate"]]) == after
    assert world.ranges() == {"wanted": [(dt.date(2026, 11, 9), LAST)]}
    assert ("moods" in paths(world)) == (not isinstance(fault, RateLimited))

    world.now += dt.timedelta(minutes=2)
    (attempt,) = world.sync()
    assert attempt["status"] == "success"
    assert {night["avg_heart_rate"] for night in world.nights().values()} == {55}
    assert list(world.ranges()) == ["fetched"]


def test_two_troubles_are_both_named(lite: World) -> None:
    lite.alter(granted_scopes="sleep mood")
    lite.maker.fail("moods", Unavailable("Their server is down."))
    (attempt,) = lite.sync()
    assert attempt["error_code"] == "PROVIDER_UNAVAILABLE"  # what may be different next time
    assert "heart rate" in attempt["error_message"]
    assert "mood: Their server is down." in attempt["error_message"]


@pytest.mark.parametrize("fault", [NeedsReconnect("Consent."), Gone("Over.")])
def test_what_ends_the_connection_ends_the_window(lite: World, fault: SleepBalanceError) -> None:
    lite.maker.fail("hearts", fault)
    (attempt,) = lite.sync()
    assert (attempt["status"], attempt["error_code"]) == ("failed", fault.code)
    assert lite.nights() == {}


def test_a_server_that_is_down_beside_is_left_alone_too(lite: World) -> None:
    lite.provider = make_provider(Reading(longest=3, first=3, settles_after=3, history=14))
    lite.maker.fail("moods", *[Unavailable("down")] * 50)
    assert [a["status"] for a in lite.sync()] == ["partial"] * 2


def test_a_limit_beside_ends_the_run(lite: World) -> None:
    lite.provider = make_provider(Reading(longest=3, first=3, settles_after=3, history=14))
    lite.maker.fail("hearts", RateLimited("Wait.", 60.0))
    assert [a["error_code"] for a in lite.sync()] == ["RATE_LIMITED"]
    assert [a["status"] for a in lite.sync()] == ["failed"]
    lite.now += dt.timedelta(minutes=1)
    assert {a["status"] for a in lite.sync()} == {"success"}


def test_a_broken_record_is_kept_with_its_reason_and_the_rest_goes_on(world: World) -> None:
    world.maker.add(Sleep("broken", None, night("2026-11-20").end))
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["error_code"]) == ("partial", "BAD_DATA")
    assert attempt["error_message"] == (
        "1 record could not be read, and kept as sent: 1 × does not say when it was."
    )
    assert attempt["detail"]["reasons"] == [{"reason": "does not say when it was", "samples": 1}]
    assert attempt["records_inserted"] == 14
    assert list(world.ranges()) == ["fetched"]


def test_nothing_beside_is_asked_where_no_sleep_came(lite: World) -> None:
    lite.maker.sleeps.clear()
    lite.alter(granted_scopes="sleep")
    assert [a["status"] for a in lite.sync()] == ["success"]
    assert paths(lite) == {"sleeps"}


# -- what belongs to the account ---------------------------------------------------------------


def test_a_heart_rate_that_comes_late_reaches_the_sleep(world: World) -> None:
    world.maker.add(night("2026-11-22", heart=None))
    world.sync()
    assert world.nights()[LAST]["avg_heart_rate"] is None
    world.maker.add(night("2026-11-22", heart=61.0))
    (attempt,) = world.sync()
    assert attempt["records_updated"] == 1
    assert world.nights()[LAST]["avg_heart_rate"] == 61


def test_a_heart_rate_that_came_between_two_rare_syncs(world: World) -> None:
    world.maker.add(night("2026-11-19", heart=None))
    world.sync()
    world.maker.add(night("2026-11-19", heart=61.0))
    world.now += 8 * DAY
    world.sync()
    assert world.nights()[dt.date(2026, 11, 19)]["avg_heart_rate"] == 61


def test_it_goes_with_the_sleeps_of_every_source(world: World) -> None:
    twin = night("2026-11-22", id="twin", device="Watch", heart=None)
    world.maker.add(twin)
    world.sync()

    def heart(key: str) -> object:
        rows = {row["external_id"]: row["vitals"] for row in world.rows("sleep_sessions")}
        return rows[key].get("heart_rate", {}).get("mean")

    assert (heart("n2026-11-22"), heart("twin")) == (55, None)
    world.maker.add(replace(twin, heart=70.0))
    world.maker.revise("n2026-11-22", heart=58.0)
    world.sync()
    assert (heart("n2026-11-22"), heart("twin")) == (58, 70)
    world.maker.add(replace(twin, heart=71.0))
    (attempt,) = world.sync()
    assert attempt["records_updated"] == 1
    assert heart("twin") == 71


def test_a_device_whose_name_was_not_known_at_first(world: World) -> None:
    world.maker.add(night("2026-11-22", device="Unknown"))
    world.sync()
    before = {row["external_id"]: row["id"] for row in world.rows("sleep_sessions")}
    world.maker.revise("n2026-11-22", device="Ring", stage="deep")
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["records_updated"]) == ("success", 1)
    assert {row["external_id"]: row["id"] for row in world.rows("sleep_sessions")} == before
    assert {row["source_key"] for row in world.rows("sleep_sessions")} == {"ring"}
    assert world.nights()[LAST]["deep_sleep_duration"] == 480
    assert [a["records_updated"] for a in world.sync()] == [0]


def test_two_devices_of_which_one_is_told_no_more(world: World) -> None:
    world.maker.add(night("2026-11-20", id="twin", device="Watch", heart=60.0))
    world.sync()
    world.maker.drop("twin")
    for _ in range(2):
        (attempt,) = world.sync()
        world.now += DAY
    assert attempt["detail"]["deleted"] == 1
    hidden = [row["external_id"] for row in world.rows("sleep_sessions") if row["hidden_since"]]
    assert hidden == ["twin"]
