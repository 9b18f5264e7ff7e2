"""Changes constraints of a SQLite table in place, keeping everything in it that is not ours.

SQLite has no ALTER for them. Its documentation (lang_altertable.html, "Making Other Kinds Of Table
Schema Changes") gives two ways: for CHECK, FOREIGN KEY and NOT NULL the text of the table in
sqlite_schema may be edited; where the library forbids that (Apple's does), the table is rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DatabaseError

from sleepbalance.errors import StoreError
from sleepbalance.store.migrations.ddl import Change, changed, quoted, renamed


def columns(connection: Connection, table: str) -> set[str]:
    """The names of a table's columns, on any database."""
    return {c["name"].lower() for c in inspect(connection).get_columns(table)}


def change(connection: Connection, table: str, changes: Sequence[Change]) -> None:
    """Changes a table's constraints, by editing its text, else by rebuilding it."""
    sql = str(_all(connection, "SELECT sql FROM sqlite_schema WHERE name = ?", table)[0][0])
    wanted = changed(sql, changes)
    if wanted == sql:
        return
    before = _shape(connection, table)
    sound = _integrity(connection, table)
    try:
        edit(connection, table, wanted)
    except DatabaseError:
        rebuild(connection, table, wanted)
    if _shape(connection, table) != before or _integrity(connection, table) != sound:
        raise StoreError(f"The table {table} is built in a way that cannot be extended.")


@contextmanager
def without_triggers(connection: Connection) -> Iterator[None]:
    """Takes the file's own triggers away meanwhile: they are made for what the app does."""
    query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
    triggers = _all(connection, query) if connection.dialect.name == "sqlite" else []
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {quoted(name)}")
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)


def edit(connection: Connection, table: str, sql: str) -> None:
    """Puts another text in the place of the table's own."""
    version = int(_all(connection, "PRAGMA schema_version")[0][0])
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    try:
        connection.exec_driver_sql(
            "UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", (sql, table)
        )
        # Another number makes this connection and all others read the schema again.
        connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    finally:
        connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def rebuild(connection: Connection, table: str, sql: str) -> None:
    """Copies the table, rowids included, into one with another text; foreign keys must be off."""
    dependents = _all(
        connection,
        "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type != 'table' AND sql IS NOT NULL",
        table,
    )
    info = _all(connection, f"PRAGMA table_xinfo({quoted(table)})")
    names = ", ".join(["rowid", *(quoted(row[1]) for row in info if row[6] == 0)])
    copy = f"{table} of v100"
    connection.exec_driver_sql(renamed(sql, copy))
    connection.exec_driver_sql(
        f"INSERT INTO {quoted(copy)} ({names}) SELECT {names} FROM {quoted(table)}"
    )
    connection.exec_driver_sql(f"DROP TABLE {quoted(table)}")
    # Without it the rename would rewrite, or stumble over, views and triggers of others.
    connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    connection.exec_driver_sql(f"ALTER TABLE {quoted(copy)} RENAME TO {quoted(table)}")
    connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    for (statement,) in dependents:
        connection.exec_driver_sql(statement)


def _shape(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    """Everything of the columns that no change touches: order, names, types, defaults, keys."""
    info = _all(connection, f"PRAGMA table_xinfo({quoted(table)})")
    return [(row[0], row[1], row[2], row[4], row[5], row[6]) for row in info]


def _integrity(connection: Connection, table: str) -> list[Any]:
    return _all(connection, f"PRAGMA integrity_check({quoted(table)})")


def _all(connection: Connection, sql: str, *values: str) -> list[Any]:
    return list(connection.exec_driver_sql(sql, values))
