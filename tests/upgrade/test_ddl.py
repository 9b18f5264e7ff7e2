"""Editing a CREATE TABLE takes away what it should, and not a letter of anything else."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.errors import StoreError
from sleepbalance.store.engine import make_engine, writing
from sleepbalance.store.migrations import sqlite_schema
from sleepbalance.store.migrations.ddl import Change, changed, renamed
from sleepbalance.store.migrations.sqlite_rows import driver
from sleepbalance.store.upgrade import upgrade
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import Form

CASES = [
    ("email TEXT NOT NULL UNIQUE", "email TEXT  UNIQUE"),
    ("email TEXT UNIQUE not null", "email TEXT UNIQUE "),
    ('"email" TEXT CONSTRAINT "must be" NOT NULL ON CONFLICT FAIL', '"email" TEXT '),
    ("[email] TEXT -- NOT NULL\n NOT /* x */ NULL", "[email] TEXT -- NOT NULL\n "),
    ("`email` TEXT NOT NULL DEFAULT ('a, NOT NULL (')", "`email` TEXT  DEFAULT ('a, NOT NULL (')"),
    ("email TEXT CHECK (email IS NOT NULL)", "email TEXT CHECK (email IS NOT NULL)"),
    ("email TEXT", "email TEXT"),
]


@pytest.mark.parametrize(("written", "wanted"), CASES)
def test_not_null(written: str, wanted: str) -> None:
    table = "CREATE TABLE users (id TEXT, {}, other TEXT NOT NULL, UNIQUE (id)) STRICT"
    assert changed(table.format(written), [Change("email", nullable=True)]) == table.format(wanted)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("p TEXT CHECK(p IN ('a', 'b')) NOT NULL, q", "p TEXT  NOT NULL+, q"),
        ("p TEXT NOT NULL, q, CHECK (p <> 'q')", "p TEXT NOT NULL+, q"),
        ("p TEXT, q, CONSTRAINT c CHECK (\"p\" <> ''), UNIQUE (p)", "p TEXT+, q, UNIQUE (p)"),
        (
            "p TEXT CONSTRAINT c CHECK (p), CONSTRAINT k UNIQUE (p), q",
            "p TEXT +, CONSTRAINT k UNIQUE (p), q",
        ),
        ("p TEXT CHECK (p > q) CHECK (length(p) > 1), q", "p TEXT CHECK (p > q) +, q"),
        (
            "p TEXT DEFAULT (1 + (2)) CHECK (1), q CHECK (q)",
            "p TEXT DEFAULT (1 + (2)) +, q CHECK (q)",
        ),
        (
            "p TEXT, -- the maker's, a word\n q CHECK (p)",
            "p TEXT+, -- the maker's, a word\n q CHECK (p)",
        ),
    ],
)
def test_checks_of_one_column(written: str, wanted: str) -> None:
    sql = changed(f"CREATE TABLE t ({written})", [Change("p", unchecked=True, append="+")])
    assert re.sub(r"\s", "", sql) == re.sub(r"\s", "", f"CREATE TABLE t ({wanted})")


def test_another_name() -> None:
    assert renamed('CREATE TABLE "a (b)" (x)', 'a "c"') == 'CREATE TABLE "a ""c""" (x)'


def test_a_text_that_is_no_table() -> None:
    with pytest.raises(ValueError, match="not closed"):
        changed("CREATE TABLE t (a, (b)", [])


# -- in a file -----------------------------------------------------------------------------------


def _refuse_editing(action: int, name: str | None, *_: Any) -> int:
    """Stands for a SQLite library that is built to be defensive, as Apple's is."""
    forbidden = action == sqlite3.SQLITE_PRAGMA and name == "writable_schema"
    return sqlite3.SQLITE_DENY if forbidden else sqlite3.SQLITE_OK


def test_where_the_text_may_not_be_edited_the_table_is_rebuilt(tmp_path: Path) -> None:
    states = []
    for refused in (False, True):
        path = tmp_path / f"{refused}.db"
        phone.make(path, Form(9))
        with phone.opened(path) as db:
            phone.insert(db, "users", phone.user(), phone.user("u2") | {"shoe_size": 42})
            db.execute("DELETE FROM users WHERE id = 'u1'")  # so that rowids have a hole
        with writing(make_engine(f"sqlite:///{path}")) as connection:
            if refused:
                driver(connection).set_authorizer(_refuse_editing)
            sqlite_schema.change(connection, "users", [Change("email", nullable=True)])
            driver(connection).set_authorizer(None)
        schema = phone.rows(path, "SELECT type, name, tbl_name, sql FROM sqlite_master")
        for entry in schema:
            entry["sql"] = (entry["sql"] or "").replace('TABLE "users"', "TABLE users")
        plain = sorted(tuple(entry.values()) for entry in schema)
        rows = phone.rows(path, "SELECT rowid, * FROM users")
        states.append((plain, rows, phone.rows(path, "PRAGMA table_info(users)")))
    assert states[0] == states[1]


def test_a_table_that_cannot_be_extended_is_left(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(5))
    with phone.opened(sqlite_path) as db:  # its status is none that the seed knows
        db.execute(phone.HISTORY.replace("CHECK(status IN ('success', 'failed', 'partial'))", ""))
        phone.insert(db, "users", phone.user())
        at = {"sync_date_from": "x", "sync_date_to": "x", "sync_started_at": "x"}
        row = {"id": "h", "user_id": "u1", "provider": "p", "status": "dreaming", **at}
        phone.insert(db, "wearable_sync_history", row)
    with pytest.raises(StoreError, match="wearable_sync_history is built in a way"):
        upgrade(f"sqlite:///{sqlite_path}")
    assert phone.rows(sqlite_path, "SELECT * FROM wearable_sync_history WHERE status = 'dreaming'")


def test_a_file_with_columns_of_ours_already(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(7))
    with phone.opened(sqlite_path) as db:
        db.execute(
            "ALTER TABLE wearable_sync_history ADD COLUMN sync_trigger TEXT"
            " CHECK (sync_trigger IN ('manual', 'automatic', 'background'))"
        )
    upgrade(f"sqlite:///{sqlite_path}")
    with closing(sqlite3.connect(sqlite_path)) as db:
        phone.insert(db, "users", phone.user())
        at = {"sync_date_from": "x", "sync_date_to": "x", "sync_started_at": "x"}
        row = {"id": "h", "user_id": "u1", "provider": "p", "status": "in_progress", **at}
        phone.insert(db, "wearable_sync_history", row | {"sync_trigger": "import"})
