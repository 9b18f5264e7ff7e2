"""Takes away what is kept of one account, or hands it over to the account's new id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sleepbalance.derive import derive
from sleepbalance.store import absences, connections, homes, people, raws
from sleepbalance.store.engine import Connection, Engine, writing
from sleepbalance.store.raws import Owner
from sleepbalance.stretches import Span


def remove_data(engine: Engine, owner: Owner) -> int:
    """Erases an account's raw records and sessions; gives how many nights changed.

    Each night that they touched is derived again from what is left; edits stay.
    """
    with writing(engine) as connection:
        people.lock_nights(connection, owner.user_id)
        before = homes.accounts(connection, owner.user_id)
        raws.remove_all(connection, owner)
        erased = absences.remove_all(connection, owner)
        return derive(connection, owner.user_id, [*erased, *_archives(connection, owner, before)])


def rename_account(connection: Connection, owner: Owner, new: str) -> int:
    """Hands over what is kept of an account that its maker calls by a new id.

    Gives how many nights changed: some may, where sleeps were kept under both ids.
    """
    people.lock_nights(connection, owner.user_id)
    before = homes.accounts(connection, owner.user_id)
    connections.rename_account(connection, owner, new)
    spans = absences.spans(connection, replace(owner, account=new))
    return derive(connection, owner.user_id, [*spans, *_archives(connection, owner, before)])


def _archives(connection: Connection, owner: Owner, before: Iterable[homes.Account]) -> list[Span]:
    """Where archives lie that belong to another account than before, or to none any more."""
    after = homes.accounts(connection, owner.user_id)
    return homes.moved(connection, owner.user_id, before, after)
