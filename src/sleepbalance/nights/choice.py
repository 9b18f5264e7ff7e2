"""Which source is believed for one sleep, and why, in words."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from sleepbalance.model import UNNAMED, Kind, local
from sleepbalance.nights.parts import Tally, tally_sum
from sleepbalance.nights.roads import NO_ROADS, Roads
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.sleeps import PERSON, Sleep
from sleepbalance.nights.spans import Calendar, Span, connected, mostly_same, shared, union
from sleepbalance.nights.standing import SourceKey

HYPNOGRAM, TOTALS, UNSTAGED, HAND_ENTRY, IN_BED = range(5)
MINUTE = dt.timedelta(minutes=1)
GRADES = {
    HYPNOGRAM: "stages over time",
    TOTALS: "totals of each stage",
    UNSTAGED: "sleep without stages",
    HAND_ENTRY: "a hand entry",
    IN_BED: "time in bed only",
}


EVERY = "*"
ALONE = "only source"
AUTO = "auto"  # in the place of a provider that the person names: as the rules choose
YOUR_CHOICE = "your choice for this night"
NO_SLEEP = "you said that this was no sleep"


class SourceRank(NamedTuple):
    """A place in the person's order of sources; no `source_key`: every source of the account.

    The account EVERY is each one of that provider; the provider EVERY ends the order: what no rank
    names is never a night.
    """

    provider: str
    account: str
    source_key: str | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """Sleeps that are reports of one sleep."""

    sleeps: Sequence[Sleep]

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset().union(*(s.ids for s in self.sleeps))

    @cached_property
    def covers(self) -> tuple[Span, ...]:
        return union(span for s in self.sleeps for span in s.covers)


@dataclass(frozen=True, eq=False)
class Alternative:
    """A sleep that was not chosen."""

    sleep: Sleep
    why: str


@dataclass(frozen=True, eq=False)
class Episode:
    """One sleep of the person: as its chosen source tells it, and what the others say."""

    chosen: Sleep
    why: str
    alternatives: tuple[Alternative, ...] = ()
    by_choice: bool = False
    times: Mapping[str, dt.datetime | None] = field(default_factory=dict)  # as the person says
    dead: bool = False  # the person says that it was no sleep
    misfit: str | None = None  # why times that the person said are not its own

    @property
    def date(self) -> dt.date:
        return self.chosen.date

    @cached_property
    def group(self) -> Group:
        return Group((self.chosen, *(a.sleep for a in self.alternatives)))

    @property
    def ids(self) -> frozenset[str]:
        return self.group.ids

    @property
    def covers(self) -> tuple[Span, ...]:
        return self.group.covers


# -- the same sleep ----------------------------------------------------------------------------


def same_sleep(a: Sleep, b: Sleep, rules: Rules) -> bool:
    if a.source == b.source:
        return False
    if mostly_same(a.covers, b.covers, rules.same_sleep):
        return True
    floating = a.floats or b.floats
    return floating and a.date == b.date and mostly_same(a.wall, b.wall, rules.same_sleep)


def common(a: Sleep, b: Sleep) -> int:
    """Seconds in common, on the wall clock where the place of one is not known."""
    return shared(a.covers, b.covers) or (shared(a.wall, b.wall) if a.floats or b.floats else 0)


def groups_of(sleeps: Sequence[Sleep], rules: Rules) -> list[Group]:
    """Puts the reports of one sleep together.

    Only what a device measured links others: a day in bed or a hand entry joins the one that it
    shares most with, so that it never ties two sleeps into one.
    """
    ordered = sorted(sleeps, key=lambda s: (s.start, s.end, s.source))
    strong = [s for s in ordered if s.by_device]
    groups = _linked(strong, rules)
    home = {id(s): group for group in groups for s in group}
    calendar: Calendar[Sleep] = Calendar()
    for sleep in strong:
        calendar.add(sleep.covers, sleep)
    left = []
    for weak in (s for s in ordered if not s.by_device):
        hosts = [s for s in calendar.near(weak.covers, around=2) if same_sleep(weak, s, rules)]
        if hosts:
            home[id(min(hosts, key=lambda s: (-common(weak, s), s.start, s.source)))].append(weak)
        else:
            left.append(weak)
    return [Group(sleeps) for sleeps in groups + _linked(left, rules)]


def _linked(sleeps: Sequence[Sleep], rules: Rules) -> list[list[Sleep]]:
    groups = connected(
        [s.covers for s in sleeps], lambda i, j: same_sleep(sleeps[i], sleeps[j], rules)
    )
    return [[sleeps[i] for i in group] for group in groups]


# -- the choice --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Candidate:
    """What one source says of a component."""

    source: SourceKey
    sleeps: tuple[Sleep, ...]
    rank: int | None = None  # its place in the person's order
    named: bool = False  # the person chose it for this night, or added it
    yardstick: Candidate | None = field(default=None)  # what it falls short of
    copy_of: str | None = None  # the provider of this device whose own word is here too

    @cached_property
    def longest(self) -> Sleep:
        return max(self.sleeps, key=lambda s: s.size)

    @property
    def name(self) -> str:
        return self.longest.name

    @cached_property
    def grade(self) -> int:
        sleep = self.longest
        if not sleep.measured:
            return IN_BED
        if not sleep.by_device:
            return HAND_ENTRY
        if not sleep.tally.staged:
            return UNSTAGED
        return HYPNOGRAM if any(r.session.hypnogram for r in sleep.reports) else TOTALS

    @cached_property
    def period(self) -> int:
        return sum(s.period for s in self.sleeps)

    @cached_property
    def size(self) -> int:
        return sum(s.size for s in self.sleeps)

    @property
    def merit(self) -> tuple[object, ...]:
        """Smaller is better, apart from falling short."""
        last = self.rank is None
        copy = self.copy_of is not None
        return (not self.named, last, self.rank or 0, self.grade, copy, -self.size, self.source)

    @property
    def key(self) -> tuple[object, ...]:
        return (not self.named, self.yardstick is not None, *self.merit)


def choose(
    sleeps: Sequence[Sleep],
    rules: Rules,
    order: Sequence[SourceRank] = (),
    named: SourceRank | None = None,
    roads: Roads = NO_ROADS,
) -> list[Episode]:
    """Believes one source of a component: one episode for each of its sleeps, in order."""
    found = sorted(_candidates(sleeps, rules, order, named, roads), key=lambda c: c.key)
    best = found[0]
    others: dict[int, list[Alternative]] = defaultdict(list)
    for loser in found[1:]:
        for sleep in loser.sleeps:
            near = max(best.sleeps, key=lambda s: (common(s, sleep), -s.start.timestamp()))
            others[id(near)].append(Alternative(sleep, _reason(best, loser, roads)))
    why = _why(best, found, roads)
    by_choice = best.named and best.source.provider != PERSON
    return [
        Episode(sleep, why, tuple(others[id(sleep)]), by_choice=by_choice)
        for sleep in sorted(best.sleeps, key=lambda s: s.start)
    ]


def _candidates(
    sleeps: Sequence[Sleep],
    rules: Rules,
    order: Sequence[SourceRank],
    named: SourceRank | None,
    roads: Roads,
) -> list[Candidate]:
    by_source: dict[SourceKey, list[Sleep]] = defaultdict(list)
    for sleep in sleeps:
        by_source[sleep.source].append(sleep)
    chosen = _chosen(by_source, named) or _added(by_source, rules)
    own = {source.provider for source in by_source}
    found = [
        Candidate(
            source,
            tuple(own_sleeps),
            _rank(source, order),
            source in chosen,
            copy_of=_copied(source, own_sleeps[0], own, roads),
        )
        for source, own_sleeps in by_source.items()
    ]
    staged = [c for c in found if c.grade in (HYPNOGRAM, TOTALS)]
    if not staged:
        return found
    longest = min(staged, key=lambda c: (-c.period, c.merit))
    return [_measured_by(c, longest, rules) for c in found]


def _copied(source: SourceKey, sleep: Sleep, own: Collection[str], roads: Roads) -> str | None:
    maker = roads.maker(source.provider, sleep.last.session.source)
    return maker if maker in own else None


def _measured_by(candidate: Candidate, longest: Candidate, rules: Rules) -> Candidate:
    if candidate.period >= rules.stands_back * longest.period:
        return candidate
    return replace(candidate, yardstick=longest)


def _rank(source: SourceKey, order: Sequence[SourceRank]) -> int | None:
    return next((i for i, rank in enumerate(order) if is_rank(source, rank)), None)


def _added(told: Mapping[SourceKey, Sequence[Sleep]], rules: Rules) -> list[SourceKey]:
    """What the person added, but for a nap in the middle of what a device tells as a night."""
    nights = [s.period for own in told.values() for s in own if s.by_device and _long(s, rules)]
    least = rules.stands_back * max(nights, default=0)
    return [
        source
        for source, own in told.items()
        if source.provider == PERSON
        if any(s.kind is not Kind.NAP for s in own) or sum(s.period for s in own) >= least
    ]


def _long(sleep: Sleep, rules: Rules) -> bool:
    return dt.timedelta(seconds=sleep.period) >= rules.lone_nap


def _chosen(sources: Iterable[SourceKey], named: SourceRank | None) -> list[SourceKey]:
    """What the person named for this night; through another door where that one is gone."""
    if named is None:
        return []
    alike = [source for source in sources if is_rank(source, named)]
    exact = [s for s in alike if s.account == named.account and named.source_key in (None, s.key)]
    return exact or alike


def is_rank(source: SourceKey, rank: SourceRank) -> bool:
    """Whether a place in the order is this source's; what nobody named may be any of its maker."""
    same_account = rank.account == EVERY or source.account in ("", rank.account)
    same_device = rank.source_key in (None, UNNAMED, source.key) or source.key == UNNAMED
    return source.provider == rank.provider and same_account and same_device


# -- the reasons -------------------------------------------------------------------------------


def _why(best: Candidate, found: Sequence[Candidate], roads: Roads) -> str:
    if len(found) == 1:
        return ALONE
    rivals = [c for c in found[1:] if not _one_device(best, c)] or found[1:]
    return f"{best.name}: {_reason(best, min(rivals, key=lambda c: c.merit), roads)}"


def _one_device(one: Candidate, two: Candidate) -> bool:
    return one.source.provider == two.copy_of or two.source.provider == one.copy_of


def _reason(best: Candidate, loser: Candidate, roads: Roads) -> str:
    """Why a source was not chosen."""
    if best.named:
        return "you added it" if best.source.provider == PERSON else YOUR_CHOICE
    if loser.copy_of == best.source.provider:
        same = f"{loser.name} is {_road(loser, roads)}"
        return f"{same}; {_compared(best, loser)}" if best.rank != loser.rank else same
    if best.copy_of == loser.source.provider:
        return f"{_road(best, roads)}; {_compared(best, loser)}"
    if best.rank == loser.rank and _same_record(best, loser, roads):
        by = roads.name(loser.source.provider)
        return f"{loser.name} by {by} seems to be the same by another road"
    return _compared(best, loser)


def _road(copy: Candidate, roads: Roads) -> str:
    maker, through = copy.copy_of or "", copy.source.provider
    return f"the same {roads.name(maker)}, through {roads.name(through)}"


def _compared(best: Candidate, loser: Candidate) -> str:
    if loser.yardstick is not None and best.yardstick is None:
        return _short_of(loser, loser.yardstick)
    return _by_merit(best, loser)


def _by_merit(best: Candidate, loser: Candidate) -> str:
    if best.rank != loser.rank:
        return f"before {loser.name} in your order of sources"
    if best.grade != loser.grade:
        return f"it has {GRADES[best.grade]}, {loser.name} has {GRADES[loser.grade]}"
    if best.size != loser.size:
        return f"{loser.name} tells {_hours(loser.size)}, it tells {_hours(best.size)}"
    return f"{loser.name} tells as much; the first by name is taken"


def _same_record(one: Candidate, two: Candidate, roads: Roads) -> bool:
    """A device whose sleep was written into a hub too: both ends and every stage agree."""
    providers = {one.source.provider, two.source.provider}
    if len(providers) == 1 or not any(p in roads.hubs for p in providers):
        return False
    ends = abs(_begins(one) - _begins(two)), abs(_ends(one) - _ends(two))
    tallies = [tally_sum([s.tally for s in c.sleeps]) for c in (one, two)]
    return max(ends) <= MINUTE and tallies[0].staged and _stages(tallies[0]) == _stages(tallies[1])


def _stages(tally: Tally) -> tuple[int, ...]:
    return (tally.light or 0, tally.deep or 0, tally.rem or 0, tally.asleep or 0)


def _short_of(loser: Candidate, longest: Candidate) -> str:
    text = f"{loser.name} covers only {_hours(loser.period)} of {_hours(longest.period)}"
    late = (_begins(loser) - _begins(longest)).total_seconds()
    early = (_ends(longest) - _ends(loser)).total_seconds()
    if max(late, early) <= 0:
        return text
    what = "the watch" if loser.longest.last.session.source.device == "watch" else "it"
    if late >= early:
        at = local(_begins(loser), loser.sleeps[0].parts[0].report.zone_start)
        return f"{text}, {what} began at {at:%H:%M}"
    at = local(_ends(loser), loser.longest.last.zone_end)
    return f"{text}, {what} ended at {at:%H:%M}"


def _begins(candidate: Candidate) -> dt.datetime:
    return min(s.start for s in candidate.sleeps)


def _ends(candidate: Candidate) -> dt.datetime:
    return max(s.end for s in candidate.sleeps)


def _hours(seconds: int) -> str:
    minutes = (seconds + 30) // 60
    return f"{minutes // 60} h {minutes % 60} min"
