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

ARCHIVE = ""  # the account of what came by a file that tells none
FILE = "file:"  # before the account that a file tells: an API may call the same one otherwise
ANY = (ARCHIVE, "*")  # what an order says of a provider as a whole

Account = tuple[str, str]  # (provider, account)


def of_file(account: str) -> str:
    """The account under which is kept what a file tells of an account."""
    return f"{FILE}{account}" if account else ARCHIVE


def is_archive(account: str) -> bool:
    return account == ARCHIVE or account.startswith(FILE)


def accounts(connection: Connection, user_id: str) -> set[Account]:
    """Every account of which sleeps of a person are kept, hidden ones too."""
    rows = select(table.c.provider, table.c.account).where(table.c.user_id == user_id).distinct()
    return {(row.provider, row.account) for row in connection.execute(rows)}


def of_archives(known: Iterable[Account]) -> dict[Account, str]:
    """The account that each archive belongs to, where that can be told.

    One that tells an account belongs to the connected one of that name or, where there is one of
    either, to that; one that tells none belongs to the only account that there is.
    """
    by_provider: dict[str, set[str]] = defaultdict(set)
    for provider, account in known:
        by_provider[provider].add(account)
    return {
        (provider, archive): home
        for provider, found in by_provider.items()
        for archive, home in _homes(found).items()
    }


def _homes(found: set[str]) -> dict[str, str]:
    connected = {account for account in found if not is_archive(account)}
    told = {account for account in found if account.startswith(FILE)}
    homes = {a: a.removeprefix(FILE) for a in told if a.removeprefix(FILE) in connected}
    if len(told) == len(connected) == 1:
        homes = dict.fromkeys(told, next(iter(connected)))
    left = connected | {homes.get(account, account) for account in told}
    if len(left) == 1 and (told or ARCHIVE in found):
        homes[ARCHIVE] = next(iter(left))
    return homes


def derived(connection: Connection, user_id: str, known: Iterable[Account]) -> set[Account]:
    """Those of the accounts of which nights were made before, where that can matter."""
    known = set(known)
    archives = {provider for provider, account in known if is_archive(account)}
    several = {p for p in archives if sum(provider == p for provider, _ in known) > 1}
    return {a for a in known if a[0] not in several or _made(connection, Owner(user_id, *a))}


def _made(connection: Connection, owner: Owner) -> bool:
    one = select(table.c.id).where(*owner.of(table), table.c.sleep_date.is_not(None)).limit(1)
    return connection.execute(one).first() is not None


def moved(
    connection: Connection, user_id: str, before: Iterable[Account], after: Iterable[Account]
) -> list[Span]:
    """Where the archives lie whose nights may be others, as the accounts beside them are.

    One that was alone and gets an account that is new, or loses one that is gone, stays what it is
    beyond the span of that account's own sleeps, unless the person named an account of its maker.
    """
    before, after = set(before), set(after)
    was, now = of_archives(before), of_archives(after)
    found: list[Span] = []
    for provider, account in sorted(a for a in before & after if is_archive(a[1])):
        old, new = was.get((provider, account)), now.get((provider, account))
        arrived = old is None and (provider, new) not in before
        left = new is None and (provider, old) not in after
        alone = (arrived or left) and not _named(connection, user_id, provider)
        if old != new and not alone:
            found += spans(connection, Owner(user_id, provider, account))
    return found


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
