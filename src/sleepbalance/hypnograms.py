"""Makes a hypnogram of stretches that overlap and contradict, second by second, and measures it.

What tells a stage lies over awake, awake over asleep, all over unknown; of two stages the later
written counts (docs/definitions.md).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sleepbalance.model import Segment, Stage

_STAGES = tuple(Stage)
_LEVELS = (Stage.UNKNOWN, Stage.OUT_OF_BED, Stage.ASLEEP, Stage.RESTLESS, Stage.AWAKE)
_NOBODY = 255  # nothing was said of this second


class Paint(NamedTuple):
    """A stage from `begin` to `end`; of two that overlap the larger is on top."""

    level: int
    written: float  # seconds since 1970, 0 where nobody says it
    begin: int
    end: int
    stage: Stage

    @classmethod
    def of(cls, stage: Stage, written: dt.datetime | None, begin: int, end: int) -> Paint:
        return cls(level(stage), written.timestamp() if written else 0.0, begin, end, stage)


def level(stage: Stage) -> int:
    """Light, deep and REM are on one level, above all others."""
    return _LEVELS.index(stage) if stage in _LEVELS else len(_LEVELS)


class Canvas:
    """So many seconds of one sleep. What lies outside of them is cut off."""

    def __init__(self, length: int) -> None:
        self._cells = bytearray([_NOBODY]) * length

    def paint(self, begin: int, end: int, stage: Stage) -> None:
        """Covers what is there."""
        begin, end = max(0, begin), min(len(self._cells), end)
        if begin < end:
            self._cells[begin:end] = bytes([_STAGES.index(stage)]) * (end - begin)

    def lay(self, paints: Iterable[Paint]) -> None:
        """Each over those that are smaller, in whichever order they come."""
        for each in sorted(paints):
            self.paint(each.begin, each.end, each.stage)

    def turn(self, begin: int, end: int, stages: Iterable[Stage], into: Stage) -> None:
        """What is one of these stages there becomes another."""
        begin, end = max(0, begin), min(len(self._cells), end)
        if begin < end:
            told = bytes(map(_STAGES.index, stages))
            table = bytes.maketrans(told, bytes([_STAGES.index(into)]) * len(told))
            self._cells[begin:end] = self._cells[begin:end].translate(table)

    def hypnogram(self) -> tuple[Segment, ...]:
        """What can be seen; where nothing was painted is a hole."""
        return tuple(self._runs())

    def _runs(self) -> Iterator[Segment]:
        """Stripping a run off the left is many times faster than looking for its end."""
        size, left = len(self._cells), bytes(self._cells)
        while left:
            code, begin = left[0], size - len(left)
            left = left.lstrip(left[:1])
            if code != _NOBODY:
                yield Segment(begin, size - len(left) - begin, _STAGES[code])


def cut(
    start: dt.datetime | None, end: dt.datetime | None, origin: dt.datetime, length: int
) -> tuple[int, int] | None:
    """A stretch in seconds of a sleep that begins at `origin`; None where it has no part in it."""
    if start is None or end is None:
        return None
    begin, stop = (round((edge - origin).total_seconds()) for edge in (start, end))
    begin, stop = max(0, begin), min(length, stop)
    return (begin, stop) if begin < stop else None


def slept(hypnogram: Sequence[Segment]) -> tuple[int, int] | None:
    """From the first sleep to the end of the last, in seconds; None where nobody slept."""
    sleep = [segment for segment in hypnogram if segment.stage.is_sleep]
    return (sleep[0].offset, sleep[-1].end) if sleep else None


def asleep(
    hypnogram: Sequence[Segment], start: dt.datetime
) -> tuple[dt.datetime, dt.datetime] | None:
    """The same, of a hypnogram that begins at `start`."""
    span = slept(hypnogram)
    if span is None:
        return None
    return start + dt.timedelta(seconds=span[0]), start + dt.timedelta(seconds=span[1])
