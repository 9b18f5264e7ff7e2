"""The account export as a person hands it over: by the verb that every door calls."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import App, opened
from sleepbalance.folder import Folder
from tests.garmin import exported

DATE = dt.date(2026, 11, 12)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with opened(Folder(tmp_path / "home", f"sqlite:///{tmp_path / 'home.db'}", demo=False)) as made:
        yield made


def taken(app: App, folder: Path, *records: Any, until: str = "2026-11-13") -> dict[str, Any]:
    """The attempt of importing one bare file."""
    path = folder / f"2026-08-05_{until}_7_sleepData.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    return app.import_path(path)


def night(**told: Any) -> dict[str, Any]:
    return exported.night(DATE, 3, **{"retro": False, "napList": [], **told})


def test_two_years_come_by_one_zip(app: App, tmp_path: Path) -> None:
    path = tmp_path / "long.zip"
    path.write_bytes(exported.export(2, 9, last=dt.date(2026, 11, 13), folder="a/b/"))
    attempt = app.import_path(path, timezone="Europe/Berlin")
    assert attempt["status"] == "success"
    found = app.nights(None)
    assert 500 < len(found) < 731
    assert all(n["total_sleep_time"] and n["avg_heart_rate"] for n in found)
    assert sum(n["avg_hrv"] is not None for n in found) > 400
    assert {n["sleep_end_time"][-6:] for n in found} == {"+01:00", "+02:00"}
    again = app.import_path(path)
    assert (again["records_inserted"], again["records_updated"]) == (0, 0)
    assert app.nights(None) == found


def test_without_a_zone_a_night_has_garmins_date(app: App, tmp_path: Path) -> None:
    far = {
        "sleepStartTimestampGMT": "2026-11-11T14:00:00.0",  # 23:00 in Tokyo
        "sleepEndTimestampGMT": "2026-11-11T22:00:00.0",
    }
    taken(app, tmp_path, night(**far))
    assert [n["sleep_date"] for n in app.nights(None)] == [DATE]


def test_one_bad_record_stops_no_other(app: App, tmp_path: Path) -> None:
    attempt = taken(app, tmp_path, night(), {"sleepStartTimestampGMT": "soon"})
    assert (attempt["status"], attempt["records_inserted"]) == ("partial", 1)
    assert attempt["detail"]["set_aside"] == 1


def test_a_newer_file_replaces_and_an_older_one_takes_nothing_back(
    app: App, tmp_path: Path
) -> None:
    def asleep() -> list[int]:
        return [n["total_sleep_time"] for n in app.nights(None)]

    taken(app, tmp_path, night(deepSleepSeconds=3600, lightSleepSeconds=3600, remSleepSeconds=0))
    assert asleep() == [120]
    newer = night(deepSleepSeconds=3600, lightSleepSeconds=7200, remSleepSeconds=0)
    taken(app, tmp_path, newer, until="2026-12-13")
    assert asleep() == [180]
    taken(app, tmp_path, night(deepSleepSeconds=60, lightSleepSeconds=60, remSleepSeconds=0))
    assert asleep() == [180]


def test_a_hand_entry_that_a_device_took_over_is_one_night(app: App, tmp_path: Path) -> None:
    stages = ("deepSleepSeconds", "lightSleepSeconds", "remSleepSeconds")
    by_hand = night(sleepWindowConfirmationType="MANUALLY_CONFIRMED", **dict.fromkeys(stages, 0))
    taken(app, tmp_path, by_hand)
    (before,) = app.nights(None)
    assert before["details"]["source_key"] == "garmin#manual"
    taken(app, tmp_path, night(), until="2026-12-13")
    (after,) = app.nights(None)
    assert after["details"]["source_key"] == "garmin"
    assert after["deep_sleep_duration"] == round(night()["deepSleepSeconds"] / 60)


def test_off_the_wrist_hides_what_was_told_before(app: App, tmp_path: Path) -> None:
    taken(app, tmp_path, night())
    lay = {"calendarDate": str(DATE), "sleepWindowConfirmationType": "OFF_WRIST"}
    taken(app, tmp_path, lay, until="2026-12-13")
    assert [n for n in app.nights(None) if not n["is_deleted"]] == []
