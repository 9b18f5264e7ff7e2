"""Sources that the person does not want: they are kept beside a night, and never make one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sleepbalance.nights.choice import (
    ALONE,
    EVERY,
    YOUR_CHOICE,
    Alternative,
    Episode,
    SourceRank,
    choose,
    common,
    is_rank,
)
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.sleeps import PERSON, Sleep
from sleepbalance.nights.standing import SourceKey

NOT_WANTED = "you take nights only from the sources of your order"
ONLY_WANTED = "the only one here of the sources that you take nights from"


def is_wanted(source: SourceKey, order: Sequence[SourceRank]) -> bool:
    """Whether a source may be a night: an order that ends names all that may."""
    if all(rank.provider != EVERY for rank in order) or source.provider == PERSON:
        return True
    return any(is_rank(source, rank) for rank in order)


def choose_wanted(
    sleeps: Sequence[Sleep],
    rules: Rules,
    order: Sequence[SourceRank] = (),
    named: SourceRank | None = None,
    *more: Any,
) -> list[Episode]:
    """`choose` among the sources that the person wants, or named for this night; often all."""
    wanted = [
        s for s in sleeps if is_wanted(s.source, order) or (named and is_rank(s.source, named))
    ]
    if len(wanted) == len(sleeps):
        return choose(sleeps, rules, order, named, *more)
    if not wanted:
        return []
    rest = [s for s in sleeps if s not in wanted]
    chosen = choose(wanted, rules, order, named, *more)
    return _beside([_as_wanted(episode, named) for episode in chosen], rest)


def _as_wanted(episode: Episode, named: SourceRank | None) -> Episode:
    """The reason where no other source that may be a night told it."""
    if episode.why != ALONE:
        return episode
    chosen = named is not None and is_rank(episode.chosen.source, named)
    return replace(episode, why=YOUR_CHOICE if chosen else ONLY_WANTED)


def _beside(episodes: Sequence[Episode], rest: Sequence[Sleep]) -> list[Episode]:
    """The same with what nobody wants as alternatives of the sleep that they share most with."""
    others: dict[int, list[Alternative]] = defaultdict(list)
    for sleep in rest:
        near = max(episodes, key=lambda e: (common(e.chosen, sleep), -e.chosen.start.timestamp()))
        others[id(near)].append(Alternative(sleep, NOT_WANTED))
    return [replace(e, alternatives=(*e.alternatives, *others[id(e)])) for e in episodes]
