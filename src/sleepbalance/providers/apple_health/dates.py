"""Reads dates as the phone prints them, "2024-01-01 01:01:36 +0200", to epoch seconds."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

FIRST = int(dt.datetime(1990, 1, 1, tzinfo=dt.UTC).timestamp())
LAST = int(dt.datetime(2101, 1, 1, tzinfo=dt.UTC).timestamp()) - 1
MOST_CACHED = 4096

_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.\d+)? ?(?:([+-])(\d\d):?(\d\d)|Z)",
    re.ASCII,
)
_HOUR = re.compile(rb"(\d{4})-(\d\d)-(\d\d) (\d\d)")
_MINUTES = re.compile(rb":([0-5]\d):([0-5]\d) ([+-])(\d\d)([0-5]\d)")


@lru_cache(maxsize=64)  # a sample often begins where the last one ended, and is written then
def parse(text: str) -> tuple[int, int]:
    """The instant and the printed offset, both in seconds. Raises ValueError."""
    match = _DATE.fullmatch(text.strip())
    if not match:
        raise ValueError(text)
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    sign, hours, minutes = match.group(7, 8, 9)
    offset = (int(hours) * 3600 + int(minutes) * 60) if sign else 0
    if offset >= 86400 or (sign and int(minutes) > 59):
        raise ValueError(text)
    offset = -offset if sign == "-" else offset
    wall = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    return int(wall.timestamp()) - offset, offset


def instant(epoch: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


class Hours(dict[bytes, int]):
    """Text up to the hour, with what must stand before it → epoch of that hour as if in UTC.

    An export holds hundreds of thousands of dates and few hours. Raises KeyError for what is not
    exactly as the phone prints it; that record takes the slow road.
    """

    def __init__(self, before: bytes = b"") -> None:
        super().__init__()
        self._before = before

    def __missing__(self, key: bytes) -> int:
        match = _HOUR.fullmatch(key, len(self._before)) if key.startswith(self._before) else None
        if not match:
            raise KeyError(key)
        year, month, day, hour = map(int, match.groups())
        if not 1991 <= year <= 2099:  # so near the edge that the offset counts
            raise KeyError(key)
        try:
            epoch = int(dt.datetime(year, month, day, hour, tzinfo=dt.UTC).timestamp())
        except ValueError:
            raise KeyError(key) from None
        if len(self) >= MOST_CACHED:
            self.clear()
        self[key] = epoch
        return epoch


class Minutes(dict[bytes, int]):
    """Text after the hour, with what must follow it → seconds to add to the hour."""

    def __init__(self, after: bytes = b"") -> None:
        super().__init__()
        self._after = after

    def __missing__(self, key: bytes) -> int:
        end = len(key) - len(self._after)
        match = _MINUTES.fullmatch(key, 0, end) if key.endswith(self._after) else None
        if not match:
            raise KeyError(key)
        minute, second = int(match[1]), int(match[2])
        offset = int(match[4]) * 3600 + int(match[5]) * 60
        if offset >= 86400:
            raise KeyError(key)
        if len(self) >= MOST_CACHED:
            self.clear()
        self[key] = minute * 60 + second + (offset if match[3] == b"-" else -offset)
        return self[key]
