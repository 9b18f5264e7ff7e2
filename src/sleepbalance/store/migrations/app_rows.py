"""Takes over the app's rows at revision v100: sessions, raw records and edits out of them."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from sleepbalance.model import Session, ZoneFrom
from sleepbalance.store import edits, phone, sessions
from sleepbalance.store.engine import clock
from sleepbalance.store.ids import new_id
from sleepbalance.store.migrations.sqlite_rows import (
    References,
    Remover,
    Values,
    driver,
    read_rows,
)
from sleepbalance.store.phone import Told
from sleepbalance.store.places import Place, as_instants
from sleepbalance.store.raws import phone_row
from sleepbalance.store.tables import raw_records, sleep_edits, sleep_sessions
from sleepbalance.store.version import columns_by_table

LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, eq=False)
class AppRow:
    """A row of sleep_records under lower-case names, and as stored under the file's own."""

    known: Mapping[str, Any]
    stored: Mapping[str, Any]
    rowid: int | None

    @property
    def external_id(self) -> str:
        """Its id, which SQLite may let be missing, or be anything."""
        found = self.known["id"]
        return found if isinstance(found, str) else f"row {self.rowid}"

    @property
    def age(self) -> tuple[dt.datetime, dt.datetime, int]:
        told = [phone.instant(self.known[c], "UTC") for c in ("updated_at", "created_at")]
        return told[0] or LONG_AGO, told[1] or LONG_AGO, self.rowid or 0

    @property
    def night(self) -> tuple[Any, Any] | None:
        """User and date, None where no index can hold it to be unique."""
        user, date = self.known["user_id"], self.known["sleep_date"]
        return None if user is None or date is None else (user, phone.day(date) or date)


@dataclass(frozen=True, slots=True)
class _File:
    """What else of the file is read beside a row."""

    zones: Mapping[Any, str | None]  # of each user
    phases: Mapping[Any, Sequence[Values]]  # by the row's id
    removed: Mapping[AppRow, References]


@dataclass(slots=True)
class _Written:
    """What is to be inserted."""

    now: dt.datetime
    sessions: list[Values] = field(default_factory=list)
    raws: list[Values] = field(default_factory=list)
    edits: list[Values] = field(default_factory=list)


def take_over(connection: Connection) -> list[str]:
    """Makes a session, a raw record and edits of each row; gives what the person should know.

    Of several rows of one date the newest stays, with all its columns; the others live on as
    sessions, and in their raw records with every column and whatever referred to them.
    """
    rows = sorted(_rows(connection), key=lambda row: row.age)
    users = [_lowered(user) for _, user in read_rows(connection, "users")]
    zones = {user["id"]: phone.person_zone(user["timezone"]) for user in users}
    phases = _phases(connection)
    file = _File(zones, phases, _remove(connection, _older(rows)))
    written = _Written(clock(connection))
    for row in rows:
        _read(row, file, written)
    for table, values in (
        (sleep_sessions, written.sessions),
        (raw_records, written.raws),
        (sleep_edits, written.edits),
    ):
        if values:
            connection.execute(insert(table), values)
    return _notes(written, file)


def _rows(connection: Connection) -> list[AppRow]:
    found = read_rows(connection, "sleep_records")
    return [AppRow(_lowered(row), row, rowid) for rowid, row in found]


def _lowered(row: Values) -> Values:
    return {name.lower(): value for name, value in row.items()}


def _older(rows: Sequence[AppRow]) -> list[AppRow]:
    """All but the newest of each date; `rows` are in order of age."""
    newest = {row.night: row for row in rows}
    return [row for row in rows if row.night is not None and newest[row.night] is not row]


def _remove(connection: Connection, rows: Sequence[AppRow]) -> dict[AppRow, References]:
    if not rows:
        return {}
    remover = Remover(driver(connection))
    return {row: remover.remove("sleep_records", row.rowid or 0) for row in rows}


def _phases(connection: Connection) -> dict[Any, list[Values]]:
    """The app's own hypnograms (schema 9), each phase with its name, by the row's id."""
    if connection.dialect.name != "sqlite":
        return {}
    tables = columns_by_table(driver(connection))
    wanted = {"started_at", "duration", "sleep_phase_id", "sleep_record_id"}
    if not wanted <= tables.get("sleep_record_sleep_phases", set()):
        return {}
    names: dict[Any, Any] = {}
    if {"id", "name"} <= tables.get("sleep_phases", set()):
        kinds = [_lowered(row) for _, row in read_rows(connection, "sleep_phases")]
        names = {row["id"]: row["name"] for row in kinds}
    found: dict[Any, list[Values]] = {}
    for _, stored in read_rows(connection, "sleep_record_sleep_phases"):
        row = _lowered(stored)
        named = {**row, "name": names.get(row["sleep_phase_id"])}
        found.setdefault(row["sleep_record_id"], []).append(named)
    return found


def _read(row: AppRow, file: _File, written: _Written) -> None:
    user, older = row.known["user_id"], row in file.removed
    if user not in file.zones and not older:
        return  # its user is gone: it stays where it is, and nothing of ours refers to nobody
    zone = file.zones.get(user)
    phases = file.phases.get(row.known["id"], ())
    told = phone.read({**row.known, "id": row.external_id}, zone or "UTC", phases)
    extra = {"_sleep_phases": phases, "_referencing": file.removed.get(row)}
    payload = _json({**row.stored, **{name: value for name, value in extra.items() if value}})
    span = None if told.session is None else _instants(told.session, zone)
    raw = phone_row(user, row.external_id, row.known, told, written.now)
    raw |= {"start_at": span and span.session.start, "end_at": span and span.session.end}
    written.raws.append(raw | {"payload": payload})
    if user not in file.zones:
        return
    if span is not None:
        hidden = written.now if older and told.deleted else None
        session = _session(user, told, span, written.now)
        written.sessions.append(session | {"hidden_since": hidden})
    if older:  # an older row that was deleted must not hide the newer one
        told = replace(told, deleted=False)
    written.edits.extend(edits.of_the_app(user, told, written.now))


@dataclass(frozen=True, slots=True)
class _Span:
    """A session among instants."""

    session: Session
    place: Place


def _instants(session: Session, zone: str | None) -> _Span:
    mine = zone or "UTC"
    surest = ZoneFrom.PERSON if zone else ZoneFrom.NONE
    if session.zone_start and session.zone_end:
        surest = ZoneFrom.RECORD
    place = Place(session.zone_start or mine, session.zone_end or mine, surest)
    return _Span(as_instants(session, place), place)


def _session(user: Any, told: Told, span: _Span, now: dt.datetime) -> Values:
    assert told.session is not None
    return {
        "id": new_id(),
        "user_id": user,
        "provider": phone.PROVIDER,
        "account": "",
        **sessions.values(told.session, span.place),
        "sleep_date": told.date,
        "created_at": now,
        "updated_at": now,
    }


def _json(values: Values) -> bytes:
    return msgspec.json.encode(_plain(values))


def _plain(value: Any) -> Any:
    """What JSON has no words for, as text; bytes in base64."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _notes(written: _Written, file: _File) -> list[str]:
    notes = []
    if file.removed:
        notes.append(
            f"sleep_records: {len(file.removed)} older of several rows of one date moved to"
            " sleep_sessions and raw_records"
        )
    unread = sum(1 for raw in written.raws if raw["problem"])
    if unread:
        notes.append(f"raw_records: {unread} rows of the app could not be read in full")
    return notes
