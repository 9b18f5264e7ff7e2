"""The sandbox as a program: what it says first, where it listens, and how it ends."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
import threading

import httpx2
import pytest

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import Address, running, serve
from tests.sandbox.guest import Guest

PROGRAM = "from sleepbalance.sandbox import serve; serve(port=0, seed=1, people=2)"


def test_it_says_how_to_use_it_and_ends_with_ctrl_c() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            text = _welcome(process)
            url = text.split()[4]
            assert [p["id"] for p in Address(url).ask("GET", "/-/people")] == ["1", "2"]
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert f"SLEEPBALANCE_SANDBOX_URL={url}\n" in text
    assert "1 Alma (Europe/Berlin), 2 Ben (America/Los_Angeles)" in text
    assert f"{url}/fitbit" in text
    assert (process.returncode, "closed" in rest, "Traceback" in rest) == (0, True, False), rest


def _welcome(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Ctrl-C"):
            break
    return "".join(said)


def test_a_taken_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"Port {port} is taken.*--port"):
            serve(port=port)
        with pytest.raises(UsageError, match="is taken"), running(port=port):
            pass


def test_a_port_that_is_none_is_said() -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        serve(port=70_000)


def test_a_port_that_is_asked_for_is_taken_and_given_back() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        with running(port=port, people=1) as address:
            assert address.url == f"http://127.0.0.1:{port}"
            assert address.ask("GET", "/-/clock")
    gc.collect()  # a socket that was left open would speak up now
    assert "sandbox" not in {thread.name for thread in threading.enumerate()}


def test_several_run_side_by_side() -> None:
    with running(people=1) as one, running(people=1) as two:
        one.ask("POST", "/-/clock", {"date": "2030-01-01"})
        assert one.ask("GET", "/-/clock")["date"] == "2030-01-01"
        assert two.ask("GET", "/-/clock")["date"] != "2030-01-01"


def test_an_error_inside_the_block_is_the_one_that_is_seen() -> None:
    with pytest.raises(KeyError, match="mine"), running(people=1):
        raise KeyError("mine")


def test_the_front_page_is_for_people(stranger: Guest) -> None:
    reply = stranger.http.get(stranger.address.url)
    assert reply.status_code == 200
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    for words in ("Alma", "Google Health", f"SLEEPBALANCE_SANDBOX_URL={stranger.address.url}"):
        assert words in reply.text
    for link in ("/-/people/1/nights", "/-/faults", "/-/requests"):
        assert f'href="{link}"' in reply.text
        assert stranger.http.get(stranger.address.url + link).status_code == 200
    assert stranger.http.get(f"{stranger.address.url}/pear").status_code == 404


def test_many_ask_at_once(guest: Guest) -> None:
    told: list[int] = []

    def ask() -> None:
        with httpx2.Client(timeout=60) as http:
            told.append(
                http.get(f"{guest.url}/v4/users/me/settings", headers=guest.headers).status_code
            )

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [200] * 12
