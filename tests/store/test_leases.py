"""A lease has one living holder; a dead one is taken over, and cannot come back."""

from __future__ import annotations

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from sleepbalance.errors import LeaseLost
from sleepbalance.store import leases
from sleepbalance.store.engine import writing

SHORT = dt.timedelta(seconds=2)


def test_a_free_lease_is_taken_once(engine: Engine) -> None:
    first = leases.take(engine, "import:a")
    assert first is not None
    assert leases.take(engine, "import:a") is None
    assert leases.take(engine, "import:b") is not None


def test_a_lapsed_lease_is_taken_over_and_its_holder_writes_nothing_more(engine: Engine) -> None:
    old = leases.take(engine, "import:a", dt.timedelta(seconds=0))
    assert old is not None
    time.sleep(1.1)
    new = leases.take(engine, "import:a")
    assert new is not None
    assert new.token != old.token
    for act in (leases.renew, leases.release):
        with pytest.raises(LeaseLost, match="nothing was written"), writing(engine) as connection:
            act(connection, old)
    with writing(engine) as connection:
        leases.renew(connection, new)
        leases.release(connection, new)
    assert leases.take(engine, "import:a") is not None


def test_a_living_holder_is_waited_for_however_long_it_takes(engine: Engine) -> None:
    told: list[str] = []
    order: list[str] = []

    def hold() -> None:
        with leases.held(engine, "import:a", life=SHORT):
            order.append("first in")
            time.sleep(3 * SHORT.total_seconds())
            order.append("first out")

    holder = threading.Thread(target=hold)
    holder.start()
    while not order:
        time.sleep(0.01)
    with leases.held(engine, "import:a", lambda: told.append("waiting"), life=SHORT):
        order.append("second in")
    holder.join()
    assert order == ["first in", "first out", "second in"]
    assert told == ["waiting"]


def test_a_lease_given_up_inside_is_not_given_up_twice(engine: Engine) -> None:
    with leases.held(engine, "import:a") as lease, writing(engine) as connection:
        leases.release(connection, lease)
    with leases.held(engine, "import:a"):
        assert leases.take(engine, "import:a") is None


def test_many_at_once_come_in_one_by_one(engine: Engine) -> None:
    inside = 0
    most = 0
    guard = threading.Lock()

    def work(_: int) -> None:
        nonlocal inside, most
        with leases.held(engine, "import:a"):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with guard:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    assert most == 1
