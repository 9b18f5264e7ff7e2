"""Connections as a person looks at them: what they may read, what was fetched, what is missing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sleepbalance import providers, sync
from sleepbalance.app.verbs import App
from sleepbalance.errors import UsageError
from sleepbalance.provider import ApiKey, OAuth, Provider, Remote
from sleepbalance.store import connections, tokens, windows
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import Connection, reading

SOON = dt.timedelta(days=2)  # a consent that ends within is said ahead
SOON_FOR_KEYS = dt.timedelta(days=7)  # a key is renewed by hand


def listed(app: App, user_id: str | None = None, provider: str | None = None) -> list[Any]:
    """Every connection with its status and its ranges of dates, by person and provider."""
    names = {person.id: person.name for person in app.users()}
    with reading(app.engine) as connection:
        found = connections.listed(connection, user_id, provider)
        return [_view(connection, bond, names.get(bond.user_id, "")) for bond in found]


def _view(connection: Connection, bond: Connected, person: str) -> dict[str, Any]:
    provider = providers.load().get(bond.provider)
    door = _door(provider, bond.door)
    reads, lacks = _scopes(door, bond)
    pushes = door is not None and door.api.order is not None
    ranges = windows.ranges(connection, bond.id)
    asks = door is not None and bond.usable and door.api.order is None
    goes_on = asks and door is not None and sync.goes_on(connection, bond, door.api.reading)
    return {
        "id": bond.id,
        "user": person,
        "provider": bond.provider,
        "name": provider.name if provider else bond.provider,
        "door": bond.door,
        "account": bond.account,
        "status": bond.status,
        "status_reason": bond.status_reason,
        "status_since": bond.status_since,
        "connected_at": bond.connected_at,
        "last_sync_at": bond.last_sync_at,
        "granted_scopes": sorted(bond.scopes - {tokens.NOTHING}),
        "reads": reads,
        "may_not_read": lacks,
        "consent_expires_at": bond.consent_expires_at,
        "connect": sync.to_connect(connection, provider, bond),
        "ends": "key" if isinstance(door, ApiKey) else "consent",
        "lives": list(door.lives) if isinstance(door, ApiKey) else [],
        "by_push": pushes,
        "arrives": pushes and bond.listens and _shared(door, bond.scopes),  # what is pushed
        **{state: [_span(*dates) for dates in ranges.get(state, [])] for state in _STATES},
        **({} if bond.status != "ended" else {"asked": [], "wanted": []}),  # nobody can be asked
        "earlier_to_come": goes_on,  # years before the first range were not asked yet
        "complete_until": max((last for _, last in ranges.get("fetched", [])), default=None),
    }


_STATES = ("fetched", "asked", "wanted", "refused")


def _span(first: dt.date, last: dt.date) -> dict[str, dt.date]:
    return {"from": first, "to": last}


def _door(provider: Provider | None, name: str | None) -> Remote | None:
    doors = provider.remote if provider is not None else ()
    return next((door for door in doors if door.name == name), None)


def _scopes(door: Remote | None, bond: Connected) -> tuple[list[str], list[str]]:
    """What may be read and what may not, in words; everything where the maker told nothing."""
    granted = bond.scopes
    claimed = bond.status_reason == connections.PUSHED_ONLY and not granted
    if door is None or claimed or bond.gone or bond.status == "ended":
        return [], []
    if not isinstance(door, OAuth):
        return [resource.name for resource in door.api.resources], []
    allowed = [scope.reads for scope in door.scopes if not granted or scope.name in granted]
    return allowed, [scope.reads for scope in door.scopes if scope.reads not in allowed]


def _shared(door: Remote | None, granted: frozenset[str]) -> bool:
    """Whether the person lets the maker tell what everything else needs, as far as is known."""
    scopes = door.scopes if isinstance(door, OAuth) else ()
    needed = {scope.name for scope in scopes if scope.needed}
    return not granted or (granted != {tokens.NOTHING} and needed <= granted)


def in_words(row: dict[str, Any], now: dt.datetime) -> str:
    """The status of a connection in a sentence that says what to do."""
    again = f"Connect again: {row['connect']}"
    reason = (row["status_reason"] or "").rstrip(". ")
    why = f" ({reason})" if reason else ""
    gone = f"the {row['ends']} is not taken any more{why}. {again}"
    words = {
        "connected": "connected",
        "needs_reconnect": gone,
        "paused": f"paused{why}",
        "ended": f"the service has ended{why}",
        "disconnected": f"disconnected{why}. {again}",
    }
    if row["status_reason"] == connections.PUSHED_ONLY:
        return _pushed_only(row)
    if row["door"] == "file":
        return "by file; a newer export brings newer nights"
    text = words[row["status"]]
    if row["status"] == "connected" and (ends := row["consent_expires_at"]) and ends_soon(row, now):
        verb = "ends" if ends > now else "ended"
        text += f"; the {row['ends']} {verb} {ends:%Y-%m-%d %H:%M} UTC. {again}"
    elif row["status"] == "connected" and (days := _may_end(row, now)) is not None:
        text += f"; if you let the key live {days} days, it ends soon. {again} with a new key"
    return text


def _pushed_only(row: dict[str, Any]) -> str:
    if row["arrives"]:
        return f"only what is pushed arrives; to fetch more: {row['connect']}"
    return nothing_arrives(row)


def nothing_arrives(row: dict[str, Any]) -> str:
    """Why nothing is pushed, and what to do."""
    off = f"nothing arrives, as sharing is switched off: switch it on at {row['name']}"
    return f"{off}, or connect: {row['connect']}"


def ends_soon(row: dict[str, Any], now: dt.datetime) -> bool:
    """Whether the consent ends, or may end, so soon that it is said ahead."""
    ends: dt.datetime | None = row["consent_expires_at"]
    if row["status"] != "connected":
        return False
    if ends is None:
        return _may_end(row, now) is not None
    return ends - now <= (SOON_FOR_KEYS if row["ends"] == "key" else SOON)


def _may_end(row: dict[str, Any], now: dt.datetime) -> int | None:
    """The days that the key may have been made for, if it ends soon then; None if it does not."""
    age: dt.timedelta = now - row["connected_at"]
    if row["consent_expires_at"] is not None:
        return None
    lives = [dt.timedelta(days=days) for days in row["lives"]]
    return next((life.days for life in lives if life - SOON_FOR_KEYS <= age < life), None)


def one(app: App, user_id: str, provider: str) -> dict[str, Any]:
    """A person's connection to a provider. Raises UsageError where there is none."""
    found: list[dict[str, Any]] = listed(app, user_id, provider)
    if not found:
        name = providers.get(provider).name
        raise UsageError(f"{name} is not connected. Connect it: sleepbalance connect {provider}")
    return found[0]
