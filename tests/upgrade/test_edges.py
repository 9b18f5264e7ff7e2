"""What happens when somebody else is at the file, or it holds what no program should write."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from sleepbalance.errors import StoreError, Unavailable
from sleepbalance.store.backup import back_up, compare
from sleepbalance.store.upgrade import upgrade
from sleepbalance.store.version import HEAD, What, status
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import Form
from tests.upgrade.test_phone_files import filled


def test_a_copy_that_differs_is_no_backup(tmp_path: Path) -> None:
    for name in ("a", "b"):
        phone.make(tmp_path / name, Form(9))
    with phone.opened(tmp_path / "a") as one, phone.opened(tmp_path / "b") as other:
        compare(one, other)
        phone.insert(other, "users", phone.user())
        with pytest.raises(sqlite3.DatabaseError, match="differs"):
            compare(one, other)


def test_two_backups_of_one_second_are_two_files(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(9))
    made = {back_up(sqlite_path, "v100") for _ in range(3)}
    assert len(made) == 3
    assert set(sqlite_path.parent.iterdir()) == {sqlite_path, *made}


def test_a_half_made_backup_of_a_killed_process_is_cleared_away(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(9))
    half = sqlite_path.with_name(f"{sqlite_path.name}.backup.partial")
    half.write_bytes(b"half")
    assert upgrade(url).backup is not None
    assert not half.exists()


def test_what_became_of_the_file_while_we_waited_counts(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(9))
    told: list[str] = []

    def wait() -> None:
        try:
            upgrade(url)
        except StoreError as error:
            told.append(str(error))

    with phone.opened(sqlite_path) as app:
        app.execute("BEGIN IMMEDIATE")
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive()
        app.execute("PRAGMA user_version = 10")
        app.execute("COMMIT")
        waiting.join()
    assert len(told) == 1
    assert "schema 10" in told[0]


def test_an_upgrade_that_would_orphan_rows_is_rolled_back(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(9))
    before = phone.contents(sqlite_path)

    def sabotage(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "CREATE TABLE people_zones" in statement:
            cursor.execute("DELETE FROM users WHERE id = 'u1'")

    event.listen(Engine, "before_cursor_execute", sabotage)
    try:
        with pytest.raises(StoreError, match="v100 would leave rows without their parents"):
            upgrade(url)
    finally:
        event.remove(Engine, "before_cursor_execute", sabotage)
    assert phone.contents(sqlite_path, "alembic_version") == before
    assert status(url).version == "v7"


def test_wal_waits_for_a_reader_and_then_gives_up(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/first.db")
    path = tmp_path / "second.db"  # at head, as a kill before the switch to WAL leaves it
    with phone.opened(tmp_path / "first.db") as db:
        db.execute("VACUUM INTO ?", (str(path),))
    with phone.opened(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM users").fetchall()
        with pytest.raises(Unavailable, match="keeps the database locked"):
            upgrade(f"sqlite:///{path}")
        reader.execute("COMMIT")
    assert upgrade(f"sqlite:///{path}").after == HEAD
    assert phone.values(path, "PRAGMA journal_mode") == ["wal"]


def test_text_that_is_none_is_kept_as_bytes(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(9))
    with phone.opened(sqlite_path) as db:
        db.execute(
            "UPDATE sleep_records SET quality_notes = CAST(x'ff41' AS TEXT), avg_hrv = 9e999"
        )
        phone.insert(db, "sleep_records", phone.night("x", "?") | dict.fromkeys(TIMES))
    upgrade(url)
    (payload,) = phone.values(
        sqlite_path, "SELECT payload FROM raw_records WHERE external_id = 'a'"
    )
    kept = json.loads(payload)
    assert (kept["quality_notes"], kept["avg_hrv"]) == ({"base64": "/0E="}, "inf")
    query = "SELECT problem FROM raw_records WHERE external_id = 'x'"
    assert phone.values(sqlite_path, query) == ["its date cannot be read"]


TIMES = ("bed_time", "sleep_start_time", "sleep_end_time", "wake_time")


def test_a_file_whose_users_need_no_email_already(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(5))
    with phone.opened(sqlite_path) as db:
        db.execute("DROP VIEW grown_ups")
        db.execute("DROP TABLE users")
        db.execute(phone.USERS.format(more="").replace("email TEXT NOT NULL", "email TEXT"))
        phone.insert(db, "users", phone.user(email=None))
    assert upgrade(f"sqlite:///{sqlite_path}").after == HEAD


def test_a_foreign_key_of_the_apps_that_cannot_work(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(9))
    with phone.opened(sqlite_path) as db:
        db.execute("CREATE TABLE odd (first TEXT REFERENCES users (first_name))")
        phone.insert(db, "odd", {"first": "u1"})
        older = {"updated_at": "2020-01-01T00:00:00.000"}
        phone.insert(db, "sleep_records", phone.night("old", **older))
        db.execute(
            "CREATE TABLE pairs (a TEXT, b TEXT, FOREIGN KEY (a, b)"
            " REFERENCES sleep_records (id, user_id) ON DELETE CASCADE)"
        )
        phone.insert(db, "pairs", {"a": "old", "b": "u1"}, {"a": "old", "b": "u2"})
    assert upgrade(url).after == HEAD
    assert phone.rows(sqlite_path, "SELECT * FROM pairs") == [{"a": "old", "b": "u2"}]


def test_a_version_table_without_a_version(sqlite_path: Path, postgres_url: str) -> None:
    phone.make(sqlite_path, Form(9))
    table = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
    with closing(sqlite3.connect(sqlite_path)) as db:
        db.execute(table)
    assert status(f"sqlite:///{sqlite_path}").what is What.PHONE
    assert upgrade(f"sqlite:///{sqlite_path}").after == HEAD
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(table.encode())
    assert status(postgres_url).what is What.NEW
    assert upgrade(postgres_url).after == HEAD
