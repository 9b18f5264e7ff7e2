"""Writes the made-up export that `make run` imports: four weeks of an invented person's sleep.

    python tools/make_demo_export.py

Everything in it is invented and says so. It is laid out as the phone does it and always comes out
the same, so that a test can hold the shipped file to this script.
"""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

SHIPPED = (
    Path(__file__).parents[1] / "src/sleepbalance/providers/apple_health/samples/demo_export.zip"
)
FIRST, LAST = dt.date(2026, 10, 25), dt.date(2026, 11, 21)  # dates of waking
PRINTED = dt.timezone(dt.timedelta(hours=1))  # the offset of the day of the export, for every date
HOME, AWAY = "Europe/Berlin", "America/New_York"
WATCH, PHONE, RING = "Demo Watch", "Demo iPhone", "Demo Ring"
VERSIONS = {WATCH: "26.1", PHONE: "26.1", RING: "3.4"}
DEVICE = "<<HKDevice: 0x0>, name:Demo Watch, manufacturer:Nobody, model:Watch>"
MINUTE = dt.timedelta(minutes=1)

BED_ONLY, BY_HAND, FLIGHT = dt.date(2026, 11, 10), dt.date(2026, 10, 29), dt.date(2026, 11, 16)
TWO_PARTS = dt.date(2026, 11, 3)
TRIP = (dt.date(2026, 11, 13), dt.date(2026, 11, 15))
RING_NIGHTS = (dt.date(2026, 11, 5), dt.date(2026, 11, 9))
NAPS = {dt.date(2026, 11, 7): ("14:10", 84), FLIGHT: ("15:05", 71)}

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!-- sleepbalance:demo -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
<!ELEMENT ExportDate EMPTY>
<!ATTLIST ExportDate
  value CDATA #REQUIRED
>
<!ELEMENT Me EMPTY>
<!ATTLIST Me
  HKCharacteristicTypeIdentifierDateOfBirth         CDATA #REQUIRED
  HKCharacteristicTypeIdentifierBiologicalSex       CDATA #REQUIRED
>
<!ELEMENT Record ((MetadataEntry|HeartRateVariabilityMetadataList)*)>
<!ATTLIST Record
  type          CDATA #REQUIRED
  unit          CDATA #IMPLIED
  value         CDATA #IMPLIED
  sourceName    CDATA #REQUIRED
  sourceVersion CDATA #IMPLIED
  device        CDATA #IMPLIED
  creationDate  CDATA #IMPLIED
  startDate     CDATA #REQUIRED
  endDate       CDATA #REQUIRED
>
<!ELEMENT Workout (MetadataEntry*)>
<!ATTLIST Workout
  workoutActivityType   CDATA #REQUIRED
  duration              CDATA #IMPLIED
  durationUnit          CDATA #IMPLIED
  sourceName            CDATA #REQUIRED
  sourceVersion         CDATA #IMPLIED
  creationDate          CDATA #IMPLIED
  startDate             CDATA #REQUIRED
  endDate               CDATA #REQUIRED
>
<!ELEMENT MetadataEntry EMPTY>
<!ATTLIST MetadataEntry
  key   CDATA #REQUIRED
  value CDATA #REQUIRED
>
<!ELEMENT HeartRateVariabilityMetadataList (InstantaneousBeatsPerMinute*)>
<!ELEMENT InstantaneousBeatsPerMinute EMPTY>
<!ATTLIST InstantaneousBeatsPerMinute
  bpm  CDATA #REQUIRED
  time CDATA #REQUIRED
>
]>
<HealthData locale="en_DE">
 <ExportDate value="2026-11-21 18:04:09 +0100"/>
 <Me HKCharacteristicTypeIdentifierDateOfBirth="" \
HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexNotSet"/>
"""
CDA = """<?xml version="1.0"?>
<!-- sleepbalance:demo -->
<ClinicalDocument xmlns="urn:hl7-org:v3"/>
"""


class Span(NamedTuple):
    """Something that lasted, and what it was."""

    start: dt.datetime
    end: dt.datetime
    what: str


class Night(NamedTuple):
    zone: str
    up: dt.datetime
    in_bed: list[Span]
    stages: list[Span]


class Chance:
    """A little unevenness, the same on every Python: only `random()` is promised to be."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random  # noqa: S311 -- nothing secret

    def between(self, low: int, high: int) -> int:
        return low + int(self._random() * (high - low + 1))


def days() -> Iterator[dt.date]:
    for number in range((LAST - FIRST).days + 1):
        yield FIRST + dt.timedelta(days=number)


def local(day: dt.date, clock: str, zone: str) -> dt.datetime:
    time = dt.time.fromisoformat(clock)
    return dt.datetime.combine(day, time, ZoneInfo(zone)).astimezone(dt.UTC)


def stages(start: dt.datetime, minutes: int, chance: Chance) -> list[Span]:
    """Cycles of about 90 minutes, with less deep sleep and more REM in each."""
    told: list[Span] = []
    end, now, cycle = start + minutes * MINUTE, start, 0
    while now < end:
        for what, length in (
            ("AsleepCore", chance.between(12, 24)),
            ("AsleepDeep", max(chance.between(30, 42) - 11 * cycle, 0)),
            ("AsleepCore", chance.between(18, 30)),
            ("AsleepREM", min(chance.between(6, 12) + 7 * cycle, 38)),
            ("Awake", chance.between(2, 6) if chance.between(0, 2) else 0),
        ):
            until = min(now + length * MINUTE, end)
            if until > now:
                told.append(Span(now, until, what))
            now = until
        cycle += 1
    return told[:-1] if told[-1].what == "Awake" else told


def night(day: dt.date) -> Night:
    """The night that ends on `day`, as the watch and the phone beside the bed tell it."""
    chance = Chance(f"night {day}")
    zone = AWAY if TRIP[0] <= day <= FLIGHT else HOME
    late = 55 if day.weekday() >= 5 else 0
    bed = local(day - dt.timedelta(days=1), "22:40", zone) + (late + chance.between(0, 35)) * MINUTE
    if day == FLIGHT:  # on the plane home: no phone beside a bed
        return Night(HOME, bed, [], stages(local(day, "00:20", HOME) + 180 * MINUTE, 193, chance))
    onset = bed + chance.between(6, 22) * MINUTE
    if day == TWO_PARTS:
        told = stages(onset, 185, chance)
        told += stages(told[-1].end + 44 * MINUTE, 206, chance)
    else:
        told = stages(onset, 430 + late + chance.between(-45, 25), chance)
    up = told[-1].end + chance.between(3, 16) * MINUTE
    if day == TWO_PARTS:
        hole = next(a.end for a, b in pairwise(told) if a.end < b.start)
        beds = [(bed, hole + 4 * MINUTE), (hole + 37 * MINUTE, up)]
    elif day == BED_ONLY:
        picked_up = bed + 41 * MINUTE, bed + 48 * MINUTE, up - 95 * MINUTE, up - 88 * MINUTE
        beds = [(bed, picked_up[0]), (picked_up[1], picked_up[2]), (picked_up[3], up)]
    else:
        beds = [(bed, up)]
    return Night(zone, up, [Span(a, b, "InBed") for a, b in beds], told)


def watch_sleeps() -> Iterator[tuple[str, list[Span]]]:
    for day in days():
        if day not in (BED_ONLY, BY_HAND):
            told = night(day)
            yield AWAY if day == FLIGHT else told.zone, told.stages
        if day in NAPS:
            clock, minutes = NAPS[day]
            yield HOME, stages(local(day, clock, HOME), minutes, Chance(f"nap {day}"))


def stamp(instant: dt.datetime) -> str:
    return f"{instant.astimezone(PRINTED):%Y-%m-%d %H:%M:%S %z}"


def element(name: str, attributes: dict[str, str], children: str = "") -> str:
    told = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f" <{name}{told}>\n{children} </{name}>\n" if children else f" <{name}{told}/>\n"


def metadata(**entries: str) -> str:
    return "".join(
        f'  <MetadataEntry key="{key}" value={quoteattr(value)}/>\n'
        for key, value in entries.items()
    )


def record(
    kind: str,
    source: str,
    span: tuple[dt.datetime, dt.datetime, str],
    *,
    unit: str = "",
    created: dt.datetime | None = None,
    children: str = "",
) -> str:
    start, end, value = span
    attributes = {"type": kind, "sourceName": source, "sourceVersion": VERSIONS[source]}
    if unit and source == WATCH:
        attributes["device"] = DEVICE
    if unit:
        attributes["unit"] = unit
    attributes |= {
        "creationDate": stamp(created or end),
        "startDate": stamp(start),
        "endDate": stamp(end),
        "value": value,
    }
    return element("Record", attributes, children)


def sleep(source: str, span: Span, written: dt.datetime, **facts: str) -> str:
    whole = span._replace(what="HKCategoryValueSleepAnalysis" + span.what)
    kind = "HKCategoryTypeIdentifierSleepAnalysis"
    return record(kind, source, whole, created=written, children=metadata(**facts))


def sleep_records() -> Iterator[str]:
    for day in days():
        told = night(day)
        if day != BY_HAND:
            for span in told.in_bed:
                yield sleep(PHONE, span, told.up + MINUTE, HKTimeZone=told.zone)
        if RING_NIGHTS[0] <= day <= RING_NIGHTS[1]:
            whole = Span(
                told.stages[0].start - 7 * MINUTE, told.up - 2 * MINUTE, "AsleepUnspecified"
            )
            yield sleep(RING, whole, told.up + 50 * MINUTE)
    by_hand = Span(
        local(BY_HAND - dt.timedelta(days=1), "23:15", HOME),
        local(BY_HAND, "06:30", HOME),
        "AsleepUnspecified",
    )
    facts = {"HKWasUserEntered": "1", "HKTimeZone": HOME}
    yield sleep(PHONE, by_hand, by_hand.end + 95 * MINUTE, **facts)
    for zone, told_by_watch in watch_sleeps():
        written = told_by_watch[-1].end + 5 * MINUTE
        lines = [sleep(WATCH, span, written, HKTimeZone=zone) for span in told_by_watch]
        if told_by_watch[-1].end.date() == RING_NIGHTS[0]:
            lines.insert(3, lines[2])  # the watch hands one sample over twice
        yield from lines


def readings(
    kind: str, unit: str, every: tuple[int, int], value: Callable[[str, Chance], str]
) -> Iterator[str]:
    """One sensor of the watch through every sleep, at uneven intervals of minutes."""
    for _, told in watch_sleeps():
        chance = Chance(f"{kind} {told[0].start}")
        now = told[0].start + chance.between(1, 4) * MINUTE
        while now < told[-1].end:
            stage = next((span.what for span in told if span.start <= now < span.end), "")
            if stage:
                span = (now, now, value(stage, chance))
                yield record("HKQuantityTypeIdentifier" + kind, WATCH, span, unit=unit)
            now += chance.between(*every) * MINUTE


def heart_rate(stage: str, chance: Chance) -> str:
    lowest = {"AsleepDeep": 47, "AsleepCore": 50, "AsleepREM": 54, "Awake": 60}[stage]
    return str(lowest + chance.between(0, 6))


def breathing(_stage: str, chance: Chance) -> str:
    return str(13 + chance.between(0, 5) / 2)


def saturation(_stage: str, chance: Chance) -> str:
    return str(round(0.94 + chance.between(0, 5) / 100, 2))


def variability() -> Iterator[str]:
    for _, told in watch_sleeps():
        chance = Chance(f"sdnn {told[0].start}")
        now = told[0].start + 25 * MINUTE
        while now + MINUTE < told[-1].end:
            beats = "".join(
                f'   <InstantaneousBeatsPerMinute bpm="{chance.between(50, 58)}" '
                f'time="{second // 60}:{second % 60:02}.40"/>\n'
                for second in (12, 13)
            )
            yield record(
                "HKQuantityTypeIdentifierHeartRateVariabilitySDNN",
                WATCH,
                (now, now + MINUTE, str(38 + chance.between(0, 300) / 10)),
                unit="ms",
                children="  <HeartRateVariabilityMetadataList>\n"
                f"{beats}  </HeartRateVariabilityMetadataList>\n",
            )
            now += chance.between(105, 135) * MINUTE


def steps() -> Iterator[str]:
    for day in days():
        chance = Chance(f"steps {day}")
        for hour in (9, 13, 18):
            start = local(day, f"{hour:02}:00", HOME) + chance.between(0, 50) * MINUTE
            span = (start, start + 9 * MINUTE, str(chance.between(300, 1100)))
            yield record("HKQuantityTypeIdentifierStepCount", PHONE, span, unit="count")


def workouts() -> Iterator[str]:
    for day, clock, zone in (
        (dt.date(2026, 11, 2), "18:10", HOME),
        (dt.date(2026, 11, 14), "08:30", AWAY),
    ):
        start = local(day, clock, zone)
        attributes = {
            "workoutActivityType": "HKWorkoutActivityTypeRunning",
            "duration": "32",
            "durationUnit": "min",
            "sourceName": WATCH,
            "sourceVersion": VERSIONS[WATCH],
            "creationDate": stamp(start + 33 * MINUTE),
            "startDate": stamp(start),
            "endDate": stamp(start + 32 * MINUTE),
        }
        yield element("Workout", attributes, metadata(HKTimeZone=zone))


def export() -> str:
    """The text of export.xml: types one after the other, workouts last, as the phone does it."""
    return "".join(
        (
            HEAD,
            *readings("HeartRate", "count/min", (5, 10), heart_rate),
            *readings("OxygenSaturation", "%", (25, 40), saturation),
            *steps(),
            *readings("RespiratoryRate", "count/min", (9, 14), breathing),
            *sleep_records(),
            *variability(),
            *workouts(),
            "</HealthData>\n",
        )
    )


def main() -> None:
    members = {
        "apple_health_export/export.xml": export(),
        "apple_health_export/export_cda.xml": CDA,
    }
    with zipfile.ZipFile(SHIPPED, "w", compresslevel=9) as archive:
        for name, text in members.items():
            archive.writestr(
                zipfile.ZipInfo(name, (2026, 11, 21, 18, 4, 8)), text.encode(), zipfile.ZIP_DEFLATED
            )


if __name__ == "__main__":
    main()
