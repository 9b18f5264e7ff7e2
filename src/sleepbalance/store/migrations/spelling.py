"""Writes the revisions' DDL in the words of the database at hand."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import Connection

_POSTGRESQL = {
    "INSTANT": "TIMESTAMPTZ",
    "DAY": "DATE",
    "BLOB": "BYTEA",
    "REAL": "DOUBLE PRECISION",
}
_SQLITE = {"INSTANT": "TEXT", "DAY": "TEXT"}


def run(connection: Connection, *statements: str) -> None:
    """Runs DDL written with the types INSTANT and DAY (and SQLite's own for the rest)."""
    words = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    for statement in statements:
        connection.exec_driver_sql(
            re.sub(r"\b[A-Z]+\b", lambda match: words.get(match[0], match[0]), statement)
        )


def under_alembic(apply: Callable[[Connection], list[str]]) -> None:
    """Runs a revision where Alembic's own commands drive it."""
    from alembic import op  # noqa: PLC0415 # 0.2 s and 12 MB that our own upgrades do not need

    apply(op.get_bind())
