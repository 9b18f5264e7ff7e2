"""A sandbox with Oura in it, and a folder that is connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connect.played import Home, Makers, home, makers

MAKER = "oura"


@pytest.fixture
def played() -> Iterator[Makers]:
    with makers() as found:
        yield found


@pytest.fixture
def here(tmp_path: Path, played: Makers) -> Iterator[Home]:
    with home(tmp_path / "data", f"sqlite:///{tmp_path}/nights.db", played, MAKER) as made:
        yield made
