"""What a sync does where nothing goes wrong: first all of it, then what is new."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.errors import UsageError
from sleepbalance.provider import Reading
from sleepbalance.store import people
from sleepbalance.store.engine import writing
from sleepbalance.sync import sync
from tests.sync.maker import Person, make_provider, nap, night
from tests.sync.world import DAY, START, World, connect

SHORT = Reading(longest=30, first=14, settles_after=7, history=44)


def said(attempts: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (a["status"], a["records_inserted"], a["records_updated"], a["records_skipped"])
        for a in attempts
    ]


def summaries(attempts: list[dict[str, Any]]) -> list[str]:
    return [a["detail"]["summary"] for a in attempts]


def on(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.fixture
def world(world: World) -> World:
    """With a maker who keeps 44 days, so that the search back is short."""
    world.provider = make_provider(SHORT)
    return world


def test_the_first_sync_and_the_next(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-11-22")
    world.maker.drop("n2026-11-10")
    world.maker.add(nap("2026-11-21"))
    attempts = world.sync()
    assert said(attempts) == [("success", 14, 0, 0), ("success", 30, 0, 1)]
    assert summaries(attempts) == [
        "asked 14 days, 13 nights came, 1 nap, 1 day empty",
        "asked 30 days, 30 nights came",
    ]
    assert [(a["sync_date_from"], a["sync_date_to"]) for a in attempts] == world.maker.windows()
    assert [a["sync_trigger"] for a in attempts] == ["manual"] * len(attempts)
    assert {a["connection_id"] for a in attempts} == {world.bond}
    assert world.told == attempts
    assert len(world.nights()) == 43
    bond = world.connected()
    assert bond is not None
    assert bond.last_sync_at is not None
    before = world.nights()

    again = world.sync()
    assert said(again) == [("success", 0, 0, 8)]
    assert summaries(again) == ["asked 7 days, 7 nights came, 1 nap"]
    assert world.maker.windows() == [(on("2026-11-16"), on("2026-11-22"))]
    assert world.nights() == before


def test_numbers_in_the_log_add_up(world: World) -> None:
    world.maker.add_nights("2026-11-01", "2026-11-22")
    for attempt in world.sync():
        fetched = sum(attempt[f"records_{what}"] for what in ("inserted", "updated", "skipped"))
        assert attempt["records_fetched"] == fetched
        assert attempt["detail"]["same"] == attempt["records_skipped"]
        assert attempt["detail"]["asked_from"] == attempt["sync_date_from"].isoformat()
        assert attempt["detail"]["asked_to"] == attempt["sync_date_to"].isoformat()
    requests = sum(a["detail"]["requests"] for a in world.told)
    assert requests == len(world.maker.asked)


def test_only_what_is_new_and_what_may_still_change(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-11-22")
    world.sync()
    world.now += 2 * DAY
    world.maker.add(night("2026-11-23"), night("2026-11-24"))
    world.maker.revise("n2026-11-20", stage="deep")
    (attempt,) = world.sync()
    assert said([attempt]) == [("success", 2, 1, 6)]
    assert attempt["detail"]["summary"] == "asked 9 days, 9 nights came, 1 changed"
    assert world.maker.windows() == [(on("2026-11-16"), on("2026-11-24"))]
    assert world.nights()[on("2026-11-20")]["deep_sleep_duration"] == 480


def test_a_revision_that_came_between_two_rare_syncs(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-11-22")
    world.sync()
    world.now += 20 * DAY
    world.maker.revise("n2026-11-18", stage="rem")
    world.sync()
    assert world.nights()[on("2026-11-18")]["rem_sleep_duration"] == 480


def test_an_older_version_that_comes_later_does_not_stand(world: World) -> None:
    old, new = night("2026-11-20"), night("2026-11-20", stage="deep")
    new = replace(new, updated="2026-11-21T00:00:00+00:00")
    world.maker.add(new)
    world.sync(first=on("2026-11-16"))
    before = world.nights()
    world.maker.add(old)  # a server that was not told yet
    (attempt,) = world.sync(first=on("2026-11-16"))
    assert said([attempt]) == [("success", 0, 0, 1)]
    assert world.nights() == before


def test_what_goes_with_a_sleep_is_asked_with_the_fewest_requests(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-11-22")
    world.sync()
    hearts = [p["id"] for path, p in world.maker.asked if path == "hearts"]
    assert len(hearts) == len(set(hearts)) == 44
    world.sync()
    young = {p["id"] for path, p in world.maker.asked if path == "hearts"}
    assert young == {f"n2026-11-{day}" for day in range(16, 23)}
    assert world.nights()[on("2026-10-20")]["avg_heart_rate"] == 55


def test_dates_that_the_person_asks_for(world: World) -> None:
    world.maker.add_nights("2026-10-10", "2026-11-22")
    attempts = world.sync(first=on("2026-10-25"), last=on("2026-10-27"))
    assert world.maker.windows() == [(on("2026-10-25"), on("2026-10-27"))]
    assert world.ranges() == {"fetched": [(on("2026-10-25"), on("2026-10-27"))]}
    assert summaries(attempts) == ["asked 3 days, 3 nights came"]
    world.sync()
    assert world.maker.windows() == [
        (on("2026-10-24"), on("2026-11-22")),
        (on("2026-10-10"), on("2026-10-23")),
    ]
    assert list(world.ranges()) == ["fetched"]
    assert len(world.nights()) == 44


def test_open_ends(world: World) -> None:
    world.maker.add_nights("2026-11-01", "2026-11-22")
    world.sync(first=on("2026-11-20"))
    assert world.maker.windows() == [(on("2026-11-20"), on("2026-11-22"))]
    world.sync(last=on("2026-10-11"))
    assert world.maker.windows() == [(on("2026-10-10"), on("2026-10-11"))]


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-11-23", "2026-12-01"), ("2001-01-01", "2001-02-01"), ("2026-11-03", "2026-11-02")],
)
def test_dates_that_cannot_be_asked(world: World, first: str, last: str) -> None:
    with pytest.raises(UsageError):
        world.sync(first=on(first), last=on(last))
    assert world.history() == []
    assert world.maker.asked == []


def test_today_is_the_later_date_of_two(world: World) -> None:
    with writing(world.engine) as connection:
        people.set_zone(connection, world.user_id, "Pacific/Auckland")
    (attempt,) = world.sync(first=on("2026-11-22"))
    assert (attempt["sync_date_from"], attempt["sync_date_to"]) == (
        on("2026-11-22"),
        on("2026-11-23"),
    )


def test_the_attempt_is_open_before_the_first_request_and_nothing_is_locked(world: World) -> None:
    world.maker.add_nights("2026-11-10", "2026-11-22")
    seen: list[tuple[str, dt.date, dt.date]] = []

    def look() -> None:
        with writing(world.engine, patience_ms=0) as connection:
            people.add(connection, f"P{len(seen)}")  # nobody waits for the network
        (newest, *_) = world.history()
        seen.append((newest["status"], newest["sync_date_from"], newest["sync_date_to"]))

    world.maker.fail("sleeps", look)
    world.maker.fail("hearts", look)
    world.sync(first=on("2026-11-20"))
    assert seen == [("in_progress", on("2026-11-20"), on("2026-11-22"))] * 2


def test_a_sync_by_itself_says_so(world: World) -> None:
    (attempt, *_) = world.sync(trigger="automatic")
    assert attempt["sync_trigger"] == "automatic"


def test_two_people_with_one_account(world: World) -> None:
    other = connect(world.engine, "other")
    other.maker, other.provider = world.maker, world.provider
    world.maker.add_nights("2026-11-10", "2026-11-22")
    assert said(world.sync())[0] == said(other.sync())[0] == ("success", 13, 0, 0)
    assert world.nights() == other.nights()


def test_a_client_that_does_not_count(lite: World) -> None:
    class Plain:
        """A client as a provider's author may write one."""

        get, post, delete = Person(lite.maker).get, Person.post, Person.delete

    attempts = sync(lite.engine, lite.job(client=Plain(), first=START.date()))
    assert attempts[0]["detail"]["requests"] == 0


def test_nothing_at_all(world: World) -> None:
    attempts = world.sync()
    assert summaries(attempts) == [f"asked {n} days, nothing came" for n in (14, 30)]
    assert {a["status"] for a in attempts} == {"success"}
    assert world.ranges() == {"asked": [(on("2026-10-10"), on("2026-11-22"))]}
