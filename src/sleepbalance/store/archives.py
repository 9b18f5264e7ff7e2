"""Archives: under which account is kept what a file tells, also of what was kept before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from sqlalchemy import Connection, delete, update

from sleepbalance.provider import Raw
from sleepbalance.store import raws
from sleepbalance.store.homes import ARCHIVE, FILE, of_file
from sleepbalance.store.raws import Owner
from sleepbalance.store.spool import Spool
from sleepbalance.store.tables import raw_records, sleep_sessions
from sleepbalance.stretches import Span

AT_ONCE = 500  # records


def owner(connection: Connection, whose: Owner, account: str, spool: Spool) -> Owner:
    """Whose what a file tells of an account is.

    What tells neither an account nor a sleep goes with the only account of which files told.
    """
    if not account and not spool.seen:
        known = raws.owners(connection, whose.user_id, whose.provider)
        told = [each for each in known if each.account.startswith(FILE)]
        if len(told) == 1:
            return told[0]
    return replace(whose, account=of_file(account))


def claim(connection: Connection, mine: Owner, spool: Spool) -> list[Span]:
    """Hands over to an account what was kept of its archive when no account was told yet.

    That is what the file tells again as it stands: the same sleep by name and times. Gives where
    the sleeps lie that it took over.
    """
    bare = replace(mine, account=ARCHIVE)
    if bare == mine or not raws.knows(connection, bare):
        return []
    spans: list[Span] = []
    told = _told(spool)
    for batch in iter(lambda: list(islice(told, AT_ONCE)), []):
        spans += _claim(connection, bare, mine, batch)
    return spans


def _told(spool: Spool) -> Iterator[Raw]:
    for source in spool.sources:
        yield from spool.companions(source)
        for batch in spool.records(source):
            yield from batch


def _claim(connection: Connection, bare: Owner, mine: Owner, batch: Sequence[Raw]) -> list[Span]:
    told = {raw.key: raw for raw in batch}
    kept = raws.named(connection, bare, list(told))
    same = [raw.key for raw in kept if _same(raw, told[raw.key])]
    taken = {raw.key for raw in raws.named(connection, mine, same)}
    _drop(connection, bare, taken)
    fresh = [key for key in same if key not in taken]
    for table in (raw_records, sleep_sessions):
        one = update(table).where(*bare.of(table), table.c.external_id.in_(fresh))
        connection.execute(one.values(account=mine.account))
    return [(r.start, r.end) for r in kept if r.key in same and r.start and r.end]


def _same(kept: Raw, told: Raw) -> bool:
    """Of what belongs to a date all that is said must be the same: another account has it, too."""
    if kept.kind != told.kind or (kept.start, kept.end) != (told.start, told.end):
        return False
    return kept.payload == told.payload or (not told.companion and kept.start is not None)


def _drop(connection: Connection, whose: Owner, keys: Iterable[str]) -> None:
    """What the account tells already by the same name stands."""
    gone = list(keys)
    for table in (raw_records, sleep_sessions):
        connection.execute(delete(table).where(*whose.of(table), table.c.external_id.in_(gone)))
