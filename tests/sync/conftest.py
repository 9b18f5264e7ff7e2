"""A world on SQLite and on PostgreSQL in turn, and one on SQLite only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sleepbalance.store.engine import make_engine
from sleepbalance.store.upgrade import upgrade
from tests.sync.world import World, connect


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    yield from _made(database_url)


@pytest.fixture
def lite(sqlite_path: Path) -> Iterator[World]:
    """For what does not depend on the database."""
    yield from _made(f"sqlite:///{sqlite_path}")


def _made(url: str) -> Iterator[World]:
    upgrade(url)
    engine = make_engine(url)
    yield connect(engine)
    engine.dispose()
