"""Makes a phone app's files in each form that is known, for tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USERS = """CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE, -- the login, never shown
  password_hash TEXT,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  birth_date TEXT NOT NULL,
  timezone TEXT NOT NULL,
  target_sleep_duration INTEGER,
  target_bed_time TEXT,
  target_wake_time TEXT,
  has_sleep_disorder INTEGER NOT NULL DEFAULT 0,
  sleep_disorder_type TEXT,
  takes_sleep_medication INTEGER NOT NULL DEFAULT 0,
  preferred_unit_system TEXT NOT NULL DEFAULT 'metric'
    CHECK(preferred_unit_system IN ('metric', 'imperial')),
  language TEXT NOT NULL DEFAULT 'en',
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT,
  is_deleted INTEGER NOT NULL DEFAULT 0{more}
)"""

SLEEP_RECORDS = """CREATE TABLE sleep_records (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  sleep_date TEXT NOT NULL,
  bed_time TEXT,
  sleep_start_time TEXT,
  sleep_end_time TEXT,
  wake_time TEXT,
  total_sleep_time INTEGER,
  deep_sleep_duration INTEGER,
  rem_sleep_duration INTEGER,
  light_sleep_duration INTEGER,
  awake_duration INTEGER,
  avg_heart_rate REAL,
  min_heart_rate REAL,
  max_heart_rate REAL,
  avg_hrv REAL,{more}
  avg_breathing_rate REAL,
  quality_rating TEXT{check},
  quality_notes TEXT,
  data_source TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT,
  is_deleted INTEGER NOT NULL DEFAULT 0,{unique}
  FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
)"""

BASELINES = """CREATE TABLE user_sleep_baselines (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  baseline_type TEXT NOT NULL, metric_name TEXT NOT NULL, metric_value REAL NOT NULL,
  data_range_start TEXT NOT NULL, data_range_end TEXT NOT NULL, computed_at TEXT NOT NULL)"""

CONNECTIONS = """CREATE TABLE wearable_connections (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  provider TEXT NOT NULL CHECK(provider IN ('fitbit', 'apple_health', 'google_fit', 'garmin')),
  access_token TEXT NOT NULL,
  refresh_token TEXT,
  token_expires_at TEXT,
  user_external_id TEXT,
  granted_scopes TEXT,
  is_active INTEGER NOT NULL DEFAULT 1,
  connected_at TEXT NOT NULL,
  last_sync_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE(user_id, provider),
  FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
)"""

HISTORY = """CREATE TABLE wearable_sync_history (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  sync_date_from TEXT NOT NULL,
  sync_date_to TEXT NOT NULL,
  sync_started_at TEXT NOT NULL,
  sync_completed_at TEXT,
  status TEXT NOT NULL CHECK(status IN ('success', 'failed', 'partial')),
  records_fetched INTEGER NOT NULL DEFAULT 0,
  records_inserted INTEGER NOT NULL DEFAULT 0,
  records_updated INTEGER NOT NULL DEFAULT 0,
  records_skipped INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
)"""

OF_THE_APP = (
    "CREATE TABLE modules (id TEXT PRIMARY KEY, name TEXT)",
    "CREATE TABLE user_module_configurations (user_id TEXT REFERENCES users(id), module TEXT)",
    "CREATE TABLE intervention_activities (id TEXT PRIMARY KEY, user_id TEXT)",
    "CREATE TABLE daily_actions (id TEXT PRIMARY KEY, user_id TEXT)",
    "CREATE TABLE android_metadata (locale TEXT)",
    "INSERT INTO android_metadata VALUES ('de_DE')",
    "INSERT INTO modules VALUES ('light', 'Light')",
)

AT_8 = """CREATE TABLE email_verification_tokens (
  id TEXT PRIMARY KEY, email TEXT, code TEXT, created_at TEXT, expires_at TEXT,
  verified_at TEXT, is_used INTEGER)"""

AT_9 = (
    "CREATE TABLE sleep_phases (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    """CREATE TABLE sleep_record_sleep_phases (
      id TEXT PRIMARY KEY, started_at TEXT NOT NULL, duration INTEGER NOT NULL,
      sleep_phase_id INTEGER NOT NULL REFERENCES sleep_phases(id),
      sleep_record_id TEXT NOT NULL,
      FOREIGN KEY (sleep_record_id) REFERENCES sleep_records(id) ON DELETE CASCADE)""",
    "INSERT INTO sleep_phases VALUES (1, 'Awake'), (2, 'Light'), (3, 'Deep'), (4, 'REM'), (5, '?')",
)


@dataclass(frozen=True, slots=True)
class Form:
    """One of the forms that a phone app's file may have."""

    version: int = 9
    unique: bool = False
    second_hrv: bool = True
    rating_checked: bool = False
    extra: bool = True  # tables, columns, an index, a view and a trigger that nobody knows
    history: bool = True  # of 7's tables: the second one,
    indexes: bool = True  # and the indexes
    wal: bool = False


FORMS = {
    "5": Form(5, unique=True, second_hrv=False, rating_checked=True, extra=False),
    "5 without the index": Form(5),
    "7": Form(7, unique=True, rating_checked=True),
    "7 half there": Form(7, history=False, indexes=False),
    "8": Form(8, indexes=False),
    "8 in WAL mode": Form(8, wal=True),
    "9": Form(9),
    "9, strict": Form(9, unique=True, rating_checked=True, extra=False),
}


def make(path: Path, form: Form) -> None:
    """A file of that form without rows of sleep."""
    with opened(path) as db:
        if form.wal:
            db.execute("PRAGMA journal_mode=WAL")
        for statement in _statements(form):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {form.version}")


def _statements(form: Form) -> Iterator[str]:
    more = "" if form.version < 8 else ",\n  email_verified INTEGER NOT NULL DEFAULT 0"
    yield USERS.format(more=more)
    yield SLEEP_RECORDS.format(
        more=" avg_heart_rate_variability REAL," if form.second_hrv else "",
        check=" CHECK(quality_rating IN ('bad', 'average', 'good'))" if form.rating_checked else "",
        unique=" UNIQUE(user_id, sleep_date)," if form.unique else "",
    )
    yield "CREATE INDEX idx_sleep_records_user_date ON sleep_records (user_id, sleep_date)"
    yield BASELINES
    yield from OF_THE_APP
    if form.version >= 7:
        yield from _at_7(form)
    if form.version >= 8:
        yield AT_8
    if form.version >= 9:
        yield from AT_9
    if form.extra:
        yield from _extra(form)


def _at_7(form: Form) -> Iterator[str]:
    yield CONNECTIONS
    if form.indexes:
        yield "CREATE INDEX idx_wearable_connections_user ON wearable_connections (user_id)"
    if form.history:
        yield HISTORY


def _extra(form: Form) -> Iterator[str]:
    yield "ALTER TABLE users ADD COLUMN shoe_size REAL CHECK (shoe_size > 0)"
    yield 'ALTER TABLE sleep_records ADD COLUMN "Mood (1-5)" INTEGER'
    yield "CREATE TABLE diary (id INTEGER PRIMARY KEY AUTOINCREMENT, of_record TEXT, line TEXT)"
    yield "CREATE INDEX users_by_shoe ON users (shoe_size) WHERE shoe_size IS NOT NULL"
    yield "CREATE VIEW grown_ups AS SELECT * FROM users WHERE birth_date < '2007'"
    yield """CREATE TRIGGER wipe AFTER DELETE ON sleep_records BEGIN
      DELETE FROM diary WHERE of_record = old.id; END"""
    if form.version >= 7:
        yield "ALTER TABLE wearable_connections ADD COLUMN colour TEXT DEFAULT 'blue'"
        yield """CREATE TRIGGER no_blank BEFORE UPDATE ON wearable_connections
          WHEN new.access_token = '' BEGIN SELECT RAISE(ABORT, 'a token is needed'); END"""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def insert(db: sqlite3.Connection, table: str, *rows: Mapping[str, Any]) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def user(key: str = "u1", timezone: str = "Europe/Berlin", **more: Any) -> dict[str, Any]:
    row = {"id": key, "email": f"{key}@example.org", "first_name": key, "last_name": "Muster"}
    row |= {"birth_date": "1980-01-01", "timezone": timezone}
    return (
        row
        | {"created_at": "2025-01-01T08:00:00.000", "updated_at": "2025-01-01T08:00:00.000"}
        | more
    )


def night(key: str, date: str = "2025-10-30", **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "user_id": "u1",
        "sleep_date": date,
        "bed_time": "2025-10-29T22:50:00.000",
        "sleep_start_time": "2025-10-29T23:10:00.000",
        "sleep_end_time": "2025-10-30T06:40:00.000",
        "wake_time": "2025-10-30T06:55:00.000",
        "total_sleep_time": 430,
        "deep_sleep_duration": 80,
        "rem_sleep_duration": 90,
        "light_sleep_duration": 240,
        "awake_duration": 35,
        "avg_heart_rate": 55.5,
        "min_heart_rate": 48.0,
        "max_heart_rate": 70.0,
        "avg_hrv": 42.0,
        "avg_breathing_rate": 14.2,
        "quality_rating": "good",
        "quality_notes": "slept like a log",
        "data_source": "manual",
        "created_at": "2025-10-30T07:00:00.000",
        "updated_at": "2025-10-30T07:00:00.000",
    } | more


def contents(path: Path, *leaving: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for those named."""
    with opened(path) as db:
        names = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return {
            name: db.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()
            for name in names
            if name not in leaving
        }


def rows(path: Path, sql: str, *values: Any) -> list[dict[str, Any]]:
    with opened(path) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(sql, values)]


def values(path: Path, sql: str, values: Sequence[Any] = ()) -> list[Any]:
    with opened(path) as db:
        return [row[0] for row in db.execute(sql, values)]
