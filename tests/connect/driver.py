"""What processes of their own do with a sandbox folder, for tests."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import signal
from multiprocessing.context import ForkServerContext
from pathlib import Path

from sleepbalance.app import opened
from sleepbalance.folder import Folder
from tests.connect.played import Home, Makers
from tests.imports.driver import kill_at

Dates = tuple[dt.date | None, dt.date | None]


def processes() -> ForkServerContext:
    """Where they come from: quickly, and without threads or locks of ours."""
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["tests.connect.driver"])
    return start


def killed_sync(home: Home, dates: Dates, statement: int) -> bool:
    """Syncs in a process that is killed at that statement; whether it lived so long."""
    where = home.app.folder
    given = (where.path, where.url, home.makers.url, home.edges, dates, statement)
    victim = processes().Process(target=_sync, args=given)
    victim.start()
    victim.join(60)
    assert victim.exitcode in (0, -signal.SIGKILL), victim.exitcode
    return victim.exitcode != 0


def _sync(
    path: Path, url: str, makers: str, edges: dict[str, float], dates: Dates, statement: int
) -> None:
    with opened(Folder(path, url, sandbox=True)) as app:
        kill_at(app.engine, statement)
        Home(app, Makers(makers), edges=edges).sync(*dates)
