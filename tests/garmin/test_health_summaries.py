"""Sleeps of the Health API, and what was measured during them."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest

from sleepbalance.model import Kind, Method, Totals, Vital
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.testing.hooks import as_kept
from tests.garmin.health_made import (
    FINAL,
    HOUR,
    KEY,
    NIGHT,
    START,
    TENTATIVE,
    Json,
    at,
    beside,
    by_hand,
    every,
    hours,
    in_a_row,
    items,
    levels,
    nap,
    normal,
    pushed,
    session,
    sessions,
    sleep,
    taken_back,
    timeline,
)

# -- a night ---------------------------------------------------------------------------------------


def test_a_night_is_told_whole() -> None:
    told = session(sleep(overallSleepScore={"value": 81, "qualifierKey": "GOOD"}))
    assert (told.external_id, told.source.key, told.source.name) == (KEY, "garmin", "Garmin")
    assert (told.start, hours(told), told.door) == (START, 7.0, "health")
    assert (told.kind, told.method, told.provisional) == (Kind.MAIN, Method.DEVICE, False)
    assert (told.zone_start, told.maker_date) == ("+01:00", dt.date(2026, 11, 21))
    assert timeline(told) == in_a_row(0, NIGHT)
    assert told.totals == Totals(light=18000, deep=3600, rem=3000, awake=600, unmeasured=0)
    assert told.maker["overallSleepScore"] == {"value": 81, "qualifierKey": "GOOD"}
    assert told.maker["validation"] == "ENHANCED_FINAL"
    assert told.in_bed == ()  # its window begins with sleep: nobody says when one went to bed


@pytest.mark.parametrize("awake_is_in_it", [False, True])
@pytest.mark.parametrize("mapped", [False, True])
def test_both_conventions_of_duration_end_at_the_same_time(
    awake_is_in_it: bool, mapped: bool
) -> None:
    more: Json = {} if mapped else {"sleepLevelsMap": None}
    if awake_is_in_it:
        more["durationInSeconds"] = 7 * 3600
    assert hours(session(sleep(**more))) == 7.0


@pytest.mark.parametrize(
    "name", ["unmeasurableSleepInSeconds", "unmeasurableSleepDurationInSeconds"]
)
def test_both_spellings_of_unmeasurable_are_read(name: str) -> None:
    more: Json = {"unmeasurableSleepInSeconds": None, "sleepLevelsMap": None} | {name: 1800}
    told = session(sleep(**more))
    assert told.totals is not None
    assert (hours(told), told.totals.unmeasured) == (7.5, 1800)


def test_a_hole_in_the_map_stays_a_hole() -> None:
    told = session(sleep(night=(("light", 100), ("hole", 40), ("deep", 60))))
    assert timeline(told) == [("light", 0, 100), ("deep", 140, 200)]
    assert told.totals is not None
    assert told.totals.unmeasured == 2400


def test_a_word_that_nobody_knows_is_unknown() -> None:
    night = sleep(
        night=[("light", 60)], sleepLevelsMap=levels(("light", 0, 60), ("floating", 60, 90))
    )
    told = session(night)
    assert timeline(told) == [("light", 0, 60), ("unknown", 60, 90)]


def test_levels_that_overlap_are_laid_over_each_other() -> None:
    night = [("light", 60), ("awake", 30)]
    told = session(sleep(night=night, sleepLevelsMap=levels(("awake", 0, 60), ("light", 30, 90))))
    assert timeline(told) == [("awake", 0, 30), ("light", 30, 90)]


def test_levels_may_end_after_the_sums_say() -> None:
    assert hours(session(sleep(sleepLevelsMap=levels(("light", 0, 480))))) == 8.0


ODD_LEVELS = [None, 7, {}, {"startTimeInSeconds": at(90), "endTimeInSeconds": at(80)}]
UNREAD = "tells a level that cannot be read"


def test_levels_that_cannot_be_read_leave_holes() -> None:
    spread = levels(("light", 0, 60), ("light", 90, 150)) | {"deep": ODD_LEVELS, "rem": 3}
    result = normal({"sleeps": [sleep(night=[("light", 120)], sleepLevelsMap=spread)]})
    assert [reason for _, reason in result.aside] == [UNREAD]
    assert timeline(result.sessions[0]) == [("light", 0, 60), ("light", 90, 150)]


@pytest.mark.parametrize("days", [0.9, 1.9, 10])
def test_a_level_that_ends_beyond_any_night_is_left_out_and_the_sums_stand(days: float) -> None:
    far = levels(("deep", 0, 60), ("rem", 60, 120), ("light", 120, days * 24 * 60))
    night = (("deep", 60), ("rem", 60), ("light", 300))
    result = normal({"sleeps": [sleep(night=night, sleepLevelsMap=far)]})
    (told,) = result.sessions
    assert [reason for _, reason in result.aside] == [UNREAD]
    assert (hours(told), told.hypnogram) == (7.0, ())
    assert (told.sleep_start, told.sleep_end) == (told.start, told.end)
    assert told.totals == Totals(light=18000, deep=3600, rem=3600, awake=0, unmeasured=0)


def test_a_map_of_less_than_the_sums_is_not_all_of_the_night() -> None:
    """Else somebody would have slept for 7 h within one."""
    told = session(sleep(sleepLevelsMap=levels(("light", 0, 60))))
    assert (hours(told), told.hypnogram) == (7.0, ())


def test_no_word_of_rem_is_a_device_that_cannot_see_it() -> None:
    blind = sleep(night=(("light", 300), ("deep", 60)), remSleepInSeconds=None)
    without = sleep(night=(("light", 300), ("deep", 60)))
    for told, rem in ((blind, None), (without, 0)):
        totals = session(told).totals
        assert totals is not None
        assert totals.rem == rem


def test_without_a_map_the_sums_are_told_and_the_window_is_sleep() -> None:
    told = session(sleep(sleepLevelsMap={}))
    assert told.hypnogram == ()
    assert (told.sleep_start, told.sleep_end) == (told.start, told.end)
    assert told.totals == Totals(light=18000, deep=3600, rem=3000, awake=600, unmeasured=0)


SUMS = {
    "durationInSeconds": "slept",
    "lightSleepDurationInSeconds": "light",
    "deepSleepDurationInSeconds": "deep",
    "remSleepInSeconds": "rem",
    "awakeDurationInSeconds": "awake",
    "unmeasurableSleepInSeconds": "unmeasured",
}


@pytest.mark.parametrize("odd", ["NaN", "abc", -5, 10**12])
@pytest.mark.parametrize("name", SUMS)
def test_a_sum_that_cannot_be_read_is_what_the_levels_tell(name: str, odd: object) -> None:
    night = (("light", 120), ("hole", 20), ("deep", 60), ("awake", 10), ("rem", 230))
    result = normal({"sleeps": [sleep(night=night) | {name: odd}]})
    (told,) = result.sessions
    assert result.aside == ()  # nothing is lost
    assert timeline(told) == timeline(session(sleep(night=night)))
    assert told.totals == Totals(light=7200, deep=3600, rem=13800, awake=600, unmeasured=1200)


@pytest.mark.parametrize("name", SUMS)
def test_without_levels_the_total_stands_and_what_cannot_be_read_is_null(name: str) -> None:
    result = normal({"sleeps": [sleep(sleepLevelsMap=None) | {name: "NaN"}]})
    (told,) = result.sessions
    assert [reason for _, reason in result.aside] == ["tells a duration that cannot be read"]
    whole = Totals(light=18000, deep=3600, rem=3000, awake=600, unmeasured=0)
    lost = {"light": 18000, "deep": 3600, "rem": 3000}.get(SUMS[name])  # of unknown stage
    nothing: Json = {} if name == "durationInSeconds" else {SUMS[name]: None}
    assert told.totals == replace(whole, asleep=lost, **nothing)
    assert hours(told) == (410 / 60 if name == "awakeDurationInSeconds" else 7.0)


def test_without_a_total_no_night_can_be_made() -> None:
    stage = sleep(sleepLevelsMap=None, durationInSeconds=None) | {"remSleepInSeconds": "NaN"}
    for bad in (stage, by_hand() | {"durationInSeconds": "NaN"}):
        (raw,) = (raw for item in items(sleeps=[bad]) for raw in item.raws)
        assert raw.problem == "tells a duration that nobody sleeps"


def test_what_was_not_staged_is_sleep_of_unknown_stage() -> None:
    told = session(by_hand(validation="DEVICE", awakeDurationInSeconds=900))
    assert (told.method, hours(told)) == (Method.DEVICE, 7.5)
    assert told.totals == Totals(asleep=27000, awake=900)


def test_the_date_may_be_missing() -> None:
    assert session(sleep(calendarDate=None)).maker_date is None


# -- by hand, off the wrist ------------------------------------------------------------------------


def test_a_hand_entry_is_a_source_of_its_own_and_knows_nothing_of_awake() -> None:
    told = session(by_hand(), dailies=[beside(0, 600, timeOffsetHeartRateSamples=every(15, [60]))])
    assert (told.source.key, told.source.name) == ("garmin#manual", "Garmin")
    assert (told.method, hours(told), told.vitals) == (Method.MANUAL, 7.5, {})
    assert told.totals == Totals(asleep=27000, awake=None)


def test_a_measured_night_whose_times_were_mended_stays_the_devices() -> None:
    told = session(sleep(validation="MANUAL"))
    assert (told.source.key, told.method) == ("garmin", Method.DEVICE)


def test_off_the_wrist_takes_a_sleep_back() -> None:
    off = sleep(night=(), validation="OFF_WRIST", sleepLevelsMap={})
    result = normal({"sleeps": [TENTATIVE]}, {"sleeps": [off]})
    assert (result.sessions, taken_back(result), result.aside) == ((), {KEY}, ())


def test_a_sleep_that_was_not_sure_goes_when_the_watch_lay_about_in_it() -> None:
    """Its start had moved since, and with it its id; Garmin tells only the newer one's end."""
    moved = sleep(5, validation="ENHANCED_FINAL")
    off = sleep(5, night=(), validation="OFF_WRIST", sleepLevelsMap={})
    for bodies in itertools.permutations([TENTATIVE, moved, off]):
        result = normal(*({"sleeps": [each]} for each in bodies))
        if bodies.index(off) > bodies.index(moved):
            assert result.sessions == ()
        assert KEY in result.withdrawn


def test_a_final_sleep_stays_whatever_lay_about_in_it() -> None:
    off = sleep(5, night=(), validation="OFF_WRIST", sleepLevelsMap={})
    assert len(normal({"sleeps": [FINAL]}, {"sleeps": [off]}).sessions) == 1


# -- naps ------------------------------------------------------------------------------------------


def test_naps_are_sleeps_of_their_own() -> None:
    naps = [nap(900, 30), nap(1100, 20, "manual", 0), nap(1000, 25, "device")]
    night, *short = sessions(sleeps=[sleep(naps=naps)])
    assert night.kind == Kind.MAIN
    assert [s.kind for s in short] == [Kind.NAP] * 3
    assert [hours(s) * 60 for s in short] == [30, 25, 20]
    assert [s.method.value for s in short] == ["device", "device", "manual"]
    assert [(s.zone_start, s.zone_end) for s in short] == [("+01:00", "+01:00")] * 2 + [
        ("+00:00", "+00:00")
    ]
    assert len({s.external_id for s in short}) == 3
    assert short[0].totals == Totals(asleep=1800)
    (raw,) = pushed(sleeps=[sleep(naps=naps)])
    assert (raw.start, raw.end) == (night.start, short[-1].end)  # found again with its naps


def test_a_nap_that_cannot_be_read_costs_only_itself() -> None:
    naps = [nap(900, 30), None, nap(950, 0), nap(60 * 24 * 40, 30), {"napValidation": "DEVICE"}]
    result = normal({"sleeps": [sleep(naps=naps)]})
    assert [s.kind for s in result.sessions] == [Kind.MAIN, Kind.NAP]
    assert [reason for _, reason in result.aside] == ["tells a nap that cannot be read"]


# -- places ----------------------------------------------------------------------------------------


def breaths(begin: float, offset: int) -> Json:
    told = beside(begin, 15, startTimeOffsetInSeconds=offset)
    return told | {"timeOffsetEpochToBreaths": every(60, [14.0] * 15)}


@pytest.mark.parametrize(
    ("more", "zone"),
    [
        ({}, None),  # only the start is told: who sleeps in the night of the clock is not guessed
        ({"allDayRespiration": [breaths(30, 3600)]}, None),  # too early to tell
        ({"allDayRespiration": [breaths(30, 3600), breaths(405, 0)]}, "+00:00"),
        ({"allDayRespiration": [breaths(375, 3600), breaths(405, 7200)]}, "+02:00"),
        ({"naps": [nap(900, 30)]}, "+01:00"),  # the same before and after: nothing changed between
        ({"naps": [nap(900, 30, offset=-18000)]}, None),  # one flew, and nobody knows when
    ],
)
def test_where_one_awoke_is_told_only_if_it_is_proven(more: Json, zone: str | None) -> None:
    told = sleep(naps=more.get("naps"))
    found = sessions(sleeps=[told], allDayRespiration=more.get("allDayRespiration", []))
    assert (found[0].zone_start, found[0].zone_end) == ("+01:00", zone)


CLOCKS_BACK = dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC)  # midnight in Berlin
CLOCKS_ON = dt.datetime(2026, 3, 28, 23, tzinfo=dt.UTC)


def of_the_day(midnight: dt.datetime, offset: int, length: int) -> Json:
    begin = (midnight - START).total_seconds() / 60
    return beside(begin, length / 60, startTimeOffsetInSeconds=offset)


@pytest.mark.parametrize(
    ("midnight", "offset", "length", "ends"),
    [
        (CLOCKS_BACK, 7200, 90_000, "+01:00"),
        (CLOCKS_ON, 3600, 82_800, "+02:00"),
        (CLOCKS_BACK, 7200, 86_400, "+02:00"),  # e.g. in Africa, where no clock is changed
        (CLOCKS_BACK, 7200, 82_800, None),  # not over yet
        (CLOCKS_BACK + dt.timedelta(days=7), 3600, 90_000, None),  # no clock is: one flew
    ],
)
def test_a_day_of_more_or_fewer_hours_tells_that_the_clock_was_changed(
    midnight: dt.datetime, offset: int, length: int, ends: str | None
) -> None:
    begin = (midnight - START).total_seconds() / 60 - 30
    told = sleep(begin, startTimeOffsetInSeconds=offset)
    found = session(told, dailies=[of_the_day(midnight, offset, length)])
    assert found.zone_end == ends


def test_the_night_after_the_clock_was_changed_is_none_in_which_it_is() -> None:
    evening = sleep((CLOCKS_BACK - START).total_seconds() / 60 + 24 * 60)  # 23:00, of the day
    found = session(evening, dailies=[of_the_day(CLOCKS_BACK, 7200, 90_000)])
    assert (found.zone_start, found.zone_end) == ("+01:00", None)


def test_a_nap_after_the_clock_was_changed_tells_it_too() -> None:
    begin = (CLOCKS_BACK - START).total_seconds() / 60
    told = sleep(begin, startTimeOffsetInSeconds=7200, naps=[nap(begin + 900, 30)])
    assert sessions(sleeps=[told])[0].zone_end == "+01:00"


@pytest.mark.parametrize("offset", [None, 3601, 10**9, "x", True])
def test_an_odd_offset_is_none(offset: object) -> None:
    (raw,) = pushed(sleeps=[sleep(startTimeOffsetInSeconds=offset)])
    assert raw.zone is None
    assert session(sleep(startTimeOffsetInSeconds=offset)).zone_start is None


def test_an_offset_of_three_quarters_is_one() -> None:
    assert session(sleep(startTimeOffsetInSeconds=20700)).zone_start == "+05:45"


# -- what was measured -----------------------------------------------------------------------------


def test_heart_rates_are_those_of_the_sleep() -> None:
    beats = {"timeOffsetHeartRateSamples": every(60, [90, *[50, 60] * 210, 100, 0, 999])}
    told = session(sleep(begin=1), dailies=[beside(0, 1440, restingHeartRateInBeatsPerMinute=48)])
    assert told.vitals == {}
    assert told.maker["restingHeartRateInBeatsPerMinute"] == 48
    told = session(sleep(begin=1), dailies=[beside(0, 1440, **beats)])
    assert told.vitals == {"heart_rate": Vital(55.0, 50, 60, 420)}


def test_the_resting_heart_rate_is_that_of_the_date() -> None:
    yesterday = beside(-60, 1440, calendarDate="2026-11-20", restingHeartRateInBeatsPerMinute=70)
    assert "restingHeartRateInBeatsPerMinute" not in session(sleep(), dailies=[yesterday]).maker


def test_hrv_is_the_makers_mean_of_the_night() -> None:
    values = every(300, [40, 60, 50, 900])
    told = session(sleep(), hrv=[beside(0, 420, lastNightAvg=47, hrvValues=values)])
    assert told.vitals == {"hrv_rmssd": Vital(47, 40, 60)}  # of no count of samples: it is theirs
    assert told.maker["lastNightAvg"] == 47
    told = session(sleep(), hrv=[beside(0, 420, hrvValues=values)])
    assert told.vitals == {"hrv_rmssd": Vital(50, 40, 60, 3)}
    told = session(sleep(), hrv=[beside(0, 420, lastNightAvg=47, lastNight5MinHigh=70)])
    assert told.vitals == {"hrv_rmssd": Vital(47)}
    assert session(sleep(), hrv=[beside(0, 420, lastNightAvg=0)]).vitals == {}


def test_hrv_is_of_the_sleep_that_it_overlaps_most() -> None:
    other = beside(-400, 410, lastNightAvg=80)
    own = beside(0, 420, lastNightAvg=47)
    assert session(sleep(), hrv=[other, own]).vitals["hrv_rmssd"].mean == 47


def test_what_the_summary_holds_goes_before_what_is_beside_it() -> None:
    own = sleep(
        timeOffsetSleepRespiration=every(60, [-1, 14, 16, 0]),
        timeOffsetSleepSpo2=every(60, [95, 97, 50]),
    )
    others: Json = {
        "allDayRespiration": [breaths(30, 3600)],
        "pulseox": [beside(60, 60, timeOffsetSpo2Values=every(300, [90, 92]), onDemand=False)],
    }
    told = session(own, **others)
    assert told.vitals["breathing_rate"] == Vital(15.0, 14, 16, 2)
    assert told.vitals["spo2"] == Vital(96.0, 95, 97, 2)
    empty = session(sleep(timeOffsetSleepRespiration={}, timeOffsetSleepSpo2={}), **others)
    assert empty.vitals["breathing_rate"] == Vital(14.0, 14, 14, 15)
    assert empty.vitals["spo2"] == Vital(91.0, 90, 92, 2)


def test_a_look_on_demand_is_no_measure_of_sleep() -> None:
    look = beside(60, 0, timeOffsetSpo2Values={"0": 99}, onDemand=True)
    assert session(sleep(), pulseox=[look]).vitals == {}


def test_a_deviation_of_the_skin_is_no_temperature() -> None:
    told = session(sleep(), skinTemp=[beside(0, 420, avgDeviationCelsius=-0.4)])
    assert told.vitals == {}
    assert told.maker["avgDeviationCelsius"] == -0.4


def test_a_nap_has_a_heart_and_no_hrv() -> None:
    beats = {"timeOffsetHeartRateSamples": every(60, [60] * 1440)}
    day = {"dailies": [beside(0, 1440, **beats)], "hrv": [beside(900, 30, lastNightAvg=47)]}
    _, short = sessions(sleeps=[sleep(naps=[nap(900, 30)])], **day)
    assert short.vitals == {"heart_rate": Vital(60.0, 60, 60, 30)}


def test_what_goes_with_sleeps_grows_and_never_shrinks() -> None:
    short = beside(0, 300, timeOffsetHeartRateSamples=every(60, [50] * 300))
    long = beside(0, 420, timeOffsetHeartRateSamples=every(60, [60] * 420))
    for order in ((short, long), (long, short)):
        result = normal({"sleeps": [sleep()]}, *({"dailies": [each]} for each in order))
        assert result.sessions[0].vitals == {"heart_rate": Vital(60.0, 60, 60, 420)}


def test_breaths_are_packed_by_day_and_come_in_any_order() -> None:
    pieces = [pushed(allDayRespiration=[breaths(15 * n, 3600)]) for n in range(4)]
    packs = [
        as_kept(PROVIDER, [raw for n in order for raw in pieces[n]])
        for order in ([0, 1, 2, 3], [3, 1, 0, 2, 1])
    ]
    assert packs[0] == packs[1]
    (pack,) = packs[0]
    assert pack.key == "respiration/2026-11-20"
    assert pack.end is not None
    assert pack.end - START == HOUR
