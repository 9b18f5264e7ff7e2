"""What the person says: it wins, it adds up, and it follows its sleep."""

from __future__ import annotations

from typing import Any

import pytest

from sleepbalance.errors import Fatal
from sleepbalance.model import Edit, EditKind, Method, Totals
from sleepbalance.nights import Night, derive
from tests.nights.made import NAP, app_row, at, day, edit, night, nights, phone, report

NIGHT = ("19 23:00", "20 07:00")


def times(span: tuple[str, str], made: int = 0, **moved: str | None) -> Edit:
    """An edit of times, told on the wall clock of Berlin."""
    value: dict[str, Any] = {n: at(text).isoformat() if text else None for n, text in moved.items()}
    return edit(EditKind.TIMES, span, made=made, **value)


def listed(found: Night, name: str) -> list[Any]:
    value = found.details[name]
    assert isinstance(value, list)
    return value


# -- rating and notes --------------------------------------------------------------------------


def test_the_last_rating_and_the_last_note_count() -> None:
    said = [
        edit(EditKind.RATING, NIGHT, made=2, rating="good"),
        edit(EditKind.NOTES, None, "20", made=1, notes="warm"),
        edit(EditKind.RATING, None, "20", made=1, rating="bad"),
    ]
    record = night(report(*NIGHT), edits=said).record
    assert (record["quality_rating"], record["quality_notes"]) == ("good", "warm")


def test_a_rating_taken_back_by_a_later_one_is_null() -> None:
    said = [
        edit(EditKind.RATING, NIGHT, rating="good"),
        edit(EditKind.RATING, NIGHT, made=1, rating=None),
    ]
    assert night(report(*NIGHT), edits=said).record["quality_rating"] is None


def test_a_rating_of_the_night_goes_before_one_of_a_nap() -> None:
    said = [
        edit(EditKind.RATING, NIGHT, rating="good"),
        edit(EditKind.RATING, ("20 13:00", "20 14:00"), made=1, rating="bad"),
    ]
    found = night(report(*NIGHT), report("20 13:00", "20 14:00"), edits=said)
    assert found.record["quality_rating"] == "good"


def test_a_rating_follows_its_night_to_another_date() -> None:
    said = [edit(EditKind.RATING, ("19 16:00", "19 23:30"), rating="good")]
    before = nights(report("19 16:00", "19 23:30"), edits=said)
    after = nights(report("19 16:00", "20 00:20"), edits=said)
    assert before["19"].record["quality_rating"] == "good"
    assert list(after) == ["20"]
    assert after["20"].record["quality_rating"] == "good"


def test_words_on_a_date_without_a_night_stay() -> None:
    said = [
        edit(EditKind.NOTES, None, "20", notes="no watch"),
        edit(EditKind.RATING, ("20 01:00", "20 02:00"), "21", rating="bad"),
        edit(EditKind.RATING, ("24 01:00", "24 02:00"), rating="bad"),
    ]
    found = nights(edits=said)
    assert list(found) == ["20", "21"]
    assert found["20"].record["quality_notes"] == "no watch"
    assert found["20"].record["is_deleted"] == 0
    assert found["20"].record["total_sleep_time"] is None
    assert found["20"].record["data_source"] == "person"
    assert found["21"].record["quality_rating"] == "bad"


def test_a_rated_nap_makes_no_night() -> None:
    nap = ("20 13:00", "20 14:00")
    assert nights(report(*nap), edits=[edit(EditKind.RATING, nap, rating="good")]) == {}


# -- not sleep ---------------------------------------------------------------------------------


def test_no_sleep_leaves_the_row_without_numbers() -> None:
    said = [
        edit(EditKind.NOT_SLEEP, NIGHT),
        edit(EditKind.RATING, NIGHT, rating="bad"),
    ]
    sofa = report(*NIGHT, id="sofa")
    derived = derive([sofa, report(*NIGHT, by="ring", id="ring")], said)
    (found,) = derived.nights.values()
    assert found.record["is_deleted"] == 1
    assert found.record["quality_rating"] == "bad"
    assert found.record["total_sleep_time"] is None
    assert found.record["bed_time"] is None
    assert found.details["time_in_bed"] is None
    assert found.details["edited"] == ["is_deleted"]
    assert derived.dates == {"sofa": day("20"), "ring": day("20")}


def test_naps_stay_listed_beside_a_night_that_was_none() -> None:
    said = [edit(EditKind.NOT_SLEEP, NIGHT)]
    found = night(report(*NIGHT), report("20 13:00", "20 14:00"), edits=said)
    assert (found.record["is_deleted"], found.details["nap_duration"]) == (1, None)
    naps = found.details["naps"]
    assert isinstance(naps, list)
    assert [nap["minutes"] for nap in naps] == [60]


def test_the_others_decide_where_one_was_no_sleep() -> None:
    said = [edit(EditKind.NOT_SLEEP, ("20 10:00", "20 18:00"))]
    found = night(report("20 10:00", "20 18:00"), report("20 00:00", "20 05:00"), edits=said)
    assert found.record["is_deleted"] == 0
    assert found.record["total_sleep_time"] == 300


def test_a_nap_that_was_none_leaves_no_row() -> None:
    nap = ("20 13:00", "20 14:00")
    assert nights(report(*nap), edits=[edit(EditKind.NOT_SLEEP, nap)]) == {}


def test_a_deletion_by_date_is_of_the_night_of_that_date() -> None:
    said = [edit(EditKind.NOT_SLEEP, None, "20")]
    nap = report("20 13:00", "20 14:00", kind=NAP)
    found = nights(report(*NIGHT), nap, report("21 00:00", "21 07:00"), edits=said)
    assert found["20"].record["is_deleted"] == 1
    assert found["21"].record["is_deleted"] == 0


def test_a_deletion_of_a_row_of_the_app_holds_against_a_device_that_comes_later() -> None:
    said = [edit(EditKind.NOT_SLEEP, None, "20")]
    row = app_row("20 12:00", "20 12:00", maker_date=day("20"))
    assert night(row, edits=said).record["is_deleted"] == 1
    assert night(row, report(*NIGHT), edits=said).record["is_deleted"] == 1


def test_a_span_without_length_is_none_and_the_date_counts() -> None:
    said = edit(EditKind.NOT_SLEEP, ("20 12:00", "20 12:00"), "20")
    assert night(report(*NIGHT), edits=[said]).record["is_deleted"] == 1


# -- times -------------------------------------------------------------------------------------


def test_times_cut_the_hypnogram() -> None:
    staged = report("19 23:00", stages="L60 D60 A10 R60 L290")
    found = night(staged, edits=[times(NIGHT, sleep_start="19 23:30", sleep_end="20 03:00")])
    assert found.record["sleep_start_time"] == "2026-11-19T23:30:00+01:00"
    assert found.record["sleep_end_time"] == "2026-11-20T03:00:00+01:00"
    assert found.record["light_sleep_duration"] == 80
    assert found.record["deep_sleep_duration"] == 60
    assert found.record["awake_duration"] == 10
    assert found.record["total_sleep_time"] == 200
    assert found.details["edited"] == ["sleep_start_time", "sleep_end_time"]
    provenance = found.details["provenance"]
    assert isinstance(provenance, dict)
    assert provenance["sleep_start_time"] == "your edit"
    assert provenance["total_sleep_time"] == "hypnogram of Watch"


def test_time_that_the_person_adds_is_sleep_without_stage() -> None:
    staged = report("19 23:00", stages="L240 R240")
    found = night(staged, edits=[times(NIGHT, sleep_end="20 07:30")])
    assert found.record["total_sleep_time"] == 510
    assert found.details["unspecified_sleep_duration"] == 30
    assert found.details["sleep_period"] == 510


def test_a_cut_does_not_make_a_blind_device_see() -> None:
    blind = report("19 23:00", stages="L400 D80", totals=Totals(light=400 * 60, deep=80 * 60))
    record = night(blind, edits=[times(NIGHT, sleep_start="19 23:30")]).record
    assert record["rem_sleep_duration"] is None
    assert record["light_sleep_duration"] == 370


def test_edits_of_times_add_up_and_the_last_word_counts() -> None:
    said = [
        times(NIGHT, made=2, wake_time="20 07:40"),
        times(NIGHT, made=1, bed_time="19 22:30", wake_time="20 07:10"),
    ]
    found = night(report(*NIGHT), edits=said)
    assert found.details["time_in_bed"] == 550
    assert found.details["sleep_onset_latency"] == 30
    assert found.details["latency_to_arising"] == 40
    assert found.details["sleep_efficiency"] == 87.3
    assert found.details["edited"] == ["bed_time", "wake_time"]


def test_times_move_the_night_to_another_date_and_others_follow() -> None:
    span = ("19 16:00", "19 23:50")
    said = [
        times(span, sleep_end="20 00:30"),
        edit(EditKind.NOTES, span, made=1, notes="late"),
    ]
    derived = derive([report(*span, id="a"), report(*span, by="ring", id="b")], said)
    assert list(derived.nights) == [day("20")]
    assert derived.nights[day("20")].record["quality_notes"] == "late"
    assert derived.dates == {"a": day("20"), "b": day("20")}


def test_the_person_may_say_that_nobody_knows() -> None:
    given = report(*NIGHT, "S480", in_bed=[NIGHT])
    found = night(given, edits=[times(NIGHT, bed_time=None)])
    assert found.record["bed_time"] is None
    assert found.details["time_in_bed"] is None


def test_a_moved_end_of_a_known_time_in_bed() -> None:
    in_bed = [("19 22:50", "20 01:00"), ("20 01:10", "20 07:00")]
    found = night(
        phone("19 22:50", "20 07:00", *in_bed), edits=[times(NIGHT, wake_time="20 07:30")]
    )
    assert found.details["time_in_bed"] == 130 + 350 + 30
    assert found.record["wake_time"] == "2026-11-20T07:30:00+01:00"


def test_a_night_in_bed_moves_with_its_getting_up() -> None:
    found = nights(
        phone("19 16:00", "19 23:50"), edits=[times(("19 16:00", "19 23:50"), wake_time="20 00:10")]
    )
    assert list(found) == ["20"]


def test_the_person_tells_when_they_slept_in_a_night_in_bed() -> None:
    said = times(NIGHT, sleep_start="19 23:30", sleep_end="20 06:30")
    found = night(phone(*NIGHT), edits=[said])
    assert found.record["total_sleep_time"] == 420
    assert found.record["awake_duration"] is None
    assert found.details["time_in_bed"] == 480
    assert found.record["bed_time"] == "2026-11-19T23:00:00+01:00"


def test_one_end_alone_tells_no_sleep() -> None:
    found = night(phone(*NIGHT), edits=[times(NIGHT, sleep_start="19 23:30")])
    assert found.record["sleep_start_time"] == "2026-11-19T23:30:00+01:00"
    assert found.record["total_sleep_time"] is None
    assert found.details["sleep_onset_latency"] == 30


def test_shorter_times_of_totals_lose_their_stages() -> None:
    totals = Totals(light=6 * 3600, deep=3600, awake=3600)
    start, end = at("19 23:00"), at("20 07:00")
    given = report(*NIGHT, totals=totals, sleep_start=start, sleep_end=end)
    found = night(given, edits=[times(NIGHT, sleep_end="20 06:00")])
    assert found.record["total_sleep_time"] == 360
    assert found.record["light_sleep_duration"] is None
    assert found.record["awake_duration"] is None
    longer = night(given, edits=[times(NIGHT, sleep_end="20 07:20")])
    assert longer.record["total_sleep_time"] == 440
    assert longer.record["light_sleep_duration"] == 360
    assert longer.record["awake_duration"] == 60


def test_totals_without_onset_keep_their_sum_where_it_fits() -> None:
    given = report(
        *NIGHT, totals=Totals(light=5 * 3600, rem=3600, awake=1800, awake_scope="in_bed")
    )
    fits = times(NIGHT, sleep_start="19 23:30", sleep_end="20 06:30")
    found = night(given, edits=[fits])
    assert found.record["total_sleep_time"] == 360
    assert found.record["rem_sleep_duration"] == 60
    assert found.details["awake_scope"] == "in_bed"
    short = times(NIGHT, sleep_start="20 01:00", sleep_end="20 06:30")
    found = night(given, edits=[short])
    assert found.record["total_sleep_time"] == 330
    assert found.record["rem_sleep_duration"] is None


def test_times_of_a_night_in_parts() -> None:
    pair = [report("19 21:00", "20 00:00"), report("20 01:00", "20 07:00")]
    found = night(*pair, edits=[times(NIGHT, sleep_start="19 22:00", sleep_end="20 06:00")])
    assert [p["total_sleep_time"] for p in listed(found, "parts")] == [120, 300]
    found = night(*pair, edits=[times(NIGHT, sleep_start="20 01:30")])
    assert [p["total_sleep_time"] for p in listed(found, "parts")] == [330]

    found = night(*pair, edits=[times(NIGHT, sleep_end="20 06:00")])
    assert [p["total_sleep_time"] for p in listed(found, "parts")] == [180, 300]


def test_moved_times_of_a_sleep_without_totals_tell_no_total() -> None:
    ends: dict[str, Any] = {"sleep_start": at("19 23:00"), "sleep_end": at("20 07:00")}
    untold = report(*NIGHT, totals=Totals(), **ends)
    found = night(untold, edits=[times(NIGHT, sleep_end="20 06:00")])
    assert found.record["sleep_end_time"] == "2026-11-20T06:00:00+01:00"
    assert found.record["total_sleep_time"] is None
    assert found.details["sleep_period"] == 420


def test_a_sleep_that_the_person_moves_altogether() -> None:
    found = night(
        report("19 20:00", "19 23:30"),
        edits=[times(("19 20:00", "19 23:30"), sleep_start="20 00:00", sleep_end="20 05:00")],
    )
    assert found.record["total_sleep_time"] == 300
    assert found.date == day("20")


def test_times_that_contradict_themselves_change_nothing() -> None:
    found = night(report(*NIGHT), edits=[times(NIGHT, sleep_start="20 08:00")])
    assert found.record["total_sleep_time"] == 480


def test_times_as_instants_and_times_of_nowhere() -> None:
    told = edit(EditKind.TIMES, NIGHT, sleep_start=at("19 23:30"))
    assert night(report(*NIGHT), edits=[told]).record["total_sleep_time"] == 450
    with pytest.raises(Fatal, match="no offset"):
        night(report(*NIGHT), edits=[edit(EditKind.TIMES, NIGHT, bed_time="2026-11-19T22:30")])


# -- added -------------------------------------------------------------------------------------


def test_a_sleep_that_the_person_adds() -> None:
    found = nights(
        report("18 23:00", "19 07:00", zone="America/New_York"),
        edits=[
            edit(EditKind.ADDED, NIGHT, kind="main"),
            edit(EditKind.ADDED, ("20 12:00", "20 13:00"), kind="nap"),
        ],
    )["20"]
    assert found.record["total_sleep_time"] == 480
    assert found.record["data_source"] == "person"
    assert found.record["awake_duration"] is None
    assert found.record["sleep_start_time"] == "2026-11-19T17:00:00-05:00"
    assert found.details["zone_from"] == "neighbour"
    assert found.details["sessions"] == []
    assert [part["session"] for part in listed(found, "parts")] == [None]
    assert found.details["edited"] == ["added"]
    assert found.details["nap_duration"] == 60


def test_an_added_sleep_knows_its_zone_or_nobody_does() -> None:
    told = edit(EditKind.ADDED, NIGHT, kind="main", zone="Asia/Tokyo")
    assert str(night(edits=[told]).record["sleep_end_time"]).endswith("+09:00")
    alone = night(edits=[edit(EditKind.ADDED, NIGHT, kind="main")])
    assert str(alone.record["sleep_end_time"]).endswith("+00:00")
    assert alone.details["zone_from"] == "none"


def test_what_the_person_adds_is_believed_before_any_device() -> None:
    said = [edit(EditKind.ADDED, NIGHT, kind="main")]
    found = night(report("20 03:00", "20 07:00", "L240"), edits=said)
    assert found.record["data_source"] == "person"
    assert found.record["total_sleep_time"] == 480
    assert found.details["why"] == "you: you added it"
    assert found.details["edited"] == ["added"]
    assert [s["total_sleep_time"] for s in listed(found, "alternatives")] == [240]
    said.append(edit(EditKind.SOURCE, NIGHT, provider="demo", account="", source="watch"))
    assert night(report("20 03:00", "20 07:00", "L240"), edits=said).record["data_source"] == "demo"


# -- kind --------------------------------------------------------------------------------------


def test_the_person_calls_a_siesta_their_night() -> None:
    span = ("20 14:00", "20 16:30")
    found = night(report(*span), edits=[edit(EditKind.KIND, span, kind="main")])
    assert found.details["edited"] == ["kind"]


def test_the_persons_main_sleep_goes_before_the_makers() -> None:
    span = ("20 13:00", "20 16:00")
    said = [edit(EditKind.KIND, span, kind="main")]
    found = night(report("20 00:00", "20 06:00"), report(*span), edits=said)
    assert found.record["total_sleep_time"] == 180
    assert len(listed(found, "other_main_sleeps")) == 1


def test_the_person_calls_a_part_a_nap() -> None:
    sofa = ("19 20:30", "19 23:40")
    said = [edit(EditKind.KIND, sofa, kind="nap")]
    pair = [report(*sofa), report("20 00:20", "20 07:00")]
    found = nights(*pair, edits=said)
    assert found["20"].record["total_sleep_time"] == 400
    whole = report("19 20:30", stages="L190 -40 L400", parts=[(0, 190), (230, 630)], id="whole")
    derived = derive([whole], said)
    assert derived.nights[day("20")].record["total_sleep_time"] == 400
    assert derived.dates == {"whole": day("20")}


def test_the_person_calls_a_makers_nap_a_part_of_the_night() -> None:
    span = ("20 08:00", "20 09:30")
    pair = [report("19 23:00", "20 05:00"), report(*span, kind=NAP)]
    found = night(*pair, edits=[edit(EditKind.KIND, span, kind="part")])
    assert found.record["total_sleep_time"] == 450
    assert found.details["gap_duration"] == 180
    assert night(*pair).record["total_sleep_time"] == 360


def test_the_last_word_on_a_kind_counts_also_by_date() -> None:
    span = ("20 14:00", "20 16:30")
    said = [
        edit(EditKind.KIND, span, kind="nap"),
        edit(EditKind.KIND, span, made=1, kind="main"),
    ]
    assert len(nights(report(*span), edits=said)) == 1
    by_date = edit(EditKind.KIND, None, "20", kind="nap")
    assert nights(report("20 00:00", "20 06:00"), edits=[by_date]) == {}


# -- source ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("span", "date"), [(NIGHT, None), (None, "20")])
def test_the_person_chooses_a_source(span: tuple[str, str] | None, date: str | None) -> None:
    pair = [report(*NIGHT, "L480"), report("20 01:00", "20 03:00", by="ring", account="anna")]
    said = edit(EditKind.SOURCE, span, date, provider="demo", account="anna", source="ring")
    found = night(*pair, edits=[said])
    assert found.record["total_sleep_time"] == 120
    assert found.details["why"] == "Ring: your choice for this night"
    assert found.details["edited"] == ["data_source"]
    (other,) = listed(found, "alternatives")
    assert other["why"] == "your choice for this night"


def test_a_chosen_source_that_is_gone_is_forgotten() -> None:
    said = edit(EditKind.SOURCE, NIGHT, provider="gone", account="", source=None)
    assert night(report(*NIGHT), edits=[said]).details["why"] == "only source"


def test_an_edit_of_nothing_that_is_there_changes_nothing() -> None:
    said = [
        edit(kind, ("10 23:00", "11 07:00"), provider="x")
        for kind in (EditKind.TIMES, EditKind.NOT_SLEEP, EditKind.SOURCE, EditKind.KIND)
    ]
    said.append(edit(EditKind.NOT_SLEEP, None, "11"))
    given = report(*NIGHT)
    assert night(given, edits=said) == night(given)


# -- rows of the phone app ---------------------------------------------------------------------


def test_an_app_row_in_a_guessed_zone_is_the_same_sleep_by_its_wall_clock() -> None:
    tokyo = "Asia/Tokyo"
    device = report(*NIGHT, "L480", zone=tokyo)
    row = app_row(*NIGHT, id="row", totals=Totals(asleep=8 * 3600))
    found = night(device, row)
    assert found.record["data_source"] == "demo"
    assert listed(found, "alternatives")[0]["provider"] == "app"
    other = app_row("18 23:00", "19 07:00", totals=Totals(asleep=8 * 3600))
    assert list(nights(device, other)) == ["19", "20"]


def test_an_app_row_without_times_is_its_date() -> None:
    row = app_row("20 12:00", "20 12:00", maker_date=day("20"), totals=Totals(asleep=420 * 60))
    alone = night(row)
    assert alone.record["total_sleep_time"] == 420
    assert alone.record["sleep_start_time"] is None
    assert alone.record["bed_time"] is None
    assert alone.details["time_in_bed"] is None
    bare = night(app_row("20 12:00", "20 12:00", maker_date=day("20")))
    assert (bare.record["bed_time"], bare.record["total_sleep_time"]) == (None, None)
    assert (bare.details["evening_date"], bare.details["time_in_bed"]) == (None, None)
    found = night(row, report(*NIGHT))
    assert found.record["total_sleep_time"] == 480
    (other,) = listed(found, "alternatives")
    assert (other["why"], other["total_sleep_time"]) == ("it tells no times, only the date", 420)


def test_two_app_rows_of_one_date_are_one() -> None:
    pair = [
        app_row("20 12:00", "20 12:00", id=name, maker_date=day("20"), arrived_at=at(f"21 {h}:00"))
        for name, h in (("old", "08"), ("new", "09"))
    ]
    assert derive(pair).superseded == {"old": "new"}


def test_a_hand_entry_measures_no_awake() -> None:
    found = night(report(*NIGHT, method=Method.MANUAL))
    assert found.record["awake_duration"] is None
    assert found.details["awakenings"] is None
    told = night(report("19 23:00", stages="S200 A10 S200", method=Method.MANUAL))
    assert told.record["awake_duration"] == 10
