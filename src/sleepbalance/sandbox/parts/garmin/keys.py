"""Where keys are made: Garmin's page for it, and the same for tests without a page."""

from __future__ import annotations

import datetime as dt
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sleepbalance.sandbox.gates import Handle, controlling
from sleepbalance.sandbox.login import read_form
from sleepbalance.sandbox.oauth import Token
from sleepbalance.sandbox.pages import HEADERS, persons, whole_page
from sleepbalance.sandbox.parts.garmin.desk import LIVES, GarminDesk
from sleepbalance.sandbox.world import Unclear


async def page(request: Request) -> Response:
    """Choose who and for how long; the answer shows the key, once."""
    desk: GarminDesk = request.app.state.desks["garmin"]
    world = request.app.state.world
    if request.method != "POST":
        return HTMLResponse(_form(world.people.values()), headers=HEADERS)
    told = dict(await read_form(request))
    person, days = told.get("person", ""), told.get("days", "")
    if person not in world.people or days not in map(str, LIVES):
        page = whole_page("No key", "<h1>Choose a person and a life</h1>")
        return HTMLResponse(page, 400, HEADERS)
    key, token = desk.make_key(person, int(days))
    return HTMLResponse(_shown(key, token), headers=HEADERS)


def _form(people: Any) -> str:
    lives = "".join(
        f'<label><input type="radio" name="days" value="{days}"'
        f"{' checked' if days == 90 else ''}><span>{days} days</span></label>"
        for days in LIVES
    )
    return whole_page(
        "Personal API (sandbox)",
        "<h1>Garmin Connect: a key for your own data</h1>"
        '<p class="note">This is the sandbox. Nobody here is real, and no maker hears of it.</p>'
        '<form method="post">'
        f"<fieldset><legend>Who are you?</legend>{persons(people)}</fieldset>"
        f"<fieldset><legend>How long shall the key live?</legend>{lives}</fieldset>"
        '<button name="decision" value="allow">Create</button></form>',
    )


def _shown(key: str, token: Token) -> str:
    return whole_page(
        "Your key (sandbox)",
        "<h1>Your key</h1><p>It is shown this once; copy it now.</p>"
        f"<p><code>{escape(key)}</code></p><p>It ends on {token.until:%Y-%m-%d}.</p>",
    )


# -- without a page ------------------------------------------------------------------------------


def control_route(path: str, **handles: Handle) -> Route:
    return Route(path, controlling(handles), methods=list(handles))


def desk_of(request: Request) -> GarminDesk:
    desk: GarminDesk = request.app.state.desks["garmin"]
    return desk


def list_keys(request: Request, body: Any) -> Any:
    """All but the keys themselves."""
    del body
    now = request.app.state.world.now()
    return [_told(token, now) for token in desk_of(request).made_keys()]


def make_key(request: Request, body: Any) -> Any:
    match body:
        case {"person": str(person), "days": int(days)} if 1 <= days <= 365:
            request.app.state.world.person(person)
        case _:
            raise Unclear('Say {"person": "1", "days": 90}; a key lives 1 to 365 days.')
    key, token = desk_of(request).make_key(person, days)
    return {"key": key, **_told(token, request.app.state.world.now())}


def delete_keys(request: Request, body: Any) -> Any:
    """As the person does on Garmin's page; `?person=` spares the others."""
    person = request.query_params.get("person")
    for token in desk_of(request).made_keys():
        if person in (None, token.grant.person):
            token.grant.alive = False
    return list_keys(request, body)


def end_tokens(request: Request, body: Any) -> Any:
    del body
    desk_of(request).end_tokens()
    return {"ended": True}


def _told(token: Token, now: dt.datetime) -> dict[str, Any]:
    assert token.until is not None
    return {
        "grant": token.grant.id,
        "person": token.grant.person,
        "ends": token.until.isoformat(),
        "alive": token.grant.alive and token.until > now,
    }
