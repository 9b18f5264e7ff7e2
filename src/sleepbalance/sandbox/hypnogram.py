"""How a night goes: cycles of stages, awakenings, and what a simpler device makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sleepbalance.sandbox.chance import Dice

EPOCH = 30
ASLEEP = frozenset({"light", "deep", "rem", "asleep"})
DEEP = (38, 26, 14, 5, 0, 0, 0, 0)  # minutes per cycle: early
REM = (6, 14, 21, 27, 32, 32, 30, 30)  # and late


class Stretch(NamedTuple):
    """Seconds from the start of the sleep, how long, and what."""

    offset: int
    seconds: int
    stage: str

    @property
    def end(self) -> int:
        return self.offset + self.seconds


Stages = tuple[Stretch, ...]


def night(dice: Dice, seconds: int) -> Stages:
    """Contiguous stages that fill `seconds`, a multiple of 30."""
    lead = 0 if dice.happens(0.15) else dice.whole(4, 32) * EPOCH
    tail = dice.whole(0, 14) * EPOCH
    runs: list[tuple[str, int]] = [("awake", lead)]
    left, cycle = seconds - lead - tail, 0
    while left > 0:
        for stage, length in _cycle(dice, min(cycle, len(DEEP) - 1)):
            runs.append((stage, min(length, left)))
            left -= runs[-1][1]
            if left <= 0:
                break
        cycle += 1
    if runs[-1][0] == "awake":
        runs[-1] = ("light", runs[-1][1])
    return lay([*runs, ("awake", tail)])


def _cycle(dice: Dice, number: int) -> Iterable[tuple[str, int]]:
    yield "light", _minutes(dice, 14)
    if (deep := _minutes(dice, DEEP[number])) >= 180:
        yield "deep", deep
        yield "light", _minutes(dice, 16)
        if dice.happens(0.4):
            yield "deep", max(180, _minutes(dice, DEEP[number] // 3))
            yield "light", _minutes(dice, 9)
    else:
        yield "light", _minutes(dice, 24)
    yield "rem", max(120, _minutes(dice, REM[number]))
    if dice.happens(0.35):
        yield "awake", dice.whole(8, 22) * EPOCH


def _minutes(dice: Dice, middle: int) -> int:
    return int(middle * dice.between(0.65, 1.35) * 2) * EPOCH


def lay(runs: Iterable[tuple[str, int]]) -> Stages:
    """One after the other from 0 on; equal neighbours become one."""
    laid: list[Stretch] = []
    at = 0
    for stage, seconds in runs:
        if seconds <= 0:
            continue
        if laid and laid[-1].stage == stage:
            laid[-1] = laid[-1]._replace(seconds=laid[-1].seconds + seconds)
        else:
            laid.append(Stretch(at, seconds, stage))
        at += seconds
    return tuple(laid)


def awakenings(dice: Dice, stages: Stages) -> Stages:
    """Awakenings of at most three minutes: they lie on top of the stages."""
    found = []
    for stage in stages:
        if stage.stage not in ASLEEP:
            continue
        at = stage.offset + EPOCH * dice.whole(2, 50)
        while at + 240 <= stage.end:
            seconds = EPOCH * dice.whole(1, 6)
            found.append(Stretch(at, seconds, "awake"))
            at += seconds + EPOCH * dice.whole(20, 130)
    return tuple(found)


def simple(dice: Dice, stages: Stages) -> Stages:
    """The same sleep as a device without stages tells it: asleep, restless, awake."""
    runs: list[tuple[str, int]] = []
    for stage in stages:
        if stage.stage == "awake":
            runs.append(("restless" if stage.seconds < 180 else "awake", stage.seconds))
            continue
        left = stage.seconds
        while left > 0:
            quiet = min(left, EPOCH * dice.whole(20, 110))
            runs.append(("asleep", quiet))
            left -= quiet
            if left > 300:
                runs.append(("restless", EPOCH * dice.whole(2, 8)))
                left -= runs[-1][1]
    return lay(runs)


def one_block(seconds: int) -> Stages:
    return (Stretch(0, seconds, "asleep"),)


def resize(stages: Stages, seconds: int) -> Stages:
    """Cut, or made longer by light sleep, to `seconds`."""
    runs = [(s.stage, min(s.end, seconds) - s.offset) for s in stages if s.offset < seconds]
    missing = seconds - sum(length for _, length in runs)
    kind = "asleep" if any(s.stage == "asleep" for s in stages) else "light"
    return lay([*runs, (kind, missing)])


def cut_in(stages: Stages, short: Sequence[Stretch]) -> Stages:
    """The stages with the short awakenings laid over them, whatever these are called."""
    runs: list[tuple[str, int]] = []
    left = sorted(short)
    for stage in stages:
        at = stage.offset
        for over in (s for s in left if stage.stage in ASLEEP):
            if over.offset >= stage.end:
                break
            if over.end <= at:
                continue
            start = max(at, over.offset)
            runs += [(stage.stage, start - at), ("awake", min(stage.end, over.end) - start)]
            at = min(stage.end, over.end)
        runs.append((stage.stage, stage.end - at))
    return lay(runs)
