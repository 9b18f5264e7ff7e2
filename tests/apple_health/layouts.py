"""Exports as the phone writes them, and as it never does, for the tests of reading."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from sleepbalance.provider import Raw, Stream
from sleepbalance.providers.apple_health import packs
from sleepbalance.providers.apple_health.body import body
from sleepbalance.providers.apple_health.export import Reader
from sleepbalance.providers.apple_health.records import Records

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
CORE = "HKCategoryValueSleepAnalysisAsleepCore"
HEART = "HKQuantityTypeIdentifierHeartRate"
HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n<!ELEMENT A B>\n]>\n'
EXPORTED = ' <ExportDate value="2026-05-01 12:00:00 +0200"/>'


@dataclass(frozen=True)
class Bytes:
    """A member that lies in memory."""

    data: bytes
    name: str = "export.xml"
    encrypted: bool = False
    path: Path | None = None

    @property
    def head(self) -> bytes:
        return self.data[: 64 * 1024]

    @contextmanager
    def open(self) -> Iterator[Stream]:
        yield io.BytesIO(self.data)


def date(epoch: int, offset: int = 7200) -> str:
    zone = dt.timezone(dt.timedelta(seconds=offset))
    return f"{dt.datetime.fromtimestamp(epoch, zone):%Y-%m-%d %H:%M:%S %z}"


def epoch(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


def attributes(sent: Mapping[str, str]) -> str:
    return " ".join(f"{name}={quoteattr(text)}" for name, text in sent.items())


def metadata(entries: Mapping[str, str]) -> list[str]:
    return [
        f"<MetadataEntry key={quoteattr(key)} value={quoteattr(text)}/>"
        for key, text in entries.items()
    ]


def record(
    kind: str = SLEEP,
    start: str = "2026-03-02 23:00:00 +0100",
    end: str = "2026-03-02 23:30:00 +0100",
    value: str = CORE,
    source: str = "Sam's Watch",
    entries: Mapping[str, str] | None = None,
    **more: str,
) -> str:
    """One record, with its line as the phone writes it."""
    sent = {"type": kind, "sourceName": source, **more, "creationDate": end}
    sent |= {"startDate": start, "endDate": end, "value": value}
    inside = "".join(f"\n  {entry}" for entry in metadata(entries or {}))
    close = f">{inside}\n </Record>" if inside else "/>"
    return f"\n <Record {attributes(sent)}{close}"


def export(*records: str, head: str = HEADER, exported: str = EXPORTED) -> bytes:
    text = f'{head}<HealthData locale="de_DE">\n{exported}{"".join(records)}\n</HealthData>\n'
    return text.encode()


@dataclass
class Outcome:
    """What reading gave, in a form that does not depend on order or on pieces."""

    sleep: list[Raw]
    zones: dict[str, Raw]
    packs: dict[str, tuple[str, str | None, bytes]]
    problems: list[str]
    whole: bool


def through(data: bytes, careful: bool = False, block: int = 128 * 1024) -> Outcome:
    """Reads an export down the fast or the careful road, in chunks of `block` bytes."""
    records = Records(NOW)
    reader = Reader(records, careful=careful)
    raws: list[Raw] = []
    for chunk in body(io.BytesIO(data), block):
        raws += reader.feed(chunk)
    raws += reader.finish()
    return outcome(raws, list(reader.problems()), reader.whole)


def outcome(raws: Iterable[Raw], problems: list[str], whole: bool = True) -> Outcome:
    raws = list(raws)
    pieces: dict[str, list[Raw]] = {}
    for raw in raws:
        if raw.payload and raw.companion:
            pieces.setdefault(raw.key, []).append(raw)
    return Outcome(
        sleep=sorted((raw for raw in raws if raw.kind == "sleep"), key=_order),
        zones={raw.key: raw for raw in raws if raw.kind == "zone"},
        packs={
            key: (found[0].kind, found[0].source.key, packs.join([raw.payload for raw in found]))
            for key, found in pieces.items()
        },
        problems=problems,
        whole=whole,
    )


def _order(raw: Raw) -> tuple[str, bytes, str]:
    return raw.key, raw.payload, raw.source.name
