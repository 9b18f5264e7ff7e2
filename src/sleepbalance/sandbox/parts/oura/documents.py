"""Documents as Oura writes them: what is told of one sleep period, one day, one account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.body import beats, resting, tenth, vitals
from sleepbalance.sandbox.hypnogram import EPOCH
from sleepbalance.sandbox.parts.oura.names import document_id, ring_id, user_id
from sleepbalance.sandbox.parts.oura.periods import Period
from sleepbalance.sandbox.people import Person

PIECE = 300  # seconds of one item of heart rates, and of a coarse stage
HALVES = PIECE // EPOCH
PERSISTENT = 10  # halves of a minute of sleep before Oura calls somebody asleep
NOTHING = 255  # the lowest heart rate where there was none


def sleep(
    person: Person, period: Period, index: int, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """`index` counts the periods of the day."""
    seconds = {digit: EPOCH * period.digits.count(digit) for digit in "1234"}
    total = seconds["1"] + seconds["2"] + seconds["3"]
    coarse = _coarse(period.digits)
    body = {
        "id": document_id(person, "sleep", period.id),
        "awake_time": seconds["4"],
        "bedtime_end": period.end.isoformat(),
        "bedtime_start": period.start.isoformat(),
        "day": period.day.isoformat(),
        "deep_sleep_duration": seconds["1"],
        "efficiency": max(1, round(100 * total / period.seconds)),
        "latency": _latency(period.digits),
        "light_sleep_duration": seconds["2"],
        "low_battery_alert": False,
        "movement_30_sec": "".join("2" if d == "4" else "1" for d in period.digits),
        "period": index,
        "readiness": _readiness(person, period),
        "readiness_score_delta": _delta(period, 3),
        "rem_sleep_duration": seconds["3"],
        "restless_periods": len(list(groupby(period.digits))),
        "sleep_phase_5_min": coarse,
        "sleep_score_delta": _delta(period, 5),
        "sleep_algorithm_version": "v2",
        "sleep_analysis_reason": _reason(period),
        "time_in_bed": period.seconds,
        "total_sleep_duration": total,
        "type": period.word,
        "app_sleep_phase_5_min": coarse,
        **_measured(person, period),
    }
    if settings["half_minutes"]:
        body["sleep_phase_30_sec"] = period.digits
        body["ring_id"] = ring_id(person, period.device)
    return body


def _coarse(digits: str) -> str:
    """What there is most of, in each five minutes."""
    pieces = [digits[at : at + HALVES] for at in range(0, len(digits), HALVES)]
    return "".join(max("4213", key=piece.count) for piece in pieces)


def _latency(digits: str) -> int:
    at = 0
    for awake, run in groupby(digits, key=lambda digit: digit == "4"):
        length = len(list(run))
        if not awake and length >= PERSISTENT:
            return at * EPOCH
        at += length
    return 0


def _delta(period: Period, short: int) -> int | None:
    """A long sleep is the score, a confirmed one moves it, any other does not count."""
    if not period.confirmed:
        return None
    return 0 if period.word == "long_sleep" else short


def _reason(period: Period) -> str:
    return "bedtime_edit" if period.edited else "foreground_sleep_analysis"


def _readiness(person: Person, period: Period) -> dict[str, Any]:
    told = vitals(person, period.date)
    deviation = None if told.baseline is None else round(told.warmth - told.baseline, 2)
    return {
        "contributors": {
            "body_temperature": 90,
            "hrv_balance": 80,
            "previous_night": 77,
            "recovery_index": 71,
            "resting_heart_rate": 88,
            "sleep_balance": 82,
        },
        "score": person.dice("oura readiness", period.date).whole(55, 95),
        "temperature_deviation": deviation,
        "temperature_trend_deviation": None if deviation is None else round(deviation / 2, 2),
    }


# -- heart and breath ----------------------------------------------------------------------------


def _measured(person: Person, period: Period) -> dict[str, Any]:
    """Short guesses have none of it."""
    told = vitals(person, period.date)
    if not period.told:
        return _numbers(told.breath, None, NOTHING, None)
    samples = list(beats(person, period.start.astimezone(dt.UTC), period.end.astimezone(dt.UTC)))
    first, last = period.asleep
    asleep = [beat.bpm for beat in samples if first <= beat.at < last]
    mean = round(8 * sum(asleep) / len(asleep)) / 8 if asleep else None
    return {
        **_numbers(told.breath, mean, min(asleep, default=NOTHING), int(told.rmssd + 0.5)),
        "heart_rate": _sample(period, _pieces(period, samples)),
        "hrv": _sample(period, _spread(person, period, told.rmssd)),
    }


def _numbers(breath: float, mean: float | None, low: int, rmssd: int | None) -> dict[str, Any]:
    return {
        "average_breath": breath,
        "average_heart_rate": mean,
        "average_hrv": rmssd,
        "heart_rate": None,
        "hrv": None,
        "lowest_heart_rate": low,
    }


def _pieces(period: Period, samples: Sequence[Any]) -> list[float | None]:
    found: dict[int, list[int]] = {}
    for beat in samples:
        found.setdefault(int((beat.at - period.start).total_seconds()) // PIECE, []).append(
            beat.bpm
        )
    count = -(-period.seconds // PIECE)
    means = (found.get(n) for n in range(count))
    return [float(round(sum(m) / len(m))) if m else None for m in means]


def _spread(person: Person, period: Period, middle: float) -> list[float | None]:
    dice = person.dice("oura hrv", period.id)
    items = range(-(-period.seconds // PIECE))
    return [
        None if dice.happens(0.03) else float(max(5, round(dice.bell(middle, middle / 6))))
        for _ in items
    ]


def _sample(period: Period, items: list[float | None]) -> dict[str, Any]:
    stamp = period.start.isoformat(timespec="milliseconds")
    return {"interval": float(PIECE), "items": items, "timestamp": stamp}


# -- days ----------------------------------------------------------------------------------------


def daily_sleep(person: Person, day: dt.date, nights: Sequence[Period]) -> dict[str, Any]:
    dice = person.dice("oura score", day)
    return {
        "id": document_id(person, "daily_sleep", day),
        "contributors": {
            name: dice.whole(40, 100)
            for name in (
                "deep_sleep",
                "efficiency",
                "latency",
                "rem_sleep",
                "restfulness",
                "timing",
                "total_sleep",
            )
        },
        "day": day.isoformat(),
        "score": dice.whole(50, 95),
        "timestamp": dt.datetime.combine(day, dt.time(), nights[0].end.tzinfo).isoformat(),
    }


def daily_oxygen(person: Person, day: dt.date, nights: Sequence[Period]) -> dict[str, Any]:
    longest = max(nights, key=lambda night: night.seconds)
    return {
        "id": document_id(person, "daily_spo2", day),
        "breathing_disturbance_index": person.dice("oura breath", day).whole(0, 20),
        "day": day.isoformat(),
        "spo2_percentage": {"average": vitals(person, longest.date).oxygen},
    }


def daily_readiness(person: Person, day: dt.date, nights: Sequence[Period]) -> dict[str, Any]:
    told = _readiness(person, max(nights, key=lambda night: night.seconds))
    stamp = dt.datetime.combine(day, dt.time(), nights[0].end.tzinfo).isoformat()
    about = {"id": document_id(person, "daily_readiness", day), "day": day.isoformat()}
    return {**about, **told, "timestamp": stamp}


# -- the account ---------------------------------------------------------------------------------


def personal_info(person: Person, scopes: Sequence[str]) -> dict[str, Any]:
    """The id whatever was allowed."""
    personal, email = "personal" in scopes, "email" in scopes
    return {
        "id": user_id(person),
        "age": person.dice("age").whole(21, 74) if personal else None,
        "weight": tenth(person.dice("weight").between(50, 95)) if personal else None,
        "height": tenth(person.dice("height").between(1.5, 1.95)) if personal else None,
        "biological_sex": None,
        "email": f"person{person.id}@example.org" if email else None,
    }


def heart_rates(person: Person, low: dt.datetime, high: dt.datetime) -> list[dict[str, Any]]:
    """Every five minutes."""
    rows = []
    for beat in beats(person, low, high):
        if beat.at.minute % 5 == 0:
            night = beat.bpm < resting(person, beat.at.date()) + 12
            rows.append(
                {
                    "timestamp": beat.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    "timestamp_unix": int(beat.at.timestamp()) * 1000,
                    "bpm": beat.bpm,
                    "source": "sleep" if night else "awake",
                }
            )
    return rows


def local_day(person: Person, now: dt.datetime) -> dt.date:
    return now.astimezone(ZoneInfo(person.place(now.date()))).date()
