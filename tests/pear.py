"""A made-up maker with a door over the network, and a recording of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from sleepbalance.errors import Malformed, NeedsReconnect, SleepBalanceError
from sleepbalance.model import Piece, Segment, Session, Source, Stage, Vital
from sleepbalance.provider import (
    Account,
    Answer,
    Api,
    ApiKey,
    Ask,
    Client,
    Grant,
    Normalised,
    OAuth,
    Provider,
    Raw,
    Reply,
    Resource,
    Scope,
)
from sleepbalance.testing import Bytes, Sample

SOURCE = Source("pear", "Pear")
ACCOUNT = Source("", "Pear")
NIGHT = dt.timedelta(hours=8)


class Sleep(msgspec.Struct):
    id: str
    began: int


class Page(msgspec.Struct):
    sleeps: list[Any]
    next: str = ""


class Me(msgspec.Struct):
    who: str


def decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("Pear sent something odd.") from None


def pages(client: Client, ask: Ask) -> Iterator[Page]:
    token, seen = "", {""}
    while True:
        page: Page = decoded(client.get("sleep", {"page": token} if token else None).body, Page)
        yield page
        token = page.next
        if token in seen:
            return
        seen.add(token)


def sleeps(client: Client, ask: Ask) -> Iterator[Raw]:
    for page in pages(client, ask):
        for each in page.sleeps:
            raw = sleep(msgspec.json.encode(each))
            if raw.end is None or ask.start <= raw.end < ask.end:
                yield raw


def sleep(payload: bytes) -> Raw:
    try:
        told = decoded(payload, Sleep)
        start = dt.datetime.fromtimestamp(told.began, dt.UTC)
        end = start + NIGHT
    except (Malformed, ValueError, OverflowError, OSError):
        key = payload.hex()
        return Raw(key=key, kind="sleep", source=SOURCE, payload=payload, problem="odd")
    if not told.id or not 2000 < start.year < 2100:
        return Raw(key="-", kind="sleep", source=SOURCE, payload=payload, problem="odd")
    return Raw(key=told.id, kind="sleep", source=SOURCE, payload=payload, start=start, end=end)


def pulses(client: Client, ask: Ask) -> Iterator[Raw]:
    if ask.sleeps:
        reply = client.post("pulse", json={"of": [raw.key for raw in ask.sleeps]})
        start, end = ask.sleeps[0].start, ask.sleeps[0].end
        yield Raw(
            key="pulse",
            kind="pulse",
            source=ACCOUNT,
            payload=reply.body,
            start=start,
            end=end,
            companion=True,
        )


def normalise(raws: Iterable[Raw]) -> Normalised:
    raws = list(raws)
    pulse = {"heart_rate": Vital(50)} if any(raw.companion for raw in raws) else {}
    once = {raw.key: raw for raw in raws if not raw.companion}
    sessions = [session(once[key], pulse) for key in sorted(once)]
    return Normalised(sessions=tuple(sessions))


def session(raw: Raw, vitals: dict[str, Vital]) -> Session:
    assert raw.start
    assert raw.end
    return Session(
        external_id=raw.key,
        source=SOURCE,
        start=raw.start,
        end=raw.end,
        door="oauth",
        parts=(Piece(0, 28800),),
        hypnogram=(Segment(0, 28800, Stage.LIGHT),),
        vitals=vitals,
    )


def identify(client: Client, grant: Grant) -> Account:
    assert grant.access
    return Account(decoded(client.get("me").body, Me).who)


def fault(reply: Reply) -> SleepBalanceError | Answer | None:
    if reply.status == 400 and b"gone fishing" in reply.body:
        return NeedsReconnect("Pear has gone fishing. Connect again.")
    return None


def revoke(client: Client, grant: Grant) -> None:
    client.post("https://pear.example/revoke", form={"token": grant.access})


API = Api(
    base="https://api.pear.example/v1/",
    resources=(Resource("sleep", sleeps, "sleep"), Resource("pulse", pulses, "pulse")),
    fault=fault,
    identify=identify,
)
DOOR = OAuth(
    api=API,
    authorize_url="https://pear.example/authorize",
    token_url="https://pear.example/token",
    scopes=(Scope("sleep", "sleep", needed=True), Scope("pulse", "heart rate")),
    how_to="Ask Pear for a client.",
    revoke=revoke,
)
PEAR = Provider(
    id="pear",
    name="Pear",
    docs="https://example.org/pear",
    verified=None,
    doors=(DOOR,),
    normalise=normalise,
)


def keyed(name: str = "key") -> ApiKey:
    """The same maker by a key."""
    return ApiKey(
        api=API,
        exchange=lambda client, key: Grant(access=client.get("token").headers.get("x", key)),
        how_to="Make a key in the app.",
        name=name,
    )


TOLD: dict[str, Any] = {
    "ask": {
        "start": "2026-04-28T00:00:00Z",
        "end": "2026-05-05T00:00:00Z",
        "now": "2026-05-05T00:00:00Z",
    },
    "account": "me-7",
    "exchanges": [
        {"path": "me", "body": {"who": "me-7"}},
        {
            "path": "sleep",
            "params": {"page": None},
            "body": {
                "sleeps": [{"id": "a", "began": 1777669800}, {"began": "never"}],
                "next": "2",
            },
        },
        {
            "path": "sleep",
            "params": {"page": "2"},
            "body": {"sleeps": [{"id": "b", "began": 1777756200}]},
        },
        {"method": "POST", "path": "pulse", "json": {"of": ["a", "b"]}, "body": [50, 51]},
        {"path": "away", "status": 400, "body": "gone fishing"},
    ],
}


def recording(name: str = "api_pear.json", **other: Any) -> Sample:
    return Sample(name, (Bytes(name, json.dumps(TOLD | other).encode()),))
