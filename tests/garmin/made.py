"""Invented days of Garmin, and a client that gives them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sleepbalance.model import Session
from sleepbalance.provider import Ask, Finished, Normalised, Raw, Reply
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.export import read
from sleepbalance.providers.garmin.personal import PERSONAL, SLEEPS
from sleepbalance.providers.garmin.records import Reader
from sleepbalance.testing import Bytes
from sleepbalance.testing.recording import Exchange, Recorded

NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
HOUR = 3600
DAY = "2026-11-21"
START = dt.datetime(2026, 11, 20, 22, tzinfo=dt.UTC)

Json = dict[str, Any]


def millis(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * 1000


def later(**by: float) -> dt.datetime:
    return START + dt.timedelta(**by)


def dto(
    start: dt.datetime | None = START,
    seconds: int = 8 * HOUR,
    *,
    ahead: tuple[int, int] = (HOUR, HOUR),
    **told: Any,
) -> Json:
    """A day of the Personal API whose night is light sleep, if nothing else is given by name."""
    body: Json = {"calendarDate": DAY, "retro": False, "napTimeSeconds": 0}
    if start is not None:
        end = start + dt.timedelta(seconds=seconds)
        body |= {
            "sleepStartTimestampGMT": millis(start),
            "sleepEndTimestampGMT": millis(end),
            "sleepStartTimestampLocal": millis(start) + 1000 * ahead[0],
            "sleepEndTimestampLocal": millis(end) + 1000 * ahead[1],
            "sleepWindowConfirmationType": "enhanced_confirmed_final",
            "sleepFromDevice": True,
            "deviceRemCapable": True,
            "sleepTimeSeconds": seconds,
            "deepSleepSeconds": 0,
            "lightSleepSeconds": seconds,
            "remSleepSeconds": 0,
            "awakeSleepSeconds": 0,
            "unmeasurableSleepSeconds": 0,
        }
    return body | told


def nap(start: dt.datetime, seconds: int = 1800, **told: Any) -> Json:
    end = start + dt.timedelta(seconds=seconds)
    return {
        "calendarDate": str(end.date()),
        "napTimeSec": seconds,
        "napStartTimestampGMT": f"{start:%Y-%m-%dT%H:%M:%S}",
        "napEndTimestampGMT": f"{end:%Y-%m-%dT%H:%M:%S}",
        "napSource": 0,
        "napStartTimeOffset": 60,
        "napEndTimeOffset": 60,
    } | told


def raws_of(told: Any, now: dt.datetime = NOW) -> list[Raw]:
    return list(Reader(now).day(json.dumps(told).encode()))


def result_of(told: Any, *beside: Raw) -> Normalised:
    return PROVIDER.normalise([*raws_of(told), *beside])


def session_of(told: Any, *beside: Raw) -> Session:
    """The one session of a day."""
    result = result_of(told, *beside)
    assert (result.aside, result.withdrawn) == ((), ())
    (session,) = result.sessions
    return session


def answer(path: str, body: Any, status: int = 200, **carries: Any) -> Exchange:
    said = body if isinstance(body, str) else json.dumps(body)
    return Exchange(
        method="GET", path=path, carries=carries, reply=Reply(status, {}, said.encode())
    )


def client(*exchanges: Exchange) -> Recorded:
    return Recorded(PERSONAL.api, exchanges)


def ask(days: int = 14, *sleeps: Raw, end: dt.datetime = NOW) -> Ask:
    """As the engine asks, for so many dates up to today."""
    until = end.replace(hour=0) + dt.timedelta(days=1, hours=12)
    start = until - dt.timedelta(days=days, hours=26)
    return Ask(start=start, end=until, now=end, account="who", sleeps=sleeps)


def fetch(name: str, asked: Recorded, said: Ask) -> list[Raw]:
    (resource,) = (r for r in PERSONAL.api.resources if r.name == name)
    return list(resource.fetch(asked, said))


def told_by_list(*days: Json) -> list[Raw]:
    """What a list of these days becomes."""
    return fetch("sleep", client(answer(SLEEPS, list(days))), ask(14))


def sleep_file(*records: Any, name: str = "2026-08-05_2026-11-13_7_sleepData.json") -> Bytes:
    return Bytes(f"DI_CONNECT/DI-Connect-Wellness/{name}", json.dumps(records).encode())


def imported(*members: Bytes) -> tuple[list[Raw], Finished]:
    """What is read of an export."""
    *raws, finished = list(read(members, NOW))
    assert isinstance(finished, Finished)
    return [raw for raw in raws if isinstance(raw, Raw)], finished


def kept(*members: Bytes) -> dict[str, Raw]:
    """The records of an export by key, several versions joined as the engine does."""
    found: dict[str, Raw] = {}
    for raw in imported(*members)[0]:
        before = found.get(raw.key)
        if before is None or PROVIDER.merge(raw.kind, [before.payload, raw.payload]) == raw.payload:
            found[raw.key] = raw
    return found


def sessions_of(*members: Bytes) -> dict[str, Session]:
    """The sessions of an export by their ids."""
    result = PROVIDER.normalise([raw for raw in kept(*members).values() if raw.problem is None])
    assert result.aside == ()
    return {session.external_id: session for session in result.sessions}
