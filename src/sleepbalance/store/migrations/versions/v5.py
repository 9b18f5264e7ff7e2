"""What the phone app has of the tables that we use, at its schema 5."""

from __future__ import annotations

from sqlalchemy import Connection

from sleepbalance.store.migrations.spelling import run, under_alembic

revision = "v5"
down_revision = None

# A phone app's file has these already, in one of several forms: what is there is adopted.
USERS = """
CREATE TABLE IF NOT EXISTS users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
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
  preferred_unit_system TEXT NOT NULL DEFAULT 'metric',
  language TEXT NOT NULL DEFAULT 'en',
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT,
  is_deleted INTEGER NOT NULL DEFAULT 0
)"""

SLEEP_RECORDS = """
CREATE TABLE IF NOT EXISTS sleep_records (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  sleep_date DAY NOT NULL,
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
  avg_hrv REAL,
  avg_breathing_rate REAL,
  quality_rating TEXT,
  quality_notes TEXT,
  data_source TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  synced_at TEXT,
  is_deleted INTEGER NOT NULL DEFAULT 0,
  UNIQUE (user_id, sleep_date),
  FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)"""

BASELINES = """
CREATE TABLE IF NOT EXISTS user_sleep_baselines (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  baseline_type TEXT NOT NULL CHECK (baseline_type IN ('7_day', '30_day', 'all_time')),
  metric_name TEXT NOT NULL,
  metric_value REAL NOT NULL,
  data_range_start DAY NOT NULL,
  data_range_end DAY NOT NULL,
  computed_at TEXT NOT NULL,
  FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)"""


def apply(connection: Connection) -> list[str]:
    run(
        connection,
        USERS,
        SLEEP_RECORDS,
        "CREATE INDEX IF NOT EXISTS idx_sleep_records_user_date"
        " ON sleep_records (user_id, sleep_date)",
        "CREATE INDEX IF NOT EXISTS idx_sleep_records_quality"
        " ON sleep_records (user_id, quality_rating)",
        BASELINES,
    )
    return []


def upgrade() -> None:
    under_alembic(apply)
