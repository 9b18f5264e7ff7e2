"""Makes exports as a phone would write them, out of a few words, for tests."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

PREFIX = "HKCategoryValueSleepAnalysis"
SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
HEART = "HKQuantityTypeIdentifierHeartRate"


@dataclass(frozen=True)
class Sample:
    """One record; times are local in `zone`, printed in whatever offset the export has."""

    start: str
    end: str
    value: str
    source: str = "Test Watch"
    zone: str | None = "Europe/Berlin"
    place: str = "Europe/Berlin"
    kind: str = SLEEP
    created: str | None = None
    manual: bool = False
    unit: str | None = None

    def instants(self) -> tuple[dt.datetime, dt.datetime]:
        place = ZoneInfo(self.place)
        low, high = (dt.datetime.fromisoformat(text) for text in (self.start, self.end))
        return low.replace(tzinfo=place), high.replace(tzinfo=place)


@dataclass(frozen=True)
class Export:
    """A whole export; `printed` is the offset that the phone prints everything in."""

    samples: Sequence[Sample] = ()
    made: str | None = "2026-11-22T09:00:00+01:00"
    printed: str = "+01:00"
    locale: str = "en_DE"
    extra: Sequence[str] = field(default_factory=list)

    def xml(self) -> str:
        zone = dt.datetime.fromisoformat(f"2000-01-01T00:00:00{self.printed}").tzinfo
        assert zone is not None
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<!DOCTYPE HealthData ["]
        lines += ["<!-- HealthKit Export Version: 14 -->", "<!ELEMENT HealthData ANY>", "]>"]
        lines.append(f'<HealthData locale="{self.locale}">')
        if self.made is not None:
            made = dt.datetime.fromisoformat(self.made)
            lines.append(f' <ExportDate value="{_printed(made, zone)}"/>')
        lines.append(' <Me HKCharacteristicTypeIdentifierDateOfBirth=""/>')
        lines += [_record(sample, zone) for sample in self.samples]
        lines += list(self.extra)
        return "\n".join([*lines, "</HealthData>", ""])

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("apple_health_export/export.xml", self.xml())
                archive.writestr("apple_health_export/export_cda.xml", "<a/><b/>")
        else:
            path.write_text(self.xml(), encoding="utf-8")
        return path


def _printed(instant: dt.datetime, zone: dt.tzinfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S %z}"


def _record(sample: Sample, zone: dt.tzinfo) -> str:
    start, end = sample.instants()
    created = end if sample.created is None else dt.datetime.fromisoformat(sample.created)
    value = PREFIX + sample.value if sample.kind == SLEEP else sample.value
    attributes = {
        "type": sample.kind,
        "sourceName": sample.source,
        "sourceVersion": "11.0",
        **({"unit": sample.unit} if sample.unit else {}),
        "creationDate": _printed(created, zone),
        "startDate": _printed(start, zone),
        "endDate": _printed(end, zone),
        "value": value,
    }
    head = " <Record " + " ".join(f"{k}={quoteattr(v)}" for k, v in attributes.items())
    more = []
    if sample.zone is not None:
        more.append(f'  <MetadataEntry key="HKTimeZone" value="{sample.zone}"/>')
    if sample.manual:
        more.append('  <MetadataEntry key="HKWasUserEntered" value="1"/>')
    return "\n".join([head + ">", *more, " </Record>"]) if more else head + "/>"


def staged(date: str, begin: str = "23:00", hours: float = 7.5, **more: object) -> list[Sample]:
    """A plausible staged night that began on the evening of `date`."""
    at = dt.datetime.fromisoformat(f"{date}T{begin}:00")
    until = at + dt.timedelta(hours=hours)
    cycle = [("AsleepCore", 25), ("AsleepDeep", 30), ("AsleepCore", 20), ("AsleepREM", 15)]
    samples: list[Sample] = []
    while at < until:
        for value, minutes in [*cycle, ("Awake", 3)]:
            end = min(at + dt.timedelta(minutes=minutes), until)
            if end > at:
                samples.append(
                    Sample(at.isoformat(), end.isoformat(), value, **more)  # type: ignore[arg-type]
                )
            at = end
    while samples and samples[-1].value == "Awake":
        samples.pop()
    return samples


def hearts(
    date: str, begin: str = "22:00", hours: float = 10, every: int = 300, **more: object
) -> list[Sample]:
    """Heart rates through a night, one every few minutes."""
    at = dt.datetime.fromisoformat(f"{date}T{begin}:00")
    return [
        Sample(
            (at + dt.timedelta(seconds=step)).isoformat(),
            (at + dt.timedelta(seconds=step)).isoformat(),
            str(50 + (step // every) % 17),
            kind=HEART,
            unit="count/min",
            zone=None,
            **more,  # type: ignore[arg-type]
        )
        for step in range(0, int(hours * 3600), every)
    ]


def evenings(first: str, count: int) -> Iterable[str]:
    """Dates in a row."""
    day = dt.date.fromisoformat(first)
    return [(day + dt.timedelta(days=n)).isoformat() for n in range(count)]
