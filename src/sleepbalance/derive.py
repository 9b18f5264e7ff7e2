"""Turns what is stored of a person into nights, around what changed, and writes what differs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sleepbalance import nights, providers
from sleepbalance.model import Edit, EditKind, Session, ZoneFrom
from sleepbalance.nights.spans import Calendar
from sleepbalance.store import edits, homes, people, sessions
from sleepbalance.store import nights as rows
from sleepbalance.store.adoption import adopt
from sleepbalance.store.engine import Connection, clock
from sleepbalance.store.places import Place, as_instants, from_wall
from sleepbalance.store.sessions import Stored
from sleepbalance.stretches import Span, Stretches
from sleepbalance.whereabouts import AROUND, Places

REACH = dt.timedelta(hours=28)  # the longest night, and the longest pause inside one
MARGIN = dt.timedelta(days=6)  # nothing beyond it can change a night
STRETCH = dt.timedelta(days=60)  # so much is held in memory at a time
APP = "app"  # the provider of rows that the phone app wrote


def derive(
    connection: Connection, user_id: str, changed: Iterable[Span], *, spoken: Iterable[dt.date] = ()
) -> int:
    """Derives every night that the changed spans can touch; gives how many rows changed.

    Belongs into the transaction that changed them. On the dates of which the person has just
    `spoken` a row is written also where it was still as the phone app left it.
    """
    people.lock_nights(connection, user_id)
    known = homes.accounts(connection, user_id)
    before = homes.derived(connection, user_id, known)
    more = homes.moved(connection, user_id, before, known)
    work = _Derivation(connection, user_id, homes.of_archives(known))
    work.spoken |= set(spoken)
    spans = ((start - AROUND, end + AROUND) for start, end in [*changed, *more])
    slices = Stretches(spans, reach=MARGIN).slices(STRETCH)
    return sum(work.derive(span) for span in slices)


def derive_all(connection: Connection, user_id: str) -> int:
    """Derives every night of a person anew, e.g. after a zone was corrected."""
    said = edits.extent(connection, user_id)
    return derive(connection, user_id, sorted([*sessions.extent(connection, user_id), *said]))


@dataclass(frozen=True, slots=True)
class Looked:
    """A person's sleeps around a span as they stand, and the edits of them; nothing is written."""

    told: nights.Derived
    sent: Mapping[str, Session]  # by id of a report: as the maker sent it
    said: Sequence[Edit]
    zone: Callable[[dt.datetime], tuple[str, ZoneFrom]]  # of a wall clock, written as if in UTC
    clock: Callable[[dt.datetime, str], str]  # the zone whose clock showed an offset then


def look(connection: Connection, user_id: str, span: Span) -> Looked:
    """What `derive` would find around the span."""
    at = homes.of_archives(homes.accounts(connection, user_id))
    work = _Derivation(connection, user_id, at)
    found = sessions.of_person(connection, user_id, span[0] - MARGIN, span[1] + MARGIN)
    work.places.load(found)
    placed, _ = _placed(work.places, found)
    sent = {stored.report.id: stored.sent for stored in found}
    said = work.anchored(placed)
    return Looked(work.result(placed), sent, said, work.places.wall, work.places.clock)


class _Derivation:
    """Derives the nights of one person, stretch by stretch."""

    def __init__(self, connection: Connection, user_id: str, at: nights.Homes) -> None:
        self.connection = connection
        self.user_id = user_id
        self.homes = at
        self.roads = _roads()
        self.said = edits.standing(connection, user_id)
        ranks = people.order_of_sources(connection, user_id)
        self.order = [nights.SourceRank(*rank) for rank in ranks]
        self.places = Places(connection, user_id, at)
        self.writer = rows.Writer(connection, user_id, clock(connection))
        self.spoken: set[dt.date] = set()

    def derive(self, span: Span) -> int:
        """Derives what the span can touch; gives how many rows changed."""
        low, high = span[0] - MARGIN, span[1] + MARGIN
        if adopt(self.connection, self.user_id, low.date(), high.date(), self.writer.now):
            self.said = edits.standing(self.connection, self.user_id)
        found = sessions.of_person(self.connection, self.user_id, low, high)
        self.places.load(found)
        placed, moved = _placed(self.places, found)
        result = self.result(placed)
        near = [s for s in placed if _touches(s, span[0] - REACH, span[1] + REACH)]
        known = {stored.report.id for stored in near}
        sessions.place(self.connection, [m for m in moved if m[0].report.id in known])
        sessions.note(self.connection, [n for s in near if (n := _noted(s, result)) is not None])
        return self._write(_dates(span, near, result), placed, result)

    def anchored(self, placed: Sequence[Stored]) -> list[Edit]:
        walls = _Walls(placed)
        return [_anchored(edit, start, end, self.places, walls) for edit, start, end in self.said]

    def result(self, placed: Sequence[Stored]) -> nights.Derived:
        return nights.derive(
            [s.report for s in placed if not s.hidden],
            self.anchored(placed),
            order=self.order,
            homes=self.homes,
            roads=self.roads,
            withdrawn=[s.report for s in placed if s.hidden and s.report.provider != APP],
        )

    def _write(self, dates: set[dt.date], placed: Sequence[Stored], result: nights.Derived) -> int:
        standing = rows.kept(self.connection, self.user_id, min(dates), max(dates))
        speakers: dict[dt.date, set[str]] = {}
        for stored in placed:
            if (date := result.dates.get(stored.report.id)) is not None:
                speakers.setdefault(date, set()).add(stored.report.provider)
        moved = _moved_rows(placed, result, speakers)
        spoken = self.spoken | {e.date for e, _, _ in self.said if e.date and e.made_by != APP}
        written = 0
        for date in sorted(dates):
            before, night = standing.get(date), result.nights.get(date)
            given_up = before is not None and (before.ours or before.id in moved)
            theirs = before is not None and not before.ours and date not in spoken
            if theirs and not given_up and _only_the_app(speakers.get(date, set())):
                continue  # nobody else speaks of this date: the row stays as the app wrote it
            if night is not None:
                record = _record(night, before if theirs else None)
                written += self.writer.write(date, record, night.details, before)
            elif given_up:
                self.writer.erase(date)
                written += 1
        self.writer.flush()
        return written


def _roads() -> nights.Roads:
    known = providers.load().values()
    apps = {word: provider.id for provider in known for word in provider.apps}
    names = {provider.id: provider.name for provider in known}
    return nights.Roads(apps, names, {provider.id for provider in known if provider.hub})


def _touches(stored: Stored, start: dt.datetime, end: dt.datetime) -> bool:
    return stored.report.session.start <= end and stored.report.session.end >= start


def _dates(span: Span, near: Sequence[Stored], result: nights.Derived) -> set[dt.date]:
    """Every date on which the changed span can have ended a night, before or now."""
    first, last = (span[0] - REACH).date(), (span[1] + REACH).date()
    dates = {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}
    dates |= {s.sleep_date for s in near if s.sleep_date is not None}
    return dates | {result.dates[s.report.id] for s in near if s.report.id in result.dates}


def _noted(stored: Stored, result: nights.Derived) -> tuple[str, dt.date | None, str | None] | None:
    """What to write of a session's date and of the report before it; None if that stands."""
    if stored.hidden:
        return None
    date = result.dates.get(stored.report.id)
    stands = result.superseded.get(stored.report.id)
    if (date, stands) == (stored.sleep_date, stored.superseded_by):
        return None
    return stored.report.id, date, stands


def _only_the_app(providers: set[str]) -> bool:
    return providers <= {APP}


def _moved_rows(
    placed: Sequence[Stored], result: nights.Derived, speakers: dict[dt.date, set[str]]
) -> set[str]:
    """Ids of the app's rows whose sleep a device tells too, on another date."""
    return {
        s.report.session.external_id
        for s in placed
        if s.report.provider == APP
        and not _only_the_app(speakers.get(result.dates.get(s.report.id) or dt.date.min, set()))
    }


def _record(night: nights.Night, before: rows.Kept | None) -> dict[str, object]:
    """What to write into the row: a night that is still the app's keeps the app's columns."""
    if before is None or before.ours or night.details["provider"] != APP:
        return dict(night.record)
    return {k: v for k, v in before.record.items() if k in rows.MEASURES}


# -- places in time ----------------------------------------------------------------------------


def _placed(
    places: Places, found: Sequence[Stored]
) -> tuple[list[Stored], list[tuple[Stored, Place]]]:
    """The sessions with their places resolved anew, and those of them whose place changed."""
    changes: list[tuple[Stored, Place]] = []
    placed: list[Stored] = []
    for stored in found:
        where, report = places.of(stored), stored.report
        if where == Place(report.zone_start, report.zone_end, report.zone_from):
            placed.append(stored)
            continue
        changes.append((stored, where))
        moved = replace(
            report,
            session=replace(as_instants(stored.sent, where), wall=False),
            zone_start=where.zone_start,
            zone_end=where.zone_end,
            zone_from=where.zone_from,
        )
        placed.append(replace(stored, report=moved))
    return placed, changes


class _Walls:
    """The sleeps that their makers told on the wall clock, and where those clocks hung."""

    def __init__(self, placed: Sequence[Stored]) -> None:
        self._told: Calendar[Stored] = Calendar()
        for stored in placed:
            if stored.sent.wall:
                self._told.add([nights.Span(stored.sent.start, stored.sent.end)], stored)

    def zones(self, span: nights.Span) -> tuple[str, str] | None:
        """Those of both ends of the sleep that a span on the wall clock is about."""
        near = self._told.near([span])
        here = [s for s in near if s.sent.start < span.end and span.start < s.sent.end]
        if not here:
            return None
        first = min(here, key=lambda s: (abs(s.sent.start - span.start), s.report.id))
        last = min(here, key=lambda s: (abs(s.sent.end - span.end), s.report.id))
        return first.report.zone_start, last.report.zone_end


def _anchored(
    edit: Edit, start: str | None, end: str | None, places: Places, walls: _Walls
) -> Edit:
    """The edit with what it says on the wall clock turned into instants."""
    if edit.start is not None or start is None or end is None:
        return edit
    near = edit.value.get("near")
    if edit.kind is EditKind.ADDED:  # one place, like its date: where it ended
        zone, zone_from = _place(_as_if_utc(end), near, places)
        first, last = (from_wall(_as_if_utc(text), zone) for text in (start, end))
        value = {**edit.value, "zone": zone, "zone_from": str(zone_from)}
        return replace(edit, start=first, end=last, value=value)
    span = nights.Span(_as_if_utc(start), _as_if_utc(end))
    zones = walls.zones(span) or [_place(wall, near, places)[0] for wall in span]
    first, last = (from_wall(*both) for both in zip(span, zones, strict=True))
    value = dict(edit.value) | (
        nights.times_there(edit, *zones) if edit.kind is EditKind.TIMES else {}
    )
    return replace(edit, start=first, end=last, value=value)


def _place(wall: dt.datetime, near: object, places: Places) -> tuple[str, ZoneFrom]:
    """The zone of a wall clock; where nobody tells it, the one that the person was last `near`."""
    zone, zone_from = places.wall(wall)
    guess = near if zone_from is ZoneFrom.NONE and isinstance(near, str) else zone
    return guess, zone_from


def _as_if_utc(wall: str) -> dt.datetime:
    return dt.datetime.fromisoformat(wall).replace(tzinfo=dt.UTC)
