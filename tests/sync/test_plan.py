"""The plan: what is due is asked, newest first, in windows that are not too long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepbalance.provider import Reading
from sleepbalance.store.windows import Range, paint
from sleepbalance.sync import windows
from sleepbalance.sync.windows import Known, Window, due, next_window
from tests.sync.world import DAY

TODAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
READING = Reading(longest=30, first=14, settles_after=7)


def day(back: int) -> dt.date:
    return TODAY - back * DAY


def known(*ranges: Range, reading: Reading = READING, **more: object) -> Known:
    plain = {"today": TODAY, "now": NOW, "reading": reading, "ranges": list(ranges)}
    return Known(**(plain | more))  # type: ignore[arg-type]


def fetched(first: int, last: int) -> Range:
    """From so many days ago to so many days ago."""
    return Range(first=day(first), last=day(last), state="fetched")


def run(plan: Known, become: Callable[..., list[Range]] = windows.answered) -> list[Window]:
    """Every window of a sync, all of them with the same outcome."""
    asked: list[Window] = []
    while (window := next_window(plan, asked[-1].first if asked else None)) is not None:
        asked.append(window)
        plan = replace(plan, ranges=become(plan, window, "attempt"))
    return asked


def test_a_window_spans_its_dates_anywhere_on_earth() -> None:
    start, end = Window(day(1), day(0)).span
    assert start == dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)  # the 21st begins at UTC+14
    assert end == dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)  # the 22nd ends at UTC-12


def test_the_first_sync_soon_shows_something_then_goes_back() -> None:
    newest, *older = run(known(earliest=day(400), reading=replace(READING, history=100)))
    assert newest == Window(day(13), day(0))
    assert older == [Window(day(43), day(14)), Window(day(73), day(44)), Window(day(99), day(74))]


def test_nobody_is_asked_about_the_time_before_there_were_wearables() -> None:
    (*_, oldest) = run(known(earliest=windows.FLOOR))
    assert oldest.first == windows.FLOOR


@pytest.mark.parametrize(("ago", "expected"), [(0, 6), (1, 7), (20, 26)])
def test_new_days_and_those_that_may_have_changed_since(ago: int, expected: int) -> None:
    plan = known(fetched(400, ago), earliest=day(400), reading=replace(READING, history=400))
    assert run(plan) == [Window(day(expected), day(0))]


def test_after_a_long_pause_what_may_have_changed_is_not_forgotten() -> None:
    plan = known(fetched(400, 60), earliest=day(400), reading=replace(READING, history=400))
    newest = next_window(plan)
    assert newest == Window(day(29), day(0))
    later = replace(plan, ranges=windows.answered(plan, newest, "attempt"))  # then it is killed
    assert {day(n) for n in range(30, 67)} <= due(later)
    assert day(67) not in due(later)


def test_a_maker_who_never_revises_is_still_asked_about_an_unfinished_day() -> None:
    reading = replace(READING, settles_after=0, history=50)
    assert run(known(fetched(50, 1), reading=reading)) == [Window(day(1), day(0))]


def test_gaps_are_asked_newest_first_and_together_where_one_window_holds_them() -> None:
    plan = known(
        fetched(99, 80),
        Range(first=day(79), last=day(75), state="wanted", tries=3),
        fetched(74, 70),
        fetched(60, 58),
        fetched(40, 0),
        earliest=day(99),
        reading=replace(READING, history=100),
    )
    assert run(plan) == [
        Window(day(6), day(0)),
        Window(day(69), day(41)),
        Window(day(79), day(75)),
    ]


def test_a_gap_that_fails_never_keeps_the_newest_days_waiting() -> None:
    gap = Range(first=day(12), last=day(9), state="wanted", tries=5)
    plan = known(fetched(99, 13), gap, fetched(8, 0), reading=replace(READING, history=100))
    assert run(plan) == [Window(day(6), day(0)), Window(day(12), day(9))]


def test_the_search_ends_after_a_quiet_year_and_two_windows() -> None:
    nothing = run(known(), windows.came_empty)
    assert [w.days for w in nothing] == [14] + 12 * [30]
    long = replace(READING, longest=364)
    assert [w.days for w in run(known(reading=long), windows.came_empty)] == [14, 364, 364]
    assert [w.days for w in run(known(earliest=day(10)))] == [14] + 13 * [30]


def test_the_search_is_not_taken_up_again() -> None:
    plan = known()
    while (
        window := next_window(plan, min((r.first for r in plan.ranges), default=None))
    ) is not None:
        plan = replace(plan, ranges=windows.came_empty(plan, window, "attempt"))
    for later in (1, 2, 40):
        plan = replace(plan, today=TODAY + later * DAY, now=NOW + later * DAY)
        before = min(r.first for r in plan.ranges)
        assert min(due(plan)) >= before
        for window in run(plan, windows.came_empty):
            plan = replace(plan, ranges=windows.came_empty(plan, window, "attempt"))


def test_the_search_goes_on_where_it_was_broken_off() -> None:
    plan = known(fetched(13, 0), earliest=day(13))
    assert run(plan)[1] == Window(day(43), day(14))


def test_a_refusal_ends_the_search() -> None:
    plan = known(fetched(43, 0), earliest=day(43))
    window = Window(day(73), day(44))
    plan = replace(plan, ranges=windows.refused(plan, window, "attempt"))
    assert run(plan) == [Window(day(6), day(0))]


def test_an_empty_answer_is_believed_when_it_comes_again_a_day_later() -> None:
    window = Window(day(3), day(0))
    plan = known()
    plan = replace(plan, ranges=windows.came_empty(plan, window, "one"))
    (asked,) = plan.ranges
    assert (asked.state, asked.tries, asked.next_try_at) == ("asked", 1, NOW + DAY)
    soon = replace(plan, now=NOW + dt.timedelta(hours=23))
    assert windows.came_empty(soon, window, "two") == [asked]
    later = replace(plan, now=NOW + DAY)
    (believed,) = windows.came_empty(later, window, "three")
    assert (believed.state, believed.attempt) == ("fetched", "three")


@pytest.mark.parametrize("first_sleep", [None, 60, 41])
def test_an_empty_answer_that_may_hide_sleeps_is_asked_again_by_a_person_only(
    first_sleep: int | None,
) -> None:
    empty = Range(first=day(40), last=day(20), state="asked", tries=1, next_try_at=NOW + DAY)
    plan = known(
        empty,
        fetched(19, 0),
        reading=replace(READING, history=41),
        earliest=None if first_sleep is None else day(first_sleep),
    )
    assert run(plan) == [Window(day(6), day(0)), Window(day(40), day(20))]
    assert run(replace(plan, manual=False)) == [Window(day(6), day(0))]
    assert len(run(replace(plan, manual=False, now=NOW + DAY))) == 2


@pytest.mark.parametrize("manual", [True, False])
def test_an_empty_answer_from_before_the_first_sleep_waits(manual: bool) -> None:
    empty = Range(first=day(40), last=day(20), state="asked", tries=1, next_try_at=NOW + DAY)
    reading = replace(READING, history=41)
    plan = known(empty, fetched(19, 0), reading=reading, earliest=day(19), manual=manual)
    assert run(plan) == [Window(day(6), day(0))]
    assert len(run(replace(plan, now=NOW + DAY))) == 2


def test_a_sleep_in_doubt_is_asked_with_the_days_around() -> None:
    plan = known(fetched(99, 0), doubts=[day(50)], reading=replace(READING, history=100))
    assert run(plan) == [Window(day(6), day(0)), Window(day(53), day(47))]


def test_only_what_the_person_asked_for() -> None:
    plan = known(fetched(99, 0), only=Window(day(70), day(30)))
    assert run(plan) == [Window(day(59), day(30)), Window(day(70), day(60))]
    beyond = known(only=Window(dt.date.min, dt.date.max), reading=replace(READING, history=20))
    assert run(beyond) == [Window(day(19), day(0))]


def test_failing_moves_nothing_that_had_an_answer() -> None:
    plan = known(fetched(20, 3))
    window = Window(day(6), day(0))
    (kept, wanted) = windows.failed(plan, window, "attempt")
    assert (kept.first, kept.last, kept.state) == (day(20), day(3), "fetched")
    assert (wanted.first, wanted.last, wanted.state) == (day(2), day(0), "wanted")
    again = replace(plan, ranges=[kept, wanted])
    assert [r.tries for r in windows.failed(again, window, "attempt")] == [0, 2]


def test_what_lacks_something_is_wanted_again() -> None:
    plan = known(fetched(20, 3))
    until = NOW + DAY
    (kept, wanted) = windows.incomplete(plan, Window(day(6), day(0)), "attempt", until)
    assert (kept.first, kept.last, kept.state) == (day(20), day(7), "fetched")
    assert (wanted.first, wanted.last, wanted.next_try_at) == (day(6), day(0), until)


# -- whatever happens --------------------------------------------------------------------------

OUTCOMES = {
    "answered": windows.answered,
    "empty": windows.came_empty,
    "failed": windows.failed,
    "incomplete": windows.incomplete,
    "refused": windows.refused,
}
HISTORY = 120
readings = st.builds(
    Reading,
    longest=st.integers(1, 60),
    first=st.integers(1, 60),
    settles_after=st.integers(0, 20),
    history=st.just(HISTORY),
)


@st.composite
def pasts(draw: st.DrawFn) -> Known:
    """What some weeks of syncs that went well or badly leave behind."""
    reading = draw(readings)
    plan = known(reading=reading, earliest=draw(st.sampled_from([None, day(HISTORY), day(30)])))
    for _ in range(draw(st.integers(0, 12))):
        name = draw(st.sampled_from(sorted(OUTCOMES)))
        window = next_window(plan, draw(st.sampled_from([None, day(20), day(50)])))
        if window is not None:
            plan = replace(plan, ranges=OUTCOMES[name](plan, window, "attempt"))
        later = draw(st.integers(0, 9))
        plan = replace(plan, today=plan.today + later * DAY, now=plan.now + later * DAY)
    return plan


def states(ranges: list[Range]) -> dict[dt.date, str]:
    """What is known of each date, which is one thing."""
    found: dict[dt.date, str] = {}
    for known_range in ranges:
        assert known_range.first <= known_range.last
        for n in range((known_range.last - known_range.first).days + 1):
            assert known_range.first + n * DAY not in found
            found[known_range.first + n * DAY] = known_range.state
    return found


@given(pasts())
@settings(deadline=None)
def test_windows_go_back_and_none_is_too_long(plan: Known) -> None:
    for become in OUTCOMES.values():
        asked = run(plan, become)
        assert asked[0].last == plan.today
        for window in asked:
            assert 1 <= window.days <= plan.reading.longest
            assert plan.floor <= window.first
        for newer, older in pairwise(asked):
            assert older.last < newer.first
        if not plan.answered:
            assert asked[0].days <= plan.reading.first


@given(pasts())
@settings(deadline=None)
def test_all_that_is_due_is_asked_and_then_only_what_may_change(plan: Known) -> None:
    plan = replace(
        plan, earliest=plan.floor, ranges=[r for r in plan.ranges if r.state != "refused"]
    )
    covered = {d for window in run(plan) for d in states([_range(window)])}
    assert due(plan) <= covered
    for window in run(plan):
        plan = replace(plan, ranges=windows.answered(plan, window, "attempt"))
    settled = {plan.today - n * DAY for n in range(plan.settling)}
    assert due(plan) == {d for d in settled if d >= plan.floor}


def _range(window: Window) -> Range:
    return Range(first=window.first, last=window.last, state="x")


@given(pasts(), st.sampled_from(sorted(OUTCOMES)))
@settings(deadline=None)
def test_only_an_answer_is_an_answer(plan: Known, name: str) -> None:
    window = next_window(plan)
    assert window is not None
    before = states(list(plan.ranges))
    after = states(OUTCOMES[name](plan, window, "attempt"))
    inside = set(states([_range(window)]))
    assert before.keys() | inside == after.keys()
    for date, state in after.items():
        if date not in inside:
            tail = name == "answered" and before[date] == "fetched"
            assert state == before[date] or (tail and state == "wanted")
        elif name == "answered":
            assert state == "fetched"
        elif name == "failed":
            assert state == before.get(date, "wanted")
        elif name == "empty" and state == "fetched":
            assert before[date] in ("fetched", "asked")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from("abc"))))
def test_painting(strokes: list[tuple[int, int, str]]) -> None:
    ranges: list[Range] = []
    expected: dict[dt.date, str] = {}
    for one, two, state in strokes:
        first, last = day(max(one, two)), day(min(one, two))
        ranges = paint(ranges, Range(first=first, last=last, state=state))
        expected |= dict.fromkeys(states([Range(first=first, last=last, state="")]), state)
    assert states(ranges) == expected
    for left, right in pairwise(ranges):
        assert left.last < right.first
        assert left.state != right.state or right.first - left.last > DAY
