"""The seed holds literally: its tables at v7, and every statement of it at v7 and at head.

Where the seed contradicts itself, or SQLite, this is our reading:

- `status='in_progress'` in an example, which its own CHECK forbids: refused at v7, accepted at head
- `NOW()`, which SQLite lacks: its `datetime('now')`
- `(...)`: the columns and values that the text around it means
- two examples insert the same id: each example starts from an empty table
- `sync_completed_at` "NULL if failed" is set in its failed example: both are accepted
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.store.upgrade import upgrade
from sleepbalance.store.version import REVISIONS
from tests.upgrade import phone_files as phone

OURS = Path(__file__).with_name("seed.md")
ORIGINAL = Path(__file__).parents[3] / "shared" / "seed" / "migration_v7.md"
SEEDS = [seed for seed in (OURS, ORIGINAL) if seed.exists()]

FILLED = {
    "INSERT INTO wearable_sync_history (...)\nVALUES (..., status='in_progress', ...)": """
        INSERT INTO wearable_sync_history
          (id, user_id, provider, sync_date_from, sync_date_to, sync_started_at, status)
        VALUES ('sync_uuid', 'user123', 'fitbit', '2025-10-22', '2025-10-29',
          '2025-10-29 08:00:00', 'in_progress')""",
    "INSERT OR REPLACE INTO sleep_records (...) VALUES (...)": """
        INSERT OR REPLACE INTO sleep_records
          (id, user_id, sleep_date, total_sleep_time, data_source, created_at, updated_at)
        VALUES ('night', 'user123', '2025-10-29', 420, 'fitbit', '2025-10-29 08:00:00',
          '2025-10-29 08:00:00')""",
}


def statements(seed: Path) -> list[str]:
    """Every statement in the seed's blocks of code, its placeholders filled."""
    found = []
    for block in re.findall(r"```(?:sql|dart)\n(.*?)```", seed.read_text(), re.DOTALL):
        code = re.sub(r"^\s*(?://|--).*$", "", block, flags=re.MULTILINE)
        for statement in code.split(";"):
            plain = "\n".join(line.strip() for line in statement.strip().splitlines())
            if plain:
                found.append(FILLED.get(plain, plain).replace("NOW()", "datetime('now')"))
    return found


def is_forbidden(statement: str) -> bool:
    return "'in_progress'" in statement


@pytest.fixture(params=REVISIONS[1:])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def db(sqlite_path: Path, version: str) -> Any:
    upgrade(f"sqlite:///{sqlite_path}", version)
    with phone.opened(sqlite_path) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        phone.insert(connection, "users", phone.user("user123"))
        yield connection


def test_the_fixture_has_every_statement_of_the_seed() -> None:
    read = [statements(seed) for seed in SEEDS]
    assert all(found == read[0] for found in read)
    assert len(read[0]) == 13


@pytest.mark.parametrize("seed", SEEDS, ids=[seed.name for seed in SEEDS])
def test_every_statement_runs(db: sqlite3.Connection, version: str, seed: Path) -> None:
    for statement in statements(seed):
        if statement.startswith("INSERT INTO wearable_sync_history"):
            db.execute("DELETE FROM wearable_sync_history")
        if is_forbidden(statement) and version == "v7":
            with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
                db.execute(statement)
        else:
            db.execute(statement).fetchall()


CONNECTION = {
    "id": "c",
    "user_id": "user123",
    "provider": "fitbit",
    "access_token": "",
    "connected_at": "2025-10-29 10:00:00",
    "created_at": "2025-10-29 10:00:00",
    "updated_at": "2025-10-29 10:00:00",
}
ATTEMPT = {
    "id": "a",
    "user_id": "user123",
    "provider": "fitbit",
    "sync_date_from": "2025-10-22",
    "sync_date_to": "2025-10-29",
    "sync_started_at": "2025-10-29 08:00:00",
    "status": "success",
}


@pytest.mark.parametrize(
    ("table", "row", "words"),
    [
        (
            "wearable_connections",
            CONNECTION | {"id": "d", "provider": "abacus"},
            "CHECK|FOREIGN KEY",
        ),
        ("wearable_connections", CONNECTION | {"id": "d"}, "UNIQUE"),
        ("wearable_connections", CONNECTION | {"id": "d", "user_id": "nobody"}, "FOREIGN KEY"),
        ("wearable_connections", CONNECTION | {"id": "d", "access_token": None}, "NOT NULL"),
        ("wearable_sync_history", ATTEMPT | {"status": "maybe"}, "CHECK"),
        ("wearable_sync_history", ATTEMPT | {"user_id": "nobody"}, "FOREIGN KEY"),
        ("wearable_sync_history", ATTEMPT | {"records_fetched": None}, "NOT NULL"),
    ],
)
def test_what_the_constraints_refuse(
    db: sqlite3.Connection, table: str, row: dict[str, Any], words: str
) -> None:
    phone.insert(db, "wearable_connections", CONNECTION)
    with pytest.raises(sqlite3.IntegrityError, match=words):
        phone.insert(db, table, row)


@pytest.mark.parametrize("version", ["v7"])
def test_the_columns_stand_as_the_seed_lists_them(db: sqlite3.Connection) -> None:
    for table, sql in (
        ("wearable_connections", phone.CONNECTIONS),
        ("wearable_sync_history", phone.HISTORY),
    ):
        wanted = sqlite3.connect(":memory:")
        wanted.execute(sql)
        for pragma in ("table_xinfo", "foreign_key_list"):
            query = f"PRAGMA {pragma}({table})"
            assert db.execute(query).fetchall() == wanted.execute(query).fetchall()
        wanted.close()
    listed = db.execute(
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name LIKE 'wearable_%' ORDER BY 1"
    )
    assert listed.fetchall() == [
        ("idx_sync_history_status", "wearable_sync_history"),
        ("idx_sync_history_user_time", "wearable_sync_history"),
        ("idx_wearable_connections_provider_active", "wearable_connections"),
        ("idx_wearable_connections_user", "wearable_connections"),
    ]
    assert db.execute("PRAGMA user_version").fetchone() == (7,)
    assert db.execute("PRAGMA index_info(idx_sync_history_user_time)").fetchall() == [
        (0, 1, "user_id"),
        (1, 5, "sync_started_at"),
    ]


@pytest.mark.parametrize("status", ["connected", "needs_reconnect", "paused", "ended"])
@pytest.mark.parametrize("version", ["v101"])
def test_what_head_accepts_besides(db: sqlite3.Connection, status: str) -> None:
    phone.insert(db, "wearable_connections", CONNECTION | {"status": status})
    for trigger in ("manual", "automatic", "background", "webhook", "import", "backfill"):
        row = {"id": trigger, "status": "in_progress", "sync_trigger": trigger}
        phone.insert(db, "wearable_sync_history", ATTEMPT | row)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        phone.insert(db, "wearable_sync_history", ATTEMPT | {"sync_trigger": "whim"})
    with pytest.raises(sqlite3.IntegrityError, match="wearable_connections_status"):
        db.execute("UPDATE wearable_connections SET status = 'odd'")
