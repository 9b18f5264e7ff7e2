"""What the maker has no more: when a sleep went missing, and what of an account is removed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, update

from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import sleep_sessions as table
from sleepbalance.stretches import Span


def first_end(connection: Connection, owner: Owner) -> dt.datetime | None:
    """When the earliest sleep of an account ended."""
    query = select(func.min(table.c.end_at)).where(*owner.of(table))
    earliest: dt.datetime | None = connection.execute(query).scalar_one()
    return earliest


def doubted(connection: Connection, owner: Owner, since: dt.datetime) -> list[dt.date]:
    """Dates of the sleeps that went missing at the maker after `since`, and are not hidden."""
    query = select(table.c.sleep_date).where(
        *owner.of(table),
        table.c.hidden_since.is_(None),
        table.c.absent_since >= since,
        table.c.sleep_date.is_not(None),
    )
    return list(connection.execute(query.distinct()).scalars())


def mark_absent(connection: Connection, ids: Sequence[str], since: dt.datetime | None) -> None:
    """Notes since when the maker has not told sessions any more; None: it does again."""
    mine = update(table).where(table.c.id.in_(ids))
    connection.execute(mine.values(absent_since=since))


def spans(connection: Connection, owner: Owner) -> list[Span]:
    """Where the sessions of an account lie, hidden ones too."""
    rows = connection.execute(select(table.c.start_at, table.c.end_at).where(*owner.of(table)))
    return [(row.start_at, row.end_at) for row in rows]


def remove_all(connection: Connection, owner: Owner) -> list[Span]:
    """Erases every session of an account; gives their spans."""
    erased = spans(connection, owner)
    connection.execute(delete(table).where(*owner.of(table)))
    return erased
