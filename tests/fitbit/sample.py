"""Writes the made-up Takeout in the provider's `samples`: `python -m tests.fitbit.sample`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from sleepbalance.providers import fitbit
from tests.takeouts import DATA, LOGS, SCORES, Takeout, entry

PATH = Path(fitbit.__file__).parent / "samples" / "takeout.zip"
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = (
    (600, "wake"),
    (5400, "light"),
    (3600, "deep"),
    (2700, "light"),
    (2400, "rem"),
    (300, "wake"),
    (6300, "light"),
    (3000, "rem"),
    (300, "wake"),
)
NAP = ((1500, "asleep"), (120, "restless"), (900, "asleep"), (60, "awake"))
BLOCK = ((26_100, "asleep"),)


def made() -> Takeout:
    """A staged night with its row, a nap, a hand entry, a night of 2012, and a row alone."""
    first, second = (dt.datetime(2026, 9, d, 22, 41, 30, tzinfo=BERLIN) for d in (10, 11))
    takeout = Takeout(root="Takeout/Google Health")
    logs = [
        entry(first, NIGHT, 50100000001, ((2400, 90), (12_000, 60))),
        entry(dt.datetime(2026, 9, 11, 14, 5, tzinfo=BERLIN), NAP, 50100000002, mainSleep=False),
        entry(dt.datetime(2026, 9, 13, 0, 30, tzinfo=BERLIN), BLOCK, 50100000003, logType="manual"),
    ]
    takeout.logs("2026-08-24", logs)
    takeout.logs("2012-03-01", [_very_old()])
    takeout.logs("2026-09-23", [])
    takeout.rows("2026-09-01", [(first, NIGHT, "81" * 9 + "1"), (second, NIGHT, "81" * 9 + "2")])
    return _beside(takeout)


def _very_old() -> dict[str, object]:
    told = entry(dt.datetime(2012, 3, 4, 23, 50, tzinfo=BERLIN), ((1200, "asleep"),), 9100000001)
    codes = "1" * 8 + "2" * 3 + "1" * 8 + "3"
    minutes = [
        {"dateTime": f"{23 if n < 10 else 0:02}:{(50 + n) % 60:02}:00", "value": code}
        for n, code in enumerate(codes)
    ]
    return {k: v for k, v in told.items() if k != "levels"} | {"minuteData": minutes}


def _beside(takeout: Takeout) -> Takeout:
    rates = [
        f"2026-09-{'10T23' if n < 12 else '11T00'}:{n * 5 % 60:02}:00,{38 + n % 7}.5,0.98,700.1,300"
        for n in range(24)
    ]
    levels = [f"2026-09-10T22:{n:02}:00Z,{50.0 if n % 7 == 0 else 95 + n % 3}" for n in range(40)]
    summary = "Heart Rate Variability Summary"
    takeout.table(
        "Sleep Score/sleep_score.csv",
        SCORES,
        ["50100000001,2026-09-11T05:29:30Z,81,,80,,60,54,0.071"],
    )
    takeout.table(
        f"{DATA}/UserSleepScores_2026-09-01.csv",
        "sleep_id,sleep_score_id,data_source,score_utc_offset,score_time,overall_score,"
        "duration_score",
        ["8181818181818181812,1,DERIVED,+02:00,2026-09-12T05:40:00Z,77,-1"],
    )
    takeout.table(
        f"Heart Rate Variability/Daily {summary} - 2026-09-(11).csv",
        "timestamp,rmssd,nremhr,entropy",
        ["2026-09-11T00:00:00,41.337,53.2,2.61"],
    )
    takeout.table(
        "Heart Rate Variability/Heart Rate Variability Details - 2026-09-10.csv",
        "timestamp,rmssd,coverage,low_frequency,high_frequency",
        rates,
    )
    takeout.table(
        "Heart Rate Variability/Daily Respiratory Rate Summary - 2026-09-11.csv",
        "timestamp,daily_respiratory_rate",
        ["2026-09-11T00:00:00,14.6"],
    )
    takeout.table(
        "Oxygen Saturation (SpO2)/Daily SpO2 - 2026-09-01-2026-09-30.csv",
        "timestamp,average_value,lower_bound,upper_bound",
        ["2026-09-11T00:00:00Z,95.8,92.1,98.9", "2026-09-12T00:00:00Z,50.0,50.0,50.0"],
    )
    takeout.table(
        "Oxygen Saturation (SpO2)/Minute SpO2 - 2026-09-10.csv", "timestamp,value", levels
    )
    takeout.table(
        "Temperature/Computed Temperature - 2026-09-01.csv",
        "type,sleep_start,sleep_end,temperature_samples,nightly_temperature",
        ["SKIN,2026-09-10T22:41,2026-09-11T05:31,410,33.94"],
    )
    return takeout.put(
        f"{LOGS}/resting_heart_rate-2026-01-01.json",
        '[{"dateTime" : "09/11/26 00:00:00", "value" : {"date" : "09/11/26", "value" : 54.2,'
        ' "error" : 6.7}},{"dateTime" : "09/12/26 00:00:00", "value" : {"date" : null,'
        ' "value" : 0.0, "error" : 0.0}}]',
    )


if __name__ == "__main__":
    made().zip(PATH)
