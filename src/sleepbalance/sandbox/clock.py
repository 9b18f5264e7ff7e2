"""The sandbox's own time: it starts as the real one, runs on, and is moved by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

NOON = dt.time(12, tzinfo=dt.UTC)


def real_time() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Clock:
    def __init__(self, source: Callable[[], dt.datetime] | None = None) -> None:
        self._source = source or real_time
        self._ahead = dt.timedelta(0)

    def now(self) -> dt.datetime:
        return self._source().astimezone(dt.UTC) + self._ahead

    def set(self, instant: dt.datetime) -> None:
        self._ahead += instant - self.now()

    def set_date(self, date: dt.date) -> None:
        """Noon of that day in UTC."""
        self.set(dt.datetime.combine(date, NOON))

    def move(self, step: dt.timedelta) -> None:
        self._ahead += step
