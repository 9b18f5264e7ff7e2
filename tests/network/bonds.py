"""Connections to a maker's server of ours, with sealed tokens, for tests and their processes."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from sleepbalance import oauth
from sleepbalance.credentials import Credentials
from sleepbalance.oauth import ClientId
from sleepbalance.provider import Grant
from sleepbalance.store import people, tokens
from sleepbalance.store.engine import make_engine, reading, writing
from sleepbalance.store.tables import token_refreshes, wearable_connections
from sleepbalance.vault import Vault, find
from sleepbalance.wire import Wire
from tests.network.maker import Maker

NOW = dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
WHO = ClientId("id", "client-secret")
KEY = base64.b64encode(bytes(range(32))).decode()
SHORT = dt.timedelta(seconds=2)  # the life of a lease whose holder is going to die


def vault() -> Vault:
    return find(Path("nowhere"), {"SLEEPBALANCE_MASTER_KEY": KEY})


@dataclass
class Bond:
    """One connection, and the maker behind it."""

    engine: Engine
    maker: Maker
    id: str
    user: str

    def row(self) -> Any:
        mine = select(wearable_connections).where(wearable_connections.c.id == self.id)
        with reading(self.engine) as connection:
            return connection.execute(mine).one()

    def pair(self) -> tuple[str, str | None]:
        """The tokens that are stored, opened."""
        with reading(self.engine) as connection:
            kept = tokens.stored(connection, self.id)
        assert kept is not None
        grant = tokens.opened(vault(), kept)
        return grant.access, grant.refresh

    def marks(self) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(token_refreshes)).all())

    def credentials(self, wire: Wire, **words: Any) -> Credentials:
        def refresh(token: str) -> Grant:
            return oauth.refresh(wire, self.maker.door(), WHO, token)

        words = {"refresh": refresh, "now": lambda: NOW} | words
        return Credentials(self.engine, vault(), self.id, **words)


def connect(
    engine: Engine, maker: Maker, left: float | None = -1.0, name: str = "me", **given: Any
) -> Bond:
    """A connection whose token lives for another `left` seconds, by default expired."""
    access, refresh = maker.grant()
    with writing(engine) as connection:
        user = people.add(connection, name).id
        grant = Grant(access=access, refresh=refresh, expires_in=left)
        words: dict[str, Any] = {
            "grant": grant,
            "secret": refresh,
            "door": "oauth",
            "account": "a1",
        }
        now = NOW if left is None or left >= 0 else NOW - dt.timedelta(seconds=1)
        bond = tokens.bind(
            connection, vault(), user_id=user, provider="acme", now=now, **(words | given)
        )
    return Bond(engine, maker, bond, user)


@dataclass(frozen=True)
class Plan:
    """What a process of its own is to do with a connection."""

    database: str
    maker: str
    bond: str

    def bond_of(self, engine: Engine) -> Bond:
        return Bond(engine, Maker(url=self.maker), self.bond, "")

    def open(self) -> Engine:
        return make_engine(self.database)
