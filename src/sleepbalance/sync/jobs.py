"""What is to be synced, and what a run of it holds in its hands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sleepbalance.model import local
from sleepbalance.provider import Ask, Client, Provider, Reading, Remote
from sleepbalance.store import absences, leases, people
from sleepbalance.store import windows as rows
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import Connection, clock
from sleepbalance.store.windows import Range
from sleepbalance.sync.windows import DOUBTED_FOR, Known, Window, searching


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A sync of one connection. Without `first` and `last` it asks what is due.

    `told` hears each attempt's row when it is closed; `waiting` is called once when another sync
    of this connection is being waited for. `now` is when it began, `clock` what tells that.
    """

    connection_id: str
    user_id: str
    provider: Provider
    door: Remote
    client: Client
    now: dt.datetime
    trigger: str = "manual"
    first: dt.date | None = None
    last: dt.date | None = None
    told: Callable[[Mapping[str, Any]], None] = lambda _attempt: None
    waiting: Callable[[], None] = lambda: None
    life: dt.timedelta = leases.LIFE
    clock: Callable[[], dt.datetime] | None = None

    def time(self) -> dt.datetime:
        """What time it is where the makers are."""
        return self.now if self.clock is None else self.clock()

    @property
    def only(self) -> Window | None:
        """The dates that the person asked for; open ends reach as far as there is anything."""
        if self.first is None and self.last is None:
            return None
        return Window(self.first or dt.date.min, self.last or dt.date.max)

    @property
    def requests(self) -> int:
        """How many requests the client has made, where it counts them."""
        return int(getattr(self.client, "requests", 0))


@dataclass(frozen=True, slots=True)
class Step:
    """One window on its way: an attempt is open for it."""

    bond: Connected
    attempt: str
    window: Window
    known: Known
    requests: int  # of the client, before
    again: str  # the command that makes the connection anew

    def with_ranges(self, ranges: Sequence[Range]) -> Step:
        """The same, as its dates stand now."""
        return replace(self, known=replace(self.known, ranges=ranges))

    def ask(self, now: dt.datetime) -> Ask:
        start, end = self.window.span
        return Ask(start=start, end=end, now=now, account=self.bond.account)


def look(connection: Connection, job: Job, bond: Connected) -> Known:
    """What is known of a connection, for its plan."""
    first = absences.first_end(connection, bond.owner)
    return Known(
        today=_today(connection, job),
        now=job.now,
        reading=job.door.api.reading,
        ranges=rows.of(connection, bond.id),
        earliest=first.date() if first is not None else None,
        doubts=absences.doubted(connection, bond.owner, job.now - DOUBTED_FOR),
        manual=job.trigger == "manual",
        only=job.only,
        since=bond.created_at.date(),
        by_push=job.door.api.order is not None,
    )


def goes_on(connection: Connection, bond: Connected, reading: Reading) -> bool:
    """Whether a sync would still look for sleeps before those that are known."""
    first = absences.first_end(connection, bond.owner)
    now = clock(connection)
    known = Known(
        today=now.date(),
        now=now,
        reading=reading,
        ranges=rows.of(connection, bond.id),
        earliest=first.date() if first is not None else None,
    )
    return bool(known.ranges) and searching(known)


def _today(connection: Connection, job: Job) -> dt.date:
    """The later one of UTC's date and of the person's."""
    utc = job.now.date()
    known = people.zones(connection, job.user_id)
    zone = next((zone for first, zone in reversed(known) if first <= utc), None)
    return max(utc, local(job.now, zone or "UTC").date())
