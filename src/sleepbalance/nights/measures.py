"""The numbers of one sleep, rounded once and in our words, and where each is from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from sleepbalance.model import Report, Vital, local
from sleepbalance.nights.beds import Bed, time_in_bed
from sleepbalance.nights.parts import Tally
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.sleeps import PERSON, Sleep
from sleepbalance.nights.spans import Span

STAGES = ("deep", "rem", "light", "asleep")  # in the order in which a tie of remainders is settled
COUNTED = ("heart_rate", "breathing_rate")  # too few samples of these say nothing
YOUR_EDIT = "your edit"


def minutes(seconds: int | None) -> int | None:
    """Whole minutes, half up."""
    return None if seconds is None else (seconds + 30) // 60


def one_decimal(number: float | None) -> float | None:
    if number is None:
        return None
    return float(Decimal(str(number)).quantize(Decimal("0.1"), ROUND_HALF_UP))


def clock(instant: dt.datetime | None, zone: str) -> str | None:
    """ISO 8601 with the offset that held there and then."""
    return None if instant is None else local(instant, zone).isoformat(timespec="seconds")


def shares(tally: Tally) -> dict[str, int | None]:
    """Minutes of each stage, which add up to the minutes of all: by largest remainder."""
    known: dict[str, int] = {}
    for name in STAGES:
        seconds: int | None = getattr(tally, name)
        if seconds is not None:
            known[name] = seconds
    missing = (minutes(sum(known.values())) or 0) - sum(s // 60 for s in known.values())
    by_remainder = sorted(known, key=lambda name: -(known[name] % 60))
    rounded: dict[str, int | None] = dict.fromkeys(STAGES)
    for i, name in enumerate(by_remainder):
        rounded[name] = known[name] // 60 + (i < missing)
    return rounded


# -- times and durations -----------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """One sleep with its time in bed, as its source tells it or as the person does."""

    sleep: Sleep
    told: Bed
    times: Mapping[str, dt.datetime | None]
    rules: Rules

    @property
    def bed(self) -> dt.datetime | None:
        return self.times.get("bed_time", self.told.bed)

    @property
    def wake(self) -> dt.datetime | None:
        return self.times.get("wake_time", self.told.wake)

    @property
    def sleep_start(self) -> dt.datetime | None:
        first = self.sleep.parts[0]
        told = first.report.session.sleep_start
        return first.sleep.start if first.sleep else self.times.get("sleep_start", told)

    @property
    def sleep_end(self) -> dt.datetime | None:
        last = self.sleep.parts[-1]
        told = last.report.session.sleep_end
        return last.sleep.end if last.sleep else self.times.get("sleep_end", told)

    @property
    def zone_start(self) -> str:
        return self.sleep.parts[0].report.zone_start

    @property
    def zone_end(self) -> str:
        return self.sleep.last.zone_end

    @cached_property
    def period(self) -> int | None:
        spans = [part.sleep for part in self.sleep.parts if part.sleep]
        whole = len(spans) == len(self.sleep.parts)
        return sum(span.seconds for span in spans) if whole else None

    @cached_property
    def in_bed(self) -> int | None:
        """Seconds in bed; what the person moved is added to or taken from what was told.

        None where more sleep is told than there was time in bed: one of them is wrong.
        """
        seconds = self._from_bed_to_wake()
        return None if seconds is None or seconds < self.sleep.asleep else seconds

    def _from_bed_to_wake(self) -> int | None:
        told = self.told
        if self.bed is None or self.wake is None or self.wake <= self.bed:
            return None
        if told.seconds is None or told.bed is None or told.wake is None:
            return time_in_bed(self.sleep, self.bed, self.wake, told.pieces)
        moved = (told.bed - self.bed) + (self.wake - told.wake)
        return max(0, told.seconds + int(moved.total_seconds()))

    @property
    def gaps(self) -> int | None:
        if not self.sleep.measured:
            return None
        spans = [part.span for part in self.sleep.parts]
        return sum(max(0, Span(a.end, b.start).seconds) for a, b in pairwise(spans))

    @property
    def awakenings(self) -> int | None:
        counts = [part.awakenings for part in self.sleep.parts]
        return None if None in counts else sum(c for c in counts if c is not None)

    @property
    def awake_scope(self) -> str | None:
        scopes = {part.awake_scope for part in self.sleep.parts} - {None}
        return min((s for s in scopes if s), default=None)  # "in_bed" wins over "sleep_period"

    @property
    def middle(self) -> dt.datetime | None:
        if self.sleep_start is None or self.sleep_end is None:
            return None
        return self.sleep_start + (self.sleep_end - self.sleep_start) / 2

    @property
    def evening(self) -> dt.date | None:
        dated_by_maker = self.sleep.placeless and self.sleep.last.session.maker_date is not None
        if self.sleep.dateless_clock or dated_by_maker:
            return None
        start = local(self.sleep_start or self.bed or self.sleep.start, self.zone_start)
        early = start.time() < self.rules.evening_turns
        return start.date() - dt.timedelta(days=1) if early else start.date()

    def percent_of(self, whole: int | None) -> float | None:
        """Sleep as a share of `whole`; None where too much of the sleep was not measured."""
        asleep, unmeasured = self.sleep.tally.total, self.sleep.tally.unmeasured or 0
        if asleep is None or not whole or asleep > whole:
            return None
        if self.period is not None and unmeasured > self.rules.unmeasured_limit * self.period:
            return None
        return one_decimal(100 * asleep / whole)


def _between(start: dt.datetime | None, end: dt.datetime | None) -> int | None:
    """Minutes from one to the other; None where they contradict each other."""
    if start is None or end is None or end < start:
        return None
    return minutes(Span(start, end).seconds)


def stage_fields(figures: Figures) -> dict[str, object]:
    tally = figures.sleep.tally
    rounded = shares(tally)
    return {
        "total_sleep_time": minutes(tally.total),
        "light_sleep_duration": rounded["light"],
        "deep_sleep_duration": rounded["deep"],
        "rem_sleep_duration": rounded["rem"],
        "unspecified_sleep_duration": None if tally.total is None else rounded["asleep"] or 0,
        "awake_duration": minutes(tally.awake),
    }


def time_fields(figures: Figures) -> dict[str, object]:
    return {
        "bed_time": clock(figures.bed, figures.zone_start),
        "sleep_start_time": clock(figures.sleep_start, figures.zone_start),
        "sleep_end_time": clock(figures.sleep_end, figures.zone_end),
        "wake_time": clock(figures.wake, figures.zone_end),
    }


def computed_fields(figures: Figures) -> dict[str, object]:
    tally = figures.sleep.tally
    return {
        "time_in_bed": minutes(figures.in_bed),
        "sleep_onset_latency": _between(figures.bed, figures.sleep_start),
        "latency_to_arising": _between(figures.sleep_end, figures.wake),
        "sleep_period": minutes(figures.period),
        "restless_duration": minutes(tally.restless),
        "unmeasured_duration": minutes(tally.unmeasured),
        "gap_duration": minutes(figures.gaps),
        "awakenings": figures.awakenings,
        "sleep_efficiency": figures.percent_of(figures.in_bed),
        "sleep_maintenance_efficiency": figures.percent_of(figures.period),
        "mid_sleep": clock(figures.middle, figures.zone_end),
        "awake_scope": figures.awake_scope,
    }


COMPUTED_FROM = {
    "time_in_bed": "computed: wake_time − bed_time, gaps left out",
    "sleep_onset_latency": "computed: sleep_start_time − bed_time",
    "latency_to_arising": "computed: wake_time − sleep_end_time",
    "sleep_period": "computed: sleep_end_time − sleep_start_time, gaps left out",
    "gap_duration": "computed: from the last sleep of a part to the first of the next",
    "sleep_efficiency": "computed: total_sleep_time / time_in_bed",
    "sleep_maintenance_efficiency": "computed: total_sleep_time / sleep_period",
    "mid_sleep": "computed: middle of sleep_start_time and sleep_end_time",
}


# -- vitals ------------------------------------------------------------------------------------


class Combined(NamedTuple):
    """One vital over the parts of a sleep; `samples` is None for the maker's own value."""

    mean: float | None
    low: float | None
    high: float | None
    samples: int | None


VITALS = {  # column: (vital, which of its numbers)
    "avg_heart_rate": ("heart_rate", "mean"),
    "min_heart_rate": ("heart_rate", "low"),
    "max_heart_rate": ("heart_rate", "high"),
    "avg_hrv": ("hrv_rmssd", "mean"),
    "avg_hrv_sdnn": ("hrv_sdnn", "mean"),
    "avg_breathing_rate": ("breathing_rate", "mean"),
    "avg_spo2": ("spo2", "mean"),
    "min_spo2": ("spo2", "low"),
    "avg_skin_temperature": ("skin_temperature", "mean"),
}


def combined(sleep: Sleep, name: str, rules: Rules) -> Combined | None:
    """The vital of a sleep, each of its reports weighing as much as it has samples."""
    if not sleep.measured:
        return None
    told = [(r, r.session.vitals[name]) for r in sleep.reports if name in r.session.vitals]
    if not told:
        return None
    counts = [vital.samples for _, vital in told if vital.samples is not None]
    samples = sum(counts) if len(counts) == len(told) else None
    if name in COUNTED and samples is not None and samples < rules.fewest_samples:
        return None
    weights = counts if samples is not None else [_asleep_in(sleep, r) for r, _ in told]
    vitals = [vital for _, vital in told]
    return Combined(
        _mean(vitals, weights),
        min((v.low for v in vitals if v.low is not None), default=None),
        max((v.high for v in vitals if v.high is not None), default=None),
        samples,
    )


def _asleep_in(sleep: Sleep, report: Report) -> int:
    return sum(p.tally.total or 0 for p in sleep.parts if p.report.id == report.id)


def _mean(vitals: Sequence[Vital], weights: Sequence[int]) -> float | None:
    pairs = [(v.mean, w) for v, w in zip(vitals, weights, strict=True) if v.mean is not None]
    if not pairs:
        return None
    total = sum(weight for _, weight in pairs)
    if total == 0:
        return sum(mean for mean, _ in pairs) / len(pairs)
    return sum(mean * weight for mean, weight in pairs) / total


def vital_fields(figures: Figures) -> tuple[dict[str, object], dict[str, str]]:
    """The vitals of a sleep by column, and where each is from."""
    values: dict[str, object] = {}
    origin: dict[str, str] = {}
    for column, (name, which) in VITALS.items():
        vital = combined(figures.sleep, name, figures.rules)
        value = one_decimal(getattr(vital, which)) if vital else None
        values[column] = value
        if vital is not None and value is not None:
            own, count = "the maker's own value", vital.samples
            source = figures.sleep.name
            origin[column] = own if count is None else f"{count} samples of {source}"
    return values, origin


# -- where numbers are from --------------------------------------------------------------------


def origins(figures: Figures, values: Mapping[str, object]) -> dict[str, str]:
    """For each number that there is: where it was read, or what it was computed from."""
    sleep = figures.sleep
    added = sleep.source.provider == PERSON
    read = "what you added" if added else f"{sleep.parts[0].basis} of {sleep.name}"
    found = {
        name: COMPUTED_FROM.get(name, read) for name, value in values.items() if value is not None
    }
    edited = dict.fromkeys(edited_columns(figures.times), YOUR_EDIT)
    bed = f"time in bed by {figures.told.told_by}"
    found |= {name: bed for name in ("bed_time", "wake_time") if name in found}
    return found | {name: word for name, word in edited.items() if name in found}


COLUMNS = {
    "bed_time": "bed_time",
    "sleep_start": "sleep_start_time",
    "sleep_end": "sleep_end_time",
    "wake_time": "wake_time",
}


def edited_columns(times: Mapping[str, object]) -> list[str]:
    return [column for name, column in COLUMNS.items() if name in times]
