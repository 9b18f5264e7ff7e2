"""Which sleep of a date is its night, which are naps, and which stay main sleeps of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sleepbalance.model import Kind
from sleepbalance.nights.choice import Episode
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.sleeps import Sleep


@dataclass(frozen=True, slots=True)
class Day:
    """The sleeps that ended on one date; without a main sleep there is no night."""

    main: Episode | None
    others: tuple[Episode, ...] = ()
    naps: tuple[Episode, ...] = ()
    unconfirmed: tuple[Episode, ...] = ()

    @property
    def episodes(self) -> tuple[Episode, ...]:
        main = (self.main,) if self.main else ()
        return (*main, *self.others, *self.naps, *self.unconfirmed)


def day_of(episodes: Sequence[Episode], rules: Rules) -> Day:
    """Rules 4 and 5 for the living sleeps of one date."""
    ordered = sorted(episodes, key=lambda e: (e.chosen.start, e.chosen.end, e.chosen.source))
    main = _main(ordered, rules)
    others, naps, unconfirmed = [], [], []
    for episode in ordered:
        if episode is main:
            continue
        if _unsure(episode.chosen, main):
            unconfirmed.append(episode)
        elif main is not None and _main_too(episode.chosen, rules):
            others.append(episode)
        else:
            naps.append(episode)
    return Day(main, tuple(others), tuple(naps), tuple(unconfirmed))


def _main(ordered: Sequence[Episode], rules: Rules) -> Episode | None:
    sure = [e for e in ordered if e.chosen.kind not in (Kind.NAP, Kind.UNCONFIRMED)]
    if all(_daytime_nap(e.chosen, rules) for e in sure):
        sure = []
    if not sure:
        sure = [e for e in ordered if _long_enough(e.chosen, rules)]
    called = [e for e in sure if e.chosen.kind is Kind.MAIN]
    yours = [e for e in called if e.chosen.by_person]
    return max(yours or _rivals(sure, called, rules), key=lambda e: e.chosen.size, default=None)


def _rivals(sure: Sequence[Episode], called: Sequence[Episode], rules: Rules) -> Sequence[Episode]:
    """What the makers call the night, and main sleeps of which another maker told: by length."""
    if not called:
        return sure
    spoken = {e.chosen.source for e in called}
    return [
        e
        for e in sure
        if e in called or (e.chosen.source not in spoken and _main_too(e.chosen, rules))
    ]


def _daytime_nap(sleep: Sleep, rules: Rules) -> bool:
    """Short and by day: a nap, though nothing longer ended on its date."""
    if sleep.kind is Kind.MAIN or sleep.dateless_clock:
        return False
    by_day = rules.day_begins <= sleep.begins.time() < rules.day_ends
    return by_day and dt.timedelta(seconds=sleep.size) < rules.lone_nap


def _long_enough(sleep: Sleep, rules: Rules) -> bool:
    """A sleep that its maker doubts is a night where it is the only one that could be."""
    return sleep.kind is Kind.UNCONFIRMED and dt.timedelta(seconds=sleep.size) >= rules.lone_nap


def _unsure(sleep: Sleep, main: Episode | None) -> bool:
    """The maker was not sure, or lay in bed is all that is known beside a sleep measured."""
    return sleep.kind is Kind.UNCONFIRMED or (
        not sleep.measured and main is not None and main.chosen.measured
    )


def _main_too(sleep: Sleep, rules: Rules) -> bool:
    long = dt.timedelta(seconds=sleep.size) >= rules.second_main
    return sleep.kind is Kind.MAIN or (sleep.kind is None and long)
