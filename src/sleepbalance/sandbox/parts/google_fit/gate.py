"""What every request passes: the end of the service, token, project, quota, scope, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request

from sleepbalance.sandbox import gates
from sleepbalance.sandbox.oauth import Desk, Grant
from sleepbalance.sandbox.parts.google_fit.refusals import (
    JSON,
    ended,
    invalid,
    not_registered,
    refusal,
    scope_missing,
    unauthenticated,
)
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import World

PREFIX = "https://www.googleapis.com/auth/fitness."
SLEEP, HEART, OXYGEN, ACTIVITY = (
    f"{PREFIX}{name}.read" for name in ("sleep", "heart_rate", "oxygen_saturation", "activity")
)
SCOPES = {
    SLEEP: "Sleep",
    HEART: "Heart rate",
    OXYGEN: "Oxygen saturation",
    ACTIVITY: "Activity",
    "openid": "Who you are",
}
FITNESS = frozenset(SCOPES) - {"openid"}
STANDARD = frozenset({"alt", "prettyPrint", "quotaUser", "key", "access_token", "oauth_token"})


@dataclass(frozen=True)
class Visit:
    """One request that was let in."""

    request: Request
    world: World
    person: Person
    grant: Grant
    settings: Mapping[str, Any]

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params


def answering(handle: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Makes an endpoint of a function that gives JSON or raises a Refusal."""
    return gates.answering(handle, JSON)


def enter(request: Request, scopes: frozenset[str], allowed: frozenset[str]) -> Visit:
    """Any one of the scopes will do. Raises Refusal."""
    desk: Desk = request.app.state.desks["google_fit"]
    grant = desk.bearer(request.headers.get("authorization", ""))
    request.state.grant = grant
    fitness = "user" in request.path_params
    if fitness and desk.settings["ended"]:
        raise ended(desk.settings["ended"])
    if grant is None:
        raise unauthenticated()
    if fitness and not desk.settings["registered"]:
        raise not_registered()
    world: World = request.app.state.world
    person = world.person(grant.person)
    limit = desk.settings["rate_limit"]  # requests in any minute
    gates.count(request, ("google_fit", person.id), limit, partial(refusal, 429))
    if not scopes & frozenset(grant.scopes):
        raise scope_missing()
    if request.path_params.get("user", "me") != "me":
        raise invalid("Only me is supported as user id.")
    for name in request.query_params:
        if name not in allowed | STANDARD:
            raise invalid(f'Invalid JSON payload received. Unknown name "{name}".')
    return Visit(request, world, person, grant, desk.settings)
