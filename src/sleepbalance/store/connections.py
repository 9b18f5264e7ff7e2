"""Connections: one user's link to one provider, and the windows that were fetched through it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, Select, delete, insert, select, update

from sleepbalance.store.engine import clock, insert_new
from sleepbalance.store.ids import new_id
from sleepbalance.store.tables import sync_windows, wearable_connections

DAY = dt.timedelta(days=1)


def ensure(connection: Connection, user_id: str, provider: str, door: str) -> str:
    """The user's connection to the provider, made if there is none; its id."""
    now = clock(connection)
    fresh = {
        "id": new_id(),
        "user_id": user_id,
        "provider": provider,
        "access_token": "",
        "user_external_id": "",
        "connected_at": now,
        "created_at": now,
        "updated_at": now,
        "status": "connected",
        "status_since": now,
        "door": door,
    }
    connection.execute(insert_new(connection, wearable_connections).values(fresh))
    return str(connection.execute(_mine(user_id, provider)).scalar_one())


def _mine(user_id: str, provider: str) -> Select[str]:
    return select(wearable_connections.c.id).where(
        wearable_connections.c.user_id == user_id, wearable_connections.c.provider == provider
    )


def synced(connection: Connection, connection_id: str) -> None:
    """Moves `last_sync_at`; belongs into the transaction that writes the data."""
    now = clock(connection)
    connection.execute(
        update(wearable_connections)
        .where(wearable_connections.c.id == connection_id)
        .values(last_sync_at=now, updated_at=now)
    )


def mark_fetched(
    connection: Connection, connection_id: str, first: dt.date, last: dt.date, attempt: str
) -> None:
    """Notes that [first, last] is fetched, merged with the fetched windows that it touches."""
    fetched = select(sync_windows).where(
        sync_windows.c.connection_id == connection_id,
        sync_windows.c.state == "fetched",
        sync_windows.c.date_from <= last + DAY,
        sync_windows.c.date_to >= first - DAY,
    )
    touching = connection.execute(fetched).all()
    if any(w.date_from <= first and w.date_to >= last for w in touching):
        return
    connection.execute(delete(sync_windows).where(sync_windows.c.id.in_([w.id for w in touching])))
    row = {
        "id": new_id(),
        "connection_id": connection_id,
        "date_from": min([first, *(w.date_from for w in touching)]),
        "date_to": max([last, *(w.date_to for w in touching)]),
        "state": "fetched",
        "attempt_id": attempt,
    }
    connection.execute(insert(sync_windows).values(row))
