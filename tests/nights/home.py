"""A person's nights in a real database, told through the doors of made-up makers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Engine, insert

from sleepbalance.derive import derive, derive_all
from sleepbalance.intake import Intake
from sleepbalance.model import (
    UNNAMED,
    EditKind,
    Kind,
    Piece,
    Segment,
    Session,
    Source,
    Stage,
    local,
)
from sleepbalance.provider import Normalised, Provider, Raw
from sleepbalance.store import connections, nights, people
from sleepbalance.store.engine import Connection, clock, make_engine, reading, writing
from sleepbalance.store.ids import new_id
from sleepbalance.store.raws import Owner
from sleepbalance.store.spool import spooling
from sleepbalance.store.tables import sleep_edits, sleep_sessions, source_order
from sleepbalance.store.upgrade import add_providers
from sleepbalance.sync import remove_data
from tests.nights.made import at

MAKERS = ("dreams", "ringmaker")
LATER = {"id", "created_at", "updated_at", "derived_at", "row_hash", "sleep_date", "user_id"}


class Sleep(msgspec.Struct, frozen=True, kw_only=True):
    """One sleep as a maker tells it. Without `zone` and with `wall` the times are on the wall."""

    id: str
    start: dt.datetime
    end: dt.datetime
    by: str = UNNAMED
    door: str = "file"
    zone: str | None = None
    zone_end: str | None = None  # where it is another one
    wall: bool = False
    stage: str = "light"
    kind: str | None = None
    provisional: bool = False
    maker_date: dt.date | None = None
    slept: int | None = None  # seconds, where the clock was changed in between


def sleep(start: str, end: str, **more: Any) -> Sleep:
    """The times are on the clock of Berlin unless they are on the `wall`."""
    zone = "UTC" if more.get("wall") else "Europe/Berlin"
    given: dict[str, Any] = {
        "id": f"{start}/{more.get('by', '')}",
        "start": at(start, zone),
        "end": at(end, zone),
    }
    return Sleep(**(given | more))


def raw(told: Sleep) -> Raw:
    return Raw(
        key=told.id,
        kind="sleep",
        source=Source(told.by, told.by.title()),
        payload=msgspec.json.encode(told),
        start=told.start,
        end=told.end,
        zone=None if told.wall else told.zone,
    )


def normalise(raws: Iterable[Raw]) -> Normalised:
    once = {raw.key: raw for raw in raws}
    return Normalised(sessions=tuple(session(once[key]) for key in sorted(once)))


def session(raw: Raw) -> Session:
    told = msgspec.json.decode(raw.payload, type=Sleep)
    seconds = told.slept or int((told.end - told.start).total_seconds())
    return Session(
        external_id=told.id,
        source=raw.source,
        start=told.start,
        end=told.end,
        door=told.door,
        wall=told.wall,
        kind=None if told.kind is None else Kind(told.kind),
        zone_start=told.zone,
        zone_end=told.zone_end or told.zone,
        parts=(Piece(0, seconds),),
        hypnogram=(Segment(0, seconds, Stage(told.stage)),),
        provisional=told.provisional,
        maker_date=told.maker_date,
    )


@dataclass
class Home:
    """One person; `own` of the database, so that several may live in one."""

    engine: Engine
    user_id: str

    def tell(self, told: Iterable[Sleep], account: str = "", provider: str = "dreams") -> None:
        """Takes in what one maker tells of one account, as an import or a sync does."""
        maker = Provider(
            id=provider, name=provider, docs="", verified=None, doors=(), normalise=normalise
        )
        owner = Owner(self.user_id, provider, account)
        with spooling(maker.merge) as spool, writing(self.engine) as connection:
            for each in told:
                spool.add(raw(each))
            bond = connections.ensure(connection, self.user_id, provider, "any")
            intake = Intake(connection, owner, maker, bond, clock(connection))
            intake.take(spool)
            derive(connection, self.user_id, intake.changed)

    def remove(self, account: str, provider: str = "dreams") -> int:
        return remove_data(self.engine, Owner(self.user_id, provider, account))

    def hide(self, *names: str) -> None:
        """As when makers take sleeps back."""
        with writing(self.engine) as connection:
            mine = sleep_sessions.c.user_id == self.user_id
            these = sleep_sessions.c.external_id.in_(names)
            now = clock(connection)
            connection.execute(sleep_sessions.update().where(mine, these).values(hidden_since=now))
            derive_all(connection, self.user_id)

    def live(self, zone: str) -> None:
        with writing(self.engine) as connection:
            people.set_zone(connection, self.user_id, zone)
            derive_all(connection, self.user_id)

    def say(self, kind: EditKind, span: tuple[str, str], **value: Any) -> None:
        """An edit of a sleep that lies there on the clock of Berlin."""
        row: dict[str, Any] = {"id": new_id(), "user_id": self.user_id, "kind": str(kind)}
        row |= {"value": value, "start_at": at(span[0]), "end_at": at(span[1]), "made_by": "person"}
        row |= {"sleep_date": local(at(span[1]), "Europe/Berlin").date()}
        with writing(self.engine) as connection:
            said = insert(sleep_edits).values(**row, made_at=clock(connection))
            connection.execute(said)
            derive_all(connection, self.user_id)

    def order(self, *ranks: tuple[str, str, str | None]) -> None:
        with writing(self.engine) as connection:
            for position, (provider, account, key) in enumerate(ranks):
                place = {"provider": provider, "account": account, "source_key": key}
                row = {"user_id": self.user_id, "position": position, **place}
                connection.execute(insert(source_order).values(row))
            derive_all(connection, self.user_id)

    def nights(self) -> dict[str, dict[str, Any]]:
        """Record and details of each date in one, sessions by the maker's names for them."""
        with reading(self.engine) as connection:
            names = _names(connection)
            found = list(nights.listed(connection, self.user_id))
        return {
            str(record["sleep_date"]): _plain({**record, **(details or {})}, names)
            for record, details in found
        }


def _names(connection: Connection) -> Mapping[str, str]:
    rows = connection.execute(sleep_sessions.select())
    return {row.id: row.external_id for row in rows}


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    """Without what differs from home to home."""
    if isinstance(value, dict):
        return {k: _plain(v, names) for k, v in value.items() if k not in LATER}
    if isinstance(value, list):
        return [_plain(v, names) for v in value]
    return names.get(value, value) if isinstance(value, str) else value


@contextmanager
def database(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    yield engine
    engine.dispose()


def person(engine: Engine, name: str = "me") -> Home:
    with writing(engine) as connection:
        add_providers(connection, {maker: maker.title() for maker in MAKERS})
        return Home(engine, people.add(connection, name).id)


def moved(told: Sleep, minutes: int) -> Sleep:
    """The same, later."""
    by = dt.timedelta(minutes=minutes)
    return msgspec.structs.replace(told, start=told.start + by, end=told.end + by)


__all__ = ["Home", "Sleep", "database", "moved", "person", "sleep"]
