"""The examples of docs/definitions.md, and those that it asks everybody to make their own."""

from __future__ import annotations

from typing import Any

from sleepbalance.model import EditKind, Totals
from sleepbalance.nights import SourceRank, derive
from tests.nights.made import app_row, day, edit, night, nights, report

RANKS = [SourceRank("garmin", ""), SourceRank("oura", "")]


def test_a_sofa_and_a_bed_are_two_parts_of_the_next_night() -> None:
    found = nights(
        report("17 00:10", "17 06:50"),
        report("17 20:30", "17 23:40"),
        report("18 00:20", "18 07:00"),
    )
    assert list(found) == ["17", "18"]
    assert found["17"].record["total_sleep_time"] == 400
    assert found["18"].record["total_sleep_time"] == 590
    assert found["18"].details["gap_duration"] == 40
    parts = found["18"].details["parts"]
    assert isinstance(parts, list)
    assert [part["total_sleep_time"] for part in parts] == [190, 400]


def test_sleep_before_a_shift_is_a_long_nap() -> None:
    found = night(report("17 00:00", "17 06:00"), report("17 15:00", "17 19:00"))
    assert found.record["total_sleep_time"] == 360
    assert found.details["nap_duration"] == 240
    assert found.details["sleep_24h"] == 600


def test_a_day_sleep_and_a_night_with_three_devices() -> None:
    given: dict[str, Any] = {"provider": "oura", "by": "ring"}
    sunday = day("22")
    saturday = [
        report("21 11:00", "21 18:40", "L200 D100 R160", by="garmin", provider="garmin"),
        report("21 11:00", "21 18:40", by="watch", provider="apple"),
        report("21 11:05", "21 18:40", "L455", **given, maker_date=sunday),
    ]
    derived = derive([*saturday, report("22 02:00", "22 08:00", "L360", **given)])
    first, second = derived.nights.values()
    assert (first.date, second.date) == (day("21"), day("22"))
    assert first.record["total_sleep_time"] == 460
    assert isinstance(first.details["alternatives"], list)
    assert len(first.details["alternatives"]) == 2
    assert second.record["total_sleep_time"] == 360
    assert {derived.dates[r.id] for r in saturday} == {day("21")}


def test_a_watch_put_on_late_stands_back() -> None:
    watch = report("20 03:00", "20 07:00", "L120 D60 R60", device="watch")
    totals = Totals(light=4 * 3600, deep=2 * 3600, rem=2 * 3600, awake=0)
    ring = report(
        "19 23:00",
        "20 07:00",
        by="ring",
        provider="other",
        totals=totals,
        sleep_start=watch.session.start.replace(hour=22, day=19),
        sleep_end=watch.session.end,
    )
    found = night(watch, ring)
    assert found.record["total_sleep_time"] == 480
    assert "the watch began at 03:00" in str(found.details["why"])


def test_the_first_of_the_order_stands_back_where_it_slept_through_little() -> None:
    garmin = report("19 23:00", "20 02:00", "L180", by="garmin", provider="garmin")
    oura = report("19 23:05", "20 07:10", "L300 D185", by="oura", provider="oura")
    found = night(garmin, oura, order=RANKS)
    assert found.record["data_source"] == "oura"
    why = "Oura: Garmin covers only 3 h 0 min of 8 h 5 min, it ended at 02:00"
    assert found.details["why"] == why


def test_parts_add_up_to_the_rounded_total() -> None:
    record = night(report("19 23:00", stages="L149.5 D60.5 R90.5")).record
    assert record["total_sleep_time"] == 301
    assert record["deep_sleep_duration"] == 61
    assert record["rem_sleep_duration"] == 91
    assert record["light_sleep_duration"] == 149


def test_rating_and_note_of_the_app_stay_and_the_device_tells_the_times() -> None:
    row = app_row("19 22:45", "20 06:45", totals=Totals(asleep=420 * 60))
    said = [
        edit(EditKind.RATING, ("19 22:45", "20 06:45"), clock="UTC", rating="good"),
        edit(EditKind.NOTES, ("19 22:45", "20 06:45"), clock="UTC", notes="slept like a stone"),
    ]
    found = night(row, report("19 23:00", "20 06:30", "L450"), edits=said)
    assert found.record["quality_rating"] == "good"
    assert found.record["quality_notes"] == "slept like a stone"
    assert found.record["data_source"] == "demo"
    assert found.record["sleep_start_time"] == "2026-11-19T23:00:00+01:00"
