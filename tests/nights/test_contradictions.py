"""Times that the person said hold on to what they were said of, and never count a minute twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sleepbalance.model import Edit, EditKind, Report, Totals
from sleepbalance.nights import Night
from tests.nights.made import NAP, at, edit, night, nights, report

NIGHT = ("19 23:00", "20 07:00")
SOFA = [report("17 20:30", "17 23:40", "L190"), report("18 00:20", "18 07:00", "L400")]
WHOLE = ("17 20:30", "18 07:00")


def times(said: Mapping[str, str], span: tuple[str, str] = NIGHT) -> Edit:
    value: dict[str, Any] = {name: at(text).isoformat() for name, text in said.items()}
    return edit(EditKind.TIMES, span, **value)


def total(found: Night) -> object:
    return found.record["total_sleep_time"]


def test_times_hold_on_to_the_parts_that_they_were_made_over() -> None:
    before = report("17 00:10", "17 06:50", "L400")
    asleep = times({"sleep_start": "17 20:45"}, WHOLE)
    nap = edit(EditKind.KIND, ("17 20:30", "17 23:40"), made=1, kind="nap")
    assert total(nights(before, *SOFA, edits=[asleep])["18"]) == 575
    found = nights(before, *SOFA, edits=[asleep, nap])
    assert total(found["18"]) == 400
    assert "sleep_start_time" not in str(found["18"].details["edited"])
    naps = found["17"].details["naps"]
    assert isinstance(naps, list)
    (cut,) = naps
    assert (cut["start"], cut["minutes"]) == ("2026-11-17T20:45:00+01:00", 175)


def test_each_end_is_of_the_part_that_it_leaves_standing() -> None:
    nap = edit(EditKind.KIND, ("17 20:30", "17 23:40"), kind="nap")
    said = {"sleep_start": "18 01:00", "sleep_end": "18 06:00", "bed_time": "18 00:50"}
    both = times(said, WHOLE)
    found = nights(*SOFA, edits=[both, nap])["18"]
    assert total(found) == 300
    assert found.record["bed_time"] == "2026-11-18T00:50:00+01:00"
    early = nights(*SOFA, edits=[times({"sleep_end": "17 23:00"}, WHOLE), nap])["18"]
    assert total(early) == 400


@pytest.mark.parametrize(
    ("said", "start", "end", "minutes"),
    [
        ({"sleep_end": "20 14:30"}, "19T23:00", "20T13:00", 840),
        ({"sleep_start": "19 18:00"}, "19T20:00", "20T07:00", 660),
    ],
)
def test_times_end_where_another_sleep_begins(
    said: dict[str, str], start: str, end: str, minutes: int
) -> None:
    beside = [
        report("20 13:00", "20 14:00", "L60", kind=NAP),
        report("19 19:00", "19 20:00", "L60", kind=NAP),
    ]
    found = nights(report(*NIGHT, "L480"), *beside, edits=[times(said)])["20"]
    assert found.record["sleep_start_time"] == f"2026-11-{start}:00+01:00"
    assert found.record["sleep_end_time"] == f"2026-11-{end}:00+01:00"
    assert total(found) == minutes
    assert "runs into another sleep" in str(found.details["why"])


def test_sleep_ends_where_the_person_got_up_and_begins_where_they_went_to_bed() -> None:
    said = times({"sleep_start": "19 23:30", "wake_time": "20 05:30"}, ("19 23:00", "20 06:00"))
    newer = report("19 22:50", "20 06:10", "L440", in_bed=[("19 22:50", "20 06:10")])
    found = night(newer, edits=[said])
    assert found.record["wake_time"] == "2026-11-20T05:30:00+01:00"
    assert found.record["sleep_end_time"] == found.record["wake_time"]
    assert total(found) == 360
    assert found.details["time_in_bed"] == 400
    assert set(found.details["edited"]) >= {"wake_time", "sleep_end_time"}  # type: ignore[call-overload]
    late = night(
        report(*NIGHT, "L480"), edits=[times({"bed_time": "20 00:00", "wake_time": "20 06:00"})]
    )
    assert late.record["sleep_start_time"] == late.record["bed_time"]
    assert (total(late), late.details["time_in_bed"]) == (360, 360)


@pytest.mark.parametrize(
    "said",
    [
        {"sleep_start": "20 00:40", "wake_time": "20 00:30"},
        {"sleep_start": "20 06:00", "sleep_end": "20 05:00"},
        {"bed_time": "20 08:00"},
        {"wake_time": "19 22:00"},
    ],
)
def test_times_that_contradict_the_sleep_are_left_out_and_named(said: dict[str, str]) -> None:
    told: Report = report(*NIGHT, "L480")
    found = night(told, edits=[times(said)])
    assert found.record == night(told).record
    assert found.details["edited"] == []
    why = str(found.details["why"])
    assert why.startswith("only source; what you said (")
    assert why.endswith(") does not fit this sleep any more")


def test_more_sleep_than_time_in_bed_is_no_time_in_bed() -> None:
    told = report(*NIGHT, totals=Totals(asleep=9 * 3600), in_bed=[NIGHT])
    found = night(told)
    assert (total(found), found.details["time_in_bed"]) == (540, None)
