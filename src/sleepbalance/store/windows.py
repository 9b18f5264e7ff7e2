"""Windows: which dates of a connection were fetched, and which are still wanted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, insert, select, update

from sleepbalance.store.ids import new_id
from sleepbalance.store.tables import sync_windows as table

DAY = dt.timedelta(days=1)
STATES = ("fetched", "wanted", "asked", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Dates from `first` to `last`, both included, of which one thing is known.

    `fetched`: the maker's answer is kept. `wanted`: the next sync asks, but not before
    `next_try_at`, which a maker's limit sets. `asked`: nothing came, and that is believed when
    it is said once more after `next_try_at`. `refused`: the maker will never tell. `id` is None
    for one that is not written yet.
    """

    first: dt.date
    last: dt.date
    state: str
    tries: int = 0
    next_try_at: dt.datetime | None = None
    attempt: str | None = None
    id: str | None = None

    def touches(self, first: dt.date, last: dt.date) -> bool:
        return self.first <= last and self.last >= first


def paint(known: Sequence[Range], new: Range) -> list[Range]:
    """The ranges with `new` laid over them, joined with neighbours that say the same."""
    if any(_says_already(old, new) for old in known):
        return list(known)
    pieces = [piece for old in known for piece in _beside(old, new)]
    joined = [piece for piece in pieces if _joins(piece, new)]
    whole = replace(
        new,
        first=min([new.first, *(piece.first for piece in joined)]),
        last=max([new.last, *(piece.last for piece in joined)]),
        id=None,
    )
    rest = [piece for piece in pieces if piece not in joined]
    return sorted([*rest, whole], key=lambda known: known.first)


def _says_already(old: Range, new: Range) -> bool:
    return old.first <= new.first and old.last >= new.last and _alike(old, new)


def _alike(old: Range, new: Range) -> bool:
    if old.state != new.state:
        return False
    return old.state == "fetched" or (old.tries, old.next_try_at) == (new.tries, new.next_try_at)


def _joins(old: Range, new: Range) -> bool:
    return _alike(old, new) and old.touches(new.first - DAY, new.last + DAY)


def _beside(old: Range, new: Range) -> list[Range]:
    """What is left of a range where another one is laid over it."""
    if not old.touches(new.first, new.last):
        return [old]
    before = replace(old, last=new.first - DAY, id=None)
    after = replace(old, first=new.last + DAY, id=None)
    return [piece for piece in (before, after) if piece.first <= piece.last]


def of(connection: Connection, connection_id: str) -> list[Range]:
    """All ranges of a connection, in order."""
    query = select(table).where(table.c.connection_id == connection_id)
    return [
        Range(
            first=row.date_from,
            last=row.date_to,
            state=row.state,
            tries=row.tries,
            next_try_at=row.next_try_at,
            attempt=row.attempt_id,
            id=row.id,
        )
        for row in connection.execute(query.order_by(table.c.date_from))
    ]


def save(
    connection: Connection, connection_id: str, before: Sequence[Range], after: Sequence[Range]
) -> None:
    """Writes what differs."""
    kept = {known.id for known in after}
    if gone := [known.id for known in before if known.id not in kept]:
        connection.execute(delete(table).where(table.c.id.in_(gone)))
    rows = [
        {
            "id": new_id(),
            "connection_id": connection_id,
            "date_from": fresh.first,
            "date_to": fresh.last,
            "state": fresh.state,
            "attempt_id": fresh.attempt,
            "tries": fresh.tries,
            "next_try_at": fresh.next_try_at,
        }
        for fresh in after
        if fresh.id is None
    ]
    if rows:
        connection.execute(insert(table), rows)


def mark_fetched(
    connection: Connection, connection_id: str, first: dt.date, last: dt.date, attempt: str
) -> None:
    """Notes that [first, last] is fetched, whatever was known of these dates before."""
    before = of(connection, connection_id)
    fetched = Range(first=first, last=last, state="fetched", attempt=attempt)
    save(connection, connection_id, before, paint(before, fetched))


def ranges(connection: Connection, connection_id: str) -> dict[str, list[tuple[dt.date, dt.date]]]:
    """Dates by what is known of them, in order; ranges of one state that touch are one."""
    found: dict[str, list[tuple[dt.date, dt.date]]] = {state: [] for state in STATES}
    for known in of(connection, connection_id):
        same = found[known.state]
        if same and known.first <= same[-1][1] + DAY:
            same[-1] = (same[-1][0], max(same[-1][1], known.last))
        else:
            same.append((known.first, known.last))
    return found


def want_again(connection: Connection, connection_id: str) -> None:
    """Notes that what was fetched is to be asked once more, e.g. as more may be read now."""
    fetched = table.c.connection_id == connection_id, table.c.state == "fetched"
    connection.execute(update(table).where(*fetched).values(state="wanted", tries=0))


def order_again(connection: Connection, connection_id: str) -> None:
    """Notes that what was asked for and never came by push is to be asked for once more."""
    asked = table.c.connection_id == connection_id, table.c.state == "asked"
    connection.execute(update(table).where(*asked).values(state="wanted", tries=0))


def forget(connection: Connection, connection_id: str, but: Collection[str] = ()) -> None:
    """Forgets what was asked and fetched, e.g. of another account, but for those states."""
    mine = table.c.connection_id == connection_id, table.c.state.not_in(but)
    connection.execute(delete(table).where(*mine))
