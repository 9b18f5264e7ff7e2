"""Each rule of nights, with people who sleep as people do."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.model import Method, Report, Totals, ZoneFrom
from sleepbalance.nights import RULES, Roads, SourceRank, derive
from tests.nights.made import MAIN, NAP, UNCONFIRMED, at, day, night, nights, phone, report


def listed(details: Any, name: str) -> list[Any]:
    found = details[name]
    assert isinstance(found, list)
    return found


# -- 1 and 2: one source; two reports of one sleep ---------------------------------------------


def test_two_sources_are_never_added() -> None:
    found = night(report("19 23:00", "20 07:00"), report("19 23:10", "20 07:00", by="ring"))
    assert found.record["total_sleep_time"] == 480
    (other,) = listed(found.details, "alternatives")
    assert other["total_sleep_time"] == 470
    assert other["source"] == "Ring"
    assert other["why"] == "Ring tells 7 h 50 min, it tells 8 h 0 min"


def test_two_trackers_on_one_account_are_two_sources() -> None:
    found = night(
        report("19 23:00", "20 07:00", "L480", by="left", account="anna"),
        report("19 23:00", "20 07:00", by="right", account="anna"),
    )
    assert found.details["source_key"] == "left"
    assert found.details["account"] == "anna"
    assert "it has stages over time" in str(found.details["why"])


def superseded(*reports: Report) -> dict[str, str]:
    return dict(derive(reports).superseded)


def test_final_stands_before_tentative_also_when_it_came_first() -> None:
    final = report("19 23:00", "20 07:00", id="final", revised_at=at("20 09:00"))
    tentative = report(
        "19 23:30", "20 06:00", id="tentative", provisional=True, revised_at=at("20 10:00")
    )
    assert superseded(tentative, final) == {"tentative": "final"}


def test_the_newest_revision_stands() -> None:
    old = report("19 23:00", "20 07:00", id="old", revised_at=at("20 09:00"))
    new = report("19 23:05", "20 06:00", id="new", revised_at=at("20 12:00"))
    assert superseded(new, old) == {"old": "new"}


def test_arrival_counts_where_the_maker_tells_no_time() -> None:
    old = report("19 23:00", "20 07:00", id="old", arrived_at=at("20 09:00"))
    new = report("19 23:05", "20 06:00", id="new", arrived_at=at("20 12:00"))
    assert superseded(new, old) == {"old": "new"}


@pytest.mark.parametrize("ids", ["ab", "ba"])
def test_of_equals_the_longer_stands_whatever_their_ids(ids: str) -> None:
    revised = at("20 09:00")  # both at once: the second made the first a main sleep no more
    long = report("20 00:00", "20 07:00", "L420", id=ids[0], revised_at=revised)
    short = report("19 23:30", "20 01:00", "L90", id=ids[1], revised_at=revised)
    assert superseded(long, short) == {ids[1]: ids[0]}


@pytest.mark.parametrize("archive_came", ["20 09:00", "25 09:00"])
def test_archive_and_api_are_one_night_whichever_came_first(archive_came: str) -> None:
    archive = report(
        "19 23:00",
        "20 07:00",
        id="archive",
        totals=Totals(asleep=8 * 3600),
        door="file",
        arrived_at=at(archive_came),
    )
    api = report("19 23:00", "20 07:00", "L480", id="api", door="oauth", arrived_at=at("22 09:00"))
    assert superseded(archive, api) == {"archive": "api"}
    totals = replace(archive, id="totals", session=replace(archive.session, door="oauth"))
    assert superseded(archive, totals) == {"archive": "totals"}


def test_revisions_compare_across_doors_where_both_tell_theirs() -> None:
    api = report("19 23:00", "20 07:00", id="api", door="oauth", revised_at=at("20 09:00"))
    archive = report("19 23:00", "20 07:00", id="archive", revised_at=at("20 12:00"))
    assert superseded(api, archive) == {"api": "archive"}


def test_what_is_superseded_shares_the_date_and_is_nowhere_told() -> None:
    old = report("19 23:00", "20 00:30", id="old", arrived_at=at("20 09:00"))
    new = report("19 23:05", "20 06:00", id="new", arrived_at=at("20 12:00"))
    derived = derive([old, new])
    assert derived.dates == {"old": day("20"), "new": day("20")}
    assert listed(derived.nights[day("20")].details, "alternatives") == []
    assert derived.nights[day("20")].details["sessions"] == ["new"]


def test_a_day_in_bed_does_not_tie_two_sleeps_of_other_devices_together() -> None:
    watch = [report("19 23:00", "20 06:00", "L420"), report("20 12:00", "20 18:00", "L360")]
    ring = report("20 12:00", "20 18:10", by="ring")
    found = night(*watch, ring, phone("19 22:00", "20 19:00"))
    assert found.record["total_sleep_time"] == 420
    assert [s["source"] for s in listed(found.details, "alternatives")] == ["Phone"]
    assert [s["total_sleep_time"] for s in listed(found.details, "other_main_sleeps")] == [360]


# -- 3: parts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "gap"),
    [
        (("19 22:00", "19 23:00"), ("20 00:00", "20 07:00"), 60),  # pieces an hour apart
        (("19 21:00", "19 22:30"), ("20 00:00", "20 06:00"), 90),  # 1.5 h each, 90 min apart
        (("19 20:00", "19 23:00"), ("20 03:00", "20 06:00"), 240),  # 3 h each, 4 h apart
    ],
)
def test_parts_of_one_night(first: tuple[str, str], second: tuple[str, str], gap: int) -> None:
    found = night(report(*first), report(*second))
    assert len(listed(found.details, "parts")) == 2
    assert found.details["gap_duration"] == gap
    assert found.details["unmeasured_duration"] == 0
    assert found.record["awake_duration"] == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("19 22:00", "19 22:59"), ("20 00:00", "20 07:00")),
        (("19 21:00", "19 22:29"), ("20 00:00", "20 06:00")),
        (("19 20:00", "19 22:59"), ("20 02:59", "20 06:00")),
        (("19 19:59", "19 22:59"), ("20 03:00", "20 06:00")),
    ],
)
def test_one_minute_more_and_they_are_apart(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    found = nights(report(*first), report(*second))["20"]
    assert len(listed(found.details, "parts")) == 1


def test_two_short_sleeps_together_are_long_enough_for_the_third() -> None:
    found = night(
        report("19 20:00", "19 23:30"),
        report("20 02:30", "20 04:30"),
        report("20 05:10", "20 07:10"),
    )
    assert found.record["total_sleep_time"] == 450
    assert found.details["gap_duration"] == 220


def test_a_makers_nap_is_no_part() -> None:
    found = night(report("19 23:00", "20 06:00"), report("20 06:30", "20 08:00", kind=NAP))
    assert found.record["total_sleep_time"] == 420
    assert [n["minutes"] for n in listed(found.details, "naps")] == [90]


def test_parts_never_chain_beyond_a_day() -> None:
    sleeps = [
        report(f"{18 + h // 24} {h % 24:02}:00", f"{18 + (h + 3) // 24} {(h + 3) % 24:02}:00")
        for h in range(0, 60, 4)
    ]
    found = nights(*sleeps)
    for one in found.values():
        start = dt.datetime.fromisoformat(str(one.record["sleep_start_time"]))
        end = dt.datetime.fromisoformat(str(one.record["sleep_end_time"]))
        assert end - start <= RULES.longest_night


def test_a_chain_within_one_record_is_cut_at_its_widest_gaps() -> None:
    chained = report(
        "18 23:00",
        stages="S400 -50 S60 -55 S60 -59 S300 -58 S300 -40 S400",
        parts=[(0, 400), (450, 510), (565, 625), (684, 984), (1042, 1342), (1382, 1782)],
    )
    found = nights(chained)
    assert [(d, n.record["total_sleep_time"]) for d, n in found.items()] == [
        ("19", 520),
        ("20", 1000),
    ]


def test_what_overlaps_a_little_in_one_source_is_not_added() -> None:
    found = night(report("19 23:00", "20 06:00"), report("20 05:30", "20 07:30"))
    assert found.record["total_sleep_time"] == 420
    assert found.details["nap_duration"] == 0
    assert found.details["sleep_24h"] == 420
    assert [n["minutes"] for n in listed(found.details, "naps")] == [120]


def test_a_hole_between_parts_is_a_gap_and_one_inside_is_unmeasured() -> None:
    pieces = report("19 23:00", stages="L60 -20 L100 A10 -30 S200", parts=[(0, 60), (80, 420)])
    found = night(pieces)
    assert found.details["gap_duration"] == 20
    assert found.details["unmeasured_duration"] == 30
    assert found.record["awake_duration"] == 10
    assert found.details["sleep_period"] == 400
    assert found.details["awakenings"] == 1


def test_awake_beside_a_gap_stays_in_the_hypnogram_only() -> None:
    pieces = report(
        "19 23:00",
        stages="A5 L60 A9 -20 A7 L100 -30 A20 -30 L100 A4",
        parts=[(0, 74), (94, 201), (231, 251), (281, 385)],
    )
    found = night(pieces)
    assert found.record["awake_duration"] == 0
    assert found.details["awakenings"] == 0
    assert len(listed(found.details, "parts")) == 3
    assert found.details["gap_duration"] == 9 + 20 + 7 + 80
    assert found.record["total_sleep_time"] == 260


# -- 4 and 5: main sleep, naps, other main sleeps ----------------------------------------------


def test_a_segmented_sleeper_has_one_night_in_two_parts() -> None:
    found = night(report("19 21:00", "20 00:30"), report("20 02:30", "20 06:00"))
    assert found.record["total_sleep_time"] == 420
    assert found.details["gap_duration"] == 120
    assert found.record["sleep_start_time"] == "2026-11-19T21:00:00+01:00"
    assert found.details["evening_date"] == day("19")


def test_the_makers_main_sleep_goes_before_the_longest() -> None:
    found = night(report("20 01:00", "20 05:00", kind=MAIN), report("20 13:00", "20 17:30"))
    assert found.record["total_sleep_time"] == 240
    assert found.details["nap_duration"] == 270


def test_a_siesta_makes_no_night() -> None:
    siesta = report("20 14:00", "20 16:30", id="siesta")
    derived = derive([siesta, report("20 18:30", "20 19:30", id="later")])
    assert derived.nights == {}
    assert derived.dates == {"siesta": day("20"), "later": day("20")}


def test_a_siesta_that_its_maker_calls_main_is_a_night() -> None:
    assert night(report("20 14:00", "20 16:30", kind=MAIN)).record["total_sleep_time"] == 150


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("20 08:59", "20 11:00", 1),
        ("20 09:00", "20 11:00", 0),
        ("20 20:59", "20 22:00", 0),
        ("20 21:00", "20 22:00", 1),
        ("20 09:00", "20 12:00", 1),
        ("20 09:00", "20 11:59", 0),
    ],
)
def test_a_lone_short_sleep_by_day_is_a_nap(start: str, end: str, found: int) -> None:
    assert len(nights(report(start, end))) == found


def test_a_short_night_beside_a_longer_sleep_by_day_is_the_nap() -> None:
    found = night(report("20 02:00", "20 04:00"), report("20 10:00", "20 12:50"))
    assert found.record["total_sleep_time"] == 170
    assert found.details["nap_duration"] == 120


def test_what_the_maker_doubts_is_shown_and_in_no_total() -> None:
    found = night(report("19 23:00", "20 06:00"), report("20 13:00", "20 14:00", kind=UNCONFIRMED))
    assert [n["kind"] for n in listed(found.details, "naps")] == ["unconfirmed"]
    assert found.details["nap_duration"] == 0
    assert found.details["sleep_24h"] == 420


def test_a_doubted_sleep_is_the_night_where_there_is_no_other() -> None:
    assert night(report("20 01:00", "20 05:00", kind=UNCONFIRMED)).record["total_sleep_time"] == 240
    assert nights(report("20 01:00", "20 03:00", kind=UNCONFIRMED)) == {}


def test_rotating_shifts_end_two_main_sleeps_on_one_date() -> None:
    found = night(report("20 00:00", "20 05:30"), report("20 14:00", "20 21:00"))
    assert found.record["total_sleep_time"] == 420
    (other,) = listed(found.details, "other_main_sleeps")
    assert other["total_sleep_time"] == 330
    assert other["start"] == "2026-11-20T00:00:00+01:00"
    assert found.details["nap_duration"] == 0
    assert found.details["sleep_24h"] == 750


def test_on_a_tie_the_earlier_is_the_row() -> None:
    found = night(report("20 14:00", "20 20:00"), report("20 00:00", "20 06:00"))
    assert str(found.record["sleep_start_time"]).startswith("2026-11-20T00:00")


def test_a_second_sleep_that_the_maker_calls_main_stays_one() -> None:
    found = night(
        report("20 00:00", "20 04:00", kind=MAIN), report("20 14:00", "20 18:30", kind=MAIN)
    )
    assert found.record["total_sleep_time"] == 270
    assert [s["total_sleep_time"] for s in listed(found.details, "other_main_sleeps")] == [240]


def test_naps_of_two_devices_at_one_time_count_once() -> None:
    found = night(
        report("19 23:00", "20 06:00"),
        report("20 13:00", "20 14:00"),
        report("20 13:40", "20 15:00", by="ring"),
    )
    assert len(listed(found.details, "naps")) == 2
    assert found.details["nap_duration"] == 80
    assert found.details["sleep_24h"] == 480


def test_all_sleep_of_the_day_is_of_one_source_also_where_another_was_believed() -> None:
    found = night(
        report("19 23:00", "20 06:00"),
        report("20 13:00", "20 14:00"),
        report("20 13:00", "20 14:10", "L70", by="ring"),
    )
    assert [n["source"] for n in listed(found.details, "naps")] == ["Ring"]
    assert found.details["nap_duration"] == 70
    assert found.details["sleep_24h"] == 480


# -- in bed only -------------------------------------------------------------------------------


def test_in_bed_is_not_asleep() -> None:
    found = night(phone("19 22:50", "20 07:00", ("19 22:50", "20 02:00"), ("20 02:10", "20 07:00")))
    record = found.record
    assert record["bed_time"] == "2026-11-19T22:50:00+01:00"
    assert record["wake_time"] == "2026-11-20T07:00:00+01:00"
    assert record["sleep_start_time"] is None
    assert record["total_sleep_time"] is None
    assert record["awake_duration"] is None
    assert found.details["time_in_bed"] == 480
    assert found.details["unspecified_sleep_duration"] is None
    assert found.details["sleep_24h"] is None
    assert found.details["mid_sleep"] is None
    assert found.details["gap_duration"] is None


def test_the_longest_of_a_date_by_sleep_or_where_only_that_is_known_by_time_in_bed() -> None:
    found = night(phone("20 09:00", "20 13:00"), report("20 00:00", "20 06:00"))
    assert found.record["total_sleep_time"] == 360
    (other,) = listed(found.details, "naps")
    assert (other["kind"], other["minutes"]) == ("unconfirmed", None)
    assert found.details["nap_duration"] == 0


@pytest.mark.parametrize("nap", [("20 14:00", "20 15:00"), ("20 21:30", "20 23:30")])
def test_a_nap_does_not_take_the_date_from_a_night_in_bed(nap: tuple[str, str]) -> None:
    found = night(phone("19 23:00", "20 07:00"), report(*nap))
    assert found.details["time_in_bed"] == 480
    assert found.record["total_sleep_time"] is None
    (other,) = listed(found.details, "naps")
    assert other["kind"] == "nap"


def test_two_days_in_bed_that_end_on_one_date() -> None:
    found = night(phone("20 00:00", "20 06:00"), phone("20 14:00", "20 22:00"))
    assert found.details["time_in_bed"] == 480
    assert [s["time_in_bed"] for s in listed(found.details, "other_main_sleeps")] == [360]


def test_a_record_of_being_awake_is_no_night() -> None:
    derived = derive([report("20 01:00", stages="A60", id="awake")])
    assert derived.nights == {}
    assert derived.dates == {"awake": day("20")}


# -- 6: choice ---------------------------------------------------------------------------------


def test_a_phone_that_says_eleven_hours_pushes_no_watch_aside() -> None:
    watch = report("20 00:00", "20 07:00", "L420")
    found = night(watch, phone("19 21:00", "20 08:00"), report("19 22:00", "20 09:00", by="app"))
    assert found.details["source_key"] == "watch"
    whys = [s["why"] for s in listed(found.details, "alternatives")]
    assert whys == [
        "it has stages over time, App has sleep without stages",
        "it has stages over time, Phone has time in bed only",
    ]


def graded() -> list[Report]:
    return [
        report("19 23:00", "20 07:00", "L480", by="e"),
        report("19 23:00", "20 07:00", by="d", totals=Totals(light=6 * 3600, deep=3600, rem=3600)),
        report("19 23:00", "20 07:00", by="c"),
        report("19 23:00", "20 07:00", by="b", method=Method.MANUAL),
        phone("19 23:00", "20 07:00", by="a"),
    ]


@pytest.mark.parametrize("best", range(5))
def test_grades_of_reports(best: int) -> None:
    assert night(*graded()[best:]).details["source_key"] == "edcba"[best]


def test_the_persons_order_goes_before_grades() -> None:
    order = [SourceRank("demo", "", "c"), SourceRank("demo", "")]
    found = night(*graded(), order=order)
    assert found.details["source_key"] == "c"
    assert found.details["why"] == "C: before E in your order of sources"


def test_equal_reports_are_told_apart_by_name() -> None:
    pair = [report("19 23:00", "20 07:00", by=by) for by in ("zeta", "alpha")]
    found = night(*pair)
    assert found.details["source_key"] == "alpha"
    assert found.details["why"] == "Alpha: Zeta tells as much; the first by name is taken"


def test_a_device_that_came_by_another_road_too_is_named_as_that() -> None:
    own = report("19 23:00", "20 07:00", "L300 D180", provider="maker")
    relayed = report("19 23:00", "20 07:00", "L300 D180", provider="phone", by="Maker Connect")
    found = night(own, relayed, roads=Roads(hubs={"phone"}))
    why = "Maker Connect by phone seems to be the same by another road"
    assert [s["why"] for s in listed(found.details, "alternatives")] == [why]
    assert found.details["why"] == f"Watch: {why}"


@pytest.mark.parametrize(
    ("stages", "provider", "hubs"),
    [("L300 D180", "ring", set()), ("L290 D190", "phone", {"phone"}), (None, "phone", {"phone"})],
)
def test_three_devices_with_equal_ends_are_three_devices(
    stages: str | None, provider: str, hubs: set[str]
) -> None:
    ends = "19 23:00", "20 07:00"
    own = report(*ends, "L300 D180", provider="maker")
    other = report(*ends, stages, provider=provider, by="ring")
    why = str(night(own, other, roads=Roads(hubs=hubs)).details["why"])
    assert "road" not in why
    assert why.startswith("Watch: ")


def test_the_order_is_the_reason_where_it_decided() -> None:
    ends = "19 23:00", "20 07:00", "L300 D180"
    own, relayed = report(*ends, provider="maker"), report(*ends, provider="phone", by="ring")
    roads = Roads({"ring": "maker"}, {"maker": "Maker", "phone": "Phone"}, {"phone"})
    for given in (roads, Roads(hubs={"phone"})):
        found = night(own, relayed, roads=given, order=[SourceRank("maker", "")])
        assert "before Ring in your order of sources" in str(found.details["why"])


def test_the_longer_of_two_main_sleeps_by_two_makers_is_the_row() -> None:
    called = report("18 12:00", "18 19:00", "L420", provider="other", by="band", kind=MAIN)
    whole = report("17 21:00", "18 07:00", "L600")
    parts = report("17 21:00", "17 23:40", "L160"), report("18 00:20", "18 07:00", "L400")
    for told, total in (((whole,), 600), (parts, 560)):
        found = night(called, *told)
        assert found.record["total_sleep_time"] == total
        assert [s["source"] for s in listed(found.details, "other_main_sleeps")] == ["Band"]
    short = night(called, report("18 02:00", "18 06:30", "L270"))
    assert short.record["total_sleep_time"] == 420
    more = report("17 20:00", "18 04:00", "L480", provider="other", by="band")
    assert night(called, more).record["total_sleep_time"] == 420  # the maker knows of both


def test_what_ends_early_is_said_so() -> None:
    ring = report("19 23:00", "20 07:00", "L480", by="ring")
    found = night(ring, report("19 23:00", "20 01:00", "L120", by="band"))
    (other,) = listed(found.details, "alternatives")
    assert other["why"] == "Band covers only 2 h 0 min of 8 h 0 min, it ended at 01:00"
    holes = report("19 23:00", "20 07:00", "L120 -300 L60", by="h", parts=[(0, 120), (420, 480)])
    (other,) = listed(night(ring, holes).details, "alternatives")
    assert other["why"] == "H covers only 3 h 0 min of 8 h 0 min"


def test_time_in_bed_does_not_replace_sleep_of_its_source_and_is_kept() -> None:
    given: dict[str, Any] = {"by": "mat", "arrived_at": at("25 10:00")}
    sleep = report("19 23:00", "20 07:00", by="mat", id="sleep", arrived_at=at("20 10:00"))
    derived = derive([sleep, phone("19 22:50", "20 07:10", id="bed", **given)])
    assert derived.superseded == {"bed": "sleep"}
    assert derived.nights[day("20")].details["time_in_bed"] == 500


def test_three_quarters_are_enough() -> None:
    order = [SourceRank("demo", "", "short")]
    ring = report("19 23:00", "20 07:00", "L480", by="ring")
    enough = report("20 01:00", "20 07:00", "L360", by="short")
    assert night(ring, enough, order=order).details["source_key"] == "short"
    short = report("20 01:01", "20 07:00", "L359", by="short")
    assert night(ring, short, order=order).details["source_key"] == "ring"


def test_the_chosen_source_tells_a_nap_and_a_night_where_another_saw_one_sleep() -> None:
    watch = [
        report("19 20:00", "19 22:00", "L120", kind=NAP),
        report("20 00:00", "20 07:00", "L420"),
    ]
    ring = report("19 20:00", "20 07:00", by="ring")
    found = nights(*watch, ring)["20"]
    assert found.record["total_sleep_time"] == 420
    assert [s["source"] for s in listed(found.details, "alternatives")] == ["Ring"]


# -- 7 and 9: date, provisional ----------------------------------------------------------------


def test_naps_keep_the_date_they_end_on() -> None:
    found = nights(report("19 00:00", "19 07:00"), report("19 23:30", "20 00:10", kind=NAP))
    assert list(found) == ["19"]
    assert listed(found["19"].details, "naps") == []


def test_the_makers_date_decides_only_where_the_clock_is_unknown() -> None:
    given: dict[str, Any] = {"zone": "UTC", "maker_date": day("21")}
    known = night(report("20 16:00", "20 23:30", **given))
    assert known.date == day("20")
    assert known.details["provider_date"] == day("21")
    unknown = night(report("20 16:00", "20 23:30", zone_from=ZoneFrom.NONE, **given))
    assert unknown.date == day("21")


def test_what_may_still_be_revised_is_provisional() -> None:
    found = night(report("19 20:00", "19 23:40"), report("20 00:20", "20 07:00", provisional=True))
    assert found.details["provisional"] == 1
    assert night(report("20 00:20", "20 07:00")).details["provisional"] == 0


def test_other_numbers_are_other_rules() -> None:
    rules = replace(RULES, piece_gap=dt.timedelta(minutes=30))
    assert rules.rules_version != RULES.rules_version
    pair = [report("17 22:30", "17 23:40"), report("18 00:20", "18 07:00")]
    assert len(listed(nights(*pair, rules=rules)["18"].details, "parts")) == 1
    assert nights(*pair, rules=rules)["18"].details["rules_version"] == rules.rules_version
