"""The log: one row of `wearable_sync_history` per attempt, opened before the first request."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Select,
    cast,
    exists,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from sleepbalance.store.engine import clock
from sleepbalance.store.ids import new_id
from sleepbalance.store.leases import Lease
from sleepbalance.store.tables import leases
from sleepbalance.store.tables import wearable_sync_history as table

CUT_SHORT = (
    "The process that did this ended before it was through; nothing of it was kept. "
    "The next attempt starts it again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the sleeps that an attempt brought; their sum is `records_fetched`."""

    inserted: int = 0
    updated: int = 0
    skipped: int = 0

    @property
    def fetched(self) -> int:
        return self.inserted + self.updated + self.skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended. `first` and `last` are dates found, None where none were."""

    status: str
    counts: Counts = field(default_factory=Counts)
    first: dt.date | None = None
    last: dt.date | None = None
    code: str | None = None
    message: str | None = None
    detail: Mapping[str, object] | None = None
    connection_id: str | None = None


def begin(
    connection: Connection,
    user_id: str,
    provider: str,
    trigger: str,
    lease: Lease,
    *,
    dates: tuple[dt.date, dt.date] | None = None,
    connection_id: str | None = None,
) -> str:
    """Opens an attempt as `in_progress` and gives its id; commit before the first request.

    `dates` are those that are asked; unknown ones are today's until the end.
    """
    now = clock(connection)
    first, last = dates or (now.date(), now.date())
    row = {
        "id": new_id(),
        "user_id": user_id,
        "provider": provider,
        "sync_date_from": first,
        "sync_date_to": last,
        "sync_started_at": now,
        "status": "in_progress",
        "sync_trigger": trigger,
        "lease": lease.token,
        "connection_id": connection_id,
    }
    connection.execute(insert(table).values(row))
    return str(row["id"])


def end(connection: Connection, attempt: str, outcome: Outcome) -> bool:
    """Closes an attempt that is still open; False where somebody else closed it."""
    values: dict[str, Any] = {
        "status": outcome.status,
        "sync_completed_at": clock(connection),
        "records_fetched": outcome.counts.fetched,
        "records_inserted": outcome.counts.inserted,
        "records_updated": outcome.counts.updated,
        "records_skipped": outcome.counts.skipped,
        "error_code": outcome.code,
        "error_message": outcome.message,
        "detail": outcome.detail,
    }
    if outcome.first and outcome.last:
        values |= {"sync_date_from": outcome.first, "sync_date_to": outcome.last}
    if outcome.connection_id:
        values["connection_id"] = outcome.connection_id
    mine = update(table).where(table.c.id == attempt, table.c.status == "in_progress")
    return bool(connection.execute(mine.values(values)).rowcount)


def close_lapsed(connection: Connection) -> int:
    """Closes every open attempt whose lease has lapsed as INTERRUPTED; gives their number."""
    outcome = Outcome(status="failed", code="INTERRUPTED", message=CUT_SHORT)
    dead = connection.execute(_lapsed(connection)).scalars().all()
    return sum(end(connection, attempt, outcome) for attempt in dead)


def any_lapsed(connection: Connection) -> bool:
    """Whether an attempt is open that nobody works on any more."""
    return connection.execute(_lapsed(connection).limit(1)).first() is not None


def _lapsed(connection: Connection) -> Select[str]:
    """In one statement, so that no attempt is opened between looking at it and at its lease."""
    alive = exists().where(leases.c.token == table.c.lease, leases.c.until > clock(connection))
    return select(table.c.id).where(table.c.status == "in_progress", ~alive)


def attempts(
    connection: Connection,
    *,
    user_id: str | None = None,
    provider: str | None = None,
    connection_id: str | None = None,
    status: str | None = None,
    since: dt.datetime | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Rows of the log, newest first, keyed by their columns."""
    query = select(table).order_by(table.c.sync_started_at.desc(), table.c.id.desc())
    for column, value in ((table.c.provider, provider), (table.c.status, status)):
        query = query if value is None else query.where(column == value)
    for column, value in ((table.c.user_id, user_id), (table.c.connection_id, connection_id)):
        query = query if value is None else query.where(column == value)
    if since is not None:
        query = query.where(table.c.sync_started_at >= since)
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]


def attempt(connection: Connection, attempt_id: str) -> dict[str, Any]:
    """One row of the log, keyed by its columns."""
    return dict(connection.execute(select(table).where(table.c.id == attempt_id)).mappings().one())


def known_to_come(connection: Connection, connection_id: str, resources: Sequence[str]) -> set[str]:
    """Which of these ever came to a connection, as `detail.came` tells."""
    if not resources:
        return set()
    ever = [_of(connection_id).where(_came(connection, name) > 0) for name in resources]
    found = connection.execute(select(*(query.exists() for query in ever))).one()
    return {name for name, came in zip(resources, found, strict=True) if came}


def gave_nothing(
    connection: Connection, connection_id: str, resource: str, sleeps: int
) -> list[tuple[dt.date, dt.date]]:
    """The dates of attempts that asked for so many sleeps, and got nothing of a resource."""
    asked = _told(connection, "beside") >= sleeps
    query = _of(connection_id).where(_came(connection, resource) == 0, asked).distinct()
    return [(row.sync_date_from, row.sync_date_to) for row in connection.execute(query)]


def scopes_told_at(connection: Connection, connection_id: str) -> dt.datetime | None:
    """When the newest change of what may be read happened, as `detail.scopes_at` tells."""
    told = func.max(_told(connection, "scopes_at"))
    query = select(told).where(table.c.connection_id == connection_id)
    newest = connection.execute(query).scalar_one()
    return None if newest is None else dt.datetime.fromtimestamp(newest, dt.UTC)


def _of(connection_id: str) -> Select[tuple[dt.date, dt.date]]:
    query = select(table.c.sync_date_from, table.c.sync_date_to)
    return query.where(table.c.connection_id == connection_id, table.c.status != "failed")


def _came(connection: Connection, resource: str) -> ColumnElement[int]:
    return _told(connection, "came", resource)


def _told(connection: Connection, *path: str) -> ColumnElement[int]:
    """A number in `detail`, which is text on both databases."""
    lite = connection.dialect.name == "sqlite"
    detail: Any = type_coerce(table.c.detail, JSON) if lite else cast(table.c.detail, JSONB)
    number: ColumnElement[int] = detail[path].as_integer()
    return number


def statuses(connection: Connection, user_id: str | None = None) -> Sequence[Any]:
    """(provider, status, records_fetched, sync_started_at) of every attempt."""
    query = select(table.c.provider, table.c.status, table.c.records_fetched)
    if user_id is not None:
        query = query.where(table.c.user_id == user_id)
    return connection.execute(query.add_columns(table.c.sync_started_at)).all()
