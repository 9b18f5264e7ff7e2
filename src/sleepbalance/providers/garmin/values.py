"""How Garmin writes instants."""

from __future__ import annotations

import datetime as dt
import math
import re

from sleepbalance.payloads import numeral

_DAY = r"(?:19|20|21)\d\d-\d\d-\d\d"
_CLOCK = r"(\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?"
_INSTANT = re.compile(rf"({_DAY})[T ]{_CLOCK}", re.ASCII)
_MILLISECONDS = 10**11  # as seconds it would be the year 5138
_LAST = 7_258_118_400  # the year 2200


def instant(value: object) -> dt.datetime | None:
    """Milliseconds or seconds since 1970, or ISO 8601, which is UTC where it does not say."""
    told = numeral(value)
    if told is not None:
        whole = math.floor(told / 1000 if abs(told) >= _MILLISECONDS else told)
        return dt.datetime.fromtimestamp(whole, dt.UTC) if 0 <= whole < _LAST else None
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        read = dt.datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or '+00:00'}")
        return read.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
