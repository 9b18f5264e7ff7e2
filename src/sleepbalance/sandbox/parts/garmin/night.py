"""One night as the watch tells it: one window from falling asleep to waking up for good.

Garmin tells one night a date. Sleeps that belong together are one window, and what lies between
them is not measurable. What is not staged is told as an old watch does: light, and no REM.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from sleepbalance.sandbox.body import rates_in
from sleepbalance.sandbox.hypnogram import ASLEEP
from sleepbalance.sandbox.life import Rest, rests
from sleepbalance.sandbox.people import DAY, Person
from sleepbalance.sandbox.truth import ENOUGH_BEATS, NAP_BELOW, asleep_in, parts_of, period
from sleepbalance.sandbox.world import Seen, World

STAGES = ("deep", "light", "rem")
Level = tuple[int, int, str]  # from, to (seconds since 1970), stage


@dataclass(frozen=True)
class Night:
    """What is told of one date; without parts there is no night, and there may still be naps."""

    person: Person
    date: dt.date
    parts: tuple[Seen, ...] = ()
    naps: tuple[Seen, ...] = ()
    off_wrist: Rest | None = None
    main: Seen | None = None

    # -- the window ----------------------------------------------------------------------------

    @property
    def start(self) -> dt.datetime:
        return onset(self.parts[0])

    @property
    def end(self) -> dt.datetime:
        return waking(self.parts[-1])

    @property
    def ahead_at_start(self) -> int:
        return ahead_at_start(self.parts[0])

    @property
    def ahead_at_end(self) -> int:
        return ahead_at_end(self.parts[-1])

    # -- what it is ----------------------------------------------------------------------------

    @property
    def by_hand(self) -> bool:
        return all(part.telling.form == "manual" for part in self.parts)

    @property
    def edited(self) -> bool:
        return any(part.telling.edited for part in self.parts)

    @property
    def pending(self) -> bool:
        return any(part.telling.pending for part in self.parts)

    @property
    def staged(self) -> bool:
        return any(stage in ("deep", "rem") for _, _, stage in self.levels)

    @property
    def vital(self) -> bool:
        """Whether breathing, oxygen and HRV were measured."""
        return self.main is not None and self.main.telling.form == "staged"

    # -- how long ------------------------------------------------------------------------------

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """In order; between two parts there is a hole. By hand there are none."""
        return tuple(level for part in self.parts for level in _levels(part))

    @cached_property
    def seconds(self) -> dict[str, int]:
        """By stage, with awake and unmeasurable; together they fill the window."""
        found = dict.fromkeys((*STAGES, "awake", "unmeasurable"), 0)
        for start, end, stage in self.levels:
            found[stage] += end - start
        for before, after in pairwise(self.parts):
            gap = onset(after) - waking(before)
            found["unmeasurable"] += int(gap.total_seconds())
        return found

    @property
    def asleep(self) -> int:
        if self.by_hand:
            return sum(asleep_in(part) for part in self.parts)
        return sum(self.seconds[stage] for stage in STAGES)

    def rates(self) -> list[int]:
        """Heart rates in sleep; none where there are too few."""
        found = [rate for p in self.parts for rate in rates_in(self.person, onset(p), waking(p))]
        return found if len(found) >= ENOUGH_BEATS else []


def told(world: World, person: Person, date: dt.date, at: dt.datetime | None = None) -> Night:
    """The night of that date as it was told at that instant, now if none is given."""
    if at is None:
        near = world.sleeps(person, date - DAY, date + DAY)
    else:
        days = (date - DAY, date, date + DAY)
        near = [s for day in days if day >= person.began for s in world.told(person, day, at)]
    sleeps = sorted((s for s in near if s.date == date), key=lambda s: s.telling.start)
    main = next((s for s in sleeps if s.main), None)
    parts = parts_of(main, sleeps) if main else []
    others = [s for s in sleeps if s not in parts]
    naps = [s for s in others if s.sleep.kind == "nap" or asleep_in(s) < NAP_BELOW]
    lying = None if sleeps else _lying_about(person, date, at or world.now())
    return Night(person, date, tuple(parts), tuple(naps), lying, main)


def _lying_about(person: Person, date: dt.date, now: dt.datetime) -> Rest | None:
    """Half of the nights without the watch, it lay beside the bed and says so."""
    if person.wears(date) or date < person.began:
        return None
    rest = next((r for r in rests(person, date) if r.sort == "night"), None)
    said = rest is not None and now >= rest.end + dt.timedelta(minutes=40)
    return rest if said and person.dice("off wrist", date).happens(0.5) else None


def _levels(part: Seen) -> Iterator[Level]:
    if part.telling.form == "manual":
        return
    first, last = period(part)
    origin = int(part.telling.start.timestamp())
    at, was = 0, ""
    for piece in part.telling.hypnogram:
        if not first <= piece.offset < last:
            continue
        stage = piece.stage if piece.stage in STAGES else ""
        stage = stage or ("light" if piece.stage in ASLEEP else "awake")
        if was and stage != was:
            yield origin + at, origin + piece.offset, was
        if stage != was:
            at, was = piece.offset, stage
    yield origin + at, origin + last, was


def onset(seen: Seen) -> dt.datetime:
    return seen.telling.start + dt.timedelta(seconds=period(seen)[0])


def waking(seen: Seen) -> dt.datetime:
    return seen.telling.start + dt.timedelta(seconds=period(seen)[1])


def ahead_at_start(seen: Seen) -> int:
    """Seconds ahead of UTC on the clock that the sleeper saw."""
    return seen.sleep.offset(seen.telling.start, seen.telling)


def ahead_at_end(seen: Seen) -> int:
    return seen.sleep.offset(seen.telling.end, seen.telling)
