"""What goes wrong on purpose goes wrong on a real socket, for those it is meant for."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import running
from sleepbalance.sandbox.faults import FAULTS
from tests.sandbox.guest import TODAY, Guest


def ledger(guest: Guest) -> list[Any]:
    found: list[Any] = guest.address.ask("GET", "/-/requests")["requests"]
    return found


def test_too_many_requests(guest: Guest) -> None:
    guest.fault("429", seconds=17)
    reply = guest.points()
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "17")
    assert reply.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_failure_of_the_maker(guest: Guest) -> None:
    guest.fault("500")
    reply = guest.points()
    assert (reply.status_code, reply.json()["error"]["status"]) == (500, "INTERNAL")
    assert guest.renew().status_code == 500, "the token endpoint too"


def test_no_answer_in_time(guest: Guest) -> None:
    guest.fault("timeout", seconds=600)
    with pytest.raises(httpx2.ReadTimeout):
        guest.http.get(f"{guest.url}/v4/users/me/identity", timeout=0.2)
    guest.address.ask("DELETE", "/-/faults")
    assert guest.get("/identity").status_code == 200


def test_no_answer_at_all(guest: Guest) -> None:
    guest.fault("timeout", seconds=0)
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
        guest.get("/identity")
    assert ledger(guest)[-1]["status"] is None


def test_the_answer_is_cut(guest: Guest) -> None:
    whole = guest.points()
    guest.fault("cut")
    with pytest.raises(httpx2.RemoteProtocolError) as caught:
        guest.points()
    assert f"expected {len(whole.content)}" in str(caught.value)


def test_the_answer_is_late(guest: Guest) -> None:
    guest.fault("slow", seconds=0.3)
    with pytest.raises(httpx2.ReadTimeout):
        guest.http.get(f"{guest.url}/v4/users/me/identity", timeout=0.1)
    assert guest.get("/identity").status_code == 200
    guest.fault("slow", "^/token", seconds=0)
    assert guest.renew().status_code == 200, "the body is still read"


def test_the_answer_is_no_json(guest: Guest) -> None:
    guest.fault("malformed")
    reply = guest.points()
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()


def test_the_answer_says_nothing(guest: Guest) -> None:
    guest.fault("empty")
    reply = guest.points()
    assert (reply.status_code, reply.json()) == (200, {})


def test_the_access_token_has_expired(guest: Guest) -> None:
    guest.fault("expired", "dataPoints", times=1)
    assert guest.get("/identity").status_code == 200
    assert guest.points().status_code == 401
    assert guest.points().status_code == 401, "it stays expired"
    guest.tokens |= guest.renew().json()
    assert guest.points().status_code == 200


def test_the_refresh_token_has_expired(guest: Guest) -> None:
    guest.fault("expired", "/token", times=1)
    assert guest.renew().json()["error"] == "invalid_grant"
    assert guest.get("/identity").status_code == 200, "the access token lives on"


@pytest.mark.parametrize("path", ["dataPoints", "/token"])
def test_the_consent_is_withdrawn(guest: Guest, path: str) -> None:
    guest.fault("revoked", path, times=1)
    first = guest.points().status_code if path == "dataPoints" else guest.renew().status_code
    assert first == (401 if path == "dataPoints" else 400)
    assert guest.points().status_code == 401
    assert guest.renew().json()["error"] == "invalid_grant"
    assert guest.sign_in().points().status_code == 200, "a new consent is a new one"


def test_a_revoked_bearer_that_never_was(stranger: Guest) -> None:
    stranger.fault("revoked")
    reply = stranger.http.get(f"{stranger.url}/v4/users/me/identity")
    assert reply.status_code == 401


def test_faults_meet_only_their_path_and_number(guest: Guest) -> None:
    guest.fault("500", r"/dataTypes/(sleep|heart-rate)/dataPoints$", times=2)
    assert guest.get("/identity").status_code == 200
    assert guest.points("daily-oxygen-saturation").status_code == 200
    codes = [guest.points(kind).status_code for kind in ("sleep", "heart-rate", "sleep")]
    assert codes == [500, 500, 200]
    told = guest.address.ask("GET", "/-/faults")
    assert told["set"][0]["times"] == 0
    assert set(told["known"]) == set(FAULTS)
    noted = [entry["fault"] for entry in ledger(guest) if entry["fault"]]
    assert noted == ["500", "500"]


def test_a_fault_may_let_some_pass(guest: Guest) -> None:
    one = {"provider": "fitbit", "path": "identity", "fault": "500", "skip": 2, "times": 1}
    guest.address.ask("POST", "/-/faults", one)
    assert [guest.get("/identity").status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_share_is_drawn_and_the_same_each_time() -> None:
    runs = []
    for seed in (1, 1, 2):
        with (
            running(seed=seed, people=1, clock=lambda: TODAY) as address,
            httpx2.Client(timeout=60) as http,
        ):
            guest = Guest(address, http).sign_in()
            guest.fault("500", "identity", share=0.5)
            runs.append([guest.get("/identity").status_code for _ in range(40)])
    assert runs[0] == runs[1] != runs[2]
    assert 8 < runs[0].count(500) < 32


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([{"provider": "fitbit", "fault": "earthquake"}], "no fault 'earthquake'"),
        ([{"provider": "pear", "fault": "500"}], "no provider 'pear'"),
        ([{"provider": "fitbit", "fault": "500", "path": "["}], "no regular expression"),
        ([{"provider": "fitbit", "fault": "500", "share": "all"}], "share must be a number"),
        ([{"provider": "fitbit", "fault": "500", "times": "one"}], "times must be a number"),
        ([{"provider": "fitbit", "fault": "500", "colour": "red"}], "not described so"),
        ([{"fault": "500"}], "not described so"),
        ("500", "a list"),
        ([{"provider": "fitbit", "fault": "500", "skip": None}], "skip must be a number"),
    ],
)
def test_faults_that_cannot_be(guest: Guest, body: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        guest.address.ask("POST", "/-/faults", body)
    assert guest.address.ask("GET", "/-/faults")["set"] == []


def test_held_answers_do_not_keep_the_sandbox_open() -> None:
    """It closes at once, although somebody waits; a hang would be the failure."""
    with httpx2.Client(timeout=0.2) as http:
        with running(people=1, clock=lambda: TODAY) as address:
            guest = Guest(address, http)
            guest.fault("timeout", seconds=3600)
            with pytest.raises(httpx2.ReadTimeout):
                guest.http.get(f"{guest.url}/v4/users/me/identity")
        with pytest.raises(httpx2.ConnectError):
            http.get(address.url)
