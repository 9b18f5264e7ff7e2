"""Makes up an account export of Garmin of any length, in the shape that Garmin gives it.

Files of about 100 days that share their edges, `{"retro": false}` for days without a night, naps,
a few hand entries, resting heart rates and health status. Everything follows from the seed.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

USER = 4711042
LAST = dt.date(2026, 11, 13)
WELLNESS = "DI_CONNECT/DI-Connect-Wellness"
AGGREGATOR = "DI_CONNECT/DI-Connect-Aggregator"
BUCKET = 100  # days
AHEAD = dt.timedelta(hours=1)  # of the wall clock


def export(years: float, seed: int = 1, *, last: dt.date = LAST, folder: str = "") -> bytes:
    """The zip of an account of so many years that ends on `last`; `folder` is put before it all."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files(years, seed, last=last):
            info = zipfile.ZipInfo(folder + name, (2026, 11, 14, 8, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return packed.getvalue()


def files(years: float, seed: int = 1, *, last: dt.date = LAST) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file."""
    first = last - dt.timedelta(days=round(years * 365.25) - 1)
    while first <= last:
        until = min(last, first + dt.timedelta(days=BUCKET))
        dates = [first + dt.timedelta(days=n) for n in range((until - first).days + 1)]
        named = f"{first}_{until}"
        sleeps = [night(date, seed) for date in dates]
        yield f"{WELLNESS}/{named}_{USER}_sleepData.json", packed(sleeps)
        status = [health(date, seed) for date in dates]
        yield f"{WELLNESS}/{named}_{USER}_healthStatusData.json", packed(status)
        yield f"{AGGREGATOR}/UDSFile_{named}.json", packed([day(date, seed) for date in dates])
        first = until if until < last else last + dt.timedelta(days=1)
    yield "customer_data/customer.json", b"{}"


def packed(records: list[Json]) -> bytes:
    return json.dumps(records, indent=1).encode()


def night(date: dt.date, seed: int = 1, **told: Any) -> Json:
    """One record of a `sleepData` file; what is given by name stands in it instead."""
    dice = random.Random(f"{seed}/{date}")
    if dice.random() < 0.18 and not told:
        return {"retro": False}
    start = _utc(date) - AHEAD - dt.timedelta(seconds=dice.randint(-3600, 7200))
    deep, light, rem = (
        60 * dice.randint(*low_high) for low_high in ((50, 90), (180, 260), (50, 110))
    )
    awake, lost = 60 * dice.randint(2, 40), 60 * dice.choice((0, 0, 0, 3))
    end = start + dt.timedelta(seconds=deep + light + rem + awake + lost)
    record: Json = {
        "sleepStartTimestampGMT": stamp(start),
        "sleepEndTimestampGMT": stamp(end),
        "calendarDate": str(date),
        "sleepWindowConfirmationType": "ENHANCED_CONFIRMED_FINAL",
        "deepSleepSeconds": deep,
        "lightSleepSeconds": light,
        "remSleepSeconds": rem,
        "awakeSleepSeconds": awake,
        "unmeasurableSeconds": lost,
        "averageRespiration": dice.randint(120, 150) / 10,
        "lowestRespiration": 9.0,
        "highestRespiration": 18.0,
        "retro": False,
        "awakeCount": dice.randint(0, 4),
        "avgSleepStress": dice.randint(100, 250) / 10,
        "restlessMomentCount": dice.randint(15, 50),
        "sleepScores": {"overallScore": dice.randint(55, 95), "feedback": "POSITIVE_DEEP"},
        "spo2SleepSummary": {
            "userProfilePk": USER,
            "sleepMeasurementStartGMT": stamp(start),
            "sleepMeasurementEndGMT": stamp(end),
            "averageSPO2": float(dice.randint(92, 97)),
            "averageHR": float(dice.randint(44, 60)),
            "lowestSPO2": dice.randint(80, 91),
        },
    }
    if dice.random() < 0.1:
        record["napList"] = [nap(_utc(date) + dt.timedelta(hours=13), 60 * dice.randint(20, 80))]
    return record | told


def nap(start: dt.datetime, seconds: int, **told: Any) -> Json:
    return {
        "napStartTimestampGMT": stamp(start)[:-2],
        "napEndTimestampGMT": stamp(start + dt.timedelta(seconds=seconds))[:-2],
        "napTimeSec": seconds,
        "calendarDate": str(start.date()),
    } | told


def health(date: dt.date, seed: int = 1) -> Json:
    """One record of a `healthStatusData` file; 0.0 and a missing value mean that there is none."""
    dice = random.Random(f"health/{seed}/{date}")
    known = dice.random() < 0.9
    return {
        "calendarDate": str(date),
        "metrics": [
            {
                "type": "HRV",
                "value": float(dice.randint(30, 70)) if known else 0.0,
                "baselineUpperLimit": 62.0 if known else 0.0,
                "baselineLowerLimit": 38.0 if known else 0.0,
            },
            {"type": "HR", "value": 50.0, "baselineUpperLimit": 0.0, "baselineLowerLimit": 0.0},
            {"type": "RESPIRATION", "value": 13.4},
            {"type": "SKIN_TEMP_C"},
        ],
    }


def day(date: dt.date, seed: int = 1) -> Json:
    """One record of a `UDSFile`, of which only the resting heart rate is of interest."""
    dice = random.Random(f"day/{seed}/{date}")
    return {
        "userProfilePK": USER,
        "calendarDate": str(date),
        "totalSteps": dice.randint(500, 20_000),
        "restingHeartRate": dice.choice((0, 47, 48, 49, 50, 51)),
        "bodyBattery": {"lowest": 20, "highest": 90},
    }


def stamp(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.0"


def _utc(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), dt.UTC)
