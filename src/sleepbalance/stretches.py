"""Stretches of time: merged where they touch, asked quickly, and cut into slices."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Iterator

Span = tuple[dt.datetime, dt.datetime]


class Stretches:
    """Spans of time, merged where they lie at most `reach` apart."""

    def __init__(self, spans: Iterable[Span] = (), reach: dt.timedelta = dt.timedelta(0)) -> None:
        self.merged: list[Span] = []
        for start, end in sorted(spans):
            if self.merged and start - reach <= self.merged[-1][1]:
                self.merged[-1] = (self.merged[-1][0], max(end, self.merged[-1][1]))
            else:
                self.merged.append((start, end))

    def touch(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Whether any of them shares an instant with [start, end]."""
        at = bisect_left(self.merged, start, key=lambda span: span[1])
        return at < len(self.merged) and self.merged[at][0] <= end

    def slices(self, size: dt.timedelta) -> Iterator[Span]:
        """Spans of at most `size` that cover all of them, in order."""
        current: Span | None = None
        for start, end in self.merged:
            low = start
            while True:
                high = min(end, low + size)
                if current is not None and high - current[0] <= size:
                    current = (current[0], high)
                else:
                    if current is not None:
                        yield current
                    current = (low, high)
                if high == end:
                    break
                low = high
        if current is not None:
            yield current


def push(spans: list[Span], start: dt.datetime, end: dt.datetime) -> None:
    """Adds a span, joined with the last one where they touch: the list stays short."""
    if spans and spans[-1][0] <= start <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((start, end))
