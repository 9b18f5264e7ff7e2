"""Sessions: each sleep as one source tells it, found by source, by span and by user."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select, update

from sleepbalance.model import (
    Kind,
    Method,
    Piece,
    Report,
    Segment,
    Session,
    Source,
    Stage,
    Totals,
    Vital,
    ZoneFrom,
    local,
)
from sleepbalance.store.engine import insert_rows
from sleepbalance.store.ids import new_id
from sleepbalance.store.places import Place, as_instants, naive, offset
from sleepbalance.store.raws import Owner
from sleepbalance.store.tables import sleep_sessions as table

LONGEST = dt.timedelta(days=4)  # no session spans more
FURTHEST = dt.timedelta(hours=15)  # no wall clock is further from UTC


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as it stands in the database, with what only the database knows of it."""

    report: Report
    wall: Session | None  # as sent, where the maker sent a wall clock
    payload_hash: str
    sleep_date: dt.date | None
    superseded_by: str | None
    hidden: bool
    absent_since: dt.datetime | None = None  # the maker had it no more when it was asked then

    @property
    def sent(self) -> Session:
        """The session as the maker sent it, with its wall clock where it sent one."""
        return self.wall or self.report.session


def fingerprint(session: Session) -> str:
    """What tells two versions of a session apart."""
    body = msgspec.json.encode(session, enc_hook=_plain, order="sorted")
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are all that msgspec does not know of a session."""
    return dict(value)


def insert_all(
    connection: Connection,
    owner: Owner,
    fresh: Sequence[Session],
    connection_id: str | None,
    now: dt.datetime,
) -> None:
    """Writes sessions for the first time; deriving resolves their zones."""
    common = {
        "user_id": owner.user_id,
        "provider": owner.provider,
        "account": owner.account,
        "connection_id": connection_id,
        "created_at": now,
        "updated_at": now,
    }
    rows = [{"id": new_id(), **common, **values(s, _own_place(s))} for s in fresh]
    insert_rows(connection, table, rows)


def values(session: Session, where: Place) -> dict[str, Any]:
    """The columns that say what a session is and where in time it lies."""
    return {**_row(session), **_placed(session, where)}


def _own_place(session: Session) -> Place:
    """Where the session itself says it lies, until deriving knows more."""
    own = session.zone_start is not None and session.zone_end is not None
    surest = ZoneFrom.RECORD if own else ZoneFrom.NONE
    return Place(session.zone_start or "UTC", session.zone_end or "UTC", surest)


def revise(
    connection: Connection,
    stored: Stored,
    session: Session,
    connection_id: str | None,
    now: dt.datetime,
    *,
    told: bool,
) -> None:
    """Puts a newer version in the place of a session; the row keeps its id.

    Only if the maker `told` it is it not missing any more: what goes with it may come without it.
    """
    place = Place(stored.report.zone_start, stored.report.zone_end, stored.report.zone_from)
    seen: dict[str, Any] = {"updated_at": now}
    if told or stored.hidden:
        seen |= {"absent_since": None, "hidden_since": None}
    said = {**values(session, place), **seen, "connection_id": connection_id}
    connection.execute(update(table).where(table.c.id == stored.report.id), said)


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """Takes away sessions that became part of another one."""
    connection.execute(delete(table).where(table.c.id.in_(ids)))


def hide(connection: Connection, ids: Sequence[str], now: dt.datetime) -> None:
    """Hides sessions that the maker no longer has; nothing is erased."""
    mine = update(table).where(table.c.id.in_(ids))
    since = func.coalesce(table.c.absent_since, bindparam("now", now, table.c.absent_since.type))
    connection.execute(mine.values(hidden_since=now, absent_since=since, updated_at=now))


def place(connection: Connection, placed: Sequence[tuple[Stored, Place]]) -> None:
    """Writes where in time sessions lie."""
    rows = [{"this": s.report.id, **_placed(s.sent, where)} for s, where in placed]
    if rows:
        connection.execute(update(table).where(table.c.id == bindparam("this")), rows)


def note(connection: Connection, noted: Sequence[tuple[str, dt.date | None, str | None]]) -> None:
    """Writes into which date sessions were derived, and which reports stand before them."""
    rows = [{"this": i, "sleep_date": date, "superseded_by": by} for i, date, by in noted]
    if rows:
        connection.execute(update(table).where(table.c.id == bindparam("this")), rows)


def of_source(
    connection: Connection, owner: Owner, source: str, start: dt.datetime, end: dt.datetime
) -> list[Stored]:
    """All sessions of a source that touch [start, end] as they were sent, hidden ones too."""
    wall = (table.c.wall_start <= naive(end)) & (table.c.wall_end >= naive(start))
    instants = table.c.wall_start.is_(None) & (table.c.start_at <= end) & (table.c.end_at >= start)
    near = table.c.start_at.between(start - LONGEST - FURTHEST, end + FURTHEST)
    mine = (*owner.of(table), table.c.source_key == source)
    return _found(connection, *mine, near, or_(wall, instants))


def named(connection: Connection, owner: Owner, ids: Sequence[str]) -> list[Stored]:
    """The sessions of an account that the maker calls so, whichever source told them."""
    return _found(connection, *owner.of(table), table.c.external_id.in_(ids))


def ending(
    connection: Connection, owner: Owner, start: dt.datetime, end: dt.datetime
) -> list[Stored]:
    """The sessions of an account that end in [start, end) and are not hidden."""
    return _found(
        connection,
        *owner.of(table),
        table.c.hidden_since.is_(None),
        table.c.end_at >= start,
        table.c.end_at < end,
    )


def of_person(
    connection: Connection, user_id: str, start: dt.datetime, end: dt.datetime
) -> list[Stored]:
    """All sessions of a person that touch [start, end], hidden ones too."""
    return _found(connection, table.c.user_id == user_id, *_touching(start, end))


def of_date(connection: Connection, user_id: str, date: dt.date) -> list[Stored]:
    """The sessions that were derived into a date."""
    return _found(
        connection,
        table.c.user_id == user_id,
        table.c.hidden_since.is_(None),
        table.c.sleep_date == date,
    )


def dates(
    connection: Connection, owner: Owner, ends: tuple[dt.datetime, dt.datetime] | None
) -> tuple[dt.date | None, dt.date | None]:
    """The first and last date of the sleeps that ended, as they were sent, between these."""
    if ends is None:
        return None, None
    wall = table.c.wall_end.between(naive(ends[0]), naive(ends[1]))
    ended = or_(wall, table.c.wall_end.is_(None) & table.c.end_at.between(*ends))
    found = select(func.min(table.c.sleep_date), func.max(table.c.sleep_date)).where(
        *owner.of(table), ended
    )
    first, last = connection.execute(found).one()
    return first, last


def extent(connection: Connection, user_id: str) -> list[tuple[dt.datetime, dt.datetime]]:
    """The spans of all of a person's sessions, in order."""
    rows = connection.execute(
        select(table.c.start_at, table.c.end_at)
        .where(table.c.user_id == user_id)
        .order_by(table.c.start_at)
    )
    return [(row.start_at, row.end_at) for row in rows]


def _touching(start: dt.datetime, end: dt.datetime) -> tuple[Any, ...]:
    return (
        table.c.start_at >= start - LONGEST,
        table.c.start_at <= end,
        table.c.end_at >= start,
    )


def _found(connection: Connection, *where: Any) -> list[Stored]:
    query = select(table).where(*where).order_by(table.c.start_at, table.c.id)
    return [_stored(row) for row in connection.execute(query)]


def _row(session: Session) -> dict[str, Any]:
    return {
        "external_id": session.external_id,
        "source_key": session.source.key,
        "source_name": session.source.name,
        "source_device": session.source.device,
        "door": session.door,
        "kind": session.kind and str(session.kind),
        "method": str(session.method),
        "own_zone_start": session.zone_start,
        "own_zone_end": session.zone_end,
        "printed_offset": session.printed,
        "wall_start": naive(session.start) if session.wall else None,
        "wall_end": naive(session.end) if session.wall else None,
        "totals": None if session.totals is None else msgspec.to_builtins(session.totals),
        "hypnogram": [list(segment) for segment in session.hypnogram],
        "coarse": int(session.coarse),
        "parts": [list(part) for part in session.parts],
        "in_bed": [list(piece) for piece in session.in_bed],
        "vitals": {name: msgspec.to_builtins(vital) for name, vital in session.vitals.items()},
        "maker": dict(session.maker),
        "maker_date": session.maker_date,
        "provisional": int(session.provisional),
        "revised_at": session.revised_at,
        "payload_hash": fingerprint(session),
        **_stage_seconds(session),
    }


def _stage_seconds(session: Session) -> dict[str, int | None]:
    """The seconds per stage for those who read the table; nights are derived from the whole."""
    totals = session.totals or Totals()
    seconds: dict[str, int | None] = {
        "light_seconds": totals.light,
        "deep_seconds": totals.deep,
        "rem_seconds": totals.rem,
        "asleep_seconds": totals.asleep,
        "awake_seconds": totals.awake,
    }
    if session.hypnogram:
        seconds = {
            name: sum(s.seconds for s in session.hypnogram if f"{s.stage}_seconds" == name)
            for name in seconds
        }
    return seconds


def _placed(session: Session, where: Place) -> dict[str, Any]:
    """The columns that depend on the zone."""
    moved = as_instants(session, where)
    return {
        "start_at": moved.start,
        "end_at": moved.end,
        "sleep_start_at": moved.sleep_start,
        "sleep_end_at": moved.sleep_end,
        "zone_start": where.zone_start,
        "zone_end": where.zone_end,
        "zone_from": str(where.zone_from),
        "start_offset": offset(moved.start, where.zone_start),
        "end_offset": offset(moved.end, where.zone_end),
    }


def _stored(row: Row[Any]) -> Stored:
    session = _session(row)
    report = Report(
        id=row.id,
        provider=row.provider,
        account=row.account,
        session=replace(session, wall=False),
        zone_start=row.zone_start,
        zone_end=row.zone_end,
        zone_from=ZoneFrom(row.zone_from),
        arrived_at=row.updated_at,
    )
    wall = None
    if row.wall_start is not None:
        wall = _as_sent(row, session)
    return Stored(
        report,
        wall,
        row.payload_hash,
        row.sleep_date,
        row.superseded_by,
        row.hidden_since is not None,
        row.absent_since,
    )


def _as_sent(row: Row[Any], session: Session) -> Session:
    def wall_of(instant: dt.datetime | None, zone: str) -> dt.datetime | None:
        return None if instant is None else local(instant, zone).replace(tzinfo=dt.UTC)

    return replace(
        session,
        wall=True,
        start=dt.datetime.fromisoformat(row.wall_start).replace(tzinfo=dt.UTC),
        end=dt.datetime.fromisoformat(row.wall_end).replace(tzinfo=dt.UTC),
        sleep_start=wall_of(session.sleep_start, row.zone_start),
        sleep_end=wall_of(session.sleep_end, row.zone_end),
    )


def _session(row: Row[Any]) -> Session:
    return Session(
        external_id=row.external_id,
        source=Source(row.source_key, row.source_name, row.source_device),
        start=row.start_at,
        end=row.end_at,
        door=row.door,
        kind=Kind(row.kind) if row.kind else None,
        method=Method(row.method),
        zone_start=row.own_zone_start,
        zone_end=row.own_zone_end,
        printed=row.printed_offset,
        parts=tuple(Piece(*part) for part in row.parts),
        hypnogram=tuple(Segment(o, s, Stage(stage)) for o, s, stage in row.hypnogram),
        coarse=bool(row.coarse),
        in_bed=tuple(Piece(*piece) for piece in row.in_bed),
        sleep_start=row.sleep_start_at,
        sleep_end=row.sleep_end_at,
        totals=None if row.totals is None else Totals(**row.totals),
        vitals={name: Vital(**vital) for name, vital in row.vitals.items()},
        maker=row.maker,
        maker_date=row.maker_date,
        provisional=bool(row.provisional),
        revised_at=row.revised_at,
    )
