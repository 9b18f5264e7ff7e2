"""The columns that hold sealed texts, read and replaced one text at a time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from sleepbalance.store.tables import metadata


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed texts, and the column that names its row."""

    table: str
    key: str
    column: str


SEALED = (
    Sealed("wearable_connections", "id", "access_token"),
    Sealed("wearable_connections", "id", "refresh_token"),
    Sealed("oauth_states", "state_hash", "verifier"),
)


def some(
    connection: Connection, where: Sealed, start: str, other_than: str, after: str, limit: int
) -> list[tuple[str, str]]:
    """(row, text) of texts that begin with `start` and not with `other_than`, from a row on."""
    table = metadata.tables[where.table]
    key, column = table.c[where.key], table.c[where.column]
    wanted = select(key, column).where(
        key > after,
        column.startswith(start, autoescape=True),
        ~column.startswith(other_than, autoescape=True),
    )
    return [(row, text) for row, text in connection.execute(wanted.order_by(key).limit(limit))]


def swap(connection: Connection, where: Sealed, row: str, old: str, new: str) -> bool:
    """Replaces a text that still stands there; False where it does not."""
    table = metadata.tables[where.table]
    key, column = table.c[where.key], table.c[where.column]
    mine = update(table).where(key == row, column == old)
    return connection.execute(mine.values({where.column: new})).rowcount == 1


def any_like(connection: Connection, start: str) -> bool:
    """Whether a text anywhere begins so."""
    for where in SEALED:
        table = metadata.tables[where.table]
        found = select(table.c[where.key]).where(
            table.c[where.column].startswith(start, autoescape=True)
        )
        if connection.execute(found.limit(1)).first() is not None:
            return True
    return False
