"""Where a person was, by what stands near in time: what records tell, then the person's zones."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sleepbalance.model import UNNAMED, Session, ZoneFrom, is_offset, local, offset_name
from sleepbalance.nights import Homes
from sleepbalance.provider.places import EAST, WEST
from sleepbalance.store import people, raws
from sleepbalance.store.engine import Connection
from sleepbalance.store.places import Place, as_instants, fits, set_meanwhile, settle
from sleepbalance.store.sessions import Stored

NEAR = dt.timedelta(hours=24)  # a wrist has one place for so long
AROUND = NEAR + EAST + WEST  # the same by the clock on the wall, wherever those two clocks hung

Source = tuple[str, str, str]  # (provider, account, key)
NOBODY: Source = ("", "", "")


@dataclass(frozen=True, order=True)
class Mark:
    """At that instant a record tells the zone."""

    at: dt.datetime
    zone: str
    source: Source

    @cached_property
    def wall(self) -> dt.datetime:
        """What the clock on the wall showed there, as if in UTC."""
        return local(self.at, self.zone).replace(tzinfo=dt.UTC, fold=0)


@dataclass
class Places:
    """Resolves zones: the record's own, a near neighbour's, the person's, the file's."""

    connection: Connection
    user_id: str
    homes: Homes

    def __post_init__(self) -> None:
        self.known = people.zones(self.connection, self.user_id)
        self.marks: list[Mark] = []
        self.walls: list[Mark] = []
        self.prints: list[tuple[dt.datetime, str]] = []

    def load(self, found: Sequence[Stored]) -> None:
        """Reads the zones that records around these sessions name, and those of the sessions."""
        if not found:
            return
        low = min(s.sent.start for s in found) - AROUND
        high = max(s.sent.end for s in found) + AROUND
        told = raws.marks(self.connection, self.user_id, low, high)
        marks = {Mark(*mark) for mark in told} | {m for s in found for m in _marks(s)}
        self.marks = sorted(marks)
        self.walls = sorted(marks, key=lambda mark: (mark.wall, mark))
        self.prints = sorted(
            (s.report.session.start, offset_name(s.sent.printed))
            for s in found
            if s.sent.printed is not None
        )

    def of(self, stored: Stored) -> Place:
        """Where both ends of a session lie; the surer word is not mixed up with the guess."""
        sent, report = stored.sent, stored.report
        if sent.zone_start is not None and sent.zone_end is not None:
            return Place(sent.zone_start, sent.zone_end, ZoneFrom.RECORD)
        source = self._source((report.provider, report.account, sent.source.key))
        if sent.wall:
            return self._on_the_wall(sent, source)
        if (home := self._home(sent)) is not None:
            return home
        start, start_from = self._zone(sent.start, sent.zone_start, source, sent)
        end, end_from = self._zone(sent.end, sent.zone_end, source, sent)
        if start_from.is_guess and not end_from.is_guess:  # one place rather than half a guess
            start, start_from = end, end_from
        elif end_from.is_guess and not start_from.is_guess:
            end, end_from = start, start_from
        order = list(ZoneFrom)
        return Place(start, end, max(start_from, end_from, key=order.index))

    def clock(self, at: dt.datetime, zone: str) -> str:
        """The person's zone where it had that offset then: an offset knows no change of clocks."""
        mine = self._persons(at, wall=False)
        return zone if mine is None or _differ(at, mine, zone) else mine

    def wall(self, wall: dt.datetime) -> tuple[str, ZoneFrom]:
        """The zone for a wall clock that belongs to no source, and where it is from."""
        near = self._nearest((wall, wall), NOBODY, wall=True)
        if near is not None and not self._at_home(near):
            return near.zone, ZoneFrom.NEIGHBOUR
        if (mine := self._persons(wall, wall=True)) is not None:
            return mine, ZoneFrom.PERSON
        return self._printed_near(wall), ZoneFrom.NONE

    # -- told by the clock on the wall ---------------------------------------------------------

    def _on_the_wall(self, sent: Session, source: Source) -> Place:
        """One neighbour tells the place of a sleep, from the side that it lies on.

        It does not where it was at home: an offset knows no change of clocks, the person's zone
        does. Nor where that zone's clock was set just as this sleep says.
        """
        if (own := sent.zone_start or sent.zone_end) is not None:
            return settle(sent, own, ZoneFrom.RECORD, last=sent.zone_start is None)
        near = self._nearest((sent.start, sent.end), source, wall=True)
        later = near is not None and abs(near.wall - sent.end) < abs(near.wall - sent.start)
        home = near is None or self._at_home(near)
        first, last = (self._persons(at, wall=True) for at in (sent.start, sent.end))
        if first and last and (home or set_meanwhile(sent)) and fits(sent, first, last):
            return Place(first, last, ZoneFrom.PERSON)
        if last and home:
            return settle(sent, last, ZoneFrom.PERSON, last=later or first != last)
        if near is not None:
            return settle(sent, near.zone, ZoneFrom.NEIGHBOUR, last=later)
        if sent.printed is not None:
            return settle(sent, offset_name(sent.printed), ZoneFrom.FILE)
        return settle(sent, self._printed_near(sent.start), ZoneFrom.NONE)

    # -- told as instants ----------------------------------------------------------------------

    def _home(self, sent: Session) -> Place | None:
        """Where only the offset of the start is told, and it is that of where the person lives.

        Then the end is there too, in what the clocks showed by then: they may have changed.
        """
        if sent.zone_start is None:
            return None
        mine = self._persons(sent.start, wall=False)
        if mine is None or _differ(sent.start, mine, sent.zone_start):
            return None
        return Place(sent.zone_start, mine, ZoneFrom.PERSON)

    def _zone(
        self, at: dt.datetime, own: str | None, source: Source, sent: Session
    ) -> tuple[str, ZoneFrom]:
        if own is not None:
            return own, ZoneFrom.RECORD
        near = self._nearest((at, at), source, wall=False)
        if near is not None and not self._at_home(near):
            return near.zone, ZoneFrom.NEIGHBOUR
        if (mine := self._persons(at, wall=False)) is not None:
            return mine, ZoneFrom.PERSON
        if sent.printed is not None:
            return offset_name(sent.printed), ZoneFrom.FILE
        return self._printed_near(at), ZoneFrom.NONE

    # -- who tells it --------------------------------------------------------------------------

    def _nearest(
        self, span: tuple[dt.datetime, dt.datetime], source: Source, *, wall: bool
    ) -> Mark | None:
        """The mark nearest to either end, of the same source if one is near."""
        marks = self.walls if wall else self.marks

        def when(mark: Mark) -> dt.datetime:
            return mark.wall if wall else mark.at

        def away(mark: Mark) -> dt.timedelta:
            return min(abs(when(mark) - end) for end in span)

        low = bisect_left(marks, span[0] - NEAR, key=when)
        high = bisect_right(marks, span[1] + NEAR, key=when)
        near = [mark for mark in marks[low:high] if away(mark) <= NEAR]
        same = [mark for mark in near if self._one_source(mark.source, source)]
        return min(same or near, key=lambda mark: (away(mark), mark), default=None)

    def _at_home(self, mark: Mark) -> bool:
        """Whether an offset is that of where the person lived then."""
        mine = self._persons(mark.at, wall=False) if is_offset(mark.zone) else None
        return mine is not None and not _differ(mark.at, mine, mark.zone)

    def _source(self, source: Source) -> Source:
        provider, account, key = source
        return provider, self.homes.get((provider, account), account), key

    def _one_source(self, told: Source, source: Source) -> bool:
        """Whether both are one device, as far as anybody says which."""
        one, two = self._source(told), source
        return one == two or (one[:2] == two[:2] and UNNAMED in (one[2], two[2]))

    def _persons(self, at: dt.datetime, *, wall: bool) -> str | None:
        """By the date at the place itself, so that a zone begins at its own midnight."""
        for first, zone in reversed(self.known):
            if first == people.FIRST_DAY:
                return zone
            if (at if wall else local(at, zone or "UTC")).date() >= first:
                return zone
        return None

    def _printed_near(self, at: dt.datetime) -> str:
        """What files print for sleeps around: a guess that at least agrees with theirs."""
        near = [p for p in self.prints if abs(p[0] - at) <= NEAR]
        return min(near, key=lambda p: (abs(p[0] - at), p))[1] if near else "UTC"


def _marks(stored: Stored) -> Iterator[Mark]:
    """What a session tells of its ends, unless its maker told it no more."""
    sent, report = stored.sent, stored.report
    if stored.hidden or stored.absent_since is not None:
        return
    source = (report.provider, report.account, sent.source.key)
    if sent.wall and sent.zone_start is not None and sent.zone_end is not None:
        where = Place(sent.zone_start, sent.zone_end, ZoneFrom.RECORD)
        sent = replace(as_instants(sent, where), wall=False)
    if not sent.wall:
        ends = ((sent.start, sent.zone_start), (sent.end, sent.zone_end))
        yield from (Mark(at, zone, source) for at, zone in ends if zone is not None)


def _differ(at: dt.datetime, zone: str, other: str) -> bool:
    return local(at, zone).utcoffset() != local(at, other).utcoffset()
