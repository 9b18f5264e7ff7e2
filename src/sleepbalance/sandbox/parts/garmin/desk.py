"""Garmin's two ways in: keys that a person makes, and OAuth whose permissions are no scopes."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sleepbalance.sandbox.oauth import Desk, Grant, Refused, Token

PERSONAL = "PERSONAL"  # what a grant by key holds instead of permissions
LIVES = (30, 90, 180, 365)  # days
TOKEN_LIFE = dt.timedelta(hours=24)
SCOPE = "PARTNER_WRITE PARTNER_READ CONNECT_READ CONNECT_WRITE"


@dataclass(kw_only=True)
class GarminDesk(Desk):
    """A key is a grant of its own; its tokens are JWTs."""

    _keys: dict[str, Token] = field(default_factory=dict)

    # -- keys ----------------------------------------------------------------------------------

    def make_key(self, person: str, days: int) -> tuple[str, Token]:
        """The key is shown this once."""
        grant = Grant(
            id=f"{self.part}-{next(self._counter)}",
            part=self.part,
            person=person,
            scopes=(PERSONAL,),
            since=self.now(),
        )
        self.grants[grant.id] = grant
        key = f"sandbox-{secrets.token_urlsafe(24)}"
        self._keys[key] = Token(grant=grant, until=self.now() + dt.timedelta(days=days))
        return key, self._keys[key]

    def made_keys(self) -> list[Token]:
        return list(self._keys.values())

    def exchange(self, header: str) -> str | None:
        """A token for a day, if that Authorization header holds a key that still lives."""
        kind, _, key = header.partition(" ")
        known = self._keys.get(key.strip()) if kind.lower() == "apikey" else None
        if known is None:
            return None
        known.grant.refreshes += 1
        if not known.grant.alive or (known.until and self.now() > known.until):
            return None
        until = self.now() + TOKEN_LIFE
        token = jwt({"sub": known.grant.person, "iat": self.now(), "exp": until})
        self._access[token] = Token(grant=known.grant, until=until)
        return token

    def end_tokens(self) -> None:
        """What was handed out has lived; the keys and the consents go on."""
        for token in self._access:
            self.expire(token)

    def grant_of(self, token: str) -> Grant | None:
        known = self._keys.get(token)
        return known.grant if known else super().grant_of(token)

    def expire(self, token: str) -> None:
        if token in self._keys:
            self._keys[token].until = self.now() - dt.timedelta(seconds=1)
        super().expire(token)

    # -- OAuth ---------------------------------------------------------------------------------

    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """Nobody asks for permissions: the person ticks them."""
        return {**query, "scope": " ".join(self.door.scopes)}

    def objection(self, asked: Mapping[str, str]) -> str | None:
        if not asked.get("code_challenge"):
            return "invalid_request: the code challenge is missing"
        return super().objection(asked)

    def answer(
        self, asked: Mapping[str, str], person: str, scopes: tuple[str, ...]
    ) -> dict[str, str]:
        always = {**asked, "access_type": "offline", "prompt": "consent"}
        return {"code": self.allow(always, person, scopes)}

    def _renew(self, sent: str) -> dict[str, Any]:
        """Each refresh brings a new refresh token; the old one is refused, and that is all."""
        token = self._refresh.get(sent)
        if token is None or not self.settings["rotating"]:
            return super()._renew(sent)
        token.grant.refreshes += 1
        now, grace = self.now(), dt.timedelta(seconds=self.settings["grace"])
        ended = token.until is not None and now > token.until
        spent = token.spent is not None and now >= token.spent + grace
        if not token.grant.alive or ended or spent:
            raise Refused("invalid_grant", "Invalid refresh token")
        token.spent = token.spent or now
        return self._reply(token.grant, self._new_refresh(token.grant))

    def _reply(
        self, grant: Grant, refresh: str | None, until: dt.datetime | None = None
    ) -> dict[str, Any]:
        reply = super()._reply(grant, refresh, until)
        return {**reply, "token_type": "bearer", "scope": SCOPE, "jti": secrets.token_hex(16)}


def jwt(claims: Mapping[str, Any]) -> str:
    """Unsigned: the sandbox knows its own tokens by heart."""
    told = {
        name: int(value.timestamp()) if isinstance(value, dt.datetime) else value
        for name, value in claims.items()
    }
    signature = secrets.token_bytes(24)
    parts = (json.dumps({"alg": "none"}).encode(), json.dumps(told).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
