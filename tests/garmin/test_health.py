"""The door of the Health API: consent, what is asked for, and what refusals mean."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.errors import (
    Fatal,
    Malformed,
    NeedsReconnect,
    NotEntitled,
    ScopeMissing,
    SleepBalanceError,
)
from sleepbalance.provider import Answer, Ask, Grant, Reply
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.health import HEALTH, ORDERED
from sleepbalance.testing.recording import Exchange, Recorded
from tests.garmin.health_made import ME, NOW

REST = "wellness-api/rest/"
GRANT = Grant(access="made-up")
ASK = Ask(start=NOW - dt.timedelta(days=30), end=NOW, now=NOW, account=ME)


def answer(path: str, body: object = "", status: int = 200, method: str = "GET") -> Exchange:
    told = b"" if body == "" else json.dumps(body).encode()
    reply = Reply(status, {}, told)
    return Exchange(method=method, path=REST + path, carries={}, reply=reply)


def client(*exchanges: Exchange) -> Recorded:
    return Recorded(HEALTH.api, exchanges)


# -- consent ---------------------------------------------------------------------------------------


def test_the_door_stands_between_the_key_and_the_file() -> None:
    assert [door.name for door in PROVIDER.remote] == ["personal", "health"]
    assert [hook.door for hook in PROVIDER.hooks] == ["health"]
    assert HEALTH.pkce
    assert HEALTH.single_use
    assert not HEALTH.asks_scopes


@pytest.mark.parametrize(
    ("told", "scopes"),
    [
        (
            {"permissions": ["HEALTH_EXPORT", "ACTIVITY_EXPORT"]},
            {"HEALTH_EXPORT", "ACTIVITY_EXPORT"},
        ),
        (["HEALTH_EXPORT"], {"HEALTH_EXPORT"}),
        ({"permissions": []}, set()),
        ([], set()),
        ({"permissions": ["HEALTH_EXPORT", None, "a b", {}]}, {"HEALTH_EXPORT"}),
        ({}, None),
        ({"permissions": "HEALTH_EXPORT"}, None),
        ("", None),
    ],
)
def test_who_it_is_and_what_they_allowed(told: Any, scopes: set[str] | None) -> None:
    asked = client(answer("user/id", {"userId": ME}), answer("user/permissions", told))
    account = HEALTH.api.identify(asked, GRANT)
    assert (account.id, account.scopes) == (ME, scopes)


@pytest.mark.parametrize("told", [{}, [], {"userId": None}, {"userId": "a/b"}, {"userId": ""}])
def test_nobody_is_not_taken_for_somebody(told: Any) -> None:
    with pytest.raises(Malformed):
        HEALTH.api.identify(client(answer("user/id", told)), GRANT)


@pytest.mark.parametrize(
    ("life", "ours"), [(86400, 85800), (900, 450), (10, 5), (0, 0), (None, None), ("x", None)]
)
def test_a_token_ends_ten_minutes_before_garmin_says(life: Any, ours: float | None) -> None:
    told = {
        "access_token": "a",
        "refresh_token": "r",
        "expires_in": life,
        "scope": "PARTNER_READ CONNECT_READ",
        "refresh_token_expires_in": 7775998,
    }
    grant = HEALTH.unwrap(told)
    assert (grant.refresh, grant.expires_in, grant.refresh_expires_in) == ("r", ours, 7775998)
    assert grant.scopes is None  # these are the client's, not what the person allowed


def test_letting_go_ends_the_registration() -> None:
    asked = client(answer("user/registration", status=204, method="DELETE"))
    assert HEALTH.revoke is not None
    HEALTH.revoke(asked, GRANT)
    assert len(asked.asked) == 1


# -- what is asked for -----------------------------------------------------------------------------


def ordered(asked: Recorded, ask: Ask = ASK) -> list[str]:
    assert HEALTH.api.order is not None
    HEALTH.api.order(asked, ask)
    return asked.asked


def test_a_month_is_three_requests() -> None:
    kinds = ("sleeps", "hrv", "dailies")
    told = ordered(client(*(answer(f"backfill/{kind}", status=202) for kind in kinds)))
    assert [line.split()[1] for line in told] == [f"{REST}backfill/{kind}" for kind in kinds]
    start, end = int(ASK.start.timestamp()), int(ASK.end.timestamp())
    span = {"summaryStartTimeInSeconds": start, "summaryEndTimeInSeconds": end}
    assert all(line.endswith(str({"params": span})) for line in told)
    assert end - start <= 89 * 86400


def test_what_was_asked_before_is_done() -> None:
    kinds = ("sleeps", "hrv", "dailies")
    already = {"errorMessage": "made up: already"}
    assert len(ordered(client(*(answer(f"backfill/{k}", already, 409) for k in kinds)))) == 3


def test_the_future_is_not_asked_for() -> None:
    assert ordered(client(), replace(ASK, start=NOW, end=NOW + dt.timedelta(days=1))) == []


def test_sleeps_are_asked_for_even_where_another_type_has_no_address() -> None:
    refused = {"errorMessage": "[1]Endpoint not enabled for summary type: CONNECT_HRV"}
    asked = client(answer("backfill/sleeps", status=202), answer("backfill/hrv", refused, 400))
    with pytest.raises(Fatal, match="CONNECT_HRV"):
        ordered(asked)
    assert len(asked.asked) == 2


# -- what refusals mean ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "meant"),
    [
        (400, "InvalidPullTokenException failure", Malformed),
        (400, "Endpoint not enabled for summary type: CONNECT_SLEEP", Fatal),
        (400, "start 1 before min start time of 2", NotEntitled),
        (401, "Requested range is before minimum start time", NotEntitled),
        (400, "something else", type(None)),
        (401, "something else", type(None)),
        (403, "made up: unknown token", NeedsReconnect),
        (403, "", type(None)),
        (409, "made up: already", Answer),
        (412, "", ScopeMissing),
        (429, "made up: too often", type(None)),
        (500, "made up: min start time", type(None)),
    ],
)
def test_refusals_are_understood(status: int, said: str, meant: type) -> None:
    body = json.dumps({"errorMessage": said}).encode() if said else b"<html>"
    path = f"/{REST}backfill/sleeps"
    verdict = HEALTH.api.fault(Reply(status, {}, body, path))
    assert type(verdict) is meant
    if isinstance(verdict, SleepBalanceError):
        assert str(verdict).endswith(".")


def test_only_a_repeated_order_is_done() -> None:
    assert HEALTH.api.fault(Reply(409, {}, b"{}", f"/{REST}user/id")) is None


# -- what the page says ----------------------------------------------------------------------------


def test_the_page_names_what_is_ordered_and_how_refusals_read() -> None:
    page = Path(__file__).parents[2] / "docs/providers/garmin_health.md"
    text = page.read_text(encoding="utf-8")
    assert page.name in HEALTH.docs
    assert all(f"`backfill/{kind}`" in text for kind in ORDERED)
    for status in (202, 400, 403, 409, 412, 429):
        assert f"| {status} " in text
