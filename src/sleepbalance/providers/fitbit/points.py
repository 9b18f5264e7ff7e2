"""How Google writes pages, spans, offsets and dates; each is None where it cannot be read."""

from __future__ import annotations

import datetime as dt
import re

import msgspec

from sleepbalance import payloads
from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode_as, inside, instant, numeral
from sleepbalance.provider import Reply

_SECONDS = re.compile(r"(-?\d{1,5})(?:\.0+)?s", re.ASCII)
_CLOCK = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)


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
    page = decode_as(reply.body, Page)
    if page is None or page.error is not None or reply.status >= 400:
        raise Malformed("Google sent something that is no page of records. Try again later.")
    return page


class _Ends(msgspec.Struct, rename="camel"):
    start_time: str
    end_time: str


def span_of(point: bytes) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Start and end of a piece of a roll-up, of which there are a hundred for each night."""
    told = decode_as(point, _Ends)
    return (instant(told.start_time), instant(told.end_time)) if told else (None, None)


def offset(value: object) -> str | None:
    """ "32400s", or "+09:00" as some write it, as the offset of a zone."""
    if not isinstance(value, str):
        return None
    if told := _SECONDS.fullmatch(value):
        return payloads.offset(int(told[1]))
    if told := _CLOCK.fullmatch(value):
        return payloads.offset(int(told[1] + "1") * (int(told[2]) * 3600 + int(told[3]) * 60))
    return None


def date(value: object) -> dt.date | None:
    """{"year": 2026, "month": 1, "day": 7}."""
    told = [numeral(inside(value).get(name)) for name in ("year", "month", "day")]
    if None in told:
        return None
    try:
        return dt.date(*(int(part) for part in told if part is not None))
    except (ValueError, OverflowError):
        return None
