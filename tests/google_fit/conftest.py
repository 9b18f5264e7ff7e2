"""A sandbox, and a folder whose person lives in Sydney and never travels: Fit knows no zones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connect.played import Home, Makers, home, makers

MAKER = "google_fit"
SYDNEY = "3"  # the person


@pytest.fixture
def played() -> Iterator[Makers]:
    with makers(people=3) as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, played: Makers) -> Iterator[Home]:
    with home(tmp_path / "home", f"sqlite:///{tmp_path / 'home.db'}", played, MAKER) as made:
        made.app.add_user("me")
        made.app.set_zone("me", "Australia/Sydney", None, None)
        yield made
