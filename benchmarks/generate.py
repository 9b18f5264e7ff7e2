"""Makes up an Apple Health export of any size, laid out as the phone writes it.

`python -m benchmarks.generate export.xml --megabytes 200`; a name that ends in .zip gives the
zip that the phone would share. The same arguments give the same bytes; nobody's data is in it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

RECORDS_PER_MEGABYTE = 2355
NIGHTS_PER_MEGABYTE = 1.15
DAY = 86_400
LAST_DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)  # in winter: the file prints +0100
ZONE = "Europe/Berlin"

_WATCH_DEVICE = (
    "&lt;&lt;HKDevice: 0x301a2c8c0&gt;, name:Apple Watch, manufacturer:Apple Inc., "
    "model:Watch, hardware:Watch7,3, software:26.2&gt;"
)
_PHONE_DEVICE = (
    "&lt;&lt;HKDevice: 0x301a2d040&gt;, name:iPhone, manufacturer:Apple Inc., "
    "model:iPhone, hardware:iPhone16,1, software:26.2&gt;"
)
WATCH = f'sourceName="Robin’s Apple\u00a0Watch" sourceVersion="26.2" device="{_WATCH_DEVICE}"'
PHONE = f'sourceName="Robin’s iPhone" sourceVersion="26.2" device="{_PHONE_DEVICE}"'
WATCH_SLEEP = 'sourceName="Robin’s Apple\u00a0Watch" sourceVersion="26.2"'
PHONE_SLEEP = 'sourceName="Robin’s iPhone" sourceVersion="26.2"'
RING = 'sourceName="Oura" sourceVersion="6.4.1"'
OTHER = 'sourceName="Pillow &amp; Co" sourceVersion="812"'
SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
STAGES = ("AsleepCore", "AsleepDeep", "AsleepCore", "AsleepREM", "AsleepCore", "Awake")

HEADER = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
<!ELEMENT ExportDate EMPTY>
<!ATTLIST ExportDate
  value CDATA #REQUIRED
>
]>
<HealthData locale="en_DE">
 <ExportDate value="{export}"/>
 <Me HKCharacteristicTypeIdentifierDateOfBirth="" \
HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexNotSet" \
HKCharacteristicTypeIdentifierBloodType="HKBloodTypeNotSet" \
HKCharacteristicTypeIdentifierFitzpatrickSkinType="HKFitzpatrickSkinTypeNotSet" \
HKCharacteristicTypeIdentifierCardioFitnessMedicationsUse="None"/>
"""


def printed(epoch: int) -> str:
    """As the phone prints it: in its offset of the export day, whatever the season."""
    return f"{dt.datetime.fromtimestamp(epoch + 3600, dt.UTC):%Y-%m-%d %H:%M:%S} +0100"


def record(
    kind: str, source: str, start: int, end: int, value: str, unit: str = "", inside: str = ""
) -> str:
    """One record with its line; `inside` is what it holds, with its lines."""
    unit = f' unit="{unit}"' if unit else ""
    close = f">\n{inside} </Record>\n" if inside else "/>\n"
    begun = printed(start)
    ended = begun if end == start else printed(end)
    return (
        f' <Record type="{kind}" {source}{unit} creationDate="{ended}" '
        f'startDate="{begun}" endDate="{ended}" value="{value}"{close}'
    )


def metadata(key: str, value: str) -> str:
    return f'  <MetadataEntry key="{key}" value="{value}"/>\n'


def export(megabytes: int, seed: int = 1) -> Iterator[str]:
    """The text of an export in pieces."""
    chance = random.Random(seed)
    nights = max(2, round(megabytes * NIGHTS_PER_MEGABYTE))
    count = megabytes * RECORDS_PER_MEGABYTE
    first = int(LAST_DAY.timestamp()) - nights * DAY
    yield HEADER.format(export=printed(int(LAST_DAY.timestamp()) + DAY // 2))
    yield from _heart_rates(chance, first, nights, count * 62 // 100)
    yield from _misc(chance, first, nights)
    yield from _steps(chance, first, nights, count * 36 // 100)
    for night in range(nights):
        yield from _night(chance, first + night * DAY, night)
    yield from _workouts(first, nights)
    yield "</HealthData>\n"


def _heart_rates(chance: random.Random, first: int, nights: int, count: int) -> Iterator[str]:
    kind, step = "HKQuantityTypeIdentifierHeartRate", nights * DAY / count
    for i in range(count):
        at = first + int(i * step)
        asleep = at % DAY < 6 * 3600
        value = chance.randrange(46, 64) if asleep else chance.randrange(58, 120)
        source, unit = (RING, "count/min") if i % 12 == 0 else (WATCH, "count/min")
        context = metadata("HKMetadataKeyHeartRateMotionContext", "1" if asleep else "0")
        yield record(kind, source, at, at, str(value), unit, context)


def _steps(chance: random.Random, first: int, nights: int, count: int) -> Iterator[str]:
    kind, step = "HKQuantityTypeIdentifierStepCount", nights * DAY / count
    for i in range(count):
        at = first + int(i * step)
        source = PHONE if i % 3 == 0 else WATCH
        yield record(kind, source, at, at + int(step), str(chance.randrange(1, 190)), "count")


def _misc(chance: random.Random, first: int, nights: int) -> Iterator[str]:
    quantity = "HKQuantityTypeIdentifier"
    for night in range(nights):
        for i in range(10):
            at = first + night * DAY + i * 2000
            value = f"{chance.uniform(12, 18):.1f}"
            yield record(quantity + "RespiratoryRate", WATCH, at, at, value, "count/min")
    for night in range(nights):
        for i in range(5):
            at = first + night * DAY + i * 4000
            pressure = metadata("HKMetadataKeyBarometricPressure", "101.3 kPa")
            yield record(quantity + "OxygenSaturation", WATCH, at, at, "0.97", "%", pressure)
    for night in range(nights):
        at = first + night * DAY + 7200
        beats = "".join(
            f'   <InstantaneousBeatsPerMinute bpm="{chance.randrange(50, 70)}" '
            f'time="4:0{i}:01,{i}0 AM"/>\n'
            for i in range(8)
        )
        name = "HeartRateVariabilityMetadataList"
        listed = f"  <{name}>\n{beats}  </{name}>\n"
        kind, value = quantity + "HeartRateVariabilitySDNN", f"{chance.uniform(25, 90):.4f}"
        yield record(kind, WATCH, at, at + 60, value, "ms", listed)


def _night(chance: random.Random, midnight: int, night: int) -> Iterator[str]:
    """Stages by the watch, time in bed by the phone, one block each by the ring and an app."""
    zone = metadata("HKTimeZone", ZONE)
    begin = midnight - 3600 + chance.randrange(-2400, 2400)
    at = begin
    for i in range(16):
        long = chance.randrange(4, 9) if i % 6 == 5 else chance.randrange(14, 48)
        value = f"HKCategoryValueSleepAnalysis{STAGES[i % 6]}"
        yield record(SLEEP, WATCH_SLEEP, at, at + long * 60, value, inside=zone)
        at += long * 60
    in_bed = "HKCategoryValueSleepAnalysisInBed"
    yield record(SLEEP, PHONE_SLEEP, begin - 900, at + 600, in_bed, inside=zone)
    unstaged = "HKCategoryValueSleepAnalysisAsleepUnspecified"
    yield record(SLEEP, RING, begin + 240, at - 300, unstaged)
    if night % 5 == 0:
        yield record(SLEEP, OTHER, begin - 300, at, unstaged)
    if night % 9 == 0:
        nap = midnight + 13 * 3600
        core = "HKCategoryValueSleepAnalysisAsleepCore"
        yield record(SLEEP, WATCH_SLEEP, nap, nap + 2700, core, inside=zone)


def _workouts(first: int, nights: int) -> Iterator[str]:
    for night in range(0, nights, 2):
        at = first + night * DAY + 17 * 3600
        yield (
            ' <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="31.5" '
            f'durationUnit="min" {WATCH} creationDate="{printed(at + 1900)}" '
            f'startDate="{printed(at)}" endDate="{printed(at + 1890)}">\n'
            f"{metadata('HKTimeZone', ZONE)} </Workout>\n"
        )
    for night in range(nights):
        day = dt.datetime.fromtimestamp(first + night * DAY, dt.UTC)
        yield (
            f' <ActivitySummary dateComponents="{day:%Y-%m-%d}" activeEnergyBurned="512.3" '
            'activeEnergyBurnedGoal="500" activeEnergyBurnedUnit="kcal" appleExerciseTime="31" '
            'appleExerciseTimeGoal="30" appleStandHours="12" appleStandHoursGoal="12"/>\n'
        )


def write(path: Path, megabytes: int, seed: int = 1) -> None:
    """Streams an export to `path`, as a zip where the name ends so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if path.suffix == ".zip":
            whole = stack.enter_context(zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED))
            entry = zipfile.ZipInfo("apple_health_export/export.xml", (2026, 3, 1, 12, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            out = stack.enter_context(whole.open(entry, "w", force_zip64=True))
        else:
            out = stack.enter_context(path.open("wb"))
        _pour(export(megabytes, seed), out.write)


def _pour(pieces: Iterable[str], write_bytes: Callable[[bytes], object]) -> None:
    held: list[str] = []
    for piece in pieces:
        held.append(piece)
        if len(held) == 2000:
            write_bytes("".join(held).encode())
            held.clear()
    write_bytes("".join(held).encode())


def main() -> None:
    parser = argparse.ArgumentParser(description="Make up an Apple Health export")
    parser.add_argument("path", type=Path)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(given.path, given.megabytes, given.seed)


if __name__ == "__main__":
    main()
