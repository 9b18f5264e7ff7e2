"""Files that are not ours to change: a clear error, and not a byte of them touched."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sleepbalance.errors import StoreError, Unavailable
from sleepbalance.store.upgrade import upgrade
from sleepbalance.store.version import What, status
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import Form


def _sql(*statements: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with phone.opened(path) as db:
            for statement in statements:
                db.execute(statement)

    return make


def _phone(*statements: str, wal: bool = False) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        phone.make(path, Form(9, wal=wal))
        _sql(*statements)(path)

    return make


def _damaged(path: Path) -> None:
    phone.make(path, Form(9))
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 1000)


def _newer(path: Path) -> None:
    upgrade(f"sqlite:///{path}")
    _sql("UPDATE alembic_version SET version_num = 'v199'")(path)


def _bytes(content: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(content)

    return make


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no database": (_bytes(b"night,hours\n2025-10-30,7\n" * 50), "is no SQLite database"),
    "a short file": (_bytes(b"SQL"), "is no SQLite database"),
    "damaged": (_damaged, "be read"),
    "of something else": (_sql("CREATE TABLE songs (id)"), "of something else"),
    "with a mark of another": (_phone("PRAGMA application_id = 7"), "of something else"),
    "an empty one with a number": (_sql("PRAGMA user_version = 9"), "of something else"),
    "of another Alembic": (
        _sql(
            "CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES (1)"
        ),
        "another program",
    ),
    "newer than us": (_newer, "v199, newer than this program"),
    "below 5": (_phone("PRAGMA user_version = 4"), "schema 4; we read 5, 7, 8, 9: open it once"),
    "without a number": (_phone("PRAGMA user_version = 0"), "schema 0"),
    "at 6, which there is not": (_phone("PRAGMA user_version = 6"), "schema 6"),
    "newer than the app we know": (_phone("PRAGMA user_version = 10"), "update SleepBalance"),
    "without a column of nights": (
        _phone("DROP TRIGGER wipe", "ALTER TABLE sleep_records DROP COLUMN rem_sleep_duration"),
        "lacks sleep_records.rem_sleep_duration",
    ),
    "without a column of connections": (
        _phone(
            "DROP TRIGGER no_blank", "ALTER TABLE wearable_connections DROP COLUMN last_sync_at"
        ),
        "lacks wearable_connections.last_sync_at",
    ),
    "without nights": (_phone("DROP TABLE sleep_records"), "of something else"),
    "in WAL mode": (_phone("PRAGMA user_version = 3", wal=True), "schema 3"),
}


def _footprint(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
    }


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_ours_is_refused_untouched(
    sqlite_path: Path, make: Callable[[Path], None], words: str
) -> None:
    make(sqlite_path)
    before = _footprint(sqlite_path.parent)
    with pytest.raises(StoreError, match=words):
        upgrade(f"sqlite:///{sqlite_path}")
    assert _footprint(sqlite_path.parent) == before


@pytest.mark.parametrize("name", [n for n in REFUSED if n != "damaged"])
def test_status_says_why(sqlite_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    make(sqlite_path)
    before = _footprint(sqlite_path.parent)
    found = status(f"sqlite:///{sqlite_path}")
    assert found.what in (What.FOREIGN, What.NEWER)
    assert words in found.why
    assert found.pending == ()
    assert _footprint(sqlite_path.parent) == before


def test_a_refused_file_that_the_app_has_open_keeps_its_wal(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(9, wal=True))
    with phone.opened(sqlite_path) as app:
        app.execute("PRAGMA user_version = 3")
        before = {k: v for k, v in _footprint(sqlite_path.parent).items() if "shm" not in k}
        with pytest.raises(StoreError, match="schema 3"):
            upgrade(f"sqlite:///{sqlite_path}")
        after = {k: v for k, v in _footprint(sqlite_path.parent).items() if "shm" not in k}
        assert after == before


def test_a_folder_and_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        upgrade(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreError, match="unable to open"):
        upgrade(f"sqlite:///{tmp_path}/none/sleep.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="must be a file"):
        upgrade(url)


def test_an_upgrade_that_cannot_be_made_leaves_the_file_as_it_was(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(9))
    with phone.opened(sqlite_path) as db:
        db.execute("CREATE TABLE leases (car TEXT)")  # a name that we need
        phone.insert(db, "leases", {"car": "red"})
    before = phone.contents(sqlite_path)
    with pytest.raises(StoreError, match="leases already exists"):
        upgrade(f"sqlite:///{sqlite_path}")
    after = phone.contents(sqlite_path, "alembic_version", "wearable_sync_history")
    assert after == {name: before[name] for name in after}
    assert phone.values(sqlite_path, "PRAGMA user_version") == [9]


CRAMPED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
from sleepbalance.errors import StoreError, Unavailable
from sleepbalance.store.upgrade import upgrade
try:
    upgrade(sys.argv[1])
except StoreError as error:
    print(error)
finally:  # coverage writes at the end
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_without_room_for_the_backup_nothing_is_changed(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(9))
    before = _footprint(sqlite_path.parent)
    url = f"sqlite:///{sqlite_path}"
    done = subprocess.run(
        [sys.executable, "-c", CRAMPED, url], capture_output=True, text=True, check=True
    )
    assert "No backup of" in done.stdout, done.stderr
    assert _footprint(sqlite_path.parent) == before


def test_a_server_of_something_else_and_a_newer_one(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE users (id INTEGER)")
        with pytest.raises(StoreError, match=r"something else \(users\)"):
            upgrade(postgres_url)
        connection.execute("DROP TABLE users")
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('v102')")
        with pytest.raises(StoreError, match="newer than this program"):
            upgrade(postgres_url)
        assert status(postgres_url).what is What.NEWER
        connection.execute("UPDATE alembic_version SET version_num = '1a2b'")
        with pytest.raises(StoreError, match="another program"):
            upgrade(postgres_url)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        upgrade(f"postgresql:///sleep?host={tmp_path}")


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(StoreError, match="not supported"):
        upgrade("mysql://localhost/sleep")
