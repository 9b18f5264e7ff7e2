"""Connections with sealed tokens, for tests: written, read back, and counted by key."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from sqlalchemy import Connection, Engine, delete, insert, select, update

from sleepbalance.store.engine import reading, writing
from sleepbalance.store.secrets import SEALED, Sealed
from sleepbalance.store.tables import (
    metadata,
    oauth_states,
    users,
    wearable_connections,
    wearable_providers,
)
from sleepbalance.vault import Vault, key_of

NOW = dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
ACCESS, REFRESH, VERIFIER = SEALED


def fill(engine: Engine, vault: Vault, count: int = 3) -> dict[tuple[Sealed, str], str]:
    """People with a connection each, one without tokens, and logins under way; what they hold."""
    written: dict[tuple[Sealed, str], str] = {}
    with writing(engine) as connection:
        for table in (oauth_states, wearable_connections, users):
            connection.execute(delete(table))
        connection.execute(delete(wearable_providers).where(wearable_providers.c.id == "maker"))
        connection.execute(insert(wearable_providers).values(id="maker", name="Maker"))
        for number in range(count):
            name = f"c{number:03}"
            _add(connection, name, **sealed_pair(vault, name, 0))
            written[ACCESS, name] = f"access {name} 0"
            written[REFRESH, name] = f"refresh {name} 0"
            verifier = vault.seal(f"verifier {name}", VERIFIER.table, f"s{name}", VERIFIER.column)
            _begin(connection, f"s{name}", name, verifier)
            written[VERIFIER, f"s{name}"] = f"verifier {name}"
        _add(connection, "empty", access_token="", refresh_token=None)
        _begin(connection, "sempty", "empty", "")
    return written


def sealed_pair(vault: Vault, row: str, number: int) -> dict[str, str]:
    """The pair of tokens that a connection's n-th refresh brings."""
    return {
        ACCESS.column: vault.seal(f"access {row} {number}", ACCESS.table, row, ACCESS.column),
        REFRESH.column: vault.seal(f"refresh {row} {number}", REFRESH.table, row, REFRESH.column),
    }


def put(connection: Connection, where: Sealed, row: str, text: str) -> None:
    table = metadata.tables[where.table]
    mine = update(table).where(table.c[where.key] == row)
    connection.execute(mine.values({where.column: text}))


def stored(engine: Engine) -> dict[tuple[Sealed, str], str]:
    """Every text that is not empty, as it stands."""
    found: dict[tuple[Sealed, str], str] = {}
    with reading(engine) as connection:
        for where in SEALED:
            table = metadata.tables[where.table]
            rows = connection.execute(select(table.c[where.key], table.c[where.column]))
            found |= {(where, row): text for row, text in rows if text}
    return found


def opened(engine: Engine, vault: Vault) -> dict[tuple[Sealed, str], str]:
    """Every text, opened. Raises Fatal where one does not open."""
    return {
        (where, row): vault.open(text, where.table, row, where.column)
        for (where, row), text in stored(engine).items()
    }


def by_key(engine: Engine) -> Counter[str | None]:
    """How many texts each key sealed."""
    return Counter(key_of(text) for text in stored(engine).values())


def _add(connection: Connection, name: str, **tokens: str | None) -> None:
    user = dict.fromkeys(("first_name", "last_name", "birth_date"), name)
    connection.execute(
        insert(users).values(
            id=name, timezone="UTC", created_at=str(NOW), updated_at=str(NOW), **user
        )
    )
    times = dict.fromkeys(("connected_at", "created_at", "updated_at"), NOW)
    row = {"id": name, "user_id": name, "provider": "maker", **times, **tokens}
    connection.execute(insert(wearable_connections).values(row))


def _begin(connection: Connection, state: str, user: str, verifier: str) -> None:
    row = {
        "state_hash": state,
        "user_id": user,
        "provider": "maker",
        "redirect_uri": "http://127.0.0.1/callback",
        "verifier": verifier,
        "expires_at": NOW,
    }
    connection.execute(insert(oauth_states).values(row))
