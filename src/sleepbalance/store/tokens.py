"""Tokens at rest: sealed beside their connection, replaced only by whoever saw what is there.

Nothing here is a transaction of its own, and nothing opens a token but `opened` and `take_state`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from sleepbalance.provider import Grant
from sleepbalance.store import connections
from sleepbalance.store.engine import clock
from sleepbalance.store.tables import oauth_states, token_refreshes, wearable_connections

TABLE, ACCESS, REFRESH = "wearable_connections", "access_token", "refresh_token"
STATE_LIFE = dt.timedelta(minutes=10)
NOTHING = "-"  # as scopes: the person allows nothing any more; an empty text says nothing
LONGEST_LIFE = 100 * 365 * 86_400.0  # seconds; makers that mean "for ever" write large numbers


class Seals(Protocol):
    """What seals and opens texts, bound to where they are kept: `vault.Vault`."""

    def seal(self, text: str, table: str, row: str, column: str) -> str: ...

    def open(self, sealed: str, table: str, row: str, column: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A connection with its tokens as they are stored: sealed, "" where there is none."""

    id: str
    user_id: str
    provider: str
    door: str
    account: str
    status: str
    status_reason: str | None
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: dt.datetime | None
    consent_expires_at: dt.datetime | None
    scopes: frozenset[str] | None


def stored(connection: Connection, connection_id: str) -> Stored | None:
    """What is stored of a connection now; None where it is gone."""
    row = connection.execute(
        select(wearable_connections).where(wearable_connections.c.id == connection_id)
    ).first()
    if row is None:
        return None
    return Stored(
        id=row.id,
        user_id=row.user_id,
        provider=row.provider,
        door=row.door or "",
        account=row.user_external_id or "",
        status=row.status,
        status_reason=row.status_reason,
        access=row.access_token,
        refresh=row.refresh_token or "",
        expires_at=row.token_expires_at,
        consent_expires_at=row.consent_expires_at,
        scopes=_scopes(row.granted_scopes),
    )


def opened(seals: Seals, kept: Stored) -> Grant:
    """The tokens themselves. Raises Fatal where they do not open."""
    access, refresh = open_token(seals, kept, ACCESS), open_token(seals, kept, REFRESH)
    return Grant(access=access, refresh=refresh or None, scopes=kept.scopes, user=kept.account)


def open_token(seals: Seals, kept: Stored, column: str) -> str:
    """One of the two, by the name of its column; "" where there is none."""
    sealed = kept.access if column == ACCESS else kept.refresh
    return seals.open(sealed, TABLE, kept.id, column) if sealed else ""


def bind(
    connection: Connection,
    seals: Seals,
    *,
    user_id: str,
    provider: str,
    door: str,
    account: str,
    grant: Grant,
    secret: str | None,
    now: dt.datetime,
) -> str:
    """Keeps a fresh grant as the user's connection to the provider; gives its id.

    `secret` is what renews the token: the refresh token, or the person's key. `now` is what the
    maker's clock shows, by which it tells when things happened.
    """
    bond = connections.ensure(connection, user_id, provider, door, now)
    values = _pair(seals, bond, grant, now) | {
        REFRESH: seals.seal(secret, TABLE, bond, REFRESH) if secret else None,
        "consent_expires_at": after(now, grant.refresh_expires_in),
        "granted_scopes": _listed(grant.scopes),
        "user_external_id": account,
        "door": door,
        "is_active": 1,
        "connected_at": now,
        "updated_at": clock(connection),
        **_status("connected", None, now),
    }
    _forget_refreshes(connection, bond)
    connection.execute(_of(bond).values(values))
    return bond


def replace(
    connection: Connection, seals: Seals, seen: Stored, grant: Grant, now: dt.datetime
) -> bool:
    """Puts a new pair in the place of the one that was seen; False where that is there no more.

    A grant without a refresh token keeps the old one. The refresh is answered with it.
    """
    at = clock(connection)
    values = _pair(seals, seen.id, grant, now) | {"updated_at": at}
    if grant.refresh:
        values[REFRESH] = seals.seal(grant.refresh, TABLE, seen.id, REFRESH)
    if grant.refresh_expires_in is not None:
        values["consent_expires_at"] = after(now, grant.refresh_expires_in)
    if grant.scopes is not None:
        values["granted_scopes"] = _listed(grant.scopes)
    healed = wearable_connections.c.status == "needs_reconnect"
    for name, value in _status("connected", None, at).items():
        column = wearable_connections.c[name]
        values[name] = case((healed, literal(value, column.type)), else_=column)
    if not connection.execute(_of(seen.id).where(*_unchanged(seen)).values(values)).rowcount:
        return False
    _forget_refreshes(connection, seen.id)
    return True


def refuse(connection: Connection, seen: Stored, reason: str) -> bool:
    """Notes that the person has to connect again; False where the tokens are others by now."""
    at = clock(connection)
    values = _status("needs_reconnect", reason, at) | {"updated_at": at}
    if not connection.execute(_of(seen.id).where(*_unchanged(seen)).values(values)).rowcount:
        return False
    _forget_refreshes(connection, seen.id)
    return True


def allow(connection: Connection, connection_id: str, scopes: Iterable[str]) -> bool:
    """Notes what may be read from now on; False where that is known."""
    values = {"granted_scopes": _listed(scopes), "updated_at": clock(connection)}
    other = wearable_connections.c.granted_scopes.is_distinct_from(values["granted_scopes"])
    return bool(connection.execute(_of(connection_id).where(other).values(values)).rowcount)


def disconnect(connection: Connection, connection_id: str, reason: str | None = None) -> None:
    """Ends a connection here: the row stays, its tokens go."""
    at = clock(connection)
    values = {
        ACCESS: "",
        REFRESH: None,
        "token_expires_at": None,
        "consent_expires_at": None,
        "is_active": 0,
        "updated_at": at,
        **_status("disconnected", reason, at),
    }
    _forget_refreshes(connection, connection_id)
    connection.execute(_of(connection_id).values(values))


def after(now: dt.datetime, seconds: float | None) -> dt.datetime | None:
    """The instant at which a life of so many seconds ends; None where none is told."""
    if seconds is None or not math.isfinite(seconds):
        return None
    return now + dt.timedelta(seconds=min(max(seconds, 0.0), LONGEST_LIFE))


def _pair(seals: Seals, bond: str, grant: Grant, now: dt.datetime) -> dict[str, Any]:
    return {
        ACCESS: seals.seal(grant.access, TABLE, bond, ACCESS),
        "token_expires_at": after(now, grant.expires_in),
    }


def _status(status: str, reason: str | None, at: dt.datetime) -> dict[str, Any]:
    return {"status": status, "status_reason": reason, "status_since": at}


def _of(bond: str) -> Any:
    return update(wearable_connections).where(wearable_connections.c.id == bond)


def _unchanged(seen: Stored) -> Iterable[ColumnElement[bool]]:
    table = wearable_connections.c
    return (
        table.access_token == seen.access,
        func.coalesce(table.refresh_token, "") == seen.refresh,
    )


def _scopes(listed: str | None) -> frozenset[str] | None:
    return frozenset(listed.split(",")) if listed else None


def _listed(scopes: Iterable[str] | None) -> str | None:
    return None if scopes is None else ",".join(sorted(scopes)) or NOTHING


# -- refreshes under way ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A refresh that was sent and whose answer was never kept."""

    sent_at: dt.datetime
    tries: int


def begin_refresh(connection: Connection, bond: str, token: str) -> Unanswered | None:
    """Notes that a token is about to be sent; commit it first.

    Gives the mark that is there already: of that token, sent before, and never answered.
    """
    earlier = _mark(connection, bond, token)
    _forget_refreshes(connection, bond)
    values = {
        "connection_id": bond,
        "token_hash": fingerprint(token),
        "sent_at": clock(connection) if earlier is None else earlier.sent_at,
        "tries": 1 if earlier is None else earlier.tries + 1,
    }
    connection.execute(insert(token_refreshes).values(values))
    return earlier


def call_back(connection: Connection, bond: str, token: str, earlier: Unanswered | None) -> None:
    """Takes the mark back as it was: the token did not reach the maker, or it did not touch it."""
    if _mark(connection, bond, token) is None:
        return
    _forget_refreshes(connection, bond)
    if earlier is not None:
        values = {"sent_at": earlier.sent_at, "tries": earlier.tries}
        there = {"connection_id": bond, "token_hash": fingerprint(token)}
        connection.execute(insert(token_refreshes).values(values | there))


def _mark(connection: Connection, bond: str, token: str) -> Unanswered | None:
    row = connection.execute(
        select(token_refreshes.c.sent_at, token_refreshes.c.tries).where(
            token_refreshes.c.connection_id == bond,
            token_refreshes.c.token_hash == fingerprint(token),
        )
    ).first()
    return None if row is None else Unanswered(row.sent_at, row.tries)


def _forget_refreshes(connection: Connection, bond: str) -> None:
    connection.execute(delete(token_refreshes).where(token_refreshes.c.connection_id == bond))


def fingerprint(secret: str) -> str:
    """SHA-256 of what has many random bits: tells whether it is the same, and nothing else."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


# -- logins under way ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Login:
    """What was kept while the person was at the maker's page."""

    redirect_uri: str
    verifier: str | None = field(repr=False)


def put_state(
    connection: Connection,
    seals: Seals,
    *,
    state: str,
    user_id: str,
    provider: str,
    redirect_uri: str,
    verifier: str | None,
    life: dt.timedelta = STATE_LIFE,
) -> None:
    """Keeps what a login needs when it comes back; of `state` only a hash is kept."""
    now, key = clock(connection), fingerprint(state)
    connection.execute(delete(oauth_states).where(oauth_states.c.expires_at <= now))
    values = {
        "state_hash": key,
        "user_id": user_id,
        "provider": provider,
        "redirect_uri": redirect_uri,
        "verifier": seals.seal(verifier, "oauth_states", key, "verifier") if verifier else "",
        "expires_at": now + life,
    }
    connection.execute(insert(oauth_states).values(values))


def take_state(
    connection: Connection, seals: Seals, state: str, user_id: str, provider: str
) -> Login | None:
    """Takes a login, once; None where it is used, too old, or another person's or provider's."""
    key = fingerprint(state)
    mine = delete(oauth_states).where(
        oauth_states.c.state_hash == key,
        oauth_states.c.user_id == user_id,
        oauth_states.c.provider == provider,
        oauth_states.c.expires_at > clock(connection),
    )
    row = connection.execute(
        mine.returning(oauth_states.c.redirect_uri, oauth_states.c.verifier)
    ).first()
    if row is None:
        return None
    verifier = seals.open(row.verifier, "oauth_states", key, "verifier") if row.verifier else None
    return Login(row.redirect_uri, verifier)
