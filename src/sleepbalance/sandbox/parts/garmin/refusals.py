"""How Garmin says no: a status, and a body with one message."""

from __future__ import annotations

from starlette.responses import Response

from sleepbalance.sandbox import gates

NO_SUCH_PULL = "InvalidPullTokenException failure"
TOO_MANY = "Too many requests, please try again later"


class Refusal(gates.Refusal):
    def __init__(self, status: int, message: str, *, wait: int | None = None) -> None:
        headers = {} if wait is None else {"retry-after": str(wait)}
        super().__init__(status, {"errorMessage": message}, headers)
        self.message = message


def refusal(status: int, wait: int) -> Response:
    """Too many requests (429), or a failure of Garmin's own."""
    if status == 429:
        return Refusal(429, TOO_MANY, wait=wait).response()
    return Refusal(status, "Internal server error").response()
