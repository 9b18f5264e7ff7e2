"""A database's own failures become ours, by its codes; a defect stays what it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from sleepbalance.errors import StoreError, Unavailable
from sleepbalance.store.engine import make_engine, reading, sqlite_url, translated, writing


def test_a_broken_constraint_stays_a_defect(engine: Engine) -> None:
    sql = (
        "INSERT INTO wearable_connections (id, user_id, provider, access_token, is_active,"
        " connected_at, created_at, updated_at) VALUES ('c', 'nobody', 'nobody', '', 1,"
        " '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
    )
    with pytest.raises(DBAPIError), writing(engine) as connection:
        connection.execute(text(sql))


def test_a_server_that_is_not_there() -> None:
    engine = make_engine("postgresql://127.0.0.1:1/nothing")
    with pytest.raises(Unavailable, match="cannot be reached"), reading(engine):
        pass


def test_a_database_that_is_not_there(postgres_url: str) -> None:
    engine = make_engine(postgres_url.replace("/test_", "/gone_"))
    with pytest.raises(Unavailable, match="cannot be reached"), reading(engine):
        pass
    engine.dispose()


def test_a_server_that_lets_nobody_write(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    sql = text("CREATE TABLE t AS SELECT 1; ")
    with writing(engine) as connection:
        connection.execute(text("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on"))
    engine.dispose()
    try:
        with pytest.raises(StoreError, match="cannot be written"), writing(engine) as connection:
            connection.execute(sql)
    finally:
        engine.dispose()
        with reading(engine) as connection:
            connection.execute(text("SET TRANSACTION READ WRITE"))
            connection.execute(text("ALTER ROLE CURRENT_USER RESET default_transaction_read_only"))
    engine.dispose()


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
        db.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 100)
        db.commit()
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    engine = make_engine(sqlite_url(path))
    with pytest.raises(StoreError, match="damaged"), reading(engine) as connection:
        connection.execute(text("SELECT * FROM t")).all()


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    engine = make_engine(sqlite_url(tmp_path / "nowhere" / "x.db"))
    with pytest.raises(StoreError, match="cannot be written"), writing(engine):
        pass


def test_a_full_disk() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE t (x)")
        db.execute("PRAGMA max_page_count = 2")
        with pytest.raises(StoreError, match="Make room"), translated():
            db.execute("INSERT INTO t VALUES (zeroblob(100000))")


def test_a_database_that_another_process_holds(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as holder, closing(sqlite3.connect(path, timeout=0)) as db:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="Another process"), translated():
            db.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(StoreError):
        make_engine(url)


def test_a_folder_that_no_address_can_hold(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="without \\?"):
        sqlite_url(tmp_path / "a?b" / "x.db")
