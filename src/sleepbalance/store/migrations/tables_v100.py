"""The tables that revision v100 adds, as they were when it was written."""

from __future__ import annotations

PROVIDERS = "CREATE TABLE wearable_providers (id TEXT PRIMARY KEY, name TEXT NOT NULL)"

SEED_PROVIDERS = {
    "fitbit": "Fitbit",
    "apple_health": "Apple Health",
    "google_fit": "Google Fit",
    "garmin": "Garmin",
}

ONE_PER_DATE = (
    "CREATE UNIQUE INDEX IF NOT EXISTS idx_sleep_records_one_per_date"
    " ON sleep_records (user_id, sleep_date)"
)

RAW_RECORDS = """
CREATE TABLE raw_records (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  external_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  companion INTEGER NOT NULL,
  source_key TEXT NOT NULL,
  source_name TEXT NOT NULL,
  source_device TEXT,
  start_at INSTANT,
  end_at INSTANT,
  zone TEXT,
  payload BLOB NOT NULL,
  codec TEXT NOT NULL,
  problem TEXT,
  revised_at INSTANT,
  absent_since INSTANT,
  received_at INSTANT NOT NULL,
  connection_id TEXT REFERENCES wearable_connections (id) ON DELETE SET NULL,
  PRIMARY KEY (user_id, provider, account, external_id)
)"""

SLEEP_SESSIONS = """
CREATE TABLE sleep_sessions (
  id TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  external_id TEXT NOT NULL,
  connection_id TEXT REFERENCES wearable_connections (id) ON DELETE SET NULL,
  source_key TEXT NOT NULL,
  source_name TEXT NOT NULL,
  source_device TEXT,
  door TEXT NOT NULL,
  kind TEXT,
  method TEXT NOT NULL,
  start_at INSTANT NOT NULL,
  end_at INSTANT NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  zone_start TEXT NOT NULL,
  zone_end TEXT NOT NULL,
  zone_from TEXT NOT NULL,
  own_zone_start TEXT,
  own_zone_end TEXT,
  printed_offset INTEGER,
  wall_start TEXT,
  wall_end TEXT,
  sleep_start_at INSTANT,
  sleep_end_at INSTANT,
  light_seconds INTEGER,
  deep_seconds INTEGER,
  rem_seconds INTEGER,
  asleep_seconds INTEGER,
  awake_seconds INTEGER,
  totals TEXT,
  hypnogram TEXT NOT NULL,
  coarse INTEGER NOT NULL,
  parts TEXT NOT NULL,
  in_bed TEXT NOT NULL,
  vitals TEXT NOT NULL,
  maker TEXT NOT NULL,
  maker_date DAY,
  provisional INTEGER NOT NULL,
  revised_at INSTANT,
  superseded_by TEXT,
  absent_since INSTANT,
  hidden_since INSTANT,
  sleep_date DAY,
  payload_hash TEXT NOT NULL,
  created_at INSTANT NOT NULL,
  updated_at INSTANT NOT NULL,
  UNIQUE (user_id, provider, account, external_id)
)"""

SLEEP_EDITS = """
CREATE TABLE sleep_edits (
  id TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  start_at INSTANT,
  end_at INSTANT,
  wall_start TEXT,
  wall_end TEXT,
  sleep_date DAY,
  made_at INSTANT NOT NULL,
  made_by TEXT NOT NULL,
  undone_at INSTANT,
  CONSTRAINT sleep_edits_kind CHECK
    (kind IN ('times', 'not_sleep', 'added', 'kind', 'source', 'rating', 'notes'))
)"""

NIGHT_DETAILS = """
CREATE TABLE night_details (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  sleep_date DAY NOT NULL,
  time_in_bed INTEGER,
  sleep_onset_latency INTEGER,
  latency_to_arising INTEGER,
  sleep_period INTEGER,
  unspecified_sleep_duration INTEGER,
  restless_duration INTEGER,
  unmeasured_duration INTEGER,
  gap_duration INTEGER,
  nap_duration INTEGER,
  sleep_24h INTEGER,
  awakenings INTEGER,
  sleep_efficiency REAL,
  sleep_maintenance_efficiency REAL,
  mid_sleep TEXT,
  awake_scope TEXT,
  avg_hrv_sdnn REAL,
  avg_spo2 REAL,
  min_spo2 REAL,
  parts TEXT NOT NULL,
  naps TEXT NOT NULL,
  other_main_sleeps TEXT NOT NULL,
  alternatives TEXT NOT NULL,
  evening_date DAY,
  provider_date DAY,
  zone TEXT,
  zone_from TEXT,
  provisional INTEGER NOT NULL,
  edited TEXT NOT NULL,
  provider TEXT,
  account TEXT,
  source_key TEXT,
  source_name TEXT,
  sessions TEXT NOT NULL,
  why TEXT,
  provenance TEXT NOT NULL,
  rules_version TEXT NOT NULL,
  row_hash TEXT NOT NULL,
  derived_at INSTANT NOT NULL,
  PRIMARY KEY (user_id, sleep_date)
)"""

SYNC_WINDOWS = """
CREATE TABLE sync_windows (
  id TEXT PRIMARY KEY NOT NULL,
  connection_id TEXT NOT NULL REFERENCES wearable_connections (id) ON DELETE CASCADE,
  date_from DAY NOT NULL,
  date_to DAY NOT NULL,
  state TEXT NOT NULL,
  attempt_id TEXT,
  tries INTEGER NOT NULL DEFAULT 0,
  next_try_at INSTANT,
  CONSTRAINT sync_windows_state CHECK (state IN ('wanted', 'asked', 'fetched', 'refused'))
)"""

LEASES = """
CREATE TABLE leases (
  name TEXT PRIMARY KEY NOT NULL,
  owner TEXT NOT NULL,
  token TEXT NOT NULL,
  until INSTANT NOT NULL
)"""

PEOPLE_ZONES = """
CREATE TABLE people_zones (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  date_from DAY NOT NULL,
  zone TEXT,
  PRIMARY KEY (user_id, date_from)
)"""

SOURCE_ORDER = """
CREATE TABLE source_order (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  source_key TEXT,
  PRIMARY KEY (user_id, position)
)"""

OURS = (
    RAW_RECORDS,
    (
        "CREATE INDEX idx_raw_records_span"
        " ON raw_records (user_id, provider, account, source_key, companion, start_at)"
    ),
    "CREATE INDEX idx_raw_records_zone ON raw_records (user_id, start_at, zone)",
    SLEEP_SESSIONS,
    "CREATE INDEX idx_sleep_sessions_span ON sleep_sessions (user_id, start_at, end_at)",
    "CREATE INDEX idx_sleep_sessions_date ON sleep_sessions (user_id, sleep_date)",
    SLEEP_EDITS,
    "CREATE INDEX idx_sleep_edits_user ON sleep_edits (user_id)",
    NIGHT_DETAILS,
    SYNC_WINDOWS,
    "CREATE INDEX idx_sync_windows_connection ON sync_windows (connection_id, date_from)",
    LEASES,
    PEOPLE_ZONES,
    SOURCE_ORDER,
)
