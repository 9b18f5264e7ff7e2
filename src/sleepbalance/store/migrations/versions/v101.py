"""Connections over the network, the purpose of a database, and the skin temperature of a night."""

from __future__ import annotations

from sqlalchemy import Connection

from sleepbalance.store.migrations.spelling import run, under_alembic

revision = "v101"
down_revision = "v100"

OAUTH_STATES = """
CREATE TABLE oauth_states (
  state_hash TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  verifier TEXT NOT NULL,
  expires_at INSTANT NOT NULL
)"""

REFRESHES = """
CREATE TABLE token_refreshes (
  connection_id TEXT PRIMARY KEY NOT NULL REFERENCES wearable_connections (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL,
  sent_at INSTANT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 1
)"""

PAUSES = "CREATE TABLE pauses (name TEXT PRIMARY KEY NOT NULL, until INSTANT NOT NULL)"

ABOUT = "CREATE TABLE about (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)"

SKIN = "ALTER TABLE night_details ADD COLUMN avg_skin_temperature REAL"


def apply(connection: Connection) -> list[str]:
    run(connection, OAUTH_STATES, REFRESHES, PAUSES, ABOUT, SKIN)
    return []


def upgrade() -> None:
    under_alembic(apply)
