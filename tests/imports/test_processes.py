"""Imports at once, killed, stopped and continued: nothing lost, nothing doubled, nothing mixed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sleepbalance.app import opened
from sleepbalance.folder import Folder
from tests.exports import Export, evenings, hearts, staged
from tests.homes import environment, everything_but_the_log, nights, run, run_json

ROOT = Path(__file__).parents[2]
LIFE = "2"  # seconds that a lease of the driver lives


def export(tmp_path: Path, count: int = 6) -> Path:
    days = evenings("2026-10-20", count)
    samples = [s for day in days for s in (*staged(day), *hearts(day))]
    return Export(samples).write(tmp_path / "export.xml")


def drive(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.imports.driver", *map(str, words)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    out, problems = process.communicate(timeout=120)
    assert process.returncode == code, (process.returncode, out, problems)
    return out.strip()


@pytest.mark.parametrize("several", [False, True])
def test_many_imports_of_one_file_at_once(database_url: str, tmp_path: Path, several: bool) -> None:
    """With `several` each is for a person of its own."""
    path, data = export(tmp_path), tmp_path / "home"
    names = [f"P{n}" for n in range(4)] if several else ["me"] * 4
    for name in sorted(set(names)):
        run("user", "add", name, data=data, url=database_url)

    def take(name: str) -> dict[str, object]:
        found: dict[str, object] = run_json(
            "import", path, "--user", name, data=data, url=database_url
        )
        return found

    with ThreadPoolExecutor(4) as pool:
        attempts = list(pool.map(take, names))
    assert {a["status"] for a in attempts} == {"success"}
    new = sorted(int(str(a["records_inserted"])) for a in attempts)
    assert new == ([6] * 4 if several else [0, 0, 0, 6])
    for name in sorted(set(names)):
        assert len(run_json("nights", "--user", name, data=data, url=database_url)) == 6


def test_two_first_imports_make_one_person(database_url: str, tmp_path: Path) -> None:
    path, data = export(tmp_path), tmp_path / "home"
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: run("import", path, data=data, url=database_url), range(3)))
    assert [d.returncode for d in done] == [0] * 3
    assert len(run_json("user", "list", data=data, url=database_url)) == 1
    assert len(run_json("nights", data=data, url=database_url)) == 6


def test_killed_between_any_two_statements(database_url: str, tmp_path: Path) -> None:
    path = export(tmp_path, 3)
    expected_url = f"sqlite:///{tmp_path / 'expected.db'}"
    with opened(Folder(tmp_path, expected_url, demo=False)) as whole:
        finish(drive(expected_url, path, LIFE))
        expected = nights(whole)
    with opened(Folder(tmp_path, database_url, demo=False)) as app:
        at, killed = 3, 0
        while True:
            process = drive(database_url, path, "1", "--kill-at", str(at))
            process.communicate(timeout=60)
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL
            killed += 1
            assert nights(app) in ([], expected)  # all of it, or none
            at = at + 1 if at < 12 else int(at * 1.35)
        assert killed > 10
        assert nights(app) == expected
        statuses = [row["status"] for row in app.history(None)]
        assert statuses[0] == "success"
        codes = {row["error_code"] for row in app.history(None) if row["status"] == "failed"}
        assert codes == {"INTERRUPTED"}
        before = everything_but_the_log(app)
        finish(drive(database_url, path, LIFE))
        assert everything_but_the_log(app) == before


def test_killed_while_reading(database_url: str, tmp_path: Path) -> None:
    path = export(tmp_path)
    with opened(Folder(tmp_path, database_url, demo=False)) as app:
        process = drive(database_url, path, LIFE, "--pause-at", "20")
        assert process.stdout is not None
        assert process.stdout.readline() == "paused\n"
        (running,) = app.history(None)
        assert running["status"] == "in_progress"
        process.kill()
        process.communicate()
        began = time.monotonic()
        assert finish(drive(database_url, path, LIFE)) == "success"
        assert time.monotonic() - began < 30
        newest, oldest = app.history(None)
        assert (newest["status"], newest["records_inserted"]) == ("success", 6)
        assert (oldest["status"], oldest["error_code"]) == ("failed", "INTERRUPTED")
        assert len(app.nights(None)) == 6


def test_stopped_taken_over_and_continued(database_url: str, tmp_path: Path) -> None:
    path = export(tmp_path)
    with opened(Folder(tmp_path, database_url, demo=False)) as app:
        stopped = drive(database_url, path, LIFE, "--pause-at", "20")
        assert stopped.stdout is not None
        assert stopped.stdin is not None
        stopped.stdout.readline()
        stopped.send_signal(signal.SIGSTOP)
        assert finish(drive(database_url, path, LIFE)) == "success"
        before = everything_but_the_log(app)
        stopped.send_signal(signal.SIGCONT)
        stopped.stdin.write("\n")
        stopped.stdin.flush()
        assert finish(stopped) == "failed"
        assert everything_but_the_log(app) == before
        newest, oldest = app.history(None)
        assert newest["status"] == "success"
        assert (oldest["status"], oldest["error_code"]) == ("failed", "INTERRUPTED")


def test_a_slow_one_is_waited_for(database_url: str, tmp_path: Path) -> None:
    path = export(tmp_path)
    with opened(Folder(tmp_path, database_url, demo=False)) as app:
        slow = drive(database_url, path, LIFE, "--pause-at", "20")
        assert slow.stdout is not None
        assert slow.stdin is not None
        slow.stdout.readline()
        quick = drive(database_url, path, LIFE)
        time.sleep(3 * float(LIFE))
        assert quick.poll() is None  # its lease is renewed: it lives
        slow.stdin.write("\n")
        slow.stdin.flush()
        assert finish(slow) == "success"
        assert finish(quick) == "success"
        newest, oldest = app.history(None)
        assert (oldest["records_inserted"], newest["records_skipped"]) == (6, 6)


def test_a_long_commit_is_no_death(database_url: str, tmp_path: Path) -> None:
    """It writes for longer than its lease would live, while others look and wait."""
    path = export(tmp_path)
    with opened(Folder(tmp_path, database_url, demo=False)) as app:
        slow = drive(database_url, path, LIFE, "--linger", "6")
        assert slow.stdout is not None
        assert slow.stdout.readline() == "writing\n"
        quick = drive(database_url, path, LIFE)
        time.sleep(1.5 * float(LIFE))
        app.stats(None)
        time.sleep(1.5 * float(LIFE))
        assert finish(slow) == "success"
        assert finish(quick) == "success"
        assert [row["status"] for row in app.history(None)] == ["success"] * 2


def test_stopped_by_the_person(tmp_path: Path) -> None:
    data = tmp_path / "home"
    url = f"sqlite:///{data / 'sleepbalance.db'}"
    run("user", "add", "me", data=data)
    process = drive(url, export(tmp_path), LIFE, "--pause-at", "20")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    (attempt,) = run_json("history", data=data)
    assert (attempt["status"], attempt["error_code"]) == ("failed", "INTERRUPTED")
    assert "You stopped it" in attempt["error_message"]
    assert run_json("import", export(tmp_path), data=data)["status"] == "success"
