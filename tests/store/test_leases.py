"""A lease has one living holder; a dead one is taken over, and cannot come back."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, update

from sleepbalance.errors import LeaseLost
from sleepbalance.store import holders, leases
from sleepbalance.store.engine import writing
from sleepbalance.store.tables import leases as table

SHORT = dt.timedelta(seconds=2)
KNOWS = holders.NAMES.exists()  # whether anybody can tell here that a process is gone
HOLDER = """
import sys
from sleepbalance.store import leases
from sleepbalance.store.engine import make_engine
assert leases.take(make_engine(sys.argv[1]), "import:a") is not None
print("taken", flush=True)
sys.stdin.read()
"""


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


@pytest.fixture
def holder(engine: Engine) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lease, and does nothing."""
    url = engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        yield process
        process.kill()


@pytest.mark.skipif(not KNOWS, reason="no /proc here: the lease of a dead process has to lapse")
def test_the_lease_of_a_process_that_is_gone_is_taken_at_once(
    engine: Engine, holder: subprocess.Popen[str]
) -> None:
    assert leases.take(engine, "import:a") is None
    holder.kill()
    holder.wait()
    new = leases.take(engine, "import:a")
    assert new is not None
    assert leases.take(engine, "import:a") is None  # of this process, which lives
    with writing(engine) as connection:
        leases.renew(connection, new)


@pytest.mark.parametrize("change", ["host:{1}:{2}", "{0}:{1}:other/1", "{0}:{1}:", "{0}:{1}", ""])
def test_of_a_process_elsewhere_nobody_knows_whether_it_is_gone(
    engine: Engine, holder: subprocess.Popen[str], change: str
) -> None:
    holder.kill()
    holder.wait()
    host, _, place = holders.here().split(":")
    owner = change.format(host, holder.pid, place)
    with writing(engine) as connection:
        connection.execute(update(table).values(owner=owner))
    assert leases.take(engine, "import:a") is None
