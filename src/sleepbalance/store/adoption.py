"""Takes over rows of sleep_records that somebody else wrote, as reports of the source `app`.

The phone app, opened on our file, may replace a row or add one. What it wrote is input like any
other: kept whole as a raw record, read as a session, its rating, notes and deletion as edits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from sleepbalance.model import EditKind
from sleepbalance.store import edits, nights, phone, sessions
from sleepbalance.store.engine import insert_new
from sleepbalance.store.nights import Kept
from sleepbalance.store.phone import Told
from sleepbalance.store.raws import Owner, phone_row
from sleepbalance.store.tables import raw_records, sleep_edits, sleep_sessions, users

WORDS = (EditKind.RATING, EditKind.NOTES, EditKind.NOT_SLEEP)


def adopt(
    connection: Connection, user_id: str, first: dt.date, last: dt.date, now: dt.datetime
) -> int:
    """Takes over the rows of [first, last] that we did not write; gives their number."""
    owner = Owner(user_id, phone.PROVIDER)
    foreign = [k for k in nights.kept(connection, user_id, first, last).values() if not k.ours]
    if not foreign:
        return 0
    query = select(raw_records.c.external_id, raw_records.c.payload).where(
        raw_records.c.user_id == user_id,
        raw_records.c.provider == owner.provider,
        raw_records.c.external_id.in_([kept.id for kept in foreign]),
    )
    known = {row.external_id: bytes(row.payload) for row in connection.execute(query)}
    fresh = [kept for kept in foreign if not _is_known(kept, known.get(kept.id))]
    if not fresh:
        return 0
    mine = select(users.c.timezone).where(users.c.id == user_id)
    zone = phone.person_zone(connection.execute(mine).scalar_one())
    for kept in fresh:
        _adopt(connection, owner, kept, phone.read(_plain(kept), zone or "UTC"), now)
    return len(fresh)


def _plain(kept: Kept) -> dict[str, Any]:
    """The row as JSON can hold it."""
    plain: dict[str, Any] = msgspec.to_builtins(dict(kept.record))
    return plain


def _is_known(kept: Kept, payload: bytes | None) -> bool:
    """Whether the raw record of the row, whatever else it holds, says the same."""
    if payload is None:
        return False
    before: Mapping[str, Any] = msgspec.json.decode(payload)
    return all(before.get(name) == value for name, value in _plain(kept).items())


def _adopt(connection: Connection, owner: Owner, kept: Kept, told: Told, now: dt.datetime) -> None:
    for table in (raw_records, sleep_sessions):
        connection.execute(
            delete(table).where(
                table.c.user_id == owner.user_id,
                table.c.provider == owner.provider,
                table.c.external_id == kept.id,
            )
        )
    raw = phone_row(owner.user_id, kept.id, kept.record, told, now)
    raw |= {"payload": msgspec.json.encode(_plain(kept))}
    connection.execute(insert_new(connection, raw_records).values(raw))
    if told.session is not None:
        sessions.insert_all(connection, owner, [told.session], None, now)
    _say(connection, owner.user_id, told, now)


def _say(connection: Connection, user_id: str, told: Told, now: dt.datetime) -> None:
    """Writes the row's words, in the place of what the app said of that date before."""
    connection.execute(
        update(sleep_edits)
        .where(
            sleep_edits.c.user_id == user_id,
            sleep_edits.c.sleep_date == told.date,
            sleep_edits.c.made_by == phone.PROVIDER,
            sleep_edits.c.kind.in_(WORDS),
            sleep_edits.c.undone_at.is_(None),
        )
        .values(undone_at=now)
    )
    if rows := edits.of_the_app(user_id, told, now):
        connection.execute(insert(sleep_edits), rows)
