"""Closes attempts that came to nothing."""

from __future__ import annotations

from sleepbalance.store import history
from sleepbalance.store.engine import Engine, writing
from sleepbalance.store.history import Outcome


def fail(engine: Engine, attempt: str, code: str, message: str) -> None:
    """Closes an attempt as failed, unless somebody has closed it."""
    with writing(engine) as connection:
        history.end(connection, attempt, Outcome(status="failed", code=code, message=message))
