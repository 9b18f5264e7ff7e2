"""A store at head, on SQLite and on PostgreSQL in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from sleepbalance.store.engine import make_engine
from sleepbalance.store.upgrade import upgrade


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    upgrade(database_url, providers={"acme": "Acme", "other": "Other"})
    made = make_engine(database_url)
    yield made
    made.dispose()
