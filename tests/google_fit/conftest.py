"""A sandbox, and a folder whose person lives in Sydney and never travels: Fit knows no zones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import opened
from sleepbalance.app.links import Links
from sleepbalance.app.syncing import sync_connected
from sleepbalance.folder import Folder
from tests.connect.played import Home, Makers, makers

MAKER = "google_fit"
SYDNEY = "3"  # the person


@dataclass
class FitHome(Home):
    """A folder that is connected to Google Fit."""

    def links(self, user: str | None = None) -> Links:
        return Links.to(self.makers.outside(self.app, **self.edges), user or self.user, MAKER)

    def existing(self) -> Links:
        return Links.existing(self.makers.outside(self.app), self.user, MAKER)

    def sync(self, first: dt.date | None = None, last: dt.date | None = None) -> list[Any]:
        outside = self.makers.outside(self.app, **self.edges)
        return sync_connected(outside, self.user, MAKER, (first, last))


@pytest.fixture
def played() -> Iterator[Makers]:
    with makers(people=3) as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, played: Makers) -> Iterator[FitHome]:
    with opened(
        Folder(tmp_path / "home", f"sqlite:///{tmp_path / 'home.db'}", sandbox=True)
    ) as app:
        app.add_user("me")
        app.set_zone("me", "Australia/Sydney", None, None)
        yield FitHome(app, played)
