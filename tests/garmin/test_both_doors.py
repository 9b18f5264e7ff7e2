"""A night that came by the account export and by the key is one night, whichever came first."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from sleepbalance.providers.garmin.personal import SLEEPS
from tests.connect.played import TODAY, Home, Makers, home, makers
from tests.garmin import exported
from tests.garmin.test_flow import connect, key_of, sync
from tests.homes import nights

PERSON = "3"
DAYS = 31


@pytest.fixture
def played() -> Iterator[Makers]:
    with makers(people=3) as running:
        yield running


@pytest.fixture
def at_home(tmp_path: Path, played: Makers) -> Iterator[Callable[[str], Home]]:
    with ExitStack() as opened:

        def make(name: str) -> Home:
            url = f"sqlite:///{tmp_path / name}.db"
            return opened.enter_context(home(tmp_path / name, url, played))

        yield make


def days_of(played: Makers, key: str) -> list[dict[str, Any]]:
    """What the Personal API says of the last days."""
    path = "/garmin/personalapitoken-service/personal-api/personal-api-key/token"
    with urlopen(
        Request(played.url + path, b"", {"Authorization": f"ApiKey {key}"}, method="POST")
    ) as reply:
        token = reply.read().decode()
    first = TODAY.date() - dt.timedelta(days=DAYS - 1)
    address = f"{played.url}/garmin/{SLEEPS}?startDate={first}&endDate={TODAY.date()}"
    with urlopen(Request(address, headers={"Authorization": f"Bearer {token}"})) as reply:
        told = json.load(reply)
    assert isinstance(told, list)
    return told


def as_exported(day: dict[str, Any]) -> dict[str, Any]:
    """The same day as the account export writes it: no offsets, other spellings."""
    if day["sleepStartTimestampGMT"] is None:
        return {"retro": False}
    kept = ("calendarDate", "awakeSleepSeconds", "retro", "awakeCount")
    stages = ("deepSleepSeconds", "lightSleepSeconds", "remSleepSeconds")
    record = {name: day[name] for name in (*kept, *stages) if day[name] is not None}
    for edge in ("sleepStartTimestampGMT", "sleepEndTimestampGMT"):
        record[edge] = exported.stamp(dt.datetime.fromtimestamp(day[edge] / 1000, dt.UTC))
    if not day["deviceRemCapable"]:
        record.pop("remSleepSeconds", None)
    return record | {
        "unmeasurableSeconds": day["unmeasurableSleepSeconds"],
        "sleepWindowConfirmationType": day["sleepWindowConfirmationType"].upper(),
        "napList": day.get("dailyNapDTOS", []),
    }


@pytest.fixture
def archive(tmp_path: Path, played: Makers) -> Path:
    days = [as_exported(day) for day in days_of(played, key_of(played, PERSON))]
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as made:
        name = f"{exported.WELLNESS}/2026-08-13_2026-11-21_7_sleepData.json"
        made.writestr(f"9c1d/{name}", json.dumps([{"comment": "sleepbalance:demo"}, *days]))
    return path


def told(here: Home) -> list[Any]:
    """What a person sees of the nights; which of two equal reports told it is not of interest."""
    seen = (
        "sleep_date",
        "sleep_start_time",
        "sleep_end_time",
        "total_sleep_time",
        "awake_duration",
    )
    stages = ("light_sleep_duration", "deep_sleep_duration", "rem_sleep_duration", "avg_hrv")
    return [
        {name: night[name] for name in (*seen, *stages)}
        | {"naps": len(night["details"]["naps"]), "others": night["details"]["other_main_sleeps"]}
        for night in here.app.nights(None)
    ]


def test_importing_before_or_after_connecting_gives_the_same(
    at_home: Callable[[str], Home], played: Makers, archive: Path
) -> None:
    before, after, alone = at_home("before"), at_home("after"), at_home("alone")
    before.app.import_path(archive)
    first = TODAY.date() - dt.timedelta(days=DAYS - 1)
    for here in (before, after, alone):
        connect(here, key_of(played, PERSON))
        sync(here, first, TODAY.date())
    after.app.import_path(archive)
    assert len(told(alone)) > 25
    assert told(before) == told(after) == told(alone)
    assert nights(before.app) == nights(after.app)


def test_an_export_alone_has_the_same_nights_on_garmins_dates(
    at_home: Callable[[str], Home], played: Makers, archive: Path
) -> None:
    here, by_key = at_home("archive"), at_home("key")
    attempt = here.app.import_path(archive)
    assert attempt["status"] == "success"
    connect(by_key, key_of(played, PERSON))
    sync(by_key, TODAY.date() - dt.timedelta(days=DAYS - 1), TODAY.date())
    alone = {night["sleep_date"]: night["total_sleep_time"] for night in told(here)}
    assert alone == {night["sleep_date"]: night["total_sleep_time"] for night in told(by_key)}
    again = here.app.import_path(archive)
    assert (again["records_inserted"], again["records_updated"]) == (0, 0)
    assert again["records_skipped"] == again["records_fetched"] > 25
