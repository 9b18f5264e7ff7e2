"""Takes away what is kept of one account, and leaves everything else standing."""

from __future__ import annotations

from sleepbalance.derive import derive
from sleepbalance.store import absences, people, raws
from sleepbalance.store.engine import Engine, writing
from sleepbalance.store.raws import Owner


def remove_data(engine: Engine, owner: Owner) -> int:
    """Erases an account's raw records and sessions; gives how many nights changed.

    Each night that they touched is derived again from what is left; edits stay.
    """
    with writing(engine) as connection:
        people.lock_nights(connection, owner.user_id)
        raws.remove_all(connection, owner)
        return derive(connection, owner.user_id, absences.remove_all(connection, owner))
