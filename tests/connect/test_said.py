"""What a person is told about a connection: commands that fit it, and what is so."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sleepbalance import sandbox
from sleepbalance.app import accepting, connected
from sleepbalance.app.doctor import Finding, examine
from sleepbalance.cli import links
from sleepbalance.cli.show import Screen
from sleepbalance.errors import Unavailable, UsageError
from tests.connect.played import Home, Makers, home
from tests.garmin.health_made import sleep

MINE = f"{accepting.SANDBOX_MARK.decode()}me"

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


# -- what is pushed ------------------------------------------------------------------------------


@dataclass
class Mail:
    """A folder to which bodies are handed over."""

    home: Home
    folder: Path
    bodies: int = 0

    def take(self, body: Mapping[str, Any], **whose: Any) -> accepting.Accepted:
        self.bodies += 1
        path = self.folder / f"body{self.bodies}.json"
        path.write_text(json.dumps(body))
        outside = self.home.makers.outside(self.home.app)
        return accepting.accept(outside, "garmin", path, **whose)

    def allow(self, *permissions: str, account: str = MINE) -> None:
        now = self.home.makers.outside(self.home.app).now()
        told: dict[str, Any] = {"userId": account, "summaryId": "p", "permissions": permissions}
        told |= {"changeTimeInSeconds": int(now.timestamp()) + 1}
        self.take({"userPermissionsChange": [told]})

    def deregister(self, account: str = MINE) -> None:
        self.take({"deregistrations": [{"userId": account}]})

    @property
    def row(self) -> dict[str, Any]:
        (row,) = connected.listed(self.home.app)
        return dict(row)

    def finding(self) -> Finding:
        environ = {"SLEEPBALANCE_SANDBOX_URL": self.home.makers.url}
        (found,) = [f for f in examine(self.home.app, environ) if f.what.startswith("Garmin of")]
        return found

    @property
    def lines(self) -> str:
        """What `connections` prints of it."""
        with io.StringIO() as text:
            out = Screen(file=text, width=300)
            links.connections(out, [self.row], self.home.makers.outside(self.home.app).now())
            return text.getvalue()

    @property
    def synced(self) -> str:
        """What a sync prints that had nothing to ask."""
        with io.StringIO() as text:
            now = self.home.makers.outside(self.home.app).now()
            links.synced(Screen(file=text, width=300), self.home.sync(), [self.row], now)
            return text.getvalue()


@pytest.fixture
def mail(watch: Home, tmp_path: Path) -> Mail:
    return Mail(watch, tmp_path)


def test_sharing_that_was_switched_off_is_said_of_a_claimed_account(mail: Mail) -> None:
    mail.take({"sleeps": [sleep(userId=MINE)]}, account=MINE)
    assert (mail.row["granted_scopes"], mail.row["reads"]) == ([], [])
    assert mail.finding().verdict == "ok"
    mail.allow()
    assert (mail.row["granted_scopes"], mail.row["reads"]) == ([], [])
    assert mail.row["may_not_read"]
    assert "may not read: sleep" in mail.lines
    assert "nothing arrives" in mail.lines
    assert mail.finding().verdict == "mind"
    assert "only what is pushed" not in mail.lines + mail.finding().said
    assert "nothing arrives, as sharing is switched off" in mail.synced
    mail.allow("HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT")
    assert "may read: sleep" in mail.lines
    assert "only what is pushed arrives" in mail.lines
    assert mail.synced == "Nothing is to be asked for: what is new comes by itself.\n"
    assert mail.finding().verdict == "ok"


def test_what_cannot_come_any_more_is_not_said_to_come(mail: Mail) -> None:
    mail.home.connect(door="health")
    mail.home.sync()
    assert "asked for, and comes by itself" in mail.lines
    account = mail.row["account"]
    mail.allow(account=account)
    assert "comes by itself" not in mail.lines
    mail.allow("HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT", account=account)
    assert "asked for, and comes by itself" in mail.lines
    mail.deregister(account)
    assert "asked for, and did not come" in mail.lines
    assert "You ended the connection" in mail.lines
    assert (mail.finding().verdict, mail.finding().next) == ("mind", mail.row["connect"])
    mail.home.existing().end()
    assert mail.finding().verdict == "ok"  # the person did that here


def test_a_connection_that_ended_reads_nothing(mail: Mail) -> None:
    mail.take({"sleeps": [sleep(userId=MINE)]}, account=MINE)
    mail.deregister()
    assert (mail.row["reads"], mail.row["may_not_read"]) == ([], [])


def test_what_was_fetched_of_an_account_stays_said_when_it_is_claimed_again(mail: Mail) -> None:
    mail.take({"sleeps": [sleep(userId=MINE), sleep(begin=-1440, userId=MINE)]}, account=MINE)
    before = mail.row["fetched"]
    assert before
    mail.deregister()
    mail.take({"sleeps": [sleep(begin=1440, userId=MINE)]}, account=MINE)
    (span,) = mail.row["fetched"]
    assert span["from"] == before[0]["from"]
    assert span["to"] > before[0]["to"]


def test_what_was_asked_for_with_a_consent_that_ended_comes_to_no_claim(mail: Mail) -> None:
    mail.home.connect(door="health")
    mail.home.sync()
    account = mail.row["account"]
    mail.deregister(account)
    mail.take({"sleeps": [sleep(begin=1440, userId=account)]}, account=account)
    assert mail.row["asked"] == mail.row["wanted"] == []
    mail.home.connect(door="health")
    (attempt, *_) = mail.home.sync()
    assert attempt["sync_date_from"] == dt.date(2026, 10, 23)


# -- one clock -----------------------------------------------------------------------------------


def test_a_pause_ends_by_the_clock_of_the_makers(ring: Home, played: Makers) -> None:
    ring.connect()
    played.fault("429", "usercollection/", provider="oura", seconds=100_000)
    first, last = dt.date(2026, 11, 9), dt.date(2026, 11, 21)
    assert [attempt["error_code"] for attempt in ring.sync(first, last)] == ["RATE_LIMITED"]
    played.heal()
    assert [attempt["error_code"] for attempt in ring.sync(first, last)] == ["RATE_LIMITED"]
    played.move(days=2)
    assert {attempt["status"] for attempt in ring.sync(first, last)} == {"success"}


def test_a_connection_tells_one_time(ring: Home, played: Makers, mail: Mail) -> None:
    ring.connect()
    mail.home.connect(door="health")
    account = mail.row["account"]
    played.move(days=400)
    ring.sync(dt.date(2026, 11, 9), dt.date(2026, 11, 21))
    mail.take({"sleeps": [sleep(userId=account)]})
    for app in (ring.app, mail.home.app):
        (row,) = connected.listed(app)
        told = played.outside(app).now() - row["last_sync_at"], row["last_sync_at"].year
        assert (told[0] < dt.timedelta(hours=1), told[1]) == (True, 2027)
        assert row["connected_at"].date() == dt.date(2026, 11, 21)
