"""Many commands at once, and commands that are killed: no connection and no night is lost."""

from __future__ import annotations

import datetime as dt
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import select, update

from sleepbalance.store.engine import make_engine, reading, sqlite_url, writing
from sleepbalance.store.tables import leases
from tests.connect.played import MAKER, Makers, Shell, same_as_the_truth
from tests.homes import PROGRAM

MANY = 20
FIRST = dt.date(2026, 11, 8)
PATIENCE = 300  # seconds, on a busy computer
LAPSED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def begun(shell: Shell, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, "--data", str(shell.data), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=shell.environ,
    )


def counted(played: Makers, path: str) -> int:
    """How often the makers were asked there."""
    asked = played.get("/-/requests")["summary"]
    return sum(int(row["count"]) for row in asked if row["path"].endswith(path))


@pytest.fixture
def shell_anywhere(tmp_path: Path, database_url: str, played: Makers) -> Shell:
    return Shell(tmp_path / "data", played, {"SLEEPBALANCE_DATABASE_URL": database_url})


def test_twenty_commands_refresh_once(shell_anywhere: Shell, played: Makers) -> None:
    shell = shell_anywhere
    played.post("/-/settings", {MAKER: {"rotating": True}})
    shell.connect()
    played.move(hours=2)
    played._send("DELETE", "/-/requests", None)
    running = [begun(shell, "sync", "--from", str(FIRST), "--json") for _ in range(MANY)]
    done = [(process.communicate(timeout=PATIENCE), process.returncode) for process in running]
    assert [code for _, code in done] == [0] * MANY, done
    assert counted(played, "/token") == 1
    (row,) = shell.json("connections")
    assert row["status"] == "connected"
    log = shell.json("history", "--limit", "100")
    assert [attempt["status"] for attempt in log] == ["success"] * MANY
    assert sum(attempt["records_inserted"] > 0 for attempt in log) == 1
    assert sum(attempt["records_updated"] for attempt in log) == 0
    same_as_the_truth(shell.json("nights"), played.truth(first=str(FIRST)))
    played.move(hours=2)
    assert {attempt["status"] for attempt in shell.json("sync")} == {
        "success"
    }  # the new pair works


@pytest.mark.parametrize("moments", [(0, 3, 9), (1, 14, 6, 2), (25, 31)])
def test_killed_first_syncs(shell: Shell, played: Makers, moments: tuple[int, ...]) -> None:
    shell.connect(person="2")
    played.fault("slow", seconds=0.03)
    for requests in moments:
        killed_after(shell, played, requests)
        lapse(shell)
        known = {night["sleep_date"]: night["total_sleep_time"] for night in shell.json("nights")}
        truth = {n["sleep_date"]: n["total_sleep_time"] for n in played.truth("2")}
        assert known.items() <= truth.items()
    played.heal()
    assert {attempt["status"] for attempt in shell.json("sync")} == {"success"}
    same_as_the_truth(shell.json("nights"), played.truth("2"))
    log = shell.json("history", "--limit", "100")
    assert "in_progress" not in {attempt["status"] for attempt in log}
    assert {a["error_code"] for a in log} == {None, "INTERRUPTED"}
    assert left(shell) == []


def test_a_killed_sync_is_taken_over(shell: Shell, played: Makers) -> None:
    """By the lease's own end, which nobody hurries here."""
    shell.connect()
    killed_after(shell, played, 4, "--from", str(FIRST))
    (attempt,) = shell.json("sync", "--from", str(FIRST))
    assert attempt["status"] == "success"
    same_as_the_truth(shell.json("nights"), played.truth(first=str(FIRST)))


def killed_after(shell: Shell, played: Makers, requests: int, *words: str) -> None:
    """Kills a sync once the makers have answered so often."""
    played._send("DELETE", "/-/requests", None)
    process = begun(shell, "sync", *words)
    while counted(played, "") < requests and process.poll() is None:
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()


def lapse(shell: Shell) -> None:
    """As if the time had passed for which a dead process is waited for."""
    engine = make_engine(sqlite_url(shell.data / "sleepbalance.db"))
    with writing(engine) as connection:
        connection.execute(update(leases).values(until=LAPSED))
    engine.dispose()


def left(shell: Shell) -> list[str]:
    engine = make_engine(sqlite_url(shell.data / "sleepbalance.db"))
    with reading(engine) as connection:
        found = list(connection.execute(select(leases.c.name)).scalars())
    engine.dispose()
    return found
