"""What the suite runs over: files in memory, and raw records grouped as the engine does it."""

from __future__ import annotations

import datetime as dt
import inspect
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sleepbalance.provider import Provider, Raw, Stream
from sleepbalance.providers import get

NOW = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)  # later than any sample
SMALL = 100_000  # bytes; larger samples are read, but not broken a hundred times
NOT_SAMPLES = {".py", ".pyc", ".md"}


@dataclass(frozen=True, slots=True)
class Bytes:
    """A member that lies in memory."""

    name: str
    data: bytes
    encrypted: bool = False
    path: Path | None = None

    @property
    def head(self) -> bytes:
        return b"" if self.encrypted else self.data[: 64 * 1024]

    def open(self) -> AbstractContextManager[Stream]:
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a person hands over: one file, or an archive of several; a recording, or a delivery."""

    name: str
    members: tuple[Bytes, ...]

    @property
    def size(self) -> int:
        return sum(len(member.data) for member in self.members)

    @property
    def recording(self) -> bool:
        return self.name.startswith("api_") and self.name.endswith(".json")

    @property
    def delivery(self) -> bool:
        return self.name.startswith("hook_") and self.name.endswith(".json")


class Suite:
    """What each part of the suite stands on."""

    provider: ClassVar[Provider]
    samples: ClassVar[tuple[Sample, ...]]
    docs: ClassVar[Path | None] = None
    grouped: ClassVar[list[list[Raw]] | None] = None  # what is costly to read, once

    @property
    def files(self) -> list[Sample]:
        played = (*self.recordings, *self.deliveries)
        return [sample for sample in self.samples if sample not in played]

    @property
    def recordings(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.recording]

    @property
    def deliveries(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.delivery]


def handed_over(path: Path) -> tuple[Sample, ...]:
    """The samples in a folder, or in one file. A zip becomes its members."""
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    chosen = [file for file in found if file.is_file() and file.suffix not in NOT_SAMPLES]
    return tuple(Sample(file.name, tuple(_members(file))) for file in chosen)


def _members(file: Path) -> Iterator[Bytes]:
    if not zipfile.is_zipfile(file):
        yield Bytes(file.name, file.read_bytes())
        return
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            yield Bytes(info.filename, archive.read(info))


def samples_of(provider_id: str) -> tuple[Sample, ...]:
    """What lies in the folder `samples` beside an installed provider."""
    folder = Path(inspect.getfile(get(provider_id).normalise)).parent / "samples"
    return handed_over(folder) if folder.is_dir() else ()


def together(raws: Iterable[Raw], reach: dt.timedelta) -> list[list[Raw]]:
    """Raw records as the engine hands them to `normalise`: of one source, touching, companioned."""
    placed = [raw for raw in raws if raw.problem is None and raw.start and raw.end]
    groups: list[list[Raw]] = []
    for source in sorted({raw.source.key for raw in placed if not raw.companion}):
        own = [raw for raw in placed if raw.source.key in (source, "")]
        sleeps = sorted((raw for raw in own if not raw.companion), key=span_of)
        for group in _touching(sleeps, reach):
            start, end = _window(group)
            beside = (raw for raw in own if raw.companion)
            groups.append(
                group + [r for r in beside if span_of(r)[0] <= end and span_of(r)[1] >= start]
            )
    return groups


def _touching(sleeps: Iterable[Raw], reach: dt.timedelta) -> list[list[Raw]]:
    groups: list[list[Raw]] = []
    for raw in sleeps:
        if not groups or span_of(raw)[0] - _window(groups[-1])[1] > reach:
            groups.append([])
        groups[-1].append(raw)
    return groups


def span_of(raw: Raw) -> tuple[dt.datetime, dt.datetime]:
    assert raw.start is not None
    assert raw.end is not None
    return raw.start, raw.end


def _window(raws: Sequence[Raw]) -> tuple[dt.datetime, dt.datetime]:
    spans = [span_of(raw) for raw in raws]
    return min(start for start, _ in spans), max(end for _, end in spans)
