"""How Oura writes times and numbers; each is None where it cannot be read."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from sleepbalance.model import offset_name

_INSTANT = re.compile(
    r"((?:19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_DATE = re.compile(r"(?:19|20|21)\d\d-\d\d-\d\d", re.ASCII)
_ID = re.compile(r"[\w.:~-]{1,120}", re.ASCII)
_FURTHEST = dt.timedelta(hours=18)  # no offset on earth is larger


class Moment(NamedTuple):
    """An instant in UTC, and the offset that was printed with it, as a zone."""

    at: dt.datetime
    zone: str


def decode(payload: bytes) -> Any:
    """What JSON says, or None where it is none."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def inside(value: object, name: str) -> Mapping[str, Any]:
    """The object under this name; an empty one where something else is there, or nothing."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def text(value: object) -> str:
    """One line of at most 200 characters; empty where it is no text."""
    return " ".join(value.split())[:200] if isinstance(value, str) else ""


def identifier(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def moment(value: object) -> Moment | None:
    """RFC 3339 with its offset, cut to the second."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        told = dt.datetime.fromisoformat(match[1] + match[2])
        ahead = told.utcoffset() or dt.timedelta(0)
        if abs(ahead) > _FURTHEST:
            return None
        return Moment(told.astimezone(dt.UTC), offset_name(round(ahead.total_seconds())))
    except (ValueError, OverflowError):
        return None


def date(value: object) -> dt.date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 10**15 and math.isfinite(value) else None
