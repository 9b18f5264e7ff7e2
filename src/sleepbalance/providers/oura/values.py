"""How Oura writes times and ids; each is None where it cannot be read."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

from sleepbalance.payloads import offset, printed

_ID = re.compile(r"[\w.:~-]{1,120}", re.ASCII)


class Moment(NamedTuple):
    """An instant in UTC, and the offset that was printed with it, as a zone."""

    at: dt.datetime
    zone: str


def identifier(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def moment(value: object) -> Moment | None:
    """RFC 3339 with its offset, cut to the second."""
    told = printed(value)
    ahead = told.utcoffset() if told else None
    zone = offset(ahead.total_seconds()) if ahead is not None else None
    return Moment(told.astimezone(dt.UTC), zone) if told and zone else None
