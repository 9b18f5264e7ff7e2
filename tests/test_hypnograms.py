"""Stretches that overlap and contradict become one account without overlaps, in any order."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.hypnograms import Canvas, Paint, asleep, cut, level, slept
from sleepbalance.model import Segment, Stage

LENGTH = 60
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)

stages = st.sampled_from(Stage)
edges = st.integers(-20, LENGTH + 20)
written = st.none() | st.integers(0, 5).map(lambda hours: NOON + dt.timedelta(hours=hours))
paints = st.lists(st.builds(Paint.of, stages, written, edges, edges), max_size=12)


def cells(hypnogram: tuple[Segment, ...]) -> list[Stage | None]:
    found: list[Stage | None] = [None] * LENGTH
    for segment in hypnogram:
        assert segment.seconds > 0
        assert set(found[segment.offset : segment.end]) == {None}
        found[segment.offset : segment.end] = [segment.stage] * segment.seconds
    assert len(found) == LENGTH  # nothing beyond the end
    return found


def laid(told: list[Paint]) -> Canvas:
    canvas = Canvas(LENGTH)
    canvas.lay(told)
    return canvas


@given(paints)
def test_each_second_has_the_stage_that_lies_on_top(told: list[Paint]) -> None:
    hypnogram = laid(told).hypnogram()
    for second, stage in enumerate(cells(hypnogram)):
        there = [paint for paint in told if paint.begin <= second < paint.end]
        assert stage == (max(there).stage if there else None)
    assert all(a.end < b.offset or a.stage != b.stage for a, b in pairwise(hypnogram))


@given(paints.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_order_does_not_matter(told: tuple[list[Paint], list[Paint]]) -> None:
    assert laid(told[0]).hypnogram() == laid(told[1]).hypnogram()


@given(paints, edges, edges)
def test_only_what_is_named_turns_into_another_stage(
    told: list[Paint], begin: int, end: int
) -> None:
    canvas = laid(told)
    before = cells(canvas.hypnogram())
    canvas.turn(begin, end, (Stage.AWAKE, Stage.LIGHT), Stage.OUT_OF_BED)
    for second, (was, now) in enumerate(zip(before, cells(canvas.hypnogram()), strict=True)):
        turned = begin <= second < end and was in (Stage.AWAKE, Stage.LIGHT)
        assert now == (Stage.OUT_OF_BED if turned else was)


def test_a_stage_lies_over_awake_and_awake_over_asleep() -> None:
    order = (Stage.UNKNOWN, Stage.OUT_OF_BED, Stage.ASLEEP, Stage.RESTLESS, Stage.AWAKE, Stage.REM)
    assert sorted(Stage, key=level)[:5] == list(order[:5])
    assert level(Stage.LIGHT) == level(Stage.DEEP) == level(Stage.REM) > level(Stage.AWAKE)


def test_of_two_stages_the_later_written_counts() -> None:
    later = NOON + dt.timedelta(hours=1)
    light, deep = Paint.of(Stage.LIGHT, later, 0, 9), Paint.of(Stage.DEEP, NOON, 3, 20)
    assert laid([light, deep]).hypnogram() == (
        Segment(0, 9, Stage.LIGHT),
        Segment(9, 11, Stage.DEEP),
    )


@given(edges, edges)
def test_a_stretch_is_cut_to_the_sleep(begin: int, end: int) -> None:
    first, last = (NOON + dt.timedelta(seconds=edge) for edge in (begin, end))
    inside = [second for second in range(LENGTH) if begin <= second < end]
    found = cut(first, last, NOON, LENGTH)
    assert found == ((inside[0], inside[-1] + 1) if inside else None)


def test_a_stretch_without_an_end_is_none() -> None:
    assert cut(NOON, None, NOON, LENGTH) is cut(None, NOON, NOON, LENGTH) is None


def test_sleep_is_from_the_first_to_the_last() -> None:
    told = (
        Segment(0, 5, Stage.AWAKE),
        Segment(5, 10, Stage.LIGHT),
        Segment(20, 10, Stage.REM),
        Segment(30, 4, Stage.AWAKE),
    )
    assert slept(told) == (5, 30)
    assert asleep(told, NOON) == (
        NOON + dt.timedelta(seconds=5),
        NOON + dt.timedelta(seconds=30),
    )
    assert slept(told[:1]) is slept(()) is None
    assert asleep(told[3:], NOON) is None
