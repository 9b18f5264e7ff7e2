"""What a day of Garmin becomes: times, places, totals, naps, vitals, and what is withdrawn."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.model import Kind, Method, Totals, Vital
from sleepbalance.provider import Raw
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.records import HRV, Reader
from tests.garmin.made import (
    DAY,
    HOUR,
    NOW,
    START,
    dto,
    later,
    millis,
    nap,
    raws_of,
    result_of,
    session_of,
    told_by_list,
)


def staged(deep: int = 5400, light: int = 15000, rem: int = 5400, **told: Any) -> dict[str, Any]:
    """A night of eight hours, of which 26 minutes are awake and 24 not measurable."""
    stages = {"deepSleepSeconds": deep, "lightSleepSeconds": light, "remSleepSeconds": rem}
    rest = {"awakeSleepSeconds": 1560, "unmeasurableSleepSeconds": 1440}
    return dto(sleepTimeSeconds=deep + light + rem) | stages | rest | told


def totals_of(**told: Any) -> Totals:
    totals = session_of(staged(**told)).totals
    assert totals is not None
    return totals


def hrv(value: object, day: str = DAY) -> Raw:
    payload = json.dumps({"calendarDate": day, "lastNightAvg": value, "lastNight5MinHigh": 71})
    return Reader(NOW).beside(HRV, payload.encode(), dt.date.fromisoformat(day))


# -- times and places ----------------------------------------------------------------------------


def test_a_night_lies_where_garmin_says_and_nobody_says_when_one_went_to_bed() -> None:
    session = session_of(staged())
    assert (session.external_id, session.source.key) == (f"day/{DAY}", "garmin")
    assert (session.sleep_start, session.sleep_end) == (START, later(hours=8))
    assert session.in_bed == ()
    assert session.hypnogram == ()
    assert (session.kind, session.method, session.door) == (Kind.MAIN, Method.DEVICE, "personal")
    assert (session.maker_date, session.provisional) == (dt.date(2026, 11, 21), False)


@pytest.mark.parametrize(
    ("ahead", "zones"),
    [
        ((HOUR, HOUR), ("+01:00", "+01:00")),
        ((2 * HOUR, HOUR), ("+02:00", "+01:00")),  # the clock went back in the night
        ((-5 * HOUR, HOUR), ("-05:00", "+01:00")),  # a flight
        ((20700, 20700), ("+05:45", "+05:45")),
        ((30 * HOUR, HOUR), (None, "+01:00")),
        ((HOUR + 1, HOUR), (None, "+01:00")),
    ],
)
def test_each_end_has_the_offset_that_its_own_clock_showed(
    ahead: tuple[int, int], zones: tuple[str | None, str | None]
) -> None:
    session = session_of(dto(ahead=ahead))
    assert (session.zone_start, session.zone_end) == zones


def test_without_local_times_nobody_knows_the_place() -> None:
    session = session_of(dto(sleepStartTimestampLocal=None, sleepEndTimestampLocal="soon"))
    assert (session.zone_start, session.zone_end) == (None, None)


@pytest.mark.parametrize("start", [1795212420000, 1795212420, "2026-11-20T22:07:00.0"])
def test_an_instant_is_read_in_each_spelling(start: object) -> None:
    session = session_of(dto(sleepStartTimestampGMT=start))
    assert session.start == dt.datetime(2026, 11, 20, 22, 7, tzinfo=dt.UTC)


def test_a_day_without_a_night_makes_nothing() -> None:
    empty = dto(None) | dict.fromkeys(("id", "sleepStartTimestampGMT", "sleepTimeSeconds"))
    assert raws_of(empty) == []


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"sleepEndTimestampGMT": None}, "does not say when"),
        ({"sleepEndTimestampGMT": "NaN"}, "does not say when"),
        ({"sleepStartTimestampGMT": -5}, "does not say when"),
        ({"sleepStartTimestampGMT": 1e300}, "does not say when"),
        ({"sleepEndTimestampGMT": millis(START)}, "no time at all"),
        ({"sleepEndTimestampGMT": millis(later(hours=60))}, "in the future"),
        ({"sleepStartTimestampGMT": millis(later(hours=-60))}, "longer than 48 hours"),
        (
            {"sleepStartTimestampGMT": 10**9 - 10**8, "sleepEndTimestampGMT": 9 * 10**8 + 100},
            "before the year 2000",
        ),
    ],
)
def test_a_night_that_cannot_be_placed_is_set_aside_and_its_naps_are_kept(
    told: dict[str, Any], problem: str
) -> None:
    if "future" in problem:
        told = told | {"sleepStartTimestampGMT": millis(later(hours=50))}
    raws = raws_of(dto(**told, dailyNapDTOS=[nap(later(hours=15))]))
    assert problem in (raws[0].problem or "")
    assert json.loads(raws[0].payload)["calendarDate"] == DAY  # kept as it came
    assert [raw.key for raw in raws[1:]] == ["nap/2026-11-21T13:00:00Z"]


@pytest.mark.parametrize("told", [None, 5, "day", [], [[]], True])
def test_what_is_no_day_is_set_aside(told: object) -> None:
    (raw,) = raws_of(told)
    assert raw.problem == "is no record of a day"


def test_a_night_without_a_date_is_called_by_its_start() -> None:
    for word in (None, "2026-02-30", "soon", 5):
        session = session_of(dto(calendarDate=word))
        assert session.external_id == "day/2026-11-20T22:00:00Z"
        assert session.maker_date is None


# -- totals --------------------------------------------------------------------------------------


def test_totals_are_as_sent() -> None:
    assert totals_of() == Totals(
        light=15000, deep=5400, rem=5400, asleep=0, awake=1560, unmeasured=1440
    )


def test_zero_is_measured_and_missing_is_not() -> None:
    totals = totals_of(awakeSleepSeconds=0, unmeasurableSleepSeconds=None)
    assert (totals.awake, totals.unmeasured) == (0, None)
    assert totals_of(rem=0).rem == 0  # a device that sees REM saw none


@pytest.mark.parametrize("spelling", ["unmeasurableSeconds", "unmeasurableSleepSeconds"])
def test_unmeasurable_time_is_read_in_each_spelling(spelling: str) -> None:
    told = staged()
    del told["unmeasurableSleepSeconds"]
    totals = session_of(told | {spelling: 60}).totals
    assert totals is not None
    assert totals.unmeasured == 60


def test_a_device_that_cannot_see_rem_says_nothing_of_it() -> None:
    assert totals_of(rem=0, deviceRemCapable=False).rem is None
    without = staged()
    del without["remSleepSeconds"]
    totals = session_of(without).totals
    assert totals is not None
    assert totals.rem is None


def test_stages_that_are_all_zero_were_not_staged() -> None:
    totals = totals_of(deep=0, light=0, rem=0, sleepTimeSeconds=25000)
    assert (totals.light, totals.deep, totals.rem, totals.asleep) == (None, None, None, 25000)


@pytest.mark.parametrize(("surplus", "asleep"), [(60, 0), (61, 61), (-600, 0)])
def test_what_the_total_has_more_than_its_stages_is_of_unknown_stage(
    surplus: int, asleep: int
) -> None:
    assert totals_of(sleepTimeSeconds=25800 + surplus).asleep == asleep


def test_numbers_that_a_night_cannot_hold_are_not_believed() -> None:
    totals = totals_of(deep=10**9, awakeSleepSeconds=-4)
    assert (totals.deep, totals.awake) == (None, None)
    more_than_the_night = staged(20000, 20000, 3, sleepTimeSeconds=20000)
    assert session_of(more_than_the_night).totals == Totals(
        asleep=20000, awake=1560, unmeasured=1440
    )


def test_a_night_of_which_nothing_is_told_has_no_totals() -> None:
    assert session_of(staged(0, 0, 0, sleepTimeSeconds=None)).totals is None


# -- what the window is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "provisional"),
    [
        ("unconfirmed", True),
        ("auto_confirmed", True),
        ("enhanced_confirmed", True),
        ("ENHANCED_CONFIRMED", True),
        ("device_confirmed", False),
        ("auto_confirmed_final", False),
        ("enhanced_confirmed_final", False),
        ("manually_confirmed", False),
        ("never_heard_of", False),
        (None, False),
        (7, False),
    ],
)
def test_what_may_still_change_is_provisional(word: object, provisional: bool) -> None:
    assert session_of(staged(sleepWindowConfirmationType=word)).provisional is provisional


def test_a_night_whose_times_were_put_right_is_still_the_devices() -> None:
    auto = millis(later(minutes=40))
    told = staged(sleepWindowConfirmationType="manually_confirmed", autoSleepStartTimestampGMT=auto)
    session = session_of(told)
    assert (session.method, session.source.key) == (Method.DEVICE, "garmin")
    assert session.maker["autoSleepStartTimestampGMT"] == auto
    assert session.maker["sleepStartTimestampGMT"] == millis(START)


@pytest.mark.parametrize(
    "told",
    [
        {"sleepFromDevice": False},
        {"sleepFromDevice": None, "sleepWindowConfirmationType": "manually_confirmed"},
    ],
)
def test_a_hand_entry_is_a_source_of_its_own_and_measures_nothing(told: dict[str, Any]) -> None:
    numbers = {"awakeSleepSeconds": 0, "avgHeartRate": 50.0}
    session = session_of(staged(0, 0, 0, sleepTimeSeconds=28800) | numbers | told, hrv(40))
    assert (session.method, session.source.key) == (Method.MANUAL, "garmin#manual")
    assert session.totals == Totals(asleep=28800)
    assert session.vitals == {}
    assert not session.provisional


def test_a_hand_entry_without_a_total_is_as_long_as_it_lasts() -> None:
    told = staged(0, 0, 0, sleepTimeSeconds=None, sleepFromDevice=False)
    assert session_of(told).totals == Totals(asleep=8 * HOUR)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"sleepEndTimestampGMT": millis(START)},
        {"sleepEndTimestampGMT": None},
        {"sleepStartTimestampGMT": None, "sleepEndTimestampGMT": None},
    ],
)
def test_off_the_wrist_withdraws_what_was_told_before(told: dict[str, Any]) -> None:
    result = result_of(staged(sleepWindowConfirmationType="off_wrist", **told))
    assert (result.sessions, result.aside) == ((), ())
    assert result.withdrawn == (f"day/{DAY}",)


def test_what_nobody_can_read_any_more_is_set_aside() -> None:
    (raw,) = raws_of(staged())
    result = PROVIDER.normalise([replace(raw, payload=b"[]")])
    assert result.aside == ((raw.key, "kept in a form that this version cannot read"),)


@pytest.mark.parametrize(
    "told",
    [
        {"sleepStartTimestampGMT": "2026-11-20T25:00:00"},
        {"sleepStartTimestampGMT": "1995-11-20T22:00:00"},
        {"calendarDate": "2026-02-30", "sleepEndTimestampGMT": "2026-13-20T22:00:00"},
    ],
)
def test_absurd_dates_are_set_aside(told: dict[str, Any]) -> None:
    (raw,) = raws_of(staged(**told))
    assert raw.problem


# -- naps ----------------------------------------------------------------------------------------


def test_naps_have_their_own_times_places_and_dates() -> None:
    far = nap(later(hours=17), 2400, napStartTimeOffset=-300, napEndTimeOffset=330, napSource=1)
    result = result_of(staged(dailyNapDTOS=[nap(later(hours=15)), far]))
    one, two = result.sessions[1:]
    assert (one.external_id, two.external_id) == (
        "nap/2026-11-21T13:00:00Z",
        "nap/2026-11-21T15:00:00Z",
    )
    assert {one.kind, two.kind} == {Kind.NAP}
    assert (one.zone_start, two.zone_start, two.zone_end) == ("+01:00", "-05:00", "+05:30")
    assert (one.totals, two.totals) == (Totals(asleep=1800), Totals(asleep=2400))
    assert two.method is Method.DEVICE  # begun by hand on the watch, and measured


def test_a_nap_that_was_typed_in_is_a_hand_entry() -> None:
    (raw,) = raws_of(dto(None, dailyNapDTOS=[nap(later(hours=15), napSource=2)]))
    (session,) = PROVIDER.normalise([raw]).sessions
    assert (session.method, session.source.key) == (Method.MANUAL, "garmin#manual")
    assert (session.kind, session.external_id) == (Kind.NAP, "nap/2026-11-21T13:00:00Z")


def test_a_nap_has_none_of_the_numbers_of_its_night() -> None:
    told = staged(avgHeartRate=51.0, dailyNapDTOS=[nap(later(hours=15))])
    night, rest = result_of(told, hrv(40)).sessions
    assert night.vitals["hrv_rmssd"] == Vital(40.0)
    assert rest.vitals == {}


@pytest.mark.parametrize("odd", [None, 7, [], {}, {"napStartTimestampGMT": "x"}])
def test_an_odd_nap_is_set_aside_and_the_others_are_kept(odd: object) -> None:
    raws = raws_of(dto(None, dailyNapDTOS=[odd, nap(later(hours=15))]))
    assert [raw.problem is None for raw in raws] == [False, True]


def test_a_nap_says_when_it_was_revised() -> None:
    (raw,) = raws_of(
        dto(None, dailyNapDTOS=[nap(later(hours=15), updateTimestampGMT="2026-11-21T18:00:00")])
    )
    assert raw.revised_at == dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)


# -- what was measured ---------------------------------------------------------------------------


def test_vitals_are_those_of_the_night() -> None:
    told = staged(
        avgHeartRate=51.5,
        averageSpO2Value=95.0,
        lowestSpO2Value=88,
        highestSpO2Value=99,
        averageRespirationValue=13.0,
        lowestRespirationValue=9.0,
        highestRespirationValue=18.0,
    )
    session = session_of(told, hrv(44), hrv(99, "2026-11-20"))
    assert session.vitals == {
        "heart_rate": Vital(51.5),
        "spo2": Vital(95.0, 88.0, 99.0),
        "breathing_rate": Vital(13.0, 9.0, 18.0),
        "hrv_rmssd": Vital(44.0),
    }
    assert session.maker["hrv.lastNight5MinHigh"] == 71


@pytest.mark.parametrize("value", [0, -1, None, "x", True, 1e300, 10**30, float(5000)])
def test_a_number_that_no_sleeper_has_is_none(value: object) -> None:
    told = staged(avgHeartRate=value, averageSpO2Value=value, averageRespirationValue=value)
    assert session_of(told, hrv(value)).vitals == {}


def test_the_lowest_is_not_above_the_mean() -> None:
    told = staged(averageSpO2Value=95.0, lowestSpO2Value=97, highestSpO2Value=90)
    assert session_of(told).vitals == {"spo2": Vital(95.0)}


def test_the_makers_own_words_are_kept_beside_ours() -> None:
    scores = {"overall": {"value": 81, "qualifierKey": "GOOD"}, "stress": {"qualifierKey": "FAIR"}}
    maker = session_of(staged(sleepScores=scores, avgSleepStress=14.0)).maker
    assert (maker["score"], maker["scoreQualifier"]) == (81, "GOOD")
    assert maker["avgSleepStress"] == 14.0
    assert maker["sleepTimeSeconds"] == 25800


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1e300, 10**30, "", "NaN", "\x00", "é" * 300, [], {}, [[]], [None]]
)
NAMES = [*staged(), "sleepScores", "avgHeartRate", "dailyNapDTOS", "spo2SleepSummary", "napList"]


@given(st.dictionaries(st.sampled_from(NAMES), ODD, min_size=1, max_size=5))
def test_nothing_odd_stops_the_other_day(odd: dict[str, Any]) -> None:
    good = dto(later(days=-1), calendarDate="2026-11-20")
    raws = told_by_list(dto(**odd) | {"calendarDate": DAY, "napTimeSeconds": 0}, good)
    placed = [raw for raw in raws if raw.problem is None and raw.source.key == "garmin"]
    found = PROVIDER.normalise(placed).sessions
    assert "day/2026-11-20" in {session.external_id for session in found}
    for session in found:
        json.dumps(dict(session.maker), allow_nan=False)
        assert all(abs(v) < 10**15 for v in session.maker.values() if isinstance(v, int | float))
