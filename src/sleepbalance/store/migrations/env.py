"""Runs revisions on the connection that the upgrade holds, inside its open transaction."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
