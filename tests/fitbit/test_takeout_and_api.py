"""One account by two doors: what the API told and what the archive tells are the same nights."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sleepbalance.sandbox.world import World
from sleepbalance.store.engine import reading
from sleepbalance.store.tables import sync_windows, wearable_connections
from tests.connect.played import TODAY, Home, Makers, home, makers, same_as_the_truth
from tests.takeouts import of_person

FIRST, LAST = dt.date(2026, 8, 1), dt.date(2026, 9, 30)
TOLD = ("sleep_date", "total_sleep_time", "sleep_start_time", "sleep_end_time", "awake_duration")


@pytest.fixture(scope="module")
def played() -> Iterator[Makers]:
    with makers() as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, played: Makers) -> Iterator[Home]:
    with home(tmp_path / "home", f"sqlite:///{tmp_path / 'home.db'}", played) as made:
        yield made


def archive(folder: Path, person: str = "1", *, rows: bool = False) -> list[Path]:
    world = World(people=2, clock=lambda: TODAY)
    made = of_person(world, world.person(person), FIRST, LAST, rows=rows)
    return made.zips(folder, 2)


def brought(here: Home, paths: list[Path]) -> dict[str, Any]:
    (attempt,) = here.app.import_paths(paths, now=TODAY)
    assert attempt["status"] == "success", attempt["error_message"]
    return attempt


def told(here: Home) -> list[dict[str, Any]]:
    return here.app.nights(None, FIRST, LAST)


@pytest.mark.parametrize("rows", [False, True], ids=["naive logs", "with rows"])
@pytest.mark.parametrize("first", ["the API", "the archive"])
def test_both_doors_tell_the_same_nights(
    here: Home, played: Makers, tmp_path: Path, first: str, rows: bool
) -> None:
    paths = archive(tmp_path / "zips", rows=rows)
    if first == "the archive":
        brought(here, paths)
    here.connect()
    here.sync(FIRST, TODAY.date())
    if first == "the API":
        brought(here, paths)
    nights = told(here)
    same_as_the_truth(nights, played.truth("1", str(FIRST), str(LAST)))
    assert {night["details"]["other_main_sleeps"] == [] for night in nights} == {True}
    assert all(not night["details"]["alternatives"] for night in nights)


def test_the_archive_alone_tells_them_too(here: Home, played: Makers, tmp_path: Path) -> None:
    """All but the second it was: their end says where it was, and short awakenings are cut in."""
    brought(here, archive(tmp_path / "zips", rows=True))
    truth = played.truth("1", str(FIRST), str(LAST))
    for night, true in zip(told(here), truth, strict=True):
        assert {name: str(night[name]) for name in TOLD} == {name: str(true[name]) for name in TOLD}


def test_a_file_marks_nothing_as_fetched_that_the_api_must_ask_for(
    here: Home, tmp_path: Path
) -> None:
    here.connect()
    brought(here, archive(tmp_path / "zips"))
    with reading(here.app.engine) as connection:
        windows = connection.execute(select(sync_windows)).all()
        (last_sync_at,) = connection.execute(select(wearable_connections.c.last_sync_at)).one()
    assert [window for window in windows if window.state == "fetched"] == []
    assert last_sync_at is None
    attempts = here.sync(FIRST, TODAY.date())
    assert attempts[-1]["sync_date_from"] <= FIRST
