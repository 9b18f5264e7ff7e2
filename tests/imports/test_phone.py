"""An export beside the phone app's own nights: theirs stay, and what the person said stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import App, opened
from sleepbalance.folder import Folder
from tests.exports import Export, evenings, hearts, staged
from tests.homes import NOW, run

USER = "u1"
APP_FILE = """
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, password_hash TEXT,
  first_name TEXT NOT NULL, last_name TEXT NOT NULL, birth_date TEXT NOT NULL,
  timezone TEXT NOT NULL, target_sleep_duration INTEGER, target_bed_time TEXT,
  target_wake_time TEXT, has_sleep_disorder INTEGER NOT NULL DEFAULT 0, sleep_disorder_type TEXT,
  takes_sleep_medication INTEGER NOT NULL DEFAULT 0,
  preferred_unit_system TEXT NOT NULL DEFAULT 'metric', language TEXT NOT NULL DEFAULT 'en',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, synced_at TEXT,
  is_deleted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE sleep_records (id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE, sleep_date TEXT NOT NULL,
  bed_time TEXT, sleep_start_time TEXT, sleep_end_time TEXT, wake_time TEXT,
  total_sleep_time INTEGER, deep_sleep_duration INTEGER, rem_sleep_duration INTEGER,
  light_sleep_duration INTEGER, awake_duration INTEGER, avg_heart_rate REAL, min_heart_rate REAL,
  max_heart_rate REAL, avg_hrv REAL, avg_breathing_rate REAL, quality_rating TEXT,
  quality_notes TEXT, data_source TEXT NOT NULL, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, synced_at TEXT, is_deleted INTEGER NOT NULL DEFAULT 0);
CREATE INDEX idx_sleep_records_user_date ON sleep_records (user_id, sleep_date);
INSERT INTO users (id, email, first_name, last_name, birth_date, timezone, created_at, updated_at)
  VALUES ('u1', 'default@sleepbalance.app', 'Default', 'User', '1990-01-01', 'UTC',
  '2026-01-01T00:00:00.000', '2026-01-01T00:00:00.000');
PRAGMA user_version = 5;
"""


def app_row(date: str, before: str, **more: Any) -> dict[str, Any]:
    """A night as the app wrote it, naive and local."""
    return {
        "id": f"app-{date}",
        "user_id": USER,
        "sleep_date": date,
        "bed_time": f"{before}T22:50:00.000",
        "sleep_start_time": f"{before}T23:15:00.000",
        "sleep_end_time": f"{date}T06:20:00.000",
        "wake_time": f"{date}T06:40:00.000",
        "total_sleep_time": 400,
        "data_source": "manual",
        "created_at": "2026-10-01T08:00:00.000",
        "updated_at": "2026-10-01T08:00:00.000",
        **more,
    }


def write(path: Path, *rows: dict[str, Any]) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for row in rows:
            marks = ", ".join("?" * len(row))
            sql = f"INSERT OR REPLACE INTO sleep_records ({', '.join(row)}) VALUES ({marks})"
            db.execute(sql, tuple(row.values()))


def stands(path: Path, date: str) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        row = db.execute("SELECT * FROM sleep_records WHERE sleep_date = ?", (date,)).fetchone()
        return dict(row)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "phone.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(APP_FILE)
    said = {"quality_rating": "good", "quality_notes": "slept like a log"}
    write(
        path,
        app_row("2026-10-21", "2026-10-20", **said),
        app_row("2026-10-22", "2026-10-21", is_deleted=1),
        app_row("2026-10-23", "2026-10-22", **said),
        app_row("2026-10-24", "2026-10-23"),
    )
    return path


@pytest.fixture
def app(file: Path, tmp_path: Path) -> Iterator[App]:
    with opened(Folder(tmp_path / "home", f"sqlite:///{file}", demo=False)) as made:
        yield made


def take(app: App, tmp_path: Path, *nights: str) -> None:
    samples = [s for day in nights for s in (*staged(day), *hearts(day))]
    attempt = app.import_path(Export(samples).write(tmp_path / "export.xml"), now=NOW)
    assert attempt["status"] == "success"


def test_nights_of_other_dates_stay_in_every_column(app: App, file: Path, tmp_path: Path) -> None:
    dates = ["2026-10-21", "2026-10-22", "2026-10-23", "2026-10-24"]
    before = [stands(file, date) for date in dates]
    take(app, tmp_path, *evenings("2026-10-24", 3), "2026-10-18", "2026-10-19")
    assert [stands(file, date) for date in dates] == before
    assert len(app.nights(None)) == 9


def test_the_times_are_the_devices_and_the_words_the_persons(
    app: App, file: Path, tmp_path: Path
) -> None:
    before = stands(file, "2026-10-21")
    take(app, tmp_path, "2026-10-20")
    night = stands(file, "2026-10-21")
    assert night["id"] == before["id"]
    assert night["sleep_start_time"] == "2026-10-20T23:00:00+02:00"
    assert night["total_sleep_time"] == 438
    assert night["data_source"] == "apple_health"
    assert (night["quality_rating"], night["quality_notes"]) == ("good", "slept like a log")
    (row,) = [n for n in app.nights(None) if str(n["sleep_date"]) == "2026-10-21"]
    assert [other["provider"] for other in row["details"]["alternatives"]] == ["app"]


def test_what_was_said_not_to_be_sleep_stays_so(app: App, file: Path, tmp_path: Path) -> None:
    take(app, tmp_path, "2026-10-21")
    night = stands(file, "2026-10-22")
    assert night["is_deleted"] == 1
    assert night["total_sleep_time"] is None
    assert night["sleep_start_time"] is None


def test_a_nap_on_the_date_of_an_old_night_leaves_its_columns(
    app: App, file: Path, tmp_path: Path
) -> None:
    before = stands(file, "2026-10-24")
    samples = staged("2026-10-24", begin="14:00", hours=1.5)
    app.import_path(Export(samples).write(tmp_path / "export.xml"), now=NOW)
    after = stands(file, "2026-10-24")
    assert {k: v for k, v in after.items() if k != "updated_at"} == {
        k: v for k, v in before.items() if k != "updated_at"
    }
    (row,) = [n for n in app.nights(None) if str(n["sleep_date"]) == "2026-10-24"]
    assert len(row["naps"]) == 1


def test_a_row_that_the_app_writes_later_is_taken_over(
    app: App, file: Path, tmp_path: Path
) -> None:
    take(app, tmp_path, "2026-10-20")
    said = {"quality_rating": "bad", "quality_notes": "the neighbours"}
    write(file, app_row("2026-10-21", "2026-10-20", **said) | {"id": "fresh"})
    write(file, app_row("2026-11-01", "2026-10-31"))
    take(app, tmp_path, "2026-10-20", "2026-10-21")
    night = stands(file, "2026-10-21")
    assert (night["quality_rating"], night["quality_notes"]) == ("bad", "the neighbours")
    later = stands(file, "2026-11-01")
    take(app, tmp_path, "2026-10-31")
    again = stands(file, "2026-11-01")
    assert again["id"] == later["id"]
    assert again["total_sleep_time"] == 438


def test_the_person_is_told_where_the_old_file_is(file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{file}"
    first = run("nights", data=tmp_path / "home", url=url)
    assert "5 to v101" in first.stderr
    assert ".backup" in first.stderr
    assert "Wed 21 Oct" in first.stdout
    assert run("nights", data=tmp_path / "home", url=url).stderr == ""


def test_importing_again_changes_nothing(app: App, file: Path, tmp_path: Path) -> None:
    take(app, tmp_path, *evenings("2026-10-20", 6))
    dates = [f"2026-10-{day}" for day in range(21, 27)]
    before = [stands(file, date) for date in dates]
    take(app, tmp_path, *evenings("2026-10-20", 6))
    assert [stands(file, date) for date in dates] == before
