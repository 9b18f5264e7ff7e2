"""How Google Fit says no: Google's usual body, with the reasons of its older spelling beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import HTMLResponse, Response

from sleepbalance.sandbox import gates

JSON = "application/json; charset=UTF-8"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
NOWHERE = (
    "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>"
    "<p><b>404.</b> <ins>That’s an error.</ins><p>The requested URL was not found on this server."
)


class Refusal(gates.Refusal):
    def __init__(
        self,
        code: int,
        status: str,
        message: str,
        reason: str = "",
        info: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        error: dict[str, Any] = {"code": code, "message": message, "status": status}
        if reason:
            error["errors"] = [{"message": message, "domain": "global", "reason": reason}]
        if info:
            error["details"] = [{"@type": INFO, "domain": "googleapis.com", **info}]
        super().__init__(code, {"error": error}, headers, JSON)


class Nowhere(Refusal):
    """The page of Google's front doors, for addresses that lead nowhere."""

    def __init__(self) -> None:
        super().__init__(404, "NOT_FOUND", "not found")

    def response(self) -> Response:
        return HTMLResponse(NOWHERE, 404)


def invalid(message: str) -> Refusal:
    return Refusal(400, "INVALID_ARGUMENT", message, "invalidArgument")


def no_stream(name: str) -> Refusal:
    return Refusal(404, "NOT_FOUND", f"Data source {name} was not found.", "notFound")


def unauthenticated() -> Refusal:
    return Refusal(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "authError",
        headers={"www-authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )


def scope_missing() -> Refusal:
    return Refusal(
        403,
        "PERMISSION_DENIED",
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        {"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
    )


def unreadable(data_type: str) -> Refusal:
    return Refusal(403, "PERMISSION_DENIED", f"Cannot read data of type {data_type}", "forbidden")


def not_registered() -> Refusal:
    return Refusal(
        403,
        "PERMISSION_DENIED",
        "Fitness API has not been used in project 123456789 before or it is disabled.",
        "accessNotConfigured",
        {"reason": "SERVICE_DISABLED", "metadata": {"service": "fitness.googleapis.com"}},
    )


def ended(code: int) -> Refusal:
    """Nobody has seen the end yet: made up in Google's usual shapes."""
    if code == 404:
        return Nowhere()
    status = "PERMISSION_DENIED" if code == 403 else "FAILED_PRECONDITION"
    return Refusal(code, status, "The Google Fit APIs have been shut down.", "forbidden")


def refusal(code: int, wait: int) -> Refusal:
    """Too many requests, or a failure of the maker's own."""
    if code != 429:
        return Refusal(code, "INTERNAL", "Internal error encountered.", "backendError")
    return Refusal(
        429,
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of "
        "service 'fitness.googleapis.com' for consumer 'project_number:123456789'.",
        "rateLimitExceeded",
        {"reason": "RATE_LIMIT_EXCEEDED"},
        {"retry-after": str(wait)},
    )
