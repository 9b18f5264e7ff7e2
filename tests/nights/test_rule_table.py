"""Every rule of nights and of time, with the tests that hold it; and cases that had none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.model import Kind, Method, Totals, Vital, ZoneFrom
from sleepbalance.nights import derive
from tests.nights.made import BERLIN, MAIN, at, day, night, nights, report

TESTS = Path(__file__).parents[1]
RULES = {
    "1 one hypnogram, one source": (
        "test_two_sources_are_never_added",
        "test_the_chosen_source_tells_a_nap_and_a_night_where_another_saw_one_sleep",
        "test_beside_two_devices_it_is_spliced_with_neither",
    ),
    "2 half of the shorter": (
        "test_half_of_the_shorter_is_the_same_sleep_and_less_is_not",
        "test_a_day_in_bed_does_not_tie_two_sleeps_of_other_devices_together",
    ),
    "2 final before tentative": (
        "test_final_stands_before_tentative_also_when_it_came_first",
        "test_which_report_stands_in_order_of_what_counts",
    ),
    "2 the newest revision": (
        "test_the_newest_revision_stands",
        "test_arrival_counts_where_the_maker_tells_no_time",
        "test_revisions_compare_across_doors_where_both_tell_theirs",
    ),
    "2 API before file": (
        "test_archive_and_api_are_one_night_whichever_came_first",
        "test_nights_do_not_depend_on_what_came_first",
    ),
    "2 superseded is nowhere told": (
        "test_what_is_superseded_shares_the_date_and_is_nowhere_told",
        "test_a_session_is_told_once",
    ),
    "2 another road": (
        "test_the_same_device_through_another_maker_is_named",
        "test_a_copy_is_no_second_opinion",
    ),
    "3 parts and their limits": (
        "test_parts_of_one_night",
        "test_one_minute_more_and_they_are_apart",
        "test_parts_never_chain_beyond_a_day",
    ),
    "3 gaps": (
        "test_a_hole_between_parts_is_a_gap_and_one_inside_is_unmeasured",
        "test_awake_beside_a_gap_stays_in_the_hypnogram_only",
    ),
    "3 the maker's word, and yours before it": (
        "test_a_makers_nap_is_no_part",
        "test_the_person_calls_a_makers_nap_a_part_of_the_night",
    ),
    "4 the main sleep": (
        "test_the_makers_main_sleep_goes_before_the_longest",
        "test_the_persons_main_sleep_goes_before_the_makers",
        "test_the_longest_of_a_date_by_sleep_or_where_only_that_is_known_by_time_in_bed",
    ),
    "4 naps": (
        "test_sleep_before_a_shift_is_a_long_nap",
        "test_an_evening_sleep_is_a_nap_of_the_date_that_it_ends_on",
        "test_a_lone_short_sleep_by_day_is_a_nap",
        "test_a_siesta_makes_no_night",
        "test_a_siesta_that_its_maker_calls_main_is_a_night",
    ),
    "4 unconfirmed": (
        "test_what_the_maker_doubts_is_shown_and_in_no_total",
        "test_a_doubted_sleep_is_the_night_where_there_is_no_other",
    ),
    "5 two nights on one date": (
        "test_rotating_shifts_end_two_main_sleeps_on_one_date",
        "test_a_week_of_rotating_shifts",
        "test_on_a_tie_the_earlier_is_the_row",
        "test_a_second_sleep_that_the_maker_calls_main_stays_one",
    ),
    "6 your word for this night": (
        "test_the_person_chooses_a_source",
        "test_what_the_person_adds_is_believed_before_any_device",
    ),
    "6 the maker's word against it": (
        "test_the_next_best_source_tells_a_night_that_was_taken_back",
        "test_with_nothing_left_every_measure_is_null",
        "test_what_its_maker_took_back_leaves_the_next_best_and_then_a_row_without_numbers",
    ),
    "6 three quarters of the longest staged": (
        "test_a_watch_put_on_late_stands_back",
        "test_three_quarters_are_enough",
        "test_a_phone_that_says_eleven_hours_pushes_no_watch_aside",
        "test_a_hand_entry_and_unstaged_sleep_are_no_yardstick",
    ),
    "6 your order, grades, the longer, by name": (
        "test_the_persons_order_goes_before_grades",
        "test_grades_of_reports",
        "test_two_sources_are_never_added",
        "test_equal_reports_are_told_apart_by_name",
    ),
    "7 date of the final waking": (
        "test_a_sofa_and_a_bed_are_two_parts_of_the_next_night",
        "test_a_day_sleep_and_a_night_with_three_devices",
        "test_naps_keep_the_date_they_end_on",
        "test_the_night_that_ends_at_midnight_is_of_the_day_that_begins",
    ),
    "7 the maker's own date": (
        "test_the_makers_date_decides_only_where_the_clock_is_unknown",
        "test_the_makers_date_until_a_zone_is_known_and_edits_follow",
    ),
    "8 totals": (
        "test_a_surplus_of_the_makers_total_is_unspecified",
        "test_a_coarse_hypnogram_gives_way_to_its_makers_totals",
        "test_in_bed_is_not_asleep",
    ),
    "9 still going": ("test_what_may_still_be_revised_is_provisional",),
    "10 vitals of the chosen source": (
        "test_vitals_are_not_filled_in_from_another_source",
        "test_sdnn_is_never_called_hrv",
    ),
    "10 edits win and follow": (
        "test_times_move_the_night_to_another_date_and_others_follow",
        "test_a_rating_follows_its_night_to_another_date",
        "test_an_edit_follows_its_sleep_to_another_door_and_another_date",
        "test_a_choice_follows_its_sleep_to_the_other_door",
        "test_edits_of_times_add_up_and_the_last_word_counts",
    ),
    "time: only instants are added": (
        "test_the_night_of_the_clock_put_back",
        "test_the_night_of_the_clock_put_forward",
        "test_times_are_right_in_any_zone_over_any_change_of_clocks",
        "test_a_wall_clock_over_a_change_of_clocks",
    ),
    "time: two offsets": (
        "test_a_flight_west_keeps_both_offsets",
        "test_a_flight_west_may_end_two_nights_on_one_date",
        "test_a_flight_east_may_leave_a_date_out",
    ),
    "time: the zone by its neighbours, the person, the file": (
        "test_the_zone_is_that_of_the_same_source_before_a_nearer_one",
        "test_the_nearest_record_tells_the_zone",
        "test_zones_come_from_the_record_its_neighbours_the_person_and_the_file",
        "test_a_nap_days_away_changes_no_zone",
    ),
    "one source by two doors": (
        "test_an_archive_and_an_account_are_one_source",
        "test_an_unnamed_report_is_of_the_device_whose_sleep_it_tells",
        "test_a_second_account_takes_the_archive_out_of_the_first_also_far_away",
        "test_what_was_removed_might_never_have_been",
    ),
    "two trackers on one account": (
        "test_two_trackers_on_one_account_are_two_sources",
        "test_of_two_devices_it_is_the_one_that_tells_most_alike",
    ),
    "segmented sleepers": ("test_a_segmented_sleeper_has_one_night_in_two_parts",),
    "devices without REM": (
        "test_a_stage_that_did_not_occur_is_0_and_one_that_nobody_sees_is_null",
        "test_a_device_without_rem_is_staged_all_the_same",
    ),
    "half-staged nights": ("test_a_half_staged_night_keeps_the_other_half_unspecified",),
    "what is left": (
        "test_without_a_connections_data_the_next_best_source_tells_the_night",
        "test_without_the_apis_data_the_archive_tells_the_night",
    ),
}


@pytest.fixture(scope="module")
def defined() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_tests(rule: str, defined: set[str]) -> None:
    assert set(RULES[rule]) <= defined


def test_every_rule_of_the_page_is_in_the_table() -> None:
    page = (TESTS.parent / "docs" / "definitions.md").read_text(encoding="utf-8")
    rules = page[page.index("## Rules of nights") : page.index("| setting |")]
    numbers = {int(n) for n in re.findall(r"^(\d+)\. ", rules, re.MULTILINE)}
    held = {int(rule.split()[0]) for rule in RULES if rule[0].isdigit()}
    assert held == numbers


# -- cases of their own ------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "alternatives"), [("20 05:00", 1), ("20 05:01", 0)])
def test_half_of_the_shorter_is_the_same_sleep_and_less_is_not(
    start: str, alternatives: int
) -> None:
    ring = report(start, stages="S240", by="ring")
    found = nights(report("19 23:00", "20 07:00", "L480"), ring)["20"]
    assert len(found.details["alternatives"]) == alternatives  # type: ignore[arg-type]
    assert found.record["total_sleep_time"] == 480


def test_an_evening_sleep_is_a_nap_of_the_date_that_it_ends_on() -> None:
    found = nights(report("20 00:00", "20 06:00"), report("20 20:00", "20 22:30"))
    assert list(found) == ["20"]
    assert found["20"].details["nap_duration"] == 150


def test_a_week_of_rotating_shifts() -> None:
    """Early, late and night shifts: each sleep is somewhere once, and two days have two."""
    sleeps = [
        ("16 21:00", "17 04:00"),
        ("17 21:30", "18 04:00"),
        ("19 01:00", "19 08:30"),
        ("20 01:00", "20 09:00"),
        ("20 16:00", "20 21:30"),  # before the first night shift
        ("21 08:00", "21 14:00"),
        ("22 08:00", "22 13:00"),
        ("22 18:30", "22 23:59"),
    ]
    found = nights(*(report(*span) for span in sleeps))
    assert list(found) == ["17", "18", "19", "20", "21", "22"]
    beside = {d: len(n.details["other_main_sleeps"]) for d, n in found.items()}  # type: ignore[arg-type]
    assert beside == {"17": 0, "18": 0, "19": 0, "20": 1, "21": 0, "22": 1}
    asleep = sum(n.details["sleep_24h"] for n in found.values())  # type: ignore[misc]
    assert asleep == 420 + 390 + 450 + 480 + 330 + 360 + 300 + 329


@pytest.mark.parametrize(
    "longer",
    [{"method": Method.MANUAL}, {}, {"totals": Totals(asleep=39600)}],
    ids=["hand entry", "unstaged", "unstaged totals"],
)
def test_a_hand_entry_and_unstaged_sleep_are_no_yardstick(longer: dict[str, Any]) -> None:
    watch = report("20 00:00", "20 06:00", "L360")
    found = night(watch, report("19 21:00", "20 08:00", by="other", **longer))
    assert found.details["source_key"] == "watch"


def test_the_night_that_ends_at_midnight_is_of_the_day_that_begins() -> None:
    assert night(report("19 17:00", "20 00:00")).date == day("20")
    assert night(report("19 17:00", "19 23:59")).date == day("19")


def test_vitals_are_not_filled_in_from_another_source() -> None:
    heart = {"heart_rate": Vital(52.0), "hrv_rmssd": Vital(40.0)}
    watch = report("19 23:00", "20 07:00", "L480")
    found = night(watch, report("19 23:00", "20 07:00", by="ring", vitals=heart))
    assert found.details["source_key"] == "watch"
    assert found.record["avg_heart_rate"] is found.record["avg_hrv"] is None


def test_a_device_without_rem_is_staged_all_the_same() -> None:
    totals = Totals(light=6 * 3600, deep=2 * 3600, rem=None, awake=0)
    blind = night(report("19 23:00", "20 07:00", totals=totals))
    assert blind.record["rem_sleep_duration"] is None
    assert blind.record["deep_sleep_duration"] == 120
    seen = night(report("19 23:00", "20 07:00", totals=Totals(light=8 * 3600, deep=0, rem=0)))
    assert seen.record["rem_sleep_duration"] == 0


def test_two_trackers_of_one_account_at_different_hours_make_night_and_nap() -> None:
    """Worn one after the other: neither lends the other its sleep."""
    found = night(
        report("19 23:00", "20 06:00", "L420", by="left", account="anna"),
        report("20 06:20", "20 08:00", "L100", by="right", account="anna"),
    )
    assert found.record["total_sleep_time"] == 420
    assert (found.details["gap_duration"], found.details["nap_duration"]) == (0, 100)
    assert found.details["sleep_24h"] == 420


def test_a_siesta_that_follows_a_night_awake() -> None:
    """A lone sleep by day is a night from three hours on, in the evening also a shorter one."""
    assert list(nights(report("20 10:00", "20 13:00"))) == ["20"]
    assert nights(report("20 10:00", "20 12:59", kind=Kind.NAP)) == {}
    assert list(nights(report("20 10:00", "20 11:00", kind=MAIN))) == ["20"]


@pytest.mark.parametrize("first", ["tentative", "final"])
def test_a_night_that_moves_to_another_date_when_it_becomes_final(first: str) -> None:
    given: dict[str, Any] = {"arrived_at": at("21 09:00"), "zone": BERLIN}
    told = {
        "tentative": report("19 22:00", "19 23:50", "L110", provisional=True, id="t", **given),
        "final": report("19 22:00", "20 06:00", "L480", id="f", **given),
    }
    order = [first, *(name for name in told if name != first)]
    derived = derive([told[name] for name in order])
    assert derived.superseded == {"t": "f"}
    assert derived.dates == {"t": day("20"), "f": day("20")}
    assert list(derived.nights) == [day("20")]


def test_of_a_zone_that_nobody_knows_the_makers_date_counts_for_naps_too() -> None:
    given: dict[str, Any] = {"zone": "UTC", "zone_from": ZoneFrom.NONE, "maker_date": day("21")}
    main = report("20 11:00", "20 18:00", kind=MAIN, **given)
    nap = report("21 01:00", "21 02:00", kind=Kind.NAP, **given)
    found = night(main, nap)
    assert (found.date, found.details["nap_duration"]) == (day("21"), 60)
