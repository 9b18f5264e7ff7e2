"""Where in time and under which clock a maker's record can lie, and what is wrong with others."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from sleepbalance.model import local

EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
LONGEST = dt.timedelta(hours=48)  # no sleep lasts longer
DAY = dt.timedelta(days=1)
EAST, WEST = dt.timedelta(hours=14), dt.timedelta(hours=12)  # where a date begins, and ends, first


def misplaced(
    start: dt.datetime | None,
    end: dt.datetime | None,
    now: dt.datetime,
    nameless: str | None = None,
) -> str | None:
    """Why a sleep cannot lie there, in words for `Raw.problem`; None where it can.

    `nameless` says that it has no id, where it needs one and has none.
    """
    if start is None or end is None:
        return "does not say when it began and ended"
    if nameless is not None:
        return nameless
    wrong = {
        "ends before it begins, or lasts no time at all": start >= end,
        "lasts longer than 48 hours": end - start > LONGEST,
        "lies before the year 2000": start < EARLIEST,
        "ends in the future": end > now + DAY,
    }
    return next((words for words, holds in wrong.items() if holds), None)


def anywhere(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """From when a date begins to when it ends, wherever on earth it is told."""
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    return midnight - EAST, midnight + DAY + WEST


@lru_cache(maxsize=64)  # it looks through all the zones there are
def clocks_changed(start: dt.datetime, end: dt.datetime, before: str, after: str) -> bool:
    """Whether somewhere on earth the clock had these offsets, one at the start, one at the end."""

    def shows(at: dt.datetime, zone: str, offset: str) -> bool:
        return at.astimezone(ZoneInfo(zone)).utcoffset() == local(at, offset).utcoffset()

    return any(
        shows(start, zone, before) and shows(end, zone, after) for zone in available_timezones()
    )
