"""The command that makes a connection anew, the same wherever somebody is told to connect again."""

from __future__ import annotations

import shlex

from sleepbalance.provider import Provider
from sleepbalance.store import people
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import Connection


def to_connect(connection: Connection, provider: Provider | None, bond: Connected) -> str:
    """By the same door, where that is not the maker's first; for whom, where several are here."""
    others = [door.name for door in provider.remote[1:]] if provider else []
    by_door = f" --door {bond.door}" if bond.door in others else ""
    return f"sleepbalance connect {bond.provider}{by_door}{whose(connection, bond)}"


def whose(connection: Connection, bond: Connected) -> str:
    """The option that says of whom a connection is; empty where there is only one person."""
    here = people.everybody(connection)
    name = next((person.name for person in here if person.id == bond.user_id), bond.user_id)
    alike = sum(person.name.casefold() == name.casefold() for person in here) > 1
    return f" --user {shlex.quote(bond.user_id if alike else name)}" if len(here) > 1 else ""
