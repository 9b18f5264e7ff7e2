"""The people of the sandbox: who they are, where they live and travel, what they are like."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.chance import Dice

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person. Hours are counted from the midnight that begins the date of waking up.

    The chances are per night, `gaps` per month. `trips` are zones that are flown to, one a year
    each. `staged` False is a device that knows no stages.
    """

    id: str
    name: str
    seed: int
    zone: str
    months: int  # of history before the sandbox's first day
    began: dt.date
    bed: float = -1.0
    wake: float = 6.75
    weekend: float = 1.2
    spread: float = 0.5
    nap: float = 0.08
    gaps: float = 0.35
    awake_all_night: float = 0.012
    short: float = 0.02
    split: float = 0.025
    unstaged: float = 0.03
    by_hand: float = 0.3  # of the nights without the device
    upgrades: float = 0.5  # a year
    staged: bool = True
    trips: tuple[str, ...] = ()
    heart: int = 56
    rmssd: float = 42.0
    breath: float = 14.6
    warmth: float = 33.8

    def __hash__(self) -> int:
        return hash((self.seed, self.id))

    def dice(self, *words: object) -> Dice:
        return Dice(self.seed, self.id, *words)

    # -- places ---------------------------------------------------------------------------------

    def place(self, date: dt.date) -> str:
        """The zone in which the person goes to bed in the evening of that date."""
        for trip in journeys(self, date.year):
            if trip.out <= date < trip.back:
                return trip.zone
        return self.zone

    def flies_by_night(self, date: dt.date) -> bool:
        """Whether the night that ends on that date is spent in the air, on the way home."""
        return any(t.back == date and t.overnight for t in journeys(self, date.year))

    # -- the device -------------------------------------------------------------------------------

    def wears(self, date: dt.date) -> bool:
        """Whether the device is worn in the night that ends on that date, and on that day."""
        return _wears(self, date)

    def device(self, date: dt.date) -> int:
        """Which device, counted from the first one."""
        return sum(day <= date for day in upgrade_days(self))


@lru_cache(maxsize=20_000)
def _wears(person: Person, date: dt.date) -> bool:
    for month in (date.replace(day=1), (date.replace(day=1) - DAY).replace(day=1)):
        dice = person.dice("gap", month)
        if dice.happens(person.gaps):
            first = month + dice.whole(0, 27) * DAY
            if first <= date < first + dice.whole(1, 4) * DAY:
                return False
    dice = person.dice("lost charger", date.year)
    first = dt.date(date.year, 1, 1) + dice.whole(20, 330) * DAY
    return not first <= date < first + dice.whole(8, 13) * DAY


@dataclass(frozen=True)
class Journey:
    zone: str
    out: dt.date
    back: dt.date
    overnight: bool


@lru_cache(maxsize=4096)
def journeys(person: Person, year: int) -> tuple[Journey, ...]:
    """The trips of a year: away by day, and home overnight where home lies to the east."""
    found = []
    slot = 270 // max(1, len(person.trips))
    for i, zone in enumerate(person.trips):
        dice = person.dice("trip", year, i)
        out = dt.date(year, 1, 1) + (40 + i * slot + dice.whole(0, slot - 30)) * DAY
        back = out + dice.whole(6, 13) * DAY
        east = _offset(person.zone, back) > _offset(zone, back)
        found.append(Journey(zone, out, back, east))
    return tuple(found)


def _offset(zone: str, date: dt.date) -> dt.timedelta:
    noon = dt.datetime.combine(date, dt.time(12), tzinfo=ZoneInfo(zone))
    return noon.utcoffset() or dt.timedelta(0)


@lru_cache(maxsize=256)
def upgrade_days(person: Person) -> tuple[dt.date, ...]:
    days = []
    for year in range(2015, 2051):
        dice = person.dice("upgrade", year)
        if dice.happens(person.upgrades):
            days.append(dt.date(year, 1, 1) + dice.whole(5, 355) * DAY)
    return tuple(days)


# -- who there is --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Character:
    name: str
    months: int
    zone: str
    traits: dict[str, object] = field(default_factory=dict)


FIRST = (
    Character("Alma", 36, "Europe/Berlin", {"trips": ("America/New_York", "Asia/Tokyo")}),
    Character(
        "Ben",
        8,
        "America/Los_Angeles",
        {
            "bed": 0.9,
            "wake": 8.4,
            "nap": 0.2,
            "spread": 0.9,
            "heart": 62,
            "trips": ("Europe/London",),
        },
    ),
    Character(
        "Chidi",
        3,
        "Australia/Sydney",
        {"bed": -1.9, "wake": 5.6, "weekend": 0.3, "spread": 0.3, "heart": 49, "rmssd": 71.0},
    ),
)
NAMES = ("Dora", "Emil", "Femi", "Greta", "Hiro", "Ines", "Jon", "Kaya", "Lars", "Mina", "Noor")
ZONES = (
    "Europe/London",
    "America/Chicago",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Africa/Lagos",
    "Pacific/Auckland",
    "Europe/Helsinki",
)


def population(seed: int, count: int, today: dt.date) -> dict[str, Person]:
    """People "1" to `count`: the first three are written down, the others are thrown."""
    return {str(n): _person(seed, n, today) for n in range(1, count + 1)}


def _person(seed: int, n: int, today: dt.date) -> Person:
    character = FIRST[n - 1] if n <= len(FIRST) else _thrown(seed, n)
    traits: dict[str, object] = dict(character.traits)
    return Person(
        id=str(n),
        name=character.name,
        seed=seed,
        zone=character.zone,
        months=character.months,
        began=_months_before(today, character.months),
        **traits,  # type: ignore[arg-type]
    )


def _thrown(seed: int, n: int) -> Character:
    dice = Dice(seed, "character", n)
    bed = dice.between(-2.5, 1.5)
    traits: dict[str, object] = {
        "bed": bed,
        "wake": bed + dice.between(6.8, 8.6),
        "weekend": dice.between(0, 2),
        "spread": dice.between(0.2, 0.9),
        "nap": dice.between(0, 0.25),
        "gaps": dice.between(0.1, 0.6),
        "heart": dice.whole(46, 72),
        "rmssd": dice.between(22, 80),
        "breath": dice.between(12.5, 17.5),
        "staged": n % 4 != 0,  # every fourth wears an old device
    }
    name = NAMES[(n - 4) % len(NAMES)] + (f" {n}" if n - 4 >= len(NAMES) else "")
    return Character(name, dice.whole(1, 30), dice.pick(ZONES), traits)


def _months_before(today: dt.date, months: int) -> dt.date:
    """The first of a month, so that a history does not begin elsewhere every day."""
    count = today.year * 12 + today.month - 1 - months
    return dt.date(count // 12, count % 12 + 1, 1)
