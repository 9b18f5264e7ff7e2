"""What Google's refusals mean, who is connected, and letting go."""

from __future__ import annotations

import json

import pytest

from sleepbalance.errors import (
    Fatal,
    Gone,
    Malformed,
    NeedsReconnect,
    ScopeMissing,
    SleepBalanceError,
)
from sleepbalance.provider import Account, Answer, Grant, OAuth, Reply
from sleepbalance.providers.fitbit import API, PROVIDER
from tests.fitbit.made import FILTER_REFUSED, answer, client

REVOKE = "https://oauth2.googleapis.com/revoke"
IDENTITY = "v4/users/me/identity"
GRANT = Grant(access="access", refresh="refresh")


def refusal(status: int, reason: str = "", message: str = "It is so.") -> Reply:
    details = [{"@type": "…/google.rpc.Help"}, {"reason": reason}] if reason else []
    error = {"code": status, "message": message, "status": "SOME_STATUS", "details": details}
    return Reply(status, {}, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (refusal(400, "ACCOUNT_NOT_LINKED"), NeedsReconnect, "fitbit.google.com/auth/signup"),
        (refusal(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), ScopeMissing, "did not allow"),
        (refusal(403, "SERVICE_DISABLED"), Fatal, "Enable health.googleapis.com"),
        (refusal(403, message="Could not mint UberMint from GaiaMint"), NeedsReconnect, "moved"),
        (Reply(410), Gone, "2026-11-02"),
    ],
)
def test_a_refusal_says_what_to_do(reply: Reply, kind: type[SleepBalanceError], words: str) -> None:
    meant = API.fault(reply)
    assert type(meant) is kind
    assert words in str(meant)


def test_googles_own_words_and_reason_are_told() -> None:
    meant = API.fault(refusal(400, "ACCOUNT_NOT_LINKED", "The account is\nnot linked. "))
    assert str(meant).startswith("Google says: The account is not linked. This Google account")
    assert "(ACCOUNT_NOT_LINKED)" in str(meant)


def test_nothing_that_could_be_a_secret_is_told() -> None:
    token = "ya29.a0AfB_" + "x" * 30
    meant = API.fault(refusal(403, "SERVICE_DISABLED", f"The token {token} may not."))
    assert "Google says: The token … may not." in str(meant)
    assert token not in str(meant)


def test_a_long_message_is_cut() -> None:
    meant = API.fault(refusal(403, "SERVICE_DISABLED", "so and so " * 1000))
    assert len(str(meant)) < 500


def test_a_refused_filter_is_no_fault() -> None:
    assert API.fault(Reply(400, {}, json.dumps(FILTER_REFUSED).encode())) is Answer.FINE


def test_a_token_that_is_no_more_was_revoked_already() -> None:
    body = b'{"error": "invalid_token", "error_description": "Token expired or revoked"}'
    assert API.fault(Reply(400, {}, body)) is Answer.FINE


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {}, b"{}"),
        refusal(200, "ACCOUNT_NOT_LINKED"),
        refusal(400, "SOMETHING_ELSE"),
        refusal(400, message="Could not mint UberMint"),
        refusal(401, "ACCESS_TOKEN_EXPIRED"),
        refusal(403),
        refusal(404),
        refusal(429, "RATE_LIMIT_EXCEEDED"),
        refusal(500, "SERVICE_DISABLED"),
        Reply(400, {}, b"<html>"),
        Reply(403, {}, b'{"error": "no"}'),
        Reply(403, {}, b'{"error": {"message": 5, "details": {"reason": []}}}'),
        Reply(400, {}, b"[" * 100_000),
    ],
)
def test_everything_else_is_left_to_the_common_rule(reply: Reply) -> None:
    assert API.fault(reply) is None


def test_the_account_carries_its_old_id() -> None:
    told = {"name": "users/me/identity", "healthUserId": "4711", "legacyUserId": "7ABCDE"}
    assert API.identify(client(answer(IDENTITY, told)), GRANT) == Account("4711", ("7ABCDE",))


def test_an_account_that_never_was_at_the_old_service_has_one_id() -> None:
    told = {"healthUserId": "a-b-1", "legacyUserId": ""}
    assert API.identify(client(answer(IDENTITY, told)), GRANT) == Account("a-b-1")


@pytest.mark.parametrize("told", [{}, [], "", {"healthUserId": 5}, {"healthUserId": "../x"}])
def test_without_an_id_nobody_is_connected(told: object) -> None:
    with pytest.raises(Malformed, match="whose data"):
        API.identify(client(answer(IDENTITY, told)), GRANT)


def door() -> OAuth:
    (found,) = PROVIDER.remote
    assert isinstance(found, OAuth)
    return found


@pytest.mark.parametrize(
    ("grant", "token"), [(GRANT, "refresh"), (Grant(access="only"), "only")], ids=["both", "one"]
)
def test_letting_go_revokes_the_refresh_token(grant: Grant, token: str) -> None:
    revoke = door().revoke
    assert revoke is not None
    asked = client(answer(REVOKE, {}, method="POST", form={"token": token}))
    revoke(asked, grant)
    assert len(asked.asked) == 1


def test_a_testing_projects_token_says_when_it_ends() -> None:
    told = {
        "access_token": "a",
        "expires_in": 3599,
        "refresh_token": "r",
        "refresh_token_expires_in": 604799,
        "scope": " ".join(scope.name for scope in door().scopes),
    }
    grant = door().unwrap(told)
    assert (grant.expires_in, grant.refresh_expires_in) == (3599, 604799)
    assert set(grant.scopes or ()) == {scope.name for scope in door().scopes}


def test_only_what_is_read_is_asked_for() -> None:
    assert [scope.name.rpartition("googlehealth.")[2] for scope in door().scopes] == [
        "sleep.readonly",
        "health_metrics_and_measurements.readonly",
    ]
    assert [scope.needed for scope in door().scopes] == [True, False]
