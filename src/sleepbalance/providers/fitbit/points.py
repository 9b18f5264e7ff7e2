"""How Google writes pages, times, offsets and numbers; each is None where it cannot be read."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sleepbalance.errors import Malformed
from sleepbalance.model import offset_name
from sleepbalance.provider import Reply

_INSTANT = re.compile(
    r"((?:19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_SECONDS = re.compile(r"(-?\d{1,5})(?:\.0+)?s", re.ASCII)
_CLOCK = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,20})?", re.ASCII)
_FURTHEST = 18 * 3600  # no offset on earth is larger


class Page(msgspec.Struct, rename="camel"):
    """One page of a list or of a roll-up; each point is kept byte for byte."""

    data_points: list[msgspec.Raw] | None = None
    rollup_data_points: list[msgspec.Raw] | None = None
    next_page_token: str | None = None
    error: msgspec.Raw | None = None

    @property
    def points(self) -> list[bytes]:
        return [bytes(point) for point in self.data_points or self.rollup_data_points or ()]


def page_of(reply: Reply) -> Page:
    """Raises Malformed where the reply is no page."""
    try:
        page = msgspec.json.decode(reply.body, type=Page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        page = None
    if page is None or page.error is not None or reply.status >= 400:
        raise Malformed("Google sent something that is no page of records. Try again later.")
    return page


def decode(payload: bytes) -> Any:
    """What JSON says, or None where it is none."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def pack(points: Sequence[bytes]) -> bytes:
    """Points, as sent, as one JSON list."""
    return b"[" + b",".join(points) + b"]"


def unpack(payload: bytes) -> list[bytes]:
    """The points of a pack, as sent; none where it cannot be read."""
    try:
        return [bytes(point) for point in msgspec.json.decode(payload, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


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


def instant(value: object) -> dt.datetime | None:
    """RFC 3339, cut to the second."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return dt.datetime.fromisoformat(match[1] + match[2]).astimezone(dt.UTC)
    except ValueError:
        return None


class _Ends(msgspec.Struct, rename="camel"):
    start_time: str
    end_time: str


def span_of(point: bytes) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Start and end of a piece of a roll-up, of which there are a hundred for each night."""
    try:
        told = msgspec.json.decode(point, type=_Ends)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, None
    return instant(told.start_time), instant(told.end_time)


def stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def offset(value: object) -> str | None:
    """ "32400s", or "+09:00" as some write it, as the offset of a zone."""
    if not isinstance(value, str):
        return None
    if told := _SECONDS.fullmatch(value):
        seconds = int(told[1])
    elif told := _CLOCK.fullmatch(value):
        seconds = int(told[1] + "1") * (int(told[2]) * 3600 + int(told[3]) * 60)
    else:
        return None
    return offset_name(seconds) if abs(seconds) <= _FURTHEST and seconds % 60 == 0 else None


def number(value: object) -> float | None:
    """A number, also where it is written as text ("49"); "NaN" is none."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 10**15 and math.isfinite(value) else None


def date(value: object) -> dt.date | None:
    """{"year": 2026, "month": 1, "day": 7}."""
    told = [number(inside(value).get(name)) for name in ("year", "month", "day")]
    if None in told:
        return None
    try:
        return dt.date(*(int(part) for part in told if part is not None))
    except (ValueError, OverflowError):
        return None
