"""A person who is connected to the made-up maker, on a database of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, select, update

from sleepbalance.provider import Provider, Remote
from sleepbalance.store import connections, history, nights, people, windows
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import reading, writing
from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import metadata, wearable_connections
from sleepbalance.store.upgrade import add_providers
from sleepbalance.sync import Job, sync
from tests.sync.maker import Maker, Person, make_provider

DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
LATER = {"id", "created_at", "updated_at", "received_at", "derived_at", "connection_id", "user_id"}


@dataclass
class World:
    """`now` is the clock of the person's computer; the database has its own."""

    engine: Engine
    user_id: str
    bond: str
    maker: Maker = field(default_factory=Maker)
    provider: Provider = field(default_factory=make_provider)
    now: dt.datetime = START
    told: list[Mapping[str, Any]] = field(default_factory=list)

    def job(self, **more: Any) -> Job:
        (door,) = self.provider.remote
        plain: dict[str, Any] = {
            "connection_id": self.bond,
            "user_id": self.user_id,
            "provider": self.provider,
            "door": door,
            "client": Person(self.maker),
            "now": self.now,
            "told": self.told.append,
        }
        return Job(**(plain | more))

    def sync(self, **more: Any) -> list[dict[str, Any]]:
        self.maker.asked.clear()
        return sync(self.engine, self.job(**more))

    @property
    def door(self) -> Remote:
        return self.provider.remote[0]

    @property
    def owner(self) -> Owner:
        return Owner(self.user_id, "traumland", "dreamer")

    def connected(self) -> Connected | None:
        with reading(self.engine) as connection:
            return connections.get(connection, self.bond)

    def alter(self, **values: Any) -> None:
        """Changes the row of the connection."""
        with writing(self.engine) as connection:
            mine = update(wearable_connections).where(wearable_connections.c.id == self.bond)
            connection.execute(mine.values(values))

    def ranges(self) -> dict[str, list[tuple[dt.date, dt.date]]]:
        """Without the states in which nothing is."""
        with reading(self.engine) as connection:
            found = windows.ranges(connection, self.bond)
        return {state: ranges for state, ranges in found.items() if ranges}

    def history(self) -> list[dict[str, Any]]:
        with reading(self.engine) as connection:
            return history.attempts(connection)

    def nights(self) -> dict[dt.date, dict[str, Any]]:
        """Night by date, without ids and times of writing, and without what was taken back."""
        with reading(self.engine) as connection:
            return {
                record["sleep_date"]: {k: v for k, v in record.items() if k not in LATER}
                for record, _ in nights.listed(connection, self.user_id)
                if not record["is_deleted"]
            }

    def rows(self, name: str) -> list[dict[str, Any]]:
        with reading(self.engine) as connection:
            found = connection.execute(select(metadata.tables[name])).mappings()
            return sorted((dict(row) for row in found), key=repr)


def connect(engine: Engine, name: str = "me") -> World:
    with writing(engine) as connection:
        add_providers(connection, {"traumland": "Traumland"})
        person = people.add(connection, name)
        bond = connections.ensure(connection, person.id, "traumland", "oauth")
    world = World(engine, person.id, bond)
    world.alter(user_external_id="dreamer")
    return world
