"""The dance of OAuth: what is asked, what is made of the answers, and what is never shown."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sleepbalance import errors, oauth
from sleepbalance.errors import Malformed, SleepBalanceError
from sleepbalance.oauth import ClientId
from sleepbalance.provider import Grant, standard_grant
from sleepbalance.wire import Wire
from tests.network.maker import Maker, Said, running, unused_port

WHO = ClientId("my-id", "my-secret+/=")
BACK = "http://127.0.0.1:8723/callback"
TOKEN = "refresh-T0K3N+/="


@pytest.fixture
def maker() -> Iterator[Maker]:
    with running() as made:
        yield made


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire(timeout=5, provider="acme") as made:
        yield made


def test_the_address_asks_for_what_the_door_says(maker: Maker) -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # of RFC 7636, appendix B
    door = maker.door(extra={"access_type": "offline"}, scope_separator=",")
    address = oauth.authorize_address(door, WHO, BACK, "st&te", verifier)
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == door.authorize_url
    assert {name: value[0] for name, value in parse_qs(parts.query).items()} == {
        "response_type": "code",
        "client_id": "my-id",
        "redirect_uri": BACK,
        "scope": "sleep,heart",
        "state": "st&te",
        "access_type": "offline",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }


def test_pkce_only_where_the_maker_takes_it(maker: Maker, wire: Wire) -> None:
    address = oauth.authorize_address(maker.door(pkce=False), WHO, BACK, "s", "v")
    assert "challenge" not in address
    maker.script["/token"] = [Said(body={"access_token": "a"})]
    oauth.exchange(wire, maker.door(pkce=False), WHO, "c", BACK, "v")
    assert "code_verifier" not in maker.asked[0].form


def test_states_and_verifiers_cannot_be_guessed() -> None:
    for make in (oauth.new_state, oauth.new_verifier):
        made = {make() for _ in range(50)}
        assert len(made) == 50
        assert all(43 <= len(text) <= 128 and text.isascii() for text in made)


def test_a_code_becomes_tokens(maker: Maker, wire: Wire) -> None:
    told = {
        "access_token": "a",
        "refresh_token": "r",
        "expires_in": 3599,
        "refresh_token_expires_in": 604800,
        "scope": "heart sleep",
    }
    maker.script["/token"] = [Said(body=told)]
    grant = oauth.exchange(wire, maker.door(), WHO, "the-code", BACK, "the-verifier")
    assert grant == Grant(
        access="a",
        refresh="r",
        expires_in=3599,
        refresh_expires_in=604800,
        scopes=frozenset({"sleep", "heart"}),
    )
    assert maker.asked[0].form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": BACK,
        "code_verifier": "the-verifier",
        "client_id": "my-id",
        "client_secret": "my-secret+/=",
    }


def test_a_refresh_with_the_secret_in_the_header(maker: Maker, wire: Wire) -> None:
    _, token = maker.grant()
    grant = oauth.refresh(wire, maker.door(client_auth="basic"), WHO, token)
    assert {grant.access, grant.refresh} == {*maker.access, *maker.refresh} - {token} - {
        access for access in maker.access if access != grant.access
    }
    (asked,) = maker.asked
    assert asked.form == {"grant_type": "refresh_token", "refresh_token": token}
    sent = base64.b64decode(asked.headers["authorization"].removeprefix("Basic "))
    assert sent == b"my-id:my-secret+/="


def test_a_client_without_a_secret(maker: Maker, wire: Wire) -> None:
    _, token = maker.grant()
    oauth.refresh(wire, maker.door(client_auth="basic"), ClientId("my-id"), token)
    assert "authorization" not in maker.asked[0].headers
    assert maker.asked[0].form["client_id"] == "my-id"
    assert "client_secret" not in maker.asked[0].form


def test_a_maker_that_wraps_its_answer(maker: Maker, wire: Wire) -> None:
    def unwrap(reply: Mapping[str, Any]) -> Grant:
        return standard_grant(reply["body"])

    maker.script["/token"] = [Said(body={"body": {"access_token": "a"}})]
    assert oauth.refresh(wire, maker.door(unwrap=unwrap), WHO, "t").access == "a"


ANSWERS = [
    (400, {"error": "invalid_grant"}, "NeedsReconnect"),
    (401, {"error": "invalid_grant"}, "NeedsReconnect"),
    (400, {"errors": [{"errorType": "invalid_grant", "message": "Old"}]}, "NeedsReconnect"),
    (200, {"error": "invalid_grant"}, "NeedsReconnect"),
    (400, {"error": "access_denied"}, "NeedsReconnect"),
    (401, {"error": "invalid_client"}, "Fatal"),
    (400, {"error": "unauthorized_client"}, "Fatal"),
    (401, {}, "Fatal"),
    (400, {"error": "redirect_uri_mismatch"}, "Fatal"),
    (400, {"error": "temporarily_unavailable"}, "Unavailable"),
    (400, {"error": {"message": "odd"}}, "Unavailable"),
    (403, b"<html>blocked</html>", "Unavailable"),
    (410, b"", "Gone"),
    (429, {}, "RateLimited"),
    (400, {"error": "slow_down"}, "RateLimited"),
    (500, {"error": "invalid_grant"}, "Unavailable"),
    (503, b"", "Unavailable"),
    (302, b"", "Unavailable"),
    (200, b"<html>", "Unavailable"),
    (200, b"[1]", "Unavailable"),
    (200, {}, "Unavailable"),
    (200, {"access_token": 7}, "Unavailable"),
    (200, b"", "Unavailable"),
]


@pytest.mark.parametrize(("status", "body", "name"), ANSWERS)
def test_what_becomes_of_an_answer(
    status: int, body: Any, name: str, maker: Maker, wire: Wire
) -> None:
    maker.script["/token"] = [Said(status, body, {"Retry-After": "9"})]
    error = refused(wire, maker)
    assert type(error) is getattr(errors, name)
    assert "acme" in str(error)
    assert getattr(error, "retry_after", 9) in {9, None}


def test_the_maker_speaks_in_the_message_but_not_of_secrets(maker: Maker, wire: Wire) -> None:
    for error in ("invalid_grant", "invalid_client", "invalid_scope", "else"):
        description = f"{TOKEN} of {WHO.secret} at https://x?refresh-T0K3N%2B%2F%3D is bad"
        maker.script["/token"] = [Said(400, {"error": error, "error_description": description})]
        assert f"{error}: … of … at https://x?… is bad" in str(refused(wire, maker))


def refused(wire: Wire, maker: Maker) -> SleepBalanceError:
    with pytest.raises(SleepBalanceError) as caught:
        oauth.refresh(wire, maker.door(), WHO, TOKEN)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert TOKEN not in shown
    assert WHO.secret not in shown + repr(WHO)
    return caught.value


def test_an_unwrap_that_expects_something_else_is_no_crash(maker: Maker, wire: Wire) -> None:
    def unwrap(reply: Mapping[str, Any]) -> Grant:
        if "body" not in reply:
            raise Malformed("no body")
        return standard_grant(reply["body"])

    for body in ({}, {"body": 7}):
        maker.script["/token"] = [Said(body=body)]
        with pytest.raises(errors.Unavailable, match="no tokens"):
            oauth.refresh(wire, maker.door(unwrap=unwrap), WHO, TOKEN)


def test_nobody_there_was_not_told_the_token(wire: Wire) -> None:
    maker = Maker(url=f"http://127.0.0.1:{unused_port()}")
    error = refused(wire, maker)
    assert isinstance(error, errors.Unavailable)
    assert not error.sent


def test_a_client_secret_in_foreign_letters_is_not_shown(maker: Maker, wire: Wire) -> None:
    who = ClientId("my-id", "gehe\u0131m")
    with pytest.raises(errors.Fatal, match="letters") as caught:
        oauth.refresh(wire, maker.door(client_auth="basic"), who, TOKEN)
    assert who.secret not in "".join(traceback.format_exception(caught.value))


# -- the redirect ----------------------------------------------------------------------------------


def test_the_code_of_a_redirect() -> None:
    assert oauth.read_redirect("?code=a%2Fb&state=s%2B&scope=x%20y", "s+") == "a/b"
    assert oauth.read_redirect({"code": "a/b", "state": "s+"}, "s+") == "a/b"


@pytest.mark.parametrize(
    ("query", "name", "said"),
    [
        ("code=c", "UsageError", "does not belong"),
        ("code=c&state=", "UsageError", "does not belong"),
        ("code=c&state=other", "UsageError", "does not belong"),
        ("code=c&state=s%C3%A9", "UsageError", "does not belong"),
        ("error=access_denied", "UsageError", "does not belong"),
        ("state=s", "UsageError", "no code"),
        ("state=s&code=", "UsageError", "no code"),
        ("state=s&code=a&code=b", "UsageError", "two things"),
        ("&".join(["a=b"] * 200), "UsageError", "two things"),
        ("state=s&error=access_denied", "NeedsReconnect", "not allowed"),
        ("state=s&error=server_error", "Unavailable", "later"),
        ("state=s&error=invalid_scope&error_description=Bad+one", "Fatal", "invalid_scope Bad one"),
    ],
)
def test_a_redirect_that_brings_no_code(query: str, name: str, said: str) -> None:
    with pytest.raises(SleepBalanceError, match=said) as caught:
        oauth.read_redirect(query, "s")
    assert type(caught.value) is getattr(errors, name)
