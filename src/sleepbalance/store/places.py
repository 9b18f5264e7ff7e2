"""Where in time a session lies: what the clock on its wall means where it was slept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sleepbalance.model import Session, ZoneFrom, local, offset_name, zone_info
from sleepbalance.provider.places import EAST, WEST

QUARTER = 15 * 60  # seconds: all offsets are multiples of it


@dataclass(frozen=True, slots=True)
class Place:
    """Where in time a session lies: zones of both ends and where they are from."""

    zone_start: str
    zone_end: str
    zone_from: ZoneFrom


def settle(session: Session, zone: str, zone_from: ZoneFrom, *, last: bool = False) -> Place:
    """Where a sleep that was told on the wall lay, if `zone` is where it began, or the `last`.

    By how much the clock was set between its ends the sleep says itself: it is what the wall shows
    more than it lasted. Where the zone's own clock was not set so, the other end has an offset that
    was. An end that was only reckoned, or that no clock on earth can have shown, is the zone's.
    """
    ahead = set_meanwhile(session)
    if ahead is None or fits(session, zone, zone):
        return Place(zone, zone, zone_from)
    for of_end in (last, not last) if ahead and ahead % QUARTER == 0 else ():
        wall = session.end if of_end else session.start
        near = _showing(wall, zone)
        here = offset(from_wall(wall, near), near)
        far = here - ahead if of_end else here + ahead
        if -WEST.total_seconds() <= far <= EAST.total_seconds():
            there = offset_name(far)
            return Place(*((there, near) if of_end else (near, there)), zone_from)
    start = _showing(session.start, zone)
    return Place(start, zone if fits(session, start, zone) else start, zone_from)


def set_meanwhile(session: Session) -> int | None:
    """Seconds by which the clock on the wall was put on during a sleep; None where nobody knows."""
    length = _length(session)
    return None if length is None else int((session.end - session.start - length).total_seconds())


def fits(session: Session, first: str, last: str) -> bool:
    """Whether the clocks there showed both of its ends."""
    length = _length(session)
    return length is not None and any(
        _wall(start, first) == session.start and _wall(start + length, last) == session.end
        for start in (from_wall(session.start, first, fold) for fold in (0, 1))
    )


def _showing(wall: dt.datetime, zone: str) -> str:
    """The zone, if its clock ever showed that; else the offset that it was put on to there."""
    if _wall(from_wall(wall, zone), zone) == wall:
        return zone
    ahead = wall - from_wall(wall, zone, fold=1)
    return offset_name(int(ahead.total_seconds()))


def _length(session: Session) -> dt.timedelta | None:
    return dt.timedelta(seconds=session.parts[-1].end) if session.parts else None


def as_instants(session: Session, where: Place) -> Session:
    """The session with wall-clock times turned into instants of its place."""
    if not session.wall:
        return session
    start, end = _ends(session, where)
    return replace(
        session,
        start=start,
        end=end,
        sleep_start=session.sleep_start and from_wall(session.sleep_start, where.zone_start),
        sleep_end=session.sleep_end and from_wall(session.sleep_end, where.zone_end),
    )


def _ends(session: Session, where: Place) -> tuple[dt.datetime, dt.datetime]:
    """Its parts tell how long it lasted, however the clock was set meanwhile.

    A start that the clock showed twice is the one that agrees with the clock at the end.
    """
    starts = [from_wall(session.start, where.zone_start, fold) for fold in (0, 1)]
    length = _length(session)
    if length is None:
        return starts[0], from_wall(session.end, where.zone_end)
    agree = [start for start in starts if _wall(start + length, where.zone_end) == session.end]
    start = agree[0] if agree else starts[0]
    return start, start + length


def _wall(instant: dt.datetime, zone: str) -> dt.datetime:
    """What the clock on the wall showed, as if in UTC."""
    return local(instant, zone).replace(tzinfo=dt.UTC, fold=0)


def from_wall(wall: dt.datetime, zone: str, fold: int = 0) -> dt.datetime:
    """The instant at which the clock on the wall of `zone` showed `wall`, first or again."""
    return wall.replace(tzinfo=zone_info(zone), fold=fold).astimezone(dt.UTC)


def offset(instant: dt.datetime, zone: str) -> int:
    """Seconds that the clock of `zone` was ahead of UTC."""
    ahead = local(instant, zone).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds())


def naive(wall: dt.datetime) -> str:
    """A wall clock as the tables spell it."""
    return f"{wall:%Y-%m-%dT%H:%M:%S}"
