"""What one report measured: its parts, each from its own first to its own last sleep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import NamedTuple

from sleepbalance.model import Method, Piece, Report, Segment, Session, Stage, Totals
from sleepbalance.nights.spans import Span, union

MINUTE = 60
BY_HYPNOGRAM = "hypnogram"
BY_BOTH = "hypnogram and longer total"
BY_TOTALS = "totals"
IN_BED = "time in bed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Seconds inside a sleep period; None = nobody measured or told it. `awake` is all of WASO."""

    light: int | None = None
    deep: int | None = None
    rem: int | None = None
    asleep: int | None = None
    awake: int | None = None
    restless: int | None = None
    unmeasured: int | None = None

    @property
    def total(self) -> int | None:
        """Total sleep time."""
        return add(self.light, self.deep, self.rem, self.asleep)

    @property
    def staged(self) -> bool:
        return any(x is not None for x in (self.light, self.deep, self.rem))


def add(*numbers: int | None) -> int | None:
    """The sum of what is known; None if nothing is."""
    known = [n for n in numbers if n is not None]
    return sum(known) if known else None


def tally_sum(tallies: Sequence[Tally]) -> Tally:
    if len(tallies) == 1:
        return tallies[0]
    return Tally(**{f.name: add(*(getattr(t, f.name) for t in tallies)) for f in fields(Tally)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stretch of sleep of one report.

    `window` is what the maker sent, awake at its ends included; `sleep` runs from onset to final
    awakening, None where nobody told. `basis` says what the numbers were read from.
    """

    report: Report
    window: Span
    sleep: Span | None
    tally: Tally
    basis: str
    awakenings: int | None = None
    awake_scope: str | None = None

    @property
    def span(self) -> Span:
        return self.sleep or self.window


def instant(session: Session, offset: int) -> dt.datetime:
    return session.start + dt.timedelta(seconds=offset)


def in_bed_of(session: Session) -> tuple[Span, ...]:
    return union(Span(instant(session, p.offset), instant(session, p.end)) for p in session.in_bed)


def covers(parts: Sequence[Part]) -> tuple[Span, ...]:
    """The time that parts are about, without gaps: asleep, else in bed."""
    spans: list[Span] = []
    for part in parts:
        beds = () if part.sleep else in_bed_of(part.report.session)
        spans.extend(beds or (part.span,))
    return union(spans)


def parts_of(report: Report) -> tuple[Part, ...]:
    """The parts in which somebody slept or, where nobody measured sleep, lay in bed."""
    session = report.session
    if any(s.stage.is_sleep for s in session.hypnogram):
        if session.coarse and _sleep_told(session.totals):
            return (_from_totals(report),)
        return _from_hypnogram(report)
    if session.measures_sleep or _onset_told(session) or session.start == session.end:
        return (_from_totals(report),)
    beds = in_bed_of(session)
    if not beds:
        return ()
    window = Span(beds[0].start, beds[-1].end)
    return (Part(report=report, window=window, sleep=None, tally=Tally(), basis=IN_BED),)


def _onset_told(session: Session) -> bool:
    return session.sleep_start is not None and session.sleep_end is not None


def _sleep_told(totals: Totals | None) -> bool:
    return totals is not None and _total(totals) is not None


def _total(totals: Totals) -> int | None:
    return add(totals.light, totals.deep, totals.rem, totals.asleep)


# -- from a hypnogram --------------------------------------------------------------------------


def _from_hypnogram(report: Report) -> tuple[Part, ...]:
    session = report.session
    size = int((session.end - session.start).total_seconds())
    pieces = session.parts or (Piece(0, size),)
    found = [_measure(report, piece) for piece in pieces]
    return _settle([part for part in found if part is not None], session.totals)


def clip(segments: Sequence[Segment], start: int, end: int) -> list[Segment]:
    """What of the segments lies between two offsets."""
    if segments and start <= segments[0].offset and segments[-1].end <= end:
        return list(segments)
    cut = [(max(s.offset, start), min(s.end, end), s.stage) for s in segments]
    return [Segment(first, last - first, stage) for first, last, stage in cut if first < last]


def _measure(report: Report, piece: Piece) -> Part | None:
    session = report.session
    inside = clip(session.hypnogram, piece.offset, piece.end)
    asleep = [i for i, segment in enumerate(inside) if segment.stage.is_sleep]
    if not asleep:
        return None
    inside = inside[asleep[0] : asleep[-1] + 1]
    tally, awakenings = _count(session, inside, inside[-1].end - inside[0].offset)
    return Part(
        report=report,
        window=Span(instant(session, piece.offset), instant(session, piece.end)),
        sleep=Span(instant(session, inside[0].offset), instant(session, inside[-1].end)),
        tally=tally,
        basis=BY_HYPNOGRAM,
        awakenings=awakenings,
        awake_scope=None if tally.awake is None else "sleep_period",
    )


def measured(report: Report, span: Span) -> tuple[Tally, int | None]:
    """What the hypnogram says of a stretch of time, and how often somebody awoke in it."""
    session = report.session
    start, end = (int((i - session.start).total_seconds()) for i in span)
    return _count(session, clip(session.hypnogram, start, end), end - start)


def _awake_told(session: Session) -> bool:
    """A hand entry is one block of sleep: that nobody noted awake in it measures nothing."""
    by_device = session.method is not Method.MANUAL
    return by_device or any(s.stage.is_awake for s in session.hypnogram)


def _count(session: Session, inside: list[Segment], period: int) -> tuple[Tally, int | None]:
    """The seconds of a sleep period; a hole in it is unmeasured like `unknown`."""
    seconds = dict.fromkeys(Stage, 0)
    for segment in inside:
        seconds[segment.stage] += segment.seconds
    known = sum(seconds.values()) - seconds[Stage.UNKNOWN]
    awake = seconds[Stage.AWAKE] + seconds[Stage.RESTLESS] + seconds[Stage.OUT_OF_BED]
    staged, told = session.staged, _awake_told(session)
    tally = Tally(
        light=seconds[Stage.LIGHT] if staged else None,
        deep=seconds[Stage.DEEP] if staged else None,
        rem=seconds[Stage.REM] if staged else None,
        asleep=seconds[Stage.ASLEEP],
        awake=awake if told else None,
        restless=seconds[Stage.RESTLESS] or None,
        unmeasured=max(0, period - known),
    )
    return tally, _runs(inside) if told else None


def _runs(inside: Sequence[Segment]) -> int:
    """How often awake follows something else; the first segment is asleep by definition."""
    return sum(
        b.stage.is_awake and not (a.stage.is_awake and a.end == b.offset)
        for a, b in pairwise(inside)
    )


def _settle(parts: list[Part], totals: Totals | None) -> tuple[Part, ...]:
    """Beside a hypnogram, totals tell what the device cannot see, and what it slept besides."""
    if totals is None or not _sleep_told(totals):
        return tuple(parts)
    parts = [replace(part, tally=_blind(part.tally, totals)) for part in parts]
    told = _total(totals) or 0
    surplus = told - sum(part.tally.total or 0 for part in parts)
    if surplus > MINUTE:
        place = max(range(len(parts)), key=lambda i: (parts[i].tally.total or 0, -i))
        parts[place] = _with_surplus(parts[place], surplus)
    return tuple(parts)


def _blind(tally: Tally, totals: Totals) -> Tally:
    unseen = {
        name: None
        for name in ("light", "deep", "rem")
        if getattr(totals, name) is None and not getattr(tally, name)
    }
    return replace(tally, **unseen)


def _with_surplus(part: Part, surplus: int) -> Part:
    tally = part.tally
    return replace(
        part,
        basis=BY_BOTH,
        tally=replace(
            tally,
            asleep=(tally.asleep or 0) + surplus,
            unmeasured=max(0, (tally.unmeasured or 0) - surplus),
        ),
    )


# -- from totals -------------------------------------------------------------------------------


def _from_totals(report: Report) -> Part:
    session = report.session
    totals = session.totals or Totals()
    awake = add(totals.awake, totals.restless)
    return Part(
        report=report,
        window=Span(session.start, session.end),
        sleep=_told_period(session),
        tally=_tally_of(totals, awake),
        basis=BY_TOTALS,
        awakenings=_coarse_runs(session),
        awake_scope=totals.awake_scope if awake is not None else None,
    )


def _tally_of(totals: Totals, awake: int | None) -> Tally:
    stages = _Stages(totals.light, totals.deep, totals.rem)
    if not any(stages):  # a maker's 0 for every stage means that it did not stage
        stages = _Stages(None, None, None)
    told = add(*stages, totals.asleep) is not None
    return Tally(
        **stages._asdict(),
        asleep=(totals.asleep or 0) if told else None,
        awake=awake,
        restless=totals.restless,
        unmeasured=totals.unmeasured,
    )


class _Stages(NamedTuple):
    light: int | None
    deep: int | None
    rem: int | None


def _told_period(session: Session) -> Span | None:
    if session.sleep_start is not None and session.sleep_end is not None:
        return Span(session.sleep_start, session.sleep_end)
    asleep = [s for s in session.hypnogram if s.stage.is_sleep]
    if not asleep:
        return None
    return Span(instant(session, asleep[0].offset), instant(session, asleep[-1].end))


def _coarse_runs(session: Session) -> int | None:
    asleep = [s for s in session.hypnogram if s.stage.is_sleep]
    if not asleep:
        return None
    return _runs(clip(session.hypnogram, asleep[0].offset, asleep[-1].end))
