"""How Google Fit writes answers, times and streams; each is None where it cannot be read."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import msgspec

from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode_as, inside, items, number, text
from sleepbalance.provider import Reply

_LAST = 7_258_118_400  # the year 2200, in seconds
HAND = "user_input"  # the stream of what a person typed in
LONGEST_NAME = 300  # characters; those of streams are long


class Page(msgspec.Struct, rename="camel"):
    """An answer with a list; each thing in it is kept byte for byte."""

    session: list[msgspec.Raw] | None = None
    point: list[msgspec.Raw] | None = None
    data_source: list[msgspec.Raw] | None = None
    data_source_id: str | None = None
    next_page_token: str | None = None
    error: msgspec.Raw | None = None


def page_of(reply: Reply) -> Page:
    """Raises Malformed where the reply is none; empty for what `fault` says is not there."""
    if reply.status >= 400:
        return Page(point=[])
    page = decode_as(reply.body, Page)
    if page is None or page.error is not None:
        raise Malformed("Google Fit sent something that cannot be read. Try again later.")
    return page


class Point(NamedTuple):
    """One point of a stream as sent, and what is understood of it; they sort by time."""

    start: dt.datetime
    end: dt.datetime
    sent: bytes
    stream: str

    @property
    def app(self) -> str:
        return writer(self.stream)


def point_of(sent: bytes, stream: str) -> Point | None:
    """`stream` is the one that was asked, where the point does not say where it is from."""
    told = decode_as(sent, _Point)
    if told is None:
        return None
    start = nanos(told.start_time_nanos)
    same = told.end_time_nanos == told.start_time_nanos  # as all of the many samples are
    end = start if same else nanos(told.end_time_nanos)
    if start is None or end is None or start > end:
        return None
    return Point(start, end, sent, name(told.origin_data_source_id) or stream)


class _Point(msgspec.Struct, rename="camel"):
    """Of what there are a thousand for each day, only what is needed."""

    start_time_nanos: str | int
    end_time_nanos: str | int
    origin_data_source_id: Any = None


def name(value: object) -> str:
    """Of a stream or of an app."""
    return text(value, LONGEST_NAME)


def writer(stream: str) -> str:
    """The app that wrote first: `derived:type:app:name<-raw:type:app:...`."""
    parts = stream.rpartition("<-")[2].split(":")
    return parts[2] if len(parts) > 2 else ""


def values(told: Any) -> list[float]:
    """The numbers of a point, whole or not; none after the first that cannot be read."""
    found: list[float] = []
    for each in items(inside(told).get("value")):
        value = number(inside(each).get("intVal", inside(each).get("fpVal")))
        if value is None:
            break
        found.append(value)
    return found


# -- times ---------------------------------------------------------------------------------------


def millis(value: object) -> dt.datetime | None:
    """Since 1970, as text or as a number, cut to the second."""
    return _since_1970(value, 10**3)


def nanos(value: object) -> dt.datetime | None:
    return _since_1970(value, 10**9)


def _since_1970(value: object, of_a_second: int) -> dt.datetime | None:
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    seconds = value // of_a_second
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if 0 < seconds < _LAST else None


def in_nanos(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * 10**9
