"""How Google says no: the bodies that were captured, or are documented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from sleepbalance.sandbox import gates

JSON = "application/json; charset=UTF-8"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class Refusal(gates.Refusal):
    def __init__(
        self,
        code: int,
        status: str,
        message: str,
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        error: dict[str, Any] = {"code": code, "message": message, "status": status}
        if details:
            error["details"] = list(details)
        super().__init__(code, {"error": error}, headers, JSON)


def _info(reason: str, domain: str = "googleapis.com", **metadata: str) -> dict[str, Any]:
    info: dict[str, Any] = {"@type": INFO, "reason": reason, "domain": domain}
    return {**info, "metadata": metadata} if metadata else info


def invalid(message: str) -> Refusal:
    return Refusal(400, "INVALID_ARGUMENT", message)


def not_found(message: str = "Requested entity was not found.") -> Refusal:
    return Refusal(404, "NOT_FOUND", message)


def invalid_filter(reasons: Sequence[str], violations: Sequence[str]) -> Refusal:
    named = [f"INVALID_DATA_POINT_FILTER_{reason}" for reason in reasons]
    fields = [{"field": "filter", "description": words} for words in violations]
    return Refusal(
        400,
        "INVALID_ARGUMENT",
        f"Invalid data point filter: {', '.join(named)}.",
        (
            _info(
                "INVALID_DATA_POINT_FILTER",
                "health.googleapis.com",
                detailedReasons=",".join(named),
            ),
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": fields},
        ),
    )


def unauthenticated() -> Refusal:
    return Refusal(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        headers={"www-authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )


def scope_missing() -> Refusal:
    return Refusal(
        403,
        "PERMISSION_DENIED",
        "Request had insufficient authentication scopes.",
        (_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),),
    )


def account(trouble: str) -> Refusal:
    """`not_linked`: no health profile; `unmigrated`: the account is still one of Fitbit's own."""
    if trouble == "not_linked":
        return Refusal(
            400,
            "FAILED_PRECONDITION",
            "The account is not linked to Google Health.",
            (_info("ACCOUNT_NOT_LINKED"),),
        )
    return Refusal(403, "PERMISSION_DENIED", "Could not mint UberMint from GaiaMint")


def refusal(code: int, wait: int) -> Refusal:
    """Too many requests, or a failure of the maker's own."""
    if code != 429:
        return Refusal(code, "INTERNAL", "Internal error encountered.")
    return Refusal(
        429,
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of "
        "service 'health.googleapis.com' for consumer 'project_number:123456789'.",
        (
            _info("RATE_LIMIT_EXCEEDED"),
            {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"subject": "project:123456789", "description": "Quota exceeded"}],
            },
        ),
        {"retry-after": str(wait)},
    )


def ended() -> Response:
    """The old addresses, shut since 2026-11-02."""
    message = "The Fitbit Web API has been shut down. Use the Google Health API."
    return JSONResponse({"errors": [{"errorType": "gone", "message": message}]}, 410)
