"""Tokens of a connection: renewed in time, replaced with care, sealed at rest, and never shown."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, select, update

from sleepbalance import oauth
from sleepbalance.errors import (
    Fatal,
    Malformed,
    NeedsReconnect,
    RateLimited,
    SleepBalanceError,
    StoreError,
    Unavailable,
)
from sleepbalance.provider import Grant
from sleepbalance.store import people, tokens
from sleepbalance.store.engine import reading, writing
from sleepbalance.store.tables import (
    leases,
    metadata,
    oauth_states,
    token_refreshes,
    wearable_connections,
)
from sleepbalance.vault import is_sealed
from sleepbalance.wire import Wire
from tests.network.bonds import NOW, WHO, Bond, connect, vault
from tests.network.maker import Maker, Said, running

HOUR = 3600.0


@pytest.fixture
def maker() -> Iterator[Maker]:
    with running() as made:
        yield made


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as made:
        yield made


def fails(error: SleepBalanceError) -> Callable[[str], Grant]:
    def refresh(_token: str) -> Grant:
        raise error

    return refresh


# -- when a token is renewed -----------------------------------------------------------------------


@pytest.mark.parametrize(("left", "asked"), [(None, 0), (HOUR, 0), (301, 0), (299, 1), (-1, 1)])
def test_a_token_is_renewed_ahead_of_its_end(
    left: float | None, asked: int, engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker, left)
    assert bond.credentials(wire).token() == bond.pair()[0]
    assert maker.count("/token") == asked


def test_a_short_life_is_known_from_then_on(engine: Engine, maker: Maker, wire: Wire) -> None:
    maker.life = 60
    bond = connect(engine, maker, left=30)
    now = NOW
    credentials = bond.credentials(wire, now=lambda: now)
    first = credentials.token()
    now += dt.timedelta(seconds=53)
    assert credentials.token() == first
    now += dt.timedelta(seconds=2)
    assert credentials.token() != first
    assert maker.count("/token") == 2


def test_an_early_refresh_that_fails_spoils_nothing(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker, left=100)
    maker.script["/token"] = [Said(503), Said(503)]
    now = NOW
    credentials = bond.credentials(wire, now=lambda: now)
    assert [credentials.token() for _ in range(3)] == [bond.pair()[0]] * 3
    assert maker.count("/token") == 1  # not with each request
    now += dt.timedelta(seconds=101)
    with pytest.raises(Unavailable):
        credentials.token()
    assert credentials.token() == bond.pair()[0] != ""
    assert bond.row().status == "connected"


def test_what_a_refresh_brings_is_kept(engine: Engine, maker: Maker, wire: Wire) -> None:
    bond = connect(engine, maker)
    told = {
        "access_token": "A2",
        "refresh_token": "R2",
        "expires_in": 60,
        "refresh_token_expires_in": 604_800,
        "scope": "sleep heart",
    }
    maker.script["/token"] = [Said(body=told)]
    assert bond.credentials(wire).token() == "A2"
    assert bond.pair() == ("A2", "R2")
    row = bond.row()
    assert row.token_expires_at == NOW + dt.timedelta(seconds=60)
    assert row.consent_expires_at == NOW + dt.timedelta(days=7)
    assert row.granted_scopes == "heart,sleep"
    assert all(is_sealed(text) for text in (row.access_token, row.refresh_token))


def test_what_a_refresh_does_not_tell_stays(engine: Engine, maker: Maker, wire: Wire) -> None:
    maker.rotating, maker.life = False, None
    _, secret = maker.grant()
    grant = Grant(
        access="A1", expires_in=-1, refresh_expires_in=100, scopes=frozenset({"sleep", "heart"})
    )
    bond = connect(engine, maker, grant=grant, secret=secret)
    assert bond.credentials(wire).token() != "A1"
    row = bond.row()
    assert bond.pair()[1] == secret
    assert row.token_expires_at is None
    assert row.consent_expires_at is not None
    assert row.granted_scopes == "heart,sleep"


@pytest.mark.parametrize("life", [float("nan"), float("inf"), -5.0, 1e300])
def test_absurd_lives_are_no_crash(life: float, engine: Engine, maker: Maker, wire: Wire) -> None:
    bond = connect(engine, maker)
    grant = Grant(access="A2", refresh="R2", expires_in=life, refresh_expires_in=life)
    assert bond.credentials(wire, refresh=lambda _: grant).token() == "A2"
    assert bond.pair() == ("A2", "R2")


def test_a_key_is_exchanged_each_time(engine: Engine, maker: Maker, wire: Wire) -> None:
    sent: list[str] = []

    def exchange(key: str) -> Grant:
        sent.append(key)
        return Grant(access=f"A{len(sent)}", expires_in=-1)

    bond = connect(engine, maker, door="key", grant=exchange("key"), secret="key")
    credentials = bond.credentials(wire, refresh=exchange)
    assert [credentials.token(), credentials.token()] == ["A2", "A3"]
    assert sent == ["key"] * 3


# -- refusals --------------------------------------------------------------------------------------


def test_a_refusal_ends_the_connection_and_says_why(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)
    maker.refresh.clear()
    for _ in range(2):
        with pytest.raises(NeedsReconnect, match="invalid_grant: Token … is used"):
            bond.credentials(wire).token()
    row = bond.row()
    assert (row.status, row.is_active) == ("needs_reconnect", 1)
    assert "invalid_grant" in row.status_reason
    assert "never arrived" not in row.status_reason
    assert row.status_since is not None
    assert maker.count("/token") == 1
    assert bond.marks() == []


def test_a_refusal_ends_nothing_if_somebody_stored_another_pair(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)

    def refresh(_token: str) -> Grant:
        again(bond, "A9", "R9")
        raise NeedsReconnect("used")

    assert bond.credentials(wire, refresh=refresh).token() == "A9"
    assert bond.row().status == "connected"


def again(bond: Bond, access: str, refresh: str) -> None:
    """The person connects again."""
    grant = Grant(access=access, refresh=refresh, expires_in=HOUR)
    with writing(bond.engine) as connection:
        found = tokens.bind(
            connection,
            vault(),
            user_id=bond.user,
            provider="acme",
            door="oauth",
            account="a1",
            grant=grant,
            secret=refresh,
            now=NOW,
        )
    assert found == bond.id


def test_a_token_refused_with_data_ends_the_connection_if_it_still_is_the_one(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker, HOUR)
    credentials = bond.credentials(wire)
    credentials.refused("an older one", NeedsReconnect("no"))
    assert bond.row().status == "connected"
    credentials.refused(credentials.token(), NeedsReconnect("It was withdrawn."))
    assert bond.row().status_reason == "It was withdrawn."
    with pytest.raises(NeedsReconnect, match=r"It was withdrawn\."):
        credentials.token()
    again(bond, "A9", "R9")
    assert credentials.token() == "A9"


def test_nothing_to_renew_with(engine: Engine, maker: Maker, wire: Wire) -> None:
    bond = connect(engine, maker, secret=None)
    with pytest.raises(NeedsReconnect, match="nothing to renew"):
        bond.credentials(wire).token()
    assert bond.row().status == "needs_reconnect"
    assert maker.count("/token") == 0


@pytest.mark.parametrize("removed", [False, True])
def test_a_connection_that_was_ended_gives_no_token(
    removed: bool, engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)

    def end() -> None:
        with writing(engine) as connection:
            tokens.disconnect(connection, bond.id, "You ended it.")
            if removed:
                connection.execute(delete(wearable_connections))

    def refresh(token: str) -> Grant:
        end()  # while the maker thinks
        return oauth.refresh(wire, maker.door(), WHO, token)

    credentials = bond.credentials(wire, refresh=refresh)
    for _ in range(2):
        with pytest.raises(NeedsReconnect, match="was ended"):
            credentials.token()
    assert maker.count("/token") == 1
    if not removed:
        row = bond.row()
        assert (row.access_token, row.refresh_token) == ("", None)
        assert (row.status, row.is_active) == ("disconnected", 0)


# -- answers that do not come ----------------------------------------------------------------------


def test_a_time_out_does_not_burn_a_token(engine: Engine, maker: Maker) -> None:
    """The maker rotates but has a grace: the old token works once more, in the next call."""
    maker.grace, maker.slow = True, 1.0
    bond = connect(engine, maker)
    before = bond.pair()
    with Wire(timeout=0.2) as hasty, pytest.raises(Unavailable, match="did not answer"):
        bond.credentials(hasty).token()
    assert maker.count("/token") == 1
    assert bond.pair() == before
    assert bond.row().status == "connected"
    assert [mark.tries for mark in bond.marks()] == [1]
    maker.slow = 0
    with Wire() as wire:
        assert bond.credentials(wire).token() == bond.pair()[0]
    assert bond.marks() == []


def test_each_call_sends_an_unanswered_token_once(engine: Engine, maker: Maker, wire: Wire) -> None:
    bond = connect(engine, maker)
    maker.script["/token"] = [Said(503), Said(200, b"<html>")]
    for tries in (1, 2):
        with pytest.raises(Unavailable):
            bond.credentials(wire).token()
        assert maker.count("/token") == tries
        assert [mark.tries for mark in bond.marks()] == [tries]
        with writing(engine) as connection:
            connection.execute(update(token_refreshes).values(sent_at=NOW - dt.timedelta(days=3)))
    maker.refresh.clear()
    with pytest.raises(Unavailable):
        bond.credentials(wire, refresh=fails(Unavailable("late"))).token()
    with pytest.raises(NeedsReconnect, match=r"refresh on 2026-11-19 20:00 UTC never arrived"):
        bond.credentials(wire).token()


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("not there", sent=False),
        RateLimited("often", 5),
        Fatal("settings"),
    ],
)
def test_what_never_touched_the_token_leaves_no_mark(
    error: SleepBalanceError, engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)
    with pytest.raises(type(error)):
        bond.credentials(wire, refresh=fails(error)).token()
    assert bond.marks() == []
    with pytest.raises(Unavailable):
        bond.credentials(wire, refresh=fails(Unavailable("late"))).token()
    marks = bond.marks()
    with pytest.raises(type(error)):
        bond.credentials(wire, refresh=fails(error)).token()
    assert bond.marks() == marks
    assert bond.row().status == "connected"


def test_the_mark_is_there_before_the_request_leaves(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)
    seen: list[Any] = []

    def refresh(token: str) -> Grant:
        with ThreadPoolExecutor(1) as pool:  # in a connection of its own: it is committed
            seen.extend(pool.submit(bond.marks).result())
        return Grant(access="A2", refresh="R2")

    bond.credentials(wire, refresh=refresh).token()
    assert [mark.token_hash for mark in seen] == [tokens.fingerprint(maker_secret(maker))]
    assert bond.marks() == []


def maker_secret(maker: Maker) -> str:
    (secret,) = maker.refresh
    return secret


# -- a pair is never thrown away -------------------------------------------------------------------


def test_a_pair_is_kept_though_the_lease_was_lost(engine: Engine, maker: Maker, wire: Wire) -> None:
    bond = connect(engine, maker)

    def refresh(_token: str) -> Grant:
        with writing(engine) as connection:
            connection.execute(delete(leases))
        return Grant(access="A2", refresh="R2")

    assert bond.credentials(wire, refresh=refresh).token() == "A2"
    assert bond.pair() == ("A2", "R2")


def test_a_pair_is_kept_though_the_old_one_was_sealed_anew(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)

    def refresh(_token: str) -> Grant:
        seal_anew(bond)
        return Grant(access="A2", refresh="R2")

    assert bond.credentials(wire, refresh=refresh).token() == "A2"
    assert bond.pair() == ("A2", "R2")


def seal_anew(bond: Bond) -> None:
    access, refresh = bond.pair()
    assert refresh is not None
    sealed = {
        name: vault().seal(text, "wearable_connections", bond.id, name)
        for name, text in (("access_token", access), ("refresh_token", refresh))
    }
    with writing(bond.engine) as connection:
        connection.execute(update(wearable_connections).values(sealed))


def test_a_refusal_holds_though_the_token_was_sealed_anew(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)

    def refresh(_token: str) -> Grant:
        seal_anew(bond)
        raise NeedsReconnect("no longer")

    with pytest.raises(NeedsReconnect):
        bond.credentials(wire, refresh=refresh).token()
    assert bond.row().status == "needs_reconnect"


def test_a_pair_that_comes_after_a_refusal_heals_the_connection(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    """Two went out with one token, as a lease was lost; the refused one is the faster."""
    bond = connect(engine, maker)

    def refresh(_token: str) -> Grant:
        bond.credentials(wire).refused(bond.pair()[0], NeedsReconnect("used"))
        assert bond.row().status == "needs_reconnect"
        seal_anew(bond)
        return Grant(access="A2", refresh="R2")

    assert bond.credentials(wire, refresh=refresh).token() == "A2"
    row = bond.row()
    assert (row.status, row.status_reason) == ("connected", None)


def test_a_pair_outlives_a_database_that_is_away(engine: Engine, maker: Maker, wire: Wire) -> None:
    bond = connect(engine, maker)
    broken = [True, True]
    slept: list[float] = []

    def busy(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE wearable_connections SET") and broken:
            broken.pop()
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorname = "SQLITE_BUSY"
            raise error

    event.listen(engine, "before_cursor_execute", busy)
    assert bond.credentials(wire, sleep=slept.append).token() == bond.pair()[0]
    assert slept == [1.0, 4.0]
    assert maker.count("/token") == 1


# -- logins under way ------------------------------------------------------------------------------


def login(engine: Engine, user: str, **words: Any) -> str:
    state = oauth.new_state()
    words = {"verifier": "PKCE-V3RIFIER", "redirect_uri": "http://127.0.0.1:1/callback"} | words
    with writing(engine) as connection:
        tokens.put_state(connection, vault(), state=state, user_id=user, provider="acme", **words)
    return state


def take(engine: Engine, state: str, user: str, provider: str = "acme") -> tokens.Login | None:
    with writing(engine) as connection:
        return tokens.take_state(connection, vault(), state, user, provider)


def add(engine: Engine, name: str) -> str:
    with writing(engine) as connection:
        return people.add(connection, name).id


def test_a_login_comes_back_once_however_many_ask(engine: Engine) -> None:
    user = add(engine, "me")
    state = login(engine, user)
    ready = threading.Barrier(8)

    def try_it(_: int) -> tokens.Login | None:
        ready.wait(60)
        return take(engine, state, user)

    with ThreadPoolExecutor(8) as pool:
        got = [found for found in pool.map(try_it, range(8)) if found is not None]
    assert [(g.redirect_uri, g.verifier) for g in got] == [
        ("http://127.0.0.1:1/callback", "PKCE-V3RIFIER")
    ]
    assert "PKCE-V3RIFIER" not in repr(got)


def test_a_login_is_for_who_began_it_and_for_a_while(engine: Engine) -> None:
    me, other = add(engine, "me"), add(engine, "other")
    state = login(engine, me)
    assert take(engine, state, other) is None
    assert take(engine, state, me, "other") is None
    assert take(engine, f"{state}x", me) is None
    assert take(engine, state, me) is not None
    assert take(engine, state, me) is None
    late = login(engine, me, life=dt.timedelta(seconds=-1))
    assert take(engine, late, me) is None
    bare = login(engine, me, verifier=None)  # and clears what is too old
    with reading(engine) as connection:
        assert len(connection.execute(select(oauth_states)).all()) == 1
    found = take(engine, bare, me)
    assert found is not None
    assert found.verifier is None


# -- nothing is shown ------------------------------------------------------------------------------


def test_no_token_is_in_logs_reprs_errors_or_the_database(
    engine: Engine, maker: Maker, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "sqlalchemy", "sqlalchemy.engine", "sleepbalance"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    bond = connect(engine, maker)
    state = login(engine, bond.user)
    credentials = bond.credentials(wire)
    credentials.token()
    maker.script["/token"] = [Said(503), Said(200, b"<html>")]
    shown = [repr(credentials)]
    for refusal in range(3):
        with pytest.raises(SleepBalanceError) as caught:
            credentials.renew(bond.pair()[0])
        shown += [*traceback.format_exception(caught.value), repr(caught.value)]
        if refusal == 1:
            maker.refresh.clear()
    with reading(engine) as connection:
        kept = tokens.stored(connection, bond.id)
        assert kept is not None
        shown += [repr(kept), repr(tokens.opened(vault(), kept))]
        for table in metadata.sorted_tables:
            shown += map(repr, connection.execute(select(table)).all())
    logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    text = "".join(shown) + caplog.text
    assert "/token: 503" in caplog.text
    secrets = {*maker.access, *bond.pair(), state, "PKCE-V3RIFIER", WHO.secret}
    secrets |= {asked.form["refresh_token"] for asked in maker.asked}
    assert len(secrets) == 7
    for secret in secrets:
        assert secret is not None
        assert secret not in text


def test_an_unsealed_token_is_never_sent(engine: Engine, maker: Maker, wire: Wire) -> None:
    bond = connect(engine, maker)
    with writing(engine) as connection:
        connection.execute(update(wearable_connections).values(refresh_token="plain-T0KEN"))
    with pytest.raises(Fatal) as caught:
        bond.credentials(wire).token()
    assert "plain-T0KEN" not in str(caught.value)
    assert maker.asked == []


def test_trouble_that_is_none_of_these_comes_through(
    engine: Engine, maker: Maker, wire: Wire
) -> None:
    bond = connect(engine, maker)
    for error in (Malformed("odd"), StoreError("full")):
        with pytest.raises(type(error)):
            bond.credentials(wire, refresh=fails(error)).token()
    assert bond.row().status == "connected"
