"""A sandbox with Oura in it, and a folder that is connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sleepbalance.app import opened
from sleepbalance.folder import Folder
from tests.connect.played import Makers, makers
from tests.oura.home import Home


@pytest.fixture
def played() -> Iterator[Makers]:
    with makers() as found:
        yield found


@pytest.fixture
def here(tmp_path: Path, played: Makers) -> Iterator[Home]:
    with opened(Folder(tmp_path / "data", f"sqlite:///{tmp_path}/nights.db", sandbox=True)) as app:
        yield Home(app, played)
