"""Makes Takeouts as Google writes them, out of a few words, of a sandbox person, or of years.

`python -m tests.takeouts takeout.zip --years 12` makes one of years; nobody's data is in it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import Seen, World

ROOT = "Takeout/Fitbit"
LOGS, DATA = "Global Export Data", "Health Fitness Data_GoogleData"
MARK = "sleepbalance:demo"
SLEEPS = (
    "sleep_id,sleep_type,minutes_in_sleep_period,minutes_after_wake_up,minutes_to_fall_asleep,"
    "minutes_asleep,minutes_awake,start_utc_offset,sleep_start,end_utc_offset,sleep_end,"
    "data_source,algorithm_version,sleep_created,sleep_last_updated"
)
STAGES = (
    "sleep_id,sleep_stage_id,sleep_stage_type,start_utc_offset,sleep_stage_start,end_utc_offset,"
    "sleep_stage_end,data_source,sleep_stage_created,sleep_stage_last_updated"
)
SCORES = (
    "sleep_log_entry_id,timestamp,overall_score,composition_score,revitalization_score,"
    "duration_score,deep_sleep_in_minutes,resting_heart_rate,restlessness"
)
Stretch = tuple[int, str]  # seconds, level


def wall(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000"


def utc(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def offset(moment: dt.datetime) -> str:
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:]}"


def entry(
    start: dt.datetime, stages: Sequence[Stretch], log_id: int, short: Any = (), **more: Any
) -> dict[str, Any]:
    """A log entry; `start` is what the wall showed, `short` are (offset, seconds)."""
    start = start.replace(tzinfo=None)
    seconds = sum(each for each, _ in stages)
    end = start + dt.timedelta(seconds=seconds)
    data, at = [], start
    for each, level in stages:
        data.append({"dateTime": wall(at), "level": level, "seconds": each})
        at += dt.timedelta(seconds=each)
    staged = any(level in ("light", "deep", "rem") for _, level in stages)
    asleep = sum(n for n, level in stages if level in ("light", "deep", "rem", "asleep"))
    asleep -= sum(each for _, each in short)
    sums = {level: sum(n for n, word in stages if word == level) // 60 for _, level in stages}
    levels: dict[str, Any] = {"summary": {k: {"count": 1, "minutes": n} for k, n in sums.items()}}
    levels["data"] = data
    if staged:
        levels["shortData"] = [
            {
                "dateTime": wall(start + dt.timedelta(seconds=at)),
                "level": "wake",
                "seconds": each,
            }
            for at, each in short
        ]
    said = {
        "logId": log_id,
        "dateOfSleep": end.date().isoformat(),
        "startTime": wall(start),
        "endTime": wall(end),
        "duration": seconds * 1000,
        "minutesToFallAsleep": 0,
        "minutesAsleep": asleep // 60,
        "minutesAwake": (seconds - asleep) // 60,
        "minutesAfterWakeup": 0,
        "timeInBed": seconds // 60,
        "efficiency": 92,
        "type": "stages" if staged else "classic",
        "infoCode": 0,
        "logType": "auto_detected",
        "levels": levels,
        "mainSleep": True,
    }
    return said | more


@dataclass
class Takeout:
    """The files of one export, by path below its root."""

    files: dict[str, bytes] = field(default_factory=dict)
    root: str = ROOT
    mark: bool = False  # for folders that hold made-up data only

    def put(self, path: str, content: str | bytes) -> Takeout:
        data = content.encode() if isinstance(content, str) else content
        self.files[f"{self.root}/{path}"] = data
        return self

    def logs(self, chunk: str, entries: Iterable[dict[str, Any]]) -> Takeout:
        """A chunk of logs, newest first."""
        told = sorted(entries, key=lambda each: str(each.get("startTime")), reverse=True)
        if told and self.mark:
            told[0] = told[0] | {"madeUp": MARK}
        return self.put(f"{LOGS}/sleep-{chunk}.json", json.dumps(told, indent=2))

    def table(self, path: str, header: str, lines: Iterable[str], end: str = "\n") -> Takeout:
        if self.mark:
            header, lines = f"{header},{MARK}", [f"{line}," for line in lines]
        return self.put(path, end.join([header, *lines]) + end)

    def row(self, zoned: dt.datetime, stages: Sequence[Stretch], sleep_id: str) -> Takeout:
        """A file with one sleep, and one with its stages."""
        return self.rows("2026-09-01", [(zoned, stages, sleep_id)])

    def rows(
        self,
        chunk: str,
        sleeps: Iterable[tuple[dt.datetime, Sequence[Stretch], str]],
        typed_in: Collection[str] = (),
    ) -> Takeout:
        told: list[str] = []
        lines: list[str] = []
        for start, stages, sleep_id in sleeps:
            row = _row(start, stages, sleep_id)
            told.append(row.replace("DERIVED", "MANUAL") if sleep_id in typed_in else row)
            lines += _stage_lines(start, stages, sleep_id)
        self.table(f"{DATA}/UserSleeps_{chunk}.csv", SLEEPS, told)
        return self.table(f"{DATA}/UserSleepStages_{chunk}.csv", STAGES, lines)

    # -- handing it over -------------------------------------------------------------------------

    def zip(self, path: Path, only: Iterable[str] | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
            for name in self.files if only is None else only:
                entry = zipfile.ZipInfo(name, (2026, 11, 20, 12, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                whole.writestr(entry, self.files[name])
        return path

    def zips(self, folder: Path, count: int) -> list[Path]:
        """Several zips, as Takeout splits them."""
        names = list(self.files)
        return [
            self.zip(folder / f"takeout-20261120T120000Z-1-{n + 1:03}.zip", names[n::count])
            for n in range(count)
        ]

    def unpacked(self, folder: Path) -> Path:
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder


def _row(start: dt.datetime, stages: Sequence[Stretch], sleep_id: str) -> str:
    """`start` is aware; the place is the same at the end, its offset need not be."""
    seconds = sum(n for n, _ in stages)
    end = _later(start, seconds)
    asleep = sum(n for n, level in stages if level in ("light", "deep", "rem", "asleep"))
    kind = "STAGES" if any(level == "light" for _, level in stages) else "CLASSIC"
    told = utc(end + dt.timedelta(minutes=5))
    return (
        f"{sleep_id},{kind},{seconds // 60},0,0,{asleep // 60},{(seconds - asleep) // 60},"
        f"{offset(start)},{utc(start)},{offset(end)},{utc(end)},DERIVED,3,{told},{told}"
    )


def _stage_lines(start: dt.datetime, stages: Sequence[Stretch], sleep_id: str) -> Iterator[str]:
    at = 0
    for n, (seconds, level) in enumerate(stages):
        begin, end = _later(start, at), _later(start, at + seconds)
        word = "AWAKE" if level == "wake" else level.upper()
        yield (
            f"{sleep_id},{n},{word},{offset(begin)},{utc(begin)},{offset(end)},{utc(end)},"
            f"DERIVED,{utc(end)},{utc(end)}"
        )
        at += seconds


def _later(start: dt.datetime, seconds: int) -> dt.datetime:
    """On instants, in the same place."""
    return (start.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)).astimezone(start.tzinfo)


# -- of a person of the sandbox ----------------------------------------------------------------


def of_person(
    world: World, person: Person, first: dt.date, last: dt.date, *, rows: bool = False
) -> Takeout:
    """The archive of the same sleeps that the sandbox tells by its API, marked as made up."""
    made = Takeout(mark=True, root="Takeout/Google Health")
    seen = world.sleeps(person, first, last)
    months = sorted({each.date.replace(day=1) for each in seen})
    for month in months:
        own = [each for each in seen if each.date.replace(day=1) == month]
        made.logs(str(month), (_told(each) for each in own))
        if rows:
            typed_in = [_row_id(each) for each in own if each.telling.form == "manual"]
            made.rows(str(month), map(_zoned, own), typed_in)
    return made


def _levels(seen: Seen) -> list[Stretch]:
    staged = seen.telling.form == "staged"
    words = {"awake": "wake"} if staged else {}
    return [(s.seconds, words.get(s.stage, s.stage)) for s in seen.telling.stages]


def _told(seen: Seen) -> dict[str, Any]:
    told = seen.telling
    local = told.start + dt.timedelta(seconds=seen.sleep.offset(told.start, told))
    there = told.end + dt.timedelta(seconds=seen.sleep.offset(told.end, told))
    short = [(s.offset, s.seconds) for s in told.short]
    number = int.from_bytes(seen.sleep.id.encode(), "big") % 10**11
    more: dict[str, Any] = {"mainSleep": seen.main}
    if there - local != told.end - told.start:  # the clock was set, or they flew
        more |= {"endTime": wall(there), "dateOfSleep": there.date().isoformat()}
    if told.form == "manual":
        more["logType"] = "manual"
    return entry(local, _levels(seen), number, short, **more)


def _zoned(seen: Seen) -> tuple[dt.datetime, list[Stretch], str]:
    ahead = dt.timedelta(seconds=seen.sleep.offset(seen.telling.start, seen.telling))
    start = seen.telling.start.astimezone(dt.timezone(ahead))
    return start, _levels(seen), _row_id(seen)


def _row_id(seen: Seen) -> str:
    return str(int.from_bytes(seen.sleep.id.encode(), "big") % 10**18)


# -- of years ------------------------------------------------------------------------------------


def of_years(path: Path, years: float, *, clutter: int = 0, seed: int = 1) -> int:
    """A zip with so many years of nights, and files that nobody reads; gives how many nights."""
    chance = random.Random(seed)
    nights = round(years * 365)
    last = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as whole:
        for first in range(0, nights, 30):
            made = _month(chance, last - dt.timedelta(days=first), min(30, nights - first))
            for name, data in made.files.items():
                whole.writestr(name, data)
        for n in range(clutter):
            day = last.date() - dt.timedelta(days=n)
            beats = [_beat(chance, day, second) for second in range(0, 86_400, 3600)]
            whole.writestr(f"{ROOT}/{LOGS}/heart_rate-{day}.json", json.dumps(beats))
    return nights


def _beat(chance: random.Random, day: dt.date, second: int) -> dict[str, Any]:
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    bpm = chance.randrange(48, 120)
    return {"dateTime": f"{day:%m/%d/%y} {clock}", "value": {"bpm": bpm, "confidence": 3}}


def _month(chance: random.Random, last: dt.datetime, count: int) -> Takeout:
    made, logs, rows = Takeout(), [], []
    beside: dict[str, list[str]] = {"hrv": [], "breath": [], "oxygen": [], "score": []}
    for n in range(count):
        midnight = last - dt.timedelta(days=n)
        start = midnight - dt.timedelta(seconds=chance.randrange(-60, 60) * 30 + 3600)
        stages = _stages(chance)
        log_id, day = round(midnight.timestamp()) * 10 + 1, midnight.date()
        short = [(3600 + 900 * k, 60) for k in range(8)]
        logs.append(entry(start, stages, log_id, short))
        zone = dt.timezone(dt.timedelta(hours=1))
        rows.append((start.replace(tzinfo=zone), stages, f"8{log_id:018}"))
        beside["hrv"].append(f"{day}T00:00:00,{chance.uniform(30, 60):.3f},55.1,2.7")
        beside["breath"].append(f"{day}T00:00:00,{chance.uniform(13, 17):.1f}")
        beside["oxygen"].append(f"{day}T00:00:00Z,{chance.uniform(94, 98):.1f},92.0,99.0")
        beside["score"].append(f"{log_id},{day}T06:00:00Z,80,,80,,60,55,0.08")
        _details(chance, made, start, day)
    chunk = str(last.date())
    made.logs(chunk, logs).rows(chunk, rows)
    rate = "Heart Rate Variability"
    made.table(
        f"{rate}/Daily Heart Rate Variability Summary - {chunk}.csv",
        "timestamp,rmssd,nremhr,entropy",
        beside["hrv"],
    )
    made.table(
        f"{rate}/Daily Respiratory Rate Summary - {chunk}.csv",
        "timestamp,daily_respiratory_rate",
        beside["breath"],
    )
    made.table(
        f"Oxygen Saturation (SpO2)/Daily SpO2 - {chunk}.csv",
        "timestamp,average_value,lower_bound,upper_bound",
        beside["oxygen"],
    )
    return made.table(f"Sleep Score/sleep_score_{chunk}.csv", SCORES, beside["score"])


def _stages(chance: random.Random) -> list[Stretch]:
    words = ("wake", "light", "deep", "light", "rem")
    return [(chance.randrange(10, 60) * 30, words[n % 5]) for n in range(30)]


def _details(chance: random.Random, made: Takeout, start: dt.datetime, day: dt.date) -> None:
    """Five minutes of HRV and one minute of oxygen, a file a day each."""
    rates = [
        f"{start + dt.timedelta(minutes=5 * n):%Y-%m-%dT%H:%M:%S},{chance.uniform(20, 70):.3f},"
        "0.98,812.1,440.2"
        for n in range(90)
    ]
    made.table(
        f"Heart Rate Variability/Heart Rate Variability Details - {day}.csv",
        "timestamp,rmssd,coverage,low_frequency,high_frequency",
        rates,
    )
    levels = [
        f"{start + dt.timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},"
        f"{50.0 if chance.random() < 0.15 else chance.uniform(92, 99):.1f}"
        for n in range(420)
    ]
    made.table(f"Oxygen Saturation (SpO2)/Minute SpO2 - {day}.csv", "timestamp,value", levels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--years", type=float, default=1)
    parser.add_argument("--clutter", type=int, default=0, help="days of heart rate")
    given = parser.parse_args()
    print(of_years(given.path, given.years, clutter=given.clutter), "nights")


if __name__ == "__main__":
    main()
