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
from sleepbalance.store import nights, phone, sessions
from sleepbalance.store.engine import insert_new
from sleepbalance.store.ids import new_id
from sleepbalance.store.nights import Kept
from sleepbalance.store.phone import Told
from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import raw_records, sleep_edits, sleep_sessions, users

WORDS = (EditKind.RATING, EditKind.NOTES, EditKind.NOT_SLEEP)


def adopt(
    connection: Connection, user_id: str, first: dt.date, last: dt.date, now: dt.datetime
) -> int:
    """Takes over the rows of [first, last] that we did not write; gives their number."""
    owner = Owner(user_id, phone.PROVIDER)
    foreign = [k for k in nights.kept(connection, user_id, first, last).values() if not k.ours]
    query = select(raw_records.c.external_id, raw_records.c.payload).where(
        raw_records.c.user_id == user_id, raw_records.c.provider == owner.provider
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
    raw = {
        "user_id": owner.user_id,
        "provider": owner.provider,
        "account": owner.account,
        "external_id": kept.id,
        "kind": "row",
        "companion": 0,
        "source_key": phone.PROVIDER,
        "source_name": phone.source_name(kept.record),
        "start_at": told.session and told.session.start,
        "end_at": told.session and told.session.end,
        "zone": told.session and told.session.zone_start,
        "payload": msgspec.json.encode(_plain(kept)),
        "codec": "plain",
        "problem": told.problem,
        "revised_at": told.revised_at,
        "received_at": now,
    }
    connection.execute(insert_new(connection, raw_records).values(raw))
    if told.session is not None:
        sessions.insert_all(connection, owner, [told.session], None, now)
    said = dict(told.edits) | ({EditKind.NOT_SLEEP: {}} if told.deleted else {})
    _say(connection, owner.user_id, told, said, now)


def _say(
    connection: Connection,
    user_id: str,
    told: Told,
    said: Mapping[EditKind, Mapping[str, object]],
    now: dt.datetime,
) -> None:
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
    anchor = told.session if told.session and told.session.parts else None
    wall = anchor is not None and anchor.wall
    rows = [
        {
            "id": new_id(),
            "user_id": user_id,
            "kind": kind,
            "value": value,
            "start_at": anchor.start if anchor and not wall else None,
            "end_at": anchor.end if anchor and not wall else None,
            "wall_start": _naive(anchor.start) if anchor and wall else None,
            "wall_end": _naive(anchor.end) if anchor and wall else None,
            "sleep_date": told.date,
            "made_at": told.revised_at or now,
            "made_by": phone.PROVIDER,
        }
        for kind, value in said.items()
    ]
    if rows:
        connection.execute(insert(sleep_edits), rows)


def _naive(wall: dt.datetime) -> str:
    return f"{wall:%Y-%m-%dT%H:%M:%S}"
