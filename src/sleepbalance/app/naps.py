"""Naps on dates without a night: they make no row, and are there to be seen all the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sleepbalance import derive
from sleepbalance.derive import Looked
from sleepbalance.model import local
from sleepbalance.nights import Episode
from sleepbalance.store import nights
from sleepbalance.store.engine import Connection
from sleepbalance.stretches import Stretches

DAY, NEAR, AT_ONCE = dt.timedelta(days=1), dt.timedelta(days=8), dt.timedelta(days=60)


def alone(
    connection: Connection, user_id: str, first: dt.date | None, last: dt.date | None
) -> list[dict[str, Any]]:
    """Naps of a range whose date has no night, in order; keyed like `naps`, and `sleep_date`."""
    dates = nights.without(connection, user_id, first, last)
    begins = [dt.datetime.combine(date, dt.time(), dt.UTC) for date in dates]
    found: list[dict[str, Any]] = []
    for span in Stretches([(at, at + DAY) for at in begins], reach=NEAR).slices(AT_ONCE):
        looked = derive.look(connection, user_id, span)
        for date in dates:
            if span[0].date() <= date < span[1].date():
                found += _naps(looked, date)
    return found


def _naps(looked: Looked, date: dt.date) -> Iterator[dict[str, Any]]:
    day = looked.told.days.get(date)
    for kind, episodes in (("nap", day.naps), ("unconfirmed", day.unconfirmed)) if day else ():
        for episode in episodes:
            yield {"sleep_date": date, "kind": kind, **_nap(episode)}


def _nap(episode: Episode) -> dict[str, Any]:
    sleep = episode.chosen
    start = local(sleep.start, sleep.parts[0].report.zone_start)
    total = sleep.tally.total
    return {
        "start": start.isoformat(timespec="seconds"),
        "end": local(sleep.end, sleep.last.zone_end).isoformat(timespec="seconds"),
        "minutes": None if total is None else (total + 30) // 60,
        "source": sleep.name,
        "provider": sleep.source.provider,
    }
