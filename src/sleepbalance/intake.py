"""Takes in what was read: raw records are kept, and the sleeps that they touch made anew."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sleepbalance.model import Session
from sleepbalance.provider import Provider, Raw
from sleepbalance.store import raws, sessions
from sleepbalance.store.engine import Connection
from sleepbalance.store.history import Counts
from sleepbalance.store.raws import Owner
from sleepbalance.store.sessions import Stored
from sleepbalance.store.spool import Spool

Span = tuple[dt.datetime, dt.datetime]
SLICE = dt.timedelta(days=45)  # so much of a source is held in memory at a time
NEAR = dt.timedelta(hours=24)  # a record that names its zone tells it to sleeps this near


class Spans:
    """Stretches of time, merged where they touch, that can be asked quickly."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.merged: list[Span] = []
        for start, end in sorted(spans):
            if self.merged and start <= self.merged[-1][1]:
                self.merged[-1] = (self.merged[-1][0], max(end, self.merged[-1][1]))
            else:
                self.merged.append((start, end))

    def touch(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Whether any of them shares an instant with [start, end]."""
        at = bisect_left(self.merged, start, key=lambda span: span[1])
        return at < len(self.merged) and self.merged[at][0] <= end

    def slices(self, size: dt.timedelta) -> Iterator[Span]:
        """Stretches of at most `size` that cover all of them, in order."""
        current: Span | None = None
        for start, end in self.merged:
            low = start
            while low <= end:
                high = min(end, low + size)
                if current is not None and high - current[0] <= size:
                    current = (current[0], high)
                else:
                    if current is not None:
                        yield current
                    current = (low, high)
                if high == end:
                    break
                low = high
        if current is not None:
            yield current


def _push(spans: list[Span], start: dt.datetime, end: dt.datetime) -> None:
    """Adds a stretch, joined with the last one where they touch: the list stays short."""
    if spans and spans[-1][0] <= start <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((start, end))


@dataclass(frozen=True, slots=True)
class Cluster:
    """Raw records of one source that touch each other."""

    start: dt.datetime
    end: dt.datetime
    raws: tuple[Raw, ...]


def clusters(records: Sequence[Raw], reach: dt.timedelta) -> list[Cluster]:
    """Records in order of their start, cut where the pause is longer than `reach`."""
    found: list[list[Raw]] = []
    until: dt.datetime | None = None
    for raw in records:
        start, end = span_of(raw)
        if until is None or start > until + reach:
            found.append([])
            until = end
        found[-1].append(raw)
        until = max(until, end)
    return [
        Cluster(span_of(group[0])[0], max(span_of(raw)[1] for raw in group), tuple(group))
        for group in found
    ]


def span_of(raw: Raw) -> Span:
    """The span of a record that can be placed in time."""
    if raw.start is None or raw.end is None:
        raise ValueError("this record has no place in time")
    return raw.start, raw.end


@dataclass
class Intake:
    """What taking in changed. `changed` are the spans whose nights have to be derived again."""

    connection: Connection
    owner: Owner
    provider: Provider
    bond: str  # the connection that brought it
    changed: list[Span] = field(default_factory=list)
    aside: dict[str, int] = field(default_factory=dict)
    inserted: int = 0
    updated: int = 0
    skipped: int = 0
    removed: int = 0
    ends: list[dt.datetime] = field(default_factory=list)  # of the first and the last sleep

    @property
    def counts(self) -> Counts:
        return Counts(inserted=self.inserted, updated=self.updated, skipped=self.skipped)

    def take(self, spool: Spool, source: str, as_of: dt.datetime | None = None) -> None:
        """Takes in all that the spool holds of a source.

        With `as_of` the spool is the whole truth up to then: what the source had before and has
        no more is marked absent, and its sleeps are hidden.
        """
        touched = self._keep(spool, source)
        gone: list[Span] = []
        if as_of is not None:
            lost = raws.absent(self.connection, self.owner, source, as_of, spool.has)
            gone = [span_of(raw) for raw in lost if raw.start is not None]
        spoken = Spans([*spool.spans(source), *gone])
        done: dt.datetime | None = None
        for low, high in Spans([*spoken.merged, *touched]).slices(SLICE):
            work = _Slice(self, source, spoken, low, high, after=done)
            done = work.run(spool, Spans(touched + spoken.merged))
            self._hide(source, Spans(gone), low, high)

    def _keep(self, spool: Spool, source: str) -> list[Span]:
        """Stores the raw records; gives the spans of those that are new or changed."""
        merge = self.provider.merge
        touched: list[Span] = []
        records = spool.records(source)
        beside = ([raw] for raw in spool.companions(source))
        for batch in chain(records, beside):
            for raw in raws.keep(self.connection, self.owner, batch, merge, self.bond):
                if raw.problem is not None or raw.start is None:
                    continue
                start, end = span_of(raw)
                _push(touched, start, end)
                if raw.zone is not None:
                    _push(self.changed, start - NEAR, start + NEAR)
        return touched

    def count(self, session: Session, outcome: str) -> None:
        """Counts one sleep."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.ends = [min([session.end, *self.ends]), max([session.end, *self.ends])]

    def _hide(self, source: str, gone: Spans, low: dt.datetime, high: dt.datetime) -> None:
        """Hides the sleeps of which nothing is left after an export was taken at its word."""
        if not gone.merged:
            return
        left = raws.between(self.connection, self.owner, source, low, high, companion=False)
        there = Spans([span_of(raw) for raw in left])
        for stored in sessions.of_source(self.connection, self.owner, source, low, high):
            session = stored.report.session
            hidden = stored.hidden or there.touch(session.start, session.end)
            if hidden or not gone.touch(session.start, session.end):
                continue
            sessions.hide(self.connection, [stored.report.id])
            self.count(session, "updated")
            self.removed += 1
            self.changed.append((session.start, session.end))


@dataclass
class _Slice:
    """One stretch of one source: its clusters become sessions, compared with what stands."""

    intake: Intake
    source: str
    spoken: Spans  # where what was brought speaks of a sleep
    low: dt.datetime
    high: dt.datetime
    after: dt.datetime | None  # up to here the slice before has worked already

    def run(self, spool: Spool, touched: Spans) -> dt.datetime | None:
        """Works on every cluster that was touched; gives the end of the last one."""
        done = self.after
        records = self._connected()
        beside = self._between(companion=True)
        stored = self._stored()
        for cluster in clusters(records, self.intake.provider.reach):
            if done is not None and cluster.start <= done:
                continue
            if not touched.touch(cluster.start, cluster.end):
                continue
            near = [raw for raw in beside if _overlap(raw, cluster)]
            said = self.intake.provider.normalise([*cluster.raws, *near])
            for key, reason in said.aside:
                if spool.has(key):
                    self.intake.aside[reason] = self.intake.aside.get(reason, 0) + 1
            standing = [s for s in stored if _within(s, cluster)]
            self._compare(standing, list(said.sessions))
            done = cluster.end
        return done

    def _connected(self) -> list[Raw]:
        """The records of the slice, widened until no cluster is cut at its edges."""
        reach = self.intake.provider.reach
        self.low, self.high = self.low - reach, self.high + reach
        while True:
            found = self._between(companion=False)
            if not found:
                return []
            low = min(span_of(raw)[0] for raw in found) - reach
            high = max(span_of(raw)[1] for raw in found) + reach
            if low >= self.low and high <= self.high:
                return found
            self.low, self.high = min(low, self.low), max(high, self.high)

    def _between(self, *, companion: bool) -> list[Raw]:
        return raws.between(
            self.intake.connection,
            self.intake.owner,
            self.source,
            self.low,
            self.high,
            companion=companion,
        )

    def _stored(self) -> list[Stored]:
        intake = self.intake
        return sessions.of_source(intake.connection, intake.owner, self.source, self.low, self.high)

    def _compare(self, standing: list[Stored], fresh: list[Session]) -> None:
        """Replaces what stands by what is said now; a row keeps its id where it is the same."""
        intake, left = self.intake, list(standing)
        pairs = [(session, _same(session, left)) for session in fresh]
        for stored in left:  # became part of another one
            sessions.remove(intake.connection, [stored.report.id])
            intake.changed.append(_reported(stored))
        for session, before in pairs:
            if before is None:
                sessions.insert_one(intake.connection, intake.owner, session, intake.bond)
                intake.count(session, "inserted")
                intake.changed.append((session.start, session.end))
            elif before.hidden or before.payload_hash != sessions.fingerprint(session):
                sessions.revise(intake.connection, before, session, intake.bond)
                intake.count(session, "updated")
                intake.changed += [_reported(before), (session.start, session.end)]
            elif self.spoken.touch(session.start, session.end):
                intake.count(session, "skipped")


def _same(session: Session, left: list[Stored]) -> Stored | None:
    """The stored session that this one replaces, by id, else by overlap; taken out of `left`."""

    def likeness(stored: Stored) -> tuple[bool, dt.timedelta]:
        other = stored.sent
        shared = min(session.end, other.end) - max(session.start, other.start)
        return other.external_id == session.external_id, shared

    best = max(left, key=likeness, default=None)
    if best is None or likeness(best) <= (False, dt.timedelta(0)):
        return None
    left.remove(best)
    return best


def _overlap(raw: Raw, cluster: Cluster) -> bool:
    start, end = span_of(raw)
    return start <= cluster.end and end >= cluster.start


def _within(stored: Stored, cluster: Cluster) -> bool:
    sent = stored.sent
    return sent.start <= cluster.end and sent.end >= cluster.start


def _reported(stored: Stored) -> Span:
    return stored.report.session.start, stored.report.session.end
