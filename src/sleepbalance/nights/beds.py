"""When somebody went to bed and got up: told by the source itself, or lent by one beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from sleepbalance.model import Report
from sleepbalance.nights.parts import in_bed_of
from sleepbalance.nights.sleeps import Sleep
from sleepbalance.nights.spans import Calendar, Span, length, shared, union
from sleepbalance.nights.standing import source_of


class Bed(NamedTuple):
    """Ends are None where nobody tells them; `seconds` only where both are told."""

    bed: dt.datetime | None = None
    wake: dt.datetime | None = None
    seconds: int | None = None
    told_by: str | None = None
    pieces: Sequence[Span] = ()


class Lender(NamedTuple):
    report: Report
    spans: tuple[Span, ...]


class Beds:
    """All time in bed that the standing reports tell, by day."""

    def __init__(self, standing: Iterable[Report]) -> None:
        self._calendar: Calendar[Lender] = Calendar()
        for report in standing:
            if spans := in_bed_of(report.session):
                self._calendar.add(spans, Lender(report, spans))

    def of(self, sleep: Sleep) -> Bed:
        """The time in bed of one sleep, in the words of its source or else of its lender."""
        if sleep.dateless_clock:
            return Bed()
        if not sleep.measured:
            spans = sleep.covers
            return Bed(spans[0].start, spans[-1].end, length(spans), sleep.name)
        own = union(s for r in sleep.reports for s in in_bed_of(r.session))
        if any(_touches(span, sleep) for span in own):
            return _ends(sleep, own, sleep.name)
        lenders = self._lenders(sleep)
        if not lenders:
            return Bed()
        first = min(lenders, key=lambda lender: _preference(sleep, lender))
        source = source_of(first.report)
        pieces = (s for x in lenders if source_of(x.report) == source for s in x.spans)
        return _ends(sleep, union(pieces), first.report.session.source.name)

    def _lenders(self, sleep: Sleep) -> list[Lender]:
        return [
            lender
            for lender in self._calendar.near(sleep.covers)
            if _may_lend(lender.report, sleep) and shared(lender.spans, sleep.covers)
        ]


def _may_lend(report: Report, sleep: Sleep) -> bool:
    same_door = source_of(report)[:2] == sleep.source[:2]
    phone = report.session.source.device == "phone"
    return same_door and (phone or not report.session.measures_sleep)


def _preference(sleep: Sleep, lender: Lender) -> tuple[object, ...]:
    source = lender.report.session.source
    own = source.key == sleep.source.key
    common = shared(lender.spans, sleep.covers)
    return (not own, source.device != "phone", -common, source.key, lender.report.id)


def _touches(span: Span, sleep: Sleep) -> bool:
    return any(span.start <= part.end and part.start <= span.end for part in sleep.covers)


def _ends(sleep: Sleep, pieces: Sequence[Span], name: str) -> Bed:
    """An end that lies inside the sleep contradicts it, and is not told."""
    pieces = [piece for piece in pieces if _touches(piece, sleep)]
    bed: dt.datetime | None = pieces[0].start
    wake: dt.datetime | None = pieces[-1].end
    if bed is not None and bed > sleep.start:
        bed = None
    if wake is not None and wake < sleep.end:
        wake = None
    return Bed(bed, wake, time_in_bed(sleep, bed, wake, pieces), name, pieces)


def time_in_bed(
    sleep: Sleep, bed: dt.datetime | None, wake: dt.datetime | None, pieces: Sequence[Span] = ()
) -> int | None:
    """From going to bed to getting up, without the gaps between parts.

    Each part has its own time in bed; where one piece spans a gap, the gap is cut out of it.
    """
    if bed is None or wake is None:
        return None
    parts = [part.span for part in sleep.parts]
    starts, ends = [bed], []
    for left, right in pairwise(parts):
        around = [p for p in pieces if p.start < right.start and left.end < p.end]
        leaves = max((p.end for p in around if p.start <= left.end), default=left.end)
        returns = min((p.start for p in around if right.start <= p.end), default=right.start)
        apart = left.end <= leaves <= returns <= right.start
        ends.append(leaves if apart else left.end)
        starts.append(returns if apart else right.start)
    return sum(Span(a, b).seconds for a, b in zip(starts, [*ends, wake], strict=True))
