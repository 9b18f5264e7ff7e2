"""Each fault at each step: what the log says, what moved, and that the next sync heals it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from sleepbalance.errors import (
    Fatal,
    Gone,
    Malformed,
    NeedsReconnect,
    NotEntitled,
    RateLimited,
    ScopeMissing,
    SleepBalanceError,
    Unavailable,
    UsageError,
)
from sleepbalance.provider import Reading
from tests.sync.maker import make_provider, night
from tests.sync.world import DAY, World

FIRST = dt.date(2026, 10, 10)
ALL = {"fetched": [(FIRST, dt.date(2026, 11, 22))]}
KEPT = ("raw_records", "sleep_sessions", "sleep_records", "night_details", "sync_windows")

# Each with its code, and how many windows are still tried after it.
FAULTS: list[tuple[SleepBalanceError, int]] = [
    (Unavailable("Their server is down; try again later."), 1),
    (Malformed("Their server sent a page instead of data."), 1),
    (RateLimited("They ask us to wait.", 600.0), 0),
    (NeedsReconnect("They want your consent again; connect again."), 0),
    (Gone("The service has ended; use the export instead."), 0),
    (NotEntitled("Your plan does not cover sleep."), 0),
    (ScopeMissing("You did not allow sleep; connect again."), 0),
    (Fatal("The client id is wrong; see doctor."), 0),
]
WHERE = ["at once", "on the second page", "in the second window"]


@pytest.fixture
def world(lite: World) -> World:
    return ready(lite)


def ready(world: World) -> World:
    world.provider = make_provider(Reading(longest=30, first=14, settles_after=7, history=44))
    world.maker.add_nights("2026-10-10", "2026-11-22")
    return world


def moved(world: World) -> dict[str, object]:
    return {name: world.rows(name) for name in KEPT}


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(("fault", "more"), FAULTS, ids=lambda f: type(f).__name__)
def test_a_window_that_fails(world: World, fault: SleepBalanceError, more: int, where: str) -> None:
    world.maker.fail("sleeps", *[None] * WHERE.index(where), fault)
    attempts = world.sync()
    index = 1 if where == "in the second window" else 0
    broken = attempts[index]
    assert (broken["status"], broken["error_code"]) == ("failed", fault.code)
    assert broken["error_message"].startswith(str(fault))
    assert broken["records_fetched"] == 0
    assert broken["detail"]["summary"].endswith("nothing was kept")
    tried = 2 if index else 1 + more
    assert len(attempts) == tried
    assert all(a["status"] == "success" for a in attempts if a is not broken)
    inside = broken["sync_date_from"] + DAY  # the neighbour's margin may hold the first day
    while inside <= broken["sync_date_to"]:
        assert inside not in world.nights()
        inside += DAY

    if isinstance(fault, RateLimited):
        world.now += dt.timedelta(minutes=11)
    world.alter(status="connected", is_active=1)
    world.sync()
    assert len(world.nights()) == 44 - ("refused" in world.ranges()) * 30
    if "refused" not in world.ranges():
        assert world.ranges() == ALL


@pytest.mark.parametrize(("fault", "_more"), FAULTS, ids=lambda f: type(f).__name__)
def test_every_call_failing_moves_nothing(
    world: World, fault: SleepBalanceError, _more: int
) -> None:
    world.sync(first=dt.date(2026, 11, 20))
    before = {name: rows for name, rows in moved(world).items() if name != "sync_windows"}
    synced = world.connected()
    assert synced is not None
    world.maker.fail("sleeps", *[fault] * 50)
    attempts = world.sync()
    assert {a["status"] for a in attempts} == {"failed"}
    assert {a["error_code"] for a in attempts} == {fault.code}
    assert before == {n: rows for n, rows in moved(world).items() if n != "sync_windows"}
    assert world.ranges()["fetched"] == [(dt.date(2026, 11, 20), dt.date(2026, 11, 22))]
    now = world.connected()
    assert now is not None
    assert now.last_sync_at == synced.last_sync_at


def test_their_server_is_left_alone_after_two_windows(world: World) -> None:
    world.provider = make_provider(Reading(longest=5, first=5, settles_after=3, history=44))
    world.maker.fail("sleeps", *[Unavailable("down")] * 50)
    assert len(world.sync()) == 2


def test_rubbish_is_asked_for_a_few_times_only(world: World) -> None:
    world.provider = make_provider(Reading(longest=5, first=5, settles_after=3, history=44))
    world.maker.fail("sleeps", *[Malformed("rubbish")] * 50)
    assert len(world.sync()) == 5


def test_one_bad_window_does_not_end_the_run(world: World) -> None:
    world.provider = make_provider(Reading(longest=5, first=5, settles_after=3, history=44))
    bad = [Unavailable("down"), None, Unavailable("down"), None, Malformed("rubbish"), None]
    world.maker.fail("sleeps", *bad)
    statuses = [attempt["status"] for attempt in world.sync()]
    assert statuses == ["failed", "success", "failed", "success", "failed"] + ["success"] * 4
    assert len(world.ranges()["wanted"]) == 3
    world.sync()
    assert world.ranges() == ALL


def test_a_limit_is_kept_to(world: World) -> None:
    world.maker.fail("sleeps", RateLimited("Wait.", 600.0))
    world.sync()
    world.now += dt.timedelta(minutes=9)
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["error_code"]) == ("failed", "RATE_LIMITED")
    assert "sync again after 2026-11-22 12:10 UTC" in attempt["error_message"]
    assert attempt["detail"]["summary"] == "asked nothing"
    assert world.maker.asked == []
    world.now += dt.timedelta(minutes=1)
    world.sync()
    assert world.ranges() == ALL


def test_a_limit_that_says_nothing_or_too_much(world: World) -> None:
    world.maker.fail("sleeps", RateLimited("Wait."))
    assert [a["error_code"] for a in world.sync()] == ["RATE_LIMITED"]
    world.maker.fail("sleeps", RateLimited("Wait.", 1e12))
    assert [a["error_code"] for a in world.sync()] == ["RATE_LIMITED"]
    world.now += DAY
    world.sync()
    assert world.ranges() == {"fetched": [(FIRST + DAY, dt.date(2026, 11, 23))]} or (
        world.ranges()["fetched"][-1][1] == dt.date(2026, 11, 23)
    )


def test_a_limit_in_the_second_window_keeps_the_first(world: World) -> None:
    world.maker.fail("sleeps", None, None, RateLimited("Wait.", 60.0))
    attempts = world.sync()
    assert [a["status"] for a in attempts] == ["success", "failed"]
    assert len(world.nights()) == 14


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (NeedsReconnect("They want your consent again."), "needs_reconnect", "AUTH_ERROR"),
        (Gone("It has ended."), "ended", "PROVIDER_ENDED"),
    ],
)
def test_a_connection_that_works_no_more(
    world: World, fault: SleepBalanceError, status: str, code: str
) -> None:
    world.maker.fail("sleeps", fault)
    world.sync()
    bond = world.connected()
    assert bond is not None
    assert (bond.status, bond.status_reason) == (status, str(fault))
    (attempt,) = world.sync()
    assert (attempt["status"], attempt["error_code"]) == ("failed", code)
    assert str(fault) in attempt["error_message"]
    assert "sleepbalance" in attempt["error_message"]
    assert world.maker.asked == []


def test_a_new_consent_is_not_ended_by_an_old_refusal(world: World) -> None:
    def connect_again() -> None:
        world.alter(connected_at=dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        raise NeedsReconnect("The token from before is no good.")

    world.maker.fail("sleeps", connect_again)
    assert [a["error_code"] for a in world.sync()] == ["AUTH_ERROR"]
    bond = world.connected()
    assert bond is not None
    assert bond.status == "connected"


@pytest.mark.parametrize(
    "row",
    [
        {"status": "disconnected", "is_active": 0},
        {"is_active": 0},  # all that a program says that knows the seed's columns only
        {"status": "paused"},
    ],
)
def test_what_is_not_connected_is_not_tried(world: World, row: dict[str, object]) -> None:
    world.alter(**row)
    with pytest.raises(UsageError):
        world.sync()
    assert (world.history(), world.maker.asked) == ([], [])


def test_what_is_not_there_is_not_tried(world: World) -> None:
    with pytest.raises(UsageError, match="sleepbalance connect traumland"):
        world.sync(connection_id="nobody")
    with pytest.raises(UsageError):
        world.sync(user_id="somebody else")
    assert world.history() == []


def test_a_defect_of_ours_is_logged_and_raised(world: World) -> None:
    world.maker.fail("sleeps", None, ZeroDivisionError("oops"))
    with pytest.raises(ZeroDivisionError):
        world.sync()
    (attempt,) = world.history()
    assert (attempt["status"], attempt["error_code"]) == ("failed", "INTERNAL")
    assert "ZeroDivisionError" in attempt["error_message"]
    assert "oops" not in attempt["error_message"]
    world.sync()
    assert world.ranges() == ALL


def test_stopped_by_the_person(world: World) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    world.maker.fail("sleeps", None, None, None, stop)
    with pytest.raises(KeyboardInterrupt):
        world.sync()
    stopped, kept = world.history()
    assert (stopped["status"], stopped["error_code"]) == ("failed", "INTERRUPTED")
    assert stopped["error_message"] == "You stopped it; what was committed before stays."
    assert (kept["status"], kept["records_inserted"]) == ("success", 14)
    assert len(world.nights()) == 14
    world.sync()
    assert world.ranges() == ALL


def test_a_plan_that_does_not_reach_so_far_back(world: World) -> None:
    world.maker.fail("sleeps", None, None, NotEntitled("Only two weeks without a subscription."))
    assert [a["error_code"] for a in world.sync()] == [None, "NOT_ENTITLED"]
    assert world.ranges()["refused"] == [(FIRST, dt.date(2026, 11, 8))]
    assert [a["status"] for a in world.sync()] == ["success"]


def disconnect(world: World) -> None:
    world.alter(status="disconnected", is_active=0)


def remove(world: World) -> None:
    from sleepbalance.store import connections
    from sleepbalance.store.engine import writing

    with writing(world.engine) as connection:
        connections.remove(connection, world.bond)


def switch(world: World) -> None:
    world.alter(user_external_id="another dreamer")


@pytest.mark.parametrize("how", [disconnect, remove, switch])
@pytest.mark.parametrize("window", [0, 1])
def test_ended_while_it_runs(world: World, how: Callable[[World], None], window: int) -> None:
    world.maker.fail("hearts", *[None] * (14 * window), lambda: how(world))
    attempts = world.sync()
    last = attempts[-1]
    assert len(attempts) == window + 1
    assert (last["status"], last["error_code"]) == ("failed", "INTERRUPTED")
    assert "ended" in last["error_message"]
    assert len(world.nights()) == 14 * window


def test_ended_while_a_window_fails(world: World) -> None:
    def ended() -> None:
        remove(world)
        raise Malformed("rubbish")

    world.maker.fail("sleeps", ended)
    assert [a["error_code"] for a in world.sync()] == ["BAD_DATA"]


def test_the_fault_matrix_on_both_databases(database_url: str, tmp_path: object) -> None:
    """One fault of each kind after another, on one connection; in the end all nights are there."""
    from sleepbalance.store.engine import make_engine
    from sleepbalance.store.upgrade import upgrade
    from tests.sync.world import connect

    upgrade(database_url)
    engine = make_engine(database_url)
    world = ready(connect(engine))
    for step in range(3):
        for fault, _ in FAULTS:
            world.maker.fail("sleeps", *[None] * step, fault)
            world.maker.add(night("2026-11-22", heart=60.0 + step))
            world.sync()
            world.maker.faults.clear()
            world.now += dt.timedelta(minutes=11)
            world.alter(status="connected", is_active=1)
    world.sync()
    assert len(world.nights()) == 44
    engine.dispose()
