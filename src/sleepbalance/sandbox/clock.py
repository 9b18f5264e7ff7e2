"""The sandbox's own time: it starts as the real one, runs on, and is moved by hand."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

NOON = dt.time(12, tzinfo=dt.UTC)


Start = dt.datetime | Callable[[], dt.datetime]


def real_time() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Clock:
    """`start` is where it stands first and runs on from, or asked itself: such a one may stand."""

    def __init__(self, start: Start | None = None) -> None:
        self._source = start if callable(start) else real_time
        self._ahead = dt.timedelta(0)
        if isinstance(start, dt.datetime):
            self.set(start)

    def now(self) -> dt.datetime:
        return self._source().astimezone(dt.UTC) + self._ahead

    def pace(self) -> float:
        """Seconds that never stand still, for limits by the minute; moving the clock moves them."""
        return time.monotonic() + self._ahead.total_seconds()

    def set(self, instant: dt.datetime) -> None:
        self._ahead += instant - self.now()

    def set_date(self, date: dt.date) -> None:
        """Noon of that day in UTC."""
        self.set(dt.datetime.combine(date, NOON))

    def move(self, step: dt.timedelta) -> None:
        self._ahead += step
