"""The migrations end at what store/tables.py says, on both databases and from a phone's file."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from sleepbalance.store import migrations
from sleepbalance.store.engine import make_engine, reading, writing
from sleepbalance.store.tables import metadata
from sleepbalance.store.upgrade import upgrade
from sleepbalance.store.version import HEAD, REVISIONS
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import FORMS, Form

# What the app has of itself, beside the unique index that every file gets.
OF_THE_APP = {("unique", ("user_id", "sleep_date"))}
NOT_IN_TABLES = {"alembic_version", "user_sleep_baselines"}


def described(engine: Engine) -> dict[str, dict[str, Any]]:
    """All that tells two schemas apart, table by table, in words that can be compared."""
    with reading(engine) as connection:
        names = inspect(connection).get_table_names()
        return {name: _described(connection, name) for name in names}


def _described(connection: Connection, table: str) -> dict[str, Any]:
    seen = inspect(connection)
    key = seen.get_pk_constraint(table)["constrained_columns"]
    columns = {
        c["name"]: (
            str(c["type"]).replace("FLOAT", "REAL").replace("DOUBLE PRECISION", "REAL"),
            c["nullable"] and c["name"] not in key,
            (c["default"] or "").partition("::")[0].strip("'"),
        )
        for c in seen.get_columns(table)
    }
    rules: set[Any] = {("foreign key", *found) for found in _foreign_keys(connection, table)}
    unique = seen.get_unique_constraints(table)
    rules |= {("unique", tuple(u["column_names"])) for u in unique}
    rules |= {("key", tuple(key))}
    if connection.dialect.name == "postgresql":
        rules |= {("check", c["name"], c["sqltext"]) for c in seen.get_check_constraints(table)}
    indexes = {
        (i["name"], tuple(i["column_names"]), bool(i["unique"]))
        for i in seen.get_indexes(table)
        if not i.get("duplicates_constraint")
    }
    return {"columns": columns, "rules": rules, "indexes": indexes}


def _foreign_keys(connection: Connection, table: str) -> set[tuple[str, str, str, str]]:
    if connection.dialect.name == "sqlite":  # SQLAlchemy reads no ON DELETE at a column
        rows = connection.exec_driver_sql(f"PRAGMA foreign_key_list({table})")
        return {(row[3], row[2], row[4], row[6]) for row in rows}
    return {
        (
            *key["constrained_columns"],
            key["referred_table"],
            *key["referred_columns"],
            key["options"].get("ondelete", "NO ACTION"),
        )
        for key in inspect(connection).get_foreign_keys(table)
    }


def _created(url: str) -> dict[str, dict[str, Any]]:
    engine = make_engine(url)
    with writing(engine) as connection:
        metadata.create_all(connection)
    found = described(engine)
    with writing(engine) as connection:
        metadata.drop_all(connection)
    engine.dispose()
    return found


def test_head_is_what_tables_says(database_url: str) -> None:
    wanted = _created(database_url)
    upgrade(database_url)
    engine = make_engine(database_url)
    found = described(engine)
    engine.dispose()
    assert found.keys() - wanted.keys() == NOT_IN_TABLES
    found["sleep_records"]["rules"] -= OF_THE_APP
    assert {name: found[name] for name in wanted} == wanted
    for name, table in wanted.items():  # the order too
        assert list(found[name]["columns"]) == list(table["columns"]), name


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_phone_file_ends_at_no_less(tmp_path: Path, form: Form) -> None:
    wanted = _created(f"sqlite:///{tmp_path}/wanted.db")
    phone.make(tmp_path / "phone.db", form)
    url = f"sqlite:///{tmp_path}/phone.db"
    upgrade(url)
    engine = make_engine(url)
    found = described(engine)
    engine.dispose()
    for name, table in wanted.items():
        for part, has in table.items():
            both = has & found[name][part].keys() if part == "columns" else has & found[name][part]
            assert len(both) == len(has), (name, part)
        for column, kind in table["columns"].items():
            assert found[name]["columns"][column] == kind, (name, column)


def test_our_list_of_revisions_is_alembics() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == HEAD
    assert [r.revision for r in script.walk_revisions()] == list(reversed(REVISIONS))


def test_alembics_own_command_gives_the_same(database_url: str) -> None:
    upgrade(database_url)
    engine = make_engine(database_url)
    ours = described(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        for table in inspect(connection).get_table_names():
            cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TABLE {table}{cascade}"))
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert described(engine) == ours
    with engine.connect() as connection:
        stamps = connection.execute(text("SELECT version_num FROM alembic_version")).all()
        assert stamps == [(HEAD,)]
    engine.dispose()


def test_nights_of_v100_stay_as_they_are(database_url: str) -> None:
    upgrade(database_url, "v100")
    engine = make_engine(database_url)
    nights = metadata.tables["night_details"]
    night = _row("night_details", "u1") | {"avg_spo2": 96.4, "awakenings": 3, "parts": [{"n": 1}]}
    with writing(engine) as connection:
        connection.execute(insert(metadata.tables["users"]).values(_row("users", "u1")))
        connection.execute(insert(nights).values(night))
    assert upgrade(database_url).before == "v100"
    with reading(engine) as connection:
        found = dict(connection.execute(select(nights)).mappings().one())
    engine.dispose()
    assert found == dict.fromkeys(nights.c.keys()) | night
    assert found["avg_skin_temperature"] is None


def test_deleting_a_user_deletes_everything_of_theirs(database_url: str) -> None:
    upgrade(database_url)
    engine = make_engine(database_url)
    theirs = [t for t in metadata.sorted_tables if {"user_id", "connection_id"} & {*t.c.keys()}]
    assert len(theirs) == 12
    with writing(engine) as connection:
        for user in ("u1", "u2"):
            connection.execute(insert(metadata.tables["users"]).values(_row("users", user)))
            for table in theirs:
                connection.execute(insert(table).values(_row(table.name, user)))
    with writing(engine) as connection:
        users = metadata.tables["users"]
        connection.execute(users.delete().where(users.c.id == "u1"))
    with reading(engine) as connection:
        for table in theirs:
            left = connection.execute(select(table)).mappings().all()
            owner = "user_id" if "user_id" in table.c else "connection_id"
            assert [row[owner] for row in left] == ["u2"], table.name
    engine.dispose()


def test_history_and_what_was_read_outlive_their_connection(database_url: str) -> None:
    upgrade(database_url)
    engine = make_engine(database_url)
    names = ("wearable_sync_history", "raw_records", "sleep_sessions")
    with writing(engine) as connection:
        for name in ("users", "wearable_connections", *names):
            connection.execute(insert(metadata.tables[name]).values(_row(name, "u1")))
    with writing(engine) as connection:
        connection.execute(metadata.tables["wearable_connections"].delete())
    with reading(engine) as connection:
        for name in names:
            row = connection.execute(select(metadata.tables[name])).mappings().one()
            assert row["connection_id"] is None
    engine.dispose()


def test_an_unknown_provider_is_refused(database_url: str) -> None:
    upgrade(database_url)
    engine = make_engine(database_url)
    row = _row("wearable_connections", "u1") | {"provider": "abacus"}
    with writing(engine) as connection:
        connection.execute(insert(metadata.tables["users"]).values(_row("users", "u1")))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(metadata.tables["wearable_connections"]).values(row))
    engine.dispose()


def test_a_user_needs_no_email_and_two_share_none(database_url: str) -> None:
    upgrade(database_url)
    engine = make_engine(database_url)
    users = metadata.tables["users"]
    with writing(engine) as connection:
        for key in ("u1", "u2"):
            connection.execute(insert(users).values(_row("users", key) | {"email": None}))
    row = _row("users", "u3") | {"email": "a@b"}
    with writing(engine) as connection:
        connection.execute(insert(users).values(row))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(users).values(row | {"id": "u4"}))
    engine.dispose()


def _row(table: str, user: str) -> dict[str, Any]:
    """A row of that user with something in every column that needs it."""
    known = {
        "id": user,
        "user_id": user,
        "connection_id": user,
        "provider": "fitbit",
        "email": f"{user}@example.org",
        "kind": "rating",
        "state": "wanted",
        "state_hash": user,
        "status": "success",
        "sync_trigger": "manual",
    }
    if table == "wearable_connections":
        known["status"] = "connected"
    row: dict[str, Any] = {}
    for column in metadata.tables[table].c:
        if column.name in known:
            row[column.name] = known[column.name]
        elif not column.nullable:
            row[column.name] = _some(column.type)
    return row


def _some(kind: Any) -> Any:
    return {
        "Instant": dt.datetime(2025, 10, 30, 6, tzinfo=dt.UTC),
        "Day": dt.date(2025, 10, 30),
        "Integer": 1,
        "LargeBinary": b"x",
        "Json": [],
    }.get(type(kind).__name__, "x")


START = """
import sys
from sleepbalance.store.engine import make_engine
from sleepbalance.store.version import ready
assert not ready(make_engine("sqlite:///" + sys.argv[1]))
assert "alembic" not in sys.modules, "a start must not pay for Alembic"
"""


def test_a_start_does_not_import_alembic(sqlite_path: Path) -> None:
    subprocess.run([sys.executable, "-c", START, str(sqlite_path)], check=True)
