"""Sources as they told of sleeps: how many, from when to when, and how many nights are theirs."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sleepbalance.model import ZoneFrom
from sleepbalance.store.tables import (
    night_details,
    sleep_records,
    sleep_sessions,
    wearable_connections,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one source told, through all its doors."""

    provider: str
    account: str
    key: str
    name: str  # as sent last
    device: str | None
    doors: tuple[str, ...]
    sleeps: int  # but for those that a better report of the same source replaced
    first: dt.date | None
    last: dt.date | None
    nights: int


def told(connection: Connection, user_id: str, homes: Mapping[tuple[str, str], str]) -> list[Told]:
    """Every source of a person, those with most nights first.

    `homes` are the accounts that archives belong to, by provider and own account.
    """
    s = sleep_sessions.c
    query = (
        select(
            s.provider,
            s.account,
            s.source_key,
            s.source_name,
            s.source_device,
            s.door,
            func.count().filter(s.superseded_by.is_(None)).label("sleeps"),
            func.min(s.sleep_date).label("first"),
            func.max(s.sleep_date).label("last"),
            func.max(s.updated_at).label("seen"),
        )
        .where(s.user_id == user_id, s.hidden_since.is_(None))
        .group_by(s.provider, s.account, s.source_key, s.source_name, s.source_device, s.door)
        .order_by(func.max(s.updated_at), s.source_name)
    )
    nights = _nights(connection, user_id, homes)
    found: dict[tuple[str, str, str], Told] = {}
    for row in connection.execute(query):
        account = homes.get((row.provider, row.account), row.account)
        source = row.provider, account, row.source_key
        before = found.get(source)
        found[source] = Told(
            provider=source[0],
            account=source[1],
            key=source[2],
            name=row.source_name or (before.name if before else row.source_key),
            device=row.source_device or (before.device if before else None),
            doors=tuple(sorted({row.door, *(before.doors if before else ())})),
            sleeps=row.sleeps + (before.sleeps if before else 0),
            first=min(_dates(row.first, before.first if before else None), default=None),
            last=max(_dates(row.last, before.last if before else None), default=None),
            nights=nights[source],
        )
    return sorted(found.values(), key=lambda t: (-t.nights, -t.sleeps, t.provider, t.key))


def _dates(*found: dt.date | None) -> list[dt.date]:
    return [date for date in found if date is not None]


def by_date(
    connection: Connection, user_id: str, first: dt.date | None, last: dt.date | None
) -> list[tuple[str, str, str, str, dt.date]]:
    """Provider, account, key and name of the sources that told a sleep of each date of a range."""
    s = sleep_sessions.c
    query = (
        select(s.provider, s.account, s.source_key, s.source_name, s.sleep_date)
        .where(
            s.user_id == user_id,
            s.hidden_since.is_(None),
            s.superseded_by.is_(None),
            s.sleep_date.between(first or dt.date.min, last or dt.date.max),
        )
        .distinct()
        .order_by(s.sleep_date, s.provider, s.account, s.source_key, s.source_name)
    )
    found = connection.execute(query)
    return [(p, account, key, name or key, date) for p, account, key, name, date in found]


def _nights(
    connection: Connection, user_id: str, homes: Mapping[tuple[str, str], str]
) -> Counter[tuple[str, str, str]]:
    n, r = night_details.c, sleep_records.c
    joined = night_details.join(
        sleep_records, (r.user_id == n.user_id) & (r.sleep_date == n.sleep_date)
    )
    query = (
        select(n.provider, n.account, n.source_key, func.count().label("nights"))
        .select_from(joined)
        .where(n.user_id == user_id, r.is_deleted == 0)
        .group_by(n.provider, n.account, n.source_key)
    )
    found: Counter[tuple[str, str, str]] = Counter()
    for provider, account, key, number in connection.execute(query):
        found[provider, homes.get((provider, account), account), key] += number
    return found


def nearest_zone(connection: Connection, user_id: str, at: dt.datetime) -> str | None:
    """The zone of the sleep nearest to an instant, of those whose zone nobody guesses."""
    s = sleep_sessions.c
    known = s.zone_from.not_in([str(z) for z in ZoneFrom if z.is_guess])
    mine = select(s.zone_end, s.end_at).where(s.user_id == user_id, known)
    before = mine.where(s.end_at <= at).order_by(s.end_at.desc()).limit(1)
    after = mine.where(s.end_at > at).order_by(s.end_at).limit(1)
    rows = [row for query in (before, after) for row in connection.execute(query)]
    return min(rows, key=lambda row: abs(row.end_at - at)).zone_end if rows else None


def connected(connection: Connection, user_id: str) -> list[str]:
    """Providers that a person has a connection to."""
    c = wearable_connections.c
    query = select(c.provider).where(c.user_id == user_id).order_by(c.provider)
    return [row.provider for row in connection.execute(query)]
