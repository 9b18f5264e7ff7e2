"""Of two words that contradict each other the later counts: also after “that was no sleep”."""

from __future__ import annotations

from typing import Any

import pytest

from sleepbalance.model import Edit, EditKind
from sleepbalance.nights import Night, derive
from tests.nights.made import at, day, edit, night, nights, report

NIGHT, ADDED = ("19 23:00", "20 07:00"), ("19 23:30", "20 06:00")
WATCH: dict[str, Any] = {"provider": "demo", "account": "", "source": "watch"}
YOU: dict[str, Any] = {"provider": "person", "account": "", "source": "person"}


def no_sleep(made: int, span: tuple[str, str] = NIGHT) -> Edit:
    return edit(EditKind.NOT_SLEEP, span, made=made)


def slept(made: int, span: tuple[str, str] = ADDED, **value: Any) -> Edit:
    return edit(EditKind.ADDED, span, made=made, **value)


def told(*said: Edit) -> Night:
    return night(report(*NIGHT, "L480"), edits=said)


def gone(found: Night) -> bool:
    return bool(found.record["is_deleted"])


def asleep(found: Night) -> tuple[object, object]:
    return found.record["data_source"], found.record["total_sleep_time"]


def test_what_is_added_after_it_is_the_night_and_the_devices_stays_no_sleep() -> None:
    found = told(no_sleep(1), slept(2))
    assert not gone(found)
    assert asleep(found) == ("person", 390)
    alternatives = found.details["alternatives"]
    assert isinstance(alternatives, list)
    assert [a["why"] for a in alternatives] == ["you said that this was no sleep"]


def test_it_means_also_what_was_added_before_it() -> None:
    assert gone(told(slept(1), no_sleep(2, ADDED)))
    assert asleep(told(slept(1), no_sleep(2, ADDED), slept(3, ("20 00:00", "20 05:00")))) == (
        "person",
        300,
    )


def test_what_is_added_later_counts_also_where_the_device_is_gone() -> None:
    said = [no_sleep(1), slept(2)]
    assert asleep(night(edits=said)) == ("person", 390)
    assert gone(night(edits=[*said, no_sleep(3, ADDED)]))


@pytest.mark.parametrize(
    ("kind", "value", "minutes"),
    [
        (EditKind.KIND, {"kind": "main"}, 480),
        (EditKind.KIND, {"kind": "part"}, 480),
        (EditKind.TIMES, {"sleep_start": at("19 23:30").isoformat()}, 450),
        (EditKind.SOURCE, WATCH, 480),
    ],
)
def test_a_later_word_that_it_was_sleep_takes_it_back(
    kind: EditKind, value: dict[str, Any], minutes: int
) -> None:
    was = edit(kind, NIGHT, made=3, **value)
    found = told(no_sleep(1), no_sleep(2), was)
    assert not gone(found)
    assert found.record["total_sleep_time"] == minutes
    assert gone(told(no_sleep(1), was, no_sleep(4)))


def test_a_later_nap_is_sleep_and_makes_no_night() -> None:
    said = [no_sleep(1), edit(EditKind.KIND, NIGHT, made=2, kind="nap")]
    assert nights(report(*NIGHT), edits=said) == {}


@pytest.mark.parametrize(
    "word",
    [
        edit(EditKind.RATING, NIGHT, made=2, rating="bad"),
        edit(EditKind.NOTES, NIGHT, made=2, notes="reading"),
        edit(EditKind.SOURCE, NIGHT, made=2, provider="auto", account="", source=None),
    ],
)
def test_a_word_that_says_nothing_of_sleep_leaves_it(word: Edit) -> None:
    assert gone(told(no_sleep(1), word))


def test_a_source_named_after_both_is_believed() -> None:
    said = [no_sleep(1), slept(2), edit(EditKind.SOURCE, ADDED, made=3, **WATCH)]
    assert asleep(told(*said)) == ("demo", 480)
    assert asleep(told(*said, edit(EditKind.SOURCE, NIGHT, made=4, **YOU))) == ("person", 390)


def test_what_was_said_of_the_device_says_nothing_of_what_is_added_later() -> None:
    earlier = [
        edit(EditKind.TIMES, NIGHT, made=1, sleep_end=at("20 05:00").isoformat()),
        edit(EditKind.KIND, NIGHT, made=1, kind="nap"),
        edit(EditKind.SOURCE, NIGHT, made=1, **WATCH),
        no_sleep(2),
    ]
    assert asleep(told(*earlier, slept(3))) == ("person", 390)


def test_times_of_what_was_added_later_are_its_own() -> None:
    said = [no_sleep(1), slept(2)]
    moved = edit(EditKind.TIMES, ADDED, made=3, sleep_end=at("20 05:30").isoformat())
    assert asleep(told(*said, moved)) == ("person", 360)
    assert gone(told(*said, moved, no_sleep(4, ADDED)))


def test_the_date_tells_which_sleep_its_deleted_row_is_of() -> None:
    nap = report("20 13:00", "20 14:00", id="nap")
    derived = derive([report(*NIGHT, id="night"), nap], [no_sleep(1)])
    assert {date: e.ids for date, e in derived.gone.items()} == {day("20"): {"night"}}
    assert derive([report(*NIGHT)], []).gone == {}


def test_an_added_nap_makes_no_nap_of_a_night_that_comes_later() -> None:
    nap = slept(1, ("20 01:00", "20 04:00"), kind="nap")
    found = told(nap)
    assert asleep(found) == ("demo", 480)
    assert (found.details["naps"], found.details["nap_duration"]) == ([], 0)
    close = night(
        report("20 01:00", "20 04:30", "L210"), report("20 10:00", "20 17:00"), edits=[nap]
    )
    naps = close.details["naps"]
    assert isinstance(naps, list)
    assert [n["provider"] for n in naps] == ["person"]


def test_what_lies_in_the_night_and_in_an_added_nap_is_counted_once() -> None:
    found = told(slept(1, ("20 05:00", "20 09:30"), kind="nap"))
    assert asleep(found) == ("demo", 480)
    assert (found.details["nap_duration"], found.details["sleep_24h"]) == (0, 480)
