"""Raw records: what makers sent, kept as it came, and found again by span."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from isal import isal_zlib
from sqlalchemy import Connection, Row, insert, select, update

from sleepbalance.model import Source
from sleepbalance.provider import Raw
from sleepbalance.store.engine import clock
from sleepbalance.store.tables import raw_records as table

LONGEST = dt.timedelta(days=8)  # no record and no pack spans more
WORTH_PACKING = 512  # bytes


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose raw records: one user's, through one account of one provider."""

    user_id: str
    provider: str
    account: str = ""

    def rows(self) -> tuple[Any, ...]:
        return (
            table.c.user_id == self.user_id,
            table.c.provider == self.provider,
            table.c.account == self.account,
        )


def keep(
    connection: Connection,
    owner: Owner,
    raws: Sequence[Raw],
    merge: Any,
    connection_id: str,
) -> list[Raw]:
    """Stores raw records (at most a few hundred), joined with what is there.

    Gives those that are new or changed, as stored now; a changed one that moved is given twice,
    with the span that it had and the one that it has.
    """
    known = _known(connection, owner, [raw.key for raw in raws])
    now = clock(connection)
    fresh: list[dict[str, Any]] = []
    touched: list[Raw] = []
    for raw in raws:
        before = known.get(raw.key)
        if before is None:
            fresh.append(_row(owner, raw, connection_id, now))
            touched.append(raw)
        elif changes := _changes(before, raw, merge):
            mine = update(table).where(*owner.rows(), table.c.external_id == raw.key)
            connection.execute(mine.values(**changes, received_at=now))
            touched += [_raw(before), raw]
    if fresh:
        connection.execute(insert(table), fresh)
    return touched


def _known(connection: Connection, owner: Owner, keys: Sequence[str]) -> dict[str, Row[Any]]:
    rows = connection.execute(select(table).where(*owner.rows(), table.c.external_id.in_(keys)))
    return {row.external_id: row for row in rows}


def _row(owner: Owner, raw: Raw, connection_id: str, now: dt.datetime) -> dict[str, Any]:
    return {
        "user_id": owner.user_id,
        "provider": owner.provider,
        "account": owner.account,
        "external_id": raw.key,
        "kind": raw.kind,
        "companion": int(raw.companion),
        "source_key": raw.source.key,
        "source_name": raw.source.name,
        "source_device": raw.source.device,
        "start_at": raw.start,
        "end_at": raw.end,
        "zone": raw.zone,
        "problem": raw.problem,
        "revised_at": raw.revised_at,
        "received_at": now,
        "connection_id": connection_id,
        **_packed(raw.payload),
    }


def _changes(before: Row[Any], raw: Raw, merge: Any) -> dict[str, Any]:
    """What must be written so that the stored record also says what this one says."""
    stored = _unpacked(before)
    payload = stored if raw.payload == stored else merge(raw.kind, [stored, raw.payload])
    changes: dict[str, Any] = {}
    if payload != stored:
        changes |= _packed(payload)
        changes["revised_at"] = raw.revised_at or before.revised_at
    if raw.companion:
        span = (min(before.start_at, raw.start), max(before.end_at, raw.end))
    else:
        span = (raw.start, raw.end)
    if span != (before.start_at, before.end_at):
        changes |= {"start_at": span[0], "end_at": span[1]}
    if before.absent_since is not None:
        changes["absent_since"] = None
    if before.problem != raw.problem:
        changes["problem"] = raw.problem
    if before.zone is None and raw.zone is not None:
        changes["zone"] = raw.zone
    return changes


def between(
    connection: Connection,
    owner: Owner,
    source: str,
    start: dt.datetime,
    end: dt.datetime,
    *,
    companion: bool,
) -> list[Raw]:
    """The readable records of a source whose span touches [start, end], in order of time."""
    query = (
        select(table)
        .where(
            *owner.rows(),
            table.c.source_key == source,
            table.c.companion == int(companion),
            table.c.start_at >= start - LONGEST,
            table.c.start_at <= end,
            table.c.end_at >= start,
            table.c.absent_since.is_(None),
            table.c.problem.is_(None),
        )
        .order_by(table.c.start_at, table.c.external_id)
    )
    return [_raw(row) for row in connection.execute(query)]


def absent(
    connection: Connection, owner: Owner, source: str, until: dt.datetime, present: Any
) -> list[Raw]:
    """Marks as absent what the source no longer has, of all that ended by `until`.

    `present(key)` tells what it still has. Gives the records that were marked; they are kept.
    """
    query = select(table).where(
        *owner.rows(),
        table.c.source_key == source,
        table.c.companion == 0,
        table.c.absent_since.is_(None),
        table.c.end_at <= until,
    )
    gone = [_raw(row) for row in connection.execute(query) if not present(row.external_id)]
    now = clock(connection)
    for raw in gone:
        mine = update(table).where(*owner.rows(), table.c.external_id == raw.key)
        connection.execute(mine.values(absent_since=now))
    return gone


def marks(
    connection: Connection, user_id: str, start: dt.datetime, end: dt.datetime
) -> Iterable[tuple[dt.datetime, str, tuple[str, str, str]]]:
    """(instant, zone, (provider, account, source)) of records that name their zone, in order."""
    query = (
        select(table.c.start_at, table.c.zone, table.c.provider, table.c.account)
        .add_columns(table.c.source_key)
        .where(
            table.c.user_id == user_id,
            table.c.zone.is_not(None),
            table.c.start_at.between(start, end),
            table.c.absent_since.is_(None),
        )
        .order_by(table.c.start_at, table.c.zone)
    )
    for row in connection.execute(query):
        yield row.start_at, row.zone, (row.provider, row.account, row.source_key)


def _raw(row: Row[Any]) -> Raw:
    return Raw(
        key=row.external_id,
        kind=row.kind,
        source=Source(row.source_key, row.source_name, row.source_device),
        payload=_unpacked(row),
        start=row.start_at,
        end=row.end_at,
        companion=bool(row.companion),
        zone=row.zone,
        revised_at=row.revised_at,
        problem=row.problem,
    )


def _packed(payload: bytes) -> Mapping[str, Any]:
    if len(payload) < WORTH_PACKING:
        return {"payload": payload, "codec": "plain"}
    return {"payload": isal_zlib.compress(payload, 1), "codec": "zlib"}


def _unpacked(row: Row[Any]) -> bytes:
    payload = bytes(row.payload)
    return zlib.decompress(payload) if row.codec == "zlib" else payload


def moved(raw: Raw, start: dt.datetime, end: dt.datetime) -> Raw:
    """The same record with another span."""
    return replace(raw, start=start, end=end)
