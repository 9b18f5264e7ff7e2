"""What every request of the API passes: token, limit, membership, scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request

from sleepbalance.sandbox.gates import count
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


def enter(request: Request, scope: str | None) -> Visit:
    """`scope` None: any will do. Raises Refusal."""
    desk: Desk = request.app.state.desks["oura"]
    world: World = request.app.state.world
    grant = desk.bearer(request.headers.get("authorization", ""))
    request.state.grant = grant
    if grant is None:
        raise unauthorized()
    person = world.person(grant.person)
    limit, too_many = desk.settings["rate_limit"], partial(_too_many, request)
    count(request, ("oura", person.id), limit, too_many, WINDOW)
    if person.id in desk.settings["lapsed"] and scope is not None:
        raise forbidden()
    if scope is not None and scope not in grant.scopes:
        raise forbidden()
    if "/sandbox/" in request.url.path:  # the same made-up nights, whoever asks
        person = next(iter(world.people.values()))
    return Visit(world, person, grant, desk.settings, dict(request.query_params))


def _too_many(request: Request, wait: int) -> Refusal:
    return refusal(429, wait, int(request.app.state.world.now().timestamp()) + wait)
