"""Pauses: a maker asked us to wait, and every process heeds it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, delete, func, select, update

from sleepbalance.store.engine import clock, insert_new, reading, writing
from sleepbalance.store.tables import pauses


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses that hold for one connection: its own, and those of the whole app."""

    engine: Engine
    connection_id: str
    provider: str

    @property
    def user(self) -> str:
        return f"user:{self.connection_id}"

    @property
    def app(self) -> str:
        return f"app:{self.provider}"

    def left(self) -> float:
        """Seconds until a request may leave; 0 where nothing stands against it."""
        mine = select(func.max(pauses.c.until)).where(pauses.c.name.in_((self.user, self.app)))
        with reading(self.engine) as connection:
            until = connection.execute(mine).scalar_one()
            return max((until - clock(connection)).total_seconds(), 0.0) if until else 0.0

    def begin(self, seconds: float, per: Literal["user", "app"]) -> None:
        """Nobody asks before `seconds` have passed; a longer pause that is there stays."""
        name = self.user if per == "user" else self.app
        with writing(self.engine) as connection:
            now = clock(connection)
            # The clock knows whole seconds: one more, so that it is never too early.
            until = now + dt.timedelta(seconds=math.ceil(seconds) + 1)
            connection.execute(delete(pauses).where(pauses.c.until <= now))
            connection.execute(insert_new(connection, pauses).values(name=name, until=until))
            shorter = update(pauses).where(pauses.c.name == name, pauses.c.until < until)
            connection.execute(shorter.values(until=until))
