"""Months of sleeps through the real client, held against what the sandbox calls the truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from sleepbalance.client import HttpClient, hosts_of
from sleepbalance.errors import NeedsReconnect
from sleepbalance.model import Session, Stage, Vital, local
from sleepbalance.oauth import ClientId, authorize_address, exchange, new_state, new_verifier
from sleepbalance.provider import Ask, Grant, OAuth, Raw
from sleepbalance.providers.fitbit import API, PROVIDER
from sleepbalance.sandbox import Address, consent, running
from sleepbalance.testing import together
from sleepbalance.wire import Wire

NOW = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)
YEAR = 364
MONTHS = 120
BACK = "http://127.0.0.1:8723/callback"
ME = ClientId("sandbox", "sandbox")


@dataclass(frozen=True)
class Held:
    """A bearer whose token lives as long as a test."""

    grant: Grant

    def token(self) -> str:
        return self.grant.access

    def renew(self, seen: str) -> str:
        raise NeedsReconnect("A test lasts no hour.")

    def refused(self, seen: str, why: NeedsReconnect) -> None:
        raise why


@pytest.fixture(scope="module")
def played() -> Iterator[Address]:
    with running(seed=7, people=3, clock=NOW) as address:
        yield address


@pytest.fixture
def wire(played: Address) -> Iterator[Wire]:
    with Wire(sandbox=played.url, provider="fitbit") as found:
        yield found


def the_door() -> OAuth:
    (door,) = PROVIDER.remote
    assert isinstance(door, OAuth)
    return door


def granted(wire: Wire, played: Address, person: str) -> Grant:
    """Through the consent page, as a person would."""
    door, state, verifier = the_door(), new_state(), new_verifier()
    parts = urlsplit(authorize_address(door, ME, BACK, state, verifier))
    shown = f"{played.url}/fitbit{parts.path}?{parts.query}"
    code = dict(parse_qsl(urlsplit(consent(shown, person=person)).query))["code"]
    grant = exchange(wire, door, ME, code, BACK, verifier)
    assert grant.scopes == frozenset(scope.name for scope in door.scopes)
    assert grant.refresh
    return grant


def connected(wire: Wire, played: Address, person: str) -> HttpClient:
    return HttpClient(wire, API, Held(granted(wire, played, person)), sleep=lambda _: None)


def asked(client: HttpClient, days: int, end: dt.datetime = NOW) -> dict[str, list[Raw]]:
    ask = Ask(start=end - dt.timedelta(days=days), end=end, now=NOW, account="")
    first, *others = API.resources
    found = {first.name: list(first.fetch(client, ask))}
    sleeps = tuple(sorted(found[first.name], key=lambda raw: raw.start or NOW))
    beside = Ask(start=ask.start, end=ask.end, now=NOW, account="", sleeps=sleeps)
    return found | {other.name: list(other.fetch(client, beside)) for other in others}


def truth(played: Address, person: str, days: int) -> list[dict[str, Any]]:
    first = (NOW - dt.timedelta(days=days - 2)).date()
    told = httpx2.get(f"{played.url}/-/people/{person}/nights?from={first}").json()
    nights: list[dict[str, Any]] = told["nights"] if isinstance(told, dict) else told
    return nights


def mean_of(session: Session, name: str) -> float | None:
    vital = session.vitals.get(name)
    return None if vital is None else vital.mean


@pytest.mark.parametrize("person", ["1", "2", "3"])
def test_months_are_what_the_sandbox_calls_the_truth(
    wire: Wire, played: Address, person: str
) -> None:
    client = connected(wire, played, person)
    raws = [raw for found in asked(client, MONTHS).values() for raw in found]
    assert all(raw.problem is None for raw in raws)
    told = [PROVIDER.normalise(group) for group in together(raws, PROVIDER.reach)]
    began = {_onset(session): session for each in told for session in each.sessions}
    nights = truth(played, person, MONTHS)
    assert len(nights) > 80
    whole = [night for night in nights if night["parts"] == 1]
    for night in whole:
        session = began[dt.datetime.fromisoformat(night["sleep_start_time"])]
        _has_its_numbers(session, night)
    assert len(whole) > 0.9 * len(nights)
    assert sum("heart_rate" in session.vitals for session in began.values()) > 60


def _onset(session: Session) -> dt.datetime:
    first = next(each.offset for each in session.hypnogram if each.stage.is_sleep)
    return session.start + dt.timedelta(seconds=first)


def _has_its_numbers(session: Session, night: dict[str, Any]) -> None:
    assert str(local(session.end, session.zone_end or "").date()) == night["sleep_date"]
    assert session.provisional == night["provisional"]
    assert _timeline(session) == night["hypnogram"]
    assert mean_of(session, "hrv_rmssd") == night["avg_hrv"]
    assert mean_of(session, "breathing_rate") == night["avg_breathing_rate"]
    assert mean_of(session, "spo2") == night["avg_spo2"]
    assert mean_of(session, "skin_temperature") == night["skin_temperature"]
    beats = session.vitals.get("heart_rate")
    if beats is not None and night["avg_heart_rate"] is not None:
        _is_near(beats, night)


def _timeline(session: Session) -> list[list[Any]]:
    """As the truth has it, where being out of bed is being awake."""
    found: list[list[Any]] = []
    for offset, seconds, stage in session.hypnogram:
        word = "awake" if stage == Stage.OUT_OF_BED else stage.value
        if found and found[-1][2] == word and sum(found[-1][:2]) == offset:
            found[-1][1] += seconds
        else:
            found.append([offset, seconds, word])
    return found


def _is_near(beats: Vital, night: dict[str, Any]) -> None:
    """Pieces of five minutes leave out what is left over at both ends, and no more."""
    assert beats.mean == pytest.approx(night["avg_heart_rate"], abs=1.5)
    assert beats.low is not None
    assert beats.high is not None
    assert night["min_heart_rate"] <= beats.low <= beats.high <= night["max_heart_rate"]


def test_requests_are_as_few_as_the_page_says(wire: Wire, played: Address) -> None:
    client = connected(wire, played, "1")
    asked(client, 14)
    assert client.requests == 6
    client.requests = 0
    sleeps = asked(client, YEAR, NOW - dt.timedelta(days=14))["sleep"]
    pages = -(-len(sleeps) // 25)
    assert 0 <= client.requests - (pages + 26 + 4) <= 3  # an empty page comes now and then


def test_the_account_is_told_until_it_is_let_go(wire: Wire, played: Address) -> None:
    grant = granted(wire, played, "2")
    client = HttpClient(wire, API, Held(grant), hosts=hosts_of(the_door()))
    account = API.identify(client, grant)
    assert account.id
    assert len(account.formerly) == 1
    revoke = the_door().revoke
    assert revoke is not None
    without = HttpClient(wire, API, None, hosts=hosts_of(the_door()))
    revoke(without, grant)
    with pytest.raises(NeedsReconnect):
        API.identify(client, grant)
    revoke(without, grant)  # once more is no error: it is done already
