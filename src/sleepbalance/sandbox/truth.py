"""The truth by date: what a reader who makes no mistake would keep of what is told now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.body import rates_in, resting, tenth, vitals
from sleepbalance.sandbox.hypnogram import ASLEEP, Stretch
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import Seen, World

NAP_BELOW = 5 * 3600  # other sleeps of a date that are shorter are naps
ENOUGH_BEATS = 10
PARTS = ((3 * 3600, 4 * 3600), (90 * 60, 90 * 60))  # each asleep at least, apart at most


def nights(
    world: World, person: Person, first: dt.date | None = None, last: dt.date | None = None
) -> list[dict[str, Any]]:
    """One row for each date with a night, oldest first."""
    rows = []
    told = sorted(world.sleeps(person, first, last), key=lambda s: s.telling.start)
    told.sort(key=lambda s: s.date)
    for date, group in groupby(told, key=lambda s: s.date):
        sleeps = list(group)
        if any(s.sleep.kind == "night" for s in sleeps):
            rows.append(_row(world, person, date, sleeps))
    return rows


def _row(world: World, person: Person, date: dt.date, sleeps: list[Seen]) -> dict[str, Any]:
    main = next(s for s in sleeps if s.main)
    parts = parts_of(main, sleeps)
    others = [s for s in sleeps if s not in parts]
    naps = [s for s in others if s.sleep.kind == "nap" or asleep_in(s) < NAP_BELOW]
    return {
        "sleep_date": date.isoformat(),
        **_times(parts),
        **_durations(parts),
        **_heart(person, parts),
        **_vitals(person, date, main),
        "naps": [_nap(s) for s in naps],
        "hypnogram": _hypnogram(parts),
        "parts": len(parts),
        "form": main.telling.form,
        "device": main.sleep.device,
        "by_hand": main.telling.form == "manual",
        "provisional": any(s.telling.pending for s in parts),
        "sleeps": [s.sleep.id for s in parts],
        "will_change": [c for s in world.all_of(person, date) for c in _to_come(world, s)],
    }


def _to_come(world: World, sleep: Any) -> Iterator[dict[str, Any]]:
    """What the maker will still say of a sleep, all by itself."""
    for before, after in zip((None, *sleep.tellings), sleep.tellings, strict=False):
        if after.at > world.now():
            what = "deleted" if after.gone else "revised" if before else "appears"
            yield {"id": sleep.id, "at": after.at.isoformat(), "what": what}


# -- parts ---------------------------------------------------------------------------------------


def parts_of(main: Seen, sleeps: list[Seen]) -> list[Seen]:
    """The main sleep, and what lies so near that it belongs to the same night."""
    parts = [main]
    grown = True
    while grown:
        grown = False
        for other in sleeps:
            near = any(_belong(other, part) for part in parts)
            if other not in parts and other.sleep.kind == "night" and near:
                parts.append(other)
                grown = True
    return sorted(parts, key=lambda s: s.telling.start)


def _belong(a: Seen, b: Seen) -> bool:
    first, second = sorted((a, b), key=lambda s: s.telling.start)
    apart = (second.telling.start - first.telling.end).total_seconds()
    shortest = min(asleep_in(a), asleep_in(b))
    same_source = a.sleep.device == b.sleep.device
    return same_source and (
        apart <= 3600 or any(shortest >= asleep and apart <= most for asleep, most in PARTS)
    )


def asleep_in(seen: Seen) -> int:
    return sum(s.seconds for s in seen.telling.hypnogram if s.stage in ASLEEP)


# -- the columns ---------------------------------------------------------------------------------


def period(seen: Seen) -> tuple[int, int]:
    """From the first to the last sleep, in seconds from the start."""
    asleep = [s for s in seen.telling.hypnogram if s.stage in ASLEEP]
    return asleep[0].offset, asleep[-1].end


def _begins(seen: Seen, seconds: int) -> str:
    """An instant near the start, on the clock of the place where the sleep began."""
    return _local(seen, seconds, seen.telling.start)


def _ends(seen: Seen, seconds: int) -> str:
    """An instant near the end, on the clock of the place where the sleep ended."""
    return _local(seen, seconds, seen.telling.end)


def _local(seen: Seen, seconds: int, there: dt.datetime) -> str:
    at = seen.telling.start + dt.timedelta(seconds=seconds)
    ahead = dt.timedelta(seconds=seen.sleep.offset(there, seen.telling))
    return at.astimezone(dt.timezone(ahead)).isoformat()


def _times(parts: Sequence[Seen]) -> dict[str, Any]:
    first, last = parts[0], parts[-1]
    return {
        "bed_time": None if first.telling.form == "manual" else _begins(first, 0),
        "sleep_start_time": _begins(first, period(first)[0]),
        "sleep_end_time": _ends(last, period(last)[1]),
        "wake_time": None if last.telling.form == "manual" else _ends(last, last.telling.seconds),
    }


def _durations(parts: Sequence[Seen]) -> dict[str, Any]:
    """Whole minutes; the stages share them out by largest remainder."""
    seconds = dict.fromkeys(("deep", "rem", "light", "asleep"), 0)
    awake = 0
    for part in parts:
        first, last = period(part)
        for stage in part.telling.hypnogram:
            if stage.stage in seconds:
                seconds[stage.stage] += stage.seconds
            elif first <= stage.offset < last:
                awake += stage.seconds
    shared = _shares(seconds)
    staged = any(seconds[s] for s in ("deep", "rem", "light"))
    by_hand = all(p.telling.form == "manual" for p in parts)
    return {
        "total_sleep_time": (sum(seconds.values()) + 30) // 60,
        "deep_sleep_duration": shared["deep"] if staged else None,
        "rem_sleep_duration": shared["rem"] if staged else None,
        "light_sleep_duration": shared["light"] if staged else None,
        "unspecified_sleep_duration": shared["asleep"],
        "awake_duration": None if by_hand else (awake + 30) // 60,
    }


def _shares(seconds: dict[str, int]) -> dict[str, int]:
    missing = (sum(seconds.values()) + 30) // 60 - sum(s // 60 for s in seconds.values())
    order = sorted(seconds, key=lambda name: -(seconds[name] % 60))
    return {name: seconds[name] // 60 + (i < missing) for i, name in enumerate(order)}


def _heart(person: Person, parts: Sequence[Seen]) -> dict[str, Any]:
    rates: list[int] = []
    for part in parts:
        first, last = (dt.timedelta(seconds=s) for s in period(part))
        rates += rates_in(person, part.telling.start + first, part.telling.start + last)
    enough = len(rates) >= ENOUGH_BEATS
    return {
        "avg_heart_rate": tenth(sum(rates) / len(rates)) if enough else None,
        "min_heart_rate": min(rates) if enough else None,
        "max_heart_rate": max(rates) if enough else None,
    }


def _vitals(person: Person, date: dt.date, main: Seen) -> dict[str, Any]:
    """Only a night with stages has them."""
    told = vitals(person, date) if main.telling.form == "staged" else None
    return {
        "avg_hrv": told.rmssd if told else None,
        "avg_breathing_rate": told.breath if told else None,
        "avg_spo2": told.oxygen if told else None,
        "skin_temperature": told.warmth if told else None,
        "resting_heart_rate": resting(person, date) if person.wears(date) else None,
    }


def _nap(seen: Seen) -> dict[str, Any]:
    first, last = period(seen)
    return {
        "id": seen.sleep.id,
        "sleep_start_time": _begins(seen, first),
        "sleep_end_time": _ends(seen, last),
        "total_sleep_time": (asleep_in(seen) + 30) // 60,
    }


def _hypnogram(parts: Iterable[Seen]) -> list[list[Any]]:
    """`[offset_s, seconds, stage]` from the start of the first part; gaps are left out."""
    parts = list(parts)
    begin = parts[0].telling.start
    found: list[Stretch] = []
    for part in parts:
        shift = int((part.telling.start - begin).total_seconds())
        found += [s._replace(offset=s.offset + shift) for s in part.telling.hypnogram]
    return [[s.offset, s.seconds, s.stage] for s in found]


def raw_sleeps(world: World, person: Person) -> list[dict[str, Any]]:
    """Every sleep that is told now, newest first, for those who want to edit the truth."""
    return [
        {
            "id": s.sleep.id,
            "kind": s.sleep.kind,
            "form": s.telling.form,
            "main": s.main,
            "start": s.telling.start.isoformat(),
            "end": s.telling.end.isoformat(),
            "zone": ZoneInfo(s.sleep.zone_end).key,
            "updated": s.updated.isoformat(),
            "edited": s.telling.edited,
        }
        for s in world.sleeps(person)
    ]
