"""The history of the schema: Alembic's environment, one revision per schema version."""
