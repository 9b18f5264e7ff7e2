"""Ours: sessions, raw records, edits, details, windows and leases beside the app's tables."""

from __future__ import annotations

from sqlalchemy import Connection

from sleepbalance.store.migrations import app_rows, relax, sqlite_schema, tables_v100
from sleepbalance.store.migrations.spelling import run, under_alembic

revision = "v100"
down_revision = "v7"


def apply(connection: Connection) -> list[str]:
    notes: list[str] = []
    with sqlite_schema.without_triggers(connection):
        run(connection, tables_v100.PROVIDERS)
        relax.add_known_providers(connection)
        relax.the_apps_tables(connection)
        notes += relax.forget_clear_tokens(connection)
        run(connection, *tables_v100.OURS)
        notes += app_rows.take_over(connection)
        run(connection, tables_v100.ONE_PER_DATE)
    return notes


def upgrade() -> None:
    under_alembic(apply)
