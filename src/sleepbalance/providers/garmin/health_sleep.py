"""What one sleep summary of the Health API says: where it ends, its levels and naps, how sure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sleepbalance.model import Stage
from sleepbalance.payloads import inside, items, numeral, offset, seconds, text

from .health_values import instant

DAY = 86_400
LONGEST = 2 * DAY  # seconds; nobody sleeps longer
OFF_WRIST = "OFF_WRIST"
SAME = 60  # seconds that sums may differ by and still be the same
NEAR = dt.timedelta(days=2)  # from a sleep to the naps of its date
BEYOND = 12 * 3600  # seconds after the end that the sums tell: no level reaches as far
EDGES = "startTimeInSeconds", "endTimeInSeconds"
STAGES = {"light", "deep", "rem"}
# What the fields of `Sums` are called; unmeasurable is spelled in two ways, and both occur.
SUMS = {
    "slept": ("durationInSeconds",),
    "light": ("lightSleepDurationInSeconds",),
    "deep": ("deepSleepDurationInSeconds",),
    "rem": ("remSleepInSeconds",),
    "awake": ("awakeDurationInSeconds",),
    "unmeasured": ("unmeasurableSleepInSeconds", "unmeasurableSleepDurationInSeconds"),
}
WORDS = {
    "light": Stage.LIGHT,
    "deep": Stage.DEEP,
    "rem": Stage.REM,
    "awake": Stage.AWAKE,
}


class Level(NamedTuple):
    """A stretch in seconds from the start of the sleep."""

    begin: int
    end: int
    stage: Stage


class Nap(NamedTuple):
    start: dt.datetime
    seconds: int
    zone: str | None
    by_hand: bool

    @property
    def end(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.seconds)


class Sums(NamedTuple):
    """The maker's seconds; None where it says nothing, e.g. of REM for a device that is blind."""

    slept: int | None  # with or without the time awake: see `_length`
    light: int | None
    deep: int | None
    rem: int | None
    awake: int | None
    unmeasured: int | None
    unstaged: int = 0  # asleep in a stage whose sum cannot be read

    @property
    def staged(self) -> int:
        return sum(filter(None, (self.light, self.deep, self.rem)))

    @property
    def asleep(self) -> int:
        return self.staged + self.unstaged


@dataclass(frozen=True, slots=True)
class Summary:
    """A sleep summary that can be read."""

    start: dt.datetime
    seconds: int  # 0 for a watch that was not worn
    zone: str | None  # of the clock at its start; nothing tells that of its end
    validation: str
    sums: Sums
    levels: tuple[Level, ...]
    naps: tuple[Nap, ...]
    lost: tuple[str, ...]  # what of it cannot be read, in words
    told: Mapping[str, Any]

    @property
    def end(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.seconds)

    @property
    def off_wrist(self) -> bool:
        return self.validation == OFF_WRIST

    @property
    def tentative(self) -> bool:
        return self.validation.endswith("TENTATIVE")

    @property
    def by_hand(self) -> bool:
        """Typed in by a person. A measured sleep whose times they mended still is a device's."""
        return self.validation.endswith("MANUAL") and not self.levels and not self.sums.staged

    @property
    def extent(self) -> tuple[dt.datetime, dt.datetime]:
        """All that it speaks of, naps included."""
        naps = () if self.off_wrist else self.naps
        return (
            min([self.start, *(nap.start for nap in naps)]),
            max([self.end, *(nap.end for nap in naps)]),
        )


def summary_of(told: Mapping[str, Any]) -> Summary | str:
    """A sleep summary, or why it cannot be read."""
    start, (sums, unread) = instant(told.get("startTimeInSeconds")), _sums(told)
    if start is None:
        return "does not say when it began"
    validation = text(told.get("validation")).upper()
    summed = _length(sums)
    furthest = min(summed + BEYOND, LONGEST) if summed else LONGEST
    read = list(_levels(inside(told, "sleepLevelsMap"), start, furthest))
    levels = tuple(level for level in read if level is not None)
    mended = _mended(sums, unread, levels)
    if validation == OFF_WRIST:
        length, levels = 0, ()
    elif mended is None:
        return "tells a duration that nobody sleeps"
    else:
        length = max([_length(mended), *(level.end for level in levels)])
        if problem := _problem(mended, length):
            return problem
    naps = [_nap(nap, start) for nap in items(told.get("naps"))]
    unknown = [None for _ in unread if not _tell_sleep(levels)]
    return Summary(
        start=start,
        seconds=length,
        zone=offset(numeral(told.get("startTimeOffsetInSeconds"))),
        validation=validation,
        sums=mended or sums,
        levels=levels,
        naps=tuple(sorted({nap for nap in naps if nap is not None})),
        lost=tuple(
            f"tells a {what} that cannot be read"
            for what, found in (("nap", naps), ("level", read), ("duration", unknown))
            if None in found and validation != OFF_WRIST
        ),
        told=told,
    )


def _sums(told: Mapping[str, Any]) -> tuple[Sums, set[str]]:
    """What can be read of them, and which of them are told and cannot be."""
    sent = {
        name: next((told[key] for key in keys if told.get(key) is not None), None)
        for name, keys in SUMS.items()
    }
    slept, light, deep, rem, awake, unmeasured = (
        seconds(numeral(value), LONGEST) for value in sent.values()
    )
    sums = Sums(slept, light, deep, rem, awake, unmeasured)
    return sums, {name for name in sent if sent[name] is not None and getattr(sums, name) is None}


def _mended(sums: Sums, unread: set[str], levels: Sequence[Level]) -> Sums | None:
    """What cannot be read is taken from the levels. Without them it stays unknown, and the total
    stands without its stage; None where the total itself cannot be made."""
    if unread and _tell_sleep(levels):
        return sums._replace(**{name: _summed(levels)[name] for name in unread})
    if unread & STAGES:
        unstaged = (sums.slept or 0) - sums.staged
        return sums._replace(unstaged=unstaged) if unstaged > 0 else None
    return None if unread and not (sums.slept or sums.staged) else sums


def _tell_sleep(levels: Sequence[Level]) -> bool:
    return any(level.stage.is_sleep for level in levels)


def _summed(levels: Sequence[Level]) -> dict[str, int]:
    """The sums that levels tell. A hole is unmeasured, as is a word that nobody knows."""
    found = dict.fromkeys(SUMS, 0)
    for level in levels:
        if level.stage is not Stage.UNKNOWN:
            found[level.stage.value] += level.end - level.begin
    found["slept"] = sum(found[name] for name in STAGES)
    told = found["slept"] + found["awake"]
    found["unmeasured"] = max(max(level.end for level in levels) - told, 0)
    return found


def _length(sums: Sums) -> int:
    """Of the whole sleep. Garmin's duration is the time asleep or, in older summaries, all of it:
    each summary tells by its stages which one it means."""
    whole = sums.asleep + (sums.awake or 0) + (sums.unmeasured or 0)
    if sums.slept is None or abs(sums.slept - sums.asleep) <= SAME:
        return whole
    return sums.slept


def _problem(sums: Sums, length: int) -> str | None:
    wrong = {
        "lasts no time at all": length == 0,
        "lasts longer than 48 hours": length > LONGEST,
        "has stages that are longer than itself": sums.asleep > length + SAME,
        "was awake for longer than it lasts": (sums.awake or 0) > length + SAME,
    }
    return next((words for words, holds in wrong.items() if holds), None)


def _levels(told: Mapping[str, Any], start: dt.datetime, furthest: int) -> Iterator[Level | None]:
    """The levels; None for one that cannot be. What it leaves is a hole, and a hole is unknown."""
    for word, stretches in told.items():
        stage = WORDS.get(word.casefold(), Stage.UNKNOWN)
        for stretch in items(stretches):
            begin, end = (
                None if edge is None else int((edge - start).total_seconds())
                for edge in map(instant, map(inside(stretch).get, EDGES))
            )
            if begin is None or end is None or not max(begin, 0) <= end <= furthest:
                yield None
            else:
                yield Level(max(begin, 0), end, stage)


def _nap(told: object, sleep: dt.datetime) -> Nap | None:
    nap = inside(told)
    start = instant(nap.get("napStartTimeInSeconds"))
    length = seconds(numeral(nap.get("napDurationInSeconds")), DAY)
    if start is None or not length or abs(start - sleep) > NEAR:
        return None
    by_hand = text(nap.get("napValidation")).upper() == "MANUAL"
    return Nap(start, length, offset(numeral(nap.get("napOffsetInSeconds"))), by_hand)
