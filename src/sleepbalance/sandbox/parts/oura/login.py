"""Oura's two logins: applications of one are strangers at the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sleepbalance.sandbox.login import Login, read_form
from sleepbalance.sandbox.oauth import Desk, Door, Grant, Refused
from sleepbalance.sandbox.parts.oura.refusals import unauthorized

ISSUER = "https://moi.ouraring.com/oauth/v2/ext/oauth-anonymous"
PREFIX = "extapi:"

NEW = Door(
    authorize="/oauth/v2/ext/oauth-authorize",
    token="/oauth/v2/ext/oauth-token",  # noqa: S106 - an address
    revoke="/oauth/v2/ext/oauth-revoke",
    scopes={
        "daily": "Sleep, and what is told of each day",
        "spo2": "Oxygen in sleep",
        "heartrate": "Heart rate over the day",
        "personal": "Age, height, weight",
        "email": "The address of the account",
    },
)
LEGACY = replace(
    NEW,
    authorize="/oauth/authorize",
    token="/oauth/token",  # noqa: S106 - an address
    revoke="/oauth/revoke",
)


@dataclass(kw_only=True)
class OuraDesk(Desk):
    """One of the two; they share all they remember, and `born` says at which a consent began."""

    issuer: str | None = ISSUER
    born: dict[str, str | None] = field(default_factory=dict)

    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """Unknown scopes are dropped without a word, and there is always a refresh token."""
        known = [name for name in query.get("scope", "").split() if name in self.door.scopes]
        return {
            **query,
            "scope": " ".join(known),
            "access_type": "offline",
            "prompt": "consent",
        }

    def objection(self, asked: Mapping[str, str]) -> str | None:
        if urlsplit(asked.get("redirect_uri", "")).hostname == "127.0.0.1":
            return "invalid_request: redirect_uri: 127.0.0.1 cannot be registered, localhost can"
        return super().objection(asked)

    def answer(
        self, asked: Mapping[str, str], person: str, scopes: tuple[str, ...]
    ) -> dict[str, str]:
        answer = super().answer(asked, person, scopes)
        self.born[self._codes[answer["code"]].grant.id] = self.issuer
        answer["scope"] = self._spelled(answer["scope"])
        return answer | ({"iss": self.issuer} if self.issuer else {})

    def token(self, form: Mapping[str, str], client: tuple[str | None, str | None]) -> Any:
        if (code := self._codes.get(form.get("code", ""))) and self._stranger(code.grant):
            del self._codes[form["code"]]  # it is used up all the same
            raise Refused("invalid_client", "Invalid client", 401)
        if self._stranger(self.grant_of(form.get("refresh_token", ""))):
            raise Refused("invalid_request", "Invalid request")
        reply = super().token(form, client)
        return reply | {"scope": self._spelled(reply["scope"]), "id_token": None}

    def _stranger(self, grant: Grant | None) -> bool:
        return grant is not None and self.born.get(grant.id, self.issuer) != self.issuer

    def _spelled(self, scopes: str) -> str:
        return " ".join(f"{PREFIX}{name}" for name in scopes.split())


def legacy(_: object, desk: OuraDesk) -> OuraDesk:
    """The older login, over the same people and tokens."""
    return replace(desk, door=LEGACY, issuer=None)


def _login(request: Request) -> Login:
    from sleepbalance.sandbox.parts.oura import PART  # noqa: PLC0415 - it is made of these

    return Login(PART, request.app.state.own["oura"], request.app.state.world)


async def authorize_legacy(request: Request) -> Response:
    return await _login(request).authorize(request)


async def token_legacy(request: Request) -> Response:
    return await _login(request).token(request)


async def revoke_legacy(request: Request) -> Response:
    """Not yet RFC 7009: the access token in the address, or one of both as the bearer."""
    desk: OuraDesk = request.app.state.own["oura"]
    sent = [
        request.query_params.get("access_token", ""),
        request.headers.get("authorization", "").partition(" ")[2],
        *dict(await read_form(request)).values(),
    ]
    request.state.grant = next(filter(None, map(desk.grant_of, sent)), None)
    if not any(map(desk.revoke, sent)):
        return unauthorized().response()
    return JSONResponse({})
