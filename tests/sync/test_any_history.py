"""Whatever happens on the way, the nights end as a clean first sync would have made them."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sleepbalance.errors import (
    Gone,
    Malformed,
    NeedsReconnect,
    RateLimited,
    Unavailable,
)
from sleepbalance.provider import Reading
from sleepbalance.store.engine import make_engine
from sleepbalance.store.upgrade import upgrade
from tests.sync.maker import EMPTY, Fault, Maker, Sleep, make_provider, night
from tests.sync.world import DAY, World, connect

READING = Reading(longest=9, first=5, settles_after=5, history=24)
HOUR = dt.timedelta(hours=1)
FAULTS: dict[str, Fault] = {
    "fine": None,
    "empty": EMPTY,
    "down": Unavailable("down"),
    "rubbish": Malformed("rubbish"),
    "limit": RateLimited("wait", 3000.0),
    "consent": NeedsReconnect("gone"),
    "ended": Gone("over"),
}
# Beside the sleeps nothing is empty: a sleep without a heart rate is lawful.
BESIDE = {k: v for k, v in FAULTS.items() if k != "empty"}

syncs = st.tuples(
    st.just("sync"),
    st.lists(st.sampled_from(sorted(FAULTS)), max_size=4),
    st.lists(st.sampled_from(sorted(BESIDE)), max_size=4),
)
changes = st.tuples(
    st.sampled_from(["revise", "heart", "drop", "restore", "rename", "nap", "move"]),
    st.integers(0, READING.settles_after - 1),  # days ago
    st.integers(0, 3),
)
pauses = st.tuples(st.just("wait"), st.sampled_from([1, 5, 20, 24, 30, 60]), st.just(0))
histories = st.lists(st.one_of(syncs, changes, pauses), max_size=14)


def change(maker: Maker, what: str, day: dt.date, number: int, later: str) -> None:
    """One of the things that may happen to a sleep at its maker; every second night stays."""
    own = next((s for s in maker.sleeps.values() if s.end.date() == day and s.kind == "main"), None)
    if what == "nap":
        end = dt.datetime.combine(day, dt.time(15), dt.UTC)
        maker.add(Sleep(f"nap{day}{number}", end - HOUR, end, kind="nap", updated=later))
    elif own is None:
        maker.add(*([night(day, updated=later)] if what == "restore" else []))
    elif what in ("drop", "rename"):
        if day.toordinal() % 2:
            maker.drop(own.id)
            renamed = replace(own, id=f"{own.id}+{number}", updated=later)
            maker.add(*([renamed] if what == "rename" else []))
    elif own.start is not None:
        stage = ["light", "deep", "rem", "asleep"][number]
        said: dict[str, dict[str, Any]] = {
            "revise": {"stage": stage, "updated": later},
            "heart": {"heart": 50.0 + number},
            "move": {"start": own.start + number * HOUR, "updated": later},
        }
        maker.add(replace(own, **said.get(what, {})))


@contextmanager
def fresh(template: Path, path: Path) -> Iterator[World]:
    shutil.copy(template, path)
    engine = make_engine(f"sqlite:///{path}")
    world = connect(engine)
    world.provider = make_provider(READING)
    yield world
    engine.dispose()
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("any") / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


def live(world: World, history: list[Any]) -> None:
    today = world.now.date()
    for step, (what, one, two) in enumerate(history):
        if what == "wait":
            world.now += one * HOUR
            while today < world.now.date():
                today += DAY
                world.maker.add(night(today))
        elif what == "sync":
            world.maker.faults.clear()
            world.maker.fail("sleeps", *(FAULTS[name] for name in one))
            world.maker.fail("hearts", *(FAULTS[name] for name in two))
            world.alter(status="connected", is_active=1)
            world.sync()
            check_log(world)
        else:
            later = (world.now + dt.timedelta(seconds=step)).isoformat()
            change(world.maker, what, world.now.date() - one * DAY, two, later)


def check_log(world: World) -> None:
    for row in world.history():
        counts = [row[f"records_{what}"] for what in ("inserted", "updated", "skipped")]
        assert row["records_fetched"] == sum(counts)
        assert row["status"] != "in_progress"
        assert (row["status"] == "success") == (row["error_code"] is None)


@given(histories)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_history(template: Path, tmp_path: Path, history: list[Any]) -> None:
    with fresh(template, tmp_path / "lived.db") as lived:
        lived.maker.add_nights("2026-10-25", "2026-11-22")
        live(lived, history)
        lived.maker.faults.clear()
        lived.alter(status="connected", is_active=1)
        lived.now += HOUR
        lived.sync()  # heals what failed
        lived.now += DAY
        lived.sync()  # believes deletions, and empty days
        with fresh(template, tmp_path / "clean.db") as clean:
            clean.maker, clean.now = lived.maker, lived.now
            clean.sync()
            floor = lived.now.date() - (READING.history or 0) * DAY + 2 * DAY
            expected = {d: n for d, n in clean.nights().items() if d >= floor}
        assert {d: n for d, n in lived.nights().items() if d >= floor} == expected
        assert "wanted" not in lived.ranges()
        assert [a["status"] for a in lived.sync()] == ["success"]
