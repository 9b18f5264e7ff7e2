"""What Google's refusals mean, and whether they are the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sleepbalance import providers
from sleepbalance.errors import Gone, NotEntitled, ScopeMissing
from sleepbalance.provider import Answer, Reply
from sleepbalance.providers.google_fit import API
from sleepbalance.providers.google_fit.faults import HEIR

SESSIONS = "/fitness/v1/users/me/sessions"
STREAM = "/fitness/v1/users/me/dataSources/derived:com.google.sleep.segment:x:merged/datasets/1-2"
OLD = "/fitness/v1/users/me/dataSources/derived:com.google.activity.segment:x:y/datasets/1-2"
HTML = b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"


def refused(status: int, message: str = "", path: str = SESSIONS, **more: Any) -> Any:
    error = {"code": status, "message": message} | more
    return API.fault(Reply(status, {}, json.dumps({"error": error}).encode(), path))


@pytest.mark.parametrize(
    "reply",
    [
        (410, ""),
        (410, "Anything at all", STREAM),
        (404, ""),
        (404, "The Google Fit APIs have been shut down", STREAM),
        (403, "The Google Fit APIs have been shut down."),
        (403, "Fitness API was turned down on 2026-12-01", STREAM),
        (403, "Fitness API has been discontinued"),
        (403, "This API is no longer available."),
        (403, "fitness.googleapis.com is permanently disabled"),
    ],
)
def test_the_end_is_told_and_the_heir_is_named(reply: tuple[Any, ...]) -> None:
    found = refused(*reply)
    assert type(found) is Gone
    assert str(found).endswith(HEIR)


def test_a_page_of_googles_front_door_is_the_end() -> None:
    assert type(API.fault(Reply(404, {}, HTML, SESSIONS))) is Gone
    assert type(API.fault(Reply(410, {}, HTML, STREAM))) is Gone


def test_the_heir_is_a_provider() -> None:
    words = HEIR.split("sleepbalance connect ")[1].split(".")[0]
    assert providers.meant(words).remote


@pytest.mark.parametrize(
    ("message", "more"),
    [
        (
            "Fitness API has not been used in project 4711 before or it is disabled. Enable it.",
            {"details": [{"reason": "SERVICE_DISABLED"}]},
        ),
        ("Access Not Configured.", {"errors": [{"reason": "accessNotConfigured"}]}),
    ],
)
def test_a_project_that_may_not_is_no_end(message: str, more: Any) -> None:
    found = refused(403, message, **more)
    assert type(found) is NotEntitled
    assert "2024-05-01" in str(found)
    assert message.split(".", maxsplit=1)[0] in str(found)


@pytest.mark.parametrize(
    ("message", "more"),
    [
        ("Cannot read data of type com.google.heart_rate.bpm", {}),
        ("Insufficient Permission", {"errors": [{"reason": "insufficientPermissions"}]}),
        ("", {"details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}),
    ],
)
def test_a_box_that_was_not_ticked(message: str, more: Any) -> None:
    assert type(refused(403, message, STREAM, **more)) is ScopeMissing
    assert refused(403, message, OLD, **more) is Answer.FINE


@pytest.mark.parametrize("message", ["", "Forbidden", "The caller does not have permission"])
def test_any_other_403_is_left_to_the_common_rule(message: str) -> None:
    assert refused(403, message) is None


def test_a_stream_that_is_not_there_is_empty() -> None:
    assert refused(404, "Data source not found", STREAM) is Answer.FINE
    assert refused(404, "", "/oauth2/v3/userinfo") is None


@pytest.mark.parametrize("status", [200, 401, 429, 500, 503])
def test_what_passes_is_no_end(status: int) -> None:
    assert refused(status, "The service was shut down.") is None


def test_a_consent_that_is_gone_needs_no_revoking() -> None:
    body = json.dumps({"error": "invalid_token"}).encode()
    assert API.fault(Reply(400, {}, body, "/revoke")) is Answer.FINE
    assert API.fault(Reply(400, {}, body, SESSIONS)) is None


def test_nothing_that_could_be_a_secret_is_said() -> None:
    found = refused(410, "Token ya29.abcdefghijklmnopqrstuvwxyz0123 is " + "Ab0_-" * 20)
    assert "abcdefghijkl" not in str(found)
    assert "Ab0_" not in str(found)
