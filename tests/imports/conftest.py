"""A data folder of a person, on SQLite and on PostgreSQL in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sleepbalance.app import App, opened
from sleepbalance.folder import Folder


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    with opened(Folder(tmp_path / "home", database_url, demo=False)) as made:
        yield made


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[App]:
    """On SQLite only, for what does not depend on the database."""
    with opened(Folder(tmp_path / "lite", f"sqlite:///{tmp_path / 'lite.db'}", demo=False)) as made:
        yield made
