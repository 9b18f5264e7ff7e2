"""The contract suite notices each way to break the contract over the network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from sleepbalance.errors import Gone, Malformed, NeedsReconnect, SleepBalanceError
from sleepbalance.model import Session
from sleepbalance.provider import (
    Account,
    Answer,
    Ask,
    Client,
    Grant,
    Normalised,
    Provider,
    Rate,
    Raw,
    Reading,
    Reply,
    Resource,
    Scope,
)
from sleepbalance.testing import Contract, Sample, contract
from sleepbalance.testing.recording import ENOUGH, recording_of
from tests.pear import ACCOUNT, API, DOOR, PEAR, SOURCE, TOLD, keyed, normalise, pulses, recording
from tests.pear import sleeps as told_sleeps

SAMPLES = (recording(),)
NAMES = [name for name in dir(Contract) if name.startswith("test_")]


def run(provider: Provider, name: str, samples: Sequence[Sample] = SAMPLES) -> None:
    getattr(contract(provider, samples)(), name)()


@pytest.mark.parametrize("name", NAMES)
def test_a_good_provider_passes(name: str) -> None:
    run(PEAR, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_with_two_doors_passes(name: str) -> None:
    samples = (recording(), recording("api_key.json", door="key"))
    provider = replace(PEAR, doors=(DOOR, keyed()))
    if name != "test_sessions_are_sound":  # the same nights came by both doors
        run(provider, name, samples)


# Each way to be wrong, and the test that notices


def with_door(**wrong: Any) -> Provider:
    return replace(PEAR, doors=(replace(DOOR, **wrong),))


def with_api(**wrong: Any) -> Provider:
    return with_door(api=replace(API, **wrong))


def with_reading(**wrong: Any) -> Provider:
    return with_api(reading=Reading(**wrong))


def fetching(fetch: Callable[[Client, Ask], Iterator[Raw]], at: int = 0) -> Provider:
    resources = list(API.resources)
    resources[at] = replace(resources[at], fetch=fetch)
    return with_api(resources=tuple(resources))


class Drifting:
    """Finds something else each time."""

    def __init__(self) -> None:
        self.times = count()

    def __call__(self, client: Client, ask: Ask) -> Iterator[Raw]:
        yield Raw(key=str(next(self.times)), kind="x", source=SOURCE, payload=b"", problem="odd")
        yield from told_sleeps(client, ask)


def asking_again(client: Client, ask: Ask) -> Iterator[Raw]:
    while client.get("sleep"):
        pass
    return told_sleeps(client, ask)


def asking_strangers(client: Client, ask: Ask) -> Iterator[Raw]:
    client.get("http://pear.example/sleep")
    return told_sleeps(client, ask)


def asking_from_the_root(client: Client, ask: Ask) -> Iterator[Raw]:
    client.get("/sleep")
    return told_sleeps(client, ask)


def asking_what_nobody_knows(client: Client, ask: Ask) -> Iterator[Raw]:
    client.get("dreams")
    return told_sleeps(client, ask)


def telling_later(client: Client, ask: Ask) -> Iterator[Raw]:
    for raw in told_sleeps(client, ask):
        yield raw if raw.end is None else replace(raw, end=raw.end + dt.timedelta(days=300))


def trusting(client: Client, ask: Ask) -> Iterator[Raw]:
    for each in client.get("sleep").json()["sleeps"]:
        key = each.get("id", "-")
        yield Raw(key=key, kind="sleep", source=SOURCE, payload=b"", problem="odd")


def nothing(client: Client, ask: Ask) -> Iterator[Raw]:
    return iter(())


def always_asking(client: Client, ask: Ask) -> Iterator[Raw]:
    client.post("pulse", json={"of": ["a", "b"]})
    return pulses(client, ask)


def without_sleeps(client: Client, ask: Ask) -> Iterator[Raw]:
    yield Raw(
        key="p", kind="p", source=ACCOUNT, payload=b"", start=ask.start, end=ask.end, companion=True
    )


def as_sleeps(client: Client, ask: Ask) -> Iterator[Raw]:
    return (replace(raw, companion=False, source=SOURCE) for raw in pulses(client, ask))


def too_long(client: Client, ask: Ask) -> Iterator[Raw]:
    for raw in pulses(client, ask):
        assert raw.start
        yield replace(raw, end=raw.start + dt.timedelta(days=9))


def raising(reply: Reply) -> SleepBalanceError | Answer | None:
    return NeedsReconnect(str(reply.json()["error"]) + ".")


def echoing(reply: Reply) -> SleepBalanceError | Answer | None:
    return Malformed(f"Pear said {reply.body.decode(errors='replace')}.")


def ending(reply: Reply) -> SleepBalanceError | Answer | None:
    return Gone("Pear has ended.") if reply.status >= 400 else None


def curt(reply: Reply) -> SleepBalanceError | Answer | None:
    return Malformed("no") if reply.status == 404 else None


def through(door: str) -> Callable[[Any], Normalised]:
    def wrong(raws: Any) -> Normalised:
        def moved(session: Session) -> Session:
            return replace(session, door=door)

        return Normalised(sessions=tuple(map(moved, normalise(raws).sessions)))

    return wrong


def stranger(client: Client, grant: Grant) -> Account:
    return Account("somebody else")


def trusting_identity(client: Client, grant: Grant) -> Account:
    return Account(client.get("me").json()["who"])


SCOPES = DOOR.scopes
FACTS = "test_doors_over_the_network_say_how_they_are_used"
FETCHES = "test_fetching_is_repeatable"
BESIDE = "test_what_is_beside_the_sleeps_comes_only_with_them"
DAMAGED = "test_only_our_errors_come_out_of_damaged_replies"
WRONG: dict[str, tuple[Provider, str]] = {
    "no https": (with_door(token_url="http://pear.example/token"), FACTS),
    "named user": (with_door(authorize_url="https://me@pear.example/"), FACTS),
    "open base": (with_api(base="http://api.pear.example/"), FACTS),
    "base without end": (with_api(base="https://api.pear.example/v1"), FACTS),
    "nothing to fetch": (with_api(resources=()), FACTS),
    "two of a name": (with_api(resources=API.resources * 2), FACTS),
    "no name": (with_api(resources=(Resource(" ", told_sleeps, "sleep"),)), FACTS),
    "foreign scope": (with_api(resources=(Resource("sleep", told_sleeps, "all"),)), FACTS),
    "scope twice": (with_door(scopes=SCOPES * 2), FACTS),
    "scope for nothing": (with_door(scopes=(*SCOPES, Scope("x", ""))), FACTS),
    "none needed": (with_door(scopes=(Scope("sleep", "sleep"), SCOPES[1])), FACTS),
    "other needed": (
        with_door(scopes=(Scope("sleep", "sleep"), Scope("pulse", "x", needed=True))),
        FACTS,
    ),
    "callback elsewhere": (with_door(callback="http://pear.example/callback"), FACTS),
    "two doors of a name": (replace(PEAR, doors=(DOOR, DOOR)), FACTS),
    "first after longest": (with_reading(first=31), FACTS),
    "no days": (with_reading(first=0), FACTS),
    "settled before": (with_reading(settles_after=-1), FACTS),
    "no history": (with_reading(history=0), FACTS),
    "no rate": (with_reading(rates=(Rate(0, 60),)), FACTS),
    "drifts": (fetching(Drifting()), FETCHES),
    "never ends": (fetching(asking_again), FETCHES),
    "open road": (fetching(asking_strangers), FETCHES),
    "from the root": (fetching(asking_from_the_root), FETCHES),
    "not recorded": (fetching(asking_what_nobody_knows), FETCHES),
    "outside": (fetching(telling_later), "test_sleeps_end_in_the_window"),
    "finds nothing": (fetching(nothing, 1), "test_every_door_over_the_network_is_recorded"),
    "asks for nothing": (fetching(always_asking, 1), BESIDE),
    "tells without": (fetching(without_sleeps, 1), BESIDE),
    "more sleeps": (fetching(as_sleeps, 1), BESIDE),
    "too long": (fetching(too_long, 1), BESIDE),
    "trusts": (fetching(trusting), DAMAGED),
    "trusts itself": (
        with_api(identify=trusting_identity),
        "test_an_odd_account_is_refused_in_our_words",
    ),
    "raises": (with_api(fault=raising), "test_any_refusal_is_read"),
    "echoes": (with_api(fault=echoing), "test_any_refusal_is_read"),
    "ends": (with_api(fault=ending), "test_any_refusal_is_read"),
    "curt": (with_api(fault=curt), "test_any_refusal_is_read"),
    "no answer": (with_api(fault=lambda _: "fine"), "test_any_refusal_is_read"),
    "somebody": (with_api(identify=stranger), "test_the_account_is_told"),
    "no token": (
        with_door(unwrap=lambda told: Grant(access=told["access_token"].strip())),
        "test_any_token_reply_is_read",
    ),
    "keeps": (with_door(revoke=lambda client, grant: None), "test_letting_go_tells_the_maker"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_provider_is_noticed(fault: str) -> None:
    provider, name = WRONG[fault]
    ours = (AssertionError, SleepBalanceError)
    theirs = (AttributeError, LookupError, RuntimeError, TypeError, ValueError, ExceptionGroup)
    with pytest.raises((*ours, *theirs)):
        run(provider, name)


def test_a_session_names_a_door_that_there_is() -> None:
    with pytest.raises(AssertionError):
        run(replace(PEAR, normalise=through("window")), "test_sessions_are_sound")


def test_a_door_without_a_recording_proves_nothing() -> None:
    both = replace(PEAR, doors=(DOOR, keyed()))
    with pytest.raises(AssertionError, match="through the door key"):
        run(both, "test_every_door_over_the_network_is_recorded")
    with pytest.raises(AssertionError, match="no recording"):
        run(PEAR, "test_every_door_over_the_network_is_recorded", [])
    with pytest.raises(AssertionError, match="whose account"):
        run(PEAR, "test_the_account_is_told", [recording(account=None)])


def test_a_recording_without_a_door_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="no door"):
        recording_of(replace(PEAR, doors=()), recording())


# The recorded server


def test_an_exchange_answers_what_carries_at_least_its_part() -> None:
    exchanges = [
        {"method": "POST", "path": "x", "json": {"a": {"b": 1}, "c": None}, "body": "first"},
        {"method": "POST", "path": "x", "form": {"token": "t"}, "body": "second"},
        {"method": "DELETE", "path": "x", "status": 204},
        {"path": "x", "params": {"n": 5}, "headers": {"etag": "e"}, "body": {"z": 1}},
    ]
    client = recording_of(PEAR, recording(exchanges=exchanges)).client()
    assert client.post("x", json={"a": {"b": 1, "more": 2}}).body == b"first"
    assert client.post("x", json={"a": 1}, form={"token": "t"}).body == b"second"
    assert client.post("x", json={"a": {"b": 1}, "c": 0}, form={"token": "t"}).body == b"second"
    assert client.delete("x").status == 204
    reply = client.get("x", {"n": "5", "m": 6})
    assert (reply.headers, reply.json()) == ({"etag": "e"}, {"z": 1})
    with pytest.raises(AssertionError, match="nobody recorded an answer to GET x"):
        client.get("x")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "NeedsReconnect"),
        (403, "NotEntitled"),
        (404, "Malformed"),
        (410, "Gone"),
        (429, "RateLimited"),
        (503, "Unavailable"),
    ],
)
def test_the_recorded_server_refuses_as_the_real_client_does(status: int, kind: str) -> None:
    told = recording(exchanges=[{"path": "x", "status": status}])
    with pytest.raises(SleepBalanceError) as caught:
        recording_of(PEAR, told).client().get("x")
    assert type(caught.value).__name__ == kind


def test_what_the_provider_calls_fine_comes_back() -> None:
    def fine(reply: Reply) -> Answer | None:
        return Answer.FINE if reply.status == 404 else None

    told = recording(exchanges=[{"path": "x", "status": 404}])
    client = recording_of(with_api(fault=fine), told).client()
    assert client.get("x").status == 404


def test_the_recording_is_as_it_is_written() -> None:
    told = recording_of(PEAR, recording())
    assert told.account == TOLD["account"]
    assert told.ask.end == dt.datetime(2026, 5, 5, tzinfo=dt.UTC)
    assert {raw.key for raw in told.fetched() if not raw.problem} == {"a", "b", "pulse"}
    assert len(told.client().asked) < ENOUGH
