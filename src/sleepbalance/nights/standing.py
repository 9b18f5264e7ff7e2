"""Which report of a source stands where several tell the same sleep."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sleepbalance.model import Report, local
from sleepbalance.nights.parts import Part, covers, parts_of
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.spans import Calendar, Span, connected, length, mostly_same

EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)


class SourceKey(NamedTuple):
    provider: str
    account: str
    key: str


def source_of(report: Report) -> SourceKey:
    return SourceKey(report.provider, report.of_account, report.session.source.key)


@dataclass(frozen=True, eq=False)
class Reading:
    """A report, read once."""

    report: Report
    parts: tuple[Part, ...]

    @cached_property
    def extent(self) -> tuple[Span, ...]:
        session = self.report.session
        return covers(self.parts) if self.parts else (Span(session.start, session.end),)

    @property
    def date(self) -> dt.date:
        session = self.report.session
        return session.maker_date or local(session.end, self.report.zone_end).date()


def read(reports: Iterable[Report]) -> list[Reading]:
    return [Reading(report, parts_of(report)) for report in sorted(reports, key=lambda r: r.id)]


Key = Callable[[Reading], tuple[object, ...]]


def stand(readings: Iterable[Reading], rules: Rules) -> tuple[list[Reading], dict[str, str]]:
    """The reports that stand, and id by id the one that replaces each of the others."""
    by_source: dict[SourceKey, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_source[source_of(reading.report)].append(reading)
    replaced: dict[str, str] = {}
    standing: list[Reading] = []
    for own in by_source.values():
        standing += _of_source(own, replaced, rules)
    return standing, {loser: _final(loser, replaced) for loser in replaced}


def _of_source(own: Sequence[Reading], replaced: dict[str, str], rules: Rules) -> list[Reading]:
    """Door by door, then across doors: there arrival says when we asked, not what is newer."""
    doors: dict[str, list[Reading]] = defaultdict(list)
    for reading in own:
        doors[reading.report.session.door].append(reading)
    left = [r for door in sorted(doors) for r in _best(doors[door], _newest, replaced, rules)]
    if len(doors) == 1:
        return left
    standing = []
    for group in _clusters(left, rules):
        dated = all(r.report.session.revised_at for r in group)
        standing += _best(group, _newest if dated else _finest, replaced, rules)
    return standing


def _final(loser: str, replaced: Mapping[str, str]) -> str:
    while loser in replaced:
        loser = replaced[loser]
    return loser


def _best(
    readings: list[Reading], key: Key, replaced: dict[str, str], rules: Rules
) -> list[Reading]:
    """From the best to the worst: each stands unless a better one tells the same sleep."""
    calendar: Calendar[Reading] = Calendar()
    standing = []
    for reading in sorted(readings, key=key):
        near = calendar.near(reading.extent, around=1)
        better = [r for r in near if one_sleep(reading, r, rules)]
        if better:
            replaced[reading.report.id] = better[0].report.id
        else:
            standing.append(reading)
            calendar.add(reading.extent, reading)
    return standing


def one_sleep(one: Reading, two: Reading, rules: Rules) -> bool:
    """Rule 2: whether two reports tell the same sleep."""
    if not length(one.extent) and not length(two.extent):  # both know their date only
        return one.date == two.date
    return mostly_same(one.extent, two.extent, rules.same_sleep)


def _clusters(readings: Sequence[Reading], rules: Rules) -> list[list[Reading]]:
    def same(i: int, j: int) -> bool:
        return one_sleep(readings[i], readings[j], rules)

    groups = connected([r.extent for r in readings], same)
    return [[readings[i] for i in group] for group in groups]


def _newest(reading: Reading) -> tuple[object, ...]:
    session = reading.report.session
    time = session.revised_at or reading.report.arrived_at or EARLIEST
    age = -time.timestamp() if time > EARLIEST else 0.0
    return (not _tells_sleep(reading), session.provisional, age, *_finer(reading))


def _finest(reading: Reading) -> tuple[object, ...]:
    provisional = reading.report.session.provisional
    return (not _tells_sleep(reading), provisional, *_finer(reading))


def _tells_sleep(reading: Reading) -> bool:
    """Time in bed alone never replaces sleep, however new it is."""
    session = reading.report.session
    return session.measures_sleep or not session.in_bed


def _finer(reading: Reading) -> tuple[object, ...]:
    """Ids come last: they are thrown, and another home throws others."""
    session = reading.report.session
    door = session.door == "file", session.door
    longest = -length(reading.extent), session.start, session.external_id
    return (not session.hypnogram, *door, *longest, reading.report.id)
