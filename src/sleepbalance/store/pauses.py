"""Pauses: a maker asked us to wait, and every process heeds it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, delete, func, select, update

from sleepbalance.store.engine import clock, insert_new, reading, writing
from sleepbalance.store.tables import pauses

LONGEST = dt.timedelta(days=1, minutes=1)  # of more, a clock was set back since


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses that hold for one connection: its own, and those of the whole app.

    `ahead` tells how far the makers' clock is ahead of ours, as a sandbox's may be.
    """

    engine: Engine
    connection_id: str
    provider: str
    ahead: Callable[[], dt.timedelta] = dt.timedelta

    @property
    def user(self) -> str:
        return f"user:{self.connection_id}"

    @property
    def app(self) -> str:
        return f"app:{self.provider}"

    def left(self) -> float:
        """Seconds until a request may leave; 0 where nothing stands against it."""
        mine = select(func.max(pauses.c.until)).where(pauses.c.name.in_((self.user, self.app)))
        ahead = self.ahead()
        with reading(self.engine) as connection:
            until = connection.execute(mine).scalar_one()
            left = until - clock(connection) - ahead if until else dt.timedelta()
        return max(left.total_seconds(), 0.0) if left <= LONGEST else 0.0

    def begin(self, seconds: float, per: Literal["user", "app"]) -> None:
        """Nobody asks before `seconds` have passed; a longer pause that is there stays."""
        name = self.user if per == "user" else self.app
        ahead = self.ahead()
        with writing(self.engine) as connection:
            now = clock(connection) + ahead
            # The clock knows whole seconds: one more, so that it is never too early.
            until = now + dt.timedelta(seconds=math.ceil(seconds) + 1)
            connection.execute(delete(pauses).where(pauses.c.until <= now))
            connection.execute(insert_new(connection, pauses).values(name=name, until=until))
            shorter = update(pauses).where(pauses.c.name == name, pauses.c.until < until)
            connection.execute(shorter.values(until=until))
