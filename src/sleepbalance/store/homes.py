"""Which account the archives of a maker belong to: the only other one kept of that person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select

from sleepbalance.store.absences import spans
from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import sleep_sessions as table
from sleepbalance.stretches import Span

ARCHIVE = ""  # the account of what came by file

Account = tuple[str, str]  # (provider, account)


def accounts(connection: Connection, user_id: str) -> set[Account]:
    """Every account of which sleeps of a person are kept, hidden ones too."""
    rows = select(table.c.provider, table.c.account).where(table.c.user_id == user_id).distinct()
    return {(row.provider, row.account) for row in connection.execute(rows)}


def of_archives(known: Iterable[Account]) -> dict[str, str]:
    """By provider: the account of its archives, where there is an archive and one account."""
    by_provider: dict[str, set[str]] = defaultdict(set)
    for provider, account in known:
        by_provider[provider].add(account)
    return {
        provider: max(found)
        for provider, found in by_provider.items()
        if ARCHIVE in found and len(found) == 2
    }


def derived(connection: Connection, user_id: str, known: Iterable[Account]) -> set[Account]:
    """Those of the accounts of which nights were made before, where that can matter."""
    known = set(known)
    archives = {provider for provider, account in known if account == ARCHIVE}
    several = {p for p, account in known if p in archives and account != ARCHIVE}
    return {a for a in known if a[0] not in several or _made(connection, Owner(user_id, *a))}


def _made(connection: Connection, owner: Owner) -> bool:
    one = select(table.c.id).where(*owner.of(table), table.c.sleep_date.is_not(None)).limit(1)
    return connection.execute(one).first() is not None


def moved(
    connection: Connection, user_id: str, before: Iterable[Account], after: Iterable[Account]
) -> list[Span]:
    """Where the archives lie that belong to another account than before."""
    before, after = set(before), set(after)
    old, new = of_archives(before), of_archives(after)
    both = {provider for provider, account in before & after if account == ARCHIVE}
    return [
        span
        for provider in sorted(both)
        if old.get(provider) != new.get(provider)
        for span in spans(connection, Owner(user_id, provider, ARCHIVE))
    ]
