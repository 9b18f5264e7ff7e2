"""The numbers of a night: what the Health API measured while somebody slept, and from where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from sleepbalance.model import Vital
from sleepbalance.payloads import date, decode, inside, numeral, unpack
from sleepbalance.provider import Raw

from .health_records import DAILIES, HRV, PULSE_OX, RESPIRATION, SKIN
from .health_sleep import Summary
from .health_values import instant, samples

Span = tuple[dt.datetime, dt.datetime]
Points = tuple[tuple[int, float], ...]  # seconds since 1970, and what was measured


class Limits(NamedTuple):
    """Outside of them no sleeper is alive, or nothing was measured."""

    low: float
    high: float


BEATS, BREATHS, OXYGEN, RMSSD = Limits(20, 300), Limits(3, 60), Limits(50.1, 100), Limits(1, 500)


def of_sleep(summary: Summary, beside: Iterable[Raw], asleep: Span) -> dict[str, Vital]:
    """Of a night: what its own summary holds goes before what was told beside it."""
    beside = list(beside)
    found = {
        "heart_rate": Vital.of(_points(beside, DAILIES, asleep)),
        "hrv_rmssd": _hrv(beside, asleep),
        "breathing_rate": _own(summary, "timeOffsetSleepRespiration", BREATHS)
        or Vital.of(_points(beside, RESPIRATION, asleep)),
        "spo2": _own(summary, "timeOffsetSleepSpo2", OXYGEN)
        or Vital.of(_points(beside, PULSE_OX, asleep)),
    }
    return {name: vital for name, vital in found.items() if vital is not None}


def of_nap(beside: Iterable[Raw], asleep: Span) -> dict[str, Vital]:
    """Of a nap: only the heart is told by the clock; the rest speaks of the night."""
    beats = Vital.of(_points(beside, DAILIES, asleep))
    return {} if beats is None else {"heart_rate": beats}


def as_sent(beside: Iterable[Raw], asleep: Span, day: dt.date | None) -> dict[str, object]:
    """The maker's own numbers for the date that have no column of ours, as sent."""
    beside = list(beside)
    sent: dict[str, object] = {}
    for kind, name in (
        (DAILIES, "restingHeartRateInBeatsPerMinute"),
        (HRV, "lastNightAvg"),
        (HRV, "lastNight5MinHigh"),
        (SKIN, "avgDeviationCelsius"),  # how far from usual; no temperature
    ):
        for raw in _nearest(beside, kind, asleep):
            told = inside(decode(raw.payload))
            its = day is not None and date(told.get("calendarDate")) == day
            known = name in sent or numeral(told.get(name)) is None
            if (its or kind != DAILIES) and not known:
                sent[name] = told[name]
    return sent


def _hrv(beside: Iterable[Raw], asleep: Span) -> Vital | None:
    """Garmin's mean of the night, else that of its values in sleep; RMSSD in either case."""
    for raw in _nearest(beside, HRV, asleep):
        told = inside(decode(raw.payload))
        values = Vital.of(_inside(_read(raw.kind, raw.payload), asleep))
        mean = numeral(told.get("lastNightAvg"))
        if mean is None or not RMSSD.low <= mean <= RMSSD.high:
            if values is not None:
                return values
        elif values is None:
            return Vital(mean)
        else:
            return Vital(mean, values.low, values.high)  # without a count: the mean is not of them
    return None


def _nearest(beside: Iterable[Raw], kind: str, asleep: Span) -> list[Raw]:
    """Records of a kind that overlap the sleep, those first that do so for longest."""
    mine = [raw for raw in beside if raw.kind == kind and _shared(raw, asleep) > 0]
    return sorted(mine, key=lambda raw: (-_shared(raw, asleep), raw.key, raw.payload))


def _shared(raw: Raw, asleep: Span) -> float:
    """The seconds that a record shares with the sleep."""
    if raw.start is None or raw.end is None:
        return 0.0
    return (min(raw.end, asleep[1]) - max(raw.start, asleep[0])).total_seconds()


def _own(summary: Summary, name: str, limits: Limits) -> Vital | None:
    told = samples(summary.told.get(name), *limits)
    return Vital.of([value for second, value in told if second <= summary.seconds])


def _points(beside: Iterable[Raw], kind: str, asleep: Span) -> list[float]:
    """What was measured of a kind in the sleep, each instant once, in order of time."""
    mine = sorted(_nearest(beside, kind, asleep), key=lambda raw: raw.payload)
    points = {second: v for raw in mine for second, v in _read(kind, raw.payload)}
    return _inside(sorted(points.items()), asleep)


def _inside(points: Iterable[tuple[int, float]], asleep: Span) -> list[float]:
    begin, end = asleep[0].timestamp(), asleep[1].timestamp()
    return [value for second, value in points if begin <= second < end]


@lru_cache(maxsize=16)  # a day's heart rates are beside two nights and their naps
def _read(kind: str, payload: bytes) -> Points:
    return tuple(_values(kind, payload))


def _values(kind: str, payload: bytes) -> Iterator[tuple[int, float]]:
    name, limits = {
        DAILIES: ("timeOffsetHeartRateSamples", BEATS),
        HRV: ("hrvValues", RMSSD),
        PULSE_OX: ("timeOffsetSpo2Values", OXYGEN),
        RESPIRATION: ("timeOffsetEpochToBreaths", BREATHS),
    }[kind]
    for each in unpack(payload) if kind == RESPIRATION else [payload]:
        told = inside(decode(each))
        start = instant(told.get("startTimeInSeconds"))
        if start is None or told.get("onDemand") is True:  # a person held still and looked
            continue
        began = int(start.timestamp())
        yield from ((began + second, value) for second, value in samples(told.get(name), *limits))
