"""What a body does meanwhile: heart, breathing, oxygen, warmth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.life import rests
from sleepbalance.sandbox.people import DAY, Person

MINUTES = 1440
ABOVE = {"deep": 1, "light": 4, "rem": 8, "awake": 13}  # beats above the resting heart rate
NIGHT, DAYTIME = (14, 13, 13, 13, 13, 14, 17, 22), (26, 25, 24, 25, 27, 25, 23, 24, 26, 31)
BY_HOUR = (*NIGHT, *DAYTIME, 33, 29, 25, 22, 18, 16)


@dataclass(frozen=True)
class Beat:
    at: dt.datetime
    bpm: int


@lru_cache(maxsize=20_000)
def heart(person: Person, day: dt.date) -> bytes:
    """Beats per minute for each minute of that day in UTC; 0 where nothing was measured."""
    zone = ZoneInfo(person.place(day))
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    first = midnight.astimezone(zone)
    dice = person.dice("heart", day)
    rest = person.heart + dice.bell(0, 1.6)
    hours = (((first.hour * 60 + first.minute + m) // 60) % 24 for m in range(MINUTES))
    base = [rest + BY_HOUR[hour] for hour in hours]
    for date in (day - DAY, day, day + DAY):
        _asleep(person, date, midnight, base, rest)
    noise = dice.noise(MINUTES)
    drift, beats = 0.0, bytearray(MINUTES)
    for m in range(MINUTES):
        drift = 0.9 * drift + (noise[m] - 127.5) / 110
        beats[m] = int(base[m] + drift + 0.5)
    _take_off(person, midnight, zone, dice.whole(0, 40), beats)
    return bytes(beats)


def _asleep(
    person: Person, date: dt.date, midnight: dt.datetime, base: list[float], rest: float
) -> None:
    for sleep in rests(person, date):
        start = int((sleep.start - midnight).total_seconds()) // 60
        for stage in sleep.stages:
            sink = 3 * stage.offset / max(1, sleep.seconds)  # lower towards the morning
            first = max(0, start + stage.offset // 60)
            for m in range(first, min(MINUTES, start + stage.end // 60)):
                base[m] = rest + ABOVE[stage.stage] - sink


def _take_off(
    person: Person, midnight: dt.datetime, zone: ZoneInfo, shower: int, beats: bytearray
) -> None:
    """Off the wrist: whole days without the device, and a shower in the evening."""
    for hour in range(24):
        here = (midnight + dt.timedelta(hours=hour)).astimezone(zone)
        if not person.wears(here.date()):
            beats[hour * 60 : hour * 60 + 60] = bytes(60)
        elif here.hour == 18:
            beats[hour * 60 + 10 : hour * 60 + 20 + shower] = bytes(10 + shower)


def beats(person: Person, start: dt.datetime, end: dt.datetime) -> Iterator[Beat]:
    """Samples in [start, end), one a minute where there are any, oldest first."""
    for midnight, m, rate in _samples(person, start, end):
        yield Beat(midnight + dt.timedelta(seconds=_second(midnight, m)), rate)


def rates_in(person: Person, start: dt.datetime, end: dt.datetime) -> list[int]:
    """Only how fast, for the same samples."""
    return [rate for _, _, rate in _samples(person, start, end)]


def _samples(
    person: Person, start: dt.datetime, end: dt.datetime
) -> Iterator[tuple[dt.datetime, int, int]]:
    """Midnight, minute and rate."""
    day = start.date()
    while day <= end.date():
        midnight = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
        low, high = ((edge - midnight).total_seconds() for edge in (start, end))
        rates = heart(person, day)
        for m in range(max(0, int(low) // 60), min(MINUTES - 1, int(high) // 60) + 1):
            if rates[m] and low <= _second(midnight, m) < high:
                yield midnight, m, rates[m]
        day += DAY


def _second(midnight: dt.datetime, m: int) -> int:
    """The second of the day at which that minute's sample was taken."""
    return 60 * m + (7 * m + midnight.day) % 60


def tenth(value: float) -> float:
    """One decimal, half up."""
    return int(value * 10 + 0.5) / 10


@dataclass(frozen=True)
class Vitals:
    """A night in numbers: ms, breaths a minute, per cent, degrees Celsius."""

    rmssd: float
    rmssd_deep: float
    entropy: float
    breath: float
    oxygen: float
    oxygen_low: float
    oxygen_high: float
    warmth: float
    baseline: float | None
    warmth_spread: float | None


@lru_cache(maxsize=20_000)
def vitals(person: Person, date: dt.date) -> Vitals:
    """What the device makes of the night that ends on that date."""
    dice = person.dice("vitals", date)
    rmssd = max(9.0, dice.bell(person.rmssd, person.rmssd / 9))
    oxygen = min(99.0, dice.bell(96.2, 0.7))
    known = not dice.happens(0.05)
    return Vitals(
        rmssd=tenth(rmssd),
        rmssd_deep=tenth(rmssd * dice.between(0.82, 1.12)),
        entropy=tenth(dice.between(1.2, 3.1)),
        breath=tenth(dice.bell(person.breath, 0.4)),
        oxygen=tenth(oxygen),
        oxygen_low=tenth(oxygen - dice.between(1.2, 3)),
        oxygen_high=tenth(min(100.0, oxygen + dice.between(0.8, 2))),
        warmth=tenth(dice.bell(person.warmth, 0.35)),
        baseline=tenth(person.warmth) if known else None,
        warmth_spread=tenth(dice.between(0.2, 0.6)) if known else None,
    )


def resting(person: Person, date: dt.date) -> int:
    return int(person.dice("resting", date).bell(person.heart + 2, 1.5) + 0.5)
