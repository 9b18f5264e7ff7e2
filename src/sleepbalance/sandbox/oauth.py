"""OAuth 2.0 as the makers play it: codes, tokens that expire and rotate, and their refusals."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CLIENT_ID = CLIENT_SECRET = "sandbox"  # noqa: S105 - known to everybody, and opens nothing
CODE_LIFE = dt.timedelta(minutes=10)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

SETTINGS: dict[str, Any] = {
    "access_life": 3599,  # seconds
    "refresh_life": None,  # seconds after the consent; None: for ever
    "rotating": False,  # each refresh token works once
    "grace": 0,  # seconds for which a rotated one still works
}


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where one maker's OAuth lies below its prefix, and what may be allowed there."""

    authorize: str
    token: str
    scopes: Mapping[str, str]  # name → what it lets an app see, in words
    revoke: str = ""  # none: what else ends a consent is an address of the maker's own
    unticked: frozenset[str] = frozenset()  # what the consent page does not propose
    access_prefix: str = ""
    refresh_prefix: str = ""


@dataclass(kw_only=True)
class Grant:
    """What one person allowed one client, once."""

    id: str
    part: str
    person: str
    scopes: tuple[str, ...]
    since: dt.datetime
    alive: bool = True
    refreshes: int = 0
    requests: int = 0


@dataclass(frozen=True, kw_only=True)
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    offline: bool
    until: dt.datetime


@dataclass(kw_only=True)
class Token:
    grant: Grant
    until: dt.datetime | None
    spent: dt.datetime | None = None  # when it was exchanged for its successor


class Refused(Exception):
    """What a token endpoint answers instead: RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


@dataclass(kw_only=True)
class Desk:
    """One maker's login: it remembers what it handed out, in memory only."""

    part: str
    door: Door
    now: Callable[[], dt.datetime]
    settings: dict[str, Any] = field(default_factory=lambda: dict(SETTINGS))
    grants: dict[str, Grant] = field(default_factory=dict)
    _codes: dict[str, Code] = field(default_factory=dict)
    _access: dict[str, Token] = field(default_factory=dict)
    _refresh: dict[str, Token] = field(default_factory=dict)
    _counter: Any = field(default_factory=lambda: itertools.count(1))

    # -- consent ----------------------------------------------------------------------------------

    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """What an address asks for, with what this maker takes for granted."""
        return dict(query)

    def objection(self, asked: Mapping[str, str]) -> str | None:
        """Why no consent can be asked for with these parameters, or None."""
        unknown = set(asked.get("scope", "").split()) - set(self.door.scopes)
        checks = (
            (asked.get("client_id") == CLIENT_ID, "invalid_client: the client id is sandbox"),
            (
                is_loopback(asked.get("redirect_uri", "")),
                "redirect_uri_mismatch: only addresses of this computer are registered",
            ),
            (asked.get("response_type") == "code", "invalid_request: response_type must be code"),
            (bool(asked.get("scope", "").split()), "invalid_request: scope is missing"),
            (not unknown, f"invalid_scope: {' '.join(sorted(unknown))}"),
            (
                not asked.get("code_challenge") or asked.get("code_challenge_method") == "S256",
                "invalid_request: the code challenge must be S256",
            ),
        )
        return next((why for fine, why in checks if not fine), None)

    def allow(self, asked: Mapping[str, str], person: str, scopes: tuple[str, ...]) -> str:
        """A code for what the person ticked."""
        known = any(g.person == person and g.alive for g in self.grants.values())
        grant = Grant(
            id=f"{self.part}-{next(self._counter)}",
            part=self.part,
            person=person,
            scopes=scopes,
            since=self.now(),
        )
        offline = asked.get("access_type") == "offline"
        code = f"4/{secrets.token_urlsafe(24)}"
        self._codes[code] = Code(
            grant=grant,
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge") or None,
            offline=offline and ("consent" in asked.get("prompt", "").split() or not known),
            until=self.now() + CODE_LIFE,
        )
        return code

    def answer(
        self, asked: Mapping[str, str], person: str, scopes: tuple[str, ...]
    ) -> dict[str, str]:
        """What the app is told when the person has allowed it."""
        return {"code": self.allow(asked, person, scopes), "scope": " ".join(scopes)}

    # -- tokens -----------------------------------------------------------------------------------

    def token(self, form: Mapping[str, str], client: tuple[str | None, str | None]) -> Any:
        """The reply of the token endpoint. Raises Refused."""
        if client[0] != CLIENT_ID:
            raise Refused("invalid_client", "The OAuth client was not found.", 401)
        if client[1] is None:
            raise Refused("invalid_request", "client_secret is missing.")
        if client[1] != CLIENT_SECRET:
            raise Refused("invalid_client", "Unauthorized", 401)
        kind = form.get("grant_type", "")
        if kind == "authorization_code":
            return self._exchange(form)
        if kind == "refresh_token":
            return self._renew(form.get("refresh_token", ""))
        raise Refused("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        code = self._codes.pop(form.get("code", ""), None)  # gone, whatever comes of it
        if code is None or self.now() > code.until:
            raise Refused("invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise Refused("redirect_uri_mismatch", "Bad Request")
        verifier = form.get("code_verifier", "")
        if code.challenge and not verifier:
            raise Refused("invalid_grant", "Missing code verifier.")
        if code.challenge and challenge_of(verifier) != code.challenge:
            raise Refused("invalid_grant", "Invalid code verifier.")
        self.grants[code.grant.id] = code.grant
        return self._reply(code.grant, self._new_refresh(code.grant) if code.offline else None)

    def _renew(self, sent: str) -> dict[str, Any]:
        token = self._refresh.get(sent)
        if token is None:
            raise Refused("invalid_grant", "Bad Request")
        grant, now = token.grant, self.now()
        grant.refreshes += 1
        if not grant.alive or (token.until and now > token.until):
            raise Refused("invalid_grant", "Token has been expired or revoked.")
        if not self.settings["rotating"]:
            return self._reply(grant, None, until=token.until)
        if token.spent and now > token.spent + dt.timedelta(seconds=self.settings["grace"]):
            grant.alive = False  # somebody has a copy: the whole family goes
            raise Refused("invalid_grant", "Token has been expired or revoked.")
        token.spent = token.spent or now
        return self._reply(grant, self._new_refresh(grant, token.until), until=token.until)

    def _reply(
        self, grant: Grant, refresh: str | None, until: dt.datetime | None = None
    ) -> dict[str, Any]:
        access = self.door.access_prefix + secrets.token_urlsafe(32)
        life = self.settings["access_life"]
        self._access[access] = Token(grant=grant, until=self.now() + dt.timedelta(seconds=life))
        reply = {
            "access_token": access,
            "expires_in": life,
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
        }
        if refresh is not None:
            reply["refresh_token"] = refresh
            until = self._refresh[refresh].until
        if until is not None:
            reply["refresh_token_expires_in"] = int((until - self.now()).total_seconds())
        return reply

    def _new_refresh(self, grant: Grant, until: dt.datetime | None = None) -> str:
        life = self.settings["refresh_life"]
        if until is None and life is not None:
            until = self.now() + dt.timedelta(seconds=life)
        token = self.door.refresh_prefix + secrets.token_urlsafe(32)
        self._refresh[token] = Token(grant=grant, until=until)
        return token

    # -- what a token is worth --------------------------------------------------------------------

    def bearer(self, header: str) -> Grant | None:
        """The grant behind an Authorization header, if the token still opens anything."""
        kind, _, token = header.partition(" ")
        known = self._access.get(token) if kind.lower() == "bearer" else None
        if known is None or not known.grant.alive or (known.until and self.now() > known.until):
            return None
        return known.grant

    def grant_of(self, token: str) -> Grant | None:
        known = self._access.get(token) or self._refresh.get(token)
        return known.grant if known else None

    def expire(self, token: str) -> None:
        """This one token has lived; the grant has not."""
        for tokens in (self._access, self._refresh):
            if token in tokens:
                tokens[token].until = self.now() - dt.timedelta(seconds=1)

    def revoke(self, token: str) -> bool:
        """Ends the grant behind an access or a refresh token."""
        grant = self.grant_of(token)
        if grant is None or not grant.alive:
            return False
        grant.alive = False
        return True


def is_loopback(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in LOOPBACK and not parts.fragment


def challenge_of(verifier: str) -> str:
    """S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
