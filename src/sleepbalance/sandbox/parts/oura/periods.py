"""The sleeps of a person as a ring tells them: nights, naps, and what it only took for sleep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.hypnogram import EPOCH, Stages
from sleepbalance.sandbox.people import DAY, Person
from sleepbalance.sandbox.sleeps import Sleep, Telling
from sleepbalance.sandbox.world import World

COUNTS_ITSELF = 3 * 3600  # seconds asleep; a shorter sleep has to be confirmed
DAY_ENDS = dt.timedelta(hours=6)  # after 18:00 it is the next day
DIGITS = {"deep": "1", "light": "2", "asleep": "2", "rem": "3"}  # a ring always tells stages


@dataclass(frozen=True, kw_only=True)
class Period:
    """One sleep period. `word` is its type; `confirmed`: it counts for the scores of its day."""

    id: str
    start: dt.datetime
    end: dt.datetime
    digits: str  # one for each half minute, from start to end
    word: str
    confirmed: bool
    edited: bool = False
    device: int = 0
    date: dt.date  # the local date on which it ended
    night: bool = False  # no nap, and no guess
    told: bool = True  # whether it was measured well enough for heart rates

    @property
    def day(self) -> dt.date:
        return (self.end.replace(tzinfo=None) + DAY_ENDS).date()

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def asleep(self) -> tuple[dt.datetime, dt.datetime]:
        """From the first half minute of sleep to the end of the last one."""
        first = len(self.digits) - len(self.digits.lstrip("4"))
        last = len(self.digits.rstrip("4"))
        step = dt.timedelta(seconds=EPOCH)
        return self.start + first * step, self.start + last * step


def periods(world: World, person: Person, first: dt.date, last: dt.date) -> list[Period]:
    """All that are told now of these days, in the order of time."""
    found: list[Period] = []
    date = max(first - DAY, person.began)
    until = min(last, world.now().date() + DAY)
    while date <= until:
        for sleep in world.all_of(person, date):
            period = _period(world, person, sleep)
            found += [period] if period else []
        found += _guesses(world, person, date)
        date += DAY
    return sorted(
        (period for period in found if first <= period.day <= last), key=lambda p: (p.start, p.id)
    )


def _period(world: World, person: Person, sleep: Sleep) -> Period | None:
    """What a ring makes of it; None before it is worked out, and of what a hand wrote down."""
    now = world.now()
    told = [t for t in sleep.tellings if t.at <= now]
    seen = [t for t in told if not t.gone and not t.pending]
    if not seen or sleep.device is None or seen[-1].form == "manual":
        return None
    last = seen[-1]
    digits = _digits(last.hypnogram)
    word, confirmed = _word(person, sleep, last, digits, now)
    return Period(
        id=sleep.id,
        start=_there(sleep, last, last.start),
        end=_there(sleep, last, last.end),
        digits=digits,
        word="deleted" if told[-1].gone else word,
        confirmed=confirmed and not told[-1].gone,
        edited=last.edited,
        device=sleep.device,
        date=sleep.date_of(last),
        night=sleep.kind != "nap" and not told[-1].gone,
    )


def _word(
    person: Person, sleep: Sleep, told: Telling, digits: str, now: dt.datetime
) -> tuple[str, bool]:
    """A nap is `sleep` from the first, and counts from the day on which it is confirmed."""
    if sleep.kind != "nap":
        asleep = EPOCH * sum(digit != "4" for digit in digits)
        return ("long_sleep" if asleep > COUNTS_ITSELF else "sleep"), True
    wait = dt.timedelta(minutes=person.dice("oura confirms", sleep.id).whole(0, 60 * 60))
    if now < sleep.tellings[0].at + wait:
        return "sleep", False
    late = _there(sleep, told, told.end).hour >= 18
    return ("late_nap" if late else "sleep"), True


def _digits(stages: Stages) -> str:
    return "".join(DIGITS.get(s.stage, "4") * (s.seconds // EPOCH) for s in stages)


def _there(sleep: Sleep, told: Telling, at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.timezone(dt.timedelta(seconds=sleep.offset(at, told))))


def _guesses(world: World, person: Person, date: dt.date) -> Iterator[Period]:
    """Lying still in the evening: taken for sleep, and in time rejected, deleted, or neither."""
    dice = person.dice("oura guess", date)
    if not dice.happens(0.25) or not person.wears(date):
        return
    start = dt.datetime.combine(date, dt.time(18, 30), ZoneInfo(person.place(date)))
    start = start.astimezone(dt.UTC) + dt.timedelta(minutes=dice.whole(0, 100))
    halves = dice.whole(32, 70)
    end = start + dt.timedelta(seconds=EPOCH * halves)
    if any(_near(sleep, start, end) for sleep in world.all_of(person, date)):
        return
    known = end + dt.timedelta(minutes=dice.whole(10, 60))
    judged = end + dt.timedelta(hours=dice.whole(12, 90))
    judgement, sleepy = dice.pick(("rest", "deleted", "sleep")), dice.whole(1, 3)
    if world.now() < known:
        return
    here = ZoneInfo(person.place(date))
    yield Period(
        id=f"{date}.guess",
        start=_fixed(start.astimezone(here)),
        end=_fixed(end.astimezone(here)),
        digits="4" * (halves - sleepy - 8) + "2" * sleepy + "4" * 8,
        word=judgement if world.now() >= judged else "sleep",
        confirmed=False,
        device=person.device(date),
        date=date,
        told=False,
    )


def _near(sleep: Sleep, start: dt.datetime, end: dt.datetime) -> bool:
    hour = dt.timedelta(hours=1)
    return any(t.start < end + hour and t.end > start - hour for t in sleep.tellings)


def _fixed(at: dt.datetime) -> dt.datetime:
    """With the offset that holds at that instant."""
    return at.replace(tzinfo=dt.timezone(at.utcoffset() or dt.timedelta(0)))
