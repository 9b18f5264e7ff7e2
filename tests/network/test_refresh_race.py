"""Many at once, slow makers, and deaths at the worst moment: one refresh, no connection lost."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from sleepbalance.client import HttpClient
from sleepbalance.errors import NeedsReconnect
from sleepbalance.store import people
from sleepbalance.store.engine import writing
from sleepbalance.wire import Wire
from tests.network import driver
from tests.network.bonds import SHORT, Plan, connect
from tests.network.maker import Maker, running

MANY = 20


@pytest.fixture
def maker() -> Iterator[Maker]:
    with running() as made:
        yield made


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as made:
        yield made


def test_twenty_processes_refresh_once(engine: Engine, database_url: str, maker: Maker) -> None:
    bond = connect(engine, maker)
    _, used = bond.pair()
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["tests.network.driver"])
    plan = Plan(database_url, maker.url, bond.id)
    with start.Pool(MANY, driver.begin, (start.Barrier(MANY),)) as pool:
        got = pool.map(driver.read_once, [plan] * MANY, chunksize=1)
        pool.close()
        pool.join()
    access, refresh = bond.pair()
    assert got == [(access, 200)] * MANY
    assert maker.count("/token") == 1
    assert refresh in maker.refresh
    assert used not in maker.refresh
    assert bond.row().status == "connected"
    assert bond.marks() == []


def test_twenty_threads_refresh_once_after_a_401(engine: Engine, maker: Maker) -> None:
    bond = connect(engine, maker, left=None)
    maker.access.clear()  # the maker forgot them, before their time
    ready = threading.Barrier(MANY)

    def read(_: int) -> int:
        with Wire() as wire:
            client = HttpClient(wire, maker.api(), bond.credentials(wire))
            ready.wait(60)
            return client.get("data").status

    with ThreadPoolExecutor(MANY) as pool:
        assert list(pool.map(read, range(MANY))) == [200] * MANY
    assert maker.count("/token") == 1
    assert bond.row().status == "connected"


def test_a_slow_maker_holds_up_nobody_else(engine: Engine, maker: Maker, wire: Wire) -> None:
    maker.gate = threading.Event()
    slow = connect(engine, maker)
    with running() as quick, ThreadPoolExecutor(2) as pool:
        other = connect(engine, quick, name="other")
        waiting = [pool.submit(slow.credentials(wire).token) for _ in range(2)]
        while not maker.count("/token"):
            assert not any(future.done() for future in waiting)
        assert other.credentials(wire).token() == other.pair()[0]
        with writing(engine) as connection:
            people.add(connection, "third")
        assert not any(future.done() for future in waiting)
        maker.gate.set()
        assert {future.result() for future in waiting} == {slow.pair()[0]}
    assert maker.count("/token") == 1


@pytest.mark.parametrize("grace", [False, True])
def test_killed_between_the_answer_and_the_commit(
    engine: Engine, database_url: str, maker: Maker, wire: Wire, grace: bool
) -> None:
    maker.grace = grace
    bond = connect(engine, maker)
    before = bond.pair()
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["tests.network.driver"])
    plan = Plan(database_url, maker.url, bond.id)
    victim = start.Process(target=driver.die_with_the_answer, args=(plan,))
    victim.start()
    victim.join()
    assert victim.exitcode == -9
    assert bond.pair() == before
    assert [mark.tries for mark in bond.marks()] == [1]
    credentials = bond.credentials(wire, life=SHORT)
    if grace:
        assert credentials.token() == bond.pair()[0] != before[0]
        assert bond.row().status == "connected"
    else:
        with pytest.raises(NeedsReconnect, match=r"never arrived; the maker may have used up"):
            credentials.token()
        assert bond.row().status == "needs_reconnect"
        assert "never arrived" in bond.row().status_reason
        with pytest.raises(NeedsReconnect, match="never arrived"):
            credentials.token()
    assert maker.count("/token") == 2
    assert bond.marks() == []
