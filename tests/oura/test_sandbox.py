"""How the sandbox plays Oura: held to the published description, and read by another client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import oura_ring  # type: ignore[import-untyped]
import pytest
import requests
from requests.adapters import HTTPAdapter

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import consent
from tests.connect.played import Makers
from tests.oura import openapi

BACK = "http://localhost:9/callback"
NEW, OLD = "/oauth/v2/ext/oauth-{}", "/oauth/{}"
CLIENT = {"client_id": "sandbox", "client_secret": "sandbox"}
ISSUER = "https://moi.ouraring.com/oauth/v2/ext/oauth-anonymous"
ALL = {"start_date": "2026-05-01", "end_date": "2026-11-22"}

described = pytest.mark.skipif(
    not openapi.PATH.exists(), reason="Oura's description does not lie beside this project"
)


@dataclass
class Guest:
    """Somebody who uses it as an app would."""

    played: Makers
    http: httpx2.Client
    login: str = NEW
    tokens: dict[str, Any] = field(default_factory=dict)

    def address(self, way: str, **changed: str) -> str:
        path = self.login.format({NEW: f"oauth-{way}", OLD: way}[self.login].replace("oauth-", ""))
        asked = {
            "client_id": "sandbox",
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "daily spo2 heartrate",
            "state": "s",
        }
        query = f"?{urlencode(asked | changed)}" if way == "authorize" else ""
        return f"{self.played.url}/oura{path}{query}"

    def redirect(self, person: str = "1", **changed: str) -> dict[str, str]:
        back = consent(self.address("authorize", **changed), person=person)
        return dict(parse_qsl(urlsplit(back).query))

    def exchange(self, code: str) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return self.http.post(self.address("token"), data=CLIENT | form)

    def renew(self) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        return self.http.post(self.address("token"), data=CLIENT | form)

    def sign_in(self, person: str = "1", **changed: str) -> Guest:
        reply = self.exchange(self.redirect(person, **changed)["code"])
        assert reply.status_code == 200, reply.text
        self.tokens = reply.json()
        return self

    def get(self, path: str, base: str = "/v2/usercollection", **params: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.tokens.get('access_token', 'none')}"}
        url = f"{self.played.url}/oura{base}/{path}"
        return self.http.get(url, params=params, headers=headers)

    def all(self, path: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, **ALL | params).json()
            found += page["data"]
            if page["next_token"] is None:
                return found
            params["next_token"] = page["next_token"]

    def set(self, **settings: Any) -> None:
        self.played.post("/-/settings", {"oura": settings})


@pytest.fixture
def stranger(played: Makers) -> Iterator[Guest]:
    with httpx2.Client(timeout=60) as http:
        yield Guest(played, http)


@pytest.fixture
def guest(stranger: Guest) -> Guest:
    return stranger.sign_in()


# -- logging in ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("login", "issuer"), [(NEW, ISSUER), (OLD, None)])
def test_logging_in(stranger: Guest, login: str, issuer: str | None) -> None:
    stranger.login = login
    told = stranger.redirect(scope="daily spo2 unheard_of")
    assert told.get("iss") == issuer
    stranger.tokens = stranger.exchange(told["code"]).json()
    assert stranger.tokens["scope"] == "extapi:daily extapi:spo2"
    assert stranger.tokens["id_token"] is None
    assert stranger.get("personal_info").json()["id"]
    first = dict(stranger.tokens)
    stranger.tokens = stranger.renew().json()
    assert stranger.tokens["refresh_token"] != first["refresh_token"]
    stranger.played.move(seconds=1)  # its clock stands still
    stranger.tokens = first
    assert stranger.renew().json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("here", "there"), [(NEW, OLD), (OLD, NEW)])
def test_the_generations_do_not_know_each_other(stranger: Guest, here: str, there: str) -> None:
    stranger.login = here
    code = stranger.redirect()["code"]
    stranger.login = there
    refused = stranger.exchange(code)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    stranger.login = here
    assert stranger.exchange(code).json()["error"] == "invalid_grant"  # it is used up
    stranger.sign_in()
    stranger.login = there
    refused = stranger.renew()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    stranger.login = here
    assert stranger.renew().status_code == 200


@pytest.mark.parametrize("login", [NEW, OLD])
def test_only_localhost_can_be_registered(stranger: Guest, login: str) -> None:
    stranger.login = login
    with pytest.raises(UsageError, match="400"):
        stranger.redirect(redirect_uri="http://127.0.0.1:9/callback")


def test_letting_go(stranger: Guest) -> None:
    guest = stranger.sign_in()
    token = guest.tokens["access_token"]
    form = CLIENT | {"token": token, "token_type_hint": "access_token"}
    assert guest.http.post(guest.address("revoke"), data=form).status_code == 200
    assert guest.get("sleep").status_code == 401
    guest.login = OLD
    token = guest.sign_in().tokens["access_token"]
    assert guest.http.post(f"{guest.address('revoke')}?access_token={token}").status_code == 200
    assert guest.get("sleep").status_code == 401
    assert guest.http.post(f"{guest.address('revoke')}?access_token={token}").status_code == 401


# -- what it answers -----------------------------------------------------------------------------

COLLECTIONS = ("sleep", "daily_sleep", "daily_spo2")


@described
@pytest.mark.parametrize("base", ["/v2/usercollection", "/v2/sandbox/usercollection"])
def test_every_answer_is_as_described(guest: Guest, base: str) -> None:
    for name in COLLECTIONS:
        page = guest.get(name, base, **ALL).json()
        assert len(page["data"]) == 50
        assert list(openapi.faults(page, openapi.answer_of(f"{base}/{name}", 200))) == []
        one = guest.get(f"{name}/{page['data'][0]['id']}", base)
        assert one.json() == page["data"][0]
    beats = {"start_datetime": "2026-11-20T00:00:00Z", "end_datetime": "2026-11-21T00:00:00Z"}
    page = guest.get("heartrate", base, **beats).json()
    assert len(page["data"]) == 50
    assert page["next_token"] is not None
    assert list(openapi.faults(page, openapi.answer_of(f"{base}/heartrate", 200))) == []


@described
def test_every_kind_of_sleep_is_as_described(guest: Guest) -> None:
    schema = openapi.answer_of("/v2/usercollection/sleep", 200)
    late = {"start": "2026-11-17T16:00:00Z", "end": "2026-11-17T17:30:00Z", "kind": "nap"}
    guest.played.post("/-/people/1/sleeps", {"add": late})  # until 18:30 in Berlin
    guest.played.move(days=3)
    guest.sign_in()
    for settings in ({"half_minutes": True}, {"half_minutes": False}):
        guest.set(**settings)
        found = guest.all("sleep")
        assert {told["type"] for told in found} == {
            *("long_sleep", "sleep", "late_nap", "rest", "deleted")
        }
        assert list(openapi.faults({"data": found, "next_token": None}, schema)) == []


@described
def test_the_validator_finds_what_is_wrong(guest: Guest) -> None:
    schema = openapi.answer_of("/v2/usercollection/sleep", 200)
    (good,) = guest.get("sleep", start_date="2026-11-20", end_date="2026-11-20").json()["data"][:1]
    wrong: list[dict[str, Any]] = [
        {"type": "siesta"},
        {"latency": 1.5},
        {"bedtime_end": "2026-11-20 07:00"},
        {"day": 20},
        {"unheard": 1},
        {"heart_rate": {"interval": 300.0, "items": ["60"], "timestamp": good["bedtime_end"]}},
    ]
    for change in wrong:
        assert list(openapi.faults({"data": [good | change], "next_token": None}, schema)), change
    del good["period"]
    assert list(openapi.faults({"data": [good], "next_token": None}, schema))


def test_sums_and_strings_agree_as_in_recordings(guest: Guest) -> None:
    for told in guest.all("sleep"):
        stages = sum(told[f"{name}_sleep_duration"] for name in ("deep", "light", "rem"))
        assert stages == told["total_sleep_duration"]
        assert stages + told["awake_time"] == told["time_in_bed"]
        start, end = (dt.datetime.fromisoformat(told[f"bedtime_{n}"]) for n in ("start", "end"))
        assert told["time_in_bed"] == (end - start).total_seconds()
        assert len(told["sleep_phase_5_min"]) == -(-told["time_in_bed"] // 300)
        assert told["day"] == str((end.replace(tzinfo=None) + dt.timedelta(hours=6)).date())


def test_a_nap_counts_when_it_is_confirmed(guest: Guest) -> None:
    """Of Ben, who naps often: the same document first moves no score, then does."""
    guest.sign_in("2")
    guest.played.post("/-/clock", {"now": "2026-06-01T00:00:00Z"})
    seen: dict[str, list[Any]] = {}
    for _ in range(60):
        guest.played.move(hours=12)
        now = guest.played.get("/-/clock")["date"]
        day = dt.date.fromisoformat(now)
        span = {"start_date": str(day - dt.timedelta(days=5)), "end_date": str(day)}
        for told in guest.get("sleep", **span).json()["data"]:
            what = told["type"], told["sleep_score_delta"] is not None
            history = seen.setdefault(told["id"], [])
            if what not in history:
                history.append(what)
    assert [("sleep", False), ("sleep", True)] in seen.values()
    assert [("sleep", False), ("rest", False)] in seen.values()
    assert [("sleep", False), ("deleted", False)] in seen.values()


def test_the_made_up_nights_are_the_same_for_everybody(guest: Guest) -> None:
    base = "/v2/sandbox/usercollection"
    mine = guest.get("sleep", base, **ALL).json()
    assert mine == guest.get("sleep", **ALL).json()  # the first person is the one who is played
    guest.sign_in("2")
    assert guest.get("sleep", base, **ALL).json() == mine
    assert guest.get("sleep", **ALL).json() != mine


# -- refusals ------------------------------------------------------------------------------------


def test_odd_dates(guest: Guest) -> None:
    empty = guest.get("sleep", start_date="1", end_date="2")
    assert (empty.status_code, empty.json()) == (200, {"data": [], "next_token": None})
    for wrong in (
        {"start_date": "2026-11-20", "end_date": "2026-11-19"},
        {"start_date": "yesterday"},
        {"end_date": "2026-13-01"},
    ):
        reply = guest.get("sleep", **wrong)
        assert reply.status_code == 422
        if openapi.PATH.exists():
            schema = openapi.answer_of("/v2/usercollection/sleep", 422)
            assert list(openapi.faults(reply.json(), schema)) == []
    assert guest.get("sleep", next_token="made up").status_code == 400


def test_what_is_not_there(guest: Guest) -> None:
    assert guest.get("sleep/not-existing").json() == {"detail": "Document not found."}
    assert guest.get("sleep/not-existing").status_code == 404
    assert guest.get("tag").status_code == 404


def test_what_may_not_be_read(stranger: Guest) -> None:
    assert stranger.get("sleep").status_code == 401
    stranger.sign_in(scope="daily")
    assert stranger.get("sleep").status_code == 200
    refused = stranger.get("daily_spo2")
    assert (refused.status_code, refused.json()) == (403, {"detail": "Forbidden"})
    stranger.set(lapsed=["1"])
    assert stranger.get("sleep").status_code == 403
    assert stranger.get("personal_info").status_code == 200


def test_too_often(guest: Guest) -> None:
    guest.set(rate_limit=3)
    replies = [guest.get("personal_info") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    told = replies[-1].headers
    assert 0 < int(told["retry-after"]) <= 301
    assert told["x-ratelimit-limit"] == "5000"
    assert int(told["x-ratelimit-reset"]) > guest.played.url.count("/")


# -- another client ------------------------------------------------------------------------------


class ToSandbox(HTTPAdapter):
    """Leads what is meant for Oura's host to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> Any:
        assert request.url is not None
        request.url = request.url.replace("https://api.ouraring.com", f"{self._url}/oura", 1)
        return super().send(request, *rest, **more)


def test_the_package_oura_ring_reads_it(guest: Guest) -> None:
    with oura_ring.OuraClient(guest.tokens["access_token"]) as client:
        client.session.mount("https://api.ouraring.com", ToSandbox(guest.played.url))
        found = client.get_sleep_periods(**ALL)
        assert found == guest.all("sleep")
        assert client.get_sleep_periods(document_id=found[0]["id"]) == found[0]
        assert client.get_daily_sleep(**ALL) == guest.all("daily_sleep")
        assert client.get_daily_spo2(**ALL) == guest.all("daily_spo2")
        assert client.get_personal_info()["id"]
        with pytest.raises(requests.HTTPError, match="404"):
            client.get_sleep_periods(document_id="not-existing")
