"""Turns summaries of the Health API, as they were pushed or fetched, into raw records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sleepbalance.model import Source
from sleepbalance.payloads import (
    decode,
    decode_as,
    digest,
    inside,
    numeral,
    pack,
    seconds,
    text,
    unpack,
)
from sleepbalance.provider import Raw
from sleepbalance.provider.places import DAY

from .health_sleep import Summary, summary_of
from .health_values import instant

PREFIX = "health/"
SLEEPS = PREFIX + "sleeps"
HRV = PREFIX + "hrv"
DAILIES = PREFIX + "dailies"
PULSE_OX = PREFIX + "pulseox"
RESPIRATION = PREFIX + "respiration"
SKIN = PREFIX + "skinTemp"
# As summaries are called in what Garmin sends, and in its addresses, in lower case.
KINDS = {
    "sleeps": SLEEPS,
    "hrv": HRV,
    "dailies": DAILIES,
    "pulseox": PULSE_OX,
    "alldayrespiration": RESPIRATION,
    "respiration": RESPIRATION,
    "skintemp": SKIN,
}
OWN = Source("garmin", "Garmin")
HAND = Source("garmin#manual", "Garmin")  # what a person typed in never replaces what was measured
LONGEST = 2 * 86_400  # seconds that a summary spans
WHOSE = "userId", "userAccessToken"


class Version(msgspec.Struct, frozen=True):
    """A summary of a sleep as it was sent, with when it came first, and as the how manieth then.

    Garmin says nothing of when it wrote one, so of two only their coming tells the newer.
    """

    came: str
    place: int
    told: msgspec.Raw

    @property
    def order(self) -> tuple[str, int]:
        return self.came, self.place


def record(kind: str, payload: bytes, now: dt.datetime | None = None, place: int = 0) -> Raw:
    """One summary as a raw record; one that cannot be read says why. `now` is when it came."""
    told = decode(payload)
    if not isinstance(told, dict):
        return _aside(kind, payload, "cannot be read")
    if kind == SLEEPS:
        return _sleep(payload, told, now, place)
    return _beside(kind, payload, told, now)


def _sleep(payload: bytes, told: Mapping[str, Any], now: dt.datetime | None, place: int) -> Raw:
    """Each version is a record of its own: the same one again is known, however late it comes."""
    read = summary_of(told)
    if isinstance(read, str):
        return _aside(SLEEPS, payload, read)
    start, end = read.extent
    name = sleep_name(read)
    if not name:
        return _aside(SLEEPS, payload, "has no summaryId")
    if now is not None and end > now + DAY:
        return _aside(SLEEPS, payload, "ends in the future")
    said = {name: value for name, value in told.items() if name not in WHOSE}
    content = digest(msgspec.json.encode(said, order="sorted"))  # however it was written
    came = "" if now is None else f"{now.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return Raw(
        key=f"{name}/{content}",
        kind=SLEEPS,
        source=HAND if read.by_hand else OWN,
        payload=msgspec.json.encode(Version(came, place, msgspec.Raw(payload))),
        start=start,
        end=end,
        zone=read.zone,
    )


def sleep_name(summary: Summary) -> str:
    """What a sleep is called in all of its versions; what a person typed in is another sleep."""
    key = text(summary.told.get("summaryId"))
    by_hand = "by hand/" if summary.by_hand else ""
    return f"sleeps/{by_hand}{key}" if key else ""


def _beside(kind: str, payload: bytes, told: Mapping[str, Any], now: dt.datetime | None) -> Raw:
    """What goes with sleeps. It names no zone: a mark would be believed for its end too."""
    start = instant(told.get("startTimeInSeconds"))
    length = seconds(numeral(told.get("durationInSeconds")), LONGEST)
    key = text(told.get("summaryId"))
    if start is None or length is None or not key:
        return _aside(kind, payload, "does not say when it was measured, or has no summaryId")
    if now is not None and start > now + DAY:
        return _aside(kind, payload, "begins in the future")
    daily = kind == RESPIRATION  # a hundred a day
    return Raw(
        key=f"{_name(kind)}/{start.date() if daily else key}",
        kind=kind,
        source=OWN,
        payload=pack([payload]) if daily else payload,
        start=start,
        end=start + dt.timedelta(seconds=length),
        companion=True,
    )


def _aside(kind: str, payload: bytes, problem: str) -> Raw:
    return Raw(
        key=f"{_name(kind)}/{digest(payload)}",
        kind=kind,
        source=OWN,
        payload=payload,
        companion=kind != SLEEPS,
        problem=problem,
    )


def _name(kind: str) -> str:
    return kind.removeprefix(PREFIX)


# -- versions of one record ------------------------------------------------------------------------


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """One record of those that came, in whatever order.

    Of a sleep they are one version, and count from when that came first. What goes with sleeps
    grows through the day, so there the longest stands.
    """
    if kind == RESPIRATION:
        return payloads[-1] if len(set(payloads)) == 1 else _joined(payloads)
    if kind == SLEEPS:
        return min(payloads, key=lambda payload: (version(payload).order, payload))
    return max(reversed(payloads), key=lambda payload: _length_of(inside(decode(payload))))


def version(payload: bytes) -> Version:
    """What the record of a sleep holds; one without an order came before all that have one."""
    found = decode_as(payload, Version)
    return found if found is not None else Version("", 0, msgspec.Raw(payload))


def _length_of(told: Mapping[str, Any]) -> int:
    return seconds(numeral(told.get("durationInSeconds")), LONGEST) or 0


def _joined(payloads: Sequence[bytes]) -> bytes:
    """A day's summaries, each once, in order of time."""
    stand: dict[tuple[int, str], bytes] = {}
    for payload in payloads:
        for summary in unpack(payload):
            told = inside(decode(summary))
            start = instant(told.get("startTimeInSeconds"))
            key = int(start.timestamp()) if start else 0, text(told.get("summaryId"))
            before = stand.get(key, summary)
            if _length_of(told) >= _length_of(inside(decode(before))):
                stand[key] = summary
    return pack(stand[key] for key in sorted(stand))
