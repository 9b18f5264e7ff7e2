"""How the archive writes times: walls without a zone, instants, dates; None where unreadable."""

from __future__ import annotations

import datetime as dt
import re

from ..points import offset

_TIME = re.compile(
    r"((?:19|20)\d\d-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.\d{1,9})?"
    r" ?(Z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_DATE = re.compile(r"((?:19|20)\d\d-\d\d-\d\d)(?![\d-])", re.ASCII)
_AMERICAN = re.compile(r"(\d\d)/(\d\d)/(\d\d)(?!\d)", re.ASCII)


def wall(value: object) -> dt.datetime | None:
    """What a clock on the wall showed, written as if in UTC, cut to the second."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return _made(f"{match[1]}T{match[2]}{match[3] or ':00'}") if match else None


def instant(value: object) -> dt.datetime | None:
    """An instant; one that names no offset is in UTC."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    ahead = match[4] or "Z"
    zone = "+00:00" if ahead in ("Z", "UTC") else f"{ahead[:3]}:{ahead[-2:]}"
    return _made(f"{match[1]}T{match[2]}{match[3] or ':00'}{zone}")


def date(value: object) -> dt.date | None:
    """The date that a time begins with, also as 03/01/24."""
    text = value if isinstance(value, str) else ""
    if match := _AMERICAN.match(text):
        text = f"20{match[3]}-{match[1]}-{match[2]}"
    match = _DATE.match(text)
    found = _made(f"{match[1]}T00:00:00") if match else None
    return found.date() if found else None


def zone(value: object) -> str | None:
    """ "+02:00", "+0200" or "7200s" as an offset."""
    if isinstance(value, str) and re.fullmatch(r"[+-]\d{4}", value, re.ASCII):
        value = f"{value[:3]}:{value[3:]}"
    return offset(value)


def ahead(name: str) -> dt.timedelta:
    """How far an offset such as "-05:30" is ahead of UTC."""
    size = dt.timedelta(hours=int(name[1:3]), minutes=int(name[4:6]))
    return -size if name[0] == "-" else size


def _made(text: str) -> dt.datetime | None:
    try:
        made = dt.datetime.fromisoformat(text)
        return made.replace(tzinfo=dt.UTC) if made.tzinfo is None else made.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
