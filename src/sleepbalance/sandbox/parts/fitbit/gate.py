"""What every request of the health API passes: token, account, quota, scope, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request

from sleepbalance.sandbox import gates
from sleepbalance.sandbox.oauth import Desk, Grant
from sleepbalance.sandbox.parts.fitbit import points
from sleepbalance.sandbox.parts.fitbit.refusals import (
    JSON,
    Refusal,
    account,
    invalid,
    refusal,
    scope_missing,
    unauthenticated,
)
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import World

STANDARD = frozenset(
    {"alt", "prettyPrint", "quotaUser", "key", "access_token", "oauth_token", "$.xgafv", "callback"}
)


@dataclass(frozen=True)
class Visit:
    """One request that was let in."""

    request: Request
    world: World
    person: Person
    grant: Grant
    settings: Mapping[str, Any]
    query: Mapping[str, str]


def answering(handle: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Makes an endpoint of a function that gives JSON or raises a Refusal."""
    return gates.answering(handle, JSON)


def enter(request: Request, scope: str | None, allowed: frozenset[str]) -> Visit:
    """`scope` None: any will do. Raises Refusal."""
    desk: Desk = request.app.state.desks["fitbit"]
    world: World = request.app.state.world
    grant = desk.bearer(request.headers.get("authorization", ""))
    request.state.grant = grant
    if grant is None:
        raise unauthenticated()
    person = world.person(grant.person)
    limit = desk.settings["rate_limit"]  # requests in any minute
    gates.count(request, ("fitbit", person.id), limit, partial(refusal, 429))
    if scope is not None and scope not in grant.scopes:
        raise scope_missing()
    if request.path_params["user"] not in ("me", points.health_user_id(person)):
        raise Refusal(403, "PERMISSION_DENIED", "The caller does not have permission")
    if trouble := desk.settings["accounts"].get(person.id):
        raise account(trouble)
    for name in request.query_params:
        if name not in allowed | STANDARD:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query '
                f"parameter. Field '{name}' could not be found in request message."
            )
    return Visit(request, world, person, grant, desk.settings, dict(request.query_params))
