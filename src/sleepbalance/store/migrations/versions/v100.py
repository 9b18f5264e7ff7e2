"""Ours: sessions, raw records, edits, details, windows and leases beside the app's tables."""

from __future__ import annotations

from alembic import op

from sleepbalance.store.migrations import relax, tables_v100
from sleepbalance.store.migrations.spelling import run

revision = "v100"
down_revision = "v7"


def upgrade() -> None:
    connection = op.get_bind()
    run(connection, tables_v100.PROVIDERS)
    relax.add_known_providers(connection)
    relax.the_apps_tables(connection)
    relax.forget_clear_tokens(connection)
    run(connection, *tables_v100.OURS)
    run(connection, tables_v100.ONE_PER_DATE)
