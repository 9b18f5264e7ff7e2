"""One local server that plays every maker: put together, started, and stopped again."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import parts
from sleepbalance.sandbox.clock import Start
from sleepbalance.sandbox.control import Control
from sleepbalance.sandbox.faults import Accident, Faults, Message, Receive, Scope, Send
from sleepbalance.sandbox.ledger import Entry, Ledger
from sleepbalance.sandbox.login import Login
from sleepbalance.sandbox.oauth import SETTINGS
from sleepbalance.sandbox.pages import HEADERS, front_page
from sleepbalance.sandbox.world import World

HOST = "127.0.0.1"
PORT = 8730


class Sandbox:
    """The ASGI application: the makers below their prefixes, behind faults and the ledger."""

    def __init__(self, *, seed: int = 1, people: int = 3, clock: Start | None = None) -> None:
        self.world = World(seed=seed, people=people, clock=clock)
        self.parts = parts.load()
        self.faults, self.ledger = Faults(seed), Ledger()
        self.stopping = asyncio.Event()
        self.desks = {
            part.id: part.desk(
                part=part.id,
                door=part.door,
                now=self.world.now,
                settings={**SETTINGS, **{k: _copy(v) for k, v in part.settings.items()}},
            )
            for part in self.parts.values()
        }
        self._app = self._put_together()

    def _put_together(self) -> Starlette:
        control = Control(self.world, self.parts, self.desks, self.faults, self.ledger)
        makers = [
            Mount(
                f"/{part.id}",
                routes=[*part.routes, *Login(part, self.desks[part.id], self.world).routes()],
            )
            for part in self.parts.values()
        ]
        theirs = [
            Mount(f"/-/{part.id}", routes=list(part.control))
            for part in self.parts.values()
            if part.control
        ]
        app = Starlette(routes=[Route("/", self._front), *control.routes(), *theirs, *makers])
        app.state.world, app.state.desks, app.state.recent = self.world, self.desks, {}
        app.state.own = {
            part.id: part.own(self.world, self.desks[part.id])
            for part in self.parts.values()
            if part.own
        }
        return app

    async def _front(self, request: Request) -> Response:
        address = str(request.base_url).rstrip("/")
        page = front_page(address, self.world.people.values(), self.parts.values())
        return HTMLResponse(page, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, provider, *rest = scope["path"].split("/")
        if provider not in self.parts:
            await self._app(scope, receive, send)
            return
        path = "/" + "/".join(rest)
        fault = self.faults.draw(provider, path)
        entry = Entry(
            method=scope["method"],
            provider=provider,
            path=path,
            query=_without_tokens(path, scope["query_string"].decode("latin-1")),
            at=self.world.now().isoformat(),
            fault=fault.fault if fault else None,
        )
        scope.setdefault("state", {})

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        try:
            if fault is None:
                await self._app(scope, receive, watched)
            else:
                accident = Accident(
                    fault,
                    self.parts[provider],
                    self.desks[provider],
                    self.stopping,
                    self._app,
                )
                await accident.happen(scope, receive, watched)
        finally:
            self._note(entry, scope)

    def _note(self, entry: Entry, scope: Scope) -> None:
        if (grant := scope["state"].get("grant")) is not None:
            grant.requests += 1
            entry.grant, entry.person = grant.id, grant.person
        self.ledger.note(entry)


def _without_tokens(path: str, query: str) -> str:
    return "" if "auth" in path else re.sub(r"token=[^&]*", "token=", query)


def _copy(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


class Connection(H11Protocol):
    """HTTP as uvicorn speaks it, with a way to hang up without an answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.close"] = self.transport.close
            await inner(scope, receive, send)

        self.app = app


# -- running -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Address:
    """Where a sandbox runs. `ask` speaks with its own addresses, below `/-/`."""

    url: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON that it answers. Raises UsageError with its words where it objects."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"connection": "close"})
            reply = connection.getresponse()
            answer = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise UsageError(answer["error"])
        return answer


def makers() -> list[str]:
    """The ids of the makers that are played."""
    return list(parts.load())


@contextmanager
def running(
    *,
    port: int = 0,
    seed: int = 1,
    people: int = 3,
    clock: Start | None = None,
) -> Iterator[Address]:
    """A sandbox in a thread of its own for as long as the block lasts; port 0 is a free one.

    `clock` is when it begins, or a function that is asked for the time.
    """
    sandbox = Sandbox(seed=seed, people=people, clock=clock)
    listening = _listen(port)
    server = _server(sandbox)
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="sandbox")
    address = Address(f"http://{HOST}:{listening.getsockname()[1]}")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield address
    finally:
        server.should_exit = True
        if loops and thread.is_alive():
            loops[0].call_soon_threadsafe(sandbox.stopping.set)
        thread.join()


def serve(port: int = PORT, seed: int = 1, people: int = 3) -> None:
    """Runs until Ctrl-C, and says first how to use it. Raises UsageError for a taken port."""
    sandbox = Sandbox(seed=seed, people=people)
    listening = _listen(port)
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    sys.stdout.write(_welcome(url, sandbox))
    sys.stdout.flush()
    server = _server(sandbox)

    async def run() -> None:
        waiting = asyncio.create_task(_release(server, sandbox))
        await server.serve(sockets=[listening])
        await waiting

    with suppress(KeyboardInterrupt):
        asyncio.run(run())
    sys.stdout.write("\nThe sandbox is closed.\n")


async def _release(server: uvicorn.Server, sandbox: Sandbox) -> None:
    """Lets go of answers that are held back once the server is to stop."""
    while not server.should_exit:
        await asyncio.sleep(0.1)
    sandbox.stopping.set()


def _server(sandbox: Sandbox) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            sandbox,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
    )


def _listen(port: int) -> socket.socket:
    # Without the protocol's number asyncio does not turn Nagle off: 40 ms more for each answer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(100)  # whoever reads the address may come at once
    except (OSError, OverflowError) as error:
        listening.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise UsageError(
                f"Port {port} is taken; end what listens there, or give another with --port"
            ) from None
        raise UsageError(f"Port {port} cannot be used: {error}; give another") from None
    return listening


def _welcome(url: str, sandbox: Sandbox) -> str:
    people = ", ".join(f"{p.id} {p.name} ({p.zone})" for p in sandbox.world.people.values())
    makers = "".join(f"  {part.name:<16}{url}/{part.id}\n" for part in sandbox.parts.values())
    return (
        f"The sandbox runs at {url}\n\n{makers}"
        f"  {'people':<16}{people}\n"
        f"  {'truth':<16}{url}/-/people/1/nights\n"
        f"  {'faults':<16}{url}/-/faults\n"
        f"  {'clock':<16}{url}/-/clock\n\n"
        f"Point SleepBalance at it: SLEEPBALANCE_SANDBOX_URL={url}\n"
        "The client id and its secret are both: sandbox\n"
        "Ctrl-C ends it.\n"
    )
