"""What goes wrong on purpose: which requests it hits, and what happens to them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs

from sleepbalance.sandbox.chance import Dice
from sleepbalance.sandbox.oauth import Desk
from sleepbalance.sandbox.parts import Part
from sleepbalance.sandbox.world import Unclear

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FAULTS = {
    "429": "too many requests, with the maker's body; `Retry-After` says `seconds` (1)",
    "500": "a failure of the maker's own",
    "timeout": "no answer; after `seconds` (60) the connection closes",
    "slow": "the right answer, `seconds` (5) late",
    "cut": "the connection closes in the middle of the right answer",
    "malformed": "200 with JSON that breaks off",
    "empty": "200 with {}",
    "expired": "the token that was sent has expired",
    "revoked": "the consent behind the token is withdrawn for good",
}
SECONDS = {"429": 1, "timeout": 60, "slow": 5}


@dataclass(kw_only=True)
class Fault:
    """`path` is a regular expression below the prefix. The first `skip` requests that it meets
    pass; `times` None: until it is taken away.
    """

    fault: str
    provider: str
    path: str = ""
    share: float = 1.0
    seconds: float | None = None
    times: int | None = None
    skip: int = 0

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise Unclear(f"There is no fault {self.fault!r}; there are {', '.join(FAULTS)}.")
        try:
            self._path = re.compile(self.path)
        except (re.error, TypeError):
            raise Unclear(f"{self.path!r} is no regular expression.") from None
        for name in ("share", "seconds", "times", "skip"):
            value = getattr(self, name)
            open_ended = name in ("seconds", "times") and value is None
            if not isinstance(value, int | float) and not open_ended:
                raise Unclear(f"{name} must be a number.")

    @property
    def wait(self) -> float:
        return SECONDS.get(self.fault, 0) if self.seconds is None else self.seconds

    def meets(self, provider: str, path: str) -> bool:
        wanted = provider == self.provider and self._path.search(path) is not None
        return wanted and (self.times is None or self.times > 0)


class Faults:
    """The faults that are set, and the dice that decide whom a share of them meets."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed, "faults")
        self.set: list[Fault] = []

    def add(self, described: Any, known: Mapping[str, Part]) -> None:
        """Adds what is described: one fault, or a list of them. Raises Unclear."""
        described = [described] if isinstance(described, dict) else described
        if not isinstance(described, list) or not all(isinstance(d, dict) for d in described):
            raise Unclear("Faults come as a list of objects.")
        self.set += [self._read(d, known) for d in described]

    def _read(self, described: dict[str, Any], known: Mapping[str, Part]) -> Fault:
        try:
            fault = Fault(**{**described, "fault": str(described.get("fault", ""))})
        except TypeError as error:
            raise Unclear(f"A fault is not described so: {error}") from None
        if fault.provider not in known:
            raise Unclear(f"There is no provider {fault.provider!r} here.")
        return fault

    def described(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.set]

    def draw(self, provider: str, path: str) -> Fault | None:
        """The first fault that meets this request."""
        for fault in self.set:
            if not fault.meets(provider, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif self._dice.happens(fault.share):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


# -- what happens --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accident:
    """One fault that meets one request."""

    fault: Fault
    part: Part
    desk: Desk
    stopping: asyncio.Event
    inner: App

    async def happen(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = self.fault.fault
        if kind in ("429", "500"):
            await self.part.refusal(int(kind), int(self.fault.wait))(scope, receive, send)
        elif kind == "malformed":
            await _answer(send, b'{"dataPoints": [{"name": "users/')
        elif kind == "empty":
            await _answer(send, b"{}")
        elif kind in ("expired", "revoked"):
            await self._spoil(scope, receive, send)
        elif kind == "slow":
            await _pause(self.stopping, self.fault.wait)
            await self.inner(scope, receive, send)
        elif kind == "cut":
            await self._cut(scope, receive, send)
        else:
            await self._hold(scope, receive)

    async def _spoil(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The token that came along becomes worthless; the maker then says so itself."""
        body = await _read_body(receive)
        for token in _tokens(scope, body):
            if self.fault.fault == "expired":
                self.desk.expire(token)
            else:
                self.desk.revoke(token)

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.inner(scope, again, send)

    async def _cut(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.inner(scope, receive, keep)
        body = b"".join(m.get("body", b"") for m in kept[1:])
        await send(kept[0])
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _hang_up(scope, receive)

    async def _hold(self, scope: Scope, receive: Receive) -> None:
        gone = asyncio.ensure_future(_until_gone(receive))
        await _pause(self.stopping, self.fault.wait, gone)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await _hang_up(scope, receive)


async def _answer(send: Send, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json; charset=UTF-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read_body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _tokens(scope: Scope, body: bytes) -> list[str]:
    header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    kind, _, sent = header.partition(" ")
    found = [sent] if kind.lower() in ("bearer", "apikey") else []
    form = parse_qs(body.decode("utf-8", "replace"))
    return found + form.get("refresh_token", []) + form.get("token", [])


async def _pause(stopping: asyncio.Event, seconds: float, *others: asyncio.Future[None]) -> None:
    """Until the time is over, the server stops, or one of the others is done."""
    stop = asyncio.ensure_future(stopping.wait())
    every: set[asyncio.Future[Any]] = {stop, *others}
    await asyncio.wait(every, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    await asyncio.gather(stop, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Closes the connection after what was sent, and waits until the server knows."""
    scope["sandbox.close"]()
    await _until_gone(receive)
