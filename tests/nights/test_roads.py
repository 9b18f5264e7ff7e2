"""A device that also came by another road, and sleeps that their makers took back."""

from __future__ import annotations

from typing import Any

import pytest

from sleepbalance.model import EditKind, Report, Totals
from sleepbalance.nights import Night, Roads, SourceRank, derive
from tests.nights.made import NAP, day, edit, night, report

NIGHT = ("19 23:00", "20 07:00")
ROADS = Roads(
    {"connect": "garmin", "garmin connect": "garmin", "com.garmin.android": "garmin"},
    {"garmin": "Garmin", "apple": "Apple Health", "fit": "Google Fit"},
)
GARMIN: dict[str, Any] = {"provider": "garmin", "by": "garmin"}
APPLE: dict[str, Any] = {"provider": "apple", "by": "Connect"}


def reasons(found: Night) -> list[str]:
    alternatives = found.details["alternatives"]
    assert isinstance(alternatives, list)
    return [a["why"] for a in alternatives]


@pytest.mark.parametrize(
    ("by", "provider", "through"),
    [
        ("Connect", "apple", "Apple Health"),
        ("Garmin  Connect", "apple", "Apple Health"),
        ("com.garmin.android", "fit", "Google Fit"),
        ("health_connect:com.garmin.android", "unheard", "unheard"),
    ],
)
def test_the_same_device_through_another_maker_is_named(
    by: str, provider: str, through: str
) -> None:
    copy = report("19 22:30", "20 07:30", "L540", by=by, provider=provider)
    found = night(report(*NIGHT, "L480", **GARMIN), copy, roads=ROADS)
    assert found.record["data_source"] == "garmin"
    assert reasons(found) == [f"{by.title()} is the same Garmin, through {through}"]
    assert found.details["why"] == f"Garmin: {reasons(found)[0]}"


def test_a_copy_is_believed_where_it_tells_what_the_makers_own_road_does_not() -> None:
    own = report(*NIGHT, totals=Totals(light=7 * 3600, deep=3600), **GARMIN)
    found = night(own, report(*NIGHT, "L420 D60", **APPLE), roads=ROADS)
    assert found.record["data_source"] == "apple"
    why = (
        "the same Garmin, through Apple Health; it has stages over time, "
        "Garmin has totals of each stage"
    )
    assert reasons(found) == [why]
    whole = night(
        report("20 03:00", "20 07:00", "L240", **GARMIN),
        report(*NIGHT, "L480", **APPLE),
        roads=ROADS,
    )
    assert whole.record["total_sleep_time"] == 480
    assert reasons(whole)[0].startswith("the same Garmin, through Apple Health; Garmin covers only")


def test_a_copy_is_no_second_opinion() -> None:
    """Neither of two makers' equal nights wins because one of them came twice."""
    own = report(*NIGHT, "L470", **GARMIN)
    ring = report(*NIGHT, "L475", by="ring", provider="oura")
    copy = report("19 22:50", "20 07:00", "L490", **APPLE)
    found = night(own, ring, copy, roads=ROADS)
    assert found.record["data_source"] == "oura"
    assert found.details["why"] == "Ring: Garmin tells 7 h 50 min, it tells 7 h 55 min"
    assert night(own, ring, roads=ROADS).details["why"] == found.details["why"]


def test_without_the_makers_own_road_it_is_a_source_like_any() -> None:
    ring = report(*NIGHT, "L470", by="ring", provider="oura")
    found = night(report(*NIGHT, "L480", **APPLE), ring, roads=ROADS)
    assert found.details["why"] == "Connect: Ring tells 7 h 50 min, it tells 8 h 0 min"


def test_the_persons_order_and_choice_go_before_the_road() -> None:
    both = report(*NIGHT, "L480", **GARMIN), report(*NIGHT, "L480", **APPLE)
    found = night(*both, roads=ROADS, order=[SourceRank("apple", "")])
    assert found.record["data_source"] == "apple"
    why = "the same Garmin, through Apple Health; before Garmin in your order of sources"
    assert reasons(found) == [why]
    said = [edit(EditKind.SOURCE, NIGHT, provider="apple", account="", source="Connect")]
    assert night(*both, roads=ROADS, edits=said).record["data_source"] == "apple"


def test_a_makers_own_app_in_its_own_store_is_itself() -> None:
    own = report(*NIGHT, "L480", provider="garmin", by="connect")
    found = night(own, report(*NIGHT, by="garmin", provider="garmin"), roads=ROADS)
    assert reasons(found) == ["it has stages over time, Garmin has sleep without stages"]


# -- 6: the maker's word against it ------------------------------------------------------------


def without(*reports: Report, gone: list[Report], **more: Any) -> dict[str, Night]:
    found = derive(reports, withdrawn=gone, **more).nights
    return {str(date.day): told for date, told in found.items()}


def test_the_next_best_source_tells_a_night_that_was_taken_back() -> None:
    ring = report(*NIGHT, by="ring")
    found = without(ring, gone=[report(*NIGHT, "L480", id="gone")])["20"]
    assert found == night(ring)


def test_with_nothing_left_every_measure_is_null() -> None:
    found = without(gone=[report(*NIGHT, "L480", id="gone")])["20"]
    assert found.record["is_deleted"] == 1
    rest = {"data_source", "is_deleted"}
    assert {v for k, v in found.record.items() if k not in rest} == {None}
    assert found.details["time_in_bed"] is found.details["sleep_24h"] is None
    assert found.details["why"] == "its maker took it back"
    assert found.details["provenance"] == {"is_deleted": "its maker took it back"}
    assert (found.details["sessions"], found.details["edited"]) == (["gone"], [])


def test_what_was_told_anew_with_another_date_leaves_nothing_behind() -> None:
    """A maker that moves a sleep takes the old record back and sends a new one."""
    moved = without(report("19 22:00", "19 23:50"), gone=[report("19 22:00", "20 00:10")])
    assert moved.keys() == {"19"}
    assert moved["19"].record["is_deleted"] == 0


def test_a_nap_that_was_taken_back_leaves_no_row() -> None:
    assert without(gone=[report("20 13:00", "20 14:00")]) == {}
    assert without(gone=[report("19 23:00", "20 07:00", kind=NAP)]) == {}


def test_words_on_a_night_that_was_taken_back_stay_on_it() -> None:
    said = [
        edit(EditKind.RATING, NIGHT, rating="good"),
        edit(EditKind.TIMES, NIGHT, sleep_end="2026-11-20T06:00:00+01:00"),
    ]
    found = without(gone=[report(*NIGHT)], edits=said)["20"]
    assert (found.record["quality_rating"], found.record["is_deleted"]) == ("good", 1)
    assert found.record["sleep_end_time"] is None


def test_your_own_word_goes_before_the_makers() -> None:
    added = [edit(EditKind.ADDED, NIGHT, kind="main")]
    found = without(gone=[report(*NIGHT)], edits=added)["20"]
    assert (found.record["data_source"], found.record["is_deleted"]) == ("person", 0)
    no_sleep = [edit(EditKind.NOT_SLEEP, NIGHT)]
    ring = report(*NIGHT, by="ring")
    gone = [report("20 00:00", "20 01:00", by="watch")]
    found = without(ring, gone=gone, edits=no_sleep)["20"]
    assert found.details["why"] == "you said that this was no sleep"


def test_only_the_date_of_a_night_that_was_taken_back_is_known() -> None:
    given: dict[str, Any] = {"maker_date": day("20"), "totals": Totals(asleep=420 * 60)}
    found = without(gone=[report("20 12:00", "20 12:00", **given)])["20"]
    assert found.record["is_deleted"] == 1
    living = report("20 12:00", "20 12:00", by="ring", **given)
    found = without(living, gone=[report("20 12:00", "20 12:00", **given)])["20"]
    assert found.record["is_deleted"] == 0
