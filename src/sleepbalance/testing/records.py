"""Raw records of every door, and what `normalise` and `merge` make of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.provider import Raw

from .checks import broken_often, is_placed, is_sound
from .files import door_of, read
from .hooks import as_kept, sent
from .recording import recording_of
from .samples import Sample, Suite, together


class Records(Suite):
    """The part of the suite that is the same for files and for the network."""

    def test_raw_records_are_placed_in_time_or_say_why_not(self) -> None:
        for raw in self._raws():
            is_placed(raw)

    # Normalising

    def test_sessions_are_sound(self) -> None:
        doors = {door.name for door in self.provider.remote} | {"file"}
        seen: list[str] = []
        for group in self._groups():
            result = self.provider.normalise(group)
            is_sound(group, result)
            assert {session.door for session in result.sessions} <= doors
            seen += [session.external_id for session in result.sessions]
        assert seen, "no sample holds a sleep"
        assert len(seen) == len(set(seen)), "two sleeps have one external_id"

    def test_normalising_is_pure(self) -> None:
        for group in self._groups():
            before = list(group)
            assert self.provider.normalise(group) == self.provider.normalise(iter(group))
            assert group == before

    @given(st.data())
    @broken_often
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

    # What the tests stand on

    def _raws(self) -> list[Raw]:
        return [raw for sample in self.samples for raws in self._told(sample) for raw in raws]

    def _groups(self) -> list[list[Raw]]:
        suite = type(self)
        if suite.grouped is None:
            reach = self.provider.reach
            told = [raws for sample in self.samples for raws in self._told(sample)]
            suite.grouped = [group for raws in told for group in together(raws, reach)]
        return suite.grouped

    def _told(self, sample: Sample) -> list[list[Raw]]:
        """What a sample holds: a delivery speaks of several accounts, any other of one."""
        if sample.delivery:
            told = sent(self.provider, sample).raws().values()
            return [as_kept(self.provider, raws) for raws in told]
        return [self._raws_of(sample)]

    def _raws_of(self, sample: Sample) -> list[Raw]:
        if sample.recording:
            return recording_of(self.provider, sample).fetched()
        items = read(self.provider, sample) if door_of(self.provider, sample) else []
        return [item for item in items if isinstance(item, Raw)]
