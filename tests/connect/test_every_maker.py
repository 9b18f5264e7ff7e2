"""Every maker of the sandbox, through its first door: the flow, and each fault at each step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sleepbalance import sandbox
from sleepbalance.app import App, connected, opened
from sleepbalance.app.links import Links
from sleepbalance.app.syncing import sync_connected
from sleepbalance.folder import Folder
from sleepbalance.provider import ApiKey
from tests.connect.played import Makers, hasty
from tests.homes import everything_but_the_log, nights

FIRST, LAST = dt.date(2026, 11, 9), dt.date(2026, 11, 21)
FAULTS = {
    "429": "RATE_LIMITED",
    "500": "PROVIDER_UNAVAILABLE",
    "timeout": "PROVIDER_UNAVAILABLE",
    "cut": "PROVIDER_UNAVAILABLE",
    "malformed": "BAD_DATA",
}
SECONDS = {"timeout": 3}
HISTORY = 200  # days

every_maker = pytest.mark.parametrize("maker", sandbox.makers())


@dataclass
class Guest:
    """A folder of a person who is connected with one maker of the sandbox."""

    app: App
    played: Makers
    maker: str
    edges: dict[str, float] = field(default_factory=dict)

    def let_in(self) -> dict[str, Any]:
        """Through the maker's first door, as a person would."""
        links = Links.to(self.played.outside(self.app), None, self.maker)
        if isinstance(links.door, ApiKey):
            key = sandbox.make_key(self.played.url, self.maker)
            return links.keep(links.receive_key(key, 90))
        login = links.begin(links.redirect_by_hand)
        back = sandbox.consent(login.address)
        return links.keep(links.receive(login, dict(parse_qsl(urlsplit(back).query))))

    def sync(self, first: dt.date | None = FIRST, last: dt.date | None = LAST) -> list[Any]:
        outside = self.played.outside(self.app, **self.edges)
        return sync_connected(outside, None, self.maker, (first, last))

    def row(self) -> dict[str, Any]:
        (found,) = connected.listed(self.app)
        return dict(found)

    def rest(self) -> None:
        """Until a maker's limit is over."""
        self.played.rest(self.app)


@contextmanager
def guest(path: Path, played: Makers, maker: str) -> Iterator[Guest]:
    with opened(Folder(path, f"sqlite:///{path}.db", sandbox=True)) as app:
        made = Guest(app, played, maker)
        made.let_in()
        yield made


def fault(played: Makers, maker: str, kind: str, step: int) -> None:
    """The request with this number, counted from now, goes wrong."""
    said = {"provider": maker, "path": "", "share": 1, "fault": kind, "skip": step, "times": 1}
    played.post("/-/faults", [said | {"seconds": SECONDS.get(kind, 1)}])


@every_maker
def test_the_flow(tmp_path: Path, played: Makers, maker: str) -> None:
    today = played.shorten(HISTORY)
    days = today - dt.timedelta(days=12), today
    with guest(tmp_path / "home", played, maker) as home:
        assert all(row["status"] == "success" for row in home.sync(None, None))
        dates = {str(night["sleep_date"]) for night in home.app.nights(None)}
        truth = played.truth()
        measured = {night["sleep_date"] for night in truth if night["form"] != "manual"}
        assert len(measured) > HISTORY * 0.9
        assert measured <= dates  # what was typed in, some makers do not tell
        before = everything_but_the_log(home.app)
        (row,) = home.sync(*days)
        assert (row["records_inserted"], row["records_updated"]) == (0, 0)
        assert everything_but_the_log(home.app) == before

        links = Links.existing(played.outside(home.app), None, maker)
        links.end()
        assert nights(home.app)
        assert home.row()["status"] == "disconnected"
        kept = nights(home.app)
        home.let_in()
        (row,) = home.sync(*days)
        assert (row["status"], row["records_inserted"]) == ("success", 0)
        assert nights(home.app) == kept

        links = Links.existing(played.outside(home.app), None, maker)
        assert links.end(delete=True, with_data=True).nights
        assert nights(home.app) == []


@every_maker
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_any_step_is_said_and_healed(
    tmp_path: Path, played: Makers, maker: str, kind: str
) -> None:
    with guest(tmp_path / "clean", played, maker) as home:
        (row,) = home.sync()
        clean, steps = nights(home.app), row["detail"]["requests"]
    assert clean
    for step in range(steps):
        with guest(tmp_path / f"home{step}", played, maker) as home:
            before = home.row()
            home.edges = hasty(kind)
            fault(played, maker, kind, step)
            (row, *_) = home.sync()
            assert row["status"] in ("failed", "partial"), (step, row)
            assert row["error_code"] == FAULTS[kind], (step, row)
            assert row["error_message"]
            if row["status"] == "failed":
                assert nights(home.app) == []
                assert home.row()["last_sync_at"] == before["last_sync_at"]
                assert home.row()["fetched"] == []
            played.heal()
            home.rest()
            home.edges = {}
            for healed in home.sync():
                assert (healed["status"], healed["error_message"]) == ("success", None)
            assert nights(home.app) == clean
            assert home.row()["wanted"] == []


@every_maker
def test_a_token_that_ends_in_mid_life_is_renewed(
    tmp_path: Path, played: Makers, maker: str
) -> None:
    with guest(tmp_path / "home", played, maker) as home:
        played.post("/-/faults", [{"provider": maker, "path": "", "fault": "expired", "times": 1}])
        (row,) = home.sync()
        assert row["status"] == "success"
        assert nights(home.app)


@every_maker
def test_a_consent_that_is_gone_ends_the_connection_and_keeps_the_nights(
    tmp_path: Path, played: Makers, maker: str
) -> None:
    with guest(tmp_path / "home", played, maker) as home:
        home.sync()
        before = nights(home.app)
        played.post("/-/faults", [{"provider": maker, "path": "", "fault": "revoked"}])
        (row, *_) = home.sync()
        assert (row["status"], row["error_code"]) == ("failed", "AUTH_ERROR")
        assert f"connect {maker}" in row["error_message"]
        assert home.row()["status"] == "needs_reconnect"
        assert nights(home.app) == before
        played.heal()
        home.let_in()
        assert home.sync()[0]["status"] == "success"
        assert nights(home.app) == before
