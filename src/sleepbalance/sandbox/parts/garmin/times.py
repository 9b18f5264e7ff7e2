"""How Garmin writes times, and where its days begin."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.people import DAY


def day_in(date: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """The two midnights of a calendar day there, in UTC."""
    place = ZoneInfo(zone)
    first, last = (dt.datetime.combine(d, dt.time(), tzinfo=place) for d in (date, date + DAY))
    return first.astimezone(dt.UTC), last.astimezone(dt.UTC)


def seconds_ahead(instant: dt.datetime, zone: str) -> int:
    """Of UTC, there and then."""
    ahead = instant.astimezone(ZoneInfo(zone)).utcoffset()
    return int(ahead.total_seconds()) if ahead else 0


def millis(instant: dt.datetime) -> int:
    return int(instant.timestamp()) * 1000


def bare(instant: dt.datetime) -> str:
    """Without a zone, as Garmin writes it: the name of the field says which clock is meant."""
    return instant.replace(tzinfo=None, microsecond=0).isoformat()
