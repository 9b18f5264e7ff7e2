"""What others recorded and described of Garmin, if it lies beside this project.

Each night is compared with Garmin's own total and date. Nothing differs but what is named here:

- a fixture of an export has no REM: `light` may hold it, and REM is not measured;
- its stages, awake and unmeasurable are 90 minutes less than its window (the fixture is trimmed):
  totals are as sent, and nothing is made up for the rest.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.model import Kind, Method, Session, Totals, Vital, local
from sleepbalance.provider import Grant, Reply
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.export import recognises
from sleepbalance.providers.garmin.personal import HRVS, SETTINGS, SLEEPS, exchange, identify
from sleepbalance.testing import Bytes, handed_over
from sleepbalance.testing.recording import Exchange
from tests.garmin.made import NOW, answer, ask, client, fetch, kept, raws_of, sessions_of

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "garmin"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="what others recorded does not lie beside this project"
)

NIGHTS = {
    "connect_dailySleepData_2025-07-07_real": 1,
    "connect_dailySleepData_empty_day_real": 0,
    "personal_dailySleep_constructed": 1,
    "personal_dailySleep_no_night_constructed": 0,
    "personal_dailySleepSummariesByDate_constructed": 2,
}


def recorded(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def days(name: str) -> list[dict[str, Any]]:
    """The days of a file, without what Garmin's private addresses wrap around them."""
    told = recorded(name)
    listed = told if isinstance(told, list) else [told]
    return [day.get("dailySleepDTO", day) for day in listed]


def mains(told: dict[str, Any]) -> list[Session]:
    raws = raws_of(told)
    assert all(raw.problem is None for raw in raws)
    return [s for s in PROVIDER.normalise(raws).sessions if s.kind is Kind.MAIN]


def asleep(totals: Totals | None) -> int:
    assert totals is not None
    return sum(filter(None, (totals.light, totals.deep, totals.rem, totals.asleep)))


@pytest.mark.parametrize("name", NIGHTS)
def test_a_night_is_as_long_as_garmin_says_and_on_its_date(name: str) -> None:
    found = [(day, session) for day in days(name) for session in mains(day)]
    assert len(found) == NIGHTS[name]
    for day, session in found:
        assert asleep(session.totals) == day["sleepTimeSeconds"]
        assert session.totals is not None
        rest = session.totals.awake or 0, session.totals.unmeasured or 0
        length = (session.end - session.start).total_seconds()
        assert length == asleep(session.totals) + sum(rest)
        assert session.zone_end is not None
        assert local(session.end, session.zone_end).date() == session.maker_date
        assert str(session.maker_date) == day["calendarDate"]
        assert session.method is Method.DEVICE


def test_the_real_night_whole() -> None:
    (session,) = mains(days("connect_dailySleepData_2025-07-07_real")[0])
    assert session.totals == Totals(
        light=13440, deep=5280, rem=5460, asleep=0, awake=420, unmeasured=0
    )
    assert (session.zone_start, session.zone_end) == ("-06:00", "-06:00")
    assert session.vitals == {"spo2": Vital(93, 86, 100), "breathing_rate": Vital(13, 9, 17)}
    assert session.maker["score"] == 83


def test_a_nap_has_its_own_times() -> None:
    (raw,) = (r for r in raws_of(days("personal_dailySleep_constructed")[0]) if r.kind == "nap")
    (session,) = PROVIDER.normalise([raw]).sessions
    assert (session.kind, session.totals) == (Kind.NAP, Totals(asleep=1800))
    assert session.start == dt.datetime(2026, 11, 21, 13, tzinfo=dt.UTC)
    assert (session.zone_start, session.zone_end) == ("+01:00", "+01:00")


def test_a_list_of_hrv_goes_with_its_nights() -> None:
    listed = [
        day | {"napTimeSeconds": 0}
        for day in days("personal_dailySleepSummariesByDate_constructed")
    ]
    asked = client(
        answer(SLEEPS, listed),
        answer(f"{HRVS}/2026-11-20/2026-11-21", recorded("personal_hrv_daily_range_constructed")),
    )
    sleeps = fetch("sleep", asked, ask())
    found = PROVIDER.normalise([*sleeps, *fetch("HRV", asked, ask(14, *sleeps))]).sessions
    assert [s.vitals["hrv_rmssd"] for s in found] == [Vital(41.0), Vital(44.0)]


def test_the_account_and_its_zone_are_told() -> None:
    asked = client(answer(SETTINGS, recorded("personal_user_settings_aio_fixture")))
    account = identify(asked, Grant(access="a"))
    assert account.id == "00000000-0000-4000-8000-000000000000"
    assert account.zone == "Europe/Berlin"


def test_a_token_is_a_bare_text() -> None:
    body = (FOLDER / "personal_token_response_constructed.txt").read_bytes()
    reply = Reply(200, {}, body)
    path = "personalapitoken-service/personal-api/personal-api-key/token"
    asked = client(Exchange(method="POST", path=path, carries={}, reply=reply))
    grant = exchange(asked, "key")
    claims = json.loads(base64.urlsafe_b64decode(grant.access.split(".")[1] + "=="))
    assert set(claims) == {"exp"}
    assert grant.expires_in is not None
    assert grant.expires_in > 0


# -- the account export --------------------------------------------------------------------------


def export() -> list[Bytes]:
    (sample,) = handed_over(FOLDER / "gdpr_export_constructed.zip")
    return [member for member in sample.members if recognises(member)]


def test_an_export_is_recognised_and_read_whole() -> None:
    assert [member.name.rpartition("_")[2] for member in export()] == [
        "sleepData.json",
        "sleepData.json",
        "healthStatusData.json",
        "2026-08-05.json",  # UDSFile_2026-04-27_2026-08-05.json
    ]
    assert all(raw.problem is None for raw in kept(*export()).values())


def test_the_nights_of_an_export_are_garmins_on_its_dates() -> None:
    told = {
        day["calendarDate"]: day
        for member in export()
        if "sleepData" in member.name
        for day in json.loads(member.data)
        if "calendarDate" in day
    }
    found = {i: s for i, s in sessions_of(*export()).items() if s.kind is Kind.MAIN}
    assert [str(s.maker_date) for s in found.values()] == sorted(told)
    for session in found.values():
        day = told[str(session.maker_date)]
        stages = (day[f"{stage}SleepSeconds"] for stage in ("deep", "light", "rem"))
        assert asleep(session.totals) == sum(stages)
    # the night of the edge lies in both files: the later one says that a person confirmed it
    assert found["day/2026-08-05"].maker["sleepWindowConfirmationType"] == "MANUALLY_CONFIRMED"
    assert found["day/2026-08-05"].method is Method.DEVICE
    assert found["day/2026-08-01"].vitals["hrv_rmssd"] == Vital(44.0)
    assert found["day/2026-08-01"].maker["restingHeartRate"] == 49
    assert "restingHeartRate" not in found["day/2026-08-02"].maker  # 0: not worn
    assert found["day/2026-08-06"].provisional is False  # the file reaches three months further


def test_a_nap_of_an_export_is_one() -> None:
    naps = [s for s in sessions_of(*export()).values() if s.kind is Kind.NAP]
    assert [(s.external_id, s.totals) for s in naps] == [
        ("nap/2026-08-04T12:10:00Z", Totals(asleep=2400))
    ]


@pytest.mark.parametrize("name", ["gdpr_sleepData_constructed", "gdpr_sleepData_batrakov_fixture"])
def test_one_file_of_an_export_will_do(name: str) -> None:
    file = Bytes(f"{name}.json", (FOLDER / f"{name}.json").read_bytes())
    assert recognises(file)
    assert len(sessions_of(file)) == sum("calendarDate" in day for day in recorded(name)) + (
        1 if "constructed" in name else 0  # its nap
    )


def test_an_export_without_rem_says_so() -> None:
    name = "gdpr_sleepData_batrakov_fixture"
    file = Bytes(f"{name}.json", (FOLDER / f"{name}.json").read_bytes())
    (session,) = sessions_of(file).values()
    assert session.totals == Totals(
        light=14400, deep=7200, rem=None, asleep=0, awake=1200, unmeasured=600
    )
    assert (session.end - session.start).total_seconds() - 14400 - 7200 - 1200 - 600 == 90 * 60
    assert session.maker_date == dt.date(2025, 1, 15)
    assert session.end < NOW
