"""Reads the times that a person says of a sleep: clocks on the wall, each on the day it means."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import NamedTuple

from sleepbalance.errors import UsageError
from sleepbalance.model import local, zone_info
from sleepbalance.nights import EVENING, RULES

HALF_A_DAY = dt.timedelta(hours=12, minutes=30)  # of the day on which the clock is put back
DAY = dt.timedelta(days=1)
WORDS = {
    "bed_time": "went to bed",
    "sleep_start": "fell asleep",
    "sleep_end": "woke up",
    "wake_time": "got up",
}
UNKNOWN = "none"  # what is said for an end that nobody knows
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


@dataclass(frozen=True, slots=True)
class Ends:
    """A sleep as it stands: its two ends, where each lies, and what the person said before."""

    start: dt.datetime
    end: dt.datetime
    zone_start: str
    zone_end: str
    measured: bool = True  # else the ends are those of a time in bed
    said: Mapping[str, dt.datetime | None] = field(default_factory=dict)

    def near(self, name: str) -> tuple[dt.datetime, str]:
        """About when that end is looked for, and in which zone."""
        return (self.start, self.zone_start) if name in EVENING else (self.end, self.zone_end)


class Time(NamedTuple):
    """A time that may be meant; one that the clock skipped is none."""

    at: dt.datetime
    skipped: bool = False


def resolve(told: Mapping[str, str], ends: Ends) -> dict[str, dt.datetime | None]:
    """The instants of what was told, by the names of `WORDS`.

    A clock means the day on which it is nearest to that end of the sleep; where the clock is put
    back, the one of two that is nearer, and keeps the order of the ends. Raises UsageError for what
    is no time, and for ends in a wrong order.
    """
    names = [name for name in WORDS if name in told and told[name] != UNKNOWN]
    free = {name: None for name in told if told[name] == UNKNOWN}
    if wrong := [name for name in free if name not in ("bed_time", "wake_time")]:
        raise UsageError(f"When you {WORDS[wrong[0]]} must be a time; one looks like 23:10.")
    choices = [_meant(told[name], *ends.near(name)) for name in names]
    found = [dict(zip(names, times, strict=True)) for times in product(*choices)]
    found.sort(key=lambda times: _distance(times, ends))
    good = next((t for t in found if _disorder(_all(t, free, ends)) is None), found[0])
    if trouble := _disorder(_all(good, free, ends)):
        raise UsageError(trouble)
    for name, time in good.items():
        if time.skipped:
            raise UsageError(_skipped(told[name], time.at, ends.near(name)[1]))
    return {**free, **{name: time.at for name, time in good.items()}}


def _distance(times: Mapping[str, Time], ends: Ends) -> dt.timedelta:
    return sum((abs(t.at - ends.near(n)[0]) for n, t in times.items()), dt.timedelta())


def _all(
    times: Mapping[str, Time], free: Mapping[str, None], ends: Ends
) -> dict[str, tuple[dt.datetime, str]]:
    """Every end with its zone: what is told now, what was said before, and the sleep's own two."""
    known: dict[str, dt.datetime | None] = {}
    if ends.measured:
        known |= {"sleep_start": ends.start, "sleep_end": ends.end}
    known |= {**ends.said, **{name: time.at for name, time in times.items()}, **free}
    return {n: (at, ends.near(n)[1]) for n in WORDS if (at := known.get(n)) is not None}


def _disorder(ends: Mapping[str, tuple[dt.datetime, str]]) -> str | None:
    """What contradicts itself, in words."""
    ordered = list(ends)
    for one, two in pairwise(ordered):
        (before, zone), (after, other) = ends[one], ends[two]
        if before > after or (before == after and (one, two) == ("sleep_start", "sleep_end")):
            return (
                f"You {WORDS[two]} at {local(after, other):%H:%M}, which is not after"
                f" {local(before, zone):%H:%M}, when you {WORDS[one]}."
                " Say both, or give date and time like 2026-11-21T06:55."
            )
    if ordered and ends[ordered[-1]][0] - ends[ordered[0]][0] > DAY:
        return "No sleep lasts longer than a day."
    return None


def _meant(text: str, near: dt.datetime, zone: str) -> list[Time]:
    """The instants that a text may mean, those that the clock skipped too."""
    if clock := read_clock(text):
        day = local(near, zone).date()
        walls = [dt.datetime.combine(day + n * DAY, clock) for n in (-1, 0, 1)]
        times = [time for wall in walls for time in instants(wall, zone)]
        return [time for time in times if abs(time.at - near) <= HALF_A_DAY]
    at = read_instant(text)
    times = instants(at, zone) if at.tzinfo is None else [Time(at.astimezone(dt.UTC))]
    if min(abs(time.at - near) for time in times) > DAY:
        raise UsageError(f"{text} lies more than a day from that sleep.")
    return times


def read_clock(text: str) -> dt.time | None:
    """A clock on the wall, like 23:10."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    return dt.time(hour, minute, second)


def read_instant(text: str) -> dt.datetime:
    """Date and time, with or without an offset. Raises UsageError for what is none."""
    try:
        at = dt.datetime.fromisoformat(text.strip())
        if len(text.strip()) > len("2026-11-21") and 1900 < at.year < 9000:
            return at
    except ValueError:
        pass
    raise UsageError(f"{text!r} is no time; one looks like 23:10, or 2026-11-20T23:10+01:00.")


def instants(wall: dt.datetime, zone: str) -> list[Time]:
    """When the clock on the wall of a zone showed that: once, twice, or it was skipped."""
    place = zone_info(zone)
    found = []
    for fold in (0, 1):
        at = wall.replace(tzinfo=place, fold=fold).astimezone(dt.UTC)
        shown = at.astimezone(place).replace(tzinfo=None)
        time = Time(at, skipped=shown != wall.replace(fold=0))
        if time not in found:
            found.append(time)
    return found


def _skipped(text: str, at: dt.datetime, zone: str) -> str:
    day = local(at, zone).date()
    return f"There was no {text} on {day} in {zone}: the clock was put forward over it."


# -- a sleep that nobody measured --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Added:
    """Both ends of a sleep that the person adds: on the wall clock, as if in UTC, or instants."""

    start: dt.datetime
    end: dt.datetime
    zone: str | None  # of instants


def read_span(text: str, date: dt.date) -> Added:
    """A span like 23:10-07:00 that ends on a date. Raises UsageError for what is none."""
    if clocks := _clocks(re.split(r"\s*[-–]\s*", text.strip())):
        end = dt.datetime.combine(date, clocks[1], dt.UTC)
        start = dt.datetime.combine(date, clocks[0], dt.UTC)
        return _checked(Added(start if start < end else start - DAY, end, None), date)
    words = [read_instant(word) for word in text.split("/")] if "/" in text else []
    if len(words) != 2 or len({at.tzinfo is None for at in words}) > 1:
        raise UsageError(
            f"{text!r} is no span; one looks like 23:10-07:00,"
            " or 2026-11-20T23:10+01:00/2026-11-21T07:00+01:00."
        )
    start, end = words
    if end.tzinfo is None:
        return _checked(Added(start.replace(tzinfo=dt.UTC), end.replace(tzinfo=dt.UTC), None), date)
    return _checked(Added(start, end, end.isoformat()[-6:]), date)


def _clocks(words: Sequence[str]) -> Sequence[dt.time]:
    found = [clock for word in words if (clock := read_clock(word)) is not None]
    return found if len(found) == len(words) == 2 else ()


def _checked(added: Added, date: dt.date) -> Added:
    if added.end.date() != date:
        raise UsageError(
            f"That ends on {added.end.date()}, not on {date}: a sleep goes by the date it ends on."
        )
    lasts = added.end - added.start
    if not dt.timedelta() < lasts < DAY:
        raise UsageError("A sleep ends after it begins, and lasts less than a day.")
    if lasts > RULES.longest_added:
        hours, minutes = divmod(lasts // dt.timedelta(minutes=1), 60)
        most = RULES.longest_added // dt.timedelta(hours=1)
        raise UsageError(
            f"That would be {hours} h {minutes:02} min of sleep; one of more than {most} h is not"
            " taken. Turn the two times round if you mixed them up, or add it in two."
        )
    return added


def placed(added: Added, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """Both ends as instants. Raises UsageError for a clock that was skipped there."""
    if added.zone is not None:
        return added.start.astimezone(dt.UTC), added.end.astimezone(dt.UTC)
    times = [instants(at.replace(tzinfo=None), zone)[0] for at in (added.start, added.end)]
    for wall, time in zip((added.start, added.end), times, strict=True):
        if time.skipped:
            raise UsageError(_skipped(f"{wall:%H:%M}", time.at, zone))
    return times[0].at, times[1].at


def nearest(spans: Iterable[tuple[dt.datetime, dt.datetime]], text: str, zone: str) -> list[int]:
    """Indices of spans, first those that a time lies in, then those that begin nearest to it."""
    far = [
        (_away(start, end, _meant_around(text, start, zone)), i)
        for i, (start, end) in enumerate(spans)
    ]
    return [i for _, i in sorted(far)]


def _meant_around(text: str, near: dt.datetime, zone: str) -> list[dt.datetime]:
    if read_clock(text) is None:
        at = read_instant(text)
        return [t.at for t in instants(at, zone)] if at.tzinfo is None else [at]
    day = local(near, zone).date()
    clock = read_clock(text) or dt.time()
    walls = [dt.datetime.combine(day + n * DAY, clock) for n in (-1, 0, 1)]
    return [time.at for wall in walls for time in instants(wall, zone)]


def _away(start: dt.datetime, end: dt.datetime, times: Iterable[dt.datetime]) -> dt.timedelta:
    return min(dt.timedelta() if start <= at < end else abs(at - start) for at in times)
