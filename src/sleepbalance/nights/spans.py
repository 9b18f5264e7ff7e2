"""Stretches of time between two instants, and what several of them share."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Span(NamedTuple):
    start: dt.datetime
    end: dt.datetime

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time without overlaps, in order; spans that touch become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def length(spans: Iterable[Span]) -> int:
    return sum(span.seconds for span in spans)


def shared(left: Iterable[Span], right: Sequence[Span]) -> int:
    """Seconds that lie in both; neither side may overlap itself."""
    return sum(
        Span(max(a.start, b.start), min(a.end, b.end)).seconds
        for a in left
        for b in right
        if a.start < b.end and b.start < a.end
    )


def mostly_same(left: Sequence[Span], right: Sequence[Span], share: float) -> bool:
    """Whether they have at least `share` of the shorter one in common."""
    common = shared(left, right)
    return common > 0 and common >= share * min(length(left), length(right))


class Calendar(Generic[T]):
    """Things by the days in UTC that they touch, so that only neighbours are compared."""

    def __init__(self) -> None:
        self._days: dict[int, list[T]] = defaultdict(list)

    def add(self, spans: Iterable[Span], thing: T) -> None:
        for day in _days(spans, 0):
            self._days[day].append(thing)

    def near(self, spans: Iterable[Span], around: int = 0) -> list[T]:
        """What shares a day with `spans`, or lies up to `around` days beside; each thing once."""
        found = {id(t): t for day in _days(spans, around) for t in self._days.get(day, ())}
        return list(found.values())


def _days(spans: Iterable[Span], around: int) -> list[int]:
    days: set[int] = set()
    for span in spans:
        first, last = span.start.toordinal(), span.end.toordinal()
        days.update(range(first - around, last + around + 1))
    return sorted(days)


def connected(
    extents: Sequence[Sequence[Span]], same: Callable[[int, int], bool]
) -> list[list[int]]:
    """Indices in groups, linked by `same` directly or through others; order of first members."""
    calendar: Calendar[list[int]] = Calendar()
    root = list(range(len(extents)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, spans in enumerate(extents):
        for (j,) in calendar.near(spans, around=1):
            if find(i) != find(j) and same(i, j):
                root[max(find(i), find(j))] = min(find(i), find(j))
        calendar.add(spans, [i])
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(len(extents)):
        groups[find(i)].append(i)
    return list(groups.values())
