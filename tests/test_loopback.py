"""The callback page answers the browser of this login, and nobody else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from sleepbalance.errors import SleepBalanceError, Unavailable, UsageError
from sleepbalance.loopback import Page, listening


def _get(address: str, target: str) -> tuple[int, str, Mapping[str, str]]:
    where = urlsplit(address)
    connection = HTTPConnection(where.hostname or "", where.port or 0, timeout=20)
    connection.request("GET", target)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text, dict(reply.getheaders())


def _ours(query: Mapping[str, str]) -> bool:
    return query.get("state") == "right"


def _in_background(address: str, target: str) -> tuple[threading.Thread, list[tuple[int, str]]]:
    seen: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: seen.append(_get(address, target)[:2]))
    thread.start()
    return thread, seen


def test_the_right_visit_gets_the_answers_page() -> None:
    with listening("http://127.0.0.1:0/callback", _ours) as callback:
        thread, seen = _in_background(callback.address, "/callback?state=right&code=a%20b")
        met: list[Mapping[str, str]] = []

        def answer(query: Mapping[str, str]) -> Page:
            met.append(query)
            return Page("Connected", "<b>You</b> may close this.")

        callback.wait(answer, 20)
        thread.join()
    assert met == [{"state": "right", "code": "a b"}]
    ((status, text),) = seen
    assert status == 200
    assert "&lt;b&gt;You" in text


def test_strangers_are_turned_away_and_the_wait_goes_on() -> None:
    with listening("http://localhost:0/back", _ours) as callback:
        assert callback.address.startswith("http://localhost:")
        thread, seen = _in_background(callback.address, "/back?state=wrong")
        thread.join()
        assert _get(callback.address, "/favicon.ico")[0] == 404
        assert _get(callback.address, "/back?" + "x" * 20_000)[0] == 404
        thread, right = _in_background(callback.address, "/back?state=right")
        callback.wait(lambda _query: Page("Done", "done"), 20)
        thread.join()
    assert seen[0][0] == 400
    assert right[0][0] == 200


def test_what_goes_wrong_is_said_in_the_browser_too() -> None:
    def answer(_query: Mapping[str, str]) -> Page:
        raise SleepBalanceError("The maker said no.")

    with listening("http://127.0.0.1:0/callback", _ours) as callback:
        thread, seen = _in_background(callback.address, "/callback?state=right")
        with pytest.raises(SleepBalanceError, match="maker said no"):
            callback.wait(answer, 20)
        thread.join()
    assert "The maker said no." in seen[0][1]


def test_pages_forbid_everything_and_are_kept_nowhere() -> None:
    with listening("http://127.0.0.1:0/callback", _ours) as callback:
        _, _, headers = _get(callback.address, "/else")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_nobody_came() -> None:
    with (
        listening("http://127.0.0.1:0/callback", _ours) as callback,
        pytest.raises(Unavailable, match="Nobody came back"),
    ):
        callback.wait(lambda _query: Page("", ""), 0.01)


@pytest.mark.parametrize(
    "address",
    [
        "http://192.0.2.1:8000/callback",
        "http://example.org:80/callback",
        "https://127.0.0.1:8000/callback",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:99999/callback",
        "nonsense",
    ],
)
def test_only_this_computer_listens(address: str) -> None:
    with pytest.raises(UsageError, match="--paste"), listening(address, _ours):
        pass


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match="cannot be listened on"),
            listening(f"http://127.0.0.1:{port}/callback", _ours),
        ):
            pass
