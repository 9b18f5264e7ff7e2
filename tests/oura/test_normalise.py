"""What becomes of Oura's sleeps: stages of two grains, sums, kinds, vitals."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.model import UNNAMED, Kind, Report, Source, Totals, Vital
from sleepbalance.nights.parts import parts_of
from sleepbalance.providers.oura import PROVIDER
from tests.oura.made import BED, day_of, document, raw_of, session_of, timeline

SUMS: dict[str, Any] = {
    "total_sleep_duration": 2460,
    "light_sleep_duration": 1500,
    "deep_sleep_duration": 660,
    "rem_sleep_duration": 300,
    "awake_time": 1140,
}
COARSE = "421421322444"  # 60 minutes


def tally(told: dict[str, Any]) -> Any:
    """What the rules of nights count of it."""
    report = Report(id="r", provider="oura", account="", session=session_of(told))
    (part,) = parts_of(report)
    return part


# -- stages --------------------------------------------------------------------------------------


def test_half_minutes_go_before_five_minutes() -> None:
    told = document(2, sleep_phase_30_sec="4213", sleep_phase_5_min="4")
    session = session_of(told)
    assert timeline(session) == [
        (0, 30, "awake"),
        (30, 60, "light"),
        (60, 90, "deep"),
        (90, 120, "rem"),
    ]
    assert not session.coarse


@pytest.mark.parametrize("name", ["sleep_phase_5_min", "app_sleep_phase_5_min"])
def test_five_minutes_are_coarse_and_the_sums_are_ouras(name: str) -> None:
    told: dict[str, Any] = {name: COARSE}
    session = session_of(document(60, **told, **SUMS))
    assert session.coarse
    assert session.totals == Totals(light=1500, deep=660, rem=300, asleep=0, awake=0)
    assert session.hypnogram[0] == (0, 300, "awake")


def test_awake_is_what_lies_between_the_first_and_the_last_sleep() -> None:
    """19 minutes awake: 5 open the night, 15 close it, so that none is left, and not less."""
    part = tally(document(60, sleep_phase_5_min=COARSE, **SUMS | {"awake_time": 1140}))
    assert (part.tally.total, part.tally.awake, part.awake_scope) == (2460, 0, "sleep_period")
    part = tally(document(60, sleep_phase_5_min=COARSE, **SUMS | {"awake_time": 1500}))
    assert part.tally.awake == 300
    assert part.sleep.start == BED + dt.timedelta(minutes=5)
    assert part.sleep.end == BED + dt.timedelta(minutes=45)


def test_the_last_piece_ends_where_the_time_in_bed_ends() -> None:
    session = session_of(document(11, sleep_phase_5_min="223"))
    assert timeline(session) == [(0, 600, "light"), (600, 660, "rem")]
    session = session_of(document(1.25, sleep_phase_30_sec="2231111"))
    assert timeline(session) == [(0, 60, "light"), (60, 75, "rem")]


def test_a_string_that_is_too_short_leaves_the_rest_untold() -> None:
    session = session_of(document(20, sleep_phase_5_min="222"))
    assert timeline(session) == [(0, 900, "light")]


def test_a_digit_that_nobody_knows_is_unknown() -> None:
    assert timeline(session_of(document(1.5, sleep_phase_30_sec="2x2")))[1] == (30, 60, "unknown")


def test_sums_without_any_string() -> None:
    session = session_of(document(60, **SUMS))
    assert session.hypnogram == ()
    assert session.totals == Totals(
        light=1500, deep=660, rem=300, asleep=0, awake=1140, awake_scope="in_bed"
    )
    assert (session.sleep_start, session.sleep_end) == (None, None)


def test_half_a_minute_of_sleep_is_lost_in_five_and_kept_in_the_sums() -> None:
    sums: dict[str, Any] = {
        "total_sleep_duration": 30,
        "light_sleep_duration": 30,
        "awake_time": 930,
    }
    part = tally(document(16, sleep_phase_5_min="4444", **sums))
    assert (part.tally.total, part.sleep) == (30, None)


def test_zeros_of_a_sleep_that_nobody_staged_are_not_told() -> None:
    zeros: dict[str, Any] = dict.fromkeys(
        ("light_sleep_duration", "deep_sleep_duration", "rem_sleep_duration"), 0
    )
    totals = session_of(document(60, total_sleep_duration=2400, **zeros)).totals
    assert totals is not None
    assert (totals.light, totals.deep, totals.rem, totals.asleep) == (None, None, None, 2400)


def test_a_stage_of_a_staged_night_that_did_not_occur_is_zero() -> None:
    sums: dict[str, Any] = SUMS | {"rem_sleep_duration": 0, "total_sleep_duration": 2160}
    totals = session_of(document(60, **sums)).totals
    assert totals is not None
    assert totals.rem == 0


@pytest.mark.parametrize(
    ("told", "asleep"),
    [({"total_sleep_duration": 2700}, 240), ({"total_sleep_duration": 2490}, 0)],
)
def test_a_surplus_of_the_total_is_of_no_stage(told: dict[str, Any], asleep: int) -> None:
    totals = session_of(document(60, **SUMS | told)).totals
    assert totals is not None
    assert totals.asleep == asleep


@pytest.mark.parametrize("value", [-1, 10**9, "600", 1e300, True, None, [600]])
def test_sums_that_cannot_be_are_not_taken(value: Any) -> None:
    told = document(60, total_sleep_duration=None)
    told["light_sleep_duration"] = value
    raw = raw_of(document(60))
    (session,) = PROVIDER.normalise([replace(raw, payload=json.dumps(told).encode())]).sessions
    assert session.totals is None


def test_more_sleep_than_there_was_time_for_is_no_sum() -> None:
    sums: dict[str, Any] = {"light_sleep_duration": 3600, "deep_sleep_duration": 3600}
    assert session_of(document(60, **sums)).totals is None


# -- what it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "delta", "hour", "kind"),
    [
        ("long_sleep", 0, 23, Kind.MAIN),
        ("long_sleep", None, 13, Kind.MAIN),
        ("late_nap", 3, 18, Kind.NAP),
        ("sleep", 3, 14, Kind.NAP),
        ("sleep", 0, 9, Kind.NAP),
        ("sleep", 3, 21, None),
        ("sleep", 3, 3, None),
        ("sleep", None, 14, Kind.UNCONFIRMED),
        ("sleep", None, 3, Kind.UNCONFIRMED),
        ("something new", 3, 14, None),
        (None, 3, 14, None),
    ],
)
def test_kinds(word: str | None, delta: int | None, hour: int, kind: Kind | None) -> None:
    told = document(60, bed=BED.replace(hour=hour), type=word, sleep_score_delta=delta)
    assert session_of(told).kind is kind


@pytest.mark.parametrize("word", ["rest", "deleted"])
def test_what_the_person_rejected_or_deleted_is_taken_back(word: str) -> None:
    result = PROVIDER.normalise([raw_of(document(type=word))])
    assert result.withdrawn == ("sleep/a-sleep",)
    assert (result.sessions, result.aside) == ((), ())


def test_bedtimes_days_and_offsets_are_ouras_own() -> None:
    end = "2026-11-21T12:00:00-05:00"
    session = session_of(document(bedtime_end=end, day="2026-11-22"))
    assert (session.zone_start, session.zone_end) == ("+01:00", "-05:00")
    assert session.start == BED
    assert session.end == dt.datetime.fromisoformat(end)
    assert session.maker_date == dt.date(2026, 11, 22)
    assert session.in_bed == session.parts == ((0, 19 * 3600),)


@pytest.mark.parametrize(("ring", "key"), [("r-1", "r-1"), (None, UNNAMED), ("", UNNAMED)])
def test_the_ring_is_the_source(ring: str | None, key: str) -> None:
    assert session_of(document(ring_id=ring)).source == Source(key, "Oura Ring", "ring")


@pytest.mark.parametrize(
    ("kind", "door"),
    [("sleep", "oauth"), ("sandbox-sleep", "sandbox"), ("archived-sleep", "file")],
)
def test_the_door_is_kept(kind: str, door: str) -> None:
    (session,) = PROVIDER.normalise([raw_of(document(), kind)]).sessions
    assert session.door == door


def test_a_record_of_a_later_version_is_set_aside() -> None:
    result = PROVIDER.normalise([raw_of(document(), "sleep-3")])
    assert [reason for _, reason in result.aside] == [
        "kept in a form that this version cannot read"
    ]


# -- vitals --------------------------------------------------------------------------------------

BEATS = {"interval": 300.0, "items": [90.0, 50.0, None, 60.0, 91.0], "timestamp": BED.isoformat()}
ASLEEP = "42224"  # 25 minutes: the first and the last five are awake


def test_mean_and_lowest_are_ouras_the_highest_is_of_five_minutes_in_sleep() -> None:
    told = document(
        25,
        sleep_phase_5_min=ASLEEP,
        average_heart_rate=54.5,
        lowest_heart_rate=48,
        heart_rate=BEATS,
    )
    assert session_of(told).vitals == {"heart_rate": Vital(54.5, 48, 60)}


def test_without_ouras_mean_it_is_that_of_the_samples_in_sleep() -> None:
    told = document(25, sleep_phase_5_min=ASLEEP, heart_rate=BEATS, hrv=BEATS)
    assert session_of(told).vitals == {
        "heart_rate": Vital(55, 50, 60, 2),
        "hrv_rmssd": Vital(55, 50, 60, 2),
    }


def test_hrv_is_rmssd_and_breath_is_breaths_a_minute() -> None:
    told = session_of(document(average_hrv=41, average_breath=14.375)).vitals
    assert told == {"hrv_rmssd": Vital(41), "breathing_rate": Vital(14.375)}


@pytest.mark.parametrize(
    "told",
    [
        {"lowest_heart_rate": 255, "average_heart_rate": 0},
        {"average_hrv": 0, "average_breath": 0},
        {"average_hrv": "41", "average_breath": True},
        {"heart_rate": {"interval": 60, "items": [50.0] * 60}},
        {"heart_rate": {"interval": 300, "items": "50"}},
        {"heart_rate": [50.0] * 12},
    ],
)
def test_what_was_not_measured_is_not_told(told: dict[str, Any]) -> None:
    assert session_of(document(**told)).vitals == {}


def test_a_lowest_above_the_mean_is_none() -> None:
    told = document(average_heart_rate=55, lowest_heart_rate=255)
    assert session_of(told).vitals == {"heart_rate": Vital(55)}


def test_oxygen_and_score_are_those_of_its_day() -> None:
    beside = [
        day_of("spo2", spo2_percentage={"average": 96.5}, breathing_disturbance_index=4),
        day_of("score", score=77),
        day_of("spo2", day="2026-11-20", spo2_percentage={"average": 91}),
        day_of("score", day="2026-11-22", score=1),
    ]
    session = session_of(document(480), *beside)
    assert session.vitals["spo2"] == Vital(96.5)
    assert session.maker["score"] == 77
    assert session.maker["breathing_disturbance_index"] == 4


@pytest.mark.parametrize("average", [0, 50.0, 101, None, "96"])
def test_no_oxygen_is_told_as_none(average: object) -> None:
    beside = day_of("spo2", spo2_percentage={"average": average})
    assert session_of(document(480), beside).vitals == {}


@pytest.mark.parametrize("told", [{"type": "late_nap"}, {"type": "sleep"}])
def test_what_is_of_the_day_is_of_no_nap(told: dict[str, Any]) -> None:
    beside = [day_of("spo2", spo2_percentage={"average": 96.5}), day_of("score", score=77)]
    session = session_of(document(480, **told), *beside)
    assert session.vitals == {}
    assert "score" not in session.maker


def test_the_makers_own_numbers_are_kept_as_sent() -> None:
    told = document(
        latency=930,
        efficiency=80,
        readiness={"score": 81, "temperature_deviation": -0.12, "contributors": {}},
    )
    maker = session_of(told).maker
    assert (maker["latency"], maker["efficiency"]) == (930, 80)
    assert maker["temperature_deviation"] == -0.12
    assert 81 not in maker.values()  # readiness is no sleep
