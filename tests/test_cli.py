"""The command as a person uses it: what it prints, where, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from sleepbalance.store.tables import sleep_records, wearable_sync_history
from tests.exports import Export, Sample, evenings, hearts, staged
from tests.homes import PROGRAM, environment, run, run_json

SEED = [c.name for c in wearable_sync_history.columns]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a week of nights in it; only looked at."""
    folder = tmp_path_factory.mktemp("home")
    samples = [s for day in evenings("2026-10-20", 7) for s in (*staged(day), *hearts(day))]
    samples += staged("2026-10-22", begin="14:00", hours=1.5)
    samples += [
        Sample("2026-10-20T22:30:00", "2026-10-21T06:50:00", "InBed", "Test iPhone", zone=None),
        Sample("2026-10-28T22:30:00", "2026-10-29T06:50:00", "InBed", "Test iPhone", zone=None),
    ]
    run("import", Export(samples).write(folder / "export.zip"), data=folder / "data")
    return folder / "data"


def test_import_says_what_it_did_in_lines_that_can_be_checked(tmp_path: Path) -> None:
    path = Export(staged("2026-10-20")).write(tmp_path / "export.zip")
    done = run("import", path, data=tmp_path / "data")
    lines = done.stdout.splitlines()
    assert len(lines) <= 10
    assert "24 read = 24 used + 0 repeated + 0 set aside" in done.stdout
    assert "1 = 1 new + 0 changed + 0 known already" in done.stdout
    assert "Tue 20 → Wed 21 Oct: 7 h 18 min asleep (23:00–06:30)" in done.stdout
    assert done.stderr.strip() == "Nobody was here yet: made the user 'me'."


def test_import_as_json_is_the_attempt_and_nothing_else(tmp_path: Path) -> None:
    path = Export(staged("2026-10-20")).write(tmp_path / "export.zip")
    attempt = run_json("import", path, data=tmp_path / "data")
    assert list(attempt) == SEED
    assert attempt == run_json("history", data=tmp_path / "data")[0]
    assert attempt["sync_started_at"] <= attempt["sync_completed_at"]
    assert len(attempt["sync_started_at"]) == len("2026-11-22 12:00:00")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("letter.txt", b"Dear diary"),
        ("empty.xml", b""),
        ("photo.zip", b"PK\x05\x06" + bytes(18)),
        ("page.xml", b"<html></html>"),
    ],
)
def test_what_nobody_knows_is_usage(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    done = run("import", tmp_path / name, data=tmp_path / "data", check=2)
    assert "What can be imported" in done.stderr or "nothing in it" in done.stderr
    assert done.stdout == ""
    assert run_json("history", data=tmp_path / "data") == []


def test_what_is_not_there_is_usage(tmp_path: Path) -> None:
    done = run("import", tmp_path / "nowhere.zip", data=tmp_path / "data", check=2)
    assert "nowhere.zip" in done.stderr
    assert run_json("history", data=tmp_path / "data") == []


def test_nothing_usable_is_a_failure(tmp_path: Path) -> None:
    path = Export().write(tmp_path / "export.xml")
    done = run("import", path, data=tmp_path / "data", check=1)
    assert "Nothing was imported from export.xml" in done.stdout
    attempt = run_json("import", path, data=tmp_path / "data", check=1)
    assert (attempt["status"], attempt["records_fetched"]) == ("failed", 0)


def test_partial_is_a_success_that_says_why(tmp_path: Path) -> None:
    odd = Sample("2026-10-21T03:00:00", "2026-10-21T03:10:00", "Dreaming")
    path = Export([*staged("2026-10-20"), odd]).write(tmp_path / "export.xml")
    done = run("import", path, data=tmp_path / "data")
    assert "with something set aside" in done.stdout
    assert "Dreaming" in done.stdout


def test_nights_in_a_pipe_are_plain(home: Path) -> None:
    done = run("nights", data=home)
    assert "\x1b" not in done.stdout
    assert "Tue 20 → Wed 21 Oct" in done.stdout
    assert "in bed only time in bed is known" in done.stdout


def test_nights_as_json_are_keyed_by_the_columns(home: Path) -> None:
    nights = run_json("nights", data=home)
    assert len(nights) == 8
    columns = [c.name for c in sleep_records.columns]
    assert all(list(night) == [*columns, "naps", "details"] for night in nights)
    assert [len(night["naps"]) for night in nights] == [0, 1, 0, 0, 0, 0, 0, 0]
    some = run_json("nights", "--from", "2026-10-22", "--to", "2026-10-24", data=home)
    assert [night["sleep_date"] for night in some] == ["2026-10-22", "2026-10-23", "2026-10-24"]


def test_nights_as_csv(home: Path) -> None:
    done = run("nights", "--csv", data=home)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 8
    assert list(rows[0]) == [c.name for c in sleep_records.columns]
    assert rows[0]["total_sleep_time"] == "438"
    assert run("nights", "--csv", "--json", data=home, check=2).stdout == ""


@pytest.mark.parametrize(
    ("said", "date"),
    [("last", "2026-10-29"), ("-1", "2026-10-27"), ("2026-10-21", "2026-10-21")],
)
def test_a_night_is_named_by_date_or_from_the_end(home: Path, said: str, date: str) -> None:
    assert run_json("night", said, data=home)["sleep_date"] == date


@pytest.mark.parametrize("said", ["-99", "2026-10-01", "yesterday", "2026-13-01"])
def test_a_night_that_is_none_is_usage(home: Path, said: str) -> None:
    assert run("night", said, data=home, check=2).stderr


def test_a_night_shows_its_hypnogram_its_sources_and_its_origins(home: Path) -> None:
    done = run("night", "2026-10-21", data=home)
    assert "█" in done.stdout
    assert "hypnogram of Test Watch" in done.stdout
    assert "time in bed by Test iPhone" in done.stdout
    assert "Test iPhone was not taken" in done.stdout
    assert "Zone: Europe/Berlin, as the record says" in done.stdout
    assert "Skin temperature" not in done.stdout  # nobody told it


def test_history_is_filtered(home: Path) -> None:
    assert len(run_json("history", data=home)) == 1
    assert run_json("history", "--provider", "nobody", data=home) == []
    assert run_json("history", "--status", "failed", data=home) == []
    assert len(run_json("history", "--since", "7d", "--limit", "1", data=home)) == 1
    assert run_json("history", "--since", "2100-01-01", data=home) == []
    assert run("history", "--status", "odd", data=home, check=2).stderr
    assert run("history", "--since", "soon", data=home, check=2).stderr
    heads, line = run("history", data=home).stdout.splitlines()  # of an import that is all
    assert heads.startswith("Started")
    assert "import" in line


def test_stats(home: Path) -> None:
    (row,) = run_json("stats", data=home)
    assert (row["attempts"], row["success"], row["success_rate"]) == (1, 1, 100.0)
    assert "100 %" in run("stats", data=home).stdout


def test_people_and_zones(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "Nobody yet" in run("user", "list", data=data).stdout
    run("user", "add", "Ann", data=data)
    run("user", "add", "Ann", data=data, check=2)
    assert [p["name"] for p in run_json("user", "list", data=data)] == ["Ann"]
    assert "0 nights changed" in run("zone", "set", "Asia/Tokyo", data=data).stdout
    assert "no time zone" in run("zone", "set", "Mars/Base", data=data, check=2).stderr
    backwards = ("zone", "set", "Asia/Tokyo", "--from", "2026-02-01", "--until", "2026-01-01")
    assert "lies before" in run(*backwards, data=data, check=2).stderr
    assert "no user 'Bob'" in run("nights", "--user", "Bob", data=data, check=2).stderr


def test_what_is_kept_is_private(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    for data in (tmp_path / "own", tmp_path / "shared"):
        run("user", "add", "Ann", data=data)
        assert [p.name for p in data.iterdir() if p.stat().st_mode & 0o077] == []


def test_nobody_yet(tmp_path: Path) -> None:
    assert run_json("nights", data=tmp_path / "data") == []
    assert "Import something" in run("nights", data=tmp_path / "data").stdout
    last = run("night", "last", data=tmp_path / "data", check=2).stderr
    assert "There are no nights here. Import something" in last
    assert "nobody here yet" in run("zone", "set", "UTC", data=tmp_path / "data", check=2).stderr


def test_the_data_folder_may_be_named_before_or_after(home: Path) -> None:
    before = run("nights", data=home).stdout
    words = [PROGRAM, "nights", "--data", str(home)]
    after = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    assert after.stdout == before
    env = environment() | {"SLEEPBALANCE_DATA": str(home)}
    by_name = subprocess.run(
        [PROGRAM, "nights"], capture_output=True, text=True, env=env, check=True
    )
    assert by_name.stdout == before


def test_the_database_says_what_it_is(home: Path, tmp_path: Path) -> None:
    status = run_json("db", "status", data=home)
    assert (status["version"], status["head"]) == ("v101", "v101")
    assert "version: v101" in run("db", "status", data=home).stdout
    assert "The database is at v101" in run("db", "upgrade", data=home).stdout
    fresh = tmp_path / "fresh"
    assert "nothing to v7" in run("db", "upgrade", "v7", data=fresh).stdout
    assert "v7 to v101" in run("db", "upgrade", data=fresh).stdout
    assert run("db", "upgrade", "v6", data=fresh, check=2).stderr


def test_a_folder_that_is_a_file_is_usage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "is a file" in run("nights", data=tmp_path / "file", check=2).stderr


def test_the_demo_is_marked_everywhere_and_takes_no_real_data(tmp_path: Path) -> None:
    data = tmp_path / ".demo"
    shown = run("demo", data=data)
    assert shown.stdout.startswith("DEMO")
    assert "sleepbalance import" in shown.stdout
    for words in (("nights",), ("night", "last"), ("history",), ("stats",), ("user", "list")):
        assert run(*words, data=data).stdout.startswith("DEMO")
        found = run_json(*words, data=data)
        assert all(o["demo"] is True for o in (found if isinstance(found, list) else [found]))
    rows = list(csv.DictReader(io.StringIO(run("nights", "--csv", data=data).stdout)))
    assert {row["demo"] for row in rows} == {"true"}
    real = Export(staged("2026-10-20")).write(tmp_path / "export.zip")
    assert "demo folder" in run("import", real, data=data, check=2).stderr
    again = run("demo", data=data)
    assert len(run_json("user", "list", data=data)) == 1
    assert again.stdout == shown.stdout


def test_the_demo_clears_nothing_that_is_no_demo(home: Path, tmp_path: Path) -> None:
    assert "no demo folder" in run("demo", data=home, check=2).stderr
    assert len(run_json("nights", data=home)) == 8
    words = [PROGRAM, "demo"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 2


def test_made_up_data_stays_out_of_real_folders(tmp_path: Path) -> None:
    from sleepbalance import providers

    demos = [d.demo for p in providers.load().values() for d in p.files if d.demo is not None]
    for demo in demos:
        done = run("import", demo, data=tmp_path / "data", check=2)
        assert "made-up demo data" in done.stderr


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    evil = "Watch&#27;[31m[bold]red[/bold]"
    xml = Export(staged("2026-10-20")).xml().replace('"Test Watch"', f'"{evil}"')
    (tmp_path / "export.xml").write_text(xml, encoding="utf-8")
    run("import", tmp_path / "export.xml", data=tmp_path / "data", check=None)
    for words in (("nights",), ("history",)):
        assert "\x1b" not in run(*words, data=tmp_path / "data", check=None).stdout


def test_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run("import", Export(staged("2026-10-20")).write(tmp_path / "e.xml"), data=data)
    evil = "\x1b[2J\x1b[31m"
    with closing(sqlite3.connect(data / "sleepbalance.db")) as db, db:
        for table, columns in (
            ("sleep_records", ("bed_time", "quality_notes")),
            ("wearable_sync_history", ("provider", "error_message")),
            ("night_details", ("why", "source_name", "zone")),
        ):
            for column in columns:
                db.execute(f"UPDATE {table} SET {column} = '2026-10-20' || ?", (evil,))
    path = tmp_path / f"{evil}.xml"
    path.write_bytes((tmp_path / "e.xml").read_bytes())
    for words in (
        ("nights",),
        ("night", "last"),
        ("history",),
        ("stats",),
        ("db", "status"),
        ("import", path),
    ):
        done = run(*words, data=data, check=None)
        assert "\x1b" not in done.stdout + done.stderr, words


def test_zones_are_places(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run("user", "add", "Ann", data=data)
    for name in ("localtime", "posixrules", "+aa", "+2", "..", "/etc/localtime"):
        assert "no time zone" in run("zone", "set", name, data=data, check=2).stderr


def test_one_real_file_among_made_up_ones_is_refused(tmp_path: Path) -> None:
    data = tmp_path / ".demo"
    run("demo", data=data)
    mixed = tmp_path / "mixed"
    Export(staged("2026-10-20")).write(mixed / "real.xml")
    made_up = Export(staged("2026-10-20")).xml().replace("]>", "<!-- sleepbalance:demo -->]>")
    (mixed / "demo.xml").write_text(made_up)
    assert "demo folder" in run("import", mixed, data=data, check=2).stderr


def test_a_long_import_shows_a_bar_on_a_terminal_only(tmp_path: Path) -> None:
    """A pipe sees none, which the other tests hold; here the terminal is a real one."""
    path = Export(staged("2026-10-20")).write(tmp_path / "export.xml")
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [PROGRAM, "--data", str(tmp_path / "data"), "import", str(path)],
        stdout=theirs,
        stderr=theirs,
        env=environment() | {"TERM": "xterm"},
        check=True,
        timeout=60,
    )
    os.close(theirs)
    text = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "Imported export.xml" in text


def test_help_is_quick_to_load() -> None:
    """`--help` loads neither the database nor the tables it would print."""
    code = (
        "import sys, sleepbalance.cli; heavy = {'sqlalchemy', 'alembic', 'rich', 'msgspec'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    python = str(Path(PROGRAM).with_name("python"))
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []
    assert "sleepbalance 0" in run("--version", data=Path("unused")).stdout
