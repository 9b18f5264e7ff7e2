"""Opens the data folder: finds its database, brings it up to date, and keeps made-up data apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sleepbalance import folder, providers
from sleepbalance.app.verbs import App
from sleepbalance.errors import UsageError
from sleepbalance.folder import Folder
from sleepbalance.store import purpose, version
from sleepbalance.store.engine import Engine, make_engine, reading, writing


def _silent(_line: str) -> None:
    """Hears nothing."""


@contextmanager
def opened(where: Folder, tell: Callable[[str], None] = _silent) -> Iterator[App]:
    """The data folder with its database at head; made and upgraded where it has to be.

    `tell` hears what an upgrade did to a database that was there before.
    """
    folder.make(where)
    engine = make_engine(where.url)
    try:
        if not version.ready(engine, _registry()):
            before = version.find(where.url).version
            for line in upgrade(where):
                if before is not None:
                    tell(line)
        _keep_apart(where, engine)
        yield App(where, engine)
    finally:
        engine.dispose()


def _keep_apart(where: Folder, engine: Engine) -> None:
    """Made-up and real nights never share a database, wherever that lies."""
    with reading(engine) as connection:
        found = purpose.of(connection)
        used = purpose.used(connection)
    if found == where.purpose:
        return
    if found is None and (where.owns_its_database or not used):
        with writing(engine) as connection:
            purpose.mark(connection, where.purpose or "")
        return
    raise UsageError(
        f"The database is one for {found or 'real nights'}, the folder {where.path} one for"
        f" {where.purpose or 'real nights'}: name another folder or another database."
    )


def upgrade(where: Folder, revision: str = "head") -> list[str]:
    """Brings the database to a revision; gives in words what was done."""
    from sleepbalance.store import upgrade as upgrading  # Alembic is slow to load

    folder.make(where)
    done = upgrading.upgrade(where.url, revision, _registry())
    lines = [f"The database is at {done.after or 'no version yet'}."]
    if done.before != done.after:
        lines = [f"The database went from {done.before or 'nothing'} to {done.after}."]
    if done.backup is not None:
        lines.append(f"What was there before is kept in {done.backup}")
    return [*lines, *done.notes]


def database_status(where: Folder) -> dict[str, Any]:
    """What the database is, which version it has, and what would be done to it."""
    found = version.status(where.url)
    return {
        "what": str(found.what),
        "version": found.version,
        "head": found.head,
        "pending": list(found.pending),
        "backups": [str(path) for path in found.backups],
        "orphans": list(found.orphans),
        "note": found.why,
    }


def _registry() -> Mapping[str, str]:
    return {provider.id: provider.name for provider in providers.load().values()}
