"""Raw records: what makers sent, kept as it came, and found again by span."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from isal import isal_zlib
from sqlalchemy import Connection, Row, Table, delete, select, update

from sleepbalance.model import Source, is_offset
from sleepbalance.provider import Raw
from sleepbalance.store import phone
from sleepbalance.store.engine import insert_rows
from sleepbalance.store.tables import raw_records as table

Merge = Callable[[str, Sequence[bytes]], bytes]
LONGEST = dt.timedelta(days=8)  # no record and no pack spans more
SHORT = dt.timedelta(minutes=45)  # what a stage lasts at most, more or less
WORTH_PACKING = 512  # bytes


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose raw records: one user's, through one account of one provider."""

    user_id: str
    provider: str
    account: str = ""

    def rows(self) -> tuple[Any, ...]:
        return self.of(table)

    def of(self, kept: Table) -> tuple[Any, ...]:
        """What is this owner's in a table."""
        return (
            kept.c.user_id == self.user_id,
            kept.c.provider == self.provider,
            kept.c.account == self.account,
        )


@dataclass(frozen=True, slots=True)
class Keeper:
    """Stores raw records, joined with what is there by the provider's `merge`."""

    connection: Connection
    owner: Owner
    merge: Merge
    connection_id: str
    now: dt.datetime
    new: bool = False  # nothing of the source is known yet: there is nothing to look up

    def keep(self, batch: Sequence[Raw]) -> list[Raw]:
        """Stores some hundred records at most; gives those that are new or changed.

        A changed one that moved is given twice, with the span that it had and the one it has.
        """
        known = {} if self.new else self._known([raw.key for raw in batch])
        fresh: list[dict[str, Any]] = []
        touched: list[Raw] = []
        for raw in batch:
            before = known.get(raw.key)
            if before is None:
                fresh.append(_row(self.owner, raw, self.connection_id, self.now))
                touched.append(raw)
            elif changes := _changes(before, raw, self.merge):
                mine = update(table).where(*self.owner.rows(), table.c.external_id == raw.key)
                self.connection.execute(mine, changes | {"received_at": self.now})
                touched += [_raw(before), raw]
        insert_rows(self.connection, table, fresh)
        return touched

    def _known(self, keys: Sequence[str]) -> dict[str, Row[Any]]:
        query = select(table).where(*self.owner.rows(), table.c.external_id.in_(keys))
        return {row.external_id: row for row in self.connection.execute(query)}


def fresh(connection: Connection, owner: Owner, batch: Sequence[Raw], merge: Merge) -> set[str]:
    """The keys of those records that are new, or say something new."""
    keys = [raw.key for raw in batch]
    query = select(table).where(*owner.rows(), table.c.external_id.in_(keys))
    known = {row.external_id: row for row in connection.execute(query)}
    return {
        raw.key for raw in batch if raw.key not in known or _changes(known[raw.key], raw, merge)
    }


def sources(connection: Connection, owner: Owner) -> list[str]:
    """The keys of all sources that told a sleep."""
    query = select(table.c.source_key).where(*owner.rows(), table.c.companion == 0)
    return sorted(connection.execute(query.distinct()).scalars())


def named(connection: Connection, owner: Owner, keys: Sequence[str]) -> list[Raw]:
    """The records of these names, readable or not."""
    query = select(table).where(*owner.rows(), table.c.external_id.in_(keys))
    return [_raw(row) for row in connection.execute(query)]


def owners(connection: Connection, user_id: str, provider: str) -> list[Owner]:
    """The accounts of a provider of which a person has anything kept."""
    query = select(table.c.account).where(table.c.user_id == user_id, table.c.provider == provider)
    accounts = connection.execute(query.distinct().order_by(table.c.account)).scalars()
    return [Owner(user_id, provider, account) for account in accounts]


def knows(connection: Connection, owner: Owner, source: str | None = None) -> bool:
    """Whether anything was ever kept of an account, or of one source of it; companions, too."""
    query = select(table.c.external_id).where(*owner.rows())
    if source is not None:
        query = query.where(table.c.source_key == source)
    return connection.execute(query.limit(1)).first() is not None


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


def phone_row(
    user_id: str, external_id: str, row: phone.Row, told: phone.Told, now: dt.datetime
) -> dict[str, Any]:
    """A row of the app as a raw record, its payload still to come.

    Its span is as written, where the row says no offset: near enough to be found.
    """
    session = told.session
    return {
        "user_id": user_id,
        "provider": phone.PROVIDER,
        "account": "",
        "external_id": external_id,
        "kind": "row",
        "companion": 0,
        "source_key": phone.PROVIDER,
        "source_name": phone.source_name(row),
        "start_at": session and session.start,
        "end_at": session and session.end,
        "zone": session and session.zone_start,
        "codec": "plain",
        "problem": told.problem,
        "revised_at": told.revised_at,
        "received_at": now,
    }


def _changes(before: Row[Any], raw: Raw, merge: Merge) -> dict[str, Any]:
    """What must be written so that the stored record also says what this one says.

    A version that nobody can read never takes the place of one that could be read.
    """
    if raw.problem is not None and before.problem is None:
        return {} if before.absent_since is None else {"absent_since": None}
    stored = _unpacked(before)
    payload = stored if raw.payload == stored else merge(raw.kind, [stored, raw.payload])
    says: dict[str, Any] = {"absent_since": None}
    if raw.companion:
        says |= {"start_at": _least(before.start_at, raw.start), "problem": None}
        says["end_at"] = _most(before.end_at, raw.end)
    elif payload == raw.payload:  # the version that stands brings all that it says
        says |= {"start_at": raw.start, "end_at": raw.end, "zone": raw.zone}
        says |= {"problem": raw.problem, "revised_at": raw.revised_at}
        if raw.source.key != before.source_key:  # e.g. the device's name was not known at first
            says |= {"source_key": raw.source.key, "source_name": raw.source.name}
            says["source_device"] = raw.source.device
    changes = {name: value for name, value in says.items() if getattr(before, name) != value}
    return changes | (dict(_packed(payload)) if payload != stored else {})


def _least(known: dt.datetime | None, told: dt.datetime | None) -> dt.datetime | None:
    return min(filter(None, (known, told)), default=None)


def _most(known: dt.datetime | None, told: dt.datetime | None) -> dt.datetime | None:
    return max(filter(None, (known, told)), default=None)


def between(
    connection: Connection,
    owner: Owner,
    source: str,
    start: dt.datetime,
    end: dt.datetime,
    *,
    companion: bool,
    shared: bool = False,
) -> list[Raw]:
    """The readable records of a source whose span touches [start, end], in order of time.

    With `shared` those that belong to the account are among them.
    """
    query = (
        select(table)
        .where(
            *_readable(owner, source, companion=companion, shared=shared),
            table.c.start_at >= start - LONGEST,
            table.c.start_at <= end,
            table.c.end_at >= start,
        )
        .order_by(table.c.start_at, table.c.external_id)
    )
    return [_raw(row) for row in connection.execute(query)]


def _readable(
    owner: Owner, source: str, *, companion: bool, shared: bool = False
) -> tuple[Any, ...]:
    return (
        *owner.rows(),
        table.c.source_key.in_([source, ""]) if shared else table.c.source_key == source,
        table.c.companion == int(companion),
        table.c.absent_since.is_(None),
        table.c.problem.is_(None),
    )


@contextmanager
def from_start(
    connection: Connection, owner: Owner, source: str, start: dt.datetime, reach: dt.timedelta
) -> Iterator[Iterator[Raw]]:
    """The readable records of a source from `start` on, in order of time, read as they are asked.

    It begins earlier where records hang together with those at `start`, `reach` apart at most.
    """
    low = start
    while True:
        near = between(connection, owner, source, low - reach, low, companion=False)
        first = min((raw.start for raw in near if raw.start is not None), default=low)
        if first >= low:
            break
        low = first
    query = (
        select(table)
        .where(*_readable(owner, source, companion=False), table.c.start_at >= low)
        .order_by(table.c.start_at, table.c.external_id)
        .execution_options(stream_results=True, yield_per=200)
    )
    with connection.execute(query) as rows:
        yield (_raw(row) for row in rows)


def absent(
    connection: Connection,
    owner: Owner,
    source: str,
    until: dt.datetime,
    present: Callable[[str], bool],
    now: dt.datetime,
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
    for raw in gone:
        mine = update(table).where(*owner.rows(), table.c.external_id == raw.key)
        connection.execute(mine.values(absent_since=now))
    return gone


class Placed(NamedTuple):
    """Where a readable record lies, without what it says."""

    key: str
    source: str
    start: dt.datetime
    end: dt.datetime


def placed(
    connection: Connection, owner: Owner, start: dt.datetime, end: dt.datetime
) -> list[Placed]:
    """The readable records of all sources that touch [start, end]; no companions."""
    query = select(table.c.external_id, table.c.source_key, table.c.start_at, table.c.end_at)
    query = query.where(
        *owner.rows(),
        table.c.companion == 0,
        table.c.absent_since.is_(None),
        table.c.problem.is_(None),
        table.c.start_at.between(start - LONGEST, end),
        table.c.end_at >= start,
    )
    return [Placed(*row) for row in connection.execute(query.order_by(table.c.start_at))]


def withdraw(connection: Connection, owner: Owner, keys: Iterable[str], now: dt.datetime) -> None:
    """Marks records as absent: the maker has them no more. They are kept."""
    for key in keys:
        mine = update(table).where(*owner.rows(), table.c.external_id == key)
        connection.execute(mine.values(absent_since=now))


def remove_all(connection: Connection, owner: Owner) -> None:
    """Erases every record of an account."""
    connection.execute(delete(table).where(*owner.rows()))


def marks(
    connection: Connection, user_id: str, start: dt.datetime, end: dt.datetime
) -> list[tuple[dt.datetime, str, tuple[str, str, str]]]:
    """(instant, zone, (provider, account, source)) of records that name their zone, in order.

    A place is told for both ends of a record, or for the start of a short one. An offset is the
    one of its start: what it was at the end, the session tells that was made of it.
    """
    query = select(
        table.c.start_at, table.c.end_at, table.c.zone, table.c.provider, table.c.account
    ).add_columns(table.c.source_key)
    named = query.where(
        table.c.user_id == user_id,
        table.c.zone.is_not(None),
        table.c.start_at.between(start - LONGEST, end),
        table.c.end_at >= start,
        table.c.absent_since.is_(None),
    )
    found = set()
    for row in connection.execute(named):
        source = (row.provider, row.account, row.source_key)
        found.add((row.start_at, row.zone, source))
        if row.end_at - row.start_at > SHORT and not is_offset(row.zone):
            found.add((row.end_at, row.zone, source))
    return sorted(found)


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
