"""Invented documents of Oura, and a client that gives them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sleepbalance.model import Session
from sleepbalance.provider import Ask, Raw, Reply
from sleepbalance.providers.oura import PROVIDER
from sleepbalance.providers.oura.documents import of_day, sleep
from sleepbalance.providers.oura.doors import API
from sleepbalance.testing.recording import Exchange, Recorded

BASE = "v2/usercollection/"
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
BED = dt.datetime(2026, 11, 20, 23, tzinfo=dt.timezone(dt.timedelta(hours=1)))

Json = dict[str, Any]


def document(minutes: float = 60, *, bed: dt.datetime = BED, **told: Any) -> Json:
    """A long sleep of so many minutes from 23:00 on; what is None is left out."""
    end = bed + dt.timedelta(minutes=minutes)
    body = {
        "id": "a-sleep",
        "bedtime_start": bed.isoformat(),
        "bedtime_end": end.isoformat(),
        "day": (end.replace(tzinfo=None) + dt.timedelta(hours=6)).date().isoformat(),
        "time_in_bed": round(minutes * 60),
        "type": "long_sleep",
        "low_battery_alert": False,
        "period": 0,
    }
    return {name: value for name, value in (body | told).items() if value is not None}


def raw_of(told: Json, kind: str = "sleep") -> Raw:
    return sleep(json.dumps(told).encode(), NOW, kind)


def day_of(kind: str, **told: Any) -> Raw:
    return of_day(json.dumps({"id": "d", "day": "2026-11-21", **told}).encode(), kind)


def session_of(told: Json, *beside: Raw) -> Session:
    result = PROVIDER.normalise([raw_of(told), *beside])
    assert result.aside == ()
    (session,) = result.sessions
    return session


def timeline(session: Session) -> list[tuple[int, int, str]]:
    """From, to (seconds) and stage."""
    return [(s.offset, s.end, s.stage.value) for s in session.hypnogram]


def answer(path: str, body: object, status: int = 200, **carries: Any) -> Exchange:
    reply = Reply(status, {}, json.dumps(body).encode())
    return Exchange(method="GET", path=path, carries=carries, reply=reply)


def client(*exchanges: Exchange) -> Recorded:
    return Recorded(API, exchanges)


def ask(days: float = 14, *sleeps: Raw, end: dt.datetime = NOW) -> Ask:
    return Ask(
        start=end - dt.timedelta(days=days), end=end, now=NOW, account="someone", sleeps=sleeps
    )


def fetch(name: str, recorded: Recorded, asked: Ask) -> list[Raw]:
    (resource,) = [each for each in API.resources if each.name == name]
    return list(resource.fetch(recorded, asked))
