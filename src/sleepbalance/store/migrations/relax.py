"""Widens the tables that were there before revision v100 to what we write into them."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from sleepbalance.store.engine import clock
from sleepbalance.store.migrations import sqlite_schema
from sleepbalance.store.migrations.ddl import Change
from sleepbalance.store.migrations.spelling import run
from sleepbalance.store.migrations.tables_v100 import SEED_PROVIDERS
from sleepbalance.store.tables import wearable_connections, wearable_providers

STATUS_OF_CONNECTION = (
    "CHECK (status IN ('connected', 'needs_reconnect', 'paused', 'ended', 'disconnected'))"
)
STATUS_OF_ATTEMPT = "CHECK (status IN ('success', 'failed', 'partial', 'in_progress'))"
TRIGGER = (
    "CHECK (sync_trigger IN ('manual', 'automatic', 'background', 'webhook', 'import', 'backfill'))"
)

COLUMNS = {
    "wearable_connections": (
        "status TEXT NOT NULL DEFAULT 'connected'",
        "status_reason TEXT",
        "status_since INSTANT",
        "door TEXT",
        "consent_expires_at INSTANT",
        "push_token_hash TEXT",
    ),
    "wearable_sync_history": (
        "sync_trigger TEXT",
        "connection_id TEXT REFERENCES wearable_connections (id) ON DELETE SET NULL",
        "lease TEXT",
        "detail TEXT",
    ),
}

CHANGES = {
    "users": (Change("email", nullable=True),),
    "wearable_connections": (
        Change("provider", unchecked=True, append=" REFERENCES wearable_providers (id)"),
        Change(
            "status",
            unchecked=True,
            append=f" CONSTRAINT wearable_connections_status {STATUS_OF_CONNECTION}",
        ),
    ),
    "wearable_sync_history": (
        Change("status", unchecked=True, append=f" {STATUS_OF_ATTEMPT}"),
        Change("sync_trigger", unchecked=True, append=f" {TRIGGER}"),
    ),
}

POSTGRESQL = (
    "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
    "ALTER TABLE wearable_connections DROP CONSTRAINT wearable_connections_provider_check",
    "ALTER TABLE wearable_connections ADD FOREIGN KEY (provider) REFERENCES wearable_providers",
    (
        "ALTER TABLE wearable_connections"
        f" ADD CONSTRAINT wearable_connections_status {STATUS_OF_CONNECTION}"
    ),
    "ALTER TABLE wearable_sync_history DROP CONSTRAINT wearable_sync_history_status_check",
    f"ALTER TABLE wearable_sync_history ADD {STATUS_OF_ATTEMPT}",
    f"ALTER TABLE wearable_sync_history ADD {TRIGGER}",
)


def add_known_providers(connection: Connection) -> None:
    """The seed's four ids, and whatever else the connections that are there name."""
    used = connection.scalars(select(wearable_connections.c.provider).distinct())
    known = {provider: provider for provider in used} | SEED_PROVIDERS
    rows = [{"id": provider, "name": name} for provider, name in known.items()]
    connection.execute(insert(wearable_providers), rows)


def the_apps_tables(connection: Connection) -> None:
    """New columns, an e-mail that may be missing, providers by foreign key, more outcomes."""
    for table, columns in COLUMNS.items():
        there = sqlite_schema.columns(connection, table)
        new = [c for c in columns if c.split()[0] not in there]
        run(connection, *(f"ALTER TABLE {table} ADD COLUMN {column}" for column in new))
    if connection.dialect.name == "sqlite":
        for table, changes in CHANGES.items():
            sqlite_schema.change(connection, table, changes)
    else:
        run(connection, *POSTGRESQL)


def forget_clear_tokens(connection: Connection) -> list[str]:
    """Blanks the tokens that were stored before anything sealed them: they are never used."""
    now = clock(connection)
    table = wearable_connections
    connection.execute(
        table.update().where(table.c.is_active == 0).values(status="disconnected", status_since=now)
    )
    stored = (table.c.access_token != "") | (table.c.refresh_token.is_not(None))
    connection.execute(
        table.update()
        .where(stored, table.c.is_active != 0)
        .values(
            status="needs_reconnect",
            status_reason="the stored token was not sealed",
            status_since=now,
        )
    )
    blanked = connection.execute(
        table.update()
        .where(stored)
        .values(access_token="", refresh_token=None, token_expires_at=None, updated_at=now)
    ).rowcount
    return [f"wearable_connections: {blanked} unsealed tokens erased"] if blanked else []
