"""What the gates of all played makers do alike: say no, answer with JSON, count requests."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sleepbalance.sandbox.world import Unclear, Unknown

Handle = Callable[[Request, Any], Any]  # the body comes beside the request


class Refusal(Exception):
    """An answer that ends the handling of a request."""

    def __init__(
        self,
        status: int,
        body: Any,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        super().__init__(status)
        self.status, self.body = status, body
        self.headers, self.media_type = dict(headers or {}), media_type

    def response(self) -> Response:
        return JSONResponse(self.body, self.status, self.headers, media_type=self.media_type)


def answering(
    handle: Callable[[Request], Any], media_type: str | None = None
) -> Callable[[Request], Any]:
    """Makes an endpoint of a function that gives JSON or a Response, or raises a Refusal."""

    async def endpoint(request: Request) -> Response:
        try:
            answer = handle(request)
            if inspect.isawaitable(answer):
                answer = await answer
        except Refusal as no:
            return no.response()
        if isinstance(answer, Response):
            return answer
        return JSONResponse(answer, media_type=media_type)

    return endpoint


def count(
    request: Request,
    who: tuple[str, str],
    limit: int,
    refuse: Callable[[int], Refusal],
    window: int = 60,
) -> None:
    """Raises what `refuse` makes of the seconds to wait after `limit` requests in any `window`."""
    now: float = request.app.state.world.clock.pace()
    recent: list[float] = request.app.state.recent.setdefault(who, [])
    recent[:] = [at for at in recent if now - window < at <= now]
    if len(recent) >= limit:
        raise refuse(max(1, int(recent[0] + window - now) + 1))
    recent.append(now)


def controlling(handles: Mapping[str, Handle]) -> Callable[[Request], Any]:
    """An address below `/-/`, by method: what is, after what was asked has been done."""

    async def endpoint(request: Request) -> Response:
        try:
            sent = await request.body()
            body = json.loads(sent) if sent else None
            handle = handles.get(request.method) or handles["GET"]  # HEAD comes with GET
            return JSONResponse(handle(request, body))
        except Unknown as error:
            return JSONResponse({"error": str(error)}, 404)
        except (Unclear, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint
