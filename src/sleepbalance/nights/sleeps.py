"""The sleeps of each source: which of its parts are one sleep."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from sleepbalance.model import Kind, Method, Report, local
from sleepbalance.nights.parts import Part, Tally, covers, in_bed_of, tally_sum
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.spans import Span, length, shared, union
from sleepbalance.nights.standing import EARLIEST, Reading, SourceKey, source_of

APP = "app"  # rows that the phone app left: its clock is written, its zone is not
PERSON = "person"  # sleeps that the person added
APART = (Kind.NAP, Kind.UNCONFIRMED)


@dataclass(frozen=True, eq=False)
class Sleep:
    """One sleep as one source tells it: one part or several, in order."""

    parts: tuple[Part, ...]
    kind: Kind | None = None
    by_person: bool = False  # whether `kind` is the person's word
    glued: bool = False  # the person called it a part of a night
    woke: dt.datetime | None = None  # when the person says they got up, of a night in bed only

    @property
    def last(self) -> Report:
        return self.parts[-1].report

    @cached_property
    def source(self) -> SourceKey:
        return source_of(self.last)

    @property
    def name(self) -> str:
        return self.last.session.source.name or self.last.provider

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        return tuple({part.report.id: part.report for part in self.parts}.values())

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(report.id for report in self.reports)

    @cached_property
    def covers(self) -> tuple[Span, ...]:
        return covers(self.parts)

    @property
    def start(self) -> dt.datetime:
        return self.parts[0].span.start

    @cached_property
    def end(self) -> dt.datetime:
        """Final waking; without it the end of the last time in bed, else of the record."""
        part = self.parts[-1]
        if self.woke is not None and part.sleep is None:
            return self.woke
        beds = in_bed_of(part.report.session)
        return part.sleep.end if part.sleep else beds[-1].end if beds else part.window.end

    @cached_property
    def tally(self) -> Tally:
        return tally_sum([part.tally for part in self.parts])

    @property
    def asleep(self) -> int:
        return self.tally.total or 0

    @cached_property
    def measured(self) -> bool:
        """Whether anybody measured or told sleep, and not only time in bed."""
        return self.tally.total is not None or any(part.sleep for part in self.parts)

    @property
    def dateless_clock(self) -> bool:
        """A record without any length: only its date is known."""
        return self.parts[0].window.start == self.parts[-1].window.end

    @cached_property
    def by_device(self) -> bool:
        return self.measured and all(r.session.method is Method.DEVICE for r in self.reports)

    @cached_property
    def period(self) -> int:
        """The sleep period in seconds without gaps; where nobody told it, the time in bed."""
        if all(part.sleep for part in self.parts):
            return sum(part.span.seconds for part in self.parts)
        return length(self.covers)

    @property
    def size(self) -> int:
        """What sleeps are compared by: seconds asleep, in bed where nobody measured sleep."""
        return self.asleep if self.tally.total is not None else length(self.covers)

    @cached_property
    def begins(self) -> dt.datetime:
        return local(self.start, self.parts[0].report.zone_start)

    @cached_property
    def date(self) -> dt.date:
        """The local date of the final waking; the maker's where the clock there is unknown."""
        told = self.last.session.maker_date
        if told is not None and (self.dateless_clock or self.placeless):
            return told
        return local(self.end, self.last.zone_end).date()

    @property
    def placeless(self) -> bool:
        """Nobody knows what the clock on the wall showed."""
        return self.last.zone_from.is_guess and not self.floats

    @cached_property
    def floats(self) -> bool:
        """Its wall clock is known and its place is not."""
        report = self.last
        wall = report.session.wall or report.provider == APP
        return wall and report.zone_from.is_guess

    @cached_property
    def wall(self) -> tuple[Span, ...]:
        zone = self.last.zone_end
        return union(Span(_wall(s.start, zone), _wall(s.end, zone)) for s in self.covers)


def _wall(instant: dt.datetime, zone: str) -> dt.datetime:
    return local(instant, zone).replace(tzinfo=dt.UTC)


# -- which parts are one sleep -----------------------------------------------------------------

Word = Callable[[Part], str | None]  # the person's word on a part: "main", "nap" or "part"


def sleeps_of(standing: Iterable[Reading], word: Word, rules: Rules) -> list[Sleep]:
    """The sleeps of every source, parts joined by rule 3, ordered by source and time."""
    by_source: dict[SourceKey, list[Sleep]] = defaultdict(list)
    for reading in standing:
        by_source[source_of(reading.report)] += _units(reading, word, rules)
    found: list[Sleep] = []
    for source in sorted(by_source):
        units = sorted(by_source[source], key=lambda s: (s.start, s.end, sorted(s.ids)))
        joined = [s for island in _islands(units, rules) for s in _join(island, rules)]
        found += _glue(joined, rules)
    return found


def _units(reading: Reading, word: Word, rules: Rules) -> list[Sleep]:
    """One sleep per report, or more where the person called some of its parts a nap."""
    by_word: dict[str | None, list[Part]] = defaultdict(list)
    for part in reading.parts:
        by_word[word(part)].append(part)
    return [
        _unit(reading.report, told, tuple(piece))
        for told, parts in by_word.items()
        for piece in _within(parts, rules.longest_night)
    ]


def _within(parts: list[Part], longest: dt.timedelta) -> list[list[Part]]:
    """The parts cut at their widest gaps until nothing lasts longer than a night can."""
    if len(parts) == 1 or parts[-1].span.end - parts[0].span.start <= longest:
        return [parts]
    gaps = [b.span.start - a.span.end for a, b in pairwise(parts)]
    cut = gaps.index(max(gaps)) + 1
    return _within(parts[:cut], longest) + _within(parts[cut:], longest)


def _unit(report: Report, told: str | None, parts: tuple[Part, ...]) -> Sleep:
    kinds = {"main": Kind.MAIN, "nap": Kind.NAP}
    kind = report.session.kind if told is None else kinds.get(told)
    by_person = told is not None or report.provider == PERSON
    return Sleep(parts, kind, by_person, told == "part")


def _islands(units: Sequence[Sleep], rules: Rules) -> list[list[Sleep]]:
    """Runs of sleeps that no rule could join across."""
    reach = max(rules.piece_gap, rules.short_gap, rules.long_gap)
    islands: list[list[Sleep]] = []
    until = EARLIEST
    for unit in units:
        if not islands or unit.parts[0].window.start > until + reach:
            islands.append([])
        islands[-1].append(unit)
        until = max(until, unit.end, unit.parts[-1].window.end)
    return islands


def _join(sleeps: list[Sleep], rules: Rules) -> list[Sleep]:
    """The closest neighbours first, until no two of them belong together."""
    while True:
        pairs = [
            (b.start - a.end, i)
            for i, (a, b) in enumerate(pairwise(sleeps))
            if _one_night(a, b, rules)
        ]
        if not pairs:
            return sleeps
        _, i = min(pairs)
        sleeps = [*sleeps[:i], _merge(sleeps[i], sleeps[i + 1]), *sleeps[i + 2 :]]


def _merge(a: Sleep, b: Sleep) -> Sleep:
    kinds = {a.kind, b.kind}
    return Sleep(
        tuple(sorted((*a.parts, *b.parts), key=lambda p: (p.span, p.report.id))),
        kind=Kind.MAIN if Kind.MAIN in kinds else None,
        by_person=a.by_person or b.by_person,
    )


def _one_night(a: Sleep, b: Sleep, rules: Rules) -> bool:
    if a.kind in APART or b.kind in APART or not _fits(a, b, rules):
        return False
    pieces = b.parts[0].window.start - a.parts[-1].window.end
    gap, least = b.start - a.end, dt.timedelta(seconds=min(a.asleep, b.asleep))
    return (
        pieces <= rules.piece_gap
        or (least >= rules.long_sleep and gap <= rules.long_gap)
        or (least >= rules.short_sleep and gap <= rules.short_gap)
    )


def _fits(a: Sleep, b: Sleep, rules: Rules) -> bool:
    """What overlaps would be counted twice, and what nobody slept through is no part."""
    alike = a.measured == b.measured and not (a.dateless_clock or b.dateless_clock)
    return alike and not shared(a.covers, b.covers) and b.end - a.start <= rules.longest_night


def _glue(sleeps: list[Sleep], rules: Rules) -> list[Sleep]:
    """What the person called a part of a night goes to the nearest sleep of the same source."""
    naps = [s for s in sleeps if s.kind in APART]
    rest = [s for s in sleeps if s.kind not in APART]
    while pairs := [
        (b.start - a.end, i)
        for i, (a, b) in enumerate(pairwise(rest))
        if (a.glued or b.glued) and _fits(a, b, rules)
    ]:
        _, i = min(pairs)
        rest = [*rest[:i], _merge(rest[i], rest[i + 1]), *rest[i + 2 :]]
    return [*rest, *naps]
