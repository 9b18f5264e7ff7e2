"""The addresses of a maker's login: consent page, token, revocation."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sleepbalance.sandbox.oauth import Desk, Refused
from sleepbalance.sandbox.pages import HEADERS, consent_page, error_page

if TYPE_CHECKING:
    from sleepbalance.sandbox.parts import Part
    from sleepbalance.sandbox.world import World

NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Login:
    """The addresses of one maker."""

    part: Part
    desk: Desk
    world: World

    def routes(self) -> list[Route]:
        door = self.desk.door
        routes = [
            Route(door.authorize, self.authorize, methods=["GET", "POST"]),
            Route(door.token, self.token, methods=["POST"]),
        ]
        if door.revoke:
            routes.append(Route(door.revoke, self.revoke, methods=["POST"]))
        return routes

    async def authorize(self, request: Request) -> Response:
        asked = self.desk.asked(request.query_params)
        if why := self.desk.objection(asked):
            return HTMLResponse(error_page(self.part.name, why), 400, HEADERS)
        if request.method == "POST":
            return _decided(self.desk, self.world, asked, await read_form(request))
        people, door = self.world.people.values(), self.desk.door
        page = consent_page(self.part.name, door.scopes, asked, people, door.unticked)
        return HTMLResponse(page, headers=HEADERS)

    async def token(self, request: Request) -> Response:
        form = dict(await read_form(request))
        request.state.grant = self.desk.grant_of(form.get("refresh_token", ""))
        try:
            reply = self.desk.token(form, _client(request, form))
        except Refused as no:
            body = {"error": no.error, "error_description": no.description}
            return JSONResponse(body, no.status, NO_STORE)
        request.state.grant = self.desk.grant_of(reply["access_token"])
        return JSONResponse(reply, headers=NO_STORE)

    async def revoke(self, request: Request) -> Response:
        form = dict(await read_form(request))
        sent = form.get("token", request.query_params.get("token", ""))
        request.state.grant = self.desk.grant_of(sent)
        if self.desk.revoke(sent):
            return JSONResponse({})
        body = {"error": "invalid_token", "error_description": "Token expired or revoked"}
        return JSONResponse(body, 400)


async def read_form(request: Request) -> list[tuple[str, str]]:
    """The fields of a form-encoded body; of any other body, none."""
    if request.headers.get("content-type", "").split(";")[0].strip() != FORM:
        return []
    body = (await request.body()).decode("utf-8", "replace")
    return parse_qsl(body, keep_blank_values=True)


def _decided(
    desk: Desk, world: World, asked: dict[str, str], form: list[tuple[str, str]]
) -> Response:
    """Back to the app, with a code or with the news that there is none."""
    fields = dict(form)
    ticked = {value for name, value in form if name == "scope"}
    scopes = tuple(s for s in asked["scope"].split() if s in ticked)
    person = fields.get("person", "")
    if fields.get("decision") != "allow" or not scopes or person not in world.people:
        answer = {"error": "access_denied"}
    else:
        answer = desk.answer(asked, person, scopes)
    if "state" in asked:
        answer = {"state": asked["state"], **answer}
    parts = urlsplit(asked["redirect_uri"])
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *answer.items()])
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 302, HEADERS)


def _client(request: Request, form: dict[str, str]) -> tuple[str | None, str | None]:
    """Id and secret, from the body or from Basic authentication."""
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(sent, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None, None
        return unquote(name), unquote(secret)
    return form.get("client_id"), form.get("client_secret")
