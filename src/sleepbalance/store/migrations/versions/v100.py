"""Ours: sessions, raw records, edits, details, windows and leases beside the app's tables."""

from __future__ import annotations

from alembic import context, op

from sleepbalance.store.migrations import app_rows, relax, sqlite_schema, tables_v100
from sleepbalance.store.migrations.spelling import run

revision = "v100"
down_revision = "v7"


def upgrade() -> None:
    connection = op.get_bind()
    notes: list[str] = context.config.attributes["notes"]
    with sqlite_schema.without_triggers(connection):
        run(connection, tables_v100.PROVIDERS)
        relax.add_known_providers(connection)
        relax.the_apps_tables(connection)
        notes += relax.forget_clear_tokens(connection)
        run(connection, *tables_v100.OURS)
        notes += app_rows.take_over(connection)
        run(connection, tables_v100.ONE_PER_DATE)
