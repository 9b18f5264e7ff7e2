"""How Garmin says no: a status, and a body with one message."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

NO_SUCH_PULL = "InvalidPullTokenException failure"
TOO_MANY = "Too many requests, please try again later"


class Refusal(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status: int, message: str, *, wait: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.wait = status, message, wait

    def response(self) -> Response:
        headers = {} if self.wait is None else {"retry-after": str(self.wait)}
        return JSONResponse({"errorMessage": self.message}, self.status, headers)


def refusal(status: int, wait: int) -> Response:
    """Too many requests (429), or a failure of Garmin's own."""
    if status == 429:
        return Refusal(429, TOO_MANY, wait=wait).response()
    return Refusal(status, "Internal server error").response()
