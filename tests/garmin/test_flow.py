"""From a key to nights: what the sandbox's Garmin tells by key becomes what really was.

A maker that tells totals tells less: nothing of going to bed, HRV in whole milliseconds, a night in
two parts as one window, and of an old watch all sleep as light.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app.links import Links
from sleepbalance.app.syncing import sync_connected
from sleepbalance.errors import NeedsReconnect
from sleepbalance.store import people
from sleepbalance.store.engine import reading
from tests.connect.played import TODAY, Home, Makers, home, makers
from tests.homes import nights

CONTROL = "/-/garmin/keys"
EQUAL = ("sleep_date", "sleep_start_time", "sleep_end_time")
STAGES = ("deep_sleep_duration", "rem_sleep_duration", "light_sleep_duration")


@pytest.fixture
def played() -> Iterator[Makers]:
    with makers(people=3) as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, played: Makers) -> Iterator[Home]:
    with home(tmp_path / "home", f"sqlite:///{tmp_path / 'home.db'}", played) as made:
        yield made


def key_of(played: Makers, person: str = "3", days: int = 90) -> str:
    key = played.post(CONTROL, {"person": person, "days": days})["key"]
    assert isinstance(key, str)
    return key


def connect(here: Home, key: str) -> dict[str, Any]:
    links = Links.to(here.makers.outside(here.app), here.user, "garmin")
    return links.keep(links.receive_key(key, 90))


def sync(here: Home, *dates: dt.date | None) -> list[dict[str, Any]]:
    first, last = dates or (None, None)
    return sync_connected(here.makers.outside(here.app), here.user, "garmin", (first, last))


def asked(played: Makers) -> int:
    total = played.get("/-/requests")["total"]
    assert isinstance(total, int)
    return total


def expected(told: dict[str, Any]) -> dict[str, Any]:
    """What of the truth this road tells."""
    wanted = {name: told[name] for name in (*EQUAL, "total_sleep_time", "awake_duration")}
    if told["form"] == "staged" and not told["unspecified_sleep_duration"]:
        wanted |= {name: told[name] for name in STAGES}
    elif told["form"] == "classic":
        wanted |= {"light_sleep_duration": told["total_sleep_time"], "rem_sleep_duration": None}
    hrv = told["avg_hrv"]
    return wanted | {
        "bed_time": None,
        "wake_time": None,
        "avg_heart_rate": None if told["by_hand"] else told["avg_heart_rate"],
        "avg_hrv": None if hrv is None else int(hrv + 0.5),
        "avg_breathing_rate": told["avg_breathing_rate"],
    }


@pytest.mark.parametrize("person", ["2", "3"])
def test_from_the_key_to_the_nights(here: Home, played: Makers, person: str) -> None:
    row = connect(here, key_of(played, person))
    assert (row["status"], row["door"]) == ("connected", "personal")
    attempts = sync(here)
    assert {attempt["status"] for attempt in attempts} == {"success"}
    found, truth = here.app.nights(None), played.truth(person)
    assert len(truth) > 60
    assert [str(night["sleep_date"]) for night in found] == [t["sleep_date"] for t in truth]
    for night, told in zip(found, truth, strict=True):
        ours = night | {"sleep_date": str(night["sleep_date"])}
        wanted = expected(told)
        assert {name: ours[name] for name in wanted} == wanted, told
        assert len(night["details"]["naps"]) == len(told["naps"])


def test_last_night_is_known_after_four_requests(here: Home, played: Makers) -> None:
    key = key_of(played)
    before = asked(played)
    connect(here, key)
    first = TODAY.date() - dt.timedelta(days=13)
    (attempt,) = sync(here, first, TODAY.date())
    assert attempt["status"] == "success"
    assert asked(played) - before <= 4
    assert [str(n["sleep_date"]) for n in here.app.nights(None)][-1] == str(TODAY.date())


def test_a_later_sync_takes_two_requests_and_changes_nothing(here: Home, played: Makers) -> None:
    connect(here, key_of(played))
    sync(here)
    played.move(hours=25)
    sync(here)
    before, requests = nights(here.app), asked(played)
    (attempt,) = sync(here)
    assert asked(played) - requests == 2
    assert (attempt["records_inserted"], attempt["records_updated"]) == (0, 0)
    assert nights(here.app) == before


def test_the_zone_of_the_account_is_the_persons(here: Home, played: Makers) -> None:
    connect(here, key_of(played, "3"))
    with reading(here.app.engine) as connection:
        (person,) = people.everybody(connection)
        zones = people.zones(connection, person.id)
    assert [zone for _, zone in zones] == ["Australia/Sydney"]


def test_a_token_that_ends_in_mid_life_is_made_anew(here: Home, played: Makers) -> None:
    connect(here, key_of(played))
    played._send("DELETE", "/-/garmin/tokens", None)
    assert {attempt["status"] for attempt in sync(here)} == {"success"}


def test_a_key_that_was_deleted_asks_for_a_new_one(here: Home, played: Makers) -> None:
    connect(here, key_of(played))
    sync(here, TODAY.date(), TODAY.date())
    played._send("DELETE", CONTROL, None)
    (attempt,) = sync(here)
    assert (attempt["status"], attempt["error_code"]) == ("failed", "AUTH_ERROR")
    assert "app/settings/personalApiToken" in attempt["error_message"]
    assert here.app.nights(None)
    row = connect(here, key_of(played))
    assert row["status"] == "connected"
    assert {a["status"] for a in sync(here)} == {"success"}


def test_a_wrong_key_connects_nothing(here: Home) -> None:
    with pytest.raises(NeedsReconnect, match="Make a new one") as caught:
        connect(here, "a-key-that-is-none")
    assert "a-key-that-is-none" not in str(caught.value)
