"""Traumland, a made-up maker: its provider, and its server in memory with faults on demand."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from sleepbalance.model import Kind, Piece, Segment, Session, Source, Stage, Vital
from sleepbalance.provider import (
    Account,
    Api,
    Ask,
    Client,
    Grant,
    Normalised,
    OAuth,
    Provider,
    Raw,
    Reading,
    Reply,
    Resource,
    Scope,
)

ACCOUNT = Source("", "Traumland")
HOUR = dt.timedelta(hours=1)
TAKEN_BACK = "taken back"  # a kind of sleep


# -- the provider ------------------------------------------------------------------------------


def sleeps(client: Client, ask: Ask) -> Iterator[Raw]:
    page: int | None = 0
    while page is not None:
        window: dict[str, str | int] = {"from": ask.start.isoformat(), "to": ask.end.isoformat()}
        window["page"] = page
        body = client.get("sleeps", window).json()
        yield from map(sleep, body["sleeps"])
        page = body["next"]


def sleep(told: Mapping[str, Any]) -> Raw:
    device = told["device"]
    raw = Raw(
        key=told["id"],
        kind="sleep",
        source=Source(device.casefold(), device),
        payload=msgspec.json.encode(told, order="sorted"),
        revised_at=instant(told["updated"]),
        zone="+01:00",
    )
    if told["start"] is None:
        return replace(raw, problem="does not say when it was")
    return replace(raw, start=instant(told["start"]), end=instant(told["end"]))


def hearts(client: Client, ask: Ask) -> Iterator[Raw]:
    for raw in ask.sleeps:
        beats = client.get("hearts", {"id": raw.key}).json()
        if beats is not None:
            yield Raw(
                key=f"heart/{raw.key}",
                kind="heart",
                source=ACCOUNT,
                payload=msgspec.json.encode(beats),
                start=raw.start,
                end=raw.end,
                companion=True,
            )


def moods(client: Client, ask: Ask) -> Iterator[Raw]:
    """A third resource, so that there is one behind another."""
    del ask
    client.get("moods")
    yield from ()


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """A sleep's newer version stands, whichever came last."""
    if kind != "sleep":
        return payloads[-1]
    return max(reversed(payloads), key=lambda p: str(msgspec.json.decode(p)["updated"]))


def normalise(raws: Iterable[Raw]) -> Normalised:
    once = {raw.key: raw for raw in raws}
    own = [raw for _, raw in sorted(once.items()) if not raw.companion]
    told = {raw.key: str(msgspec.json.decode(raw.payload)["kind"]) for raw in own}
    return Normalised(
        sessions=tuple(session(raw, once) for raw in own if told[raw.key] != TAKEN_BACK),
        withdrawn=tuple(key for key, kind in told.items() if kind == TAKEN_BACK),
    )


def session(raw: Raw, beside: Mapping[str, Raw]) -> Session:
    assert raw.start
    assert raw.end
    told = msgspec.json.decode(raw.payload)
    seconds = round((raw.end - raw.start).total_seconds())
    heart = beside.get(f"heart/{raw.key}")
    return Session(
        external_id=raw.key,
        source=raw.source,
        start=raw.start,
        end=raw.end,
        door="oauth",
        kind=Kind(told["kind"]),
        zone_start=raw.zone,
        zone_end=raw.zone,
        parts=(Piece(0, seconds),),
        hypnogram=(Segment(0, seconds, Stage(told["stage"])),),
        vitals={"heart_rate": Vital(msgspec.json.decode(heart.payload))} if heart else {},
        revised_at=raw.revised_at,
    )


def identify(client: Client, grant: Grant) -> Account:
    del client, grant
    return Account("dreamer")


READING = Reading(longest=30, first=14, settles_after=7)


def make_provider(reading: Reading = READING) -> Provider:
    api = Api(
        base="https://traumland.example/",
        resources=(
            Resource("sleep", sleeps, "sleep"),
            Resource("heart rate", hearts, "heart"),
            Resource("mood", moods, "mood"),
        ),
        reading=reading,
        identify=identify,
    )
    door = OAuth(
        api=api,
        authorize_url="https://traumland.example/authorize",
        token_url="https://traumland.example/token",
        scopes=(Scope("sleep", "sleep", needed=True), Scope("heart", "heart rate")),
        how_to="Ask the Sandman.",
    )
    return Provider(
        id="traumland",
        name="Traumland",
        docs="https://traumland.example/docs",
        verified=None,
        doors=(door,),
        normalise=normalise,
        merge=merge,
    )


# -- the server --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sleep:
    id: str
    start: dt.datetime | None
    end: dt.datetime
    stage: str = "light"
    kind: str = "main"
    device: str = "Ring"
    updated: str = "2026-01-01T00:00:00+00:00"
    heart: float | None = 55.0

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "start": self.start and self.start.isoformat(),
            "end": self.end.isoformat(),
            "stage": self.stage,
            "kind": self.kind,
            "device": self.device,
            "updated": self.updated,
        }


def night(date: dt.date | str, **more: Any) -> Sleep:
    """A night that ends on that date at seven in the morning, an hour east of UTC."""
    day = dt.date.fromisoformat(date) if isinstance(date, str) else date
    end = dt.datetime.combine(day, dt.time(6), dt.UTC)
    start = end - 8 * HOUR
    return replace(Sleep(id=f"n{day}", start=start, end=end), **more)


def nap(date: str, **more: Any) -> Sleep:
    end = dt.datetime.combine(dt.date.fromisoformat(date), dt.time(14), dt.UTC)
    return replace(Sleep(id=f"p{date}", start=end - HOUR, end=end, kind="nap"), **more)


Fault = Exception | Callable[[], None] | Reply | None


@dataclass
class Maker:
    """What the maker has, what it was asked, and what goes wrong at the next requests."""

    sleeps: dict[str, Sleep] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    page: int = 10

    def add(self, *sleeps: Sleep) -> None:
        self.sleeps |= {sleep.id: sleep for sleep in sleeps}

    def add_nights(self, first: str, last: str) -> None:
        day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        while day <= end:
            self.add(night(day))
            day += dt.timedelta(days=1)

    def revise(self, key: str, **more: Any) -> None:
        later = instant(self.sleeps[key].updated) + HOUR
        self.add(replace(self.sleeps[key], **({"updated": later.isoformat()} | more)))

    def drop(self, *keys: str) -> None:
        for key in keys:
            del self.sleeps[key]

    def fail(self, path: str, *faults: Fault) -> None:
        self.faults[path].extend(faults)

    def windows(self) -> list[tuple[dt.date, dt.date]]:
        """The dates of waking up that were asked, each once, in the order of asking."""
        seen: list[tuple[dt.date, dt.date]] = []
        for path, params in self.asked:
            if path == "sleeps":
                first = instant(params["from"]) + 14 * HOUR
                last = instant(params["to"]) - 36 * HOUR
                if (window := (first.date(), last.date())) not in seen:
                    seen.append(window)
        return seen

    def answer(self, path: str, params: Mapping[str, Any]) -> Reply:
        self.asked.append((path, dict(params)))
        fault = self.faults[path].popleft() if self.faults[path] else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, Reply):
            return fault
        if fault is not None:
            fault()
        return Reply(200, {}, msgspec.json.encode(self._body(path, params)))

    def _body(self, path: str, params: Mapping[str, Any]) -> Any:
        if path == "hearts":
            sleep = self.sleeps.get(params["id"])
            return sleep.heart if sleep else None
        if path in ("moods", "backfill"):
            return []
        start, end = instant(params["from"]), instant(params["to"])
        found = [s for s in self.sleeps.values() if start <= s.end < end]
        found.sort(key=lambda s: (s.end, s.id))
        first = params["page"] * self.page
        more = len(found) > first + self.page
        told = [s.told() for s in found[first : first + self.page]]
        return {"sleeps": told, "next": params["page"] + 1 if more else None}


EMPTY = Reply(200, {}, b'{"sleeps": [], "next": null}')


@dataclass
class Person:
    """Implements `provider.Client` for one person of the maker."""

    maker: Maker
    requests: int = 0

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply:
        self.requests += 1
        return self.maker.answer(path, params or {})

    def post(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        del params, json, form, headers
        raise AssertionError(f"nobody posts to {path}")

    def delete(self, path: str) -> Reply:
        raise AssertionError(f"nobody deletes {path}")
