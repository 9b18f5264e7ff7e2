"""What a database is for, kept in itself: a person's own nights, a demo, or the sandbox."""

from __future__ import annotations

from sqlalchemy import Connection, select

from sleepbalance.store.engine import insert_new
from sleepbalance.store.tables import about, users


def of(connection: Connection) -> str | None:
    """`demo`, `sandbox`, or None for nights of people who live."""
    query = select(about.c.value).where(about.c.name == "purpose")
    return connection.execute(query).scalar()


def used(connection: Connection) -> bool:
    """Whether anybody's nights are kept here already."""
    return connection.execute(select(users.c.id).limit(1)).first() is not None


def mark(connection: Connection, purpose: str) -> None:
    """Says for good what the database is for."""
    connection.execute(insert_new(connection, about).values(name="purpose", value=purpose))
