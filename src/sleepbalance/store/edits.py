"""Edits: what the person says, in a layer that no import touches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from sleepbalance.model import Edit, EditKind
from sleepbalance.store.ids import new_id
from sleepbalance.store.phone import PROVIDER, Told
from sleepbalance.store.sessions import naive
from sleepbalance.store.tables import sleep_edits


def standing(connection: Connection, user_id: str) -> Sequence[tuple[Edit, str | None, str | None]]:
    """A person's edits that stand, each with its span on the wall clock where it has one."""
    query = (
        select(sleep_edits)
        .where(sleep_edits.c.user_id == user_id, sleep_edits.c.undone_at.is_(None))
        .order_by(sleep_edits.c.made_at, sleep_edits.c.id)
    )
    return [(_edit(row), row.wall_start, row.wall_end) for row in connection.execute(query)]


def _edit(row: Row[Any]) -> Edit:
    return Edit(
        id=row.id,
        kind=EditKind(row.kind),
        value=row.value,
        start=row.start_at,
        end=row.end_at,
        date=row.sleep_date,
        made_at=row.made_at,
        made_by=row.made_by,
    )


def of_the_app(user_id: str, told: Told, now: dt.datetime) -> list[dict[str, Any]]:
    """What a row of the app says in the person's words, anchored to its span and its date."""
    sent = told.session if told.session and told.session.parts else None
    wall = sent is not None and sent.wall
    anchor = {
        "user_id": user_id,
        "start_at": sent.start if sent and not wall else None,
        "end_at": sent.end if sent and not wall else None,
        "wall_start": naive(sent.start) if sent and wall else None,
        "wall_end": naive(sent.end) if sent and wall else None,
        "sleep_date": told.date,
        "made_at": told.revised_at or now,
        "made_by": PROVIDER,
    }
    said = dict(told.edits) | ({EditKind.NOT_SLEEP: {}} if told.deleted else {})
    return [{"id": new_id(), "kind": k, "value": value, **anchor} for k, value in said.items()]
