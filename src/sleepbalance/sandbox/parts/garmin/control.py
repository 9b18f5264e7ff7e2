"""The sandbox's own addresses for Garmin, below `/-/garmin`: users, and what is sent to the app."""

from __future__ import annotations

import asyncio
import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sleepbalance.sandbox.oauth import CLIENT_ID, is_loopback
from sleepbalance.sandbox.parts.garmin.partner import Delivery, Partner
from sleepbalance.sandbox.parts.garmin.summaries import user_id
from sleepbalance.sandbox.world import Unclear, Unknown

PATIENCE = 30  # seconds that Garmin waits for an answer


def _partner(request: Request) -> Partner:
    partner: Partner = request.app.state.own["garmin"]
    partner.gather()
    return partner


# -- users ---------------------------------------------------------------------------------------


def users(request: Request, body: Any) -> Any:
    """Who is registered, or was."""
    del body
    partner = _partner(request)
    return [
        {
            "person": person.id,
            "userId": user_id(person),
            "since": grants[0].since.isoformat(),
            "permissions": list(grants[-1].scopes),
            "registered": partner.registration(person.id) is not None,
        }
        for person in partner.world.people.values()
        if (grants := partner.grants(person.id))
    ]


def change_permissions(request: Request, body: Any) -> Any:
    """As the person does in Garmin Connect."""
    partner = _partner(request)
    match body:
        case {"person": str(person), "permissions": [*wanted]}:
            unknown = [p for p in wanted if p not in partner.desk.door.scopes]
        case _:
            raise Unclear('Say {"person": "1", "permissions": ["HEALTH_EXPORT"]}.')
    if unknown:
        raise Unclear(f"There are the permissions {', '.join(partner.desk.door.scopes)}.")
    _registered(partner, person)
    partner.permit(person, tuple(wanted))
    return users(request, None)


def deregister(request: Request, body: Any) -> Any:
    """The person disconnects the app in Garmin Connect: `?person=`."""
    partner, person = _partner(request), request.query_params.get("person", "")
    _registered(partner, person)
    partner.end(person)
    return users(request, body)


def _registered(partner: Partner, person: str) -> None:
    if partner.registration(partner.world.person(person).id) is None:
        raise Unknown(f"Person {person} is not registered.")


# -- deliveries ----------------------------------------------------------------------------------


def deliveries(request: Request, body: Any) -> Any:
    """What waits to be sent, oldest first; `?person=` only what speaks of one."""
    del body
    return [_told(delivery) for delivery in _wanted(request)]


def forget(request: Request, body: Any) -> Any:
    """Takes them away without sending, and says what they were."""
    gone = _wanted(request)
    partner = _partner(request)
    partner.outbox = [d for d in partner.outbox if d not in gone]
    del body
    return [_told(delivery) for delivery in gone]


def _wanted(request: Request) -> list[Delivery]:
    person = request.query_params.get("person")
    return [d for d in _partner(request).outbox if person is None or person in d.people]


def _told(delivery: Delivery) -> dict[str, Any]:
    return {
        "number": delivery.number,
        "at": delivery.at.isoformat(),
        "people": list(delivery.people),
        "body": delivery.body,
    }


async def send(request: Request) -> Response:
    """Posts them to `?to=`, oldest first; what is not answered with 200 stays."""
    to = request.query_params.get("to", "")
    if not is_loopback(to):
        error = "?to= must be an http address of this computer."
        return JSONResponse({"error": error}, 400)
    done: list[dict[str, Any]] = []
    for delivery in _wanted(request):
        status = await asyncio.to_thread(_post, to, json.dumps(delivery.body))
        done.append({"number": delivery.number, "status": status})
        if status == 200:
            _partner(request).outbox.remove(delivery)
    return JSONResponse(done)


def _post(to: str, body: str) -> int | None:
    """The status; None where nobody answered."""
    parts = urlsplit(to)
    connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
    headers = {
        "content-type": "application/json",
        "user-agent": "Garmin Health API",
        "garmin-client-id": CLIENT_ID,
        "connection": "close",
    }
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        connection.request("POST", path, body, headers)
        with connection.getresponse() as reply:
            reply.read()
            return reply.status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
