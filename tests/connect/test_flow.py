"""The seed's flow, whole: connect, sync, look, sync again, disconnect, remove."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select

from sleepbalance.app import connected
from sleepbalance.app.links import Ended, OtherAccount
from sleepbalance.errors import NeedsReconnect, UsageError
from sleepbalance.store.engine import reading, writing
from sleepbalance.store.tables import raw_records, sleep_sessions, wearable_connections
from tests.connect.played import MAKER, TODAY, Home, Makers, Shell, same_as_the_truth
from tests.homes import everything_but_the_log, nights

FIRST = dt.date(2026, 8, 1)


def _table(home: Home, table: Any) -> list[Any]:
    with reading(home.app.engine) as connection:
        return list(connection.execute(select(table)).mappings())


def test_the_whole_flow(anywhere: Home, played: Makers) -> None:
    home = anywhere
    person = "1" if home.app.engine.dialect.name == "sqlite" else "2"  # three years, eight months
    row = home.connect(person)
    assert row["status"] == "connected"
    assert row["may_not_read"] == []
    assert row["last_sync_at"] is None
    attempts = home.sync()
    assert {attempt["status"] for attempt in attempts} == {"success"}
    asked = [attempt["sync_date_to"] for attempt in attempts]
    assert asked == sorted(asked, reverse=True)  # the newest first
    found, truth = home.app.nights(None), played.truth(person)
    same_as_the_truth(found, truth)
    warmth = [night["details"]["avg_skin_temperature"] for night in found]
    assert warmth == [told["skin_temperature"] for told in truth]
    assert {type(degrees) for degrees in warmth} == {float, type(None)}
    (after,) = connected.listed(home.app)
    assert after["last_sync_at"] is not None
    assert after["complete_until"] == TODAY.date()
    logged = home.app.history(None, provider=MAKER)
    assert all(attempt["connection_id"] == after["id"] for attempt in logged)
    assert all("asked" in attempt["detail"]["summary"] for attempt in logged)


def test_a_second_sync_changes_nothing_and_asks_little(here: Home, played: Makers) -> None:
    here.connect("2")
    here.sync()
    played.move(hours=25)  # by then an empty answer is asked for once more
    here.sync()
    before = everything_but_the_log(here.app)
    attempts = here.sync()
    assert len(attempts) == 1
    assert attempts[0]["records_inserted"] == attempts[0]["records_updated"] == 0
    assert attempts[0]["records_skipped"] > 0
    assert attempts[0]["detail"]["requests"] <= 6  # one for each kind of thing
    after = everything_but_the_log(here.app)
    for rows in (before, after):
        rows.pop("sync_windows")
    assert after == before


def test_the_same_account_again_doubles_nothing(here: Home) -> None:
    here.connect()
    here.sync(FIRST)
    before = nights(here.app)
    first = here.connect()
    assert here.sync(FIRST)[0]["records_inserted"] == 0
    assert nights(here.app) == before
    assert len(_table(here, wearable_connections)) == 1
    assert first["fetched"]


def test_an_old_connection_is_matched_by_the_id_it_had(here: Home) -> None:
    """As in a phone app's file: the old API has ended, and knew the person by another id."""
    links, received = here.consent()
    (legacy,) = received.account.formerly
    now = dt.datetime(2025, 10, 29, tzinfo=dt.UTC)
    with writing(here.app.engine) as connection:
        connection.execute(
            insert(wearable_connections).values(
                id="old",
                user_id=links.person.id,
                provider=MAKER,
                access_token="",
                user_external_id=legacy,
                status="needs_reconnect",
                connected_at=now,
                created_at=now,
                updated_at=now,
            )
        )
    row = links.keep(received)  # without --switch
    assert (row["id"], row["account"], row["status"]) == (
        "old",
        received.account.id,
        "connected",
    )
    assert here.sync(FIRST)[0]["status"] == "success"


def test_another_account_is_asked_about_first_and_never_mixed(here: Home) -> None:
    here.connect("1")
    here.sync(FIRST)
    links, received = here.consent("2")
    with pytest.raises(OtherAccount, match="another account"):
        links.keep(received)
    (row,) = connected.listed(here.app)
    before = row["account"]
    links.keep(received, switch=True)
    here.sync(FIRST)
    (row,) = connected.listed(here.app)
    assert row["account"] != before
    accounts = {s["account"] for s in _table(here, sleep_sessions)}
    assert accounts == {before, row["account"]}


def test_two_people_may_hold_one_account(here: Home, played: Makers) -> None:
    for name in ("Ann", "Ben"):
        here.app.add_user(name)
        here.connect("1", user=name)
        here.user = name
        here.sync(FIRST)
    mine, theirs = (here.app.nights(name) for name in ("Ann", "Ben"))
    assert [night["sleep_date"] for night in mine] == [night["sleep_date"] for night in theirs]
    links = here.links("Ann")
    done = links.end()
    assert (done.revoked, done.shared) == (None, True)  # it would end Ben's too
    assert {attempt["status"] for attempt in here.sync(FIRST)} == {"success"}
    assert here.links("Ben").end().revoked is True


def test_disconnect_keeps_row_nights_and_log(here: Home, played: Makers) -> None:
    here.connect()
    here.sync(FIRST)
    before = nights(here.app)
    done = here.links().end()
    assert done == Ended(revoked=True, shared=False, deleted=False, nights=None)
    (row,) = _table(here, wearable_connections)
    assert (row["is_active"], row["status"]) == (0, "disconnected")
    assert (row["access_token"], row["refresh_token"]) == ("", None)
    assert nights(here.app) == before
    assert here.app.history(None)
    with pytest.raises(UsageError, match="sleepbalance connect fitbit"):
        here.sync()


def test_removing_with_data_leaves_nothing_of_the_account(here: Home) -> None:
    here.connect()
    here.sync(FIRST)
    done = here.links().end(delete=True, with_data=True)
    assert done.nights
    assert _table(here, wearable_connections) == []
    assert _table(here, raw_records) == []
    assert _table(here, sleep_sessions) == []
    assert here.app.nights(None) == []
    assert {row["connection_id"] for row in here.app.history(None)} == {None}


def test_what_was_left_behind_can_be_erased_later(here: Home) -> None:
    here.connect()
    here.sync(FIRST)
    here.links().end(delete=True)
    with pytest.raises(UsageError, match="--delete --with-data"):
        here.existing().end()
    assert here.existing().end(delete=True, with_data=True).nights
    assert here.app.nights(None) == []
    assert _table(here, raw_records) == []
    with pytest.raises(UsageError, match="not connected"):
        here.existing().end(delete=True, with_data=True)


def test_a_consent_that_nobody_can_use_is_given_back(here: Home, played: Makers) -> None:
    played.post("/-/settings", {MAKER: {"accounts": {"1": "not_linked"}}})
    with pytest.raises(NeedsReconnect, match="ACCOUNT_NOT_LINKED"):
        here.connect()
    assert [grant["alive"] for grant in played.get("/-/grants")] == [False]
    assert connected.listed(here.app) == []


def test_the_doctor_says_what_is_so(shell: Shell, played: Makers) -> None:
    shell.connect()
    assert "days are still to come" in shell.run("doctor").stdout
    played.fault("500", "dataTypes/sleep/")
    shell.run("sync", "--from", "2026-11-01", check=1)
    assert "its last sync failed: PROVIDER_UNAVAILABLE" in shell.run("doctor").stdout
    unset = Shell(shell.data, played, {"SLEEPBALANCE_SANDBOX_URL": ""})
    assert "no sandbox is set" in unset.run("doctor").stdout
    wrong = Shell(shell.data, played, {"SLEEPBALANCE_SANDBOX_URL": "http://127.0.0.1:1"})
    assert "is it running?" in wrong.run("doctor", check=1).stdout


def test_the_end_of_a_consent_is_said_ahead(shell: Shell, played: Makers) -> None:
    played.post("/-/settings", {MAKER: {"refresh_life": 604800}})
    shell.connect()
    assert "consent ends" not in shell.run("sync", "--from", "2026-11-01").stdout
    played.move(days=6)
    done = shell.run("sync", "--from", "2026-11-01")
    assert "the consent ends 2026-11-28" in done.stdout
    assert "sleepbalance connect fitbit" in done.stdout


def test_without_its_key_nothing_is_made_up(shell: Shell, played: Makers) -> None:
    shell.connect()
    key = shell.data / "master.key"
    key.rename(key.with_name("elsewhere"))
    for words in (("sync",), ("keys", "rotate"), ("doctor",)):
        done = shell.run(*words, check=1)
        assert "no master keys" in done.stdout + done.stderr
        assert not key.exists()
    (attempt,) = shell.json("history")
    assert (attempt["status"], attempt["error_code"]) == ("failed", "AUTH_ERROR")
    said = shell.run("disconnect", MAKER).stdout
    assert "could not be told" in said
    shell.connect()
    assert key.exists()


def test_removing_keeps_the_nights_without(here: Home) -> None:
    here.connect()
    here.sync(FIRST)
    before = nights(here.app)
    here.links().end(delete=True)
    assert _table(here, wearable_connections) == []
    assert nights(here.app) == before


def test_a_scope_that_was_unticked_is_said_and_the_rest_goes_on(here: Home) -> None:
    links, received = here.consent(allow=[links_scope(here)[0]])
    missing = links.missing(received.grant)
    assert missing is not None
    assert missing.code == "SCOPE_MISSING"
    links.keep(received)
    attempts = here.sync(FIRST)
    assert {a["status"] for a in attempts} == {"partial"}
    assert {a["error_code"] for a in attempts} == {"SCOPE_MISSING"}
    assert "heart rate" in attempts[0]["error_message"]
    assert here.app.nights(None)
    assert all(night["avg_heart_rate"] is None for night in here.app.nights(None))
    here.connect()
    here.sync(FIRST)
    assert any(night["avg_heart_rate"] is not None for night in here.app.nights(None))


@pytest.mark.parametrize("how", ["again", "left", "removed"])
def test_what_is_allowed_later_comes_for_every_night(here: Home, how: str) -> None:
    links, received = here.consent("2", allow=[links_scope(here)[0]])
    links.keep(received)
    here.sync()
    if how != "again":
        here.links().end(delete=how == "removed")
    here.connect("2")
    here.sync()
    staged = [night for night in here.app.nights(None) if night["deep_sleep_duration"]]
    assert staged
    assert all(night["avg_heart_rate"] is not None for night in staged)
    (row,) = connected.listed(here.app)
    assert row["wanted"] == []


def test_the_makers_clock_is_never_told_too_early(here: Home, played: Makers) -> None:
    """Else it is yesterday at midnight."""
    assert played.outside(here.app).now() >= TODAY


def links_scope(home: Home) -> list[str]:
    return [scope.name for scope in home.links().door.scopes]  # type: ignore[union-attr]


# -- by the command ------------------------------------------------------------------------------


def test_by_the_command(shell: Shell, played: Makers) -> None:
    said = shell.connect()
    assert "is connected, as account" in said
    assert "Next: sleepbalance sync fitbit" in said
    attempts = shell.json("sync", "--from", str(FIRST))
    assert attempts
    assert {a["status"] for a in attempts} == {"success"}
    keys = set(shell.json("history", "--limit", "1")[0])
    assert set(attempts[0]) == keys
    same_as_the_truth(shell.json("nights"), played.truth(first=str(FIRST)))
    _what_people_read(shell, attempts)
    (row,) = shell.json("connections")
    assert row["status"] == "connected"
    assert row["fetched"] == [{"from": str(FIRST), "to": str(TODAY.date())}]
    words = shell.run("connections").stdout
    assert f"{FIRST} – {TODAY.date()}" in words
    assert "asked" in shell.run("sync").stdout
    assert "✓" in shell.run("doctor").stdout
    assert "disconnected" in shell.run("disconnect", MAKER).stdout
    assert shell.run("sync", check=2).stderr
    assert "removed" in shell.run("disconnect", MAKER, "--delete").stdout
    assert shell.json("connections") == []


def _what_people_read(shell: Shell, attempts: list[Any]) -> None:
    """The log with its sentences, and the night with its vitals."""
    log = shell.run("history").stdout.splitlines()
    for attempt in attempts:
        dates = f"{attempt['sync_date_from']} – {attempt['sync_date_to']}"
        said = f"{attempt['sync_started_at']} {MAKER} {dates}: {attempt['detail']['summary']}"
        assert log.count(said) == 1
    degrees = shell.json("night", "last")["details"]["avg_skin_temperature"]
    (line,) = (x for x in shell.run("night", "last").stdout.splitlines() if "Skin" in x)
    assert line.split() == f"Skin temperature {degrees:g} °C the maker's own value".split()


def test_a_failed_sync_is_in_the_log_with_its_reason(shell: Shell, played: Makers) -> None:
    shell.connect()
    played.fault("500", "v4")
    (attempt, *_) = shell.json("sync", "--from", str(TODAY.date()), check=1)
    (line,) = (x for x in shell.run("history").stdout.splitlines() if "asked" in x)
    why = f"{attempt['error_code']}: {attempt['error_message']}"
    assert line.endswith(f": {attempt['detail']['summary']}; {why}")


def _code(address: str) -> str:
    """As an address bar shows it."""
    return address.partition("code=")[2].partition("&")[0]


@pytest.mark.parametrize("typed", [str, _code])
def test_a_pasted_address_does_as_well(shell: Shell, typed: Callable[[str], str]) -> None:
    import subprocess

    from sleepbalance import sandbox
    from tests.homes import PROGRAM

    command = [PROGRAM, "--data", str(shell.data), "connect", MAKER, "--paste", "--no-sync"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=shell.environ
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        address = next(line for line in running.stdout if line.startswith("http")).strip()
        back = sandbox.consent(address, person="1")
        running.stdin.write(f"{typed(back)}\n")
        running.stdin.close()
        assert "is connected" in running.stdout.read()
    assert running.returncode == 0


def test_what_is_not_known_is_told_its_roads(shell: Shell) -> None:
    said = shell.run("connect", "amazfit", check=2).stderr
    assert "amazfit" in said
    assert "import FILE" in said
    assert "cannot be connected" in shell.run("connect", "apple watch", check=2).stderr


def test_connecting_goes_on_with_the_nights_the_newest_first(shell: Shell, played: Makers) -> None:
    said = shell.connect(fetch=True)
    windows = shell.json("history", "--limit", "500")
    assert len(windows) > 5  # all the years
    last = dt.date.fromisoformat(played.truth()[-1]["sleep_date"])
    shown = said.index(f"{last:%d %b %Y}".lstrip("0"))
    assert shown < said.index(f"{MAKER} {windows[-2]['sync_date_from']}")  # the second one
    same_as_the_truth(shell.json("nights"), played.truth())


def test_made_up_makers_and_real_ones_stay_apart(shell: Shell, played: Makers) -> None:
    shell.connect()
    real = Shell(shell.data.with_name("real"), played)
    real.data.mkdir()
    (real.data / "note.txt").write_text("mine")
    assert "is for real nights" in real.run("connect", MAKER, check=2).stderr
    unset = Shell(shell.data, played, {"SLEEPBALANCE_SANDBOX_URL": ""})
    assert "no real maker" in unset.run("sync", check=2).stderr
