"""Data points as Google writes them: what is told of one sleep, one night, one sample."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.body import beats, resting, tenth, vitals
from sleepbalance.sandbox.chance import Dice, number
from sleepbalance.sandbox.hypnogram import ASLEEP, Stretch
from sleepbalance.sandbox.people import DAY, Person
from sleepbalance.sandbox.world import Seen, World

DEVICES = ("Charge 6", "Pixel Watch 3", "Inspire 4", "Pixel Watch 4")
STATUS = {"": "SUCCEEDED", "nap": "REJECTED_NAP", "coverage": "REJECTED_COVERAGE"}


def health_user_id(person: Person) -> str:
    return str(number(person.seed, person.id, "health user"))


def legacy_user_id(person: Person) -> str:
    """As the old service named people: six letters and digits."""
    left, name = number(person.seed, person.id, "legacy user"), ""
    for _ in range(6):
        left, digit = divmod(left, 32)
        name += "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"[digit]
    return name


def sleep_name(person: Person, seen: Seen) -> str:
    point = number(person.seed, person.id, "sleep", seen.sleep.id)
    return f"users/{health_user_id(person)}/dataTypes/sleep/dataPoints/{point}"


def device_name(index: int) -> str:
    return DEVICES[index % len(DEVICES)]


# -- spelling ------------------------------------------------------------------------------------


def instant(when: dt.datetime) -> str:
    """RFC 3339 with a Z; fractions only where there are any."""
    text = when.astimezone(dt.UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    return text.removesuffix(".000000") + "Z"


def date_of(day: dt.date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def civil(when: dt.datetime) -> dict[str, Any]:
    """The wall clock; zeros are left out, so that midnight is `{}`."""
    parts = (("hours", when.hour), ("minutes", when.minute), ("seconds", when.second))
    return {"date": date_of(when.date()), "time": {k: v for k, v in parts if v}}


def local(person: Person, when: dt.datetime) -> dt.datetime:
    return when.astimezone(ZoneInfo(person.place(when.date())))


def sample_time(here: dt.datetime) -> dict[str, Any]:
    ahead = here.utcoffset() or dt.timedelta(0)
    return {
        "physicalTime": instant(here),
        "utcOffset": f"{int(ahead.total_seconds())}s",
        "civilTime": civil(here),
    }


def source(method: str, device: str | None = None) -> dict[str, Any]:
    shown = {"displayName": device} if device else {}
    return {"recordingMethod": method, "device": shown, "platform": "FITBIT"}


# -- sleep ---------------------------------------------------------------------------------------


def sleep_point(person: Person, seen: Seen) -> dict[str, Any]:
    device = seen.sleep.device
    if device is None:
        told = {"recordingMethod": "MANUAL", "platform": "FITBIT"}
    else:
        told = source("DERIVED", device_name(device))
    return {"name": sleep_name(person, seen), "dataSource": told, "sleep": sleep(person, seen)}


def sleep(person: Person, seen: Seen) -> dict[str, Any]:
    """The interval has no civil times, as in every capture."""
    told = seen.telling
    body: dict[str, Any] = {
        "interval": _span(seen, 0, told.seconds),
        "type": "STAGES" if told.form == "staged" else "CLASSIC",
        "stages": [_stage(seen, s) for s in told.stages],
        "metadata": _metadata(seen),
        "summary": _summary(person, seen),
        "createTime": _stamp(person, seen, seen.created, 0),
        "updateTime": _stamp(person, seen, seen.updated, 6),
    }
    if told.short:
        body["shortAwakenings"] = list(_short(person, seen))
    if told.out_of_bed:
        body["outOfBedSegments"] = [_span(seen, s.offset, s.end) for s in told.out_of_bed]
    return body


def _span(seen: Seen, start: int, end: int) -> dict[str, str]:
    first = seen.telling.start + dt.timedelta(seconds=start)
    last = seen.telling.start + dt.timedelta(seconds=end)
    return {
        "startTime": instant(first),
        "startUtcOffset": f"{seen.sleep.offset(first, seen.telling)}s",
        "endTime": instant(last),
        "endUtcOffset": f"{seen.sleep.offset(last, seen.telling)}s",
    }


def _stage(seen: Seen, stage: Stretch) -> dict[str, str]:
    at = instant(seen.telling.at)
    span = _span(seen, stage.offset, stage.end)
    return {**span, "type": stage.stage.upper(), "createTime": at, "updateTime": at}


def _short(person: Person, seen: Seen) -> Iterator[dict[str, str]]:
    """Now and then with the type of what they lie on, as in the one capture there is."""
    dice = Dice(person.seed, person.id, "short", seen.sleep.id)
    for short in seen.telling.short:
        over = next(s for s in seen.telling.stages if s.offset <= short.offset < s.end)
        kind = over.stage if dice.happens(0.2) else "awake"
        yield {**_span(seen, short.offset, short.end), "type": kind.upper()}


def _metadata(seen: Seen) -> dict[str, Any]:
    """What is false is left out."""
    told = seen.telling
    body: dict[str, Any] = {}
    if told.form == "manual":
        body = {"externalId": "", "stagesStatus": "REJECTED_SERVER"}
    elif not told.pending:
        body = {"stagesStatus": STATUS.get(told.why, "REJECTED_SERVER")}
    flags = {
        "processed": not told.pending,
        "mainSleep": seen.main,
        "nap": seen.sleep.kind == "nap",
        "manuallyEdited": told.edited,
    }
    return body | {name: True for name, value in flags.items() if value}


def _summary(person: Person, seen: Seen) -> dict[str, Any]:
    told = seen.telling
    seconds: Counter[str] = Counter()
    for stage in told.stages:
        seconds[stage.stage] += stage.seconds
    counts = Counter(s.stage for s in told.stages)
    asleep = sum(n for stage, n in seconds.items() if stage in ASLEEP)
    minutes = {
        "minutesInSleepPeriod": told.seconds // 60,
        "minutesAfterWakeUp": 0,
        "minutesToFallAsleep": 0,
        "minutesAsleep": asleep // 60,
        "minutesAwake": seconds["awake"] // 60,
    }
    zeros = Dice(person.seed, person.id, "zeros", seen.sleep.id).happens(0.5)  # both were seen
    return {
        **{name: str(value) for name, value in minutes.items() if value or zeros},
        "stagesSummary": [
            {"type": s.upper(), "minutes": str(n // 60), "count": str(counts[s])}
            for s, n in seconds.items()
        ],
    }


def _stamp(person: Person, seen: Seen, at: dt.datetime, after: int) -> str:
    """What happens by itself happens at some fraction of a second; an edit when it was made."""
    if at.microsecond:
        return instant(at)
    micro = number(person.seed, person.id, seen.sleep.id, at, digits=6)
    return instant(at + dt.timedelta(seconds=after, microseconds=micro))


# -- what a night brings with it -----------------------------------------------------------------


def daily_hrv(person: Person, date: dt.date) -> dict[str, Any]:
    told = vitals(person, date)
    return {
        "date": date_of(date),
        "averageHeartRateVariabilityMilliseconds": told.rmssd,
        "deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds": told.rmssd_deep,
        "nonRemHeartRateBeatsPerMinute": str(resting(person, date) + 1),
        "entropy": told.entropy,
    }


def daily_resting(person: Person, date: dt.date, *, slept: bool) -> dict[str, Any]:
    method = "WITH_SLEEP" if slept else "ONLY_WITH_AWAKE_DATA"
    return {
        "date": date_of(date),
        "beatsPerMinute": str(resting(person, date)),
        "dailyRestingHeartRateMetadata": {"calculationMethod": method},
    }


def daily_breath(person: Person, date: dt.date) -> dict[str, Any]:
    return {"date": date_of(date), "breathsPerMinute": vitals(person, date).breath}


def daily_oxygen(person: Person, date: dt.date) -> dict[str, Any]:
    told = vitals(person, date)
    return {
        "date": date_of(date),
        "averagePercentage": told.oxygen,
        "lowerBoundPercentage": told.oxygen_low,
        "upperBoundPercentage": told.oxygen_high,
    }


def daily_warmth(person: Person, date: dt.date) -> dict[str, Any]:
    """Where there is no baseline yet, doubles come as the word NaN."""
    told = vitals(person, date)
    return {
        "date": date_of(date),
        "nightlyTemperatureCelsius": told.warmth,
        "baselineTemperatureCelsius": "NaN" if told.baseline is None else told.baseline,
        "relativeNightlyStddev30dCelsius": (
            "NaN" if told.warmth_spread is None else told.warmth_spread
        ),
    }


def breath_summary(person: Person, seen: Seen) -> dict[str, Any]:
    told = vitals(person, seen.date)
    here = seen.telling.end.astimezone(ZoneInfo(seen.sleep.zone_end))
    stages = {s.stage for s in seen.telling.stages}
    body: dict[str, Any] = {
        "sampleTime": sample_time(here),
        "fullSleepStats": {
            "breathsPerMinute": told.breath,
            "standardDeviation": 1.1,
            "signalToNoise": 2.5,
        },
    }
    for stage, step in (("deep", -0.5), ("light", 0.0), ("rem", 0.6)):
        if stage in stages:
            body[f"{stage}SleepStats"] = {"breathsPerMinute": tenth(told.breath + step)}
    return body


def pulse(person: Person, low: dt.datetime, high: dt.datetime) -> Iterator[dict[str, Any]]:
    """Heart rate samples, newest first."""
    for beat in reversed(list(beats(person, low, high))):
        here = local(person, beat.at)
        yield {"sampleTime": sample_time(here), "beatsPerMinute": str(beat.bpm)}


def in_sleep(seen: Seen, minutes: int) -> Iterator[dt.datetime]:
    """Every so many minutes of a sleep, newest first."""
    step = dt.timedelta(minutes=minutes)
    at = seen.telling.end - step
    while at >= seen.telling.start:
        yield at
        at -= step


def hrv_sample(person: Person, seen: Seen, at: dt.datetime) -> dict[str, Any]:
    told = vitals(person, seen.date)
    dice = person.dice("hrv", at)
    return {
        "sampleTime": sample_time(at.astimezone(ZoneInfo(seen.sleep.zone_start))),
        "rootMeanSquareOfSuccessiveDifferencesMilliseconds": tenth(
            max(1.0, dice.bell(told.rmssd, told.rmssd / 8))
        ),
        "standardDeviationMilliseconds": tenth(told.rmssd * dice.between(0.9, 1.4)),
    }


def oxygen_sample(person: Person, seen: Seen, at: dt.datetime) -> dict[str, Any]:
    told = vitals(person, seen.date)
    level = person.dice("oxygen", at).bell(told.oxygen, 0.8)
    return {
        "sampleTime": sample_time(at.astimezone(ZoneInfo(seen.sleep.zone_start))),
        "percentage": tenth(min(100.0, level)),
    }


def worn_days(world: World, person: Person, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Days with the device that are over, newest first."""
    day = min(last + DAY, local(person, world.now()).date() - DAY)
    while day >= max(first - DAY, person.began):
        if person.wears(day):
            yield day
        day -= DAY
