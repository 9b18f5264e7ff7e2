"""Google Fit, whole: connect, sync, the truth; two apps, old nights, scopes, faults, the end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sleepbalance.app import connected
from sleepbalance.sandbox.parts.google_fit.apps import SECOND
from sleepbalance.sandbox.parts.google_fit.gate import ACTIVITY, HEART, OXYGEN, SLEEP
from tests.connect.played import TODAY, TOLD, Home, Makers, hasty
from tests.google_fit.conftest import MAKER, SYDNEY
from tests.homes import everything_but_the_log, nights

FIRST, LAST = dt.date(2026, 11, 1), dt.date(2026, 11, 14)
UNTOLD = {"bed_time", "wake_time"}  # Google Fit knows neither
HEARTS = ("avg_heart_rate", "min_heart_rate", "max_heart_rate")


def same_as_the_truth(home: Home, truth: list[dict[str, Any]], *, hearts: bool = True) -> None:
    found = {str(night["sleep_date"]): night for night in home.app.nights(None)}
    assert list(found) == [told["sleep_date"] for told in truth]
    names = [name for name in TOLD if name not in {"sleep_date", *UNTOLD}]
    for told in truth:
        night = found[told["sleep_date"]]
        wanted = {name: told[name] for name in (*names, *(HEARTS if hearts else ()))}
        if told["form"] == "plain":
            wanted["awake_duration"] = None  # nobody looked
        assert {name: night[name] for name in wanted} == wanted, told["sleep_date"]
        assert {night[name] for name in UNTOLD} == {None}


def test_the_whole_flow(here: Home, played: Makers) -> None:
    row = here.connect(SYDNEY)
    assert (row["status"], row["may_not_read"]) == ("connected", [])
    (person,) = [each for each in played.get("/-/people") if each["id"] == SYDNEY]
    assert row["account"] == person["makers"][MAKER]
    attempts = here.sync()
    assert {attempt["status"] for attempt in attempts} == {"success"}
    truth = played.truth(SYDNEY)
    same_as_the_truth(here, truth)
    levels = {str(n["sleep_date"]): n["details"]["avg_spo2"] for n in here.app.nights(None)}
    for told in truth:
        known = told["avg_spo2"] is not None
        assert (levels[told["sleep_date"]] is not None) == known
        assert not known or abs(levels[told["sleep_date"]] - told["avg_spo2"]) < 0.6
    (after,) = connected.listed(here.app)
    assert after["complete_until"] == TODAY.date() + dt.timedelta(days=1)  # it is in Sydney
    zones = {night["details"]["zone_from"] for night in here.app.nights(None)}
    assert zones == {"person"}
    assert _beside(here) > 5


def _beside(home: Home) -> int:
    """Nights that a second app told too, with less or without stages: it is never chosen."""
    count = 0
    for night in home.app.nights(None):
        stored = home.app.sessions_of(None, night["sleep_date"])
        count += SECOND in {each.report.session.source.key for each in stored}
        assert night["details"]["source_key"] != SECOND
    return count


def test_a_second_sync_changes_nothing_and_asks_little(here: Home, played: Makers) -> None:
    here.connect(SYDNEY)
    here.sync()
    played.move(hours=25)
    here.sync()
    before = everything_but_the_log(here.app)
    (attempt,) = here.sync()
    assert attempt["records_inserted"] == attempt["records_updated"] == 0
    assert attempt["records_skipped"] > 0
    assert attempt["detail"]["requests"] <= 5  # sessions, stages, activities, heart rate, oxygen
    after = everything_but_the_log(here.app)
    for rows in (before, after):
        rows.pop("sync_windows")
    assert after == before


def test_old_nights_and_streams_that_nobody_merged(here: Home, played: Makers) -> None:
    half = str(LAST - dt.timedelta(days=7))
    played.post("/-/settings", {MAKER: {"activities_until": half, "merged": False}})
    here.connect(SYDNEY)
    here.sync(FIRST, LAST)
    same_as_the_truth(here, played.truth(SYDNEY, first=str(FIRST), last=str(LAST)))


def test_what_was_not_allowed_is_absent_and_said(here: Home, played: Makers) -> None:
    half = str(LAST - dt.timedelta(days=7))
    played.post("/-/settings", {MAKER: {"activities_until": half}})
    row = here.connect(SYDNEY, allow=[SLEEP, "openid"])
    assert row["may_not_read"] == ["heart rate", "oxygen", "the stages of nights before 2021"]
    attempts = here.sync(FIRST, LAST)
    assert {attempt["status"] for attempt in attempts} <= {"success", "partial"}
    found = here.app.nights(None)
    staged = {str(n["sleep_date"]) for n in found if n["deep_sleep_duration"] is not None}
    assert staged
    assert min(staged) >= half
    truth = played.truth(SYDNEY, first=str(FIRST), last=str(LAST))
    assert [str(night["sleep_date"]) for night in found] == [told["sleep_date"] for told in truth]
    assert {night["avg_heart_rate"] for night in found} == {None}


# -- faults --------------------------------------------------------------------------------------

SESSIONS, STAGES = r"/sessions$", r"sleep\.segment.*/datasets/"
BESIDE = {"heart rate": r"heart_rate\.bpm", "oxygen": r"oxygen_saturation"}
FAULTS = {
    "429": {"RATE_LIMITED"},
    "500": {"PROVIDER_UNAVAILABLE"},
    "cut": {"PROVIDER_UNAVAILABLE"},
    "malformed": {"BAD_DATA"},
}


def fault(played: Makers, name: str, path: str) -> None:
    played.fault(name, path, provider=MAKER, seconds=0)


def heals(home: Home, played: Makers) -> None:
    played.heal()
    home.edges = {}
    played.move(seconds=5)
    for attempt in home.sync(FIRST, LAST):
        assert (attempt["status"], attempt["error_message"]) == ("success", None)
    truth = played.truth(SYDNEY, first=str(FIRST), last=str(LAST))
    found = {str(night["sleep_date"]): night for night in home.app.nights(None)}
    for told in truth:
        night = found[told["sleep_date"]]
        for name in ("total_sleep_time", "deep_sleep_duration", "avg_heart_rate"):
            assert night[name] == told[name]


@pytest.mark.parametrize("path", [SESSIONS, STAGES])
@pytest.mark.parametrize("name", FAULTS)
def test_without_sleeps_or_stages_nothing_moves(
    here: Home, played: Makers, name: str, path: str
) -> None:
    here.edges = hasty(name)
    here.connect(SYDNEY)
    before = everything_but_the_log(here.app)
    fault(played, name, path)
    attempts = here.sync(FIRST, LAST)
    assert {attempt["status"] for attempt in attempts} == {"failed"}
    assert {attempt["error_code"] for attempt in attempts} == FAULTS[name]
    after = everything_but_the_log(here.app)
    for rows in (before, after):
        rows.pop("sync_windows")
        rows.pop("pauses")
    assert after == before
    played.rest(here.app)
    heals(here, played)


@pytest.mark.parametrize("step", BESIDE)
@pytest.mark.parametrize("name", FAULTS)
def test_what_is_beside_fails_alone(here: Home, played: Makers, name: str, step: str) -> None:
    here.edges = hasty(name)
    here.connect(SYDNEY)
    fault(played, name, BESIDE[step])
    attempts = here.sync(FIRST, LAST)
    assert {attempt["status"] for attempt in attempts} == {"partial"}
    assert all(step in attempt["error_message"] for attempt in attempts)
    truth = played.truth(SYDNEY, first=str(FIRST), last=str(LAST))
    assert len(here.app.nights(None)) == len(truth)
    played.rest(here.app)
    heals(here, played)


def test_stages_that_come_as_an_empty_object_are_no_stages_lost(here: Home, played: Makers) -> None:
    """A good answer always names its stream; else old nights would stay bare for good."""
    here.connect(SYDNEY)
    fault(played, "empty", STAGES)
    assert {attempt["error_code"] for attempt in here.sync(FIRST, LAST)} == {"BAD_DATA"}
    heals(here, played)


def test_a_consent_that_was_withdrawn(here: Home, played: Makers) -> None:
    here.connect(SYDNEY)
    here.sync(FIRST, LAST)
    before = nights(here.app)
    fault(played, "revoked", SESSIONS)
    attempts = here.sync(FIRST, LAST)
    assert attempts[0]["error_code"] == "AUTH_ERROR"
    (row,) = connected.listed(here.app)
    assert row["status"] == "needs_reconnect"
    assert nights(here.app) == before


def test_a_token_that_expired_is_renewed(here: Home, played: Makers) -> None:
    here.connect(SYDNEY)
    played.move(hours=2)
    assert {attempt["status"] for attempt in here.sync(FIRST, LAST)} == {"success"}


# -- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [403, 404, 410])
def test_when_it_ends_it_says_so_and_keeps_what_came(here: Home, played: Makers, code: int) -> None:
    here.connect(SYDNEY)
    here.sync(FIRST, LAST)
    before = nights(here.app)
    played.post("/-/settings", {MAKER: {"ended": code}})
    played.move(days=1)
    (attempt,) = here.sync()
    assert (attempt["status"], attempt["error_code"]) == ("failed", "PROVIDER_ENDED")
    assert "sleepbalance connect google-health" in attempt["error_message"]
    (row,) = connected.listed(here.app)
    assert row["status"] == "ended"
    assert nights(here.app) == before


def test_a_project_that_may_not_is_not_the_end(here: Home, played: Makers) -> None:
    here.connect(SYDNEY)
    played.post("/-/settings", {MAKER: {"registered": False}})
    attempts = here.sync(FIRST, LAST)
    assert attempts[0]["error_code"] == "NOT_ENTITLED"
    (row,) = connected.listed(here.app)
    assert row["status"] == "connected"
    played.post("/-/settings", {MAKER: {"registered": True}})
    heals(here, played)


def test_letting_go_tells_google(here: Home, played: Makers) -> None:
    here.connect(SYDNEY, allow=[SLEEP, "openid", HEART, OXYGEN, ACTIVITY])
    ended = here.existing().end()
    assert ended.revoked is True
    assert [grant["alive"] for grant in played.get("/-/grants")] == [False]
