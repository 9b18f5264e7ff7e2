"""Reads and removes rows of tables that we do not know, each column as it is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from sleepbalance.store.migrations.ddl import quoted
from sleepbalance.store.version import columns_by_table

Values = dict[str, Any]
References = dict[str, list[Values]]  # table → rows


def driver(connection: Connection) -> sqlite3.Connection:
    """SQLite's own connection below SQLAlchemy's, inside the same transaction."""
    found: Any = connection.connection.dbapi_connection
    assert isinstance(found, sqlite3.Connection)
    return found


def read_rows(connection: Connection, table: str) -> Iterator[tuple[int | None, Values]]:
    """All rows as (rowid, column → value); PostgreSQL has no rowid."""
    if connection.dialect.name == "sqlite":
        found = driver(connection).execute(f"SELECT rowid, * FROM {quoted(table)}")
        names = _names(found)[1:]
        for rowid, *values in found:
            yield rowid, dict(zip(names, values, strict=True))
    else:
        for row in connection.execute(text(f"SELECT * FROM {table}")).mappings():
            yield None, dict(row)


def _names(cursor: sqlite3.Cursor) -> list[str]:
    return [column[0] for column in cursor.description]


@dataclass(frozen=True, slots=True)
class _Link:
    """A foreign key from one table to another."""

    table: str
    columns: tuple[str, ...]
    parents: tuple[str, ...]
    on_delete: str


class Remover:
    """Removes rows, and what refers to them the way ON DELETE would, while foreign keys are off."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._links: dict[str, list[_Link]] = {}
        for table in columns_by_table(connection):
            for parent, link in _links_of(connection, table):
                self._links.setdefault(parent, []).append(link)

    def remove(self, table: str, rowid: int) -> References:
        """Removes one row; gives the rows elsewhere that referred to it, as they were."""
        found: References = {}
        cursor = self._connection.execute(
            f"SELECT * FROM {quoted(table)} WHERE rowid = ?", (rowid,)
        )
        row = dict(zip(_names(cursor), cursor.fetchone(), strict=True))
        self._connection.execute(f"DELETE FROM {quoted(table)} WHERE rowid = ?", (rowid,))
        self._cascade(table, row, found)
        return found

    def _cascade(self, parent: str, row: Mapping[str, Any], found: References) -> None:
        known = {name.lower(): value for name, value in row.items()}
        for link in self._links.get(parent, ()):
            key = [known.get(column) for column in link.parents]
            if None in key or not (children := self._children(link, key)):
                continue
            found.setdefault(link.table, []).extend(children)
            self._let_go(link, key)
            for child in children if link.on_delete != "SET NULL" else ():
                self._cascade(link.table, child, found)

    def _children(self, link: _Link, key: Sequence[Any]) -> list[Values]:
        cursor = self._connection.execute(
            f"SELECT * FROM {quoted(link.table)} WHERE {_where(link)}", key
        )
        names = _names(cursor)
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _let_go(self, link: _Link, key: Sequence[Any]) -> None:
        if link.on_delete == "SET NULL":
            empty = ", ".join(f"{quoted(column)} = NULL" for column in link.columns)
            sql = f"UPDATE {quoted(link.table)} SET {empty} WHERE {_where(link)}"
        else:
            sql = f"DELETE FROM {quoted(link.table)} WHERE {_where(link)}"
        self._connection.execute(sql, key)


def _where(link: _Link) -> str:
    return " AND ".join(f"{quoted(column)} = ?" for column in link.columns)


def _links_of(connection: sqlite3.Connection, table: str) -> Iterator[tuple[str, _Link]]:
    """(parent, link) for each foreign key of a table; a key of several columns is several rows."""
    keys: dict[int, list[tuple[Any, ...]]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({quoted(table)})"):
        keys.setdefault(row[0], []).append(row)
    for rows in keys.values():
        parent, on_delete = rows[0][2].lower(), rows[0][6]
        parents = [row[4] for row in rows]
        if None in parents:  # REFERENCES without columns means the primary key
            parents = _primary_key(connection, parent)
        columns = tuple(row[3] for row in rows)
        yield parent, _Link(table, columns, tuple(p.lower() for p in parents), on_delete)


def _primary_key(connection: sqlite3.Connection, table: str) -> list[str]:
    info = connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
    return [row[1] for row in sorted(info, key=lambda row: int(row[5])) if row[5]]
