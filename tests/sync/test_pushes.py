"""What a maker pushes, what is asked for and comes by push, and sleeps that it takes back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.errors import NotEntitled, Unavailable
from sleepbalance.provider import Item, Raw, Reply
from sleepbalance.store import leases, people
from sleepbalance.store.engine import writing
from sleepbalance.sync import Push, take_push
from tests.sync.maker import ACCOUNT, HOUR, TAKEN_BACK, Person, nap, night, sleep
from tests.sync.pushed import HOOK, make_pushing
from tests.sync.world import DAY, World

ME = "dreamer"


@pytest.fixture
def pushing(world: World) -> World:
    world.provider = make_pushing()
    world.alter(created_at=world.now, connected_at=world.now)
    return world


def told(*sleeps: Any) -> list[Item]:
    return [Item(account=ME, raws=(sleep(one.told()),)) for one in sleeps]


def push(world: World, *items: Item, client: Person | None = None) -> dict[str, Any]:
    bond = world.connected()
    assert bond is not None
    return take_push(
        world.engine,
        Push(
            bond=bond,
            provider=world.provider,
            hook=HOOK,
            items=items,
            now=world.now,
            client=client,
        ),
    )


def asked(world: World) -> list[str]:
    return [path for path, _ in world.maker.asked]


def test_what_comes_by_push_is_asked_for_once(pushing: World) -> None:
    (attempt,) = pushing.sync()
    first, last = pushing.now.date() - 29 * DAY, pushing.now.date()
    assert asked(pushing) == ["backfill"]
    assert (attempt["status"], attempt["records_fetched"]) == ("success", 0)
    assert attempt["detail"]["summary"] == "asked for 30 days; what there is comes by itself"
    assert pushing.ranges() == {"asked": [(first, last)]}
    assert pushing.sync() == []
    assert asked(pushing) == []

    pushing.now += 2 * DAY
    pushing.sync()
    assert pushing.ranges() == {"asked": [(first, last + 2 * DAY)]}
    assert asked(pushing) == ["backfill"]


def test_a_date_that_was_pushed_is_fetched_and_the_others_stay_asked_for(pushing: World) -> None:
    pushing.sync()
    row = push(pushing, *told(night("2026-11-20"), nap("2026-11-20"), night("2026-11-21")))
    assert (row["status"], row["records_inserted"], row["sync_trigger"]) == (
        "success",
        3,
        "webhook",
    )
    assert row["sync_date_from"] == dt.date(2026, 11, 20)
    assert row["sync_date_to"] == dt.date(2026, 11, 21)
    assert row["detail"]["summary"] == "3 sleeps came by push"
    assert set(pushing.nights()) == {dt.date(2026, 11, 20), dt.date(2026, 11, 21)}
    ranges = pushing.ranges()
    assert ranges["fetched"] == [(dt.date(2026, 11, 20), dt.date(2026, 11, 21))]
    assert [last for _, last in ranges["asked"]] == [dt.date(2026, 11, 19), pushing.now.date()]
    assert pushing.sync() == []


def test_the_same_push_twice_changes_nothing_and_says_so(pushing: World) -> None:
    push(pushing, *told(night("2026-11-20")))
    before = pushing.nights(), pushing.rows("raw_records"), pushing.rows("sleep_sessions")
    row = push(pushing, *told(night("2026-11-20")))
    assert (row["records_inserted"], row["records_updated"], row["records_skipped"]) == (0, 0, 1)
    assert (pushing.nights(), pushing.rows("raw_records"), pushing.rows("sleep_sessions")) == before


NIGHT = night("2026-11-15")
BEATS = Raw(
    key=f"heart/{NIGHT.id}",
    kind="heart",
    source=ACCOUNT,
    payload=b"55",
    start=NIGHT.start,
    end=NIGHT.end,
    companion=True,
)
BESIDE = Item(account=ME, raws=(BEATS,))
THAT_DATE = (dt.date(2026, 11, 15),) * 2


def said(row: dict[str, Any]) -> tuple[str, tuple[dt.date, dt.date], int]:
    dates = row["sync_date_from"], row["sync_date_to"]
    return row["detail"]["summary"], dates, row["records_fetched"]


@pytest.mark.parametrize("known", [True, False])
def test_what_goes_with_a_sleep_is_no_sleep(pushing: World, *, known: bool) -> None:
    if known:
        push(pushing, *told(NIGHT))
    row = push(pushing, BESIDE)
    changed = ", 1 sleep changed" if known else ""
    assert said(row) == (f"1 record beside the sleeps came by push{changed}", THAT_DATE, 0)
    assert (row["status"], row["detail"]["beside"]) == ("success", 1)
    assert "fetched" not in pushing.ranges() or known
    row = push(pushing, BESIDE, Item(account=ME, problem="does not say when it was"))
    assert said(row) == ("1 record beside the sleeps came by push", THAT_DATE, 0)
    assert (row["status"], row["error_code"]) == ("partial", "BAD_DATA")


def test_a_date_is_the_persons_where_the_record_does_not_say_it(pushing: World) -> None:
    with writing(pushing.engine) as connection:
        people.set_zone(connection, pushing.user_id, "Pacific/Auckland")
    for hour, day in ((-2, 15), (14, 16)):  # 11 in the morning there, and 3 at night
        end = dt.datetime(2026, 11, 15, tzinfo=dt.UTC) + hour * HOUR
        beats = replace(BEATS, key=f"heart/{hour}", start=end - HOUR, end=end)
        row = push(pushing, Item(account=ME, raws=(beats,)))
        assert row["sync_date_to"] == dt.date(2026, 11, day)


def test_a_sleep_beside_which_something_came_is_told_as_one(pushing: World) -> None:
    row = push(pushing, *told(NIGHT), BESIDE)
    assert said(row) == ("1 sleep came by push", THAT_DATE, 1)


@pytest.mark.parametrize("known", [True, False])
def test_a_sleep_that_is_taken_back_is_said_with_its_date(pushing: World, *, known: bool) -> None:
    if known:
        push(pushing, *told(NIGHT))
    for time in range(2):
        row = push(pushing, *told(replace(NIGHT, kind=TAKEN_BACK)))
        fetched = 1 if known and not time else 0
        assert said(row) == ("1 sleep taken back, or off the wrist", THAT_DATE, fetched)
    assert pushing.nights() == {}
    row = push(pushing, *told(replace(NIGHT, kind=TAKEN_BACK), night("2026-11-17")))
    assert row["detail"]["summary"] == "1 sleep came by push, 1 sleep taken back, or off the wrist"


def test_a_sleep_that_was_taken_back_and_is_told_again_is_said_as_that(pushing: World) -> None:
    """Whoever it is that still knows of it, this body tells a sleep."""
    push(pushing, *told(NIGHT))
    off = replace(NIGHT, kind=TAKEN_BACK, updated="2026-11-16T00:00:00+00:00")
    for _ in range(2):
        assert said(push(pushing, *told(off)))[0] == "1 sleep taken back, or off the wrist"
        assert said(push(pushing, *told(NIGHT)))[:2] == (
            "1 sleep known, and taken back since",
            THAT_DATE,
        )


def test_what_is_known_is_said_as_nothing_new(pushing: World) -> None:
    push(pushing, *told(NIGHT))
    row = push(pushing, *told(NIGHT))
    assert row["detail"]["summary"] == "1 sleep came by push, nothing new"
    row = push(pushing, *told(NIGHT, night("2026-11-17")))
    assert row["detail"]["summary"] == "2 sleeps came by push"


def test_dates_that_cannot_be_asked_any_more_are_refused(pushing: World) -> None:
    pushing.provider = make_pushing(reading=make_pushing().remote[0].api.reading)
    pushing.maker.fail("backfill", NotEntitled("Too early."))
    pushing.sync(first=dt.date(2026, 11, 1), last=dt.date(2026, 11, 10))
    assert pushing.ranges() == {"refused": [(dt.date(2026, 11, 1), dt.date(2026, 11, 10))]}


def test_what_cannot_be_asked_for_now_is_asked_for_later(pushing: World) -> None:
    pushing.maker.fail("backfill", Unavailable("It rains."))
    (row, *_) = pushing.sync()
    assert (row["status"], row["error_code"]) == ("failed", "PROVIDER_UNAVAILABLE")
    assert set(pushing.ranges()) == {"wanted"}
    pushing.sync()
    assert set(pushing.ranges()) == {"asked"}


def test_an_address_is_read_as_the_person(pushing: World) -> None:
    item = Item(account=ME, address="put-up/1")
    body = str([night("2026-11-20").told()]).replace("'", '"').replace("None", "null").encode()
    pushing.maker.fail("put-up/1", Reply(200, {}, body))
    row = push(pushing, item, client=Person(pushing.maker))
    assert (row["status"], row["records_inserted"]) == ("success", 1)
    assert asked(pushing) == ["put-up/1"]


@pytest.mark.parametrize("reachable", [True, False])
def test_an_address_that_cannot_be_read_is_said(pushing: World, *, reachable: bool) -> None:
    pushing.maker.fail("put-up/1", Unavailable("It rains."))
    client = Person(pushing.maker) if reachable else None
    row = push(pushing, Item(account=ME, address="put-up/1"), client=client)
    assert row["status"] == "failed"
    assert ("It rains" if reachable else "nobody here may read") in row["error_message"]

    pushing.maker.fail("put-up/1", Unavailable("It rains."))
    items = [Item(account=ME, address="put-up/1"), *told(night("2026-11-20"))]
    row = push(pushing, *items, client=client)
    assert (row["status"], row["records_inserted"]) == ("partial", 1)


def test_one_bad_item_does_not_stop_the_others(pushing: World) -> None:
    bad = Item(account=ME, problem="does not say when it was")
    row = push(pushing, bad, *told(night("2026-11-20")))
    assert (row["status"], row["error_code"], row["records_inserted"]) == ("partial", "BAD_DATA", 1)
    assert "does not say when it was" in row["error_message"]
    assert row["detail"]["unreadable"] == 1


def test_a_consent_that_ends_ends_the_connection_and_keeps_its_nights(pushing: World) -> None:
    pushing.alter(access_token="kb1.sealed", refresh_token="kb1.sealed")
    ended = Item(account=ME, ended="The person ended the consent at Traumland.")
    row = push(pushing, *told(night("2026-11-20")), ended)
    assert row["status"] == "success"
    bond = pushing.connected()
    assert bond is not None
    assert (bond.status, bond.status_reason) == ("disconnected", ended.ended)
    (stored,) = pushing.rows("wearable_connections")
    assert (stored["access_token"], stored["refresh_token"]) == ("", None)
    assert set(pushing.nights()) == {dt.date(2026, 11, 20)}
    row = push(pushing, *told(night("2026-11-21")))
    assert (row["status"], row["error_code"]) == ("failed", "INTERRUPTED")
    assert set(pushing.nights()) == {dt.date(2026, 11, 20)}


def test_what_may_be_read_changes_with_a_push(pushing: World) -> None:
    push(pushing, Item(account=ME, scopes=frozenset({"sleep"})))
    assert pushing.connected().scopes == {"sleep"}  # type: ignore[union-attr]
    push(pushing, Item(account=ME, scopes=frozenset()))
    (row,) = pushing.sync()
    assert (row["status"], row["error_code"]) == ("failed", "SCOPE_MISSING")
    assert asked(pushing) == []


def test_an_older_word_of_what_may_be_read_changes_nothing(pushing: World) -> None:
    pushing.alter(connected_at=pushing.now - 10 * DAY)

    def word(allowed: set[str], days: int) -> tuple[str, set[str]]:
        item = Item(account=ME, scopes=frozenset(allowed), at=pushing.now - days * DAY)
        row, bond = push(pushing, item), pushing.connected()
        assert bond is not None
        assert row["status"] == "success"
        return row["detail"]["summary"], set(bond.scopes)

    assert word({"sleep"}, 5) == ("what may be read was changed", {"sleep"})
    assert word(set(), 2) == ("what may be read was changed", {"-"})
    assert word({"sleep"}, 5) == ("what may be read has changed since, and stays", {"-"})
    assert word(set(), 2) == ("what may be read is known", {"-"})
    assert word({"sleep"}, -9) == ("what may be read was changed", {"sleep"})  # a clock that errs
    pushing.now += DAY
    assert word(set(), 0) == ("what may be read was changed", {"-"})

    pushing.alter(connected_at=pushing.now, granted_scopes="sleep")  # the person connected again
    assert word(set(), 1) == ("what may be read has changed since, and stays", {"sleep"})


def test_the_newest_word_of_a_body_counts_whatever_its_place(pushing: World) -> None:
    pushing.alter(connected_at=pushing.now - 10 * DAY)
    days = {1: {"sleep"}, 3: {"beats"}, 2: set[str]()}
    items = [
        Item(account=ME, scopes=frozenset(allowed), at=pushing.now - day * DAY)
        for day, allowed in days.items()
    ]
    push(pushing, *items)
    assert pushing.connected().scopes == {"sleep"}  # type: ignore[union-attr]


def test_the_end_of_an_earlier_consent_does_not_end_this_one(pushing: World) -> None:
    pushing.alter(connected_at=pushing.now - DAY)
    ended = Item(account=ME, ended="You ended it there.", at=pushing.now - 2 * DAY)
    row = push(pushing, ended)
    assert "it stays connected" in row["detail"]["summary"]
    assert pushing.connected().status == "connected"  # type: ignore[union-attr]
    row = push(pushing, replace(ended, at=None))
    assert row["detail"]["summary"] == "You ended it there"
    assert pushing.connected().status == "disconnected"  # type: ignore[union-attr]


def test_a_push_waits_for_a_sync_that_runs(pushing: World) -> None:
    heard: list[str] = []
    bond = pushing.connected()
    assert bond is not None
    with leases.held(pushing.engine, f"sync:{bond.id}") as lease:

        def waiting() -> None:
            heard.append("waits")
            lease.lost.set()

        job = Push(
            bond=bond,
            provider=pushing.provider,
            hook=HOOK,
            items=told(night("2026-11-20")),
            now=pushing.now,
            waiting=waiting,
            life=dt.timedelta(seconds=2),
        )
        import threading  # only here

        done: list[dict[str, Any]] = []
        thread = threading.Thread(target=lambda: done.append(take_push(pushing.engine, job)))
        thread.start()
        while not heard:
            thread.join(0.05)
        assert not done
    thread.join()
    assert done[0]["records_inserted"] == 1


# -- a maker that answers when it is asked -------------------------------------------------------


def test_a_sleep_that_the_maker_takes_back_is_hidden_and_kept(world: World) -> None:
    world.maker.add_nights("2026-11-15", "2026-11-21")
    world.sync()
    world.maker.revise("n2026-11-20", kind=TAKEN_BACK)
    (row,) = world.sync()
    assert (row["status"], row["records_updated"]) == ("success", 1)
    assert row["detail"]["deleted"] == 1
    assert dt.date(2026, 11, 20) not in world.nights()
    (kept,) = (s for s in world.rows("sleep_sessions") if s["external_id"] == "n2026-11-20")
    assert kept["hidden_since"] is not None
    before = world.rows("sleep_sessions")
    world.sync()
    assert world.rows("sleep_sessions") == before

    world.maker.revise("n2026-11-20", kind="main")
    world.sync()
    assert dt.date(2026, 11, 20) in world.nights()


def test_a_sleep_that_was_taken_back_before_it_was_told_makes_no_night(world: World) -> None:
    world.maker.add_nights("2026-11-15", "2026-11-21")
    world.maker.revise("n2026-11-20", kind=TAKEN_BACK)
    (row, *_) = world.sync()
    assert row["records_inserted"] == 6
    assert dt.date(2026, 11, 20) not in world.nights()
