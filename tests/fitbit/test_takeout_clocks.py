"""Sleeps of Takeout across a change of the clock, and in flight: what was elapsed is elapsed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import App, opened
from sleepbalance.folder import Folder
from tests.homes import NOW
from tests.takeouts import Takeout, entry

HOUR = 3600


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    url = f"sqlite:///{tmp_path / 'home.db'}"
    with opened(Folder(tmp_path / "home", url, demo=False)) as made:
        yield made


def night(start: str, end: str, hours: float, **more: Any) -> dict[str, Any]:
    """A log that began and ended by the clock, and lasted so long by its duration."""
    begin = dt.datetime.fromisoformat(start)
    stages = ((round(hours * HOUR) - HOUR, "light"), (HOUR, "rem"))
    stated = {"endTime": f"{end}:00.000", "dateOfSleep": end[:10]}
    return entry(begin, stages, round(begin.timestamp()), **stated) | more


def told(app: App, tmp_path: Path, log: dict[str, Any], zone: str = "Europe/Berlin") -> Any:
    path = Takeout().logs("2026-01-01", [log]).zip(tmp_path / "takeout.zip")
    (attempt,) = app.import_paths([path], timezone=zone, now=NOW)
    assert attempt["status"] == "success", attempt["error_message"]
    (row,) = app.nights(None, None, None)
    return row


def ends(row: Any) -> tuple[str, str, int, int]:
    start, end = row["sleep_start_time"], row["sleep_end_time"]
    return start, end, row["total_sleep_time"], row["details"]["time_in_bed"]


CASES = {
    "autumn": (
        night("2026-10-24T23:00", "2026-10-25T06:00", 8),
        ("2026-10-24T23:00:00+02:00", "2026-10-25T06:00:00+01:00", 480, 480),
    ),
    "spring": (
        night("2026-03-28T23:00", "2026-03-29T08:00", 8),
        ("2026-03-28T23:00:00+01:00", "2026-03-29T08:00:00+02:00", 480, 480),
    ),
    "up when the clock shows 02:30 for the second time": (
        night("2024-10-26T22:00", "2024-10-27T02:30", 5.5),
        ("2024-10-26T22:00:00+02:00", "2024-10-27T02:30:00+01:00", 330, 330),
    ),
    "up when it shows 02:30 for the first time": (
        night("2025-10-25T22:00", "2025-10-26T02:30", 4.5),
        ("2025-10-25T22:00:00+02:00", "2025-10-26T02:30:00+02:00", 270, 270),
    ),
    "to bed when it shows 02:30 for the second time": (
        night("2025-10-26T02:30", "2025-10-26T09:00", 6.5),
        ("2025-10-26T02:30:00+01:00", "2025-10-26T09:00:00+01:00", 390, 390),
    ),
    "an end that was only reckoned": (
        night("2026-10-24T23:00", "2026-10-25T07:00", 8),
        ("2026-10-24T23:00:00+02:00", "2026-10-25T06:00:00+01:00", 480, 480),
    ),
    "up in another zone": (
        night("2026-07-01T23:00", "2026-07-02T00:30", 7.5),
        ("2026-07-01T23:00:00+02:00", "2026-07-02T00:30:00-04:00", 450, 450),
    ),
    "up before they went to bed": (
        night("2026-07-01T23:00", "2026-07-01T20:30", 7.5),
        ("2026-07-01T23:00:00+02:00", "2026-07-02T06:30:00+02:00", 450, 450),
    ),
    "a duration that cannot be meant": (
        night("2026-07-01T23:00", "2026-07-02T06:30", 7.5, duration=1_234_000),
        ("2026-07-01T23:00:00+02:00", "2026-07-02T06:30:00+02:00", 450, 450),
    ),
    "a duration in whole minutes": (
        night("2026-07-01T23:00", "2026-07-02T06:30", 7.5, endTime="2026-07-02T06:30:30.000"),
        ("2026-07-01T23:00:00+02:00", "2026-07-02T06:30:00+02:00", 450, 451),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_night_lasts_what_it_lasted(app: App, tmp_path: Path, case: str) -> None:
    log, expected = CASES[case]
    assert ends(told(app, tmp_path, log)) == expected


def test_where_nobody_says_how_long_it_was_the_clock_does(app: App, tmp_path: Path) -> None:
    log = night("2026-10-24T23:00", "2026-10-25T06:00", 8)
    del log["duration"], log["timeInBed"]
    row = told(app, tmp_path, log | {"levels": {}, "minutesAsleep": 400})
    assert row["total_sleep_time"] == 400
    assert row["sleep_date"] == dt.date(2026, 10, 25)


def test_more_sleep_than_there_was_time_is_no_total(app: App, tmp_path: Path) -> None:
    log = night("2026-07-01T23:00", "2026-07-02T06:30", 7.5)
    row = told(app, tmp_path, log | {"levels": {}, "minutesAsleep": 4000})
    assert row["total_sleep_time"] == 450
