"""Turns summaries of the Health API, as they were pushed or fetched, into raw records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sleepbalance.model import Source
from sleepbalance.payloads import decode, digest, inside, numeral, pack, seconds, text, unpack
from sleepbalance.provider import Raw
from sleepbalance.provider.places import DAY

from .health_sleep import summary_of
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


def record(kind: str, payload: bytes, now: dt.datetime | None = None) -> Raw:
    """One summary as a raw record; one that cannot be read says why. `now` bounds its end."""
    told = inside(decode(payload))
    return _sleep(payload, told, now) if kind == SLEEPS else _beside(kind, payload, told, now)


def _sleep(payload: bytes, told: Mapping[str, Any], now: dt.datetime | None) -> Raw:
    read = summary_of(told)
    if isinstance(read, str):
        return _aside(SLEEPS, payload, read)
    start, end = read.extent
    key = text(told.get("summaryId"))
    if not key:
        return _aside(SLEEPS, payload, "has no summaryId")
    if now is not None and end > now + DAY:
        return _aside(SLEEPS, payload, "ends in the future")
    return Raw(
        key=f"sleeps/{key}",
        kind=SLEEPS,
        source=HAND if read.by_hand else OWN,
        payload=payload,
        start=start,
        end=end,
        zone=read.zone,
    )


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
    """The version that stands of those that came, oldest first.

    A tentative sleep that is sent again never replaces a final one, and of tentative ones the
    longest stands, whatever came first. Among final ones it is the last, as Garmin says: only what
    came later can be a person's correction, which may well be shorter. What goes with sleeps grows
    through the day, so there the longest stands.
    """
    if kind == RESPIRATION:
        return payloads[-1] if len(set(payloads)) == 1 else _joined(payloads)
    rank = _sleep_rank if kind == SLEEPS else _length_of
    return max(reversed(payloads), key=lambda payload: rank(inside(decode(payload))))


def _sleep_rank(told: Mapping[str, Any]) -> tuple[bool, int]:
    final = not text(told.get("validation")).upper().endswith("TENTATIVE")
    return final, 0 if final else _length_of(told)


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
