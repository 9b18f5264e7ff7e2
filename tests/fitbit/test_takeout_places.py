"""Where a log of Takeout lay, of which no row tells it: what its neighbours and its clock say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import App, opened
from sleepbalance.folder import Folder
from tests.fitbit.test_takeout_clocks import night
from tests.homes import NOW, nights
from tests.takeouts import DATA, Takeout

HEADER = "sleep_id,sleep_type,start_utc_offset,sleep_start,end_utc_offset,sleep_end,data_source"
HOME = "Europe/Berlin"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    url = f"sqlite:///{tmp_path / 'home.db'}"
    with opened(Folder(tmp_path / "home", url, demo=False)) as made:
        yield made


def row(start: str, end: str) -> str:
    """A row of a sleep, "2026-03-02T23:50+09:00" at either end."""
    told = []
    for at in (start, end):
        told += [at[16:], f"{dt.datetime.fromisoformat(at).astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"]
    return f"{start},STAGES,{','.join(told)},DERIVED"


def archive(logs: Sequence[dict[str, Any]], rows: Sequence[str]) -> Takeout:
    return Takeout().logs("2026-01-01", logs).table(f"{DATA}/UserSleeps_1.csv", HEADER, rows)


def told(app: App, tmp_path: Path, takeout: Takeout, zone: str | None = HOME) -> dict[str, Any]:
    (attempt,) = app.import_paths([takeout.zip(tmp_path / "a.zip")], timezone=zone, now=NOW)
    assert attempt["status"] == "success", attempt["error_message"]
    return {str(night["sleep_date"]): night for night in app.nights(None)}


def ends(row: dict[str, Any]) -> tuple[str, str]:
    return row["bed_time"], row["wake_time"]


EVENING = night("2026-03-01T22:10", "2026-03-02T06:40", 8.5)
AUTUMN = night("2026-10-24T23:00", "2026-10-25T06:30", 8.5)
SPRING = night("2026-03-29T23:30", "2026-03-30T06:10", 20 / 3)
HOMEWARD = night("2026-05-11T23:30", "2026-05-12T06:10", 20 / 3)
# what a log says, the rows of other nights, where the person lives, what must be shown
CASES: dict[str, tuple[dict[str, Any], list[str], str | None, tuple[str, str]]] = {
    "abroad on the next night": (
        EVENING,
        [row("2026-03-02T23:50+09:00", "2026-03-03T07:00+09:00")],
        HOME,
        ("2026-03-01T22:10:00+09:00", "2026-03-02T06:40:00+09:00"),
    ),
    "abroad the night before, over the date line": (
        night("2026-03-02T23:50", "2026-03-03T07:00", 43 / 6),
        [row("2026-03-01T23:10-11:00", "2026-03-02T06:40-11:00")],
        "Pacific/Kiritimati",
        ("2026-03-02T23:50:00-11:00", "2026-03-03T07:00:00-11:00"),
    ),
    "abroad the night before, nobody knows where home is": (
        night("2026-03-02T23:30", "2026-03-03T06:50", 22 / 3),
        [row("2026-03-01T23:10+09:00", "2026-03-02T06:40+09:00")],
        None,
        ("2026-03-02T23:30:00+09:00", "2026-03-03T06:50:00+09:00"),
    ),
    "at home before the clock is put back": (
        AUTUMN,
        [row("2026-10-23T23:00+02:00", "2026-10-24T07:00+02:00")],
        HOME,
        ("2026-10-24T23:00:00+02:00", "2026-10-25T06:30:00+01:00"),
    ),
    "before the clock is put back, nobody knows where": (
        AUTUMN,
        [row("2026-10-23T23:00+02:00", "2026-10-24T07:00+02:00")],
        None,
        ("2026-10-24T23:00:00+02:00", "2026-10-25T06:30:00+01:00"),
    ),
    "at home after the clock was put back": (
        AUTUMN,
        [row("2026-10-25T23:00+01:00", "2026-10-26T07:00+01:00")],
        HOME,
        ("2026-10-24T23:00:00+02:00", "2026-10-25T06:30:00+01:00"),
    ),
    "after the clock was put back, nobody knows where": (
        AUTUMN,
        [row("2026-10-25T23:00+01:00", "2026-10-26T07:00+01:00")],
        None,
        ("2026-10-24T23:00:00+02:00", "2026-10-25T06:30:00+01:00"),
    ),
    "the clock is put back at home, and then they fly": (
        AUTUMN,
        [row("2026-10-26T01:00+09:00", "2026-10-26T07:00+09:00")],
        HOME,
        ("2026-10-24T23:00:00+02:00", "2026-10-25T06:30:00+01:00"),
    ),
    "after the night in which the clock was put on": (
        SPRING,
        [row("2026-03-29T00:30+01:00", "2026-03-29T07:00+02:00")],
        HOME,
        ("2026-03-29T23:30:00+02:00", "2026-03-30T06:10:00+02:00"),
    ),
    "after that night, nobody knows where": (
        SPRING,
        [row("2026-03-29T00:30+01:00", "2026-03-29T07:00+02:00")],
        None,
        ("2026-03-29T23:30:00+02:00", "2026-03-30T06:10:00+02:00"),
    ),
    "between that night and another": (
        SPRING,
        [
            row("2026-03-29T00:30+01:00", "2026-03-29T07:00+02:00"),
            row("2026-03-30T23:30+02:00", "2026-03-31T07:00+02:00"),
        ],
        HOME,
        ("2026-03-29T23:30:00+02:00", "2026-03-30T06:10:00+02:00"),
    ),
    "after a flight home": (
        HOMEWARD,
        [row("2026-05-11T09:00+09:00", "2026-05-11T10:00+02:00")],
        HOME,
        ("2026-05-11T23:30:00+02:00", "2026-05-12T06:10:00+02:00"),
    ),
    "after a flight, nobody knows where": (
        HOMEWARD,
        [row("2026-05-11T09:00+09:00", "2026-05-11T10:00+02:00")],
        None,
        ("2026-05-11T23:30:00+02:00", "2026-05-12T06:10:00+02:00"),
    ),
    "a flight from home": (
        night("2026-03-01T20:00", "2026-03-01T22:00", 8),
        [],
        HOME,
        ("2026-03-01T20:00:00+01:00", "2026-03-01T22:00:00-05:00"),
    ),
    "a flight east": (
        night("2026-03-01T22:00", "2026-03-02T12:00", 8),
        [],
        HOME,
        ("2026-03-01T22:00:00+01:00", "2026-03-02T12:00:00+07:00"),
    ),
    "a flight home, by the night after it": (
        night("2026-03-01T22:00", "2026-03-02T00:00", 9),
        [row("2026-03-02T22:30+01:00", "2026-03-03T06:30+01:00")],
        HOME,
        ("2026-03-01T22:00:00+08:00", "2026-03-02T00:00:00+01:00"),
    ),
    "so far east that it can only have been a flight home": (
        night("2026-03-01T20:00", "2026-03-02T14:00", 8),
        [],
        "Asia/Tokyo",
        ("2026-03-01T20:00:00-01:00", "2026-03-02T14:00:00+09:00"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_log_lay_where_its_neighbours_and_its_clock_say(
    app: App, tmp_path: Path, case: str
) -> None:
    log, rows, zone, expected = CASES[case]
    found = told(app, tmp_path, archive([log], rows), zone)
    date = expected[1][:10]
    assert ends(found[date]) == expected
    assert len(found) == len(rows) + 1
    assert found[date]["details"]["other_main_sleeps"] == []


def test_a_zone_from_a_day_on_is_that_of_the_night_that_ends_on_it(
    app: App, tmp_path: Path
) -> None:
    told(app, tmp_path, archive([EVENING], []))
    app.set_zone(None, "Asia/Tokyo", dt.date(2026, 3, 2), None)
    (row,) = app.nights(None)
    assert ends(row) == ("2026-03-01T22:10:00+09:00", "2026-03-02T06:40:00+09:00")


def test_a_flight_between_two_zones_of_the_person_begins_and_ends_in_them(
    app: App, tmp_path: Path
) -> None:
    told(app, tmp_path, archive([night("2026-03-01T22:10", "2026-03-02T14:40", 8.5)], []))
    app.set_zone(None, "Asia/Tokyo", dt.date(2026, 3, 2), None)
    (row,) = app.nights(None)
    assert ends(row) == ("2026-03-01T22:10:00+01:00", "2026-03-02T14:40:00+09:00")
    assert row["details"]["zone"] == "Asia/Tokyo"


def test_rows_that_come_later_place_the_logs_beside_them_all_the_same(tmp_path: Path) -> None:
    """Also where the log lay, until the row came, at the other end of the world."""
    logs = [EVENING, night("2026-03-03T23:00", "2026-03-04T06:00", 7)]
    whole = archive(logs, [row("2026-03-02T23:50+14:00", "2026-03-03T07:00+14:00")]).files
    shown = []
    for number, names in enumerate(permutations(whole)):
        folder = tmp_path / str(number)
        url = f"sqlite:///{folder / 'home.db'}"
        with opened(Folder(folder / "home", url, demo=False)) as app:
            for name in names:
                one = Takeout({name: whole[name]}).zip(folder / f"{len(name)}.zip")
                app.import_paths([one], timezone="Pacific/Honolulu", now=NOW)
            shown.append(nights(app))
    assert shown[0] == shown[1]
    assert {night["wake_time"][-6:] for night in shown[0]} == {"+14:00"}
