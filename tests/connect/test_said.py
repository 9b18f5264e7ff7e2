"""What a person is told about a connection: commands that fit it, and what is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sleepbalance import sandbox
from sleepbalance.app import connected
from sleepbalance.app.doctor import examine
from sleepbalance.errors import Unavailable, UsageError
from tests.connect.played import Home, Makers, home

COMMAND = re.compile(r"sleepbalance connect [a-z_]+(?: --[a-z]+ (?:'[^']*'|[\w-]+))*")


def named(text: str) -> set[str]:
    """The commands to connect that a text names."""
    return set(COMMAND.findall(text))


def told(home: Home) -> set[str]:
    """The commands of everything that is said of the one connection that works no more."""
    (row,) = [row for row in connected.listed(home.app) if row["status"] == "needs_reconnect"]
    environ = {"SLEEPBALANCE_SANDBOX_URL": home.makers.url}
    findings = [f for f in examine(home.app, environ) if f.verdict == "wrong"]
    attempts = home.app.history(home.user)
    texts = [connected.in_words(row, home.makers.outside(home.app).now())]
    texts += [f"{f.said} {f.next}" for f in findings]
    texts += [attempt["error_message"] or "" for attempt in attempts]
    return {command for text in texts for command in named(text)}


@pytest.fixture
def ring(tmp_path: Path, played: Makers) -> Iterator[Home]:
    with home(tmp_path / "ring", f"sqlite:///{tmp_path}/ring.db", played, "oura") as made:
        yield made


@pytest.fixture
def watch(tmp_path: Path, played: Makers) -> Iterator[Home]:
    with home(tmp_path / "watch", f"sqlite:///{tmp_path}/watch.db", played, "garmin") as made:
        yield made


def withdraw(played: Makers) -> None:
    played._send("DELETE", "/-/grants", None)


# -- the command that connects again -----------------------------------------------------------


def test_a_lost_consent_names_the_door_that_it_came_by(ring: Home, played: Makers) -> None:
    ring.connect(door="legacy")
    withdraw(played)
    for _ in range(2):
        (attempt,) = ring.sync()
        assert named(attempt["error_message"]) == {"sleepbalance connect oura --door legacy"}
    assert told(ring) == {"sleepbalance connect oura --door legacy"}


def test_among_several_people_it_says_for_whom(ring: Home, played: Makers) -> None:
    for name in ("ida", "otto of the north"):
        ring.app.add_user(name)
    ring.connect(user="otto of the north")
    ring.connect("2", user="ida")
    ring.user = "otto of the north"
    withdraw(played)
    (attempt,) = ring.sync()
    expected = {"sleepbalance connect oura --user 'otto of the north'"}
    assert named(attempt["error_message"]) == expected
    assert told(ring) == expected


def test_what_was_not_allowed_names_the_same(watch: Home) -> None:
    for name in ("ida", "otto"):
        watch.app.add_user(name)
    watch.connect(user="ida", door="health", allow=("HISTORICAL_DATA_EXPORT",))
    watch.user = "ida"
    expected = {"sleepbalance connect garmin --door health --user ida"}
    (attempt,) = watch.sync()
    assert attempt["error_code"] == "SCOPE_MISSING"
    assert named(attempt["error_message"]) == expected
    (row,) = connected.listed(watch.app)
    assert {row["connect"]} == expected


def test_new_tokens_that_are_refused_name_the_same(ring: Home, played: Makers) -> None:
    ring.connect(door="legacy")
    played.fault("expired", "usercollection/", provider="oura")
    expected = {"sleepbalance connect oura --door legacy"}
    attempts = ring.sync()
    assert {attempt["error_code"] for attempt in attempts} == {"AUTH_ERROR"}
    assert [named(attempt["error_message"]) for attempt in attempts] == [expected] * len(attempts)


def test_what_was_disconnected_is_connected_by_the_same_door(ring: Home) -> None:
    ring.connect(door="legacy")
    ring.existing().end()
    with pytest.raises(UsageError) as caught:
        ring.sync()
    assert named(str(caught.value)) == {"sleepbalance connect oura --door legacy"}
    environ = {"SLEEPBALANCE_SANDBOX_URL": ring.makers.url}
    said: list[Any] = [f"{f.said} {f.next}" for f in examine(ring.app, environ)]
    ours = [text for text in said if "connect oura" in text]
    assert [named(text) for text in ours] == [{"sleepbalance connect oura --door legacy"}]


def test_a_maker_is_called_by_its_name_before_there_is_a_connection(
    watch: Home, played: Makers
) -> None:
    played.fault("500", "", provider="garmin")
    watch.edges = {"patience": 0.0}
    key = sandbox.make_key(played.url, "garmin")
    with pytest.raises(Unavailable, match="Garmin answered 500"):
        watch.links().receive_key(key)
