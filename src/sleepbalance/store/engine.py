"""Opens the database and its transactions, the same way for SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import importlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from sleepbalance.errors import SleepBalanceError, StoreError, Unavailable

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["Connection", "Engine", "clock", "insert_new", "make_engine", "reading", "writing"]

BUSY_MS = 120_000  # how long a writer waits for another one's commit


def make_engine(url: str) -> Engine:
    """An engine for a SQLite file or a PostgreSQL server; opens nothing yet."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            "The database's address cannot be read; one looks like postgresql://user@host/name."
        ) from None
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"))
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"{parsed.get_backend_name()} is not supported: use sqlite or postgresql.")
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file. Raises StoreError for a path that no address can hold."""
    url = f"sqlite:///{path}"
    if make_url(url).database != str(path):
        raise StoreError(f"{path} cannot be used: choose a folder without ? in its name.")
    return url


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, DDL included
    for pragma in (f"busy_timeout={BUSY_MS}", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if (patience := options.get("patience_ms")) is not None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """The one place where a database's own failures become ours; a defect stays what it is."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause: Any = getattr(error, "orig", None) or error
        said = str(cause).strip().partition("\n")[0]
        if isinstance(cause, sqlite3.Error):
            ours = _sqlite_says(getattr(cause, "sqlite_errorname", "") or "", said)
        else:
            ours = _postgres_says(getattr(cause, "sqlstate", None), cause, said)
        if ours is None:
            raise
        raise ours from error


def _sqlite_says(name: str, said: str) -> SleepBalanceError | None:
    """By the names of https://sqlite.org/rescode.html."""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Unavailable("Another process holds the database; try again when it is through.")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return StoreError(f"The disk took nothing more ({said}). Make room, then try again.")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreError(f"The database cannot be written ({said}). Whose folder is it?")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreError("The database file is damaged; bring back a backup of it.")
    return None


def _postgres_says(state: str | None, cause: Any, said: str) -> SleepBalanceError | None:
    """By the classes of https://www.postgresql.org/docs/current/errcodes-appendix.html."""
    if state is None and type(cause).__name__ == "OperationalError":
        return Unavailable(f"The database cannot be reached: {said}")
    kind = (state or "")[:2]
    if kind in ("08", "28", "3D", "57"):
        return Unavailable(f"The database cannot be reached: {said}")
    if kind == "53":
        return StoreError(f"The database took nothing more ({said}). Make room, then try again.")
    if state in ("25006", "42501"):
        return StoreError(f"The database cannot be written ({said}). Whose is it?")
    if state in ("55P03", "40P01", "40001"):
        return Unavailable("Another process holds the database; try again when it is through.")
    return None


@contextmanager
def writing(engine: Engine, patience_ms: int = BUSY_MS) -> Iterator[Connection]:
    """One transaction that writes: committed at the end, rolled back on any error.

    On SQLite it takes the write lock at once, so that it never fails half-way for want of it;
    `patience_ms` is how long it waits for another writer there.
    """
    with (
        translated(),
        engine.connect().execution_options(immediate=True, patience_ms=patience_ms) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads."""
    with translated(), engine.connect() as connection, connection.begin():
        yield connection


def clock(connection: Connection) -> dt.datetime:
    """The database's own clock, in whole seconds: the one that leases and attempts go by."""
    if connection.dialect.name == "sqlite":
        value = connection.execute(text("SELECT datetime('now')")).scalar_one()
        return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    value = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return value.astimezone(dt.UTC).replace(microsecond=0)  # type: ignore[no-any-return]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts many rows that name the same columns, past SQLAlchemy's work for each value."""
    if not rows:
        return
    dialect, names = connection.dialect, list(rows[0])
    spell = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    mark = "?" if dialect.name == "sqlite" else "%s"
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
    values = [
        tuple(say(row[name]) if say else row[name] for say, name in zip(spell, names, strict=True))
        for row in rows
    ]
    connection.exec_driver_sql(sql, values)


def insert_new(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that leaves a row with the same key as it is; with RETURNING it tells which."""
    name = connection.dialect.name  # only this one is loaded: the other costs 0.1 s at every start
    dialect: Any = importlib.import_module(f"sqlalchemy.dialects.{name}")
    insert: sqlite.Insert | postgresql.Insert = dialect.insert(table)
    return insert.on_conflict_do_nothing()
