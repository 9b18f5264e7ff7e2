"""Kills an upgrade before its first, second, ... last statement, and looks what is left.

Run as `python -m tests.upgrade.cut FOLDER [ORIGINAL]`; prints a JSON object. It forks, so that
each cut costs a fraction of a process that starts anew; nothing in the program knows of it.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from sleepbalance.store.upgrade import upgrade
from sleepbalance.store.version import REVISIONS, find
from tests.upgrade import phone_files as phone

OURS = ("sleep_sessions", "raw_records", "sleep_edits", "wearable_connections")


def main(folder: Path, original: Path | None) -> None:
    expected: dict[str | None, Any] = {v: _uncut(folder, original, v) for v in REVISIONS}
    if original is not None:
        expected[None] = _state(original)
    met: Counter[str | None] = Counter()
    healed: set[tuple[str | None, frozenset[str]]] = set()
    for number in itertools.count(1):
        path = _copy(folder, original, "cut.db")
        if not _cut(path, number):
            break
        version = find(f"sqlite:///{path}").version
        key = version if version in expected else None
        met[key] += 1
        if path.exists() and path.stat().st_size:
            assert _state(path) == expected[key], (number, version)
        # Equal states with equal files beside them need not be brought to head twice.
        beside = frozenset(p.name.partition(".before-")[0] for p in folder.glob("cut.db*"))
        if (key, beside) not in healed:
            healed.add((key, beside))
            upgrade(f"sqlite:///{path}")
            assert _state(path) == expected[REVISIONS[-1]], (number, version)
            assert phone.values(path, "PRAGMA journal_mode") == ["wal"], number
    print(json.dumps({str(version): count for version, count in met.items()}))


def _copy(folder: Path, original: Path | None, name: str) -> Path:
    for old in folder.glob(f"{name}*"):
        old.unlink()
    if original is not None:
        shutil.copy(original, folder / name)
    return folder / name


def _uncut(folder: Path, original: Path | None, version: str) -> Any:
    path = _copy(folder, original, "whole.db")
    upgrade(f"sqlite:///{path}", version)
    return _state(path)


def _state(path: Path) -> Any:
    """The schema and every row; of our own rows, whose ids and times differ, how many."""
    schema = phone.rows(path, "SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
    rows = phone.contents(path, *OURS)
    counts = {name: len(found) for name, found in phone.contents(path).items()}
    return schema, rows, counts, phone.values(path, "PRAGMA integrity_check")


def _cut(path: Path, number: int) -> bool:
    """Upgrades in a child that dies before its n-th statement; False where it had fewer."""
    child = os.fork()
    if child == 0:
        _die_at(number)
        upgrade(f"sqlite:///{path}")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, number
    return False


def _die_at(number: int) -> None:
    """Dies before the n-th of: a statement, opening a database, naming a backup."""
    left = itertools.count(number - 1, -1)

    def step(*_: object) -> None:
        if next(left) <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(step)

    def audited(happening: str, _arguments: object) -> None:
        if happening in ("sqlite3.connect", "os.rename"):
            step()

    event.listen(Engine, "connect", traced)
    sys.addaudithook(audited)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
