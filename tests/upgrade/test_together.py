"""Several processes that start at once upgrade once, and all of them find it done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest

from sleepbalance.store.version import HEAD
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import Form
from tests.upgrade.test_phone_files import filled

UPGRADE = """
import sys
from sleepbalance.store.upgrade import upgrade
sys.stdin.read()
print(upgrade(sys.argv[1]).after)
"""


def _at_once(url: str, number: int = 3) -> None:
    command = [sys.executable, "-c", UPGRADE, url]
    running = [
        subprocess.Popen(command, text=True, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        for _ in range(number)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    for process in running:
        out, errors = process.communicate()
        assert (process.returncode, out.strip(), errors) == (0, HEAD, "")


def test_at_a_phone_file(sqlite_path: Path) -> None:
    _at_once(filled(sqlite_path, Form(9)))
    assert len(phone.contents(sqlite_path)["sleep_sessions"]) == 3
    assert phone.values(sqlite_path, "PRAGMA journal_mode") == ["wal"]
    backups = list(sqlite_path.parent.glob("*.backup"))
    assert len(backups) == 1
    assert phone.values(backups[0], "PRAGMA user_version") == [9]


def test_at_a_fresh_file(sqlite_path: Path) -> None:
    _at_once(f"sqlite:///{sqlite_path}")
    assert [p.name for p in sqlite_path.parent.iterdir()] == [sqlite_path.name]


def test_at_a_server(postgres_url: str) -> None:
    _at_once(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert found == [(HEAD,)]


@pytest.mark.parametrize("target", ["v5", "v7"])
def test_from_a_version_in_between(sqlite_path: Path, target: str) -> None:
    from sleepbalance.store.upgrade import upgrade

    upgrade(f"sqlite:///{sqlite_path}", target)
    _at_once(f"sqlite:///{sqlite_path}")
