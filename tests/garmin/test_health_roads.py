"""The Health API's bodies all the way to nights: versions, moved starts, naps, places."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import App, accepting, opened
from sleepbalance.app.outside import Outside
from sleepbalance.folder import Folder
from tests.garmin.health_made import ME, NIGHT, Json, beside, by_hand, nap, sleep
from tests.homes import everything_but_the_log

Accept = Callable[..., dict[str, Any]]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with opened(Folder(tmp_path / "home", f"sqlite:///{tmp_path / 'a.db'}", demo=False)) as made:
        yield made


@pytest.fixture
def accept(app: App, tmp_path: Path) -> Accept:
    def taken(**told: Any) -> dict[str, Any]:
        path = tmp_path / "body.json"
        path.write_text(json.dumps(told), encoding="utf-8")
        return accepting.accept(Outside(app, {}), "garmin", path, account=ME).row()

    return taken


def the_night(app: App) -> Any:
    (night,) = app.nights(None)
    return night


def span(app: App) -> tuple[str, str]:
    night = the_night(app)
    return night["sleep_start_time"][11:16], night["sleep_end_time"][11:16]


TENTATIVE = sleep(night=NIGHT[:3], validation="AUTO_TENTATIVE")
FINAL = sleep()
MOVED = sleep(begin=20)


@pytest.mark.parametrize("bodies", [(TENTATIVE, FINAL), (FINAL, TENTATIVE)])
@pytest.mark.parametrize("final", [FINAL, MOVED])
def test_the_final_night_stands_whichever_came_first(
    app: App, accept: Accept, bodies: tuple[Json, Json], final: Json
) -> None:
    for told in bodies:
        accept(sleeps=[final if told is FINAL else told])
    night = the_night(app)
    assert span(app) == (("23:00", "06:00") if final is FINAL else ("23:20", "06:20"))
    assert (night["total_sleep_time"], night["details"]["provisional"]) == (410, 0)
    assert (night["deep_sleep_duration"], night["rem_sleep_duration"]) == (60, 50)
    assert night["details"]["alternatives"] == []


def test_of_two_final_starts_the_last_to_come_stands(app: App, accept: Accept) -> None:
    """Within one second, in which the store tells no order."""
    accept(sleeps=[FINAL])
    accept(sleeps=[MOVED])
    assert span(app) == ("23:20", "06:20")
    before = everything_but_the_log(app)
    again = accept(sleeps=[FINAL])  # played again: it is known, and stays the older one
    assert (again["records_inserted"], again["records_updated"]) == (0, 0)
    assert everything_but_the_log(app) == before


def test_what_was_taken_back_is_not_played_in_again(app: App, accept: Accept) -> None:
    off = sleep(night=(), validation="OFF_WRIST", sleepLevelsMap={})
    for told in (FINAL, off, FINAL):
        accept(sleeps=[told])
    assert [night for night in app.nights(None) if not night["is_deleted"]] == []
    accept(sleeps=[sleep(night=NIGHT[:4])])  # news
    assert span(app) == ("23:00", "03:00")


def test_the_same_body_twice_changes_nothing(app: App, accept: Accept) -> None:
    told = {
        "sleeps": [sleep(naps=[nap(900, 30), nap(1000, 20, "MANUAL")])],
        "hrv": [beside(0, 420, lastNightAvg=44)],
        "allDayRespiration": [beside(30 + 15 * n, 15) for n in range(4)],
    }
    first = accept(**told)
    before = everything_but_the_log(app)
    second = accept(**told)
    assert (first["records_inserted"], second["records_skipped"]) == (3, 3)
    assert everything_but_the_log(app) == before


def test_what_comes_late_goes_with_the_night(app: App, accept: Accept) -> None:
    accept(sleeps=[FINAL])
    accept(hrv=[beside(0, 420, lastNightAvg=44)])
    assert the_night(app)["avg_hrv"] == 44


def test_a_nap_that_is_told_no_more_is_gone(app: App, accept: Accept) -> None:
    accept(sleeps=[sleep(naps=[nap(900, 30), nap(1000, 20)])])
    assert the_night(app)["details"]["nap_duration"] == 50
    accept(sleeps=[sleep(naps=[nap(900, 30)])])
    assert the_night(app)["details"]["nap_duration"] == 30


def test_a_night_off_the_wrist_is_taken_back(app: App, accept: Accept) -> None:
    accept(sleeps=[TENTATIVE])
    assert the_night(app)["details"]["provisional"] == 1
    accept(sleeps=[sleep(night=(), validation="OFF_WRIST", sleepLevelsMap={})])
    assert [night for night in app.nights(None) if not night["is_deleted"]] == []


@pytest.mark.parametrize("first", ["device", "hand"])
def test_a_hand_entry_never_replaces_what_was_measured(
    app: App, accept: Accept, first: str
) -> None:
    bodies = [{"sleeps": [FINAL]}, {"sleeps": [by_hand(begin=-30, minutes=480)]}]
    for told in bodies if first == "device" else reversed(bodies):
        accept(**told)
    assert span(app) == ("23:00", "06:00")
    (other,) = the_night(app)["details"]["alternatives"]
    assert other["source_key"] == "garmin#manual"


def test_a_hand_entry_under_the_same_id_leaves_the_stages(app: App, accept: Accept) -> None:
    accept(sleeps=[FINAL])
    accept(sleeps=[by_hand(minutes=420)])
    night = the_night(app)
    assert (night["deep_sleep_duration"], night["rem_sleep_duration"]) == (60, 50)
    (other,) = night["details"]["alternatives"]
    assert other["source_key"] == "garmin#manual"


def test_no_level_makes_more_sleep_than_there_was_time(app: App, accept: Accept) -> None:
    told = sleep()
    told["sleepLevelsMap"]["light"][-1]["endTimeInSeconds"] += 10 * 86_400
    row = accept(sleeps=[told])
    assert row["error_message"] is not None
    assert "tells a level that cannot be read" in row["error_message"]
    assert span(app) == ("23:00", "06:00")
    assert the_night(app)["total_sleep_time"] == 410


def test_the_night_of_the_clock_ends_in_its_new_offset_where_that_is_proven(
    app: App, accept: Accept
) -> None:
    """In Europe the clock went back on 2026-10-25 at 01:00 UTC."""
    evening = -27 * 24 * 60 - 60
    told = sleep(begin=evening, startTimeOffsetInSeconds=7200, calendarDate="2026-10-25")
    late = beside(evening + 405, 15, startTimeOffsetInSeconds=3600)
    accept(sleeps=[told], allDayRespiration=[late])
    night = the_night(app)
    assert night["sleep_start_time"] == "2026-10-24T23:00:00+02:00"
    assert night["sleep_end_time"] == "2026-10-25T05:00:00+01:00"
    assert night["details"]["zone_from"] == "record"
    assert night["total_sleep_time"] == 410
