"""What really happens: when a person sleeps on a date, whether or not a device looks on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.chance import Dice
from sleepbalance.sandbox.hypnogram import EPOCH, Stages, night
from sleepbalance.sandbox.people import DAY, Person

HOUR = 3600


@dataclass(frozen=True)
class Rest:
    """One sleep as it was. `sort`: night, split, short, flight or nap."""

    sort: str
    start: dt.datetime
    end: dt.datetime
    zone_start: str
    zone_end: str
    stages: Stages

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())


@lru_cache(maxsize=100_000)
def rests(person: Person, date: dt.date) -> tuple[Rest, ...]:
    """The sleeps that end on that date in the person's own zone, in order."""
    dice = person.dice("sleep", date)
    main = _main(person, date, dice)
    return (*main, *_naps(person, date, dice, main))


def _main(person: Person, date: dt.date, dice: Dice) -> tuple[Rest, ...]:
    here = person.place(date - DAY)
    if person.flies_by_night(date):
        start = _wall(date, -1.5, here)
        return (_rest(dice, "flight", start, dice.between(3.4, 5.2), here, person.zone),)
    sort = _sort(person, dice)
    bed, wake = _hours(person, date, dice)
    start = _wall(date, bed, here)
    if sort == "none":
        return ()
    if sort == "short":
        start = _wall(date, max(bed, 1) + dice.between(2, 3.5), here)
        return (_rest(dice, sort, start, dice.between(1.4, 2.6), here, here),)
    if sort == "split":
        first = _rest(dice, sort, start, dice.between(4.0, 4.7), here, here)
        again = first.end + dt.timedelta(minutes=dice.whole(75, 180))
        return first, _rest(dice, sort, again, dice.between(4.0, 4.6), here, here)
    length = (_wall(date, wake, here) - start).total_seconds() / HOUR
    return (_rest(dice, sort, start, min(11.5, max(4.2, length)), here, here),)


def _sort(person: Person, dice: Dice) -> str:
    drawn = dice.between(0, 1)
    for name in ("awake_all_night", "short", "split"):
        chance: float = getattr(person, name)
        if drawn < chance:
            return {"awake_all_night": "none"}.get(name, name)
        drawn -= chance
    return "night"


def _hours(person: Person, date: dt.date, dice: Dice) -> tuple[float, float]:
    """When to bed and up again, in hours from the date's midnight."""
    season = person.dice("month", date.year, date.month).between(-0.4, 0.4)
    free = person.weekend if date.weekday() >= 5 else 0.0
    bed = person.bed + season + 0.6 * free + dice.bell(0, person.spread)
    wake = person.wake + season / 2 + free + dice.bell(0, person.spread * 0.8)
    return max(-3.0, bed), wake


def _naps(person: Person, date: dt.date, dice: Dice, main: tuple[Rest, ...]) -> tuple[Rest, ...]:
    here = person.place(date)
    if here != person.place(date - DAY):
        return ()
    tired = not main or main[-1].sort == "short"
    if not dice.happens(0.65 if tired else person.nap):
        return ()
    start = _wall(date, dice.between(12.8, 16.5), here)
    hours = dice.between(1.0, 2.7) if tired else dice.between(0.35, 1.7)
    if main and start < main[-1].end + dt.timedelta(hours=2):
        return ()
    return (_rest(dice, "nap", start, hours, here, here),)


def _rest(
    dice: Dice, sort: str, start: dt.datetime, hours: float, zone_start: str, zone_end: str
) -> Rest:
    seconds = int(hours * HOUR / EPOCH) * EPOCH
    end = start + dt.timedelta(seconds=seconds)
    return Rest(sort, start, end, zone_start, zone_end, night(dice, seconds))


def _wall(date: dt.date, hours: float, zone: str) -> dt.datetime:
    """The instant at which a clock on the wall shows so many hours from the date's midnight."""
    naive = dt.datetime.combine(date, dt.time()) + dt.timedelta(
        seconds=int(hours * HOUR / EPOCH) * EPOCH
    )
    return naive.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
