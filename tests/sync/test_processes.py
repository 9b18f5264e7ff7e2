"""Syncs at once, killed, stopped and continued: nothing lost, nothing doubled, nothing mixed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.store.engine import make_engine
from sleepbalance.store.upgrade import upgrade
from tests.homes import environment
from tests.sync.driver import READING, fill
from tests.sync.maker import make_provider
from tests.sync.world import World, connect

ROOT = Path(__file__).parents[2]
LIFE = "2"  # seconds that a lease of the driver lives
ALL = 22 - 1


@pytest.fixture
def world(world: World, database_url: str) -> World:
    world.provider = make_provider(READING)
    fill(world.maker)
    return world


def drive(world: World, url: str, *words: str, life: str = LIFE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sync.driver", url, world.user_id, world.bond, life, *words],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    out, problems = process.communicate(timeout=120)
    assert process.returncode == code, (process.returncode, out, problems)
    return out.strip().splitlines()[-1] if out.strip() else ""


def kept(world: World) -> dict[str, Any]:
    """What every road must lead to, whoever went it: without ids and times."""
    sessions = [
        (row["external_id"], row["start_at"], row["payload_hash"], row["sleep_date"])
        for row in world.rows("sleep_sessions")
    ]
    raws = [(row["external_id"], row["payload"]) for row in world.rows("raw_records")]
    return {"nights": world.nights(), "sessions": sorted(sessions), "raws": sorted(raws)}


def expected(tmp_path: Path) -> dict[str, Any]:
    url = f"sqlite:///{tmp_path / 'expected.db'}"
    upgrade(url)
    engine = make_engine(url)
    clean = connect(engine)
    clean.provider = make_provider(READING)
    fill(clean.maker)
    clean.sync()
    found = kept(clean)
    engine.dispose()
    return found


def test_killed_between_any_two_statements(world: World, database_url: str, tmp_path: Path) -> None:
    clean = expected(tmp_path)
    assert len(clean["nights"]) == ALL
    at, killed, before = 3, 0, 0
    while True:
        process = drive(world, database_url, "--kill-at", str(at), life="0.5")
        process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        killed += 1
        assert len(world.nights()) >= before  # what a window committed stays
        before = len(world.nights())
        nights = world.nights()
        assert nights == {date: clean["nights"][date] for date in nights}
        at = at + 1 if at < 12 else int(at * 1.3)
    assert killed > 10
    assert kept(world) == clean
    rows = world.history()
    assert {row["error_code"] for row in rows if row["status"] == "failed"} <= {"INTERRUPTED"}
    assert "in_progress" not in {row["status"] for row in rows}
    assert list(world.ranges()) == ["fetched"]


def test_killed_in_the_second_window(world: World, database_url: str, tmp_path: Path) -> None:
    process = drive(world, database_url, "--pause-at", "12")
    assert line(process) == "paused"
    first = world.nights()
    assert 0 < len(first) < ALL
    (running, *_) = world.history()
    assert running["status"] == "in_progress"
    process.kill()
    process.communicate()
    assert set(finish(drive(world, database_url)).split()) == {"success"}
    assert kept(world) == expected(tmp_path)
    (cut,) = (row for row in world.history() if row["status"] == "failed")
    assert cut["error_code"] == "INTERRUPTED"


def test_stopped_taken_over_and_continued(world: World, database_url: str) -> None:
    stopped = drive(world, database_url, "--pause-at", "12")
    assert line(stopped) == "paused"
    stopped.send_signal(signal.SIGSTOP)
    assert finish(drive(world, database_url)).startswith("success")
    before = kept(world), world.ranges()
    stopped.send_signal(signal.SIGCONT)
    go_on(stopped)
    assert finish(stopped) == "success failed"
    assert (kept(world), world.ranges()) == before
    (cut,) = (row for row in world.history() if row["status"] == "failed")
    assert cut["error_code"] == "INTERRUPTED"


def test_a_slow_one_is_waited_for(world: World, database_url: str) -> None:
    slow = drive(world, database_url, "--pause-at", "3")
    assert line(slow) == "paused"
    quick = drive(world, database_url)
    assert line(quick) == "waiting"
    time.sleep(1.5 * float(LIFE))
    assert quick.poll() is None  # the slow one's lease is renewed: it lives
    go_on(slow)
    assert set(finish(slow).split()) == {"success"}
    assert finish(quick) == "success"  # its own sync, of what may have changed
    assert len(world.nights()) == ALL


def test_many_threads_at_once(world: World) -> None:
    """The first one gets its answer when each of the others was told that it waits."""
    told = threading.Semaphore(0)

    def all_wait() -> None:
        assert all(told.acquire(timeout=60) for _ in range(3))

    world.maker.fail("sleeps", all_wait)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: world.sync(waiting=told.release), range(4)))
    inserted = sorted(sum(a["records_inserted"] for a in attempts) for attempts in runs)
    assert inserted == [0, 0, 0, ALL + 1]
    assert {a["status"] for attempts in runs for a in attempts} == {"success"}
    assert not told.acquire(blocking=False)  # each was told once


def test_interrupted_from_the_keyboard(world: World, database_url: str) -> None:
    process = drive(world, database_url, "--pause-at", "12")
    assert line(process) == "paused"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    cut, kept_row = world.history()
    assert (cut["status"], cut["error_code"]) == ("failed", "INTERRUPTED")
    assert "what was committed before stays" in cut["error_message"]
    assert kept_row["status"] == "success"
    assert 0 < len(world.nights()) < ALL
    assert set(finish(drive(world, database_url)).split()) == {"success"}
    assert len(world.nights()) == ALL
