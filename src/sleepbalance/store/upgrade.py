"""Brings a database to a version: each revision is one transaction that leaves the old or the new.

The revisions and `alembic_version` are Alembic's, and its own commands can run them; the
transactions are ours. See docs/decisions/upgrades.md.
"""

from __future__ import annotations

import importlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from sleepbalance.errors import StoreError, Unavailable, UsageError
from sleepbalance.store import version
from sleepbalance.store.backup import back_up
from sleepbalance.store.engine import make_engine, reading, writing
from sleepbalance.store.migrations import versions
from sleepbalance.store.migrations.sqlite_rows import driver
from sleepbalance.store.tables import wearable_providers
from sleepbalance.store.version import HEAD, REVISIONS, Found, What

REWRITING = ("v100",)  # revisions that rewrite rows or tables that are there
STAMP = (
    "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
LOCK = 0x534C5042  # the advisory lock under which one process at a time upgrades PostgreSQL


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did. Versions are revisions of ours, the app's number, or None for new."""

    before: str | None
    after: str
    backup: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Run:
    """One upgrade under way."""

    url: str
    engine: Engine
    found: Found
    backup: Path | None = None
    notes: list[str] = field(default_factory=list)


def upgrade(url: str, target: str = "head", providers: Mapping[str, str] | None = None) -> Upgraded:
    """Brings the database to `target` ("head", "v7", ...); does nothing where it is there already.

    `providers` (id → name) are listed in `wearable_providers` at head, whatever else is to do.
    Raises StoreError where the database is not ours to change; it is untouched then.
    """
    last = _revision(target)
    found = version.find(url)
    if found.why:
        raise StoreError(found.why)
    engine = _engine(url)
    run = _Run(url, engine, found)
    try:
        for revision in REVISIONS[: REVISIONS.index(last) + 1]:
            if revision in found.pending:
                _step(run, revision)
        after = _finish(run, providers or {})
    except DBAPIError as error:
        raise StoreError(f"The upgrade failed and changed nothing more: {error.orig}") from error
    finally:
        engine.dispose()
    return Upgraded(found.version, after, run.backup, tuple(run.notes))


def _revision(target: str) -> str:
    if target == "head":
        return HEAD
    revision = target if target.startswith("v") else f"v{target}"
    if revision not in REVISIONS:
        raise UsageError(f"There is no version {target!r}: {', '.join(REVISIONS)} or head.")
    return revision


def _engine(url: str) -> Engine:
    engine = make_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    # Rebuilding a table with foreign keys on empties its children; inside a transaction this
    # statement would do nothing.
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.text_factory = _text


def _text(value: bytes) -> str | bytes:
    """Text as it is, bytes where it is none: a file may hold both."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _step(run: _Run, revision: str) -> None:
    """Runs one revision where it is still pending, whoever else is at it."""
    with _alone(run.engine) as connection:
        found = _found(connection)
        if found.why:
            raise StoreError(found.why)
        if revision not in found.pending:
            return
        _back_up(run, found, revision, connection)
        orphans = _orphans(connection)
        run.notes += _run_revision(connection, revision)
        if _orphans(connection) > orphans:
            raise StoreError(f"Version {revision} would leave rows without their parents.")
        _number(connection, revision)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nobody else writes the schema."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        yield connection


def _found(connection: Connection) -> Found:
    if connection.dialect.name == "sqlite":
        return version.find_in(driver(connection), "The database")
    return version.find_on(connection)


def _back_up(run: _Run, found: Found, revision: str, connection: Connection) -> None:
    path = version.sqlite_path(run.url)
    if path is None or run.backup is not None:
        return
    ours = found.what is run.found.what is What.OURS
    if found.what is What.PHONE or (ours and revision in REWRITING and _has_rows(connection)):
        run.backup = back_up(path, HEAD)


def _has_rows(connection: Connection) -> bool:
    return any(
        connection.execute(text(f"SELECT EXISTS (SELECT 1 FROM {table})")).scalar()
        for table in ("users", "sleep_records")
    )


def _orphans(connection: Connection) -> int:
    if connection.dialect.name != "sqlite":
        return 0  # PostgreSQL lets none be
    return version.orphans(driver(connection)).total()


def _run_revision(connection: Connection, revision: str) -> list[str]:
    """What Alembic would do with the revision, without loading Alembic; a test compares."""
    module = importlib.import_module(f"{versions.__name__}.{revision}")
    notes: list[str] = module.apply(connection)
    connection.execute(text(STAMP))
    mine = {"revision": revision}
    if not connection.execute(
        text("UPDATE alembic_version SET version_num = :revision"), mine
    ).rowcount:
        connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), mine)
    return notes


def _number(connection: Connection, revision: str) -> None:
    """Follows with SQLite's own numbers, for others to read."""
    for name, wanted in _wrong_numbers(connection, revision).items():
        connection.exec_driver_sql(f"PRAGMA {name} = {wanted}")


def _wrong_numbers(connection: Connection, revision: str) -> dict[str, int]:
    if connection.dialect.name != "sqlite":
        return {}
    there = {
        name: int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("user_version", "application_id")
    }
    # Never downwards: an app that found its file at a lower number would upgrade it once more.
    number = max(there["user_version"], version.user_version(revision))
    mark = version.APPLICATION_ID if number >= version.FIRST_OF_OURS else 0
    wanted = {"user_version": number, "application_id": mark}
    return {name: value for name, value in wanted.items() if there[name] != value}


def _finish(run: _Run, providers: Mapping[str, str]) -> str:
    """What holds at the end of each upgrade, also of one that had no revision to run."""
    on_sqlite = run.engine.dialect.name == "sqlite"
    with reading(run.engine) as connection:
        after = _found(connection).version
        assert after is not None
        listed = providers if after == HEAD else {}
        settled = not _wrong_numbers(connection, after)
        settled = settled and not version.missing_providers(connection, listed)
        if on_sqlite:
            lines = version.orphans_in_words(driver(connection))
            run.notes += [f"{line} (kept)" for line in lines]
    if not settled:
        with _alone(run.engine) as connection:
            _number(connection, after)
            add_providers(connection, listed)
    if on_sqlite:
        _switch_to_wal(run.engine)
    return after


def add_providers(connection: Connection, providers: Mapping[str, str]) -> None:
    """Lists providers, so that connections may refer to them."""
    for key, name in version.missing_providers(connection, providers).items():
        mine = wearable_providers.update().where(wearable_providers.c.id == key)
        if not connection.execute(mine.values(name=name)).rowcount:
            connection.execute(wearable_providers.insert().values(id=key, name=name))


def _switch_to_wal(engine: Engine) -> None:
    """Readers no longer wait for writers. Another process at the file only delays it."""
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=200")
        for _ in range(20):
            try:
                cursor.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                time.sleep(0.1)
            else:
                return
    raise Unavailable("Another program keeps the database locked: close it, then try again.")
