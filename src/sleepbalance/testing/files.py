"""Doors that take files: what is recognised, and what comes out of whole and broken files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.errors import SleepBalanceError
from sleepbalance.provider import File, Finished, Provider, Raw
from sleepbalance.providers import load

from .checks import broken_often, is_sound
from .samples import NOW, SMALL, Bytes, Sample, Suite, handed_over, samples_of, together

DEMO_MARK = b"sleepbalance:demo"

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


class Files(Suite):
    """The part of the suite for files."""

    # What is theirs, and what is not

    def test_samples_exist_and_are_recognised(self) -> None:
        assert self.samples, "the contract is proven over samples; there are none"
        assert self.files or not self.provider.files, "no sample is a file"
        for sample in self.files:
            assert door_of(self.provider, sample) is not None, f"{sample.name} is not recognised"

    def test_what_is_nobodys_is_refused(self) -> None:
        noise = [Bytes(name, data) for name, data in NOBODYS.items()]
        for member in (*noise, *(replace(member, encrypted=True) for member in noise)):
            assert not any(door.recognises(member) for door in self.provider.files), member.name

    def test_what_is_another_providers_is_refused(self) -> None:
        for other in load().keys() - {self.provider.id}:
            for sample in samples_of(other):
                assert door_of(self.provider, sample) is None, f"{sample.name} is of {other}"

    # Reading

    def test_reading_is_repeatable_and_ends_once(self) -> None:
        for sample in self.files:
            first = read(self.provider, sample)
            assert first == read(self.provider, sample)
            assert [type(item) for item in first].count(Finished) == 1
            assert isinstance(first[-1], Finished)

    @given(st.data())
    @broken_often
    def test_only_our_errors_come_out_of_damaged_files(self, data: st.DataObject) -> None:
        small = [sample for sample in self.files if sample.size < SMALL]
        if not small:
            return
        sample = data.draw(st.sampled_from(small))
        members = tuple(replace(m, data=damage(m.data, data.draw)) for m in sample.members)
        broken = Sample(sample.name, members)
        try:
            items = read(self.provider, broken, door=door_of(self.provider, sample))
        except SleepBalanceError:
            return
        for group in together((i for i in items if isinstance(i, Raw)), self.provider.reach):
            is_sound(group, self.provider.normalise(group))

    # Merging

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

    def _pieces(self) -> dict[tuple[str, str], list[bytes]]:
        """Companions that come in several pieces: in the samples, and in their first halves."""
        found: dict[tuple[str, str], set[bytes]] = {}
        for sample in self.files:
            halves = tuple(replace(m, data=m.data[: len(m.data) // 2]) for m in sample.members)
            for version in (sample, Sample(sample.name, halves)):
                for raw in self._companions(version, door_of(self.provider, sample)):
                    found.setdefault((raw.kind, raw.key), set()).add(raw.payload)
        return {name: sorted(pieces)[:4] for name, pieces in found.items()}

    def _companions(self, sample: Sample, door: File | None) -> list[Raw]:
        try:
            items = read(self.provider, sample, door)
        except SleepBalanceError:
            return []
        return [item for item in items if isinstance(item, Raw) and item.companion]


def door_of(provider: Provider, sample: Sample) -> File | None:
    doors = provider.files
    return next((door for door in doors if any(map(door.recognises, sample.members))), None)


def read(provider: Provider, sample: Sample, door: File | None = None) -> list[Raw | Finished]:
    """All that a door reads from a sample."""
    door = door or door_of(provider, sample)
    assert door is not None, f"{sample.name} is not recognised"
    wanted = [member for member in sample.members if door.recognises(member)]
    return list(door.read(wanted or sample.members, NOW))


def damage(whole: bytes, draw: Callable[[st.SearchStrategy[int]], int]) -> bytes:
    """Some bytes changed, and perhaps the end cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 8))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    if draw(st.integers(0, 1)):
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)
