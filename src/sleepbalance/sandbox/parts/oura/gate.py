"""What every request of the API passes: token, limit, membership, scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sleepbalance.sandbox.oauth import Desk, Grant
from sleepbalance.sandbox.parts.oura.refusals import (
    WINDOW,
    Refusal,
    forbidden,
    refusal,
    unauthorized,
)
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import World


@dataclass(frozen=True)
class Visit:
    """One request that was let in."""

    world: World
    person: Person
    grant: Grant
    settings: Mapping[str, Any]
    query: Mapping[str, str]


def answering(handle: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Makes an endpoint of a function that gives JSON or raises a Refusal."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(handle(request))
        except Refusal as no:
            return no.response()

    return endpoint


def enter(request: Request, scope: str | None) -> Visit:
    """`scope` None: any will do. Raises Refusal."""
    desk: Desk = request.app.state.desks["oura"]
    world: World = request.app.state.world
    grant = desk.bearer(request.headers.get("authorization", ""))
    request.state.grant = grant
    if grant is None:
        raise unauthorized()
    person = world.person(grant.person)
    _within_limit(request, person, desk.settings["rate_limit"])
    if person.id in desk.settings["lapsed"] and scope is not None:
        raise forbidden()
    if scope is not None and scope not in grant.scopes:
        raise forbidden()
    if "/sandbox/" in request.url.path:  # the same made-up nights, whoever asks
        person = next(iter(world.people.values()))
    return Visit(world, person, grant, desk.settings, dict(request.query_params))


def _within_limit(request: Request, person: Person, limit: int) -> None:
    """So many requests in any five minutes."""
    now = request.app.state.world.clock.pace()
    recent: list[float] = request.app.state.recent.setdefault(("oura", person.id), [])
    recent[:] = [at for at in recent if now - WINDOW < at <= now]
    if len(recent) >= limit:
        wait = max(1, int(recent[0] + WINDOW - now) + 1)
        until = int(request.app.state.world.now().timestamp()) + wait
        raise refusal(429, wait, until)
    recent.append(now)
