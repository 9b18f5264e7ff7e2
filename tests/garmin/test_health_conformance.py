"""Samples that others made, if they lie beside this project: totals and dates as the maker's.

Every number of theirs is met. What differs is in what the samples leave open, and listed here: the
time in which nobody was worn (`OFF_WRIST`) and that typed in by hand, of which nothing is known.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.errors import Fatal, Malformed, NeedsReconnect, ScopeMissing
from sleepbalance.model import Kind, Method, Session, Totals, Vital, local
from sleepbalance.provider import Answer, Grant, Raw, Reply
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.health import HEALTH
from sleepbalance.providers.garmin.health_hook import HOOK, collect
from sleepbalance.testing.recording import Exchange, Recorded
from tests.garmin.health_made import taken_back

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "garmin"
LATER = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the samples do not lie beside this project"
)

NIGHTS = (
    "sleeps_1_tentative",
    "sleeps_2_final_same_id",
    "sleeps_7_with_naps",
    "sleeps_12_backfill_batch_30_nights",
)
NOT_MEASURED = ("sleeps_5_off_wrist", "sleeps_6_manual_no_levels")
BESIDE = ("allDayRespiration", "dailies", "hrv", "pulseox", "skinTemp")
NOTICES = ("deregistrations", "userPermissionsChange", "userPermissionsChange_all_off")
PINGS = {"hostile_callback_urls": 1, "mixed_types": 6, "sleeps": 1}  # to how many they lead


def told(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def raws(name: str) -> list[Raw]:
    items = list(HOOK.read((FOLDER / f"push_{name}.json").read_bytes(), LATER))
    assert [item.problem for item in items if item.problem] == []
    return [raw for item in items for raw in item.raws]


def main_sleeps(name: str) -> list[tuple[Session, dict[str, Any]]]:
    result = PROVIDER.normalise(raws(name))
    assert (result.aside, result.withdrawn) == ((), ())
    found = [session for session in result.sessions if session.kind == Kind.MAIN]
    sent = sorted(told(f"push_{name}")["sleeps"], key=lambda each: each["startTimeInSeconds"])
    return list(zip(found, sent, strict=True))


def test_every_sample_is_looked_at() -> None:
    here = {path.stem for path in [*FOLDER.glob("push_*"), *FOLDER.glob("ping_*")]}
    known = {f"push_{name}" for name in (*NIGHTS, *NOT_MEASURED, *BESIDE, *NOTICES)}
    assert here <= known | {f"ping_{name}" for name in PINGS}


@pytest.mark.parametrize("name", NIGHTS)
def test_nights_agree_with_the_makers_totals_and_dates(name: str) -> None:
    for session, sent in main_sleeps(name):
        seconds = {"light": 0, "deep": 0, "rem": 0, "awake": 0}
        for segment in session.hypnogram:
            seconds[segment.stage.value] += segment.seconds
        assert seconds == {
            "light": sent["lightSleepDurationInSeconds"],
            "deep": sent["deepSleepDurationInSeconds"],
            "rem": sent["remSleepInSeconds"],
            "awake": sent["awakeDurationInSeconds"],
        }
        asleep = sum(seconds.values()) - seconds["awake"]
        assert asleep == sent["durationInSeconds"]
        length = int((session.end - session.start).total_seconds())
        assert length == sum(seconds.values()) + sent["unmeasurableSleepInSeconds"]
        assert session.maker_date == dt.date.fromisoformat(sent["calendarDate"])
        # the offset of the end is not told; that of the start gives the same date in all of them
        assert session.zone_start is not None
        assert local(session.end, session.zone_start).date() == session.maker_date
        assert session.provisional == sent["validation"].endswith("TENTATIVE")


def test_naps_agree_with_the_makers_total() -> None:
    (sent,) = told("push_sleeps_7_with_naps")["sleeps"]
    sessions = PROVIDER.normalise(raws("sleeps_7_with_naps")).sessions
    naps = [session for session in sessions if session.kind == Kind.NAP]
    lengths = [(nap.end - nap.start).total_seconds() for nap in naps]
    assert sum(lengths) == sent["totalNapDurationInSeconds"]
    assert len(naps) == len(sent["naps"]) == 2


def test_a_night_that_nobody_wore_is_no_night() -> None:
    result = PROVIDER.normalise(raws("sleeps_5_off_wrist"))
    (sent,) = told("push_sleeps_5_off_wrist")["sleeps"]
    assert (result.sessions, taken_back(result)) == ((), {f"sleeps/{sent['summaryId']}"})


def test_a_night_by_hand_is_as_long_as_the_person_said() -> None:
    ((session, sent),) = main_sleeps("sleeps_6_manual_no_levels")
    assert session.method == Method.MANUAL
    assert session.totals == Totals(asleep=sent["durationInSeconds"])  # its awake 0 is nobody's
    assert (session.end - session.start).total_seconds() == sent["durationInSeconds"]


def test_what_was_measured_goes_with_the_night() -> None:
    """The samples are of one date, and begin with its night."""
    beside = [raw for name in BESIDE for raw in raws(name)]
    assert all(raw.companion and raw.problem is None for raw in beside)
    (session,) = PROVIDER.normalise([*raws("sleeps_2_final_same_id"), *beside]).sessions
    (hrv,), (daily,) = told("push_hrv")["hrv"], told("push_dailies")["dailies"]
    assert session.vitals["hrv_rmssd"].mean == hrv["lastNightAvg"]
    beats = list(daily["timeOffsetHeartRateSamples"].values())
    mean = round(sum(beats) / len(beats), 3)
    assert session.vitals["heart_rate"] == Vital(mean, min(beats), max(beats), len(beats))
    # the samples of the summary itself go before the longer ones beside it
    assert session.vitals["breathing_rate"] == Vital(14.127, 13.95, 14.32, 3)
    assert session.vitals["spo2"] == Vital(95.0, 94, 96, 3)
    assert session.maker["restingHeartRateInBeatsPerMinute"] == 49
    assert session.maker["avgDeviationCelsius"] == -0.3


@pytest.mark.parametrize("name", PINGS)
def test_pings_lead_to_garmin_only(name: str) -> None:
    items = list(HOOK.read((FOLDER / f"ping_{name}.json").read_bytes(), LATER))
    assert sum(item.address is not None for item in items) == PINGS[name]
    assert all(bool(item.address) != bool(item.problem) for item in items)


def test_what_is_pulled_is_what_is_pushed() -> None:
    address = told("ping_sleeps")["sleeps"][0]["callbackURL"]
    reply = Reply(200, {}, (FOLDER / "pull_sleeps_response.json").read_bytes())
    there = Exchange(method="GET", path=address, carries={}, reply=reply)
    pulled = list(collect(Recorded(HEALTH.api, (there,)), address, LATER))
    pushed = raws("sleeps_2_final_same_id")
    assert PROVIDER.normalise(pulled) == PROVIDER.normalise(pushed)


def test_notices_are_understood() -> None:
    found = [
        item
        for name in NOTICES
        for item in HOOK.read((FOLDER / f"push_{name}.json").read_bytes(), LATER)
    ]
    assert [bool(item.ended) for item in found] == [True, False, False]
    assert [len(item.scopes) for item in found if item.scopes is not None] == [5, 0]


def test_refusals_are_understood() -> None:
    meant = [Malformed, Fatal, Answer, ScopeMissing, NeedsReconnect, type(None)]
    path = "/wellness-api/rest/backfill/sleeps"
    for each, kind in zip(told("errors"), meant, strict=True):
        body = json.dumps(each["body"]).encode()
        assert type(HEALTH.api.fault(Reply(each["status"], {}, body, path))) is kind, each["when"]


@pytest.mark.parametrize(("form", "number"), [("object", 3), ("array", 2)])
def test_the_account_is_told(form: str, number: int) -> None:
    told_by = {"id": "user_id_response", "permissions": f"user_permissions_response_{form}"}
    exchanges = tuple(
        Exchange(
            method="GET",
            path=f"wellness-api/rest/user/{name}",
            carries={},
            reply=Reply(200, {}, (FOLDER / f"{file}.json").read_bytes()),
        )
        for name, file in told_by.items()
    )
    account = HEALTH.api.identify(Recorded(HEALTH.api, exchanges), Grant(access="made-up"))
    assert account.id == told("user_id_response")["userId"]
    assert account.scopes is not None
    assert len(account.scopes) == number


@pytest.mark.parametrize("name", ["oauth_token_response", "oauth_token_refresh_response"])
def test_tokens_are_read(name: str) -> None:
    grant = HEALTH.unwrap(told(name))
    assert (grant.expires_in, grant.refresh_expires_in) == (85800, 7775998)
    assert grant.refresh == told(name)["refresh_token"]
