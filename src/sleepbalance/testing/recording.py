"""A maker's server out of a file: the requests that it knows, and what it answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from sleepbalance.errors import (
    Gone,
    Malformed,
    NeedsReconnect,
    NotEntitled,
    RateLimited,
    SleepBalanceError,
    Unavailable,
)
from sleepbalance.provider import Answer, Api, Ask, Provider, Raw, Remote, Reply

from .samples import Sample

ENOUGH = 500  # requests; who asks more of a recording asks without end
COMMON = {401: NeedsReconnect, 403: NotEntitled, 410: Gone, 429: RateLimited}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request, by what it must carry at least, and the reply to it."""

    method: str
    path: str
    carries: Mapping[str, Mapping[str, Any]]  # params, json, form, headers
    reply: Reply

    def answers(self, method: str, path: str, told: Mapping[str, Any]) -> bool:
        return (method, path) == (self.method, self.path) and all(
            _within(part, told.get(name) or {}) for name, part in self.carries.items()
        )


def _within(part: Any, whole: Any) -> bool:
    """Whether `whole` says at least what `part` does; null: says nothing there."""
    if not isinstance(part, dict):
        return str(part) == str(whole)
    if not isinstance(whole, dict):
        return False
    return all(
        name not in whole if value is None else name in whole and _within(value, whole[name])
        for name, value in part.items()
    )


@dataclass
class Recorded:
    """A `Client` whose server is a list of exchanges; it keeps what it was asked."""

    api: Api
    exchanges: tuple[Exchange, ...]
    damaged: bool = False  # then a request may be one that nobody recorded
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply:
        return self._send("GET", path, {"params": params})

    def post(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        told = {"params": params, "json": json, "form": form, "headers": headers}
        return self._send("POST", path, told)

    def delete(self, path: str) -> Reply:
        return self._send("DELETE", path, {})

    def _send(self, method: str, path: str, told: Mapping[str, Any]) -> Reply:
        self.asked.append(f"{method} {path} {told}")
        assert len(self.asked) <= ENOUGH, "asks without end"
        assert not path.startswith("/"), "a path begins below the base"
        assert "://" not in path or path.startswith("https://"), f"{path} is not https"
        for exchange in self.exchanges:
            if exchange.answers(method, path, told):
                return self._judged(replace(exchange.reply, path=_below_host(path)))
        assert self.damaged, f"nobody recorded an answer to {self.asked[-1]}"
        return self._judged(Reply(404, path=_below_host(path)))

    def _judged(self, reply: Reply) -> Reply:
        """As the real client: the provider's reading first, then the common rule."""
        fault = self.api.fault(reply)
        if isinstance(fault, SleepBalanceError):
            raise fault
        if fault is Answer.FINE or reply.status < 300:
            return reply
        if reply.status >= 500:
            raise Unavailable("The maker's server is in trouble.")
        raise COMMON.get(reply.status, Malformed)(f"The maker's server said {reply.status}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One sample of a door over the network."""

    door: Remote
    ask: Ask
    exchanges: tuple[Exchange, ...]
    account: str | None = None

    def client(self) -> Recorded:
        return Recorded(self.door.api, self.exchanges)

    def found(self, client: Recorded) -> dict[str, list[Raw]]:
        """What each resource yields, as the engine asks: the sleeps first, then what is beside."""
        if self.door.api.order is not None:
            self.door.api.order(client, self.ask)
            return {}
        first, *others = self.door.api.resources
        found = {first.name: list(first.fetch(client, self.ask))}
        sleeps = [raw for raw in found[first.name] if raw.problem is None and not raw.companion]
        beside = replace(self.ask, sleeps=tuple(sorted(sleeps, key=_start)))
        return found | {other.name: list(other.fetch(client, beside)) for other in others}

    def fetched(self) -> list[Raw]:
        return [raw for raws in self.found(self.client()).values() for raw in raws]


def _below_host(path: str) -> str:
    return urlsplit(path).path if "://" in path else f"/{path}"


def _start(raw: Raw) -> dt.datetime:
    assert raw.start is not None
    return raw.start


def recording_of(provider: Provider, sample: Sample) -> Recording:
    """Reads a sample. Whatever is wrong with it fails the test."""
    told = json.loads(sample.members[0].data)
    assert provider.remote, f"{sample.name} is a recording, and there is no door for it"
    doors = {door.name: door for door in provider.remote}
    account = told.get("account")
    start, end, now = (dt.datetime.fromisoformat(told["ask"][n]) for n in ("start", "end", "now"))
    return Recording(
        door=doors[told.get("door", provider.remote[0].name)],
        ask=Ask(start=start, end=end, now=now, account=account or ""),
        exchanges=tuple(exchanges_of(told["exchanges"])),
        account=account,
    )


def exchanges_of(told: Iterable[Mapping[str, Any]]) -> Iterable[Exchange]:
    """As a sample writes them."""
    for each in told:
        body = each.get("body", "")
        yield Exchange(
            method=each.get("method", "GET"),
            path=each["path"],
            carries={name: each[name] for name in ("params", "json", "form") if name in each},
            reply=Reply(
                each.get("status", 200),
                each.get("headers", {}),
                (body if isinstance(body, str) else json.dumps(body)).encode(),
            ),
        )
