"""Stretches of time are merged where they touch, and cut into slices that cover them all."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.stretches import Span, Stretches, push

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SIZE = dt.timedelta(hours=50)

_spans = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 200)).map(
        lambda pair: (EPOCH + dt.timedelta(hours=pair[0]), EPOCH + dt.timedelta(hours=sum(pair)))
    ),
    max_size=12,
)
_hours = st.integers(0, 700).map(lambda h: EPOCH + dt.timedelta(hours=h))


@given(_spans, _hours, st.integers(0, 20))
def test_touching_is_sharing_an_instant(spans: list[Span], at: dt.datetime, more: int) -> None:
    until = at + dt.timedelta(hours=more)
    expected = any(start <= until and end >= at for start, end in spans)
    assert Stretches(spans).touch(at, until) == expected


@given(_spans)
def test_slices_cover_everything_and_are_short(spans: list[Span]) -> None:
    slices = list(Stretches(spans).slices(SIZE))
    assert all(high - low <= SIZE for low, high in slices)
    assert slices == sorted(slices)
    covered = Stretches(slices)
    for start, end in spans:
        at = start
        while at <= end:
            assert covered.touch(at, at)
            at += dt.timedelta(hours=1)


@given(_spans)
def test_pushing_loses_nothing(spans: list[Span]) -> None:
    pushed: list[Span] = []
    for start, end in spans:
        push(pushed, start, end)
    assert Stretches(pushed).merged == Stretches(spans).merged
