"""A maker that answers by push: consent, what is asked for, bodies as they come, nights."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sleepbalance import sandbox
from sleepbalance.app import accepting, connected
from sleepbalance.app.links import Links
from sleepbalance.app.syncing import sync_connected
from sleepbalance.errors import ScopeMissing, UsageError
from tests.connect.played import Home, Makers
from tests.homes import everything_but_the_log

MAKER = "garmin"
DAYS = 20
TOLD = ("sleep_date", "sleep_start_time", "sleep_end_time", "total_sleep_time")
ALL = ("HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT")


def _connect(
    here: Home, allow: tuple[str, ...] = ALL, user: str | None = None
) -> ScopeMissing | None:
    """Gives what the person did not allow, as it is said."""
    links = Links.to(here.makers.outside(here.app), user, MAKER, "health")
    login = links.begin(links.redirect_by_hand)
    back = sandbox.consent(login.address, allow=allow)
    received = links.receive(login, dict(parse_qsl(urlsplit(back).query)))
    links.keep(received)
    return links.missing(received.grant)


def _sync(here: Home) -> list[dict[str, Any]]:
    return sync_connected(here.makers.outside(here.app), None, MAKER)


def _accept(here: Home, folder: Path) -> list[dict[str, Any]]:
    """Takes all that the maker has sent since, body by body."""
    rows = []
    for number, delivery in enumerate(here.makers.get(f"/-/{MAKER}/deliveries")):
        path = folder / f"body{number}.json"
        path.write_text(json.dumps(delivery["body"]))
        outside = here.makers.outside(here.app)
        rows.append(accepting.accept(outside, MAKER, path).row())
    here.makers._send("DELETE", f"/-/{MAKER}/deliveries", None)
    return rows


def _nights(here: Home) -> dict[str, dict[str, Any]]:
    found = here.app.nights(None)
    return {str(n["sleep_date"]): {k: n[k] for k in TOLD[1:]} for n in found if not n["is_deleted"]}


def _same_as_the_truth(here: Home, first: str) -> None:
    truth = {
        night["sleep_date"]: {k: night[k] for k in TOLD[1:]}
        for night in here.makers.truth(first=first)
        if night["parts"] == 1 and night["form"] == "staged"
    }
    found = _nights(here)
    assert {date: found.get(date) for date in truth} == truth


def test_a_month_comes_by_push_and_then_each_night_as_it_is_slept(
    here: Home, played: Makers, tmp_path: Path
) -> None:
    _connect(here)
    (row,) = _sync(here)
    assert (row["status"], row["detail"]["requests"]) == ("success", 3)
    assert _sync(here) == []
    played.move(hours=1)  # what was asked for takes its time
    rows = _accept(here, tmp_path)
    assert rows
    assert {row["status"] for row in rows} == {"success"}
    _same_as_the_truth(here, "2026-10-25")

    for _ in range(DAYS // 4):
        played.move(days=4)
        _accept(here, tmp_path)
    _same_as_the_truth(here, "2026-10-25")
    (bond,) = connected.listed(here.app)
    assert bond["status"] == "connected"
    assert bond["fetched"]


def test_the_same_bodies_in_any_order_end_in_the_same_nights(
    here: Home, played: Makers, tmp_path: Path
) -> None:
    _connect(here)
    _sync(here)
    played.move(days=6)
    bodies = played.get(f"/-/{MAKER}/deliveries")
    path = tmp_path / "body.json"

    def take(delivery: Any) -> None:
        path.write_text(json.dumps(delivery["body"]))
        accepting.accept(played.outside(here.app), MAKER, path)

    for delivery in bodies:
        take(delivery)
    before = everything_but_the_log(here.app)
    dates = _nights(here)
    assert dates
    for delivery in reversed(bodies):
        take(delivery)
    assert _nights(here) == dates
    assert len(everything_but_the_log(here.app)) == len(before)


def test_who_ends_it_at_the_maker_is_disconnected_and_keeps_the_nights(
    here: Home, played: Makers, tmp_path: Path
) -> None:
    _connect(here)
    _sync(here)
    played.move(hours=1)
    _accept(here, tmp_path)
    before = _nights(here)
    assert before
    played._send("DELETE", f"/-/{MAKER}/users?person=1", None)
    _accept(here, tmp_path)
    (bond,) = connected.listed(here.app)
    assert bond["status"] == "disconnected"
    assert _nights(here) == before
    _connect(here)
    assert _sync(here)


def test_without_the_past_only_what_is_new_comes(
    here: Home, played: Makers, tmp_path: Path
) -> None:
    missing = _connect(here, ("HEALTH_EXPORT",))
    assert missing is not None
    assert "tick Historical data: sleepbalance connect garmin --door health" in str(missing)
    assert _sync(here) == []  # nothing is ordered, so nothing fails
    assert here.app.history(None) == []
    with pytest.raises(UsageError, match="tick Historical data: sleepbalance connect garmin"):
        sync_connected(played.outside(here.app), None, MAKER, (dt.date(2026, 11, 1), None))
    played.move(days=3)
    _accept(here, tmp_path)
    assert min(_nights(here)) > "2026-11-20"
    assert _sync(here) == []

    assert _connect(here) is None
    assert [row["status"] for row in _sync(here)] == ["success"]


def test_whoever_is_not_alone_here_is_told_for_whom_to_connect(here: Home, played: Makers) -> None:
    for name in ("ida", "otto"):
        here.app.add_user(name)
    missing = _connect(here, ("HEALTH_EXPORT",), "ida")
    assert str(missing).endswith("sleepbalance connect garmin --door health --user ida")


def test_without_what_everything_needs_a_sync_fails(here: Home, played: Makers) -> None:
    _connect(here, ("HISTORICAL_DATA_EXPORT",))
    (row,) = _sync(here)
    assert (row["status"], row["error_code"]) == ("failed", "SCOPE_MISSING")
