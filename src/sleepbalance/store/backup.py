"""Makes a verified copy of a SQLite file beside it, while somebody holds the write lock."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sleepbalance.errors import StoreError
from sleepbalance.store.version import columns_by_table, open_to_look


def back_up(path: Path, before: str) -> Path:
    """Copies the database by SQLite's backup call and checks the copy against it.

    The caller's connection holds the write lock, so nothing changes meanwhile. Raises StoreError
    where the copy cannot be made; nothing is left of it then.
    """
    partial = path.with_name(f"{path.name}.backup.partial")
    partial.unlink(missing_ok=True)  # of a process that was killed: the lock is ours now
    final = _unused(path, before)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(path, partial)
        _rename(partial, final)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(
            f"No backup of {path} could be written beside it ({error}); nothing was changed."
            " Make room, or let us write into that folder, then try again."
        ) from error
    return final


def _unused(path: Path, before: str) -> Path:
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    names = itertools.chain([stamp], (f"{stamp}-{number}" for number in itertools.count(2)))
    paths = (path.with_name(f"{path.name}.before-{before}-{name}.backup") for name in names)
    return next(final for final in paths if not final.exists())


def _copy(path: Path, to: Path) -> None:
    with closing(open_to_look(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
        # The copy takes over the source's WAL mode; it shall be one file.
        target.execute("PRAGMA journal_mode=DELETE")
        compare(source, target)


def compare(source: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Raises where the two are not the same to SQLite's eyes and in each table's rows."""
    if _summary(source) != _summary(copy):
        raise sqlite3.DatabaseError("the copy differs from the file")


def _summary(connection: sqlite3.Connection) -> tuple[object, ...]:
    """What must be the same in both: SQLite's own verdict, and the rows of each table."""
    counts = {
        table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
        for table in columns_by_table(connection)
    }
    return connection.execute("PRAGMA integrity_check").fetchall(), counts


def _rename(partial: Path, final: Path) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
