"""One session of Google Fit as it came, and which of the stages that lie in it are its own."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sleepbalance.model import MANUAL_MARK, UNNAMED, Source
from sleepbalance.payloads import decode, digest, inside, pack, text
from sleepbalance.provider import Raw, misplaced
from sleepbalance.provider.places import LONGEST
from sleepbalance.stretches import Span

from .points import HAND, Point, millis, name

ASLEEP = 72  # the activity


@dataclass(frozen=True, slots=True)
class Told:
    """A session. One with a `problem` has no place in time."""

    sent: bytes
    key: str
    app: str
    start: dt.datetime | None
    end: dt.datetime | None
    modified: dt.datetime | None
    problem: str | None

    @property
    def span(self) -> Span:
        assert self.start is not None
        assert self.end is not None
        return self.start, self.end

    @property
    def order(self) -> tuple[float, bytes]:
        """Of two versions the later one is the larger."""
        return self.modified.timestamp() if self.modified else 0.0, self.sent

    def meets(self, span: Span) -> bool:
        """Whether they share more than an edge."""
        if self.problem is not None:
            return False
        return max(self.span[0], span[0]) < min(self.span[1], span[1])


def told_by(sent: bytes, now: dt.datetime) -> Told | None:
    """None for what is no sleep, and for one that is still going on."""
    told = inside(decode(sent))
    if told.get("activityType", ASLEEP) != ASLEEP or told.get("endTimeMillis") in (None, 0, "0"):
        return None
    app = inside(told, "application")
    start, end = millis(told.get("startTimeMillis")), millis(told.get("endTimeMillis"))
    key = text(told.get("id"))
    problem = misplaced(start, end, now, None if key else "has no id")
    return Told(
        sent=sent,
        key=f"sleep/{key or digest(sent)}",
        app=name(app.get("packageName")) or name(app.get("name")),
        start=None if problem else start,
        end=None if problem else end,
        modified=millis(told.get("modifiedTimeMillis")),
        problem=problem,
    )


def source_of(app: str) -> Source:
    """An app is a source, by its package name."""
    return Source(app.casefold() or UNNAMED, app or "an app without a name")


def stages_of(session: Told, points: Sequence[Point], near: Iterable[Told]) -> tuple[Point, ...]:
    """The stages that its own app told; `points` are in order of their start.

    Where that told none, those of the one other app that did, if nobody else tells of this sleep:
    an app may write its sleeps and their stages under two names.
    """
    by_app: dict[str, list[Point]] = {}
    first, last = session.span
    low, high = (bisect_left(points, edge, key=_begins) for edge in (first - LONGEST, last))
    for point in points[low:high]:
        if session.meets((point.start, point.end)):
            by_app.setdefault(source_of(point.app).key, []).append(point)
    own = source_of(session.app).key
    others = [each for each in near if source_of(each.app).key != own]
    if own not in by_app and (len(by_app) != 1 or any(o.meets(session.span) for o in others)):
        return ()
    return tuple(by_app.get(own) or next(iter(by_app.values())))


def _begins(point: Point) -> dt.datetime:
    return point.start


def raw_of(session: Told, stages: Sequence[Point]) -> Raw:
    """The session and its stages, as sent. What a person typed in is a source of its own."""
    source = source_of(session.app)
    if stages and all(point.stream.endswith(f":{HAND}") for point in stages):
        source = replace(source, key=source.key + MANUAL_MARK)
    sent = pack([point.sent for point in sorted(set(stages))])
    return Raw(
        key=session.key,
        kind="sleep",
        source=source,
        payload=b'{"session":' + session.sent + b',"point":' + sent + b"}",
        start=session.start,
        end=session.end,
        revised_at=session.modified,
        problem=session.problem,
    )
