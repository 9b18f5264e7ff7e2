"""Invented answers of Google, and a client that gives them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sleepbalance.model import Session
from sleepbalance.provider import Ask, Raw, Reply
from sleepbalance.providers.fitbit import API, PROVIDER
from sleepbalance.providers.fitbit.reading import sleep
from sleepbalance.testing.recording import Exchange, Recorded

TYPES = "v4/users/me/dataTypes/"
SLEEPS = TYPES + "sleep/dataPoints"
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
START = dt.datetime(2026, 11, 20, 22, tzinfo=dt.UTC)
OWN = {"platform": "FITBIT", "recordingMethod": "DERIVED", "device": {"displayName": "Versa"}}
FILTER_REFUSED = {"error": {"details": [{"reason": "INVALID_DATA_POINT_FILTER"}]}}

Json = dict[str, Any]


def at(minutes: float) -> str:
    """So many minutes after 22:00 UTC, as Google writes it."""
    return (START + dt.timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def stretch(begin: float, end: float, word: str | None = None, **more: Any) -> Json:
    told = {"startTime": at(begin), "endTime": at(end)} | more
    return told if word is None else told | {"type": word}


def point(
    begin: float = 0,
    end: float = 480,
    *,
    key: str = "77",
    stages: Sequence[Json] | None = None,
    metadata: Json | None = None,
    source: Json | None = None,
    offset: str | None = "3600s",
    **sleep: Any,
) -> Json:
    """A sleep; what is given by name goes into its `sleep`."""
    interval = stretch(begin, end)
    if offset is not None:
        interval |= {"startUtcOffset": offset, "endUtcOffset": offset}
    told: Json = {"interval": interval} | sleep
    if stages is not None:
        told["stages"] = stages
    if metadata is not None:
        told["metadata"] = metadata
    name = f"users/42/dataTypes/sleep/dataPoints/{key}"
    return {"name": name, "dataSource": OWN if source is None else source, "sleep": told}


def raw_of(told: Json, now: dt.datetime = NOW) -> Raw:
    found = sleep(json.dumps(told).encode(), now)
    assert found is not None
    return found


def session_of(told: Json, *beside: Raw) -> Session:
    result = PROVIDER.normalise([raw_of(told), *beside])
    assert result.aside == ()
    (session,) = result.sessions
    return session


def night(*stages: tuple[float, float, str], **told: Any) -> Session:
    """The session of a sleep with these stages."""
    return session_of(point(stages=[stretch(*each) for each in stages], **told))


def timeline(session: Session) -> list[tuple[float, float, str]]:
    """In minutes."""
    return [(s.offset / 60, s.end / 60, s.stage.value) for s in session.hypnogram]


def answer(
    path: str, body: object, method: str = "GET", status: int = 200, **carries: Mapping[str, Any]
) -> Exchange:
    reply = Reply(status, {}, json.dumps(body).encode())
    return Exchange(method=method, path=path, carries=carries, reply=reply)


def client(*exchanges: Exchange) -> Recorded:
    return Recorded(API, exchanges)


def ask(days: float = 14, *sleeps: Raw, end: dt.datetime = NOW) -> Ask:
    start = end - dt.timedelta(days=days)
    return Ask(start=start, end=end, now=NOW, account="42", sleeps=sleeps)


def fetch(name: str, recorded: Recorded, asked: Ask) -> list[Raw]:
    (resource,) = [each for each in API.resources if each.name == name]
    return list(resource.fetch(recorded, asked))
