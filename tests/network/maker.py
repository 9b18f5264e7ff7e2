"""A maker's server for tests: real HTTP, tokens that can rotate, answers said beforehand."""

from __future__ import annotations

import gzip
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sleepbalance.provider import Account, Api, OAuth, Reading, Scope


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Said:
    """An answer said beforehand; `after` seconds."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0

    @property
    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Maker:
    """`/token` hands out tokens, everything else takes them; `script` comes before both."""

    url: str = ""
    rotating: bool = True
    grace: bool = False  # a refresh token that was used is taken again
    life: float | None = 3600.0
    slow: float = 0.0  # seconds that /token takes
    gate: threading.Event | None = None  # /token answers when it is set
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    script: dict[str, list[Said]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def grant(self) -> tuple[str, str]:
        """A pair of tokens that are good."""
        pair = f"access-{secrets.token_urlsafe(12)}", f"refresh-{secrets.token_urlsafe(12)}"
        with self.lock:
            self.access.add(pair[0])
            self.refresh.add(pair[1])
        return pair

    def count(self, path: str) -> int:
        return sum(1 for asked in self.asked if asked.path == path)

    def answer(self, asked: Asked) -> Said:
        with self.lock:
            self.asked.append(asked)
            if said := self.script.get(asked.path):
                return said.pop(0)
        if asked.path == "/token":
            return self._renew(asked.form)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.access:
            return Said(401, {"error": {"message": "The token is not good."}})
        return Said(body={"path": asked.path, "query": asked.query})

    def _renew(self, form: dict[str, str]) -> Said:
        sent = form.get("refresh_token", "")
        with self.lock:
            good = sent in self.refresh
            if good and self.rotating and not self.grace:
                self.refresh.discard(sent)  # at once, as makers do, not when the answer is out
        if self.gate is not None:
            self.gate.wait(60)
        if not good:
            description = f"Token {sent} is used or unknown."
            return Said(400, {"error": "invalid_grant", "error_description": description})
        access, refresh = self.grant()
        told: dict[str, Any] = {"access_token": access, "token_type": "Bearer"}
        told |= {"expires_in": self.life} if self.life is not None else {}
        told |= {"refresh_token": refresh} if self.rotating else {}
        return Said(body=told, after=self.slow)

    def api(self, **words: Any) -> Api:
        return Api(base=f"{self.url}/", resources=(), identify=lambda *_: Account("me"), **words)

    def door(self, **words: Any) -> OAuth:
        return OAuth(
            api=self.api(reading=Reading()),
            authorize_url=f"{self.url}/authorize",
            token_url=f"{self.url}/token",
            scopes=(Scope("sleep", "sleep"), Scope("heart", "heart rates")),
            how_to="",
            **words,
        )


@contextmanager
def running(**words: Any) -> Iterator[Maker]:
    """A maker's server on a free port."""
    maker = Maker(**words)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            said = maker.answer(Asked(self.command, parts.path, query, headers, body))
            time.sleep(said.after)
            try:
                self.send_response(said.status)
                self.send_header("Content-Length", str(len(said.bytes)))
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.bytes)
            except ConnectionError:
                self.close_connection = True  # who asked did not wait

        do_GET = do_POST = do_DELETE = handle_one  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """A client that went away is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    maker.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield maker
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def raw(*pieces: bytes, hold: float = 0.0) -> Iterator[str]:
    """A server that says exactly these bytes to whoever comes, and breaks off; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.recv(65536)
                try:
                    for piece in pieces:
                        peer.sendall(piece)
                    over.wait(hold)
                except OSError:
                    continue  # the other end has had enough

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def packed(body: bytes) -> bytes:
    return gzip.compress(body)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
