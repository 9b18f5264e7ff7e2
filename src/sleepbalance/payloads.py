"""Reads what a maker sent, whatever it holds: what cannot be read is None or empty, never an error.

A provider reads each field of a payload with these; what only its own maker writes, it adds itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from sleepbalance.model import offset_name

T = TypeVar("T")

_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_INSTANT = re.compile(
    r"((?:19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_DATE = re.compile(r"(?:19|20|21)\d\d-\d\d-\d\d", re.ASCII)
_NUMERAL = re.compile(r"-?\d{1,15}(?:\.\d{1,20})?", re.ASCII)
_LARGEST = 10**15
_FURTHEST = 18 * 3600  # no offset on earth is larger
_SECRET = re.compile(r"\S{24,}")  # no word of a sentence is as long; tokens are


# -- whole payloads ------------------------------------------------------------------------------


def decode(payload: bytes) -> Any:
    """What JSON says, or None where it is none."""
    try:
        return msgspec.json.decode(payload)
    except _BROKEN:
        return None


def decode_as(payload: bytes, kind: type[T]) -> T | None:
    """JSON of a known form; None where it is none, or has another form."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except _BROKEN:
        return None


def listed(payload: bytes) -> list[bytes] | None:
    """The members of a JSON list, byte for byte as sent; None where it is none."""
    found = decode_as(payload, list[msgspec.Raw])
    return None if found is None else [bytes(member) for member in found]


def pack(members: Iterable[bytes]) -> bytes:
    """Pieces of JSON, as sent, as one JSON list."""
    return b"[" + b",".join(members) + b"]"


def unpack(payload: bytes) -> list[bytes]:
    """The members of a pack, as sent; none where it cannot be read."""
    return listed(payload) or []


def digest(payload: bytes) -> str:
    """A name for what has none: the same for the same bytes."""
    return hashlib.sha256(payload).hexdigest()[:32]


# -- what is in them -----------------------------------------------------------------------------


def inside(value: object, *names: str) -> Mapping[str, Any]:
    """The object under these names; an empty one where something else is there, or nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object, most: int = 200) -> str:
    """One line of at most so many characters; empty where it is no text."""
    return " ".join(value.split())[:most] if isinstance(value, str) else ""


def quoted(maker: str, words: str, secret: re.Pattern[str] = _SECRET) -> str:
    """A maker's own words as a sentence of a message, without anything that could be a secret."""
    said = secret.sub("…", words).rstrip(" .")
    return f"{maker} says: {said}. " if said else ""


def number(value: object) -> float | None:
    """A number; what is written as text is none, and neither is "NaN"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LARGEST and math.isfinite(value) else None


def numeral(value: object) -> float | None:
    """A number, also where it is written as text ("49")."""
    if isinstance(value, str):
        return float(value) if _NUMERAL.fullmatch(value) else None
    return number(value)


def seconds(told: float | None, longest: int, unit: int = 1) -> int | None:
    """A duration in `unit` seconds as whole seconds; None where it is longer than it can be."""
    return round(told * unit) if told is not None and 0 <= told * unit <= longest else None


# -- times ---------------------------------------------------------------------------------------


def printed(value: object) -> dt.datetime | None:
    """RFC 3339 with the offset that it is written with, cut to the second."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return dt.datetime.fromisoformat(match[1] + match[2])
    except ValueError:
        return None


def instant(value: object) -> dt.datetime | None:
    """RFC 3339, cut to the second."""
    told = printed(value)
    return told.astimezone(dt.UTC) if told else None


def stamp(moment: dt.datetime) -> str:
    """An instant as makers like to be asked for it: "2026-11-21T22:15:00Z"."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def date(value: object) -> dt.date | None:
    """ "2026-11-21"."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def offset(ahead: float | None) -> str | None:
    """Seconds east of UTC as a zone; None where no place on earth is so far ahead."""
    if ahead is None or abs(ahead) > _FURTHEST or ahead % 60:
        return None
    return offset_name(int(ahead))
