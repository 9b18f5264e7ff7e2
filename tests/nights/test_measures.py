"""Each measure of a night: what it counts, when it is null, how it is rounded."""

from __future__ import annotations

from typing import Any

import pytest

from sleepbalance.model import EditKind, Method, Totals, Vital
from sleepbalance.nights import Night, derive
from sleepbalance.store.tables import night_details, sleep_records
from tests.nights.made import BERLIN, at, day, edit, night, nights, phone, report

HOUR = 3600
NIGHT = ("19 23:00", "20 07:00")
NOT_OURS = {"id", "user_id", "sleep_date", "created_at", "updated_at", "synced_at"}


def provenance(found: Night) -> dict[str, str]:
    told = found.details["provenance"]
    assert isinstance(told, dict)
    return told


def test_a_night_fills_the_columns_of_both_tables() -> None:
    deleted = night(report(*NIGHT), edits=[edit(EditKind.NOT_SLEEP, NIGHT)])
    for found in (night(report(*NIGHT)), night(phone(*NIGHT)), deleted):
        assert set(found.record) == set(sleep_records.c.keys()) - NOT_OURS
        details = set(night_details.c.keys()) - {"user_id", "sleep_date", "row_hash", "derived_at"}
        assert set(found.details) == details
        for column in night_details.c:
            if not column.nullable and column.name in details:
                assert found.details[column.name] is not None


# -- stages ------------------------------------------------------------------------------------


def test_what_is_inside_the_sleep_period_and_what_is_not() -> None:
    found = night(report("19 23:00", stages="A15 L60 A5 D60 T5 O5 L30 U20 R60 A4 S30 A9"))
    assert found.record["total_sleep_time"] == 240
    assert found.record["light_sleep_duration"] == 90
    assert found.record["deep_sleep_duration"] == 60
    assert found.record["rem_sleep_duration"] == 60
    assert found.details["unspecified_sleep_duration"] == 30
    assert found.record["awake_duration"] == 19
    assert found.details["restless_duration"] == 5
    assert found.details["unmeasured_duration"] == 20
    assert found.details["sleep_period"] == 279
    assert found.details["awakenings"] == 3
    assert found.details["awake_scope"] == "sleep_period"
    assert found.record["sleep_start_time"] == "2026-11-19T23:15:00+01:00"
    assert found.record["bed_time"] is None


def test_a_stage_that_did_not_occur_is_0_and_one_that_nobody_sees_is_null() -> None:
    assert night(report("19 23:00", stages="L400 D60")).record["rem_sleep_duration"] == 0
    blind = night(report("19 23:00", stages="L400 D60", totals=Totals(light=400 * 60, deep=HOUR)))
    assert blind.record["rem_sleep_duration"] is None
    assert blind.record["total_sleep_time"] == 460
    unstaged = night(report("19 23:00", stages="S400 A60 S10")).record
    assert unstaged["light_sleep_duration"] is None
    assert unstaged["rem_sleep_duration"] is None
    assert unstaged["awake_duration"] == 60


def test_a_half_staged_night_keeps_the_other_half_unspecified() -> None:
    found = night(report("19 20:00", "19 23:30"), report("20 00:10", stages="L300 D60 R30"))
    assert found.record["light_sleep_duration"] == 300
    assert found.details["unspecified_sleep_duration"] == 210
    assert found.record["total_sleep_time"] == 600


def test_a_makers_zeros_without_stages_are_null() -> None:
    totals = Totals(light=0, deep=0, rem=0, asleep=7 * HOUR)
    record = night(report(*NIGHT, totals=totals)).record
    assert record["total_sleep_time"] == 420
    assert record["deep_sleep_duration"] is None


def test_totals_without_onset_tell_no_times() -> None:
    totals = Totals(light=5 * HOUR, deep=HOUR, rem=0, awake=HOUR, awake_scope="in_bed")
    found = night(report(*NIGHT, totals=totals, in_bed=[NIGHT]))
    assert found.record["sleep_start_time"] is None
    assert found.record["total_sleep_time"] == 360
    assert found.record["rem_sleep_duration"] == 0
    assert found.record["awake_duration"] == 60
    assert found.details["awake_scope"] == "in_bed"
    assert found.details["awakenings"] is None
    assert found.details["sleep_period"] is None
    assert found.details["sleep_efficiency"] == 75.0
    assert found.details["unmeasured_duration"] is None
    assert found.date == day("20")


def test_onset_without_totals_tells_times_alone() -> None:
    found = night(
        report(*NIGHT, totals=Totals(), sleep_start=at("19 23:20"), sleep_end=at("20 06:00"))
    )
    assert found.record["sleep_start_time"] == "2026-11-19T23:20:00+01:00"
    assert found.record["total_sleep_time"] is None
    assert found.details["sleep_period"] == 400


def test_a_coarse_hypnogram_gives_way_to_its_makers_totals() -> None:
    totals = Totals(light=200 * 60 + 30, deep=90 * 60, rem=60 * 60, awake=12 * 60)
    given = report(
        "19 23:00",
        stages="A5 L200 D90 A10 R65",
        totals=totals,
        coarse=True,
        sleep_start=at("19 23:07"),
        sleep_end=at("20 05:08"),
    )
    found = night(given)
    assert found.record["total_sleep_time"] == 351
    assert found.record["awake_duration"] == 12
    assert found.record["sleep_start_time"] == "2026-11-19T23:07:00+01:00"
    assert found.details["awakenings"] == 1
    assert provenance(found)["total_sleep_time"] == "totals of Watch"
    loose = report("19 23:00", stages="A5 L200 D90 A10 R65", totals=totals, coarse=True)
    assert night(loose).record["sleep_start_time"] == "2026-11-19T23:05:00+01:00"


@pytest.mark.parametrize(("told", "unspecified"), [(461, 0), (470, 10), (400, 0)])
def test_a_surplus_of_the_makers_total_is_unspecified(told: int, unspecified: int) -> None:
    totals = Totals(asleep=told * 60, light=0, deep=0, rem=0)
    found = night(report("19 23:00", stages="L400 D30 U20 D30", totals=totals))
    assert found.record["light_sleep_duration"] == 400
    assert found.details["unspecified_sleep_duration"] == unspecified
    assert found.details["unmeasured_duration"] == 20 - unspecified
    assert ("longer total" in provenance(found)["total_sleep_time"]) == (unspecified > 0)


def test_efficiencies_are_null_where_a_tenth_was_not_measured() -> None:
    found = night(report("19 23:00", stages="L400 U45 L5", in_bed=[("19 22:50", "20 06:30")]))
    assert found.details["sleep_maintenance_efficiency"] == 90.0
    assert found.details["sleep_efficiency"] == 88.0
    found = night(report("19 23:00", stages="L400 U46 L5", in_bed=[("19 22:50", "20 06:31")]))
    assert found.details["sleep_maintenance_efficiency"] is None
    assert found.details["sleep_efficiency"] is None


def test_seconds_are_kept_in_clocks_and_halves_go_up() -> None:
    found = night(report("19 23:00", stages="L0.5 A30.5 L400.6"))
    assert found.record["sleep_start_time"] == "2026-11-19T23:00:00+01:00"
    assert found.record["sleep_end_time"] == "2026-11-20T06:11:36+01:00"
    assert found.record["total_sleep_time"] == 401
    assert found.record["awake_duration"] == 31


# -- time in bed -------------------------------------------------------------------------------


def test_the_sources_own_time_in_bed() -> None:
    found = night(
        report("19 22:45", "20 07:10", "A20 L480 A5", in_bed=[("19 22:45", "20 07:10")]),
        phone("19 22:00", "20 08:00"),
    )
    assert found.record["bed_time"] == "2026-11-19T22:45:00+01:00"
    assert found.record["wake_time"] == "2026-11-20T07:10:00+01:00"
    assert found.details["time_in_bed"] == 505
    assert found.details["sleep_onset_latency"] == 20
    assert found.details["latency_to_arising"] == 5
    assert found.details["sleep_efficiency"] == 95.0
    assert provenance(found)["bed_time"] == "time in bed by Watch"
    assert provenance(found)["time_in_bed"] == "computed: wake_time − bed_time, gaps left out"


def test_the_phone_beside_lends_its_time_in_bed_and_is_named() -> None:
    watch = report(*NIGHT, "L480")
    mat = phone("19 22:40", "20 07:20", by="mat", device="mat")
    found = night(watch, phone("19 22:50", "20 07:10"), mat)
    assert found.record["bed_time"] == "2026-11-19T22:50:00+01:00"
    assert provenance(found)["wake_time"] == "time in bed by Phone"
    assert night(watch, mat).record["bed_time"] == "2026-11-19T22:40:00+01:00"


@pytest.mark.parametrize(
    "given",
    [
        {"provider": "other"},
        {"account": "ben"},
    ],
)
def test_nobody_else_lends_it(given: dict[str, Any]) -> None:
    found = night(report(*NIGHT, "L480"), phone("19 22:50", "20 07:10", **given))
    assert found.record["bed_time"] is None
    assert found.details["time_in_bed"] is None
    assert found.details["sleep_onset_latency"] is None


def test_another_watch_lends_nothing() -> None:
    other = report(*NIGHT, "S480", by="band", in_bed=[("19 22:00", "20 07:10")], device="band")
    assert night(report(*NIGHT, "L480"), other).record["bed_time"] is None


def test_an_end_inside_the_sleep_is_contradicted() -> None:
    found = night(report(*NIGHT, "L480"), phone("19 23:20", "20 07:10"))
    assert found.record["bed_time"] is None
    assert found.record["wake_time"] == "2026-11-20T07:10:00+01:00"
    assert found.details["time_in_bed"] is None
    assert found.details["latency_to_arising"] == 10
    found = night(report(*NIGHT, "L480"), phone("19 22:50", "20 06:50"))
    assert found.record["wake_time"] is None


def test_time_in_bed_that_touches_the_sleep_belongs_to_it() -> None:
    in_bed = [("19 22:50", "19 23:00"), ("20 07:00", "20 07:20"), ("20 09:00", "20 10:00")]
    found = night(report(*NIGHT, "S480", in_bed=in_bed))
    assert found.record["bed_time"] == "2026-11-19T22:50:00+01:00"
    assert found.record["wake_time"] == "2026-11-20T07:20:00+01:00"


def test_time_in_bed_of_parts_is_added_without_the_gap() -> None:
    pair = [
        report("19 20:20", "19 23:45", "A10 L190 A5", in_bed=[("19 20:20", "19 23:45")]),
        report("20 00:10", "20 07:05", "A10 L400 A5", in_bed=[("20 00:10", "20 07:05")]),
    ]
    found = night(*pair)
    assert found.details["gap_duration"] == 40
    assert found.details["time_in_bed"] == 205 + 415
    assert found.details["sleep_onset_latency"] == 10
    spanning = phone("19 20:20", "20 07:05")
    bare = [report("19 20:30", "19 23:40", "L190"), report("20 00:20", "20 07:00", "L400")]
    assert night(*bare, spanning).details["time_in_bed"] == 645 - 40


def test_a_part_in_the_middle_without_time_in_bed_counts_as_it_slept() -> None:
    three = [
        report("19 20:20", "19 22:10", "A10 L100", in_bed=[("19 20:20", "19 22:10")]),
        report("19 22:40", "20 00:20", "L100"),
        report("20 01:00", "20 05:10", "L240 A10", in_bed=[("20 01:00", "20 05:10")]),
    ]
    assert night(*three).details["time_in_bed"] == 110 + 100 + 250


# -- vitals ------------------------------------------------------------------------------------


def test_vitals_of_a_night() -> None:
    vitals = {
        "heart_rate": Vital(54.25, 47, 71.04, 400),
        "hrv_rmssd": Vital(41.26, samples=3),
        "hrv_sdnn": Vital(52.0),
        "breathing_rate": Vital(14.05, samples=10),
        "spo2": Vital(96.44, 91, None, 20),
        "skin_temperature": Vital(34.25),
    }
    found = night(report(*NIGHT, vitals=vitals))
    record, details = found.record, found.details
    assert record["avg_heart_rate"] == 54.3
    assert (record["min_heart_rate"], record["max_heart_rate"]) == (47.0, 71.0)
    assert record["avg_hrv"] == 41.3
    assert record["avg_breathing_rate"] == 14.1
    assert (details["avg_hrv_sdnn"], details["avg_spo2"], details["min_spo2"]) == (52.0, 96.4, 91.0)
    assert details["avg_skin_temperature"] == 34.3
    assert provenance(found)["avg_heart_rate"] == "400 samples of Watch"
    for own in ("avg_hrv_sdnn", "avg_skin_temperature"):
        assert provenance(found)[own] == "the maker's own value"


def test_a_vital_that_nobody_told_is_null_and_from_nowhere() -> None:
    found = night(report(*NIGHT, vitals={"heart_rate": Vital(54)}))
    assert found.details["avg_skin_temperature"] is None
    assert "avg_skin_temperature" not in provenance(found)


def test_sdnn_is_never_called_hrv() -> None:
    assert night(report(*NIGHT, vitals={"hrv_sdnn": Vital(50.0)})).record["avg_hrv"] is None


def test_fewer_than_ten_samples_say_nothing_unless_the_maker_does() -> None:
    few = {"heart_rate": Vital(54, 47, 71, 9), "breathing_rate": Vital(14, samples=9)}
    record = night(report(*NIGHT, vitals=few)).record
    assert record["avg_heart_rate"] is None
    assert record["min_heart_rate"] is None
    assert record["avg_breathing_rate"] is None
    own = night(report(*NIGHT, vitals={"heart_rate": Vital(54)})).record
    assert own["avg_heart_rate"] == 54.0


def test_parts_weigh_as_much_as_they_have_samples() -> None:
    first = {"heart_rate": Vital(50, 45, 60, 100), "spo2": Vital(None, 90, None, 5)}
    second = {"heart_rate": Vital(60, 48, 70, 300)}
    pair = (("19 20:00", "19 23:40"), ("20 00:20", "20 06:00"))
    record = night(report(*pair[0], vitals=first), report(*pair[1], vitals=second)).record
    assert record["avg_heart_rate"] == 57.5
    assert (record["min_heart_rate"], record["max_heart_rate"]) == (45.0, 70.0)
    own = [report(*pair[0], vitals={"heart_rate": Vital(50)})]
    own.append(report(*pair[1], vitals={"heart_rate": Vital(60, samples=300)}))
    assert night(*own).record["avg_heart_rate"] == 56.1  # by sleep: 220 and 340 min
    assert night(*own).details["avg_spo2"] is None


def test_vitals_of_nights_that_nobody_measured() -> None:
    vitals = {"heart_rate": Vital(54)}
    assert night(phone(*NIGHT, vitals=vitals)).record["avg_heart_rate"] is None
    untold = report(
        *NIGHT, totals=Totals(), sleep_start=at("19 23:00"), sleep_end=at("20 07:00"), vitals=vitals
    )
    assert night(untold).record["avg_heart_rate"] == 54.0


# -- places and clocks -------------------------------------------------------------------------


def test_the_night_of_the_clock_put_back() -> None:
    found = night(report("2026-10-24 23:00", "2026-10-25 07:00", zone=BERLIN))
    assert found.record["total_sleep_time"] == 540
    assert found.record["sleep_start_time"] == "2026-10-24T23:00:00+02:00"
    assert found.record["sleep_end_time"] == "2026-10-25T07:00:00+01:00"
    assert found.details["mid_sleep"] == "2026-10-25T02:30:00+01:00"


def test_the_night_of_the_clock_put_forward() -> None:
    found = night(report("2026-03-28 23:00", "2026-03-29 07:00", zone=BERLIN))
    assert found.record["total_sleep_time"] == 420
    assert found.record["sleep_end_time"] == "2026-03-29T07:00:00+02:00"
    assert found.details["mid_sleep"] == "2026-03-29T03:30:00+02:00"


def test_a_flight_west_keeps_both_offsets() -> None:
    found = night(report("20 01:00", "20 02:00", zone=BERLIN, zone_end="America/New_York"))
    assert found.record["total_sleep_time"] == 420
    assert found.record["sleep_start_time"] == "2026-11-20T01:00:00+01:00"
    assert found.record["sleep_end_time"] == "2026-11-20T02:00:00-05:00"
    assert found.date == day("20")


def test_a_flight_west_may_end_two_nights_on_one_date() -> None:
    auckland, losangeles = "Pacific/Auckland", "America/Los_Angeles"
    found = night(
        report("20 00:00", "20 07:00", zone=auckland),
        report("20 00:00", "20 06:00", zone=losangeles),
    )
    assert found.record["total_sleep_time"] == 420
    assert found.details["zone"] == auckland
    others = found.details["other_main_sleeps"]
    assert isinstance(others, list)
    assert [other["start"] for other in others] == ["2026-11-20T00:00:00-08:00"]


def test_a_flight_east_may_leave_a_date_out() -> None:
    found = nights(
        report("19 23:00", "20 06:00", zone="America/Los_Angeles"),
        report("22 00:30", "22 07:00", zone="Asia/Tokyo"),
    )
    assert list(found) == ["20", "22"]


def test_the_evening_of_a_night_that_began_after_midnight() -> None:
    assert night(report("20 00:30", "20 07:00")).details["evening_date"] == day("19")
    assert night(report("20 11:59", "20 19:00")).details["evening_date"] == day("19")
    assert night(report("20 12:00", "20 19:00")).details["evening_date"] == day("20")


def test_a_hand_entry_says_what_it_is() -> None:
    found = night(report(*NIGHT, totals=Totals(asleep=8 * HOUR), method=Method.MANUAL))
    assert found.record["total_sleep_time"] == 480
    assert found.record["awake_duration"] is None
    assert provenance(found)["total_sleep_time"] == "totals of Watch"


def test_nothing_told_is_no_night() -> None:
    derived = derive([])
    assert (derived.nights, derived.dates, derived.superseded) == ({}, {}, {})
