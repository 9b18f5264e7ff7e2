"""What a person's order of sources keeps out of their nights, so that nobody misses it in vain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sleepbalance.app import ordering
from sleepbalance.app.ordering import END, Named
from sleepbalance.app.verbs import App
from sleepbalance.nights import SourceKey, is_rank
from sleepbalance.store import nights, sources
from sleepbalance.store.engine import Connection, reading


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Sources that told a sleep and are never a night, and the dates that have none for it."""

    sources: Sequence[Named]
    dates: Sequence[dt.date]


def left_out(
    app: App,
    user: str | None,
    first: dt.date | None,
    last: dt.date | None,
    provider: str | None = None,
) -> LeftOut | None:
    """What of a range, or of one provider there, the order leaves out; None where it is nothing."""
    if not app.users():
        return None
    person = app.person(user)
    with reading(app.engine) as connection:
        order = ordering.order_of(connection, person.id)
        if END not in order:
            return None
        told = [
            (named, date)
            for named, date in _told(connection, person.id, first, last)
            if provider in (None, named.source.provider)
            and not any(is_rank(named.source, rank) for rank in order)
        ]
        there = nights.told(connection, person.id, first, last)
    dates = {date for _, date in told} - there
    meant = [named for named, date in told if provider is not None or date in dates]
    return LeftOut(list(dict.fromkeys(meant)), sorted(dates)) if meant else None


def _told(
    connection: Connection, user_id: str, first: dt.date | None, last: dt.date | None
) -> list[tuple[Named, dt.date]]:
    at = ordering.homes_of(connection, user_id)
    return [
        (Named(SourceKey(provider, at.get((provider, account), account), key), name), date)
        for provider, account, key, name, date in sources.by_date(connection, user_id, first, last)
    ]
