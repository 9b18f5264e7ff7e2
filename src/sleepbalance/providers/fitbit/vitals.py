"""The numbers of a night: which of Google's is which of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import msgspec

from sleepbalance.model import Vital
from sleepbalance.payloads import decode, inside, instant, numeral, unpack
from sleepbalance.provider import Raw

from .points import date
from .sources import is_own


class Daily(NamedTuple):
    """One number a night. Outside its limits no sleeper is alive, or nothing was measured."""

    kind: str
    member: str
    field: str
    vital: str
    low: float
    high: float


DAILY = (
    Daily(
        "daily-heart-rate-variability",
        "dailyHeartRateVariability",
        "averageHeartRateVariabilityMilliseconds",  # "calculated using the RMSSD", of the night
        "hrv_rmssd",
        1,
        500,
    ),
    Daily(
        "daily-respiratory-rate",
        "dailyRespiratoryRate",
        "breathsPerMinute",
        "breathing_rate",
        3,
        60,
    ),
    Daily(
        "daily-oxygen-saturation",
        "dailyOxygenSaturation",
        "averagePercentage",  # its bounds are those of a confidence interval, no low and high
        "spo2",
        50.1,  # 50.0 is what the archive writes for "invalid"
        100,
    ),
    Daily(
        "daily-sleep-temperature-derivations",
        "dailySleepTemperatureDerivations",
        "nightlyTemperatureCelsius",
        "skin_temperature",
        15,
        45,
    ),
)
Beats = tuple[float, float, float]
Piece = tuple[dt.datetime, dt.datetime, Beats]
SLOWEST, FASTEST = 20, 300  # beats a minute


def heart_rate(beside: Iterable[Raw], asleep: tuple[dt.datetime, dt.datetime]) -> dict[str, Vital]:
    """Of the pieces of five minutes that lie wholly between the first and the last sleep."""
    pieces = {
        start: beats
        for raw in _in_order(beside, "heart-rate")
        for start, end, beats in _pieces(raw.payload)
        if asleep[0] <= start < end <= asleep[1]
    }
    if not pieces:
        return {}
    means, lows, highs = zip(*pieces.values(), strict=True)
    mean = sum(sorted(means)) / len(means)
    return {"heart_rate": Vital(round(mean, 3), min(lows), max(highs), len(means))}


@lru_cache(maxsize=16)  # a day is beside the sleeps of two nights, and their naps
def _pieces(payload: bytes) -> tuple[Piece, ...]:
    """The pieces of a pack that can be read."""
    try:
        told = msgspec.json.decode(payload, type=list[_Bucket], strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        points = map(decode, unpack(payload))  # something odd is among them: one by one
        return tuple(piece for piece in map(_piece, points) if piece)
    return tuple(
        (_whole(b.start_time), _whole(b.end_time), beats)
        for b in told
        if (beats := _plausible(b.heart_rate.avg, b.heart_rate.low, b.heart_rate.high))
    )


class _Rates(msgspec.Struct):
    avg: float = msgspec.field(name="beatsPerMinuteAvg")
    low: float = msgspec.field(name="beatsPerMinuteMin")
    high: float = msgspec.field(name="beatsPerMinuteMax")


class _Bucket(msgspec.Struct, rename="camel"):
    """A piece as Google usually writes it; only for speed, `_piece` takes every spelling."""

    start_time: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    end_time: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    heart_rate: _Rates


def _whole(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(microsecond=0)


def _piece(told: Any) -> Piece | None:
    start, end = (instant(inside(told).get(name)) for name in ("startTime", "endTime"))
    rates = inside(told, "heartRate")
    beats = _plausible(
        *(numeral(rates.get(f"beatsPerMinute{name}")) for name in ("Avg", "Min", "Max"))
    )
    return (start, end, beats) if beats and start and end else None


def _plausible(mean: float | None, low: float | None, high: float | None) -> Beats | None:
    if mean is None or low is None or high is None:
        return None
    return (mean, low, high) if SLOWEST <= low <= mean <= high <= FASTEST else None


def daily(beside: Iterable[Raw], day: dt.date) -> tuple[dict[str, Vital], dict[str, object]]:
    """The numbers of the date, and the points that they are from, as sent."""
    beside = list(beside)
    vitals: dict[str, Vital] = {}
    sent: dict[str, object] = {}
    for each in DAILY:
        for raw in _in_order(beside, each.kind):
            told = _of_date(unpack(raw.payload), each, day)
            value = numeral(told.get(each.field))
            if value is not None and each.low <= value <= each.high:
                vitals[each.vital] = Vital(value)
                sent[each.member] = {name: told[name] for name in told if name != "date"}
    return vitals, sent


def _of_date(points: Iterable[bytes], each: Daily, day: dt.date) -> Mapping[str, Any]:
    """The first point of the date that holds a number, of the maker's own devices."""
    for point in filter(is_own, map(decode, points)):
        values = inside(point, each.member)
        if date(values.get("date")) == day and numeral(values.get(each.field)) is not None:
            return values
    return {}


def _in_order(raws: Iterable[Raw], kind: str) -> list[Raw]:
    return sorted((raw for raw in raws if raw.kind == kind), key=lambda raw: raw.payload)
