"""What a source says about one stretch of time, when its samples overlap, repeat and contradict.

Pure arithmetic on epoch seconds; every result is the same in whichever order samples come.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from sleepbalance.model import Stage

from .packs import SleepSample

_LAYERS = {Stage.AWAKE: 1, Stage.ASLEEP: 2, Stage.UNKNOWN: 3}  # what tells a stage lies on top
_TIES = (Stage.DEEP, Stage.REM, Stage.LIGHT, Stage.AWAKE, Stage.ASLEEP, Stage.UNKNOWN)
_NEVER_WRITTEN = 1 << 62  # a sample without a creation date gives way to any that has one


class Said(NamedTuple):
    """One sample with its value read; `stage` is None for time in bed."""

    start: int
    end: int
    stage: Stage | None
    key: str
    zone: str | None
    sample: SleepSample

    @property
    def is_sleep(self) -> bool:
        return self.stage is not None and self.stage.is_sleep


class Stretch(NamedTuple):
    start: int
    end: int
    stage: Stage


def clusters(pieces: Iterable[Said], gap: int) -> list[list[Said]]:
    """Pieces cut wherever more than `gap` seconds pass from an end to the next start."""
    found: list[list[Said]] = []
    reached = 0
    for piece in sorted(pieces, key=lambda piece: (piece.start, piece.end, piece.key)):
        if not found or piece.start - reached > gap:
            found.append([])
            reached = piece.end
        found[-1].append(piece)
        reached = max(reached, piece.end)
    return found


def union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans joined where they overlap or touch, sorted."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def overlay(pieces: Sequence[Said]) -> list[Stretch]:
    """One account without overlaps out of pieces that have a stage.

    A stage lies over awake, awake over asleep, all over unknown; of two stages the later written
    counts (docs/definitions.md), then the one that starts later, then a fixed order.
    """
    edges = sorted({edge for piece in pieces for edge in (piece.start, piece.end)})
    waiting = sorted(pieces, key=lambda piece: piece.start, reverse=True)
    open_now: list[tuple[tuple[int, int, int, int], int]] = []
    account: list[Stretch] = []
    for left, right in pairwise(edges):
        while waiting and waiting[-1].start <= left:
            piece = waiting.pop()
            heapq.heappush(open_now, (_rank(piece), piece.end))
        while open_now and open_now[0][1] <= left:
            heapq.heappop(open_now)
        if open_now:
            _extend(account, Stretch(left, right, _TIES[open_now[0][0][3]]))
    return account


def unbroken(account: Iterable[Stretch]) -> list[list[Stretch]]:
    """The account cut at its holes."""
    runs: list[list[Stretch]] = []
    for stretch in account:
        if not runs or runs[-1][-1].end < stretch.start:
            runs.append([])
        runs[-1].append(stretch)
    return runs


def _rank(piece: Said) -> tuple[int, int, int, int]:
    """Lowest wins."""
    assert piece.stage is not None
    created = piece.sample.created
    return (
        _LAYERS.get(piece.stage, 0),
        _NEVER_WRITTEN if created is None else -created,
        -piece.start,
        _TIES.index(piece.stage),
    )


def _extend(account: list[Stretch], stretch: Stretch) -> None:
    if account and account[-1].end == stretch.start and account[-1].stage == stretch.stage:
        account[-1] = account[-1]._replace(end=stretch.end)
    else:
        account.append(stretch)
