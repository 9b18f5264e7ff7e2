"""People: who they are, which zones they live in, and which source they trust first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, text, update

from sleepbalance.errors import UsageError
from sleepbalance.model import zone_info
from sleepbalance.store.engine import clock
from sleepbalance.store.ids import new_id
from sleepbalance.store.tables import people_zones, source_order, users

FIRST_DAY = dt.date(1, 1, 1)
NOT_SET = ("UTC", "")  # what the app writes where nobody chose a zone


@dataclass(frozen=True, slots=True)
class Person:
    """One user. A name or a code is all that we ask for."""

    id: str
    name: str
    email: str | None
    timezone: str


def everybody(connection: Connection) -> list[Person]:
    columns = (users.c.id, users.c.first_name, users.c.last_name, users.c.email, users.c.timezone)
    query = select(*columns).where(users.c.is_deleted == 0)
    rows = connection.execute(query.order_by(users.c.created_at, users.c.id))
    return [
        Person(r.id, f"{r.first_name} {r.last_name}".strip() or r.id, r.email, r.timezone)
        for r in rows
    ]


def find(connection: Connection, wanted: str) -> Person:
    """The person of that name, e-mail or id. Raises UsageError when there is none, or several."""
    people = everybody(connection)
    same = [p for p in people if p.id == wanted]
    same = same or [p for p in people if wanted.casefold() in _names(p)]
    if len(same) == 1:
        return same[0]
    if same:
        raise UsageError(f"{len(same)} people are called {wanted!r}: name one by id (user list).")
    known = ", ".join(p.name for p in people) or "nobody yet"
    raise UsageError(f"There is no user {wanted!r} (known: {known}). Add one: user add {wanted}")


def _names(person: Person) -> set[str]:
    return {person.name.casefold(), (person.email or "").casefold()} - {""}


def add(connection: Connection, name: str) -> Person:
    """A new person. Raises UsageError for a name that is taken or empty."""
    name = " ".join(name.split())
    if not name.isprintable() or not name:
        raise UsageError("A user needs a name or a code, in characters that can be read.")
    lock(connection)
    if any(name.casefold() in _names(p) for p in everybody(connection)):
        raise UsageError(f"There is a user {name!r} already.")
    now = f"{clock(connection):%Y-%m-%d %H:%M:%S}"
    person = Person(new_id(), name, None, NOT_SET[0])
    row = {"id": person.id, "first_name": name, "last_name": "", "birth_date": ""}
    connection.execute(
        insert(users).values(**row, timezone=person.timezone, created_at=now, updated_at=now)
    )
    return person


def lock(connection: Connection) -> None:
    """Lets one process at a time add people; SQLite's write lock does that by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))


def lock_nights(connection: Connection, user_id: str) -> None:
    """Lets one transaction at a time derive this person's nights, or change what they rest on."""
    mine = select(users.c.id).where(users.c.id == user_id)
    connection.execute(mine.with_for_update(key_share=True))  # attempts may still be opened


def zones(connection: Connection, user_id: str) -> list[tuple[dt.date, str | None]]:
    """The person's zones as (from date, zone), earliest first; a None zone says nothing."""
    rows = connection.execute(
        select(people_zones.c.date_from, people_zones.c.zone)
        .where(people_zones.c.user_id == user_id)
        .order_by(people_zones.c.date_from)
    )
    found = [(row.date_from, row.zone) for row in rows]
    if found and found[0][0] == FIRST_DAY:
        return found
    known = connection.execute(select(users.c.timezone).where(users.c.id == user_id)).scalar()
    return [(FIRST_DAY, None if (known or "") in NOT_SET else known), *found]


def set_zone(
    connection: Connection,
    user_id: str,
    zone: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> None:
    """The person lived in `zone` from `first` to `last`, both included; None = open."""
    lock_nights(connection, user_id)
    begin = first or FIRST_DAY
    before = zones(connection, user_id)
    kept = [(day, name) for day, name in before if day < begin]
    changed = [*kept, (begin, zone)]
    if last is not None and last != dt.date.max:
        after = last + dt.timedelta(days=1)
        changed.append((after, _zone_on(before, after)))
        changed += [(day, name) for day, name in before if day > after]
    _write_zones(connection, user_id, _without_repeats(changed))
    if first is None and last is None:
        _set_home(connection, user_id, zone)


def suggest_zone(connection: Connection, user_id: str, zone: str) -> bool:
    """The person lives in `zone`, wherever they did not say otherwise; tells if that is news.

    One zone for all times is replaced; of a list with stays only the days that say nothing are
    filled.
    """
    lock_nights(connection, user_id)
    before = zones(connection, user_id)
    after: list[tuple[dt.date, str | None]] = [(FIRST_DAY, zone)]
    if len(before) > 1:
        after = [(day, known or zone) for day, known in before]
    if after == before:
        return False
    _write_zones(connection, user_id, _without_repeats(after))
    if after[0][1] == zone:
        _set_home(connection, user_id, zone)
    return True


def suggest_first_zone(connection: Connection, user_id: str, zone: str) -> bool:
    """The same, for a person who never said where they live; an unknown zone is no news."""
    try:
        zone_info(zone)
    except ValueError:
        return False
    said = any(known for _, known in zones(connection, user_id))
    return not said and suggest_zone(connection, user_id, zone)


def _set_home(connection: Connection, user_id: str, zone: str) -> None:
    mine = update(users).where(users.c.id == user_id)
    connection.execute(mine.values(timezone=zone))


def _zone_on(known: Sequence[tuple[dt.date, str | None]], day: dt.date) -> str | None:
    return next((zone for start, zone in reversed(known) if start <= day), None)


def _without_repeats(
    listed: Sequence[tuple[dt.date, str | None]],
) -> list[tuple[dt.date, str | None]]:
    kept: list[tuple[dt.date, str | None]] = []
    for day, zone in listed:
        if not kept or kept[-1][1] != zone:
            kept.append((day, zone))
    return kept


def _write_zones(
    connection: Connection, user_id: str, listed: Sequence[tuple[dt.date, str | None]]
) -> None:
    connection.execute(delete(people_zones).where(people_zones.c.user_id == user_id))
    rows = [{"user_id": user_id, "date_from": day, "zone": zone} for day, zone in listed]
    connection.execute(insert(people_zones), rows)


def order_of_sources(connection: Connection, user_id: str) -> list[tuple[str, str, str | None]]:
    """(provider, account, source key or None for all), the most trusted first."""
    rows = connection.execute(
        select(source_order.c.provider, source_order.c.account, source_order.c.source_key)
        .where(source_order.c.user_id == user_id)
        .order_by(source_order.c.position)
    )
    return [(r.provider, r.account, r.source_key) for r in rows]


def set_order_of_sources(
    connection: Connection, user_id: str, ranks: Sequence[tuple[str, str, str | None]]
) -> None:
    """Puts another order in the place of the one that the person had; empty: none."""
    connection.execute(delete(source_order).where(source_order.c.user_id == user_id))
    rows = [
        {"user_id": user_id, "position": i, "provider": p, "account": a, "source_key": key}
        for i, (p, a, key) in enumerate(ranks, 1)
    ]
    if rows:
        connection.execute(insert(source_order), rows)
