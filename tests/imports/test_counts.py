"""What an import says it read is what it used, had twice and set aside, whatever was in it."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sleepbalance.app import App, opened
from sleepbalance.app.verbs import DEMO_MARK
from sleepbalance.errors import UsageError
from sleepbalance.folder import Folder
from sleepbalance.testing import samples_of
from sleepbalance.testing.files import damage
from tests.garmin import exported
from tests.homes import NOW
from tests.imports.test_import import accounted

FIRST = dt.date(2026, 7, 5)
NOON = dt.datetime(2026, 7, 5, 12, tzinfo=dt.UTC)
SLEEPS = "2026-07-01_2026-10-09_1_sleepData.json"
STATUS = "2026-07-01_2026-10-09_1_healthStatusData.json"
DAYS = "UDSFile_2026-07-01_2026-10-09.json"

night = exported.night(FIRST, 3, retro=False)
later = exported.night(FIRST + dt.timedelta(days=1), 3, retro=False)
KINDS: Mapping[str, Sequence[Any]] = {  # what may stand in each file: good, twice, and unreadable
    SLEEPS: (
        night,
        night,
        later,
        {"retro": False},
        {**night, "sleepEndTimestampGMT": "2026-07-01T00:00:00.0"},
        {**night, "sleepStartTimestampGMT": "yesterday"},
        {**night, "calendarDate": "soon", "sleepEndTimestampGMT": None},
        {**later, "napList": [exported.nap(NOON, 1800), exported.nap(NOON, -60), "a nap"]},
    ),
    STATUS: (exported.health(FIRST), {"metrics": []}, {"calendarDate": "x", "metrics": [{}]}),
    DAYS: (
        exported.day(FIRST) | {"restingHeartRate": 50},
        {"calendarDate": "no date", "restingHeartRate": 51},
        {"restingHeartRate": 52},
    ),
}
some = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@contextmanager
def home() -> Iterator[tuple[App, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        where = Folder(folder / "home", f"sqlite:///{folder / 'home.db'}", demo=False)
        with opened(where) as app:
            yield app, folder


def sound(attempt: Mapping[str, Any]) -> None:
    """The counts add up, and none of them is below nothing."""
    if attempt["status"] == "failed":  # then nothing was kept, and its message says why
        assert attempt["error_message"]
        return
    accounted(dict(attempt))
    told = attempt["detail"]
    assert min(told[name] for name in ("read", "used", "repeated", "set_aside")) >= 0
    assert sum(each["samples"] for each in told["reasons"]) <= told["set_aside"]


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as whole:
        for name, data in files.items():
            whole.writestr(name, data)
    return path


def lists(files: Mapping[str, Sequence[Any]]) -> dict[str, bytes]:
    return {name: json.dumps(records).encode() for name, records in files.items()}


@given(st.fixed_dictionaries({n: st.lists(st.sampled_from(k)) for n, k in KINDS.items()}))
@some
def test_of_good_twice_told_and_unreadable_rows(files: Mapping[str, Sequence[Any]]) -> None:
    with home() as (app, folder):
        path = packed(folder / "export.zip", lists(files))
        for _ in range(2):  # what is known already is counted as well
            (attempt,) = app.import_paths([path], now=NOW)
            sound(attempt)


@pytest.mark.parametrize("maker", ["apple_health", "fitbit", "garmin", "oura"])
@given(data=st.data())
@some
def test_of_damaged_files(maker: str, data: st.DataObject) -> None:
    samples = [s for s in samples_of(maker) if not (s.recording or s.delivery) and s.size < 200_000]
    sample = data.draw(st.sampled_from(samples))
    with home() as (app, folder):
        files = {m.name: m.data.replace(DEMO_MARK, b"") for m in sample.members}
        app.import_paths([packed(folder / "whole.zip", files)], now=NOW)
        broken = {name: damage(whole, data.draw) for name, whole in files.items()}
        try:
            attempts = app.import_paths([packed(folder / "broken.zip", broken)], now=NOW)
        except UsageError:
            return  # nothing of it could be recognised
        for attempt in attempts:
            sound(attempt)


def test_rows_of_the_day_that_cannot_be_read_are_counted() -> None:
    files = {
        SLEEPS: [night, later],
        DAYS: [{"calendarDate": f"no {n}", "restingHeartRate": 50} for n in range(3)],
    }
    with home() as (app, folder):
        (attempt,) = app.import_paths([packed(folder / "u.zip", lists(files))], now=NOW)
    told = attempt["detail"]
    assert [told[n] for n in ("read", "used", "repeated", "set_aside")] == [5, 2, 0, 3]
    assert attempt["error_message"].startswith("3 of 5 samples were set aside")
    assert told["sources"] == {"Garmin": 2}


def test_where_nothing_but_unreadable_rows_of_the_day_is_in_it_nothing_is_imported() -> None:
    with home() as (app, folder):
        path = packed(
            folder / "u.zip", lists({DAYS: [{"restingHeartRate": 50, "calendarDate": 1}]})
        )
        (attempt,) = app.import_paths([path], now=NOW)
    assert attempt["status"] == "failed"
    assert "does not say of which date it is" in attempt["error_message"]
