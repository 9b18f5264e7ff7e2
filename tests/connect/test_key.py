"""A maker that a key opens: asked for without echo, shown at once, and said before it ends."""

from __future__ import annotations

import datetime as dt
import os
import pty
import subprocess
import time
from collections.abc import Mapping

import pytest

from sleepbalance import sandbox
from sleepbalance.app import connected
from sleepbalance.app.links import Links
from sleepbalance.app.syncing import sync_connected
from sleepbalance.errors import UsageError
from sleepbalance.store import people
from sleepbalance.store.engine import reading
from tests.connect.played import Home, Makers, Shell
from tests.homes import PROGRAM, nights

MAKER = "garmin"
FIRST, LAST = dt.date(2026, 11, 9), dt.date(2026, 11, 21)


def _key(played: Makers, days: int = 90) -> str:
    return sandbox.make_key(played.url, MAKER, days=days)


def _links(here: Home) -> Links:
    return Links.to(here.makers.outside(here.app), None, MAKER)


def _connect(here: Home, key: str, life: int | None = None) -> None:
    links = _links(here)
    links.keep(links.receive_key(key, life))


def _sync(here: Home) -> Mapping[str, object]:
    (row,) = sync_connected(here.makers.outside(here.app), None, MAKER, (FIRST, LAST))
    return row


def _row(here: Home) -> dict[str, object]:
    (row,) = connected.listed(here.app)
    return dict(row)


def test_the_last_night_is_there_after_four_requests(shell: Shell, played: Makers) -> None:
    command = [PROGRAM, "--data", str(shell.data), "connect", MAKER, "--key-life", "90"]
    done = subprocess.run(
        command,
        input=_key(played) + "\n",
        capture_output=True,
        text=True,
        env=shell.environ,
        check=True,
        timeout=120,
    )
    last = dt.date.fromisoformat(played.truth()[-1]["sleep_date"])
    assert f"{last:%d %b %Y}".lstrip("0") in done.stdout
    assert "The key ends 2027-02-19" in done.stdout
    first = shell.json("history", "--limit", "500")[-1]
    assert first["detail"]["requests"] == 2  # after one for the token, and one for the account
    assert len(shell.json("nights")) > 300


def test_the_key_is_not_echoed_and_nowhere_in_what_is_kept(shell: Shell, played: Makers) -> None:
    key = _key(played)
    ours, theirs = pty.openpty()
    command = [PROGRAM, "--data", str(shell.data), "connect", MAKER, "--no-sync"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=shell.environ, close_fds=True
    ) as running:
        os.close(theirs)
        said = _until(ours, b"The key for")
        time.sleep(0.3)  # it turns the echo off when it has asked
        os.write(ours, key.encode() + b"\n")
        said += _until(ours, b"Next: sleepbalance sync")
        running.wait(timeout=60)
    os.close(ours)
    assert running.returncode == 0
    assert key.encode() not in said
    kept = [file.read_bytes() for file in shell.data.rglob("*") if file.is_file()]
    assert not any(key.encode() in data for data in kept)


def _until(terminal: int, words: bytes) -> bytes:
    said = b""
    while words not in said:
        said += os.read(terminal, 4096)
    return said


def test_a_key_that_is_none_connects_nothing(shell: Shell) -> None:
    command = [PROGRAM, "--data", str(shell.data), "connect", MAKER]
    for said, words in (("\n", "No key was given"), ("rubbish\n", "personalApiToken")):
        done = subprocess.run(
            command,
            input=said,
            capture_output=True,
            text=True,
            env=shell.environ,
            check=False,
            timeout=60,
        )
        assert done.returncode != 0
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert shell.json("connections") == []


def test_a_key_is_said_a_week_before_it_ends_and_then_is_gone(here: Home, played: Makers) -> None:
    _connect(here, _key(played, days=30), life=30)
    played.move(days=22)
    now = here.makers.outside(here.app).now()
    assert not connected.ends_soon(_row(here), now)
    played.move(days=2)
    now = here.makers.outside(here.app).now()
    assert connected.ends_soon(_row(here), now)
    assert "the key ends 2026-12-21" in connected.in_words(_row(here), now)
    assert _sync(here)["status"] == "success"
    before = nights(here.app)
    assert before

    played.move(days=7)
    attempt = _sync(here)
    assert (attempt["status"], attempt["error_code"]) == ("failed", "AUTH_ERROR")
    assert "personalApiToken" in str(attempt["error_message"])
    assert _row(here)["status"] == "needs_reconnect"
    assert nights(here.app) == before
    _connect(here, _key(played, days=365), life=365)
    assert _sync(here)["status"] == "success"


@pytest.mark.parametrize("life", [30, 90, 180, 365])
def test_a_key_of_unknown_life_is_said_before_each_day_on_which_it_may_end(
    here: Home, played: Makers, life: int
) -> None:
    _connect(here, _key(played))
    row = _row(here)
    made = row["connected_at"]
    assert isinstance(made, dt.datetime)
    assert not connected.ends_soon(row, made + dt.timedelta(days=life - 8))
    soon = made + dt.timedelta(days=life - 6)
    assert connected.ends_soon(row, soon)
    assert f"if you let the key live {life} days" in connected.in_words(row, soon)
    assert not connected.ends_soon(row, made + dt.timedelta(days=life + 1))


def test_a_key_of_the_same_person_doubles_nothing_another_persons_is_asked_about(
    here: Home, played: Makers
) -> None:
    _connect(here, _key(played))
    _sync(here)
    before = nights(here.app)
    _connect(here, _key(played))
    assert _sync(here)["records_inserted"] == 0
    assert nights(here.app) == before
    other = sandbox.make_key(played.url, MAKER, person="2")
    links = _links(here)
    with pytest.raises(UsageError, match="another account"):
        links.keep(links.receive_key(other))


def test_a_door_is_chosen_by_name(here: Home) -> None:
    outside = here.makers.outside(here.app)
    assert Links.to(outside, None, MAKER).remote.name == "personal"
    assert Links.to(outside, None, MAKER, "health").remote.name == "health"
    with pytest.raises(UsageError, match="it has: personal, health"):
        Links.to(outside, None, MAKER, "back")


def test_where_a_person_lives_is_taken_from_the_maker_unless_they_said_it(
    here: Home, played: Makers
) -> None:
    _connect(here, _key(played))
    assert _zone(here) == played.get("/-/people")[0]["zone"]
    here.app.set_zone(None, "Asia/Tokyo", None, None)
    _connect(here, _key(played))
    assert _zone(here) == "Asia/Tokyo"


def _zone(here: Home) -> str | None:
    with reading(here.app.engine) as connection:
        ((_, zone),) = people.zones(connection, here.app.person(None).id)
    return zone
