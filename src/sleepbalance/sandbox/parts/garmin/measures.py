"""What the Personal API tells of HRV, heart and oxygen, and the sums of a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sleepbalance.sandbox.body import beats, resting, vitals
from sleepbalance.sandbox.parts.garmin.days import display_name, profile_number
from sleepbalance.sandbox.parts.garmin.night import Night, waking
from sleepbalance.sandbox.parts.garmin.times import bare, day_in, millis, seconds_ahead
from sleepbalance.sandbox.people import DAY, Person


def hrv_summary(night: Night) -> dict[str, Any]:
    date, person = night.date, night.person
    week = [vitals(person, date - n * DAY).rmssd for n in range(7)]
    level = vitals(person, date).rmssd
    local = waking(night.parts[-1]) + dt.timedelta(seconds=night.ahead_at_end, minutes=20)
    low = int(person.rmssd * 0.85)
    return {
        "calendarDate": date.isoformat(),
        "weeklyAvg": int(sum(week) / 7 + 0.5),
        "lastNightAvg": int(level + 0.5),
        "lastNight5MinHigh": int(level * 1.6),
        "baseline": {
            "lowUpper": low - 4,
            "balancedLow": low,
            "balancedUpper": int(person.rmssd * 1.15),
            "markerValue": 0.31,
        },
        "status": "BALANCED" if level >= low else "UNBALANCED",
        "feedbackPhrase": "HRV_BALANCED_2" if level >= low else "HRV_UNBALANCED_1",
        "createTimeStamp": f"{bare(local)}.114",
    }


def hrv_chart(night: Night) -> dict[str, Any]:
    """One night with a reading every five minutes."""
    ahead = dt.timedelta(seconds=night.ahead_at_start)
    edges = {"sleepStartTimestamp": night.start, "sleepEndTimestamp": night.end}
    return {
        "userProfilePk": profile_number(night.person),
        "hrvSummary": hrv_summary(night),
        "hrvReadings": [
            {
                "hrvValue": value,
                "readingTimeGMT": f"{bare(night.start + dt.timedelta(seconds=offset))}.0",
                "readingTimeLocal": f"{bare(night.start + ahead + dt.timedelta(seconds=offset))}.0",
            }
            for offset, value in hrv_values(night).items()
        ],
        "startTimestampGMT": f"{bare(night.start)}.0",
        "endTimestampGMT": f"{bare(night.end)}.0",
        **{f"{name}GMT": f"{bare(at)}.0" for name, at in edges.items()},
        **{f"{name}Local": f"{bare(at + ahead)}.0" for name, at in edges.items()},
    }


def hrv_values(night: Night) -> dict[int, int]:
    """By seconds from the start."""
    level, dice = vitals(night.person, night.date).rmssd, night.person.dice("5 min", night.date)
    last = int((night.end - night.start).total_seconds())
    return {
        offset: max(5, int(dice.bell(level, level / 8) + 0.5)) for offset in range(300, last, 300)
    }


def heart_rates(person: Person, date: dt.date, zone: str, now: dt.datetime) -> dict[str, Any]:
    start, end = day_in(date, zone)
    found = [[millis(b.at), b.bpm] for b in beats(person, start, min(end, now))]
    rates = [rate for _, rate in found]
    return {
        "userProfilePK": profile_number(person),
        "calendarDate": date.isoformat(),
        **_edges(start, end, zone),
        "maxHeartRate": max(rates, default=None),
        "minHeartRate": min(rates, default=None),
        "restingHeartRate": resting(person, date) if rates else None,
        "lastSevenDaysAvgRestingHeartRate": resting_week(person, date) if rates else None,
        "heartRateValueDescriptors": [
            {"key": "timestamp", "index": 0},
            {"key": "heartrate", "index": 1},
        ],
        "heartRateValues": found or None,
    }


def oxygen(night: Night, zone: str) -> dict[str, Any]:
    start, end = day_in(night.date, zone)
    body: dict[str, Any] = {
        "userProfilePK": profile_number(night.person),
        "calendarDate": night.date.isoformat(),
        **_edges(start, end, zone),
    }
    if night.vital:
        measured = vitals(night.person, night.date)
        body |= {
            "averageSpO2": measured.oxygen,
            "lowestSpO2": int(measured.oxygen_low),
            "avgSleepSpO2": measured.oxygen,
            "sleepStartTimestampGMT": f"{bare(night.start)}.0",
            "sleepEndTimestampGMT": f"{bare(night.end)}.0",
        }
    return body


def daily_summary(night: Night, zone: str, now: dt.datetime) -> dict[str, Any]:
    heart = heart_rates(night.person, night.date, zone, now)
    worn = heart["heartRateValues"] is not None
    measured = vitals(night.person, night.date) if night.vital else None
    return {
        "userProfileId": profile_number(night.person),
        "displayName": display_name(night.person),
        "calendarDate": night.date.isoformat(),
        "source": "GARMIN",
        "includesWellnessData": worn,
        "sleepingSeconds": night.asleep if night.parts else None,
        "minHeartRate": heart["minHeartRate"],
        "maxHeartRate": heart["maxHeartRate"],
        "restingHeartRate": heart["restingHeartRate"],
        "lastSevenDaysAvgRestingHeartRate": heart["lastSevenDaysAvgRestingHeartRate"],
        "averageSpo2": measured.oxygen if measured else None,
        "lowestSpo2": int(measured.oxygen_low) if measured else None,
        "avgWakingRespirationValue": measured.breath + 1 if measured else None,
    }


def summary_of_day(night: Night, zone: str, now: dt.datetime) -> dict[str, Any]:
    """The same in the shape of the second version."""
    heart = heart_rates(night.person, night.date, zone, now)
    return {
        "userProfilePk": profile_number(night.person),
        "calendarDate": night.date.isoformat(),
        "source": "GARMIN",
        "includesWellnessData": heart["heartRateValues"] is not None,
        "heartRate": {
            "minValue": heart["minHeartRate"],
            "maxValue": heart["maxHeartRate"],
            "restingValue": heart["restingHeartRate"],
        },
    }


def resting_week(person: Person, date: dt.date) -> int:
    return int(sum(resting(person, date - n * DAY) for n in range(7)) / 7 + 0.5)


def _edges(start: dt.datetime, end: dt.datetime, zone: str) -> dict[str, str]:
    here, there = (at + dt.timedelta(seconds=seconds_ahead(at, zone)) for at in (start, end))
    return {
        "startTimestampGMT": f"{bare(start)}.0",
        "endTimestampGMT": f"{bare(end)}.0",
        "startTimestampLocal": f"{bare(here)}.0",
        "endTimestampLocal": f"{bare(there)}.0",
    }
