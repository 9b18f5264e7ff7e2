"""Edits: what the person says, in a layer that no import touches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from sleepbalance.model import Edit, EditKind
from sleepbalance.store.ids import new_id
from sleepbalance.store.phone import PROVIDER, Told
from sleepbalance.store.places import naive
from sleepbalance.store.tables import sleep_edits
from sleepbalance.stretches import Span

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The sleep that an edit is about: its span, on the wall clock where its maker told one."""

    date: dt.date
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    wall: bool = False  # both as if in UTC
    near: str | None = None  # the zone of a wall clock, unless somebody tells another


@dataclass(frozen=True, slots=True)
class Kept:
    """An edit as it is kept, also one that was taken back."""

    edit: Edit
    undone_at: dt.datetime | None
    wall: tuple[str, str] | None  # its span on the wall clock, where it has one


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


def everything(connection: Connection, user_id: str) -> list[Kept]:
    """All that a person ever said, the oldest first."""
    query = (
        select(sleep_edits)
        .where(sleep_edits.c.user_id == user_id)
        .order_by(sleep_edits.c.made_at, sleep_edits.c.id)
    )
    return [Kept(_edit(row), row.undone_at, _wall(row)) for row in connection.execute(query)]


def _wall(row: Row[Any]) -> tuple[str, str] | None:
    return None if row.wall_start is None else (row.wall_start, row.wall_end)


def extent(connection: Connection, user_id: str) -> list[Span]:
    """The times that a person's standing edits are about; a wall clock may be a day beside."""
    return [_span(edit, wall) for edit, wall, _ in standing(connection, user_id)]


def _span(edit: Edit, wall: str | None) -> Span:
    start, end = edit.start, edit.end
    if start is None and wall is not None:
        start = dt.datetime.fromisoformat(wall).replace(tzinfo=dt.UTC)
    if start is None and edit.date is not None:
        start = dt.datetime.combine(edit.date, dt.time(), dt.UTC)
    start = start or edit.made_at or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return start, max(end or start + DAY, start)


def add(
    connection: Connection,
    user_id: str,
    anchor: Anchor,
    said: Iterable[tuple[EditKind, dict[str, Any]]],
    *,
    by: str,
    now: dt.datetime,
) -> list[str]:
    """Writes what a person says of one sleep; gives the ids of the edits."""
    span = (anchor.start, anchor.end)
    wall = [naive(at) if anchor.wall and at else None for at in span]
    instants = [None if anchor.wall else at for at in span]
    row = {
        "user_id": user_id,
        "start_at": instants[0],
        "end_at": instants[1],
        "wall_start": wall[0],
        "wall_end": wall[1],
        "sleep_date": anchor.date,
        "made_at": now,
        "made_by": by,
    }
    near = {} if anchor.near is None else {"near": anchor.near}
    rows = [
        {"id": new_id(), "kind": str(kind), "value": value | near, **row} for kind, value in said
    ]
    if rows:
        connection.execute(insert(sleep_edits), rows)
    return [str(row["id"]) for row in rows]


def undo(connection: Connection, ids: Iterable[str], now: dt.datetime) -> None:
    """Takes edits back; they stay on record."""
    mine = update(sleep_edits).where(sleep_edits.c.id.in_(list(ids)))
    connection.execute(mine.values(undone_at=now))


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
