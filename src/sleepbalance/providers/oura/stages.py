"""Oura's strings of stages, in half minutes or in pieces of five minutes, and its sums."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, NamedTuple

from sleepbalance.hypnograms import slept
from sleepbalance.model import Segment, Stage, Totals
from sleepbalance.payloads import number, seconds

DIGITS = {"1": Stage.DEEP, "2": Stage.LIGHT, "3": Stage.REM, "4": Stage.AWAKE}
FINE, COARSE = 30, 300  # seconds
GRAINS = (
    ("sleep_phase_30_sec", FINE),
    ("sleep_phase_5_min", COARSE),
    ("app_sleep_phase_5_min", COARSE),
)
MINUTE = 60
NOISE = 60  # seconds by which sums may miss each other


class Account(NamedTuple):
    """What a document tells of stages: over time, and in sums."""

    hypnogram: tuple[Segment, ...] = ()
    coarse: bool = False
    totals: Totals | None = None


def account(document: Mapping[str, Any], length: int) -> Account:
    """`length` is from bedtime to bedtime, in seconds: the last piece ends there."""
    hypnogram, grain = _finest(document, length)
    sums = _Sums.of(document, length)
    if sums is None:
        return Account(hypnogram, grain == COARSE)
    if not slept(hypnogram) and (sums.asleep or grain == COARSE):
        # five minutes are too long to show half a minute of sleep
        return Account((), False, sums.totals(sums.awake, "in_bed"))
    if grain != COARSE:
        return Account(hypnogram, False, sums.totals(sums.awake, "in_bed"))
    return Account(hypnogram, True, sums.totals(_waso(sums.awake, hypnogram), "sleep_period"))


def _finest(document: Mapping[str, Any], length: int) -> tuple[tuple[Segment, ...], int | None]:
    for name, grain in GRAINS:
        phases = document.get(name)
        if isinstance(phases, str) and phases.strip():
            return tuple(_segments(phases.strip(), grain, length)), grain
    return (), None


def _segments(phases: str, grain: int, length: int) -> list[Segment]:
    """Runs of one digit; the last one is cut where the time in bed ends."""
    found: list[Segment] = []
    at = 0
    for digit, run in groupby(phases[: -(-length // grain)]):
        end = min(at + grain * len(list(run)), length)
        found.append(Segment(at, end - at, DIGITS.get(digit, Stage.UNKNOWN)))
        at = end
    return found


def _waso(awake: int | None, hypnogram: tuple[Segment, ...]) -> int | None:
    """Awake between the first sleep and the last: the sum, less what opens and closes the night."""
    if awake is None:
        return None
    first, last = slept(hypnogram) or (0, 0)
    outside = sum(s.seconds for s in hypnogram if s.stage.is_awake and not first <= s.offset < last)
    return max(0, awake - outside)


class _Sums(NamedTuple):
    """Oura's own seconds."""

    light: int | None
    deep: int | None
    rem: int | None
    asleep: int  # of all stages, and of none
    awake: int | None

    @classmethod
    def of(cls, document: Mapping[str, Any], length: int) -> _Sums | None:
        """None where it tells no sleep, or more than there was time for."""
        names = ("light_sleep_duration", "deep_sleep_duration", "rem_sleep_duration")
        light, deep, rem = (_seconds(document.get(name), length) for name in names)
        staged = sum(filter(None, (light, deep, rem)))
        total = _seconds(document.get("total_sleep_duration"), length)
        if (total is None and not staged) or staged > length + NOISE:
            return None
        awake = _seconds(document.get("awake_time"), length)
        return cls(light, deep, rem, max(total or 0, staged), awake)

    def totals(self, awake: int | None, scope: str) -> Totals:
        staged = sum(filter(None, (self.light, self.deep, self.rem)))
        if not staged:  # zeros of a sleep that nobody staged
            return Totals(asleep=self.asleep, awake=awake, awake_scope=scope)
        rest = self.asleep - staged
        return Totals(
            light=self.light,
            deep=self.deep,
            rem=self.rem,
            asleep=rest if rest > MINUTE else 0,
            awake=awake,
            awake_scope=scope,
        )


def _seconds(value: object, length: int) -> int | None:
    return seconds(number(value), length + NOISE)
