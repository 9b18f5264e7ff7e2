"""How the Health API writes instants and series; the rest is written as everywhere at Garmin."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from sleepbalance.payloads import inside, numeral

EARLIEST, LATEST = 946_684_800, 4_102_444_800  # 2000 and 2100, in seconds since 1970
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


def instant(value: object) -> dt.datetime | None:
    """Seconds since 1970, between 2000 and 2100; milliseconds are none."""
    told = numeral(value)
    if told is None or not EARLIEST <= told < LATEST:
        return None
    return dt.datetime.fromtimestamp(int(told), dt.UTC)


def samples(told: object, low: float, high: float) -> Iterator[tuple[int, float]]:
    """The values of {"60": 14.3, ...} that lie within the limits, with their seconds."""
    for name, value in inside(told).items():
        measured = numeral(value)
        if measured is not None and low <= measured <= high and _WHOLE.fullmatch(name):
            yield int(name), measured
