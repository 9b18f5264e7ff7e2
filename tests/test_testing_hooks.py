"""The contract suite notices each way to break the contract of a hook."""

from __future__ import annotations

import datetime as dt
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
import pytest

from sleepbalance.errors import Malformed, Rejected
from sleepbalance.provider import Ask, Client, Delivery, Hook, Item, Proof, Provider, Raw
from sleepbalance.testing import Bytes, Contract, Sample, contract
from tests.pear import API, DOOR, PEAR, SOURCE, recording, sleep

LAY = "https://api.pear.example/v1/sleep/7"
TOLD: dict[str, Any] = {
    "now": "2026-05-05T00:00:00Z",
    "headers": {"x-pear": "me"},
    "client_id": "me",
    "body": {
        "told": [
            {"who": "me-7", "id": "c", "began": 1777842600},
            {"who": "me-7", "id": "d", "began": "never"},
            {"who": "me-8", "at": LAY},
            {"who": "me-8", "at": "https://evil.example/v1/sleep/7"},
            {"who": "me-9", "gone": True},
            {"who": "me-9", "scopes": []},
            7,
        ]
    },
    "exchanges": [{"path": LAY, "body": {"id": "e", "began": 1777842600}}],
}


def delivered(name: str = "hook_pear.json", **other: Any) -> Sample:
    return Sample(name, (Bytes(name, json.dumps(TOLD | other).encode()),))


def prove(delivery: Delivery, proof: Proof) -> None:
    ours = proof.secret.encode() or b"\xff"
    own = hmac.compare_digest(delivery.secret.encode(errors="surrogatepass"), ours)
    if not own or delivery.headers.get("x-pear") != proof.client_id:
        raise Rejected("This is not from Pear. Check the address.")


def read(body: bytes, now: dt.datetime) -> Iterator[Item]:
    del now
    try:
        told = msgspec.json.decode(body, type=dict[str, list[msgspec.Raw]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = None
    if told is None:
        raise Malformed("Pear sent something odd. Ask it to send that again.")
    for each in told.get("told", []):
        yield item(bytes(each))


def item(payload: bytes) -> Item:
    try:
        told = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = {}
    who = told.get("who")
    if not isinstance(who, str) or not who:
        return Item(account="", problem="is nobody's")
    if told.get("at") == LAY:
        return Item(account=who, address=LAY)
    if "at" in told:
        return Item(account=who, problem="names somebody else's address")
    if told.get("gone") is True:
        return Item(account=who, ended="You left Pear.")
    if told.get("scopes") == []:
        return Item(account=who, scopes=frozenset())
    return Item(account=who, raws=(sleep(payload),))


def collect(client: Client, address: str, now: dt.datetime) -> Iterator[Raw]:
    del now
    yield sleep(client.get(address).body or b"nothing")


HOOK = Hook(name="push", door="oauth", prove=prove, read=read, collect=collect)
PUSHING = replace(PEAR, hooks=(HOOK,))
SAMPLES = (recording(), delivered())
NAMES = [name for name in dir(Contract) if name.startswith("test_")]


def run(provider: Provider, name: str, samples: Sequence[Sample] = SAMPLES) -> None:
    getattr(contract(provider, samples)(), name)()


@pytest.mark.parametrize("name", NAMES)
def test_a_good_hook_passes(name: str) -> None:
    run(PUSHING, name)


def again(client: Client, ask: Ask) -> None:
    client.post("again", params={"from": int(ask.start.timestamp())})


def ordering(order: Callable[[Client, Ask], None]) -> Provider:
    """The same maker, if nights only came by push."""
    api = replace(API, resources=(), order=order)
    return replace(PUSHING, doors=(replace(DOOR, api=api),))


ORDERED = (
    recording(
        exchanges=[
            {"path": "me", "body": {"who": "me-7"}},
            {"method": "POST", "path": "again", "params": {"from": 1777334400}, "status": 202},
        ]
    ),
    delivered(),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_maker_that_only_pushes_passes(name: str) -> None:
    run(ordering(again), name, ORDERED)


def test_an_order_that_asks_nothing_is_noticed() -> None:
    with pytest.raises(AssertionError, match="asks nothing"):
        run(ordering(lambda client, ask: None), "test_fetching_is_repeatable", ORDERED)


# Each way to be wrong, and the test that notices


def hooked(**wrong: Any) -> Provider:
    return replace(PEAR, hooks=(replace(HOOK, **wrong),))


def believing(delivery: Delivery, proof: Proof) -> None:
    del delivery, proof


def doubting(delivery: Delivery, proof: Proof) -> None:
    del delivery, proof
    raise Rejected("No.")


def comparing_nothing(delivery: Delivery, proof: Proof) -> None:
    if delivery.secret != proof.secret:
        raise Rejected("No.")


def telling_the_secret(delivery: Delivery, proof: Proof) -> None:
    if delivery.secret != proof.secret or not proof.secret:
        raise Rejected(f"No: {proof.secret} is wanted.")


def changed(become: Callable[[Item], Item]) -> Callable[[bytes, dt.datetime], Iterator[Item]]:
    def wrong(body: bytes, now: dt.datetime) -> Iterator[Item]:
        return map(become, read(body, now))

    return wrong


def spanning(item: Item) -> Item:
    long = (r if r.end is None else replace(r, end=r.end + dt.timedelta(days=9)) for r in item.raws)
    return replace(item, raws=tuple(long))


class Drifting:
    """Finds something else each time."""

    def __init__(self) -> None:
        self.times = count()

    def __call__(self, body: bytes, now: dt.datetime) -> Iterator[Item]:
        raw = Raw(key=str(next(self.times)), kind="x", source=SOURCE, payload=b"", problem="odd")
        yield Item(account="me-7", raws=(raw,))
        yield from read(body, now)


def trusting(body: bytes, now: dt.datetime) -> Iterator[Item]:
    del now
    for each in json.loads(body)["told"]:
        yield item(json.dumps(each).encode())


def curt(body: bytes, now: dt.datetime) -> Iterator[Item]:
    try:
        yield from list(read(body, now))
    except Malformed:
        raise Malformed("no") from None


def taking_anything(body: bytes, now: dt.datetime) -> Iterator[Item]:
    del body, now
    yield Item(account="me-7", address=LAY)


def trusting_what_lies_there(client: Client, address: str, now: dt.datetime) -> Iterator[Raw]:
    del now
    told = json.loads(client.get(address).body)
    yield replace(sleep(client.get(address).body), key=str(told["id"]))


def drifting_merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    del kind
    return payloads[0] + b" "


HOW = "test_hooks_say_how_they_are_used"
REJECTS = "test_a_delivery_that_proves_nothing_is_rejected"
SOUND = "test_items_are_sound"
NOBODYS = "test_a_body_that_is_nobodys_is_refused_or_tells_nothing"
WRONG: dict[str, tuple[Provider, str]] = {
    "two of a name": (replace(PEAR, hooks=(HOOK, HOOK)), HOW),
    "without a sample": (replace(PEAR, hooks=(HOOK, replace(HOOK, name="other"))), HOW),
    "no door": (hooked(door="window"), HOW),
    "no method": (hooked(methods=()), HOW),
    "no success": (hooked(status=302), HOW),
    "small bodies": (hooked(largest=1000), HOW),
    "takes nothing": (hooked(prove=doubting), "test_a_delivery_that_proves_its_origin_is_taken"),
    "takes anything": (hooked(prove=believing), REJECTS),
    "nothing is set up": (hooked(prove=comparing_nothing), REJECTS),
    "tells the secret": (hooked(prove=telling_the_secret), REJECTS),
    "drifts": (hooked(read=Drifting()), "test_reading_a_delivery_is_repeatable"),
    "tells nothing": (
        hooked(read=lambda body, now: iter(())),
        "test_reading_a_delivery_is_repeatable",
    ),
    "nobody's": (hooked(read=changed(lambda i: Item(account="", raws=i.raws))), SOUND),
    "empty": (hooked(read=changed(lambda i: Item(account="x"))), SOUND),
    "open road": (
        hooked(read=changed(lambda i: Item(account="x", address="http://api.pear.example/"))),
        SOUND,
    ),
    "stranger": (
        hooked(read=changed(lambda i: Item(account="x", address="https://evil.example/"))),
        SOUND,
    ),
    "too long": (hooked(read=changed(spanning)), SOUND),
    "nobody collects": (hooked(collect=None), SOUND),
    "other bodies": (hooked(read=taking_anything), NOBODYS),
    "no words": (hooked(read=curt), NOBODYS),
    "trusts bodies": (hooked(read=trusting), "test_a_damaged_delivery_is_read_or_refused"),
    "trusts addresses": (
        hooked(collect=trusting_what_lies_there),
        "test_what_lies_at_an_address_may_be_damaged",
    ),
    "never the same": (
        replace(PUSHING, merge=drifting_merge),
        "test_the_same_delivery_twice_changes_nothing",
    ),
}


Group = ExceptionGroup  # of what hypothesis found
Failed = pytest.fail.Exception  # nothing was raised where it had to be


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_hook_is_noticed(fault: str) -> None:
    provider, name = WRONG[fault]
    with pytest.raises((AssertionError, Rejected, LookupError, ValueError, Group, Failed)):
        run(provider, name)


def test_a_delivery_without_a_hook_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no hook"):
        run(PEAR, "test_items_are_sound")
