"""The Health API: who is there, what may be read, history by order, and pulls behind a ping."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sleepbalance.sandbox import gates
from sleepbalance.sandbox.oauth import Grant
from sleepbalance.sandbox.parts.garmin.desk import PERSONAL, GarminDesk
from sleepbalance.sandbox.parts.garmin.partner import HISTORY, READ, Order, Partner
from sleepbalance.sandbox.parts.garmin.refusals import NO_SUCH_PULL, TOO_MANY, Refusal
from sleepbalance.sandbox.parts.garmin.summaries import TYPES, user_id
from sleepbalance.sandbox.people import DAY, Person

KINDS = {path: kind for kind, path in TYPES.items()}
NAMES = {  # as Garmin's portal calls the types
    "sleeps": "CONNECT_SLEEP",
    "hrv": "CONNECT_HRV",
    "pulseox": "CONNECT_PULSE_OX",
    "allDayRespiration": "CONNECT_RESPIRATION",
    "skinTemp": "CONNECT_SKIN_TEMP",
    "dailies": "CONNECT_DAILY",
}
DAY_SECONDS = 86400
LONGEST = 90 * DAY_SECONDS
MILLISECONDS = 10**11  # a time that large was meant in them


@dataclass(frozen=True)
class Visit:
    """One request that was let in."""

    request: Request
    desk: GarminDesk
    partner: Partner
    grant: Grant
    person: Person

    def kind(self) -> str:
        path = self.request.path_params["type"]
        if path not in KINDS:
            raise Refusal(404, f"Unknown summary type: {path}")
        return KINDS[path]

    def span(self, of: str) -> tuple[int, int]:
        return self._seconds(f"{of}StartTimeInSeconds"), self._seconds(f"{of}EndTimeInSeconds")

    def _seconds(self, name: str) -> int:
        sent = self.request.query_params.get(name, "")
        if not sent.isdecimal() or int(sent) > MILLISECONDS:
            raise Refusal(400, f"Invalid value for {name}: seconds since 1970 are expected")
        return int(sent)


def answering(handle: Callable[[Visit], Any]) -> Callable[[Request], Any]:
    """Makes an endpoint of a function that gives JSON or a Response, or raises a Refusal."""
    return gates.answering(lambda request: handle(_entered(request)))


def _entered(request: Request) -> Visit:
    """401 for a token that is over, 403 for one that nobody knows or whose consent is gone."""
    state = request.app.state
    desk: GarminDesk = state.desks["garmin"]
    header = request.headers.get("authorization", "")
    kind, _, token = header.partition(" ")
    known = request.state.grant = desk.grant_of(token)
    if kind.lower() != "bearer":
        raise Refusal(401, "Missing access token")
    if known is None or not known.alive or PERSONAL in known.scopes:
        raise Refusal(403, "Unknown access token, or the user has withdrawn the consent")
    if desk.bearer(header) is None:
        raise Refusal(401, "Access token expired")
    return Visit(request, desk, state.own["garmin"], known, state.world.person(known.person))


# -- who -----------------------------------------------------------------------------------------


def who(visit: Visit) -> Any:
    return {"userId": user_id(visit.person)}


def permissions(visit: Visit) -> Any:
    listed = list(visit.grant.scopes)
    return listed if visit.desk.settings["bare_permissions"] else {"permissions": listed}


def deregister(visit: Visit) -> Any:
    visit.partner.gather()
    visit.partner.end(visit.person.id)
    return Response(status_code=204)


# -- data ----------------------------------------------------------------------------------------


def pull(visit: Visit) -> Any:
    """What was uploaded in a span; only a ping's token opens it."""
    kind, query = visit.kind(), visit.request.query_params
    visit.partner.gather()
    opened = visit.partner.pulls.get(query.get("token", ""))
    if opened is None or (opened.person, opened.kind) != (visit.person.id, kind):
        raise Refusal(400, NO_SUCH_PULL)
    start, end = visit.span("upload")
    if end <= start or end - start > DAY_SECONDS:
        raise Refusal(400, "The upload window must be longer than 0 and at most 86400 seconds")
    if visit.partner.world.now() > opened.until:
        raise Refusal(400, NO_SUCH_PULL)
    if READ not in visit.grant.scopes:
        raise Refusal(412, "The user has not granted HEALTH_EXPORT")
    start, end = max(start, opened.start), min(end, opened.end)
    return [
        h.summary
        for h in visit.partner.uploads
        if (h.person.id, h.kind) == (visit.person.id, kind) and start <= h.at.timestamp() < end
    ]


def backfill(visit: Visit) -> Any:
    """Nothing now; what there is comes like any other news."""
    kind, (start, end) = visit.kind(), visit.span("summary")
    _reasonable(visit, kind, start, end)
    if missing := [p for p in (READ, HISTORY) if p not in visit.grant.scopes]:
        raise Refusal(412, f"The user has not granted {missing[0]}")
    partner, now = visit.partner, visit.partner.world.now()
    asked = [(low, high) for g, k, low, high in partner.asked if (g, k) == (visit.grant.id, kind)]
    if any(low <= start and end <= high for low, high in asked):
        raise Refusal(409, "This user and time range was already requested")
    _within_quota(visit, end - start)
    partner.gather()
    partner.asked.append((visit.grant.id, kind, start, end))
    due = now + dt.timedelta(seconds=visit.desk.settings["backfill_after"])
    low, high = (dt.datetime.fromtimestamp(at, dt.UTC) for at in (start, end))
    partner.orders.append(Order(due, visit.person.id, kind, low, high))
    return Response(status_code=202)


def _reasonable(visit: Visit, kind: str, start: int, end: int) -> None:
    if kind not in visit.desk.settings["endpoints"]:
        raise Refusal(400, f"Endpoint not enabled for summary type: {NAMES[kind]}")
    if end <= start or end - start > LONGEST:
        raise Refusal(400, "The range must be longer than 0 and at most 90 days")
    first = min(grant.since for grant in visit.partner.grants(visit.person.id))
    oldest = dt.datetime.combine(first.date() - 30 * DAY, dt.time(), tzinfo=dt.UTC)
    if start < oldest.timestamp():
        asked = dt.datetime.fromtimestamp(start, dt.UTC)
        raise Refusal(400, f"start {asked:%FT%TZ} is before min start time of {oldest:%FT%TZ}")


def _within_quota(visit: Visit, seconds: int) -> None:
    """So many days of data in any minute, for the whole app."""
    state = visit.request.app.state
    now = state.world.clock.pace()
    recent: list[tuple[float, int]] = state.recent.setdefault("garmin backfill", [])
    recent[:] = [(at, days) for at, days in recent if now - 60 < at <= now]
    wanted = -(-seconds // DAY_SECONDS)
    if sum(days for _, days in recent) + wanted > visit.desk.settings["backfill_days_a_minute"]:
        raise Refusal(429, TOO_MANY, wait=60)
    recent.append((now, wanted))
