"""Nights as rows of `sleep_records` and `night_details`, written only where they differ."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Table, delete, select, update

from sleepbalance.model import EditKind
from sleepbalance.store.engine import insert_rows
from sleepbalance.store.ids import new_id
from sleepbalance.store.tables import night_details, sleep_edits, sleep_records, sleep_sessions

PERSON = "person"  # whose word it is where no device told anything
KEPT = ("id", "user_id", "sleep_date", "created_at", "updated_at", "synced_at")
MEASURES = tuple(c.name for c in sleep_records.columns if c.name not in KEPT)


@dataclass(frozen=True, slots=True)
class Kept:
    """The row of a date as it stands. `ours` is False where somebody else wrote it last."""

    id: str
    record: Mapping[str, Any]
    details: Mapping[str, Any] | None
    ours: bool


def fingerprint(record: Mapping[str, Any]) -> str:
    """What tells whether a row is as we left it."""
    body = msgspec.json.encode([record.get(name) for name in MEASURES])
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def kept(
    connection: Connection, user_id: str, first: dt.date, last: dt.date
) -> dict[dt.date, Kept]:
    """The rows of a person's dates from `first` to `last`."""
    query = select(sleep_records).where(
        sleep_records.c.user_id == user_id, sleep_records.c.sleep_date.between(first, last)
    )
    details = {
        row["sleep_date"]: dict(row)
        for row in connection.execute(
            select(night_details).where(
                night_details.c.user_id == user_id,
                night_details.c.sleep_date.between(first, last),
            )
        ).mappings()
    }
    found = {}
    for row in connection.execute(query).mappings():
        more = details.get(row["sleep_date"])
        ours = more is not None and more["row_hash"] == fingerprint(dict(row))
        found[row["sleep_date"]] = Kept(row["id"], dict(row), more, ours)
    return found


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the nights of one person, those that are new all at once at the end."""

    connection: Connection
    user_id: str
    now: dt.datetime
    records: list[dict[str, Any]] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)

    def write(
        self,
        date: dt.date,
        record: Mapping[str, Any],
        details: Mapping[str, Any],
        before: Kept | None,
    ) -> bool:
        """Writes a night where it differs from what stands there; tells whether it did."""
        changed = before is None or any(before.record[k] != v for k, v in record.items())
        if changed:
            self._record(date, record, before)
        whole = record if before is None else {**before.record, **record}
        more = dict(details) | {"row_hash": fingerprint(whole)}
        old = None if before is None else before.details
        if old is not None and all(old[k] == v for k, v in more.items()):
            return changed
        more["derived_at"] = self.now
        if old is None:
            self.details.append({"user_id": self.user_id, "sleep_date": date, **more})
        else:
            mine = update(night_details).where(*self._mine(night_details, date))
            self.connection.execute(mine, more)
        return True

    def _record(self, date: dt.date, record: Mapping[str, Any], before: Kept | None) -> None:
        now = f"{self.now:%Y-%m-%d %H:%M:%S}"
        if before is None:
            row: dict[str, Any] = {"id": new_id(), "user_id": self.user_id, "sleep_date": date}
            self.records.append(row | {**record, "created_at": now, "updated_at": now})
            return
        mine = update(sleep_records).where(sleep_records.c.id == before.id)
        self.connection.execute(mine, {**record, "updated_at": now})

    def erase(self, date: dt.date) -> None:
        """Takes away the row of a date on which there is no night any more."""
        for table in (sleep_records, night_details):
            self.connection.execute(delete(table).where(*self._mine(table, date)))

    def flush(self) -> None:
        """Writes what is new."""
        for table, fresh in ((sleep_records, self.records), (night_details, self.details)):
            insert_rows(self.connection, table, fresh)
            fresh.clear()

    def _mine(self, table: Table, date: dt.date) -> tuple[Any, ...]:
        return table.c.user_id == self.user_id, table.c.sleep_date == date


def listed(
    connection: Connection,
    user_id: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """(record, details) of a person's nights in order of date; details None where never derived."""
    joined = sleep_records.outerjoin(
        night_details,
        (night_details.c.user_id == sleep_records.c.user_id)
        & (night_details.c.sleep_date == sleep_records.c.sleep_date),
    )
    query = select(*sleep_records.c, *(c.label(f"d_{c.name}") for c in night_details.c))
    query = query.select_from(joined).where(sleep_records.c.user_id == user_id)
    if first is not None:
        query = query.where(sleep_records.c.sleep_date >= first)
    if last is not None:
        query = query.where(sleep_records.c.sleep_date <= last)
    ordered = query.order_by(sleep_records.c.sleep_date)
    lazily = ordered.execution_options(stream_results=True, yield_per=100)
    for row in connection.execute(lazily):
        yield _split(row)


def without(
    connection: Connection, user_id: str, first: dt.date | None, last: dt.date | None
) -> list[dt.date]:
    """Dates that a sleep was told of, or added to, and that have no row, in order."""
    told = sleep_sessions.c.hidden_since.is_(None)
    added = (sleep_edits.c.kind == EditKind.ADDED) & sleep_edits.c.undone_at.is_(None)
    dates = _dates(connection, sleep_sessions, user_id, first, last, told)
    dates |= _dates(connection, sleep_edits, user_id, first, last, added)
    return sorted(dates - _dates(connection, sleep_records, user_id, first, last))


def told(
    connection: Connection, user_id: str, first: dt.date | None, last: dt.date | None
) -> set[dt.date]:
    """Dates with a night of which somebody told more than words."""
    r = sleep_records.c
    words = (r.data_source == PERSON) & r.total_sleep_time.is_(None) & (r.is_deleted == 0)
    return _dates(connection, sleep_records, user_id, first, last, ~words)


def _dates(
    connection: Connection,
    table: Table,
    user_id: str,
    first: dt.date | None,
    last: dt.date | None,
    *more: ColumnElement[bool],
) -> set[dt.date]:
    low, high = first or dt.date.min, last or dt.date.max
    date = table.c.sleep_date
    mine = table.c.user_id == user_id, date.between(low, high)
    query = select(date).where(*mine, *more).distinct()
    return {row.sleep_date for row in connection.execute(query)}


def _split(row: Row[Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    values = dict(row._mapping)  # noqa: SLF001 # SQLAlchemy's public name for a row as a mapping
    record = {c.name: values[c.name] for c in sleep_records.c}
    if values["d_row_hash"] is None:
        return record, None
    skip = ("user_id", "sleep_date", "row_hash")
    details = {c.name: values[f"d_{c.name}"] for c in night_details.c if c.name not in skip}
    return record, details
