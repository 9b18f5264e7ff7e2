"""Takes over the app's rows at revision v100: sessions, raw records and edits out of them."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from sleepbalance.model import EditKind, Session, ZoneFrom, local
from sleepbalance.store import phone
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
from sleepbalance.store.sessions import Place, as_instants, fingerprint
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
    written.raws.append(_raw(row, told, span, written.now) | {"payload": payload})
    if user not in file.zones:
        return
    if span is not None:
        hidden = written.now if older and told.deleted else None
        values = _session(told, span, written.now) | {"user_id": user, "hidden_since": hidden}
        written.sessions.append(values)
    said = dict(told.edits)
    if told.deleted and not older:  # an older row that was deleted must not hide the newer one
        said[EditKind.NOT_SLEEP] = {}
    for kind, value in said.items():
        edit = _edit(told, kind, value, written.now)
        written.edits.append(edit | {"user_id": user})


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


def _raw(row: AppRow, told: Told, span: _Span | None, now: dt.datetime) -> Values:
    return {
        "user_id": row.known["user_id"],
        "provider": phone.PROVIDER,
        "account": "",
        "external_id": row.external_id,
        "kind": "row",
        "companion": 0,
        "source_key": phone.PROVIDER,
        "source_name": phone.source_name(row.known),
        "start_at": span and span.session.start,
        "end_at": span and span.session.end,
        "zone": told.session and told.session.zone_start,
        "codec": "plain",
        "problem": told.problem,
        "revised_at": told.revised_at,
        "received_at": now,
    }


def _session(told: Told, span: _Span, now: dt.datetime) -> Values:
    sent = told.session
    assert sent is not None
    return {
        "id": new_id(),
        "provider": phone.PROVIDER,
        "account": "",
        "external_id": sent.external_id,
        "source_key": sent.source.key,
        "source_name": sent.source.name,
        "door": sent.door,
        "method": sent.method,
        "own_zone_start": sent.zone_start,
        "own_zone_end": sent.zone_end,
        "wall_start": _naive(sent.start) if sent.wall else None,
        "wall_end": _naive(sent.end) if sent.wall else None,
        "totals": sent.totals and msgspec.to_builtins(sent.totals),
        "hypnogram": [list(segment) for segment in sent.hypnogram],
        "coarse": 0,
        "parts": [list(part) for part in sent.parts],
        "in_bed": [list(piece) for piece in sent.in_bed],
        "vitals": {name: msgspec.to_builtins(vital) for name, vital in sent.vitals.items()},
        "maker": {},
        "maker_date": sent.maker_date,
        "provisional": 0,
        "revised_at": sent.revised_at,
        "sleep_date": told.date,
        "payload_hash": fingerprint(sent),
        "created_at": now,
        "updated_at": now,
        **_placed(span.session, span.place),
        **_stage_seconds(sent),
    }


def _placed(session: Session, place: Place) -> Values:
    return {
        "start_at": session.start,
        "end_at": session.end,
        "start_offset": _offset(session.start, place.zone_start),
        "end_offset": _offset(session.end, place.zone_end),
        "zone_start": place.zone_start,
        "zone_end": place.zone_end,
        "zone_from": place.zone_from,
        "sleep_start_at": session.sleep_start,
        "sleep_end_at": session.sleep_end,
    }


def _stage_seconds(session: Session) -> Values:
    totals = session.totals
    seconds: Values = {}
    for stage in ("light", "deep", "rem", "asleep", "awake"):
        pieces = [s.seconds for s in session.hypnogram if s.stage == stage]
        told = totals and getattr(totals, stage)
        seconds[f"{stage}_seconds"] = sum(pieces) if session.hypnogram else told
    return seconds


def _edit(told: Told, kind: EditKind, value: Mapping[str, object], now: dt.datetime) -> Values:
    """An edit anchored to the row's span as it is written, and to its date."""
    sent = told.session if told.session and told.session.parts else None
    wall = sent is not None and sent.wall
    return {
        "id": new_id(),
        "kind": kind,
        "value": value,
        "start_at": sent.start if sent and not wall else None,
        "end_at": sent.end if sent and not wall else None,
        "wall_start": _naive(sent.start) if sent and wall else None,
        "wall_end": _naive(sent.end) if sent and wall else None,
        "sleep_date": told.date,
        "made_at": told.revised_at or now,
        "made_by": phone.PROVIDER,
    }


def _offset(instant: dt.datetime, zone: str) -> int:
    offset = local(instant, zone).utcoffset() or dt.timedelta()
    return int(offset.total_seconds())


def _naive(wall: dt.datetime) -> str:
    return f"{wall:%Y-%m-%dT%H:%M:%S}"


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
