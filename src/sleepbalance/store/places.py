"""Where in time a session lies: what the clock on its wall means where it was slept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sleepbalance.model import Session, ZoneFrom, local, zone_info


@dataclass(frozen=True, slots=True)
class Place:
    """Where in time a session lies: zones of both ends and where they are from."""

    zone_start: str
    zone_end: str
    zone_from: ZoneFrom


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

    A start that the clock showed twice, or never, is the one that agrees with the clock at the end.
    """
    starts = [from_wall(session.start, where.zone_start, fold) for fold in (0, 1)]
    if not session.parts:
        return starts[0], from_wall(session.end, where.zone_end)
    length = dt.timedelta(seconds=session.parts[-1].end)
    shown = session.end.replace(tzinfo=None)
    agree = [s for s in starts if local(s + length, where.zone_end).replace(tzinfo=None) == shown]
    start = agree[0] if agree else starts[0]
    return start, start + length


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
