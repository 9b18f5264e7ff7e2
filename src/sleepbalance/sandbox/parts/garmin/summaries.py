"""What the Health API tells of a night: a summary of each type, as pushed and as pulled."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from sleepbalance.sandbox.body import beats, resting, vitals
from sleepbalance.sandbox.chance import number
from sleepbalance.sandbox.parts.garmin.days import qualifier, score
from sleepbalance.sandbox.parts.garmin.measures import hrv_values
from sleepbalance.sandbox.parts.garmin.night import STAGES, Night, ahead_at_start, onset
from sleepbalance.sandbox.parts.garmin.times import day_in
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.truth import asleep_in
from sleepbalance.sandbox.world import Seen

TYPES = {  # key in a notification → last part of its address
    "sleeps": "sleeps",
    "hrv": "hrv",
    "pulseox": "pulseOx",
    "allDayRespiration": "respiration",
    "skinTemp": "skinTemp",
    "dailies": "dailies",
}
BLOCK = 900  # seconds of one record of breathing
Summary = dict[str, Any]


def user_id(person: Person) -> str:
    """Stable over reconnects, and not the name that the Personal API knows.

    It says what it is, so that no body of the sandbox is taken for a real one.
    """
    unique = uuid.UUID(int=number(person.seed, person.id, "health", digits=38), version=4)
    return f"sleepbalance-sandbox-{unique}"


def summary_id(person: Person, kind: str, start: dt.datetime) -> str:
    """Ends with the start: where that moves, the id is another."""
    return f"x{number(person.seed, person.id, kind, digits=8):x}-{int(start.timestamp()):x}"


def _head(night: Night, kind: str, start: dt.datetime, ahead: int, seconds: int) -> Summary:
    return {
        "summaryId": summary_id(night.person, kind, start),
        "calendarDate": night.date.isoformat(),
        "startTimeInSeconds": int(start.timestamp()),
        "startTimeOffsetInSeconds": ahead,
        "durationInSeconds": seconds,
    }


# -- sleep ---------------------------------------------------------------------------------------


def sleep(night: Night, settings: Mapping[str, Any]) -> Summary:
    """A night with its levels, or by hand without."""
    dice, seconds = night.person.dice("summary", night.date), night.seconds
    loose = dice.happens(settings["awake_in_duration"])  # as old documents have it
    unmeasurable = dice.pick(("unmeasurableSleepInSeconds", "unmeasurableSleepDurationInSeconds"))
    duration = night.asleep + (seconds["awake"] if loose else 0)
    body = _head(night, "sleeps", night.start, night.ahead_at_start, duration)
    if dice.happens(0.03):
        del body["calendarDate"]
    body |= {
        "totalNapDurationInSeconds": sum(asleep_in(seen) for seen in night.naps),
        unmeasurable: seconds["unmeasurable"],
        "deepSleepDurationInSeconds": seconds["deep"],
        "lightSleepDurationInSeconds": seconds["light"],
        "remSleepInSeconds": seconds["rem"],
        "awakeDurationInSeconds": seconds["awake"],
        "validation": validation(night, settings),
    }
    if not night.by_hand:
        body |= {"sleepLevelsMap": _levels(night), **_measured(night)}
    if night.naps:
        body["naps"] = [_nap(night.person, seen) for seen in night.naps]
    return body


def validation(night: Night, settings: Mapping[str, Any]) -> str:
    if night.by_hand:
        return "MANUAL"
    if night.edited:
        return str(settings["edited_as"])
    enhanced = night.person.dice("confirmed", night.date).happens(0.8)
    kind = "ENHANCED" if enhanced else "AUTO"
    return f"{kind}_TENTATIVE" if night.pending else f"{kind}_FINAL"


def _levels(night: Night) -> dict[str, list[dict[str, int]]]:
    """REM only where the watch knows it; a hole is a hole."""
    stages = [s for s in (*STAGES, "awake") if s != "rem" or night.staged]
    return {
        wanted: [
            {"startTimeInSeconds": start, "endTimeInSeconds": end}
            for start, end, stage in night.levels
            if stage == wanted
        ]
        for wanted in stages
    }


def _measured(night: Night) -> Summary:
    if not night.vital:
        return {"timeOffsetSleepRespiration": {}, "timeOffsetSleepSpo2": {}}
    measured = vitals(night.person, night.date)
    last = int((night.end - night.start).total_seconds())
    body: Summary = {
        "timeOffsetSleepRespiration": {
            str(at): _swing(measured.breath, at) for at in range(60, last, 60)
        },
        "timeOffsetSleepSpo2": {str(at): _whole(measured.oxygen, at) for at in range(0, last, 60)},
    }
    if not night.pending:
        value = score(night)
        body["overallSleepScore"] = {"value": value, "qualifierKey": qualifier(value)}
        body["sleepScores"] = {
            name: {"qualifierKey": night.person.dice(name, night.date).pick(("GOOD", "FAIR"))}
            for name in ("totalDuration", "stress", "awakeCount", "remPercentage", "restlessness")
        }
    return body


def _swing(level: float, at: int) -> float:
    """Up and down around it, so that the mean is the level."""
    return round(level + (0.25 if at // 60 % 2 else -0.25), 2)


def _whole(level: float, at: int) -> int:
    """Whole numbers whose mean is the level."""
    step = at // 60
    return int(level * (step + 1)) - int(level * step)


def _nap(person: Person, seen: Seen) -> Summary:
    by_hand = seen.telling.form == "manual" or seen.telling.edited
    by_watch = person.dice("nap word", seen.sleep.id).pick(("DEVICE", "device"))
    return {
        "napDurationInSeconds": asleep_in(seen),
        "napStartTimeInSeconds": int(onset(seen).timestamp()),
        "napValidation": "MANUAL" if by_hand else by_watch,
        "napOffsetInSeconds": ahead_at_start(seen),
    }


def off_wrist(night: Night, start: dt.datetime, ahead: int) -> Summary:
    """No sleep after all: everything is zero."""
    zeros = (
        "totalNapDurationInSeconds",
        "unmeasurableSleepInSeconds",
        "deepSleepDurationInSeconds",
        "lightSleepDurationInSeconds",
        "remSleepInSeconds",
        "awakeDurationInSeconds",
    )
    return {
        **_head(night, "sleeps", start, ahead, 0),
        **dict.fromkeys(zeros, 0),
        "sleepLevelsMap": {},
        "validation": "OFF_WRIST",
        "timeOffsetSleepRespiration": {},
        "timeOffsetSleepSpo2": {},
    }


# -- what goes with it ---------------------------------------------------------------------------


def companions(night: Night) -> dict[str, list[Summary]]:
    """HRV, oxygen, breathing and skin, where they were measured."""
    if not night.vital:
        return {}
    measured = vitals(night.person, night.date)
    values = hrv_values(night)
    found = {
        "hrv": [
            {
                **_whole_night(night, "hrv"),
                "lastNightAvg": int(measured.rmssd + 0.5),
                "lastNight5MinHigh": max(values.values(), default=0),
                "hrvValues": {str(at): value for at, value in values.items()},
            }
        ],
        "pulseox": [_oxygen(night), _on_demand(night)],
        "allDayRespiration": _breathing(night),
    }
    if measured.baseline is not None:
        deviation = round(measured.warmth - measured.baseline, 1)
        found["skinTemp"] = [{**_whole_night(night, "skinTemp"), "avgDeviationCelsius": deviation}]
    return found


def _whole_night(night: Night, kind: str) -> Summary:
    seconds = int((night.end - night.start).total_seconds())
    return _head(night, kind, night.start, night.ahead_at_start, seconds)


def _oxygen(night: Night) -> Summary:
    measured, body = vitals(night.person, night.date), _whole_night(night, "pulseox")
    steps = range(0, body["durationInSeconds"], 60)
    values = {str(at): _whole(measured.oxygen, at) for at in steps}
    return {**body, "timeOffsetSpo2Values": values, "onDemand": False}


def _on_demand(night: Night) -> Summary:
    """Once by hand after waking: no value of the night."""
    at = night.end + dt.timedelta(minutes=3)
    level = night.person.dice("on demand", night.date).whole(97, 100)
    head = _head(night, "on demand", at, night.ahead_at_end, 0)
    return {**head, "timeOffsetSpo2Values": {"0": level}, "onDemand": True}


def _breathing(night: Night) -> list[Summary]:
    """A record for each quarter of an hour, without a date."""
    breath, found = vitals(night.person, night.date).breath, []
    last = int((night.end - night.start).total_seconds())
    for offset in range(0, last, BLOCK):
        start = night.start + dt.timedelta(seconds=offset)
        seconds = min(BLOCK, last - offset)
        body = _head(night, "respiration", start, night.ahead_at_start, seconds)
        del body["calendarDate"]
        body["timeOffsetEpochToBreaths"] = {
            str(at): _swing(breath, at) for at in range(0, seconds, 60)
        }
        found.append(body)
    return found


def daily(night: Night, zone: str, now: dt.datetime) -> Summary | None:
    """The day of that date until now; None where the watch was not worn."""
    start, end = day_in(night.date, zone)
    samples = {
        str(int((b.at - start).total_seconds())): b.bpm for b in _beats(night, start, end, now)
    }
    if not samples:
        return None
    seconds = int((min(end, now) - start).total_seconds())
    midnight = dt.datetime.combine(night.date, dt.time(), tzinfo=dt.UTC)
    return {
        **_head(night, "dailies", start, int((midnight - start).total_seconds()), seconds),
        "activityType": "GENERIC",
        "steps": night.person.dice("steps", night.date).whole(1500, 14000),
        "minHeartRateInBeatsPerMinute": min(samples.values()),
        "maxHeartRateInBeatsPerMinute": max(samples.values()),
        "averageHeartRateInBeatsPerMinute": sum(samples.values()) // len(samples),
        "restingHeartRateInBeatsPerMinute": resting(night.person, night.date),
        "timeOffsetHeartRateSamples": samples,
    }


def _beats(night: Night, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> Any:
    return beats(night.person, start, min(end, now)) if start < now else ()
