"""How Oura says no: FastAPI's bodies, as they were recorded or are documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sleepbalance.sandbox import gates

WINDOW = 300  # seconds
LIMIT = 5000


class Refusal(gates.Refusal):
    def __init__(self, status: int, detail: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, {"detail": detail}, headers)


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized")


def forbidden() -> Refusal:
    """The same for a scope that is missing and for a membership that has lapsed."""
    return Refusal(403, "Forbidden")


def not_found() -> Refusal:
    return Refusal(404, "Document not found.")


def no_route() -> Refusal:
    return Refusal(404, "Not Found")


def invalid(where: str, message: str, sent: str) -> Refusal:
    problem = {"type": "value_error", "loc": ["query", where], "msg": message, "input": sent}
    return Refusal(422, [problem])


def refusal(status: int, wait: int, until: int | None = None) -> Refusal:
    """Too many requests, or a failure of the maker's own. `until` is in seconds since 1970."""
    if status != 429:
        return Refusal(status, "Internal Server Error")
    headers = {
        "retry-after": str(wait),
        "x-ratelimit-limit": str(LIMIT),
        "x-ratelimit-window": str(WINDOW),
        "x-ratelimit-tier": "token",
    }
    if until is not None:
        headers["x-ratelimit-reset"] = str(until)
    return Refusal(429, "Too Many Requests", headers)
