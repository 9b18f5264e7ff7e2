"""What a device tells of a person's sleep, and how that changes until it settles."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.chance import Dice
from sleepbalance.sandbox.hypnogram import (
    EPOCH,
    Stages,
    Stretch,
    awakenings,
    cut_in,
    night,
    one_block,
    resize,
    simple,
)
from sleepbalance.sandbox.life import Rest, rests
from sleepbalance.sandbox.people import Person

STAGED_FROM = dt.timedelta(hours=3)  # shorter sleeps get no stages
SETTLED = dt.timedelta(days=6)  # after its end nothing changes of itself any more


@dataclass(frozen=True, kw_only=True)
class Telling:
    """One version of a sleep, told from `at` on.

    `form` is staged, classic (asleep, restless, awake), plain (one block) or manual. `why` says
    why there are no stages: pending, nap, coverage, device, hand. `gone` is a deletion.
    """

    at: dt.datetime
    start: dt.datetime
    end: dt.datetime
    form: str
    stages: Stages = ()
    short: Stages = ()
    out_of_bed: Stages = ()
    why: str = ""
    edited: bool = False
    gone: bool = False

    @cached_property
    def hypnogram(self) -> Stages:
        """The stages with the short awakenings cut in."""
        return cut_in(self.stages, self.short)

    @property
    def pending(self) -> bool:
        return self.why == "pending"

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())


@dataclass(frozen=True, kw_only=True)
class Sleep:
    """One sleep with all its versions, oldest first. `kind`: night or nap."""

    id: str
    kind: str
    device: int | None  # None: written down by hand
    zone_start: str
    zone_end: str
    tellings: tuple[Telling, ...]

    @property
    def date(self) -> dt.date:
        """The local date of its end, as told last."""
        return self.date_of(self.tellings[-1])

    def date_of(self, telling: Telling) -> dt.date:
        return telling.end.astimezone(ZoneInfo(self.zone_end)).date()

    def told_at(self, now: dt.datetime) -> Telling | None:
        """What is told at that instant; None before it is known and after it is deleted."""
        known = [t for t in self.tellings if t.at <= now]
        return known[-1] if known and not known[-1].gone else None

    def offset(self, instant: dt.datetime, telling: Telling) -> int:
        """Seconds ahead of UTC where the person was; a flight lands at the very end."""
        zone = self.zone_end if instant >= telling.end else self.zone_start
        ahead = instant.astimezone(ZoneInfo(zone)).utcoffset()
        return int(ahead.total_seconds()) if ahead else 0


@lru_cache(maxsize=100_000)
def recorded(person: Person, date: dt.date) -> tuple[Sleep, ...]:
    """The sleeps that end on that date, as far as a device or a hand wrote them down."""
    found = rests(person, date)
    if person.wears(date):
        return tuple(_by_device(person, date, n, rest) for n, rest in enumerate(found, 1))
    dice = person.dice("by hand", date)
    if found and found[0].sort == "night" and dice.happens(person.by_hand):
        return (_by_hand(dice, date, found[0]),)
    return ()


def _by_hand(dice: Dice, date: dt.date, rest: Rest) -> Sleep:
    start = rest.start.replace(second=0, minute=rest.start.minute // 5 * 5)
    end = rest.end.replace(second=0, minute=rest.end.minute // 5 * 5)
    at = end + dt.timedelta(minutes=dice.whole(90, 700))
    telling = Telling(at=at, start=start, end=end, form="manual", why="hand")
    telling = replace(telling, stages=one_block(telling.seconds))
    return Sleep(
        id=f"{date}.h",
        kind="night",
        device=None,
        zone_start=rest.zone_start,
        zone_end=rest.zone_end,
        tellings=(telling,),
    )


def _by_device(person: Person, date: dt.date, n: int, rest: Rest) -> Sleep:
    dice = person.dice("told", date, n)
    return Sleep(
        id=f"{date}.{n}",
        kind="nap" if rest.sort == "nap" else "night",
        device=person.device(date),
        zone_start=rest.zone_start,
        zone_end=rest.zone_end,
        tellings=_tellings(person, dice, rest),
    )


def _tellings(person: Person, dice: Dice, rest: Rest) -> tuple[Telling, ...]:
    late = dice.happens(0.02)  # the phone was away
    lag = dt.timedelta(seconds=dice.whole(36, 90) * 3600 if late else dice.whole(300, 2400))
    told = tell(
        dice,
        at=rest.end + lag,
        start=rest.start,
        end=rest.end,
        stages=rest.stages,
        form=_form(person, dice, rest),
        why=_why(person, rest),
    )
    versions = [told]
    if told.form == "staged" and dice.happens(0.5) and not late:
        wait = dt.timedelta(seconds=dice.whole(3600, 5 * 3600))
        versions = [_not_yet(told), replace(told, at=told.at + wait)]
    if not late:
        versions += _afterthought(dice, rest, versions[-1])
    return tuple(versions)


def _form(person: Person, dice: Dice, rest: Rest) -> str:
    if rest.sort == "short":
        return "plain"
    unstaged = dice.happens(person.unstaged) or not person.staged
    return "classic" if unstaged or rest.end - rest.start < STAGED_FROM else "staged"


def _why(person: Person, rest: Rest) -> str:
    if rest.end - rest.start < STAGED_FROM:
        return "nap"
    return "coverage" if person.staged else "device"


def tell(
    dice: Dice,
    *,
    at: dt.datetime,
    start: dt.datetime,
    end: dt.datetime,
    stages: Stages,
    form: str,
    why: str = "coverage",
) -> Telling:
    """What a device makes of stages; `why` is dropped where it tells stages."""
    told = Telling(at=at, start=start, end=end, form=form, why=why, stages=stages)
    if form == "classic":
        return replace(told, stages=simple(dice, stages))
    if form in ("plain", "manual"):
        return replace(told, stages=one_block(told.seconds))
    return replace(told, why="", short=awakenings(dice, stages), out_of_bed=_up(dice, stages))


def _up(dice: Dice, stages: Stages) -> Stages:
    """Once in a while the person leaves the bed in the middle of an awakening."""
    if not dice.happens(0.2):
        return ()
    awake = [s for s in stages[1:-1] if s.stage == "awake" and s.seconds >= 180]
    return tuple(Stretch(s.offset + 60, s.seconds - 120, "out_of_bed") for s in awake[:1])


def _not_yet(told: Telling) -> Telling:
    """The same before the stages are computed: one block of sleep."""
    block = one_block(told.seconds)
    return replace(told, form="plain", stages=block, short=(), out_of_bed=(), why="pending")


def _afterthought(dice: Dice, rest: Rest, last: Telling) -> list[Telling]:
    """What the person or the maker puts right days later."""
    drawn = dice.between(0, 1)
    at = rest.end + dt.timedelta(seconds=dice.whole(18, 120) * 3600)
    if drawn < (0.03 if rest.sort == "nap" else 0.012):
        return [replace(last, at=at, gone=True)]
    if drawn < 0.045:
        moved = max(-20, min(25, dice.whole(-20, 25))) or 4
        return [moved_end(last, at, last.end + dt.timedelta(minutes=moved))]
    if drawn < 0.06 and last.form == "staged":
        again = night(dice, last.seconds)
        return [tell(dice, at=at, start=last.start, end=last.end, stages=again, form="staged")]
    return []


def moved_end(last: Telling, at: dt.datetime, end: dt.datetime) -> Telling:
    """The same sleep with another end, as somebody who edits it by hand leaves it."""
    seconds = int((end - last.start).total_seconds()) // EPOCH * EPOCH
    return replace(
        last,
        at=at,
        end=last.start + dt.timedelta(seconds=seconds),
        stages=resize(last.stages, seconds),
        short=tuple(s for s in last.short if s.end + 60 <= seconds),
        out_of_bed=tuple(s for s in last.out_of_bed if s.end + 60 <= seconds),
        edited=True,
    )
