"""A time that is told of a sleep on the wall clock is kept, shown and derived as it was told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from sleepbalance.app import App, editing, opened
from sleepbalance.app.editing import Said
from sleepbalance.cli.edited import in_words
from sleepbalance.errors import UsageError
from sleepbalance.folder import Folder
from tests.nights.home import Home, Sleep, person, sleep

BACK, FORTH = dt.date(2025, 10, 26), dt.date(2025, 3, 30)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    folder = Folder(tmp_path, f"sqlite:///{tmp_path / 'nights.db'}", demo=False)
    with opened(folder) as made:
        yield made


@pytest.fixture
def home(app: App) -> Home:
    return person(app.engine)


def night(date: dt.date, seconds: int | None = None) -> Sleep:
    start = f"{date - dt.timedelta(days=1)} 23:00"
    return sleep(start, f"{date} 07:00", wall=True, slept=seconds)


def say(app: App, date: dt.date, **times: str) -> str:
    done = editing.edit(app, None, date, Said(times=times))
    (kept,) = done.edits
    assert editing.listed(app, None, date)[-1]["value"] == kept["value"]
    return in_words(kept)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "Europe/Berlin"])
def test_what_was_said_is_repeated_as_it_was_said(app: App, home: Home, zone: str) -> None:
    home.live(zone)
    home.tell([night(BACK)])
    said = say(app, BACK, sleep_start="23:30", sleep_end="05:00")
    assert said == "fell asleep 23:30, woke up 05:00"
    (found,) = home.nights().values()
    assert found["sleep_start_time"][11:16] == "23:30"
    assert found["sleep_end_time"][11:16] == "05:00"
    done = editing.undo(app, None, BACK)
    assert [in_words(each) for each in done.edits] == [said]


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("05:00", "2025-10-26T05:00:00+01:00"),
        ("2025-10-26T05:00+01:00", "2025-10-26T05:00:00+01:00"),
        ("2025-10-26T02:30+02:00", "2025-10-26T02:30:00+02:00"),
        ("2025-10-26T02:30+01:00", "2025-10-26T02:30:00+01:00"),
    ],
)
def test_the_hour_that_comes_twice_is_the_one_that_was_meant(
    app: App, home: Home, text: str, stands: str
) -> None:
    home.live("Europe/Berlin")
    home.tell([night(BACK)])
    say(app, BACK, sleep_end=text)
    (found,) = home.nights().values()
    assert found["sleep_end_time"] == stands


def test_the_clock_is_that_of_the_sleep_whatever_others_around_it_show(
    app: App, home: Home
) -> None:
    """Another maker names an offset that holds at one end of the night only."""
    home.live("Europe/Berlin")
    home.tell([night(BACK)])
    beside = sleep("2025-10-26 07:30", "2025-10-26 07:50", zone="+02:00", by="ring")
    home.tell([beside], provider="ringmaker")
    before = home.nights()["2025-10-26"]["sleep_end_time"]
    said = say(app, BACK, sleep_end="05:00")
    assert said == "woke up 05:00"
    after = home.nights()["2025-10-26"]["sleep_end_time"]
    assert after[11:] == f"05:00:00{before[-6:]}"


@pytest.mark.parametrize("zones", [{"wall": True}, {"zone": "+01:00"}])
def test_a_clock_that_was_skipped_is_none_also_where_the_maker_tells_an_offset(
    app: App, home: Home, zones: dict[str, str]
) -> None:
    home.live("Europe/Berlin")
    home.tell([sleep("2025-03-29 23:00", "2025-03-30 07:00", **zones)])
    with pytest.raises(UsageError, match=r"There was no 02:30 on 2025-03-30 in Europe/Berlin"):
        say(app, FORTH, sleep_start="02:30")
    assert say(app, FORTH, sleep_start="03:30") == "fell asleep 03:30"
