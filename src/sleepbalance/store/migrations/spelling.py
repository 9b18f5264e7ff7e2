"""Writes the revisions' DDL in the words of the database at hand."""

from __future__ import annotations

import re

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
