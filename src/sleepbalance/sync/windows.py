"""Plans which dates are asked next, and notes what became of them; pure.

A window is a range of dates of waking up, wherever on earth that was. The newest days are always
asked, as the maker may still change them; then gaps and history, newest first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sleepbalance.provider import Reading
from sleepbalance.store.windows import Range, paint
from sleepbalance.stretches import Span

DAY = dt.timedelta(days=1)
FLOOR = dt.date(2007, 1, 1)  # nobody sold a wearable that knew of sleep before
EAST, WEST = dt.timedelta(hours=14), dt.timedelta(hours=12)  # where a date begins, and ends, first
BELIEVED_AFTER = dt.timedelta(hours=24)  # an empty answer, when it is given again
QUIET = 365  # days without a sleep, before the first one, that end the search for more
BESIDE = 3  # days asked around a sleep that went missing: only a full answer tells
DOUBTED_FOR = dt.timedelta(days=30)


class Window(NamedTuple):
    """Dates from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def span(self) -> Span:
        """The instants at which these dates are anywhere; windows side by side overlap."""
        midnight = dt.datetime.combine(self.first, dt.time(), dt.UTC)
        return midnight - EAST, midnight + self.days * DAY + WEST

    def __contains__(self, day: object) -> bool:
        return isinstance(day, dt.date) and self.first <= day <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a plan rests on. `doubts` are dates of sleeps that went missing at the maker."""

    today: dt.date
    now: dt.datetime
    reading: Reading
    ranges: Sequence[Range]
    earliest: dt.date | None = None  # of all sleeps
    doubts: Collection[dt.date] = ()
    manual: bool = True
    only: Window | None = None  # what a person asked for
    since: dt.date | None = None  # when the connection was first made
    by_push: bool = False  # what is asked for comes by itself, and so does what is new

    @property
    def floor(self) -> dt.date:
        history, before = self.reading.history, self.reading.before
        floor = FLOOR if history is None else max(FLOOR, self.today - (history - 1) * DAY)
        if before is None or self.since is None:
            return floor
        return max(floor, self.since - (before - 1) * DAY)

    @property
    def settling(self) -> int:
        return max(1, self.reading.settles_after)

    def has(self, day: dt.date) -> bool:
        """Whether a date is fetched."""
        return any(r.state == "fetched" and r.first <= day <= r.last for r in self.ranges)

    @property
    def answered(self) -> bool:
        return any(known.state in ("fetched", "asked") for known in self.ranges)


def next_window(known: Known, below: dt.date | None = None) -> Window | None:
    """The newest window that is due, of dates before `below`; None where nothing is left."""
    days = sorted(day for day in due(known) if below is None or day < below)
    if not days:
        return None
    last, longest = days[-1], known.reading.longest
    if known.only is None and below is None:
        newest = known.reading.first if not known.answered else longest
        return Window(_run(days, min(newest, longest)), last)
    first = next(day for day in days if day > last - longest * DAY)
    return Window(first, last)


def _run(days: Sequence[dt.date], longest: int) -> dt.date:
    """Where the run of days begins that ends with the last one."""
    first = days[-1]
    for day in reversed(days[-longest:]):
        if first - day > DAY:
            break
        first = day
    return first


def due(known: Known) -> set[dt.date]:
    """Every date that has to be asked."""
    if known.only is not None:
        return set(_days(max(known.only.first, known.floor), min(known.only.last, known.today)))
    states = {day: r for r in known.ranges for day in _days(r.first, r.last)}
    searching = known.by_push or not _searched(known, states)
    days = set() if known.by_push else set(_days(unsettled_since(known), known.today))
    for doubt in known.doubts:
        days |= {d for d in _days(doubt - BESIDE * DAY, doubt + BESIDE * DAY) if d in states}
    for day in _days(known.floor, known.today):
        if (state := states.get(day)) is not None:
            if _is_due(day, state, known):
                days.add(day)
        elif searching or (known.earliest is not None and day >= known.earliest):
            days.add(day)
    return {day for day in days if known.floor <= day <= known.today}


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + DAY * n for n in range((last - first).days + 1))


def _may_hide(day: dt.date, plan: Known) -> bool:
    """Whether an empty answer is odd: nothing is known at all, or it is a hole."""
    return plan.earliest is None or day > plan.earliest


def _is_due(day: dt.date, known: Range, plan: Known) -> bool:
    if known.state == "asked" and plan.by_push:
        return False
    if known.state == "asked":
        waits = known.next_try_at is not None and known.next_try_at > plan.now
        return not waits or (plan.manual and _may_hide(day, plan))
    return known.state == "wanted"


def unsettled_since(known: Known) -> dt.date:
    """The first of the days that the maker may have changed since they were fetched."""
    until = min(_fetched_until(known.ranges) or known.today, known.today)
    return until - (known.settling - 1) * DAY


def _fetched_until(ranges: Iterable[Range]) -> dt.date | None:
    return max((known.last for known in ranges if known.state == "fetched"), default=None)


def searching(known: Known) -> bool:
    """Whether the time before the first sleep is still to be looked through."""
    return not _searched(known, {day: r for r in known.ranges for day in _days(r.first, r.last)})


def _searched(known: Known, states: dict[dt.date, Range]) -> bool:
    """Whether the time before the first sleep was quiet for long, or is refused.

    Two windows at least, and a year: somebody may have laid the device aside.
    """
    edge = known.earliest or max((r.last + DAY for r in known.ranges), default=FLOOR)
    if any(r.state == "refused" and r.first < edge for r in known.ranges):
        return True
    day, quiet = edge - DAY, 0
    while (state := states.get(day)) is not None:
        quiet += state.state != "wanted"
        day -= DAY
    return quiet >= max(2 * known.reading.longest, QUIET)


# -- what became of a window -------------------------------------------------------------------


def answered(known: Known, window: Window, attempt: str) -> list[Range]:
    """It is fetched. What the maker may have changed of the days before it is still wanted."""
    ranges = list(known.ranges)
    before = _fetched_until(ranges)
    if before is not None and window.last > before:
        tail = Window(before - (known.settling - 1) * DAY, min(before, window.first - DAY))
        for piece, state in _pieces(ranges, tail):
            if state is not None and state.state == "fetched":
                ranges = paint(ranges, Range(first=piece.first, last=piece.last, state="wanted"))
    return paint(ranges, _fetched(window, attempt))


def ordered(known: Known, window: Window, attempt: str) -> list[Range]:
    """It was asked for, and comes by push."""
    ranges = list(known.ranges)
    for piece, before in _pieces(ranges, window):
        if before is None or before.state in ("wanted", "refused"):
            asked = Range(first=piece.first, last=piece.last, state="asked", attempt=attempt)
            ranges = paint(ranges, asked)
    return ranges


def _fetched(window: Window, attempt: str) -> Range:
    return Range(first=window.first, last=window.last, state="fetched", attempt=attempt)


def came_empty(known: Known, window: Window, attempt: str) -> list[Range]:
    """Nothing came, and nothing was known: believed when it is said again a day later."""
    ranges = list(known.ranges)
    again = known.now + BELIEVED_AFTER
    for piece, before in _pieces(ranges, window):
        state = "" if before is None else before.state
        if state in ("fetched", "refused"):
            continue
        if before is None or state == "wanted" or before.next_try_at is None:
            asked = Range(
                first=piece.first,
                last=piece.last,
                state="asked",
                tries=1,
                next_try_at=again,
                attempt=attempt,
            )
            ranges = paint(ranges, asked)
        elif before.next_try_at <= known.now:
            ranges = paint(ranges, _fetched(piece, attempt))
    return ranges


def once_more(known: Known, windows: Iterable[Window], attempt: str) -> list[Range]:
    """What is fetched of these windows is wanted again, but for days that are asked anyway."""
    kept, until = list(known.ranges), unsettled_since(known) - DAY
    for window in windows:
        for piece, before in _pieces(kept, Window(window.first, min(window.last, until))):
            if before is not None and before.state == "fetched":
                wanted = Range(
                    first=piece.first, last=piece.last, state="wanted", tries=1, attempt=attempt
                )
                kept = paint(kept, wanted)
    return kept


def failed(
    known: Known, window: Window, attempt: str, next_try_at: dt.datetime | None = None
) -> list[Range]:
    """Nothing moves, but what had no answer yet is wanted."""
    return _want(known, window, attempt, next_try_at, ("wanted",))


def incomplete(
    known: Known, window: Window, attempt: str, next_try_at: dt.datetime | None = None
) -> list[Range]:
    """The sleeps came, something beside them did not: all of it is wanted."""
    return _want(known, window, attempt, next_try_at, ("wanted", "asked", "fetched"))


def refused(known: Known, window: Window, attempt: str) -> list[Range]:
    """The maker will never tell of what had no answer yet."""
    ranges = list(known.ranges)
    for piece, before in _pieces(ranges, window):
        if before is None or before.state in ("wanted", "asked"):
            never = Range(first=piece.first, last=piece.last, state="refused", attempt=attempt)
            ranges = paint(ranges, never)
    return ranges


def without_lost(known: Known, ranges: Sequence[Range]) -> list[Range]:
    """The ranges, with what is older by now than the maker keeps given up."""
    kept = list(ranges)
    for lost in ranges:
        if lost.state in ("wanted", "asked") and lost.first < known.floor:
            last = min(lost.last, known.floor - DAY)
            kept = paint(kept, Range(first=lost.first, last=last, state="refused"))
    return kept


def unanswered(known: Known, window: Window) -> list[Window]:
    """The pieces of a window that this connection never asked, or wants once more."""
    pieces = _pieces(known.ranges, window)
    return [piece for piece, state in pieces if state is None or state.state == "wanted"]


def _want(
    known: Known,
    window: Window,
    attempt: str,
    next_try_at: dt.datetime | None,
    over: Collection[str],
) -> list[Range]:
    ranges = list(known.ranges)
    for piece, before in _pieces(ranges, window):
        if before is None or before.state in over:
            wanted = Range(
                first=piece.first,
                last=piece.last,
                state="wanted",
                tries=before.tries + 1 if before is not None and before.state == "wanted" else 1,
                next_try_at=next_try_at,
                attempt=attempt,
            )
            ranges = paint(ranges, wanted)
    return ranges


def _pieces(ranges: Sequence[Range], window: Window) -> list[tuple[Window, Range | None]]:
    """The window, cut where something else is known."""
    pieces: list[tuple[Window, Range | None]] = []
    if window.last < window.first:
        return pieces
    day = window.first
    for known in ranges:
        if not known.touches(window.first, window.last):
            continue
        if known.first > day:
            pieces.append((Window(day, known.first - DAY), None))
        end = min(known.last, window.last)
        pieces.append((Window(max(day, known.first), end), known))
        day = end + DAY
    if day <= window.last:
        pieces.append((Window(day, window.last), None))
    return pieces
