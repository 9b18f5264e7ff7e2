"""Tells what a database is: new, ours, a phone app's or foreign; and at which version.

It imports no Alembic, so that every start can afford it.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from sleepbalance.errors import StoreError
from sleepbalance.store.engine import BUSY_MS, make_engine, reading
from sleepbalance.store.tables import (
    metadata,
    sleep_records,
    users,
    wearable_connections,
    wearable_providers,
    wearable_sync_history,
)

REVISIONS = ("v5", "v7", "v100", "v101")
HEAD = REVISIONS[-1]
APPLICATION_ID = 0x534C5042  # "SLPB", in the header of each SQLite file of ours
PHONE_VERSIONS = (5, 7, 8, 9)  # the app's schema numbers that we read; there is no 6
FIRST_OF_OURS = 100


def _up_to(table: Table, last: str) -> frozenset[str]:
    names = table.c.keys()
    return frozenset(names[: names.index(last) + 1])


# What a phone app's file must have; whatever else it holds is left alone.
NEEDED: Mapping[str, frozenset[str]] = {
    "users": frozenset(users.c.keys()),
    "sleep_records": frozenset(sleep_records.c.keys()),
}
NEEDED_IF_THERE: Mapping[str, frozenset[str]] = {
    "wearable_connections": _up_to(wearable_connections, "updated_at"),
    "wearable_sync_history": _up_to(wearable_sync_history, "error_message"),
}


class What(StrEnum):
    NEW = "new"  # nothing is there yet
    OURS = "ours"
    PHONE = "phone"  # a phone app's file that we can take over
    FOREIGN = "foreign"  # something else, or a phone app's that we cannot read
    NEWER = "newer"  # ours, from a newer program


@dataclass(frozen=True, slots=True)
class Found:
    """What a database is. `version` is a revision of ours or the app's number; `why` is a
    sentence for the person where we do not touch it."""

    what: What
    version: str | None = None
    why: str = ""

    @property
    def pending(self) -> tuple[str, ...]:
        """The revisions that an upgrade to head would still run."""
        if self.what in (What.NEW, What.PHONE):
            return REVISIONS
        if self.what is What.OURS and self.version in REVISIONS:
            return REVISIONS[REVISIONS.index(self.version) + 1 :]
        return ()


@dataclass(frozen=True, slots=True)
class Status:
    """What `db status` shows."""

    what: What
    version: str | None
    head: str
    pending: tuple[str, ...]
    backups: tuple[Path, ...]
    orphans: tuple[str, ...]
    why: str


def status(url: str) -> Status:
    """Looks at a database and changes nothing."""
    found = find(url)
    path = sqlite_path(url)
    backups: tuple[Path, ...] = ()
    lost: tuple[str, ...] = ()
    if path is not None:
        backups = tuple(sorted(path.parent.glob(f"{path.name}.before-*.backup")))
        if found.what in (What.OURS, What.PHONE):
            with closing(open_to_look(path)) as connection:
                lost = orphans_in_words(connection)
    return Status(found.what, found.version, HEAD, found.pending, backups, lost, found.why)


def ready(engine: Engine, providers: Mapping[str, str] | None = None) -> bool:
    """Whether nothing is left for an upgrade to do; cheap enough for every start."""
    try:
        with engine.connect() as connection:
            return _at_head(connection) and not missing_providers(connection, providers or {})
    except DBAPIError:
        return False  # there is no such table, or no such file: the upgrade says what is wrong


def _at_head(connection: Connection) -> bool:
    if connection.execute(text("SELECT version_num FROM alembic_version")).scalar() != HEAD:
        return False
    if connection.dialect.name != "sqlite":
        return True
    number = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    return (number, mode) == (user_version(HEAD), "wal")


def missing_providers(connection: Connection, providers: Mapping[str, str]) -> dict[str, str]:
    """Those of the given providers that the database does not list under that name."""
    if not providers:
        return {}
    there = {row.id: row.name for row in connection.execute(select(wearable_providers))}
    return {key: name for key, name in providers.items() if there.get(key) != name}


def user_version(revision: str) -> int:
    return int(revision[1:])


def sqlite_path(url: str) -> Path | None:
    """The file behind a SQLite URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError("The database must be a file: one in memory is gone with the process.")
    return Path(parsed.database)


def find(url: str) -> Found:
    """What the database is, by looking only."""
    path = sqlite_path(url)
    if path is None:
        return _find_on_server(url)
    try:
        if not path.exists() or path.stat().st_size == 0:
            return Found(What.NEW)
        with closing(open_to_look(path)) as connection:
            return find_in(connection, str(path))
    except (OSError, sqlite3.DatabaseError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            return Found(What.FOREIGN, None, f"{path} is no SQLite database.")
        raise StoreError(f"{path} cannot be read: {error}.") from error


def open_to_look(path: Path) -> sqlite3.Connection:
    """A connection that leaves the file, and the folder beside it, as they are.

    It must be SQLite that opens the file: closing it otherwise would drop the locks that this
    process holds on it (sqlite.org/howtocorrupt.html, section 2.2).
    """
    # With a WAL beside it, a connection that may write would fold it in on leaving. Without,
    # only one that may write takes away the side files that SQLite makes for reading.
    mode = "ro" if Path(f"{path}-wal").exists() else "rw"
    name = quote(str(path.absolute()))
    connection = sqlite3.connect(f"file:{name}?mode={mode}", uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA query_only=ON")
    return connection


def find_in(connection: sqlite3.Connection, name: str) -> Found:
    """What an open SQLite database is."""
    tables = columns_by_table(connection)
    number = int(connection.execute("PRAGMA user_version").fetchone()[0])
    mark = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if "alembic_version" in tables:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        if rows:
            return _ours(str(rows[0][0]), name)
    if not tables and (number, mark) == (0, 0):
        return Found(What.NEW)
    return _phone(tables, number, mark, name)


def _ours(version: str, name: str) -> Found:
    if version in REVISIONS:
        return Found(What.OURS, version)
    if re.fullmatch(r"v\d+", version) and user_version(version) > user_version(HEAD):
        why = f"{name} is at {version}, newer than this program ({HEAD}): update SleepBalance."
        return Found(What.NEWER, version, why)
    return Found(What.FOREIGN, None, f"{name} belongs to another program.")


def _phone(tables: Mapping[str, set[str]], number: int, mark: int, name: str) -> Found:
    if mark != 0 or not NEEDED.keys() <= tables.keys():
        return Found(What.FOREIGN, None, f"{name} is a database of something else.")
    if number not in PHONE_VERSIONS:
        known = ", ".join(map(str, PHONE_VERSIONS))
        old = number < PHONE_VERSIONS[0]
        hint = "open it once with a newer version of the app" if old else "update SleepBalance"
        why = f"{name} is a phone app's file at schema {number}; we read {known}: {hint}."
        return Found(What.FOREIGN, str(number), why)
    missing = _missing(tables)
    if missing:
        why = f"{name} is a phone app's file at schema {number} that lacks {', '.join(missing)}."
        return Found(What.FOREIGN, str(number), why)
    return Found(What.PHONE, str(number))


def _missing(tables: Mapping[str, set[str]]) -> list[str]:
    wanted = {**NEEDED, **{t: c for t, c in NEEDED_IF_THERE.items() if t in tables}}
    return [f"{t}.{c}" for t, needed in wanted.items() for c in sorted(needed - tables[t])]


def columns_by_table(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """The tables of a file with their columns, in lower case."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%'"
    tables: dict[str, set[str]] = {}
    for (name,) in connection.execute(f"{query} ESCAPE '@'").fetchall():
        with suppress(sqlite3.OperationalError):  # a virtual table whose module we do not have
            info = connection.execute("SELECT lower(name) FROM pragma_table_info(?)", (name,))
            tables[name.lower()] = {column for (column,) in info}
    return tables


def orphans(connection: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """How many rows have a parent that is gone, by table and parent."""
    found: Counter[tuple[str, str]] = Counter()
    for name in columns_by_table(connection):
        with suppress(sqlite3.OperationalError):  # a key of the app's own that cannot work
            rows = connection.execute("SELECT * FROM pragma_foreign_key_check(?)", (name,))
            found.update((table, parent) for table, _, parent, _ in rows.fetchall())
    return found


def orphans_in_words(connection: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(
        f"{table}: {count} {'row' if count == 1 else 'rows'} whose {parent} row is gone"
        for (table, parent), count in sorted(orphans(connection).items())
    )


def _find_on_server(url: str) -> Found:
    engine = make_engine(url)
    try:
        with reading(engine) as connection:
            return find_on(connection)
    finally:
        engine.dispose()


def find_on(connection: Connection) -> Found:
    """What an open PostgreSQL database is."""
    there = set(inspect(connection).get_table_names())
    if "alembic_version" in there:
        version = connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar()
        if version is not None:
            return _ours(version, "The database")
    taken = sorted(there & metadata.tables.keys())
    if taken:
        why = f"The database has tables of something else ({', '.join(taken)}): use an empty one."
        return Found(What.FOREIGN, None, why)
    return Found(What.NEW)
