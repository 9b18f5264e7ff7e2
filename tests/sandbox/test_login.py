"""The login of the played maker: consent, PKCE, single use, expiry, rotation, revocation."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import consent
from sleepbalance.sandbox.oauth import challenge_of
from tests.sandbox.guest import BACK, CLIENT, METRICS, SCOPES, SETTINGS, SLEEP, Guest

GONE = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
VERIFIER = "v" * 43


def test_the_whole_login(stranger: Guest) -> None:
    back = consent(stranger.authorise_address(), person="2")
    assert back.startswith(f"{BACK}?")
    told = dict(parse_qsl(urlsplit(back).query))
    assert told["state"] == "a state"
    reply = stranger.exchange(told["code"])
    assert reply.headers["cache-control"] == "no-store"
    tokens = reply.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3599
    assert set(tokens["scope"].split()) == set(SCOPES)
    assert "refresh_token_expires_in" not in tokens
    stranger.tokens = tokens
    people = {p["id"]: p["makers"]["fitbit"] for p in stranger.address.ask("GET", "/-/people")}
    assert stranger.get("/identity").json()["healthUserId"] == people["2"]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]


def test_the_consent_page_needs_nothing_from_elsewhere(stranger: Guest) -> None:
    reply = stranger.http.get(stranger.authorise_address())
    page = _Page()
    page.feed(reply.text)
    assert page.addresses == []
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert all(scope in reply.text for scope in SCOPES)
    assert "color-scheme: light dark" in reply.text


def test_what_is_on_the_page_is_only_shown(stranger: Guest) -> None:
    evil = f"{BACK}?x=<script>alert(1)</script>"
    page = stranger.http.get(stranger.authorise_address(redirect_uri=evil)).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "somebody"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"redirect_uri": "https://example.org/callback"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1.example.org/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://[broken"}, "redirect_uri_mismatch"),
        ({"redirect_uri": f"{BACK}#part"}, "redirect_uri_mismatch"),
        ({"redirect_uri": None}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "sleep"}, "invalid_scope"),
        ({"code_challenge": "abc", "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "abc"}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_an_error_page(
    stranger: Guest, changed: dict[str, str | None], error: str
) -> None:
    address = stranger.authorise_address(**changed)
    for method in ("GET", "POST"):
        reply = stranger.http.request(method, address)
        assert (reply.status_code, error in reply.text) == (400, True)
        assert "location" not in reply.headers
    with pytest.raises(UsageError, match=error):
        consent(address)


@pytest.mark.parametrize(
    "uri", ["http://localhost:5000/any/path", "http://[::1]:1/", "http://127.0.0.1:65000/x?y=1"]
)
def test_any_port_and_path_of_this_computer_will_do(stranger: Guest, uri: str) -> None:
    code = stranger.code(redirect_uri=uri)
    assert stranger.exchange(code, redirect_uri=uri).status_code == 200


def test_denied(stranger: Guest) -> None:
    back = consent(stranger.authorise_address(), allow=[])
    assert dict(parse_qsl(urlsplit(back).query)) == {"state": "a state", "error": "access_denied"}


def test_nobody_else_signs_in(stranger: Guest) -> None:
    with pytest.raises(UsageError, match="knows no person '99'"):
        consent(stranger.authorise_address(), person="99")
    form = {"person": "99", "scope": SLEEP, "decision": "allow"}
    reply = stranger.http.post(stranger.authorise_address(), data=form)
    assert "error=access_denied" in reply.headers["location"]


def test_what_was_not_ticked_is_missing(stranger: Guest) -> None:
    stranger.sign_in(allow=[SLEEP, SETTINGS])
    assert set(stranger.tokens["scope"].split()) == {SLEEP, SETTINGS}
    assert stranger.points().status_code == 200
    reply = stranger.points("daily-oxygen-saturation")
    assert reply.status_code == 403
    error = reply.json()["error"]
    assert error["status"] == "PERMISSION_DENIED"
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert stranger.get("/identity").status_code == 200


def test_nothing_can_be_ticked_that_was_not_asked(stranger: Guest) -> None:
    form = {"person": "1", "scope": [SLEEP, METRICS], "decision": "allow"}
    reply = stranger.http.post(stranger.authorise_address(scope=SLEEP), data=form)
    code = dict(parse_qsl(urlsplit(reply.headers["location"]).query))["code"]
    assert stranger.exchange(code).json()["scope"] == SLEEP


# -- the code ------------------------------------------------------------------------------------


def test_a_code_works_once(stranger: Guest) -> None:
    code = stranger.code()
    assert stranger.exchange(code).status_code == 200
    again = stranger.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_lives_ten_minutes(stranger: Guest) -> None:
    early, late = stranger.code(), stranger.code()
    stranger.address.ask("POST", "/-/clock", {"seconds": 599})
    assert stranger.exchange(early).status_code == 200
    stranger.address.ask("POST", "/-/clock", {"seconds": 2})
    assert stranger.exchange(late).json()["error"] == "invalid_grant"


def test_a_code_goes_back_where_it_came_from(stranger: Guest) -> None:
    reply = stranger.exchange(stranger.code(), redirect_uri=f"{BACK}/")
    assert (reply.status_code, reply.json()["error"]) == (400, "redirect_uri_mismatch")


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"code_verifier": VERIFIER}, 200), ({}, 400), ({"code_verifier": "w"}, 400)],
)
def test_a_challenge_wants_its_verifier(stranger: Guest, sent: dict[str, str], status: int) -> None:
    code = stranger.code(code_challenge=challenge_of(VERIFIER), code_challenge_method="S256")
    reply = stranger.exchange(code, **sent)
    assert reply.status_code == status
    assert (reply.json().get("error") == "invalid_grant") == (status == 400)


def test_the_challenge_is_the_one_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_without_offline_access_there_is_no_refresh_token(stranger: Guest) -> None:
    code = stranger.code(access_type=None)
    assert "refresh_token" not in stranger.exchange(code).json()


def test_a_second_consent_has_one_only_if_it_was_asked_for(guest: Guest) -> None:
    again = guest.exchange(guest.code(prompt=None)).json()
    assert "refresh_token" not in again
    assert "refresh_token" in guest.exchange(guest.code(prompt=None, person="2")).json()


# -- the client ----------------------------------------------------------------------------------


def test_the_client_must_be_the_one(stranger: Guest) -> None:
    code = stranger.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    told = {}
    for name, client in {
        "stranger": {"client_id": "x", "client_secret": "sandbox"},
        "wrong": {"client_id": "sandbox", "client_secret": "x"},
        "none": {"client_id": "sandbox"},
    }.items():
        reply = stranger.http.post(f"{stranger.url}/token", data={**form, **client})
        told[name] = (reply.status_code, reply.json()["error"])
    assert told == {
        "stranger": (401, "invalid_client"),
        "wrong": (401, "invalid_client"),
        "none": (400, "invalid_request"),
    }
    basic = stranger.http.post(f"{stranger.url}/token", data=form, auth=("sandbox", "sandbox"))
    assert basic.status_code == 200


def test_bodies_and_grants_of_other_kinds_are_refused(stranger: Guest) -> None:
    assert stranger.http.post(f"{stranger.url}/token", json=CLIENT).status_code == 401
    reply = stranger.token(grant_type="password")
    assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")
    assert stranger.http.get(f"{stranger.url}/token").status_code == 405
    garbled = {"authorization": "Basic %%%"}
    assert stranger.http.post(f"{stranger.url}/token", headers=garbled).status_code == 401


# -- lives ---------------------------------------------------------------------------------------


def test_an_access_token_expires_and_is_renewed(guest: Guest) -> None:
    guest.address.ask("POST", "/-/clock", {"seconds": 3600})
    reply = guest.get("/identity")
    assert (reply.status_code, reply.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    renewed = guest.renew().json()
    assert "refresh_token" not in renewed, "Google's do not rotate"
    guest.tokens |= renewed
    assert guest.get("/identity").status_code == 200
    assert guest.renew().status_code == 200, "and the old one goes on working"
    (grant,) = guest.address.ask("GET", "/-/grants")
    assert (grant["refreshes"], grant["person"]) == (2, "1")


def test_the_seven_days_of_a_testing_project(stranger: Guest) -> None:
    stranger.set(refresh_life=604800, access_life=60)
    stranger.sign_in()
    assert stranger.tokens["refresh_token_expires_in"] == 604800
    assert stranger.tokens["expires_in"] == 60
    stranger.address.ask("POST", "/-/clock", {"days": 1})
    assert stranger.renew().json()["refresh_token_expires_in"] == 6 * 86400
    stranger.address.ask("POST", "/-/clock", {"days": 6, "seconds": 1})
    reply = stranger.renew()
    assert (reply.status_code, reply.json()) == (400, GONE)


def test_a_rotating_token_works_once_and_reuse_ends_it_all(stranger: Guest) -> None:
    stranger.set(rotating=True)
    stranger.sign_in()
    first = stranger.tokens["refresh_token"]
    second = stranger.renew().json()["refresh_token"]
    assert second != first
    third = stranger.renew(second).json()["refresh_token"]
    stranger.address.ask("POST", "/-/clock", {"seconds": 1})
    assert stranger.renew(first).json() == GONE
    assert stranger.renew(third).json() == GONE, "the whole family is revoked"
    assert stranger.get("/identity").status_code == 401


def test_a_rotating_token_with_a_grace(stranger: Guest) -> None:
    stranger.set(rotating=True, grace=30)
    stranger.sign_in()
    assert stranger.renew().status_code == 200
    stranger.address.ask("POST", "/-/clock", {"seconds": 30})
    assert stranger.renew().status_code == 200
    stranger.address.ask("POST", "/-/clock", {"seconds": 1})
    assert stranger.renew().json() == GONE


def test_a_bogus_refresh_token(stranger: Guest) -> None:
    reply = stranger.renew("bogus")
    told = {"error": "invalid_grant", "error_description": "Bad Request"}
    assert (reply.status_code, reply.json()) == (400, told)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_consent(guest: Guest, which: str) -> None:
    other = Guest(guest.address, guest.http).sign_in()
    reply = guest.http.post(f"{guest.url}/revoke", data={"token": guest.tokens[which]})
    assert (reply.status_code, reply.json()) == (200, {})
    assert guest.get("/identity").status_code == 401
    assert guest.renew().json() == GONE
    again = guest.http.post(f"{guest.url}/revoke?token={guest.tokens[which]}")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    assert other.get("/identity").status_code == 200, "a consent of its own"


def test_the_person_withdraws_at_the_maker(guest: Guest) -> None:
    (grant,) = guest.address.ask("DELETE", "/-/grants")
    assert not grant["alive"]
    assert guest.renew().json() == GONE
