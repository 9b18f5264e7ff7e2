"""The page of this computer that a maker's consent page sends the browser back to."""

from __future__ import annotations

import html
import ipaddress
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from sleepbalance.errors import Unavailable, UsageError

Query = Mapping[str, str]
PATIENCE = 10.0  # seconds that a browser may take to send its request
MOST = 16_384  # characters of an address: codes are some hundred

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>SleepBalance</title>
<style>
:root {{ color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 34rem; margin: 18vh auto 0; padding: 0 1.2rem }}
h1 {{ font-size: 1.5rem; margin: 0 0 .4rem }}
p {{ margin: .4rem 0; overflow-wrap: anywhere }}
</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser is shown at the end."""

    title: str
    text: str
    status: int = 200

    def bytes(self) -> bytes:
        return _PAGE.format(title=html.escape(self.title), text=html.escape(self.text)).encode()


@dataclass(slots=True)
class _Visit:
    """One browser that came back, waiting for its page."""

    query: Query
    page: Page | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Callback:
    """Waits for the browser. `address` is the redirect address that the maker is told."""

    def __init__(self, server: _Server, address: str) -> None:
        self._server = server
        self.address = address

    def wait(self, answer: Callable[[Query], Page], seconds: float) -> None:
        """Answers the first visit that belongs to this login.

        What `answer` raises is shown in the browser in its own words, and raised again. Raises
        Unavailable when nobody came in time.
        """
        try:
            visit = self._server.visits.get(timeout=seconds)
        except queue.Empty:
            raise Unavailable(
                "Nobody came back from the consent page in time; nothing was changed. Try again."
            ) from None
        try:
            visit.page = answer(visit.query)
        except BaseException as error:
            visit.page = Page("That did not work", _words(error), status=400)
            raise
        finally:
            visit.done.set()
            self._server.answered.wait(PATIENCE)


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, Exception) and str(error) else "You stopped it."


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # on some systems it would share the port with another program
    request_queue_size = 16

    def __init__(self, where: tuple[str, int], path: str, ours: Callable[[Query], bool]) -> None:
        self.path = path
        self.ours = ours
        self.visits: queue.Queue[_Visit] = queue.Queue(maxsize=1)
        self.answered = threading.Event()
        super().__init__(where, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away in the middle is no news; addresses hold codes: no traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    server_version = "SleepBalance"
    sys_version = ""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path != self.server.path or len(self.path) > MOST:
            self._show(Page("Nothing here", "This page only finishes a login.", status=404))
            return
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        if not self.server.ours(query):
            self._show(Page("Not this login", "Begin again in the terminal.", status=400))
            return
        visit = _Visit(query)
        try:
            self.server.visits.put_nowait(visit)
        except queue.Full:
            self._show(Page("Already used", "This address was opened before.", status=400))
            return
        visit.done.wait()
        self._show(visit.page or Page("That did not work", "Begin again.", status=400))
        self.server.answered.set()

    def _show(self, page: Page) -> None:
        body = page.bytes()
        self.send_response(page.status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the library's name
        """Addresses hold codes: nothing is logged."""


@contextmanager
def listening(callback: str, ours: Callable[[Query], bool]) -> Iterator[Callback]:
    """A callback at an address of this computer; port 0 takes a free one.

    A visit that is not `ours` is turned away, and the wait goes on. Raises UsageError for an
    address that is not this computer's, or whose port is taken.
    """
    host, port, path = _parts(callback)
    try:
        server = _Server((host, port), path, ours)
    except OSError as error:
        raise UsageError(
            f"{callback} cannot be listened on ({error.strerror}). Close what uses the port, or"
            " paste the address by hand: add --paste."
        ) from None
    named = urlsplit(callback).hostname or host
    named = f"[{named}]" if ":" in named else named
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Callback(server, f"http://{named}:{server.server_address[1]}{path}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _parts(callback: str) -> tuple[str, int, str]:
    """Host, port and path; only http on this computer itself."""
    try:
        address = urlsplit(callback)
        host, port = address.hostname or "", address.port
        if host == "localhost":
            host = "127.0.0.1"
        mine = address.scheme == "http" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        mine, port, host = False, None, ""
    if not mine or port is None or ":" in host:
        raise UsageError(
            f"{callback} is no address of this computer, like http://127.0.0.1:8723/callback."
            " Paste the address by hand: add --paste."
        )
    return host, port, address.path or "/"
