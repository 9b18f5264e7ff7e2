"""Invented answers of Google Fit, and a client that gives them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from sleepbalance.model import Session, Source
from sleepbalance.payloads import pack
from sleepbalance.provider import Ask, Raw, Reply
from sleepbalance.providers.google_fit import API, PROVIDER
from sleepbalance.testing.recording import Recorded

ME = "fitness/v1/users/me/"
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
START = dt.datetime(2026, 11, 20, 22, tzinfo=dt.UTC)
SLEEP = "com.google.sleep.segment"
ACTIVITY = "com.google.activity.segment"
STAGES = f"derived:{SLEEP}:com.google.android.gms:merged"
ACTIVITIES = f"derived:{ACTIVITY}:com.google.android.gms:merge_activity_segments"
HEARTS = "derived:com.google.heart_rate.bpm:com.google.android.gms:merge_heart_rate_bpm"
OXYGENS = "derived:com.google.oxygen_saturation:com.google.android.gms:merged"
APP = "org.example.watch"

Json = dict[str, Any]


def at(minutes: float) -> dt.datetime:
    """So many minutes after 22:00 UTC."""
    return START + dt.timedelta(minutes=minutes)


def nanos(minutes: float) -> str:
    return str(int(at(minutes).timestamp()) * 10**9)


def millis(minutes: float) -> str:
    return str(int(at(minutes).timestamp()) * 1000)


def session(begin: float = 0, end: float = 480, app: str = APP, **more: Any) -> Json:
    told = {
        "id": f"{app}/{begin}",
        "startTimeMillis": millis(begin),
        "endTimeMillis": millis(end),
        "modifiedTimeMillis": millis(end),
        "activityType": 72,
        "application": {"packageName": app},
    }
    return {name: value for name, value in (told | more).items() if value is not None}


def segment(begin: float, end: float, code: int, app: str = APP, **more: Any) -> Json:
    return {
        "startTimeNanos": nanos(begin),
        "endTimeNanos": nanos(end),
        "dataTypeName": SLEEP,
        "originDataSourceId": f"raw:{SLEEP}:{app}:",
        "value": [{"intVal": code, "mapVal": []}],
    } | more


def sample(minutes: float, value: float, app: str = APP) -> Json:
    return segment(minutes, minutes, 0, app, value=[{"fpVal": value}])


def payload(told: Json, points: Iterable[Json] = ()) -> bytes:
    return json.dumps({"session": told, "point": list(points)}).encode()


def raw_of(*points: Json, begin: float = 0, end: float = 480, key: str = "1", **more: Any) -> Raw:
    return Raw(
        key=f"sleep/{key}",
        kind="sleep",
        source=more.pop("source", Source(APP, APP)),
        payload=payload(session(begin, end, **more), points),
        start=at(begin),
        end=at(end),
    )


def beside(kind: str, *points: Json) -> Raw:
    sent = pack([json.dumps(point).encode() for point in points])
    return Raw(
        key=f"{kind}/x",
        kind=kind,
        source=Source(APP, APP),
        payload=sent,
        start=at(-60),
        end=at(600),
        companion=True,
    )


def night(*stages: tuple[float, float, int], **told: Any) -> Session:
    """The session of a sleep with these stages."""
    return session_of(raw_of(*(segment(*each) for each in stages), **told))


def session_of(*raws: Raw) -> Session:
    result = PROVIDER.normalise(raws)
    assert result.aside == ()
    (found,) = result.sessions
    return found


def timeline(found: Session) -> list[tuple[float, float, str]]:
    """In minutes."""
    return [(s.offset / 60, s.end / 60, s.stage.value) for s in found.hypnogram]


# -- over the network ----------------------------------------------------------------------------


class Fit(Recorded):
    """Google Fit whose streams hold what is given, whatever range is asked for.

    `refused` are streams that are answered with a status and a body; `pages` how many points one
    page has.
    """

    def __init__(
        self,
        sessions: Iterable[Json],
        streams: Mapping[str, list[Json]],
        *,
        refused: Mapping[str, tuple[int, Json]] | None = None,
        size: int = 10_000,
    ) -> None:
        super().__init__(API, ())
        self.sessions, self.streams = list(sessions), dict(streams)
        self.refused, self.size = dict(refused or {}), size

    @property
    def paths(self) -> list[str]:
        """What was asked, in short."""
        return [line.split()[1].removeprefix(ME) for line in self.asked]

    def _send(self, method: str, path: str, told: Mapping[str, Any]) -> Reply:
        self.asked.append(f"{method} {path} {told}")
        status, body = self._answer(path, told.get("params") or {})
        return self._judged(Reply(status, {}, json.dumps(body).encode(), f"/{path}"))

    def _answer(self, path: str, params: Mapping[str, Any]) -> tuple[int, Json]:
        if path == f"{ME}sessions":
            return 200, {"session": self.sessions}
        if path == f"{ME}dataSources":
            names = [{"dataStreamId": name} for name in self.streams]
            return 200, {"dataSource": names}
        for name, points in self.streams.items():
            if f"/{quote(name, safe='')}/" in path:
                return self._page(name, points, int(params.get("pageToken", len(points))))
        for name, answer in self.refused.items():
            if f"/{quote(name, safe='')}/" in path:
                return answer
        return 404, {"error": {"code": 404, "message": "not found"}}

    def _page(self, name: str, points: list[Json], until: int) -> tuple[int, Json]:
        first = max(0, until - self.size)
        body: Json = {"dataSourceId": name, "point": points[first:until]}
        return 200, body | ({"nextPageToken": str(first)} if first else {})


def ask(days: float = 14, *sleeps: Raw) -> Ask:
    start = NOW - dt.timedelta(days=days)
    return Ask(start=start, end=NOW, now=NOW, account="42", sleeps=sleeps)


def fetch(name: str, client: Recorded, asked: Ask) -> list[Raw]:
    (resource,) = [each for each in API.resources if each.name == name]
    return list(resource.fetch(client, asked))


def sleeps(client: Recorded, days: float = 14) -> dict[str, list[tuple[float, float, int]]]:
    """By app: the stages that came with its sleep, in minutes."""
    return {raw.source.key: _stages(raw) for raw in fetch("sleep", client, ask(days))}


def _stages(raw: Raw) -> list[tuple[float, float, int]]:
    zero = int(START.timestamp())
    return [
        (
            (int(p["startTimeNanos"]) // 10**9 - zero) / 60,
            (int(p["endTimeNanos"]) // 10**9 - zero) / 60,
            p["value"][0]["intVal"],
        )
        for p in json.loads(raw.payload)["point"]
    ]
