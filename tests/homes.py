"""Data folders for tests: opened in this process, or through the command as a person would."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sleepbalance.app import App
from sleepbalance.store.engine import reading
from sleepbalance.store.tables import metadata
from tests import forked

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PROGRAM = str(Path(sys.executable).with_name("sleepbalance"))
NONE: Mapping[str, str] = {}
FLEETING = {"id", "created_at", "updated_at", "derived_at", "received_at", "connection_id"}


def rows(app: App, *tables: str) -> dict[str, list[Any]]:
    """Whole tables as sorted rows, to be compared."""
    found = {}
    with reading(app.engine) as connection:
        for name in tables or [t.name for t in metadata.sorted_tables]:
            table = metadata.tables[name]
            listed = [tuple(row) for row in connection.execute(select(table))]
            found[name] = sorted(listed, key=repr)
    return found


def nights(app: App) -> list[Any]:
    """All nights with all details, without ids and the times of writing."""
    return [_without_ids(night) for night in app.nights(None)]


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        fleeting = FLEETING | {"session", "sessions", "user_id"}
        return {k: _without_ids(v) for k, v in value.items() if k not in fleeting}
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    return value


def everything_but_the_log(app: App) -> dict[str, list[Any]]:
    """Every row that a repeated import must leave as it is."""
    kept = [
        t.name
        for t in metadata.sorted_tables
        if t.name not in ("wearable_sync_history", "leases", "wearable_connections")
    ]
    return rows(app, *kept)


def run(
    *words: str | Path,
    data: Path,
    url: str | None = None,
    check: int | None = 0,
    settings: Mapping[str, str] = NONE,
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; no traceback is ever right."""
    environ = environment(url) | dict(settings)
    done = forked.run(["--data", str(data), *map(str, words)], environ)
    assert "Traceback" not in done.stderr, done.stderr
    if check is not None:
        assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
    return done


def environment(url: str | None = None) -> dict[str, str]:
    """What a command sees: nothing of the caller's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SLEEPBALANCE_")}
    return kept | ({"SLEEPBALANCE_DATABASE_URL": url} if url else {})


def run_json(*words: str | Path, data: Path, url: str | None = None, check: int = 0) -> Any:
    """What the command prints with --json."""
    return json.loads(run(*words, "--json", data=data, url=url, check=check).stdout)
