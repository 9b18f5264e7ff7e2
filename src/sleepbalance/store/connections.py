"""Connections: one user's link to one provider."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from sleepbalance.store import windows
from sleepbalance.store.engine import clock, insert_new
from sleepbalance.store.ids import new_id
from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import (
    night_details,
    raw_records,
    sleep_edits,
    sleep_sessions,
    source_order,
)
from sleepbalance.store.tables import wearable_connections as table

forget_windows = windows.forget
PUSHED_ONLY = "Only what is pushed arrives; to fetch more, connect it"
want_again = windows.want_again
order_again = windows.order_again


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection without its tokens. `account` is the maker's user id, "" where it has none."""

    id: str
    user_id: str
    provider: str
    door: str
    account: str
    status: str
    status_reason: str | None
    status_since: dt.datetime | None
    is_active: bool
    scopes: frozenset[str]  # empty: the maker told nothing
    connected_at: dt.datetime
    created_at: dt.datetime
    last_sync_at: dt.datetime | None
    consent_expires_at: dt.datetime | None

    @property
    def owner(self) -> Owner:
        return Owner(self.user_id, self.provider, self.account)

    @property
    def usable(self) -> bool:
        return self.is_active and self.status == "connected"

    @property
    def listens(self) -> bool:
        """Whether what the maker pushes is taken; for that no token is needed."""
        return self.is_active and self.status in ("connected", "needs_reconnect")

    @property
    def let_in_at(self) -> dt.datetime | None:
        """When the person let us in; None where they never did, and only pushes arrive."""
        return None if self.status_reason == PUSHED_ONLY else self.connected_at

    @property
    def gone(self) -> bool:
        """Whether the person ended it; who knows only the seed's columns clears `is_active`."""
        ended = ("disconnected", "connected", "needs_reconnect")
        return self.status == "disconnected" or (not self.is_active and self.status in ended)


_COLUMNS = [c for c in table.columns if c.name not in ("access_token", "refresh_token")]


def _connected(row: Row[Any]) -> Connected:
    return Connected(
        id=row.id,
        user_id=row.user_id,
        provider=row.provider,
        door=row.door or "",
        account=row.user_external_id or "",
        status=row.status,
        status_reason=row.status_reason,
        status_since=row.status_since,
        is_active=bool(row.is_active),
        scopes=frozenset((row.granted_scopes or "").replace(",", " ").split()),
        connected_at=row.connected_at,
        created_at=row.created_at,
        last_sync_at=row.last_sync_at,
        consent_expires_at=row.consent_expires_at,
    )


def get(connection: Connection, connection_id: str) -> Connected | None:
    """The connection of that id; None where it is gone."""
    row = connection.execute(select(*_COLUMNS).where(table.c.id == connection_id)).first()
    return _connected(row) if row is not None else None


def find(connection: Connection, user_id: str, provider: str) -> Connected | None:
    """A user's connection to a provider."""
    found = listed(connection, user_id, provider)
    return found[0] if found else None


def listed(
    connection: Connection, user_id: str | None = None, provider: str | None = None
) -> list[Connected]:
    """Connections by user and provider; everybody's where nobody is named."""
    query = select(*_COLUMNS).order_by(table.c.user_id, table.c.provider)
    for column, value in ((table.c.user_id, user_id), (table.c.provider, provider)):
        query = query if value is None else query.where(column == value)
    return [_connected(row) for row in connection.execute(query)]


def holders(connection: Connection, provider: str, account: str) -> list[str]:
    """The ids of the users that hold an account and are not disconnected from it."""
    mine = select(table.c.user_id).where(
        table.c.provider == provider,
        table.c.user_external_id == account,
        table.c.status != "disconnected",
        table.c.is_active == 1,
    )
    return list(connection.execute(mine).scalars())


def ensure(
    connection: Connection,
    user_id: str,
    provider: str,
    door: str,
    now: dt.datetime | None = None,
) -> str:
    """The user's connection to the provider, made if there is none; its id.

    `now` is the time where the maker is, if that is not the database's.
    """
    now = now or clock(connection)
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
    connection.execute(insert_new(connection, table).values(fresh))
    mine = select(table.c.id).where(table.c.user_id == user_id, table.c.provider == provider)
    return str(connection.execute(mine).scalar_one())


def synced(connection: Connection, connection_id: str, now: dt.datetime | None = None) -> None:
    """Moves `last_sync_at`; belongs into the transaction that writes the data."""
    now = now or clock(connection)
    mine = update(table).where(table.c.id == connection_id)
    connection.execute(mine.values(last_sync_at=now, updated_at=now))


def hold(connection: Connection, bond: Connected, *, listening: bool = False) -> bool:
    """Keeps a connection as it is until the end of the transaction; False where it ended.

    With `listening` it is enough that it may be told something.
    """
    mine = select(*_COLUMNS).where(table.c.id == bond.id).with_for_update(key_share=True)
    row = connection.execute(mine).first()
    if row is None:
        return False
    now = _connected(row)
    return (now.listens if listening else now.usable) and now.account == bond.account


def claim(connection: Connection, user_id: str, provider: str, door: str, account: str) -> None:
    """Says whose an account is that only pushes: there is no token, nothing can be fetched for it.

    What a file told of the dates is forgotten: a maker's own word is asked all the same. Of the
    same account what was fetched stays known, and what was asked for by a former consent does not.
    """
    bond, now = ensure(connection, user_id, provider, door), clock(connection)
    before = get(connection, bond)
    known = before is not None and before.account == account and before.door != "file"
    windows.forget(connection, bond, but=("fetched", "refused") if known else ())
    said = {"status": "needs_reconnect", "status_reason": PUSHED_ONLY, "status_since": now}
    mine = update(table).where(table.c.id == bond)
    values = {"user_external_id": account, "door": door, "is_active": 1, "updated_at": now, **said}
    connection.execute(mine.values(values | {"granted_scopes": None}))


def end(connection: Connection, bond: Connected, status: str, reason: str) -> bool:
    """Notes why a connection works no more, unless that was done, or it was made anew, since."""
    now = clock(connection)
    active = int(status == "needs_reconnect")
    mine = update(table).where(
        table.c.id == bond.id,
        table.c.status == "connected",
        table.c.connected_at == bond.connected_at,
    )
    said = {"status": status, "status_reason": reason, "status_since": now, "is_active": active}
    return bool(connection.execute(mine.values(said | {"updated_at": now})).rowcount)


def remove(connection: Connection, connection_id: str) -> None:
    """Takes the connection away; nights and log stay."""
    connection.execute(delete(table).where(table.c.id == connection_id))


def rename_account(connection: Connection, owner: Owner, new: str) -> None:
    """Hands over what is kept of an account that its maker calls by a new id.

    Where both were kept, what stands under the new id is the newer. See `sync.rename_account`,
    which derives the nights that this may change.
    """
    for kept in (raw_records, sleep_sessions):
        newer = select(kept.c.external_id).where(*replace(owner, account=new).of(kept))
        connection.execute(delete(kept).where(*owner.of(kept), kept.c.external_id.in_(newer)))
    for named in (raw_records, sleep_sessions, night_details, source_order):
        connection.execute(update(named).where(*owner.of(named)).values(account=new))
    _rename_in_edits(connection, owner, new)


def _rename_in_edits(connection: Connection, owner: Owner, new: str) -> None:
    mine = select(sleep_edits.c.id, sleep_edits.c.value).where(
        sleep_edits.c.user_id == owner.user_id, sleep_edits.c.kind == "source"
    )
    for row in connection.execute(mine).all():
        said = (row.value.get("provider"), row.value.get("account"))
        if said == (owner.provider, owner.account):
            this = update(sleep_edits).where(sleep_edits.c.id == row.id)
            connection.execute(this.values(value={**row.value, "account": new}))
