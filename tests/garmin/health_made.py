"""Invented summaries of the Health API, as Garmin would push them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from typing import Any

from sleepbalance.model import Session
from sleepbalance.provider import Item, Normalised, Raw
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.health_hook import HOOK
from sleepbalance.testing.hooks import as_kept

ME = "c0ffee00-0000-4000-8000-000000000042"
OTHER = "c0ffee00-0000-4000-8000-000000000043"
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
START = dt.datetime(2026, 11, 20, 22, tzinfo=dt.UTC)

Json = dict[str, Any]
NIGHT = (("light", 120), ("deep", 60), ("awake", 10), ("rem", 50), ("light", 180))  # 7 h


def at(minutes: float) -> int:
    """So many minutes after 22:00 UTC, in seconds since 1970."""
    return int((START + dt.timedelta(minutes=minutes)).timestamp())


def levels(*stretches: tuple[str, float, float]) -> Json:
    """A map of levels: (word, from minute, to minute)."""
    told: Json = {}
    for word, begin, end in stretches:
        stretch = {"startTimeInSeconds": at(begin), "endTimeInSeconds": at(end)}
        told.setdefault(word, []).append(stretch)
    return told


def in_a_row(begin: float, night: Sequence[tuple[str, float]]) -> list[tuple[str, float, float]]:
    found = []
    for word, minutes in night:
        found.append((word, begin, begin + minutes))
        begin += minutes
    return found


def sleep(
    begin: float = 0,
    night: Sequence[tuple[str, float]] = NIGHT,
    *,
    validation: str | None = "ENHANCED_FINAL",
    **more: Any,
) -> Json:
    """A sleep whose stages follow each other; `hole` is told by no level. None leaves out."""
    minutes: dict[str, float] = {}
    for word, size in night:
        minutes[word] = minutes.get(word, 0) + size
    slept = sum(minutes.get(word, 0) for word in ("light", "deep", "rem"))
    told = {
        "userId": ME,
        "summaryId": f"x7e57-{at(begin):x}",
        "calendarDate": "2026-11-21",
        "durationInSeconds": slept * 60,
        "startTimeInSeconds": at(begin),
        "startTimeOffsetInSeconds": 3600,
        "unmeasurableSleepInSeconds": minutes.get("hole", 0) * 60,
        "deepSleepDurationInSeconds": minutes.get("deep", 0) * 60,
        "lightSleepDurationInSeconds": minutes.get("light", 0) * 60,
        "remSleepInSeconds": minutes.get("rem", 0) * 60,
        "awakeDurationInSeconds": minutes.get("awake", 0) * 60,
        "sleepLevelsMap": levels(*(s for s in in_a_row(begin, night) if s[0] != "hole")),
        "validation": validation,
    }
    return {name: value for name, value in (told | more).items() if value is not None}


def by_hand(begin: float = 0, minutes: float = 450, **more: Any) -> Json:
    zeros = dict.fromkeys(("lightSleepDurationInSeconds", "deepSleepDurationInSeconds"), 0)
    zeros |= dict.fromkeys(("remSleepInSeconds", "awakeDurationInSeconds"), 0)
    told = sleep(begin, (), durationInSeconds=minutes * 60, sleepLevelsMap=None)
    return told | zeros | {"validation": "MANUAL"} | more


def nap(begin: float, minutes: float, word: str = "DEVICE", offset: int = 3600) -> Json:
    return {
        "napDurationInSeconds": minutes * 60,
        "napStartTimeInSeconds": at(begin),
        "napValidation": word,
        "napOffsetInSeconds": offset,
    }


def beside(begin: float, minutes: float, **more: Any) -> Json:
    """What goes with a sleep."""
    told = {
        "userId": ME,
        "summaryId": f"xbe51de-{at(begin):x}",
        "calendarDate": "2026-11-21",
        "startTimeInSeconds": at(begin),
        "startTimeOffsetInSeconds": 3600,
        "durationInSeconds": minutes * 60,
    }
    return told | more


def every(seconds: int, values: Sequence[float]) -> Json:
    return {str(seconds * i): value for i, value in enumerate(values)}


def body(**told: Any) -> bytes:
    return json.dumps(told).encode()


def items(now: dt.datetime = NOW, /, **told: Any) -> list[Item]:
    return list(HOOK.read(body(**told), now))


def pushed(now: dt.datetime = NOW, /, **told: Any) -> list[Raw]:
    """The raw records of a body."""
    found = items(now, **told)
    assert [item.problem for item in found if item.problem] == []
    return [raw for item in found for raw in item.raws]


def normal(*bodies: Json) -> Normalised:
    """What becomes of bodies that came in this order, all of them within a second."""
    times = [NOW + dt.timedelta(microseconds=n) for n in range(len(bodies))]
    came = [pushed(now, **told) for now, told in zip(times, bodies, strict=True)]
    return PROVIDER.normalise(as_kept(PROVIDER, [raw for raws in came for raw in raws]))


def taken_back(result: Normalised) -> set[str]:
    """The sleeps that are, without the versions of them."""
    return {name for name in result.withdrawn if not re.search("/[0-9a-f]{32}$", name)}


def sessions(**told: Any) -> list[Session]:
    result = normal(told)
    assert result.aside == ()
    return list(result.sessions)


def session(told: Json, **more: Any) -> Session:
    (found,) = sessions(sleeps=[told], **more)
    return found


def timeline(told: Session) -> list[tuple[str, float, float]]:
    """In minutes."""
    return [(s.stage.value, s.offset / 60, s.end / 60) for s in told.hypnogram]


HOUR = dt.timedelta(hours=1)
KEY = f"sleeps/x7e57-{at(0):x}"
TENTATIVE = sleep(night=NIGHT[:3], validation="AUTO_TENTATIVE")
FINAL = sleep()


def hours(told: Session) -> float:
    return (told.end - told.start) / HOUR
