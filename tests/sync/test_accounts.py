"""What is kept of an account: taken away, handed over, and forgotten."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import insert

from sleepbalance.provider import Reading
from sleepbalance.store import connections, windows
from sleepbalance.store.engine import reading, writing
from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import sleep_edits
from sleepbalance.sync import remove_data, rename_account
from tests.sync.maker import make_provider, night
from tests.sync.world import World

LAST = dt.date(2026, 11, 22)


def synced(world: World) -> World:
    world.provider = make_provider(Reading(longest=30, first=14, settles_after=7, history=14))
    world.maker.add_nights("2026-11-09", "2026-11-22")
    world.sync()
    return world


def say(world: World, kind: str, value: dict[str, str]) -> None:
    end = night(LAST).end
    edit = {"id": kind, "user_id": world.user_id, "kind": kind, "value": value}
    span = {"start_at": end - dt.timedelta(hours=8), "end_at": end}
    with writing(world.engine) as connection:
        row = insert(sleep_edits).values(**edit, **span, made_at=world.now, made_by="person")
        connection.execute(row)


def test_removing_takes_nights_and_leaves_edits_and_others(world: World) -> None:
    synced(world)
    say(world, "rating", {"rating": "good"})
    mine = world.nights()
    world.alter(user_external_id="second")
    with writing(world.engine) as connection:
        windows.forget(connection, world.bond)
    world.maker.sleeps = {"n": night("2026-11-22", id="n", stage="deep")}
    world.sync()
    assert world.nights().keys() == mine.keys()

    assert remove_data(world.engine, world.owner) == 14
    assert world.nights().keys() == {LAST}
    assert world.nights()[LAST]["deep_sleep_duration"] == 480
    assert {row["account"] for row in world.rows("raw_records")} == {"second"}
    assert {row["account"] for row in world.rows("sleep_sessions")} == {"second"}
    assert world.nights()[LAST]["quality_rating"] == "good"
    assert remove_data(world.engine, world.owner) == 0

    say(world, "added", {"kind": "main"})
    remove_data(world.engine, Owner(world.user_id, "traumland", "second"))
    assert world.nights()[LAST]["data_source"] == "person"
    assert world.nights()[LAST]["quality_rating"] == "good"


def test_an_account_with_a_new_id_goes_on(world: World) -> None:
    synced(world)
    say(world, "source", {"provider": "traumland", "account": "dreamer", "source": "ring"})
    before = world.nights()
    with writing(world.engine) as connection:
        assert rename_account(connection, world.owner, "new id") > 0
    world.alter(user_external_id="new id")
    (attempt,) = world.sync()
    assert (attempt["records_inserted"], attempt["records_skipped"]) == (0, 7)
    assert world.nights() == before
    for table in ("raw_records", "sleep_sessions", "night_details"):
        assert {row["account"] for row in world.rows(table)} == {"new id"}
    (edit,) = world.rows("sleep_edits")
    assert edit["value"]["account"] == "new id"


def test_an_account_that_was_kept_under_both_ids(world: World) -> None:
    synced(world)
    world.alter(user_external_id="new id")
    world.maker.revise("n2026-11-22", stage="deep")
    world.sync()
    with writing(world.engine) as connection:
        rename_account(connection, world.owner, "new id")
    assert len(world.rows("sleep_sessions")) == 14
    assert world.nights()[LAST]["deep_sleep_duration"] == 480


def test_another_account_is_never_mixed_in(world: World) -> None:
    synced(world)
    world.alter(user_external_id="second")
    with writing(world.engine) as connection:
        connections.forget_windows(connection, world.bond)
    assert world.ranges() == {}
    (attempt,) = world.sync()
    assert attempt["records_inserted"] == 14
    accounts = [row["account"] for row in world.rows("sleep_sessions")]
    assert accounts.count("dreamer") == accounts.count("second") == 14


def test_ranges_of_a_connection(world: World) -> None:
    synced(world)
    with writing(world.engine) as connection:
        windows.mark_fetched(
            connection, world.bond, dt.date(2026, 11, 1), dt.date(2026, 11, 10), "attempt"
        )
    with reading(world.engine) as connection:
        found = windows.ranges(connection, world.bond)
    whole = [(dt.date(2026, 11, 1), LAST)]
    assert found == {"fetched": whole, "wanted": [], "asked": [], "refused": []}


def test_connections_as_they_are_listed(world: World) -> None:
    with writing(world.engine) as connection:
        world_row = connections.get(connection, world.bond)
        assert connections.listed(connection) == [world_row]
        assert connections.find(connection, world.user_id, "traumland") == world_row
        assert connections.find(connection, world.user_id, "fitbit") is None
        assert connections.holders(connection, "traumland", "dreamer") == [world.user_id]
    world.alter(status="disconnected", is_active=0)
    with reading(world.engine) as connection:
        assert connections.holders(connection, "traumland", "dreamer") == []


def test_removing_a_connection_keeps_nights_and_log(world: World) -> None:
    synced(world)
    before = world.nights()
    with writing(world.engine) as connection:
        connections.remove(connection, world.bond)
    assert world.connected() is None
    assert world.nights() == before
    (attempt,) = world.history()
    assert attempt["connection_id"] is None
    assert world.rows("sync_windows") == []
