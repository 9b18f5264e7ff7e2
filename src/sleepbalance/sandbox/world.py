"""The state of one sandbox: its people, its clock, and what is told of them at this instant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.chance import Dice
from sleepbalance.sandbox.clock import Clock, Start
from sleepbalance.sandbox.hypnogram import night
from sleepbalance.sandbox.people import DAY, Person, population
from sleepbalance.sandbox.sleeps import Sleep, Telling, moved_end, recorded, tell

FAR = dt.datetime.max.replace(tzinfo=dt.UTC)


class Unknown(Exception):
    """What was asked for is not there; the message says what was meant."""


class Unclear(Exception):
    """What was asked for cannot mean anything; the message says why."""


@dataclass(frozen=True)
class Seen:
    """A sleep as it is told now. `updated` also moves when only its being the main one changed."""

    sleep: Sleep
    telling: Telling
    main: bool
    created: dt.datetime
    updated: dt.datetime

    @property
    def date(self) -> dt.date:
        return self.sleep.date_of(self.telling)


@dataclass(frozen=True)
class _Kept:
    until: dt.datetime
    seen: tuple[Seen, ...]


class World:
    """People and their sleeps. Everything is a function of the seed, the edits and the clock."""

    def __init__(self, *, seed: int = 1, people: int = 3, clock: Start | None = None) -> None:
        self.seed = seed
        self.clock = Clock(clock)
        self.people = population(seed, people, self.clock.now().date())
        self._changed: dict[tuple[str, str], Sleep] = {}
        self._kept: dict[tuple[str, dt.date], _Kept] = {}
        self._kept_from = self.now()

    def now(self) -> dt.datetime:
        return self.clock.now()

    def person(self, person_id: str) -> Person:
        try:
            return self.people[person_id]
        except KeyError:
            raise Unknown(f"There is no person {person_id!r}; see /-/people.") from None

    # -- what is told -----------------------------------------------------------------------------

    def sleeps(
        self, person: Person, first: dt.date | None = None, last: dt.date | None = None
    ) -> list[Seen]:
        """What is told now of the sleeps that end on these dates, newest first."""
        today = self.now().date() + DAY  # somewhere it is tomorrow already
        low = max(person.began, first) if first else person.began
        high = min(today, last) if last else today
        now = self.now()
        days = [self._day(person, date, now) for date in _days(low, high)]
        found = [seen for day in days for seen in day]
        return sorted(found, key=lambda s: (s.telling.start, s.sleep.id), reverse=True)

    def all_of(self, person: Person, date: dt.date) -> list[Sleep]:
        """Every sleep of that date with all its versions, those of the future too."""
        generated = [] if date < person.began else recorded(person, date)
        sleeps = {s.id: s for s in generated}
        for (owner, sleep_id), sleep in self._changed.items():
            if owner != person.id:
                continue
            sleeps.pop(sleep_id, None)
            if sleep.date == date:
                sleeps[sleep_id] = sleep
        return list(sleeps.values())

    def told(self, person: Person, date: dt.date, at: dt.datetime) -> tuple[Seen, ...]:
        """What was told at that instant of the sleeps of that date, in no order."""
        return tuple(_seen(self.all_of(person, date), at))

    def _day(self, person: Person, date: dt.date, now: dt.datetime) -> tuple[Seen, ...]:
        if now < self._kept_from:  # the clock was moved back
            self._kept.clear()
            self._kept_from = now
        kept = self._kept.get((person.id, date))
        if kept is None or now >= kept.until:
            sleeps = self.all_of(person, date)
            later = [t.at for s in sleeps for t in s.tellings if t.at > now]
            kept = _Kept(min(later, default=FAR), tuple(_seen(sleeps, now)))
            self._kept[person.id, date] = kept
            self._kept_from = max(self._kept_from, now)
        return kept.seen

    # -- edits of the truth -----------------------------------------------------------------------

    def find(self, person: Person, sleep_id: str) -> Sleep:
        """The sleep of that id, whether or not it is told at the moment."""
        if (person.id, sleep_id) in self._changed:
            return self._changed[person.id, sleep_id]
        try:
            date = dt.date.fromisoformat(sleep_id.partition(".")[0])
        except ValueError:
            date = person.began - DAY
        for sleep in self.all_of(person, date):
            if sleep.id == sleep_id:
                return sleep
        raise Unknown(f"Person {person.id} has no sleep {sleep_id!r}.")

    def delete(self, person: Person, sleep_id: str) -> Sleep:
        """From now on it is gone, and what else would have happened to it does not happen."""
        sleep, told = self._told(person, sleep_id)
        return self._change(person, sleep, replace(told, at=self.now(), gone=True))

    def revise(self, person: Person, sleep_id: str, end: dt.datetime) -> Sleep:
        """From now on it ends at another time, told as an edit by hand."""
        sleep, told = self._told(person, sleep_id)
        if end < told.start + dt.timedelta(minutes=10) or end > self.now():
            raise Unclear("The end must lie at least ten minutes after the start, and not ahead.")
        final = replace(told, why="coverage") if told.pending else told
        return self._change(person, sleep, moved_end(final, self.now(), end))

    def add(
        self, person: Person, start: dt.datetime, end: dt.datetime, kind: str, form: str
    ) -> Sleep:
        """A sleep that the device tells of from now on."""
        seconds = int((end - start).total_seconds())
        if not 600 <= seconds <= 16 * 3600 or seconds % 30 or end > self.now():
            raise Unclear("A sleep lasts 10 minutes to 16 hours, in half minutes, and is over.")
        number = sum(1 for owner, _ in self._changed if owner == person.id)
        dice = Dice(self.seed, person.id, "added", start.isoformat(), number)
        telling = tell(
            dice,
            at=self.now(),
            start=start,
            end=end,
            stages=night(dice, seconds),
            form=form,
            why="nap" if kind == "nap" else "hand" if form == "manual" else "coverage",
        )
        here = person.place(start.astimezone(ZoneInfo(person.zone)).date())
        sleep = Sleep(
            id=f"{end.astimezone(ZoneInfo(here)).date()}.a{number}",
            kind=kind,
            device=None if form == "manual" else person.device(end.date()),
            zone_start=here,
            zone_end=here,
            tellings=(telling,),
        )
        self._changed[person.id, sleep.id] = sleep
        self._kept.clear()
        return sleep

    def _told(self, person: Person, sleep_id: str) -> tuple[Sleep, Telling]:
        sleep = self.find(person, sleep_id)
        told = sleep.told_at(self.now())
        if told is None:
            raise Unknown(f"Sleep {sleep_id!r} is not told of at the moment.")
        return sleep, told

    def _change(self, person: Person, sleep: Sleep, telling: Telling) -> Sleep:
        past = tuple(t for t in sleep.tellings if t.at < telling.at)
        changed = replace(sleep, tellings=(*past, telling))
        self._changed[person.id, sleep.id] = changed
        self._kept.clear()
        return changed


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    while first <= last:
        yield first
        first += DAY


def _seen(sleeps: Iterable[Sleep], now: dt.datetime) -> Iterator[Seen]:
    """What is told now of the sleeps of one date, and which of them is the main one."""
    sleeps = list(sleeps)
    moments = sorted({t.at for s in sleeps for t in s.tellings if t.at <= now})
    main_since: dict[str, tuple[bool, dt.datetime]] = {}
    for moment in moments:
        main = _main(sleeps, moment)
        for sleep in sleeps:
            was = main_since.get(sleep.id)
            if sleep.told_at(moment) and (was is None or was[0] != (sleep.id == main)):
                main_since[sleep.id] = (sleep.id == main, moment)
    for sleep in sleeps:
        if told := sleep.told_at(now):
            is_main, since = main_since[sleep.id]
            yield Seen(sleep, told, is_main, sleep.tellings[0].at, max(told.at, since))


def _main(sleeps: Iterable[Sleep], moment: dt.datetime) -> str | None:
    """The longest with stages, else the longest; a nap is none."""
    told = [(s, t) for s in sleeps if s.kind != "nap" and (t := s.told_at(moment))]
    ranked: list[tuple[Any, ...]] = [(t.form == "staged", t.seconds, s.id) for s, t in told]
    return max(ranked)[-1] if ranked else None
