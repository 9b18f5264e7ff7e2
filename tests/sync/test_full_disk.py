"""A disk that is full in the middle of a sync: it is said, nothing moves, the next one heals it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from sleepbalance.errors import SleepBalanceError
from sleepbalance.store.engine import reading
from tests.sync.world import World

ROOM = (0, 1, 2, 3, 4)  # pages that are left


@contextmanager
def _full(engine: Engine, room: int) -> Iterator[None]:
    """SQLite's own limit: past it every write fails as on a full disk."""
    with engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()

    def limit(raw: Any, _: object) -> None:
        raw.execute(f"PRAGMA max_page_count = {pages + room}")

    engine.dispose()
    event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        engine.dispose()


def _said(world: World) -> list[str]:
    """What went wrong, in the log or, where not even that could be written, on the screen."""
    try:
        return [str(row["error_message"]) for row in world.sync()]
    except SleepBalanceError as error:
        return [str(error)]


@pytest.mark.parametrize("room", ROOM)
def test_a_full_disk_costs_no_night(lite: World, room: int) -> None:
    lite.maker.add_nights("2026-11-01", "2026-11-08")
    lite.sync()
    before = lite.nights(), lite.ranges(), lite.connected().last_sync_at  # type: ignore[union-attr]
    lite.maker.add_nights("2026-11-09", "2026-11-22")
    with _full(lite.engine, room):
        said = _said(lite)
    assert said
    assert all("full" in words for words in said)
    nights, ranges, synced = before
    assert lite.nights() == nights
    assert lite.ranges().get("fetched") == ranges.get("fetched")
    assert lite.connected().last_sync_at == synced  # type: ignore[union-attr]
    with reading(lite.engine) as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"

    assert {row["status"] for row in lite.sync()} == {"success"}
    assert len(lite.nights()) == 22
    assert all(row["status"] != "in_progress" for row in lite.history())
