"""Which account the archives of a maker belong to: the only other one kept of that person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select

from sleepbalance.model import EditKind
from sleepbalance.store.absences import spans
from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import sleep_edits, source_order
from sleepbalance.store.tables import sleep_sessions as table
from sleepbalance.stretches import Span

ARCHIVE = ""  # the account of what came by file
ANY = (ARCHIVE, "*")  # what an order says of a provider as a whole

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
    """Where the archives lie whose nights may be others, as the accounts beside them are.

    One that was alone and gets an account, or loses it, stays what it is beyond the span of that
    account's own sleeps, unless the person named an account of its maker.
    """
    before, after = set(before), set(after)
    both = {provider for provider, account in before & after if account == ARCHIVE}
    found: list[Span] = []
    for provider in sorted(both):
        old, new = (_beside(provider, known) for known in (before, after))
        alone = min(len(old), len(new)) == 0 and max(len(old), len(new)) == 1
        same = old == new or min(len(old), len(new)) > 1
        if not same and not (alone and not _named(connection, user_id, provider)):
            found += spans(connection, Owner(user_id, provider, ARCHIVE))
    return found


def _beside(provider: str, known: Iterable[Account]) -> set[str]:
    """The accounts of a provider beside its archives."""
    return {account for p, account in known if p == provider and account != ARCHIVE}


def _named(connection: Connection, user_id: str, provider: str) -> bool:
    """Whether the person's order, or a choice for one night, names an account of the provider."""
    rank = source_order.c
    ranks = select(rank.account).where(rank.user_id == user_id, rank.provider == provider)
    if connection.execute(ranks.where(rank.account.not_in(ANY))).first() is not None:
        return True
    edit = sleep_edits.c
    mine = select(edit.value).where(edit.user_id == user_id, edit.kind == str(EditKind.SOURCE))
    chosen = connection.execute(mine.where(edit.undone_at.is_(None))).scalars()
    told = {said.get("account") for said in chosen if said.get("provider") == provider}
    return not told <= {None, *ANY}
