"""A sandbox, and folders that are pointed at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connect.played import Home, Makers, Shell, home, makers


@pytest.fixture
def played() -> Iterator[Makers]:
    with makers() as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, played: Makers) -> Iterator[Home]:
    """A folder with a SQLite file."""
    with home(tmp_path / "home", f"sqlite:///{tmp_path / 'home.db'}", played) as made:
        yield made


@pytest.fixture
def anywhere(tmp_path: Path, database_url: str, played: Makers) -> Iterator[Home]:
    """A folder with each kind of database."""
    with home(tmp_path / "home", database_url, played) as made:
        yield made


@pytest.fixture
def shell(tmp_path: Path, played: Makers) -> Shell:
    return Shell(tmp_path / "data", played)
