"""The contract test suite: what every provider must keep, run over its own samples.

    from sleepbalance.testing import contract, handed_over

    TestContract = contract(PROVIDER, handed_over(Path("samples")), docs=Path())

It needs pytest and hypothesis, and neither network nor database. A sample is a file as a person
would hand it over. See CONTRIBUTING.md.
"""

from __future__ import annotations

import datetime as dt
import inspect
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sleepbalance.errors import SleepBalanceError
from sleepbalance.model import Session, Stage
from sleepbalance.provider import File, Finished, Normalised, Provider, Raw, Stream
from sleepbalance.providers import get, load

NOW = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)  # later than any sample
VITALS = {"heart_rate", "hrv_rmssd", "hrv_sdnn", "breathing_rate", "spo2", "skin_temperature"}
DEMO_MARK = b"sleepbalance:demo"
NOT_SAMPLES = {".py", ".pyc", ".md"}
SMALL = 100_000  # bytes; larger samples are read, but not broken a hundred times

NOBODYS = {
    "empty": b"",
    "zeros": bytes(4096),
    "text": b"Dear diary, I slept well.\n",
    "list.csv": b"date,hours\n2026-01-01,7.5\n",
    "list.json": b'[{"date": "2026-01-01", "hours": 7.5}]',
    "page.html": b"<!DOCTYPE html><html><body>Sleep</body></html>",
    "feed.xml": b'<?xml version="1.0"?><feed><entry type="sleep"/></feed>',
    "document.xml": b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>',
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(64),
}

_broken = settings(
    max_examples=150,
    deadline=None,
    # one suite runs over many providers, on purpose
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)


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
    """What a person hands over: one file, or an archive of several."""

    name: str
    members: tuple[Bytes, ...]

    @property
    def size(self) -> int:
        return sum(len(member.data) for member in self.members)


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
        sleeps = sorted((raw for raw in own if not raw.companion), key=_span)
        for group in _touching(sleeps, reach):
            start, end = _window(group)
            groups.append(
                group
                + [r for r in own if r.companion and _span(r)[0] <= end and _span(r)[1] >= start]
            )
    return groups


def _touching(sleeps: Iterable[Raw], reach: dt.timedelta) -> list[list[Raw]]:
    groups: list[list[Raw]] = []
    for raw in sleeps:
        if not groups or _span(raw)[0] - _window(groups[-1])[1] > reach:
            groups.append([])
        groups[-1].append(raw)
    return groups


def _span(raw: Raw) -> tuple[dt.datetime, dt.datetime]:
    assert raw.start is not None
    assert raw.end is not None
    return raw.start, raw.end


def _window(raws: Sequence[Raw]) -> tuple[dt.datetime, dt.datetime]:
    spans = [_span(raw) for raw in raws]
    return min(start for start, _ in spans), max(end for _, end in spans)


def contract(
    provider: Provider, samples: Sequence[Sample], docs: Path | None = None
) -> type[Contract]:
    """The suite as a test class. `docs` is the folder that `Provider.docs` starts from."""
    own = {"provider": provider, "samples": tuple(samples), "docs": docs}
    return type(f"Contract_{provider.id}", (Contract,), own)


class Contract:
    """Name a subclass `Test…` in a test module, and pytest runs it."""

    provider: ClassVar[Provider]
    samples: ClassVar[tuple[Sample, ...]]
    docs: ClassVar[Path | None] = None

    # Facts

    def test_facts(self) -> None:
        provider = self.provider
        assert re.fullmatch(r"[a-z][a-z0-9_]*", provider.id)
        assert provider.name.strip() == provider.name != ""
        assert provider.verified is None or isinstance(provider.verified, dt.date)
        assert provider.doors, "a provider without a door cannot be used"
        assert provider.reach >= dt.timedelta(0)
        for door in provider.doors:
            assert door.how_to.strip().endswith("."), "how_to is a sentence for the person"

    def test_docs_page_exists(self) -> None:
        page = self.provider.docs
        if not page.startswith("https://"):
            text = ((self.docs or Path()) / page).read_text(encoding="utf-8")
            assert self.provider.name in text

    # What is theirs, and what is not

    def test_samples_exist_and_are_recognised(self) -> None:
        assert self.samples, "the contract is proven over samples; there are none"
        for sample in self.samples:
            assert self._door(sample) is not None, f"{sample.name} is not recognised"

    def test_what_is_nobodys_is_refused(self) -> None:
        noise = [Bytes(name, data) for name, data in NOBODYS.items()]
        for member in (*noise, *(replace(member, encrypted=True) for member in noise)):
            assert not any(door.recognises(member) for door in self.provider.files), member.name

    def test_what_is_another_providers_is_refused(self) -> None:
        for other in load().keys() - {self.provider.id}:
            for sample in samples_of(other):
                assert self._door(sample) is None, f"{sample.name} is of {other}"

    # Reading

    def test_reading_is_repeatable_and_ends_once(self) -> None:
        for sample in self.samples:
            first = self._read(sample)
            assert first == self._read(sample)
            assert [type(item) for item in first].count(Finished) == 1
            assert isinstance(first[-1], Finished)

    def test_raw_records_are_placed_in_time_or_say_why_not(self) -> None:
        for raw in self._raws():
            assert raw.key
            assert raw.kind
            assert raw.source.key
            if raw.problem is None:
                start, end = _span(raw)
                assert start <= end
            for instant in (raw.start, raw.end, raw.revised_at):
                assert instant is None or instant.utcoffset() == dt.timedelta(0)

    @given(st.data())
    @_broken
    def test_only_our_errors_come_out_of_damaged_files(self, data: st.DataObject) -> None:
        small = [sample for sample in self.samples if sample.size < SMALL]
        if not small:
            return
        sample = data.draw(st.sampled_from(small))
        broken = Sample(sample.name, tuple(_damage(m, data.draw) for m in sample.members))
        try:
            items = self._read(broken, door=self._door(sample))
        except SleepBalanceError:
            return
        for group in together((i for i in items if isinstance(i, Raw)), self.provider.reach):
            self._sound(group, self.provider.normalise(group))

    # Normalising

    def test_sessions_are_sound(self) -> None:
        seen: list[str] = []
        for group in self._groups():
            result = self.provider.normalise(group)
            self._sound(group, result)
            seen += [session.external_id for session in result.sessions]
        assert seen, "no sample holds a sleep"
        assert len(seen) == len(set(seen)), "two sleeps have one external_id"

    def test_normalising_is_pure(self) -> None:
        for group in self._groups():
            before = list(group)
            assert self.provider.normalise(group) == self.provider.normalise(iter(group))
            assert group == before

    @given(st.data())
    @_broken
    def test_order_and_repeats_change_nothing(self, data: st.DataObject) -> None:
        groups = self._groups()
        group = data.draw(st.sampled_from(groups)) if groups else []
        shuffled = data.draw(st.permutations(group))
        expected = self.provider.normalise(group)
        assert self.provider.normalise(shuffled) == expected
        assert self.provider.normalise([*shuffled, *group]) == expected

    # Merging

    def test_a_record_merged_with_itself_is_itself(self) -> None:
        merge = self.provider.merge
        for raw in self._raws():
            assert merge(raw.kind, [raw.payload]) == raw.payload
            assert merge(raw.kind, [raw.payload] * 3) == raw.payload

    def test_pieces_of_a_companion_merge_in_any_order(self) -> None:
        merge = self.provider.merge
        for (kind, _), pieces in self._pieces().items():
            for one in pieces:
                for two in pieces:
                    both = merge(kind, [one, two])
                    assert both == merge(kind, [two, one])
                    assert both == merge(kind, [both, one])
                    for three in pieces:
                        left = merge(kind, [both, three])
                        assert left == merge(kind, [one, merge(kind, [two, three])])
                        assert left == merge(kind, [one, two, three])

    # The demo

    def test_the_demo_says_that_it_is_one(self) -> None:
        for door in self.provider.files:
            if door.demo is not None:
                (sample,) = handed_over(door.demo)
                wanted = [member for member in sample.members if door.recognises(member)]
                assert wanted
                assert all(DEMO_MARK in member.head[:2048] for member in wanted)
                last = list(door.read(wanted, NOW))[-1]
                assert isinstance(last, Finished)
                assert last.problems == ()

    # What the tests stand on

    def _door(self, sample: Sample) -> File | None:
        return _door(self.provider, sample)

    def _read(self, sample: Sample, door: File | None = None) -> list[Raw | Finished]:
        door = door or self._door(sample)
        assert door is not None, f"{sample.name} is not recognised"
        return _read(door, sample)

    def _raws(self) -> list[Raw]:
        return [i for sample in self.samples for i in self._read(sample) if isinstance(i, Raw)]

    def _groups(self) -> list[list[Raw]]:
        return _grouped(self.provider, self.samples)

    def _pieces(self) -> dict[tuple[str, str], list[bytes]]:
        """Companions that come in several pieces: in the samples, and in their first halves."""
        found: dict[tuple[str, str], set[bytes]] = {}
        for sample in self.samples:
            halves = tuple(replace(m, data=m.data[: len(m.data) // 2]) for m in sample.members)
            for version in (sample, Sample(sample.name, halves)):
                for raw in self._companions(version, self._door(sample)):
                    found.setdefault((raw.kind, raw.key), set()).add(raw.payload)
        return {name: sorted(pieces)[:4] for name, pieces in found.items()}

    def _companions(self, sample: Sample, door: File | None) -> list[Raw]:
        try:
            items = self._read(sample, door)
        except SleepBalanceError:
            return []
        return [item for item in items if isinstance(item, Raw) and item.companion]

    def _sound(self, group: Sequence[Raw], result: Normalised) -> None:
        for session in result.sessions:
            assert session.source.key == group[0].source.key
            _session_is_sound(session)
        aside = {key for key, reason in result.aside if reason}
        assert aside <= {raw.key for raw in group}
        for raw in group:
            if not raw.companion and raw.key not in aside:
                assert any(_holds(session, raw) for session in result.sessions), raw.key


def _door(provider: Provider, sample: Sample) -> File | None:
    doors = provider.files
    return next((door for door in doors if any(map(door.recognises, sample.members))), None)


def _read(door: File, sample: Sample) -> list[Raw | Finished]:
    wanted = [member for member in sample.members if door.recognises(member)]
    return list(door.read(wanted or sample.members, NOW))


@cache
def _grouped(provider: Provider, samples: tuple[Sample, ...]) -> list[list[Raw]]:
    groups: list[list[Raw]] = []
    for sample in samples:
        door = _door(provider, sample)
        items = _read(door, sample) if door else []
        groups += together((i for i in items if isinstance(i, Raw)), provider.reach)
    return groups


def _holds(session: Session, raw: Raw) -> bool:
    start, end = _span(raw)
    day = dt.timedelta(days=1) if session.wall else dt.timedelta(0)
    return session.start - day <= start and end <= session.end + day


def _session_is_sound(session: Session) -> None:
    assert session.external_id
    assert session.start < session.end
    for instant in (session.start, session.end, session.sleep_start, session.sleep_end):
        assert instant is None or instant.utcoffset() == dt.timedelta(0)
    length = (session.end - session.start).total_seconds()
    for pieces in (session.hypnogram, session.parts, session.in_bed):
        assert all(piece.offset >= 0 < piece.seconds for piece in pieces)
        assert all(piece.end <= length for piece in pieces)
        edges = [edge for piece in pieces for edge in (piece.offset, piece.end)]
        assert edges == sorted(edges), "unsorted or overlapping"
    assert all(isinstance(segment.stage, Stage) for segment in session.hypnogram)
    assert session.vitals.keys() <= VITALS


def _damage(member: Bytes, draw: Callable[[st.SearchStrategy[int]], int]) -> Bytes:
    """Some bytes changed, and perhaps the end cut off."""
    data = bytearray(member.data)
    for _ in range(draw(st.integers(0, 8))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    if draw(st.integers(0, 1)):
        del data[draw(st.integers(0, len(data))) :]
    return replace(member, data=bytes(data))
