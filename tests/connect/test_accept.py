"""`accept`: bodies that a maker pushed elsewhere, by the command."""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import opened
from sleepbalance.folder import locate
from sleepbalance.provider import Grant
from sleepbalance.store import tokens
from sleepbalance.store.engine import writing
from tests.connect.played import Makers, Shell
from tests.garmin.exported import export
from tests.garmin.health_made import ME, NIGHT, OTHER, sleep
from tests.homes import run
from tests.network.bonds import vault

LONG_AGO = -60 * 24 * 200  # minutes


class Real:
    """A folder for real nights, and bodies in files beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bodies = 0

    def body(self, told: Any) -> Path:
        self.bodies += 1
        path = self.folder / f"body{self.bodies}.json"
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        path.write_bytes(data)
        return path

    def run(self, *words: str | Path, check: int = 0) -> subprocess.CompletedProcess[str]:
        return run(*words, data=self.folder / "data", check=check)

    def json(self, *words: str | Path, check: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", check=check).stdout)

    def accept(self, told: Any, *words: str, check: int = 0) -> Any:
        return self.json("accept", "garmin", self.body(told), *words, check=check)


@pytest.fixture
def real(tmp_path: Path) -> Real:
    return Real(tmp_path)


def test_an_account_that_nobody_has_is_set_aside_and_named(real: Real) -> None:
    body = {"sleeps": [sleep(), sleep(userId=OTHER), sleep(begin=1440, userId=OTHER)]}
    row = real.accept(body)
    assert row["attempts"] == []
    assert (row["status"], row["records_fetched"]) == ("success", 0)
    assert {a["account"]: a["items"] for a in row["set_aside"]} == {ME: 1, OTHER: 2}
    said = real.run("accept", "garmin", real.body(body)).stdout
    assert f"--account {OTHER}" in said
    assert real.json("nights") == []


def test_an_account_is_claimed_once_and_known_from_then_on(real: Real) -> None:
    body = {"sleeps": [sleep(), sleep(userId=OTHER)]}
    row = real.accept(body, "--account", ME, "--user", "ida")
    assert (row["status"], row["records_inserted"], row["provider"]) == ("success", 1, "garmin")
    assert row["sync_trigger"] == "webhook"
    assert row["set_aside"] == [{"account": OTHER, "items": 1}]
    (logged,) = real.json("history")
    assert logged == {key: row[key] for key in logged}
    (night,) = real.json("nights")
    assert (night["sleep_date"], night["total_sleep_time"]) == ("2026-11-21", 410)
    assert real.accept(body)["records_skipped"] == 1  # without --account
    (bond,) = real.json("connections")
    assert (bond["account"], bond["status"], bond["door"]) == (ME, "needs_reconnect", "health")
    assert real.json("sync") == []
    assert "--door health" in real.run("connections").stdout


def test_two_people_in_one_body_are_two_attempts(real: Real) -> None:
    for user in ("ida", "otto"):
        real.run("user", "add", user)
    body = {"sleeps": [sleep(), sleep(userId=OTHER, night=(("light", 300),))]}
    real.accept(body, "--account", ME, "--user", "ida")
    row = real.accept(body, "--account", OTHER, "--user", "otto")
    assert row["records_inserted"] == 1
    both = real.accept(body)
    assert (len(both["attempts"]), both["records_skipped"], both["set_aside"]) == (2, 2, [])
    assert real.json("nights", "--user", "otto")[0]["total_sleep_time"] == 300
    again = real.run(
        "accept", "garmin", real.body(body), "--account", OTHER, "--user", "ida", check=2
    )
    assert "another account" in again.stderr
    assert len(real.json("nights", "--user", "ida")) == 1


def test_what_is_no_body_takes_nothing(real: Real) -> None:
    wrong: tuple[Any, ...] = (b"", b"nonsense", b"[]", b"\xff\xfe", b'{"sleeps": {}}')
    for told in (*wrong, {"epochs": []}):
        path = real.body(told)
        done = real.run("accept", "garmin", path, "--account", ME, check=2)
        assert done.stderr
    assert "cannot be read" in real.run("accept", "garmin", "nowhere.json", check=2).stderr
    assert "pushes nothing" in real.run("accept", "apple_health", path, check=2).stderr
    unknown = real.run(
        "accept", "garmin", real.body({"sleeps": [sleep()]}), "--account", "x", check=2
    )
    assert ME in unknown.stderr
    nobody = real.body({"sleeps": [sleep(userId="a\u001bb")]})
    assert "whose it is" in real.run("accept", "garmin", nobody, "--account", "x", check=2).stderr
    assert real.json("history") == []


def test_one_bad_item_is_named_and_the_rest_is_taken(real: Real) -> None:
    bad = sleep(begin=1440, startTimeInSeconds="yesterday")
    row = real.accept({"sleeps": [bad, sleep(), 7]}, "--account", ME)
    assert (row["status"], row["error_code"], row["records_inserted"]) == ("partial", "BAD_DATA", 1)
    assert row["detail"]["unreadable"] == 1
    assert sum(each["items"] for each in row["unreadable"]) == 1


def test_a_provisional_night_says_until_when_and_no_longer(real: Real) -> None:
    young = sleep(validation="AUTO_TENTATIVE", begin=_minutes_until_last_night())
    old = sleep(validation="AUTO_TENTATIVE", begin=LONG_AGO)
    for told in (young, old):
        told.pop("calendarDate")
    real.accept({"sleeps": [young, old]}, "--account", ME)
    before, now = (night["details"] for night in real.json("nights"))
    assert (before["provisional"], before["provisional_until"]) == (0, None)
    assert now["provisional"] == 1
    assert f"until {now['provisional_until']}" in real.run("night", "last").stdout
    assert "Provisional" not in real.run("night", "-1").stdout


def _minutes_until_last_night() -> int:
    start = dt.datetime(2026, 11, 20, 22, tzinfo=dt.UTC)
    last = dt.datetime.now(dt.UTC) - dt.timedelta(hours=20)
    return int((last - start).total_seconds() / 60)


def test_real_pushes_stay_out_of_a_sandbox_and_made_up_ones_out_of_a_home(
    shell: Shell, played: Makers, real: Real
) -> None:
    shell.run("connections")  # makes the folder
    body = real.body({"sleeps": [sleep()]})
    refused = shell.run("accept", "garmin", body, "--account", ME, check=2)
    assert "does not belong" in refused.stderr
    assert shell.run("accept", "garmin", body).returncode == 0  # set aside: nobody has the account
    assert shell.json("nights") == []


def permissions(allowed: list[str], days: int) -> Any:
    changed = int(dt.datetime.now(dt.UTC).timestamp()) - days * 86_400
    told = {"userId": ME, "summaryId": "x", "permissions": allowed, "changeTimeInSeconds": changed}
    return {"userPermissionsChange": [told]}


def test_what_was_switched_off_stays_off_when_an_older_body_comes(real: Real) -> None:
    real.accept({"sleeps": [sleep()]}, "--account", ME)
    assert "was changed" in real.accept(permissions([], 2))["detail"]["summary"]
    late = real.accept(permissions(["HEALTH_EXPORT"], 9))
    assert late["detail"]["summary"] == "what may be read has changed since, and stays"
    (bond,) = real.json("connections")
    assert "HEALTH_EXPORT" not in bond["granted_scopes"]


def test_a_body_from_before_one_connected_again_does_not_end_it(real: Real) -> None:
    """It says nothing of when it was; but its file was written before."""
    real.accept({"sleeps": [sleep()]}, "--account", ME)
    gone = {"deregistrations": [{"userId": ME}]}
    path = real.body(gone)
    let_in = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    os.utime(path, (let_in.timestamp() - 60,) * 2)
    with opened(locate(real.folder / "data", None)) as app, writing(app.engine) as connection:
        tokens.bind(
            connection,
            vault(),
            user_id=app.person(None).id,
            provider="garmin",
            door="health",
            account=ME,
            grant=Grant(access="made-up"),
            secret="made-up",
            now=let_in,
        )
    row = real.json("accept", "garmin", path)
    assert "it stays connected" in row["detail"]["summary"]
    assert real.json("connections")[0]["status"] == "connected"
    real.accept(gone)
    assert real.json("connections")[0]["status"] == "disconnected"


def test_off_the_wrist_is_said_with_the_date_of_its_night(real: Real) -> None:
    off = sleep(night=(), validation="OFF_WRIST", sleepLevelsMap={})  # it began at 23:00
    row = real.accept({"sleeps": [off]}, "--account", ME)
    assert (row["sync_date_from"], row["sync_date_to"]) == ("2026-11-21", "2026-11-21")
    early = sleep(200, night=(), validation="OFF_WRIST", sleepLevelsMap={})  # at 02:20
    assert real.accept({"sleeps": [early]})["sync_date_to"] == "2026-11-21"


def test_what_is_played_again_is_said_as_what_it_tells(real: Real) -> None:
    tentative, final = sleep(validation="AUTO_TENTATIVE"), sleep(night=NIGHT[:4])
    off = sleep(1440, night=(), validation="OFF_WRIST", sleepLevelsMap={})
    other = sleep(1440)
    real.accept({"sleeps": [tentative, other]}, "--account", ME)
    said = [real.accept({"sleeps": [one]})["detail"]["summary"] for one in (final, tentative)]
    assert said == ["1 sleep came by push", "1 sleep came by push, nothing new"]
    said = [real.accept({"sleeps": [one]})["detail"]["summary"] for one in (off, other)]
    assert said == ["1 sleep taken back, or off the wrist", "1 sleep known, and taken back since"]


def test_what_is_only_pushed_is_said_as_that(real: Real) -> None:
    real.accept({"sleeps": [sleep()]}, "--account", ME)
    said = real.run("connections").stdout
    assert "only what is pushed arrives" in said
    assert "consent" not in said
    assert "may read" not in said


def test_removing_says_what_is_left_of_a_file(real: Real, tmp_path: Path) -> None:
    archive = tmp_path / "garmin.zip"
    archive.write_bytes(export(1, last=dt.date(2026, 11, 10)))
    real.run("import", archive)
    by_file = real.json("nights")
    real.accept({"sleeps": [sleep()]}, "--account", ME)
    assert len(real.json("nights")) == len(by_file) + 1
    remove = "disconnect", "garmin", "--delete", "--with-data"
    done = real.run(*remove).stdout
    assert "by file" in done
    assert "still here" in done
    assert len(real.json("nights")) == len(by_file)
    again = real.run(*remove).stdout
    assert "still here" not in again
    assert real.json("nights") == []


def test_two_people_with_files_share_no_consent(real: Real, tmp_path: Path) -> None:
    archive = tmp_path / "garmin.zip"
    archive.write_bytes(export(1, last=dt.date(2026, 11, 10)))
    for user in ("ida", "otto"):
        real.run("user", "add", user)
        real.run("import", archive, "--user", user)
    said = real.run("disconnect", "garmin", "--delete", "--with-data", "--user", "ida").stdout
    assert "somebody else" not in said
    assert real.json("nights", "--user", "ida") == []
    assert real.json("nights", "--user", "otto")


def test_bodies_of_the_sandbox_stay_in_the_sandbox(
    shell: Shell, played: Makers, real: Real
) -> None:
    shell.data = real.folder / "sandbox"
    body = {"sleeps": [sleep(userId=f"sleepbalance-sandbox-{OTHER}")]}
    path = real.body(body)
    claim = "--account", f"sleepbalance-sandbox-{OTHER}"
    assert "made-up data" in real.run("accept", "garmin", path, *claim, check=2).stderr
    assert real.json("nights") == []
    shell.run("accept", "garmin", path, *claim)
    assert len(shell.json("nights")) == 1


# -- what is to be done about what was set aside ---------------------------------------------------


def _hinted(real: Real, body: Path, *words: str) -> tuple[str, list[list[str]]]:
    """What `accept` says, and the commands that it names, as a shell would split them."""
    said = real.run("accept", "garmin", body, *words).stdout
    lines = [line.partition("sleepbalance accept ")[2] for line in said.splitlines()]
    return said, [shlex.split(line.partition(" (or ")[0]) for line in lines if line]


def test_among_several_people_the_hint_says_for_whom_and_works(real: Real) -> None:
    for user in ("ida of the north", "otto"):
        real.run("user", "add", user)
    body = real.body({"sleeps": [sleep()]})
    said, (command,) = _hinted(real, body)
    assert "otto" in said
    real.run("accept", *command)
    assert len(real.json("nights", "--user", "ida of the north")) == 1
    other = real.body({"sleeps": [sleep(userId=OTHER)]})
    said, (command,) = _hinted(real, other)
    assert command[-2:] == ["--user", "otto"]  # who is free
    said, commands = _hinted(real, other, "--user", "ida of the north")
    assert (ME in said, commands) == (True, [])
    said, commands = _hinted(real, body, "--user", "otto")
    assert ("it is ida of the north's" in said, commands) == (True, [])


def test_who_has_another_account_is_told_why_and_no_command(real: Real) -> None:
    both = {"sleeps": [sleep(), sleep(userId=OTHER)]}
    real.accept(both, "--account", ME)
    said, commands = _hinted(real, real.body(both))
    assert f"connected with the account {ME}" in said
    assert commands == []


def test_what_cannot_be_claimed_here_is_told_why(shell: Shell, real: Real) -> None:
    made_up = real.body({"sleeps": [sleep(userId=f"sleepbalance-sandbox-{OTHER}")]})
    said, commands = _hinted(real, made_up)
    assert ("made-up data" in said, commands) == (True, [])
    shell.data = real.folder / "sandbox"
    mine = shell.run("accept", "garmin", real.body({"sleeps": [sleep()]})).stdout
    assert "does not belong" in mine
    assert "Unset SLEEPBALANCE_SANDBOX_URL" in mine
    assert "--account" not in mine
