"""The truth is what follows from the maker's own answers, worked out a second time."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from statistics import fmean
from typing import Any

import pytest

from tests.sandbox.guest import Guest

ASLEEP = ("LIGHT", "DEEP", "REM", "ASLEEP")
STAGES = ("DEEP", "REM", "LIGHT", "ASLEEP")
COLUMNS = ("deep", "rem", "light", "unspecified")


def halves(span: dt.timedelta) -> int:
    count, rest = divmod(span, dt.timedelta(seconds=30))
    assert not rest
    return count


class Told:
    """One data point, half minute by half minute: finer than that, nothing is told."""

    def __init__(self, point: Any) -> None:
        sleep = point["sleep"]
        self.start, self.end = self._span(sleep["interval"])
        ahead = int(sleep["interval"]["endUtcOffset"][:-1])
        self.zone = dt.timezone(dt.timedelta(seconds=ahead))
        self.flags = sleep["metadata"]
        self.by_hand = point["dataSource"]["recordingMethod"] == "MANUAL"
        self.picture: list[str] = []
        for stage in sleep["stages"]:
            start, end = self._span(stage)
            assert halves(start - self.start) == len(self.picture)
            self.picture += [stage["type"]] * halves(end - start)
        assert len(self.picture) == halves(self.end - self.start)
        for short in sleep.get("shortAwakenings", []):
            first, last = (halves(t - self.start) for t in self._span(short))
            self.picture[first:last] = ["AWAKE"] * (last - first)

    @staticmethod
    def _span(told: Any) -> tuple[dt.datetime, dt.datetime]:
        return (
            dt.datetime.fromisoformat(told["startTime"]),
            dt.datetime.fromisoformat(told["endTime"]),
        )

    @property
    def date(self) -> str:
        return self.end.astimezone(self.zone).date().isoformat()

    @property
    def asleep(self) -> int:
        return 30 * sum(stage in ASLEEP for stage in self.picture)

    @property
    def period(self) -> tuple[int, int]:
        places = [n for n, stage in enumerate(self.picture) if stage in ASLEEP]
        return places[0], places[-1] + 1

    @property
    def awake(self) -> int:
        first, last = self.period
        return 30 * sum(stage not in ASLEEP for stage in self.picture[first:last])

    def instants(self) -> tuple[dt.datetime, dt.datetime]:
        first, last = (dt.timedelta(seconds=30 * s) for s in self.period)
        return self.start + first, self.start + last


def recomputed(sleeps: list[Told]) -> dict[str, Any]:
    """The row of a date whose sleeps are nights and naps of one device."""
    parts = [s for s in sleeps if not s.flags.get("nap")]
    seconds = {name: 30 * sum(p.picture.count(name) for p in parts) for name in STAGES}
    total = (sum(seconds.values()) + 30) // 60
    staged = any(seconds[s] for s in STAGES[:3])
    share = {name: seconds[name] // 60 for name in STAGES}
    for name in sorted(STAGES, key=lambda s: -(seconds[s] % 60))[: total - sum(share.values())]:
        share[name] += 1
    row: dict[str, Any] = {"total_sleep_time": total}
    for name, column in zip(STAGES, COLUMNS, strict=True):
        known = staged or name == "ASLEEP"
        row[f"{column}_sleep_duration"] = share[name] if known else None
    by_hand = parts[0].by_hand
    row["awake_duration"] = None if by_hand else (sum(p.awake for p in parts) + 30) // 60
    row["bed_time"] = None if by_hand else parts[0].start
    row["wake_time"] = None if by_hand else parts[-1].end
    row["sleep_start_time"] = parts[0].instants()[0]
    row["sleep_end_time"] = parts[-1].instants()[1]
    return row


@pytest.mark.parametrize("person", ["1", "2", "3", "4"])
def test_every_night_of_everybody(stranger: Guest, person: str) -> None:
    stranger.sign_in(person)
    by_date = defaultdict(list)
    for point in reversed(stranger.all_points()):
        told = Told(point)
        by_date[told.date].append(told)
    truth = {row["sleep_date"]: row for row in stranger.truth(person)}
    nights = {d for d, told in by_date.items() if any(not t.flags.get("nap") for t in told)}
    assert set(truth) == nights
    for date in nights:
        row, sleeps = truth[date], by_date[date]
        for column, value in recomputed(sleeps).items():
            found = row[column]
            if isinstance(value, dt.datetime):
                found = dt.datetime.fromisoformat(found)
            assert found == value, (date, column)
        naps = [t for t in sleeps if t.flags.get("nap")]
        assert [n["total_sleep_time"] for n in row["naps"]] == [(n.asleep + 30) // 60 for n in naps]
        assert sum(bool(t.flags.get("mainSleep")) for t in sleeps) == 1


def test_local_times_carry_the_offset_of_there_and_then(guest: Guest) -> None:
    (row,) = guest.truth(query="?from=2026-10-25&to=2026-10-25")
    assert row["bed_time"].endswith("+02:00")
    assert row["wake_time"].endswith("+01:00")
    assert row["sleep_date"] == row["sleep_end_time"][:10]


def test_the_heart_of_a_night_is_what_the_maker_sums_up(guest: Guest) -> None:
    rows = [r for r in guest.truth(query="?from=2026-10-20&to=2026-11-20") if r["parts"] == 1]
    assert len(rows) > 20
    for row in rows:
        low, high = (dt.datetime.fromisoformat(row[f"sleep_{n}_time"]) for n in ("start", "end"))
        window = f"{int((high - low).total_seconds())}s"
        rolled = guest.rolled(low, high, window).json().get("rollupDataPoints", [])
        rates = [r["heartRate"] for r in rolled]
        assert [r["beatsPerMinuteAvg"] for r in rates] == [row["avg_heart_rate"]] * len(rates)
        assert [r["beatsPerMinuteMin"] for r in rates] == [row["min_heart_rate"]] * len(rates)
        assert bool(rates) == (row["avg_heart_rate"] is not None)


def test_rolled_up_windows_are_means_of_samples(guest: Guest) -> None:
    end = dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)
    start = end - dt.timedelta(hours=5, seconds=17)
    text = (
        f'heart_rate.sample_time.physical_time >= "{start:%Y-%m-%dT%H:%M:%SZ}" AND '
        f'heart_rate.sample_time.physical_time < "{end:%Y-%m-%dT%H:%M:%SZ}"'
    )
    samples = [
        (
            dt.datetime.fromisoformat(p["heartRate"]["sampleTime"]["physicalTime"]),
            int(p["heartRate"]["beatsPerMinute"]),
        )
        for p in guest.all_points("heart-rate", filter=text)
    ]
    assert len(samples) > 250
    for window in guest.rolled(start, end, "600s").json()["rollupDataPoints"]:
        low, high = (dt.datetime.fromisoformat(window[n]) for n in ("startTime", "endTime"))
        inside = [rate for at, rate in samples if low <= at < high]
        assert window["heartRate"]["beatsPerMinuteAvg"] == pytest.approx(fmean(inside), abs=0.051)
        assert window["heartRate"]["beatsPerMinuteMax"] == max(inside)


def test_the_vitals_of_a_night_are_in_the_daily_types(guest: Guest) -> None:
    truth = {row["sleep_date"]: row for row in guest.truth() if row["avg_hrv"] is not None}
    for kind, member, field, column in (
        (
            "daily-heart-rate-variability",
            "dailyHeartRateVariability",
            "averageHeartRateVariabilityMilliseconds",
            "avg_hrv",
        ),
        (
            "daily-respiratory-rate",
            "dailyRespiratoryRate",
            "breathsPerMinute",
            "avg_breathing_rate",
        ),
        ("daily-oxygen-saturation", "dailyOxygenSaturation", "averagePercentage", "avg_spo2"),
        (
            "daily-sleep-temperature-derivations",
            "dailySleepTemperatureDerivations",
            "nightlyTemperatureCelsius",
            "skin_temperature",
        ),
    ):
        told = {}
        for point in guest.all_points(kind):
            day = point[member]["date"]
            told[str(dt.date(day["year"], day["month"], day["day"]))] = point[member][field]
        assert told == {date: row[column] for date, row in truth.items()}
    ends = {
        p["respiratoryRateSleepSummary"]["sampleTime"]["physicalTime"]
        for p in guest.all_points("respiratory-rate-sleep-summary")
    }
    staged = {
        p["sleep"]["interval"]["endTime"]
        for p in guest.all_points()
        if p["sleep"]["type"] == "STAGES"
    }
    assert ends == staged
