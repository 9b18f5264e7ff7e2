"""Hooks: what a delivery must prove, what it tells, and what a broken or odd one may do."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.client import hosts_of
from sleepbalance.errors import Malformed, Rejected
from sleepbalance.provider import Delivery, Hook, Item, Proof, Provider, Raw, Remote
from sleepbalance.wire import host_of

from .checks import broken_often, is_placed, is_sound
from .recording import Exchange, Recorded, exchanges_of
from .replies import BODIES, odd
from .samples import Sample, Suite, together

LONGEST = dt.timedelta(days=8)  # as for what is fetched: the store looks no further
LEAST = 2**20  # bytes that a body may always have
SECRET = "end-of-our-address-0123456789"  # noqa: S105 # planted

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One sample: a delivery, what it is held against, and what lies at its addresses."""

    hook: Hook
    door: Remote
    now: dt.datetime
    delivery: Delivery
    proof: Proof
    exchanges: tuple[Exchange, ...]

    def items(self) -> list[Item]:
        return list(self.hook.read(self.delivery.body, self.now))

    def collected(self, items: Iterable[Item]) -> list[Raw]:
        client, found = Recorded(self.door.api, self.exchanges), list[Raw]()
        for item in items:
            if item.address is not None:
                assert self.hook.collect is not None, "nothing reads its addresses"
                found += self.hook.collect(client, item.address, self.now)
        return found

    def raws(self) -> dict[str, list[Raw]]:
        """All that it tells, by account."""
        found: dict[str, list[Raw]] = {}
        for item in self.items():
            told = [*item.raws, *self.collected([item])]
            if told:
                found.setdefault(item.account, []).extend(told)
        return found


def sent(provider: Provider, sample: Sample) -> Sent:
    """Reads a sample. Whatever is wrong with it fails the test."""
    told = json.loads(sample.members[0].data)
    hooks = {hook.name: hook for hook in provider.hooks}
    assert hooks, f"{sample.name} is a delivery, and there is no hook for it"
    hook = hooks[told.get("hook", provider.hooks[0].name)]
    doors = {door.name: door for door in provider.remote}
    assert hook.door in doors, f"the hook {hook.name} names no door of its provider"
    body = told["body"]
    return Sent(
        hook=hook,
        door=doors[hook.door],
        now=dt.datetime.fromisoformat(told["now"]),
        delivery=Delivery(
            body=(body if isinstance(body, str) else json.dumps(body)).encode(),
            headers=told.get("headers", {}),
            query=told.get("query", {}),
            secret=SECRET,
        ),
        proof=Proof(
            secret=SECRET,
            client_id=told.get("client_id", ""),
            client_secret=told.get("client_secret", ""),
        ),
        exchanges=tuple(exchanges_of(told.get("exchanges", ()))),
    )


def as_kept(provider: Provider, raws: Iterable[Raw]) -> list[Raw]:
    """Each record once, its versions merged in the order in which they came, as the engine does."""
    kept: dict[str, Raw] = {}
    for raw in raws:
        before = kept.get(raw.key)
        if before is None or before.problem is not None:
            kept[raw.key] = raw
        elif raw.problem is None:
            payload = provider.merge(raw.kind, [before.payload, raw.payload])
            stands = raw if payload == raw.payload else replace(before, payload=payload)
            kept[raw.key] = _widened(stands, before, raw) if raw.companion else stands
    return list(kept.values())


def _widened(stands: Raw, one: Raw, two: Raw) -> Raw:
    starts, ends = (one.start, two.start), (one.end, two.end)
    start = min(filter(None, starts), default=None)
    return replace(stands, start=start, end=max(filter(None, ends), default=None))


class Hooks(Suite):
    """The part of the suite for what makers send by themselves."""

    def test_hooks_say_how_they_are_used(self) -> None:
        names = [hook.name for hook in self.provider.hooks]
        assert len(names) == len(set(names)), "two hooks have one name"
        mine = [each.hook.name for each in self._sent()]
        for hook in self.provider.hooks:
            assert hook.name in mine, f"no sample hook_….json is for the hook {hook.name}"
            assert hook.door in {door.name for door in self.provider.remote}
            assert hook.methods, "nothing can be sent to it"
            assert 200 <= hook.status < 300, "what is no success is sent again"
            assert hook.largest >= LEAST

    # What proves where it is from

    def test_a_delivery_that_proves_its_origin_is_taken(self) -> None:
        for each in self._sent():
            each.hook.prove(each.delivery, each.proof)

    def test_a_delivery_that_proves_nothing_is_rejected(self) -> None:
        for each in self._sent():
            empty = Delivery(body=each.delivery.body)
            _is_rejected(each.hook, empty, each.proof)
            _is_rejected(each.hook, replace(empty, secret=SECRET[:-1]), each.proof)
            _is_rejected(each.hook, replace(empty, secret="é\ud800" + SECRET), each.proof)
            _is_rejected(each.hook, empty, Proof(secret=""))  # nothing is set up: nothing is ours

    # What it tells

    def test_reading_a_delivery_is_repeatable(self) -> None:
        for each in self._sent():
            items = each.items()
            assert items, "it tells nothing"
            assert items == each.items()
            assert each.collected(items) == each.collected(items)

    def test_items_are_sound(self) -> None:
        for each in self._sent():
            items = each.items()
            for item in items:
                _item_is_sound(item, each.door)
            for raw in each.collected(items):
                _raw_is_sound(raw)

    def test_the_same_delivery_twice_changes_nothing(self) -> None:
        for each in self._sent():
            for raws in each.raws().values():
                assert as_kept(self.provider, [*raws, *raws]) == as_kept(self.provider, raws)

    # What is broken, odd, or nobody's

    def test_a_body_that_is_nobodys_is_refused_or_tells_nothing(self) -> None:
        for hook in self.provider.hooks:
            for body in BODIES:
                items = _read(hook, body, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
                assert not any(item.raws or item.address for item in items)

    @given(st.data())
    @broken_often
    def test_a_damaged_delivery_is_read_or_refused(self, data: st.DataObject) -> None:
        whole = self._sent()
        if not whole:
            return
        each = data.draw(st.sampled_from(whole))
        items = _read(each.hook, odd(each.delivery.body, data.draw), each.now)
        for item in items:
            _item_is_sound(item, each.door)
        for account in {item.account for item in items}:
            told = [raw for item in items if item.account == account for raw in item.raws]
            for group in together(as_kept(self.provider, told), self.provider.reach):
                is_sound(group, self.provider.normalise(group))

    @given(st.data())
    @broken_often
    def test_what_lies_at_an_address_may_be_damaged(self, data: st.DataObject) -> None:
        whole = [each for each in self._sent() if each.exchanges]
        if not whole:
            return
        each = data.draw(st.sampled_from(whole))
        told = replace(each, exchanges=tuple(_damaged(x, data.draw) for x in each.exchanges))
        try:
            raws = told.collected(each.items())
        except Malformed:
            return
        for raw in raws:
            _raw_is_sound(raw)

    def _sent(self) -> list[Sent]:
        return [sent(self.provider, sample) for sample in self.deliveries]


def _read(hook: Hook, body: bytes, now: dt.datetime) -> list[Item]:
    try:
        return list(hook.read(body, now))
    except Malformed as error:
        assert str(error).strip().endswith("."), "it says what to do"  # noqa: PT017 # or none
        return []


def _damaged(exchange: Exchange, draw: Draw) -> Exchange:
    return replace(exchange, reply=replace(exchange.reply, body=odd(exchange.reply.body, draw)))


def _is_rejected(hook: Hook, delivery: Delivery, proof: Proof) -> None:
    with pytest.raises(Rejected) as told:
        hook.prove(delivery, proof)
    said: Mapping[str, str] = {"secret": proof.secret, "client secret": proof.client_secret}
    for name, value in said.items():
        assert not value or value not in str(told.value), f"the message holds the {name}"


def _item_is_sound(item: Item, door: Remote) -> None:
    """It says whose it is and tells one thing at least, or why it could not be read."""
    assert item.account or item.problem, "nobody's, and without a reason"
    told = (item.raws, item.address, item.ended, item.problem)
    assert any(told) or item.scopes is not None, "it tells nothing"
    if item.address is not None:
        assert item.address.startswith("https://"), f"{item.address} is not https"
        assert host_of(item.address) in hosts_of(door), f"{item.address} is somebody else's"
    for raw in item.raws:
        _raw_is_sound(raw)


def _raw_is_sound(raw: Raw) -> None:
    is_placed(raw)
    if raw.problem is None:
        assert raw.start is not None
        assert raw.end is not None
        assert raw.end - raw.start <= LONGEST, f"{raw.key} spans too much"
