"""Syncs what a person has connected: each connection through its door, window by window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sleepbalance import providers, sync
from sleepbalance.app.outside import Outside, remote_door
from sleepbalance.errors import UsageError
from sleepbalance.store import connections
from sleepbalance.store.engine import reading

Attempt = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a door wants to hear while a sync runs.

    `told` hears each attempt that ended; `waiting` that another sync is waited for; `news`, in
    words, what begins, and what takes its time.
    """

    told: Callable[[Attempt], None] = lambda _attempt: None
    waiting: Callable[[], None] = lambda: None
    news: Callable[[str], None] = lambda _words: None


def sync_connected(
    outside: Outside,
    user: str | None = None,
    provider_id: str | None = None,
    dates: tuple[dt.date | None, dt.date | None] = (None, None),
    *,
    trigger: str = "manual",
    hearing: Hearing | None = None,
) -> list[dict[str, Any]]:
    """Syncs every connection that is meant; gives the attempts, the oldest first.

    Without a user that is everybody's. Raises UsageError where nothing is connected.
    """
    first, last = dates
    if first is not None and last is not None and last < first:
        raise UsageError(f"--to {last} lies before --from {first}.")
    hearing = hearing or Hearing()
    attempts: list[dict[str, Any]] = []
    for bond in _meant(outside, user, provider_id):
        provider = providers.get(bond.provider)
        door = remote_door(provider, bond.door)
        outside.allow(door)
        hearing.news(f"Syncing {provider.name} …")
        with outside.wire(provider) as wire:
            job = sync.Job(
                connection_id=bond.id,
                user_id=bond.user_id,
                provider=provider,
                door=door,
                client=outside.client(wire, provider, door, bond.id, hearing.news),
                now=outside.now(),
                clock=outside.now,
                trigger=trigger,
                first=first,
                last=last,
                told=hearing.told,
                waiting=hearing.waiting,
            )
            attempts += sync.sync(outside.app.engine, job)
    return attempts


def _meant(
    outside: Outside, user: str | None, provider_id: str | None
) -> list[connections.Connected]:
    app = outside.app
    person = app.person(user) if user is not None else None
    if provider_id is not None:
        provider_id = providers.meant(provider_id).id
    with reading(app.engine) as connection:
        found = connections.listed(connection, person.id if person else None, provider_id)
    there = [bond for bond in found if bond.door != "file" and bond.status != "disconnected"]
    if there:  # but there is nothing to ask with where only pushes arrive
        return [bond for bond in there if bond.status_reason != connections.PUSHED_ONLY]
    if provider_id is not None:
        provider = providers.get(provider_id)
        remote_door(provider)  # or says that it comes by file
        was = next((bond for bond in found if bond.door != "file"), None)
        with reading(app.engine) as connection:
            plain = f"sleepbalance connect {provider_id}"
            connect = sync.to_connect(connection, provider, was) if was is not None else plain
        raise UsageError(f"{provider.name} is not connected. Connect it: {connect}")
    raise UsageError("Nothing is connected yet. Connect something: sleepbalance connect PROVIDER")
