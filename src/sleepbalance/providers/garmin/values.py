"""How Garmin writes times, dates and numbers; each is None where it cannot be read."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from sleepbalance.model import offset_name

_DAY = r"(?:19|20|21)\d\d-\d\d-\d\d"
_CLOCK = r"(\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?"
_INSTANT = re.compile(rf"({_DAY})[T ]{_CLOCK}", re.ASCII)
_DATE = re.compile(_DAY, re.ASCII)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,20})?", re.ASCII)
_MILLISECONDS = 10**11  # as seconds it would be the year 5138
_LAST = 7_258_118_400  # the year 2200
_FURTHEST = 18 * 3600  # no offset on earth is larger


def decode(payload: bytes) -> Any:
    """What JSON says, or None where it is none."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def inside(value: object, *names: str) -> Mapping[str, Any]:
    """The object under these names; an empty one where something else is there, or nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """One line of at most 200 characters; empty where it is no text."""
    return " ".join(value.split())[:200] if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """A number, also where it is written as text; "NaN" is none."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 10**15 and math.isfinite(value) else None


def seconds(value: object, length: int) -> int | None:
    """A duration, if a sleep of that length can hold it."""
    told = number(value)
    return round(told) if told is not None and 0 <= told <= length else None


def instant(value: object) -> dt.datetime | None:
    """Milliseconds or seconds since 1970, or ISO 8601, which is UTC where it does not say."""
    told = number(value)
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


def date(value: object) -> dt.date | None:
    """ "2026-11-21"."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def offset(told: float | None) -> str | None:
    """Seconds east of UTC as the offset of a zone."""
    if told is None or abs(told) > _FURTHEST or told % 60:
        return None
    return offset_name(int(told))


def digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:32]
