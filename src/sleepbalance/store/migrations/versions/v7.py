"""The seed's two tables, exactly: connections to wearables, and every attempt to sync."""

from __future__ import annotations

from sqlalchemy import Connection

from sleepbalance.store.migrations.spelling import run, under_alembic

revision = "v7"
down_revision = "v5"

CONNECTIONS = """
CREATE TABLE IF NOT EXISTS wearable_connections (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  provider TEXT NOT NULL
    CHECK (provider IN ('fitbit', 'apple_health', 'google_fit', 'garmin')),
  access_token TEXT NOT NULL,
  refresh_token TEXT,
  token_expires_at INSTANT,
  user_external_id TEXT,
  granted_scopes TEXT,
  is_active INTEGER NOT NULL DEFAULT 1,
  connected_at INSTANT NOT NULL,
  last_sync_at INSTANT,
  created_at INSTANT NOT NULL,
  updated_at INSTANT NOT NULL,
  UNIQUE (user_id, provider),
  FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)"""

HISTORY = """
CREATE TABLE IF NOT EXISTS wearable_sync_history (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  sync_date_from DAY NOT NULL,
  sync_date_to DAY NOT NULL,
  sync_started_at INSTANT NOT NULL,
  sync_completed_at INSTANT,
  status TEXT NOT NULL CHECK (status IN ('success', 'failed', 'partial')),
  records_fetched INTEGER NOT NULL DEFAULT 0,
  records_inserted INTEGER NOT NULL DEFAULT 0,
  records_updated INTEGER NOT NULL DEFAULT 0,
  records_skipped INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)"""


def apply(connection: Connection) -> list[str]:
    run(
        connection,
        CONNECTIONS,
        "CREATE INDEX IF NOT EXISTS idx_wearable_connections_user"
        " ON wearable_connections (user_id)",
        "CREATE INDEX IF NOT EXISTS idx_wearable_connections_provider_active"
        " ON wearable_connections (provider, is_active)",
        HISTORY,
        "CREATE INDEX IF NOT EXISTS idx_sync_history_user_time"
        " ON wearable_sync_history (user_id, sync_started_at)",
        "CREATE INDEX IF NOT EXISTS idx_sync_history_status ON wearable_sync_history (status)",
    )
    return []


def upgrade() -> None:
    under_alembic(apply)
