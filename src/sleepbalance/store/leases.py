"""Leases: who may work on what, taken and renewed by compare-and-set, by the database's clock.

A living holder is waited for; a dead one is taken over when its lease lapses, or at once where its
death is certain: the same machine, and its process is gone. No transaction is
held open for it, so a process that was stopped while it read blocks nobody, and when it wakes up it
finds, at the latest at its commit, that the lease is no longer its own.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, delete, select, update

from sleepbalance.errors import LeaseLost, StoreError, Unavailable
from sleepbalance.store import holders
from sleepbalance.store.engine import clock, insert_new, reading, writing
from sleepbalance.store.tables import leases

LIFE = dt.timedelta(seconds=20)
RENEW_EVERY = 5.0  # seconds
POLL_EVERY = 0.25
TAKEN_OVER = "This was taken over by another process while it stood still; nothing was written."


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on `name`, as long as `token` stands in the database."""

    name: str
    token: str
    lost: threading.Event = field(default_factory=threading.Event, compare=False)

    def check(self) -> None:
        """Raises LeaseLost when the keeper has found it to be somebody else's."""
        if self.lost.is_set():
            raise LeaseLost(TAKEN_OVER)


def take(engine: Engine, name: str, life: dt.timedelta = LIFE) -> Lease | None:
    """Takes a lease that is free, lapsed, or of a process that is gone; None while it is held."""
    lease = Lease(name, secrets.token_hex(16))
    mine = {"owner": holders.here(), "token": lease.token}
    with writing(engine) as connection:
        until = clock(connection) + life
        fresh = insert_new(connection, leases).values(name=name, until=until, **mine)
        if connection.execute(fresh.returning(leases.c.name)).first() is not None:
            return lease
        row = connection.execute(select(leases).where(leases.c.name == name)).first()
        dead = row.token if row is not None and holders.is_gone(row.owner) else None
        over = (leases.c.until <= clock(connection)) | (leases.c.token == dead)
        lapsed = update(leases).where(leases.c.name == name, over)
        return lease if connection.execute(lapsed.values(until=until, **mine)).rowcount else None


def renew(connection: Connection, lease: Lease, life: dt.timedelta = LIFE) -> None:
    """Makes the lease last `life` from now. Raises LeaseLost when it is somebody else's."""
    mine = update(leases).where(leases.c.name == lease.name, leases.c.token == lease.token)
    if not connection.execute(mine.values(until=clock(connection) + life)).rowcount:
        raise LeaseLost(TAKEN_OVER)


def release(connection: Connection, lease: Lease) -> None:
    """Gives the lease back. Raises LeaseLost when it is somebody else's."""
    mine = delete(leases).where(leases.c.name == lease.name, leases.c.token == lease.token)
    if not connection.execute(mine).rowcount:
        raise LeaseLost(TAKEN_OVER)


@contextmanager
def held(
    engine: Engine,
    name: str,
    waiting: Callable[[], None] = lambda: None,
    life: dt.timedelta = LIFE,
) -> Iterator[Lease]:
    """Waits for the lease, keeps it renewed from a thread, and gives it back at the end.

    `waiting` is called once when somebody else holds it. The body may release it earlier, in
    the transaction that commits its work.
    """
    lease = take(engine, name, life)
    if lease is None:
        waiting()
    while lease is None:
        time.sleep(POLL_EVERY)
        lease = take(engine, name, life)
    stop = threading.Event()
    every = min(RENEW_EVERY, life.total_seconds() / 4)
    keeper = threading.Thread(target=_keep, args=(engine, lease, stop, life, every), daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        stop.set()
        keeper.join()
        _give_back(engine, lease)


def _keep(
    engine: Engine, lease: Lease, stop: threading.Event, life: dt.timedelta, every: float
) -> None:
    while not stop.wait(every):
        try:
            with writing(engine) as connection:
                renew(connection, lease, life)
        except LeaseLost:
            lease.lost.set()
            return
        except (StoreError, Unavailable):
            continue  # a busy or unreachable database: the next beat tries again


def _give_back(engine: Engine, lease: Lease) -> None:
    with reading(engine) as connection:
        held_still = connection.execute(
            select(leases.c.token).where(leases.c.token == lease.token)
        ).first()
    if held_still is None:
        return  # released with the work, or taken over
    with writing(engine) as connection:
        connection.execute(delete(leases).where(leases.c.token == lease.token))
