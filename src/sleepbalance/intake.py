"""Takes in what was read: raw records are kept, and the sleeps that they touch made anew."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice, pairwise, takewhile

from sleepbalance.model import Session
from sleepbalance.provider import Provider, Raw
from sleepbalance.store import raws, sessions
from sleepbalance.store.engine import Connection
from sleepbalance.store.history import Counts
from sleepbalance.store.raws import Owner
from sleepbalance.store.sessions import Stored
from sleepbalance.store.spool import Spool
from sleepbalance.stretches import Span, Stretches, push

BATCH = dt.timedelta(days=30)  # clusters of so much time are worked on together
AT_ONCE = 10  # companions that are held in memory together
NEAR = dt.timedelta(hours=24)  # a record that names its zone tells it to sleeps this near
ACCOUNT = ""  # the source of what belongs to the account, and goes with each of its sources


@dataclass(frozen=True, slots=True)
class Cluster:
    """Raw records of one source that touch each other."""

    start: dt.datetime
    end: dt.datetime
    raws: tuple[Raw, ...]


def clusters(records: Iterable[Raw], reach: dt.timedelta) -> Iterator[Cluster]:
    """Records in order of their start, cut where the pause is longer than `reach`."""
    group: list[Raw] = []
    first = until = dt.datetime.min.replace(tzinfo=dt.UTC)
    for raw in records:
        start, end = span_of(raw)
        if group and start > until + reach:
            yield Cluster(first, until, tuple(group))
            group = []
        if not group:
            first = until = start
        group.append(raw)
        until = max(until, end)
    if group:
        yield Cluster(first, until, tuple(group))


def span_of(raw: Raw) -> Span:
    """The span of a record that can be placed in time."""
    if raw.start is None or raw.end is None:
        raise ValueError("this record has no place in time")
    return raw.start, raw.end


@dataclass
class Intake:
    """What taking in changed. `changed` are the spans whose nights have to be derived again.

    `leaving` are sessions that the maker has no more, by their ids: they are hidden, unless what
    came takes their place. With `roaming` a record may move from one source to another.
    """

    connection: Connection
    owner: Owner
    provider: Provider
    bond: str  # the connection that brought it
    now: dt.datetime
    changed: list[Span] = field(default_factory=list)
    unread: Mapping[str, int] = field(default_factory=dict)  # reason → set aside on reading
    unused: dict[str, str] = field(default_factory=dict)  # key of a record → why it made no sleep
    leaving: dict[str, Stored] = field(default_factory=dict)
    roaming: bool = False
    tally: Counter[str] = field(default_factory=Counter)
    withdrawn: set[str] = field(default_factory=set)  # ids of sessions that were hidden
    ends: tuple[dt.datetime, dt.datetime] | None = None  # of the first and of the last sleep
    moved: dict[str, list[Span]] = field(default_factory=dict)  # out of a source
    bared: list[Span] = field(default_factory=list)  # what changed records no longer speak of

    @property
    def counts(self) -> Counts:
        return Counts(**self.tally)

    @property
    def removed(self) -> int:
        return len(self.withdrawn)

    @cached_property
    def shared(self) -> bool:
        """Whether anything belongs to the account rather than to a source of it."""
        return raws.knows(self.connection, self.owner, ACCOUNT)

    @cached_property
    def known_before(self) -> bool:
        """Whether anything of the account was kept before: it may have been another source's."""
        return raws.knows(self.connection, self.owner)

    @property
    def aside(self) -> Counter[str]:
        """Why records were set aside, with how many each; every record once."""
        return Counter(self.unread) + Counter(self.unused.values())

    def take(self, spool: Spool, as_of: dt.datetime | None = None) -> None:
        """Takes in all that the spool holds.

        With `as_of` the spool is the whole truth up to then: what a source of it had before and
        has no more is marked absent, and its sleeps are hidden.
        """
        around: list[Span] = []
        if ACCOUNT in spool.sources:
            around = self._spans_of(self._keep(spool, ACCOUNT))
        told = [source for source in spool.sources if source != ACCOUNT]
        for source in told:
            self._take(spool, source, as_of, around)
        for source, spans in self.moved.items():
            self._rework(spool, source, spans)
            self._hide(source, Stretches(spans))
        others = raws.sources(self.connection, self.owner) if around or self.leaving else []
        for source in others:
            if source not in told:
                self._rework(spool, source, [*around, *self._left_by(source)])
        for stored in list(self.leaving.values()):
            self.withdraw(stored)

    def _take(
        self, spool: Spool, source: str, as_of: dt.datetime | None, around: Sequence[Span]
    ) -> None:
        known = self.roaming or self.known_before
        if as_of is None and not known:
            self._take_new(spool, source)
            return
        touched = [*around, *self._left_by(source), *self._spans_of(self._keep(spool, source))]
        gone: list[Span] = []
        if as_of is not None:
            lost = raws.absent(self.connection, self.owner, source, as_of, spool.has, self.now)
            gone = [span_of(raw) for raw in lost if raw.start is not None]
        said: list[Span] = []
        for start, end in spool.spans(source):
            push(said, start, end)
        self._rework(spool, source, touched, Stretches([*said, *gone]))
        if gone or self.bared:
            self._hide(source, Stretches([*gone, *self.bared]))
            self.bared.clear()

    def _rework(
        self,
        spool: Spool,
        source: str,
        touched: Sequence[Span],
        spoken: Stretches | None = None,
    ) -> None:
        """Makes the sleeps of a source anew where it was touched or `spoken` of."""
        spoken = spoken or Stretches()
        around = Stretches([*spoken.merged, *touched], reach=BATCH)
        work = _Source(self, source, spool, spoken, Stretches([*spoken.merged, *touched]))
        for low, high in around.merged:
            work.between(low, high)

    def _left_by(self, source: str) -> list[Span]:
        """Where sleeps of a source are leaving."""
        return [
            (stored.sent.start, stored.sent.end)
            for stored in self.leaving.values()
            if stored.sent.source.key == source
        ]

    @staticmethod
    def _spans_of(found: Iterable[Raw]) -> list[Span]:
        touched: list[Span] = []
        for raw in found:
            push(touched, *span_of(raw))
        return touched

    def _take_new(self, spool: Spool, source: str) -> None:
        """The same for a source of which nothing is known yet: nothing has to be read again."""
        kept = self._keep(spool, source, new=True)
        records = (raw for raw in kept if not raw.companion)
        _Source(self, source, spool, Stretches(), None).work(clusters(records, self.provider.reach))

    def _keep(self, spool: Spool, source: str, *, new: bool = False) -> Iterator[Raw]:
        """Stores the raw records, companions first; gives the new and the changed ones."""
        merge = self.provider.merge
        keeper = raws.Keeper(self.connection, self.owner, merge, self.bond, self.now, new)
        beside = spool.companions(source)
        packs = iter(lambda: list(islice(beside, AT_ONCE)), [])
        for batch in chain(packs, spool.records(source)):
            kept = keeper.keep(batch)
            self.bared += [span for pair in pairwise(kept) for span in _bared(*pair)]
            for raw in kept:
                if raw.problem is not None or raw.start is None:
                    continue
                start, end = span_of(raw)
                if raw.zone is not None:
                    push(self.changed, start - NEAR, end + NEAR)
                if raw.source.key != source:
                    self.moved.setdefault(raw.source.key, []).append((start, end))
                yield raw

    def count(self, session: Session, outcome: str) -> None:
        """Counts one sleep."""
        self.tally[outcome] += 1
        first, last = self.ends or (session.end, session.end)
        self.ends = (min(first, session.end), max(last, session.end))

    def withdraw(self, stored: Stored) -> None:
        """Hides a session that the maker has no more; nothing is erased."""
        self.leaving.pop(stored.report.id, None)
        sessions.hide(self.connection, [stored.report.id], self.now)
        self.count(stored.report.session, "updated")
        self.withdrawn.add(stored.report.id)
        self.changed.append(_reported(stored))

    def _hide(self, source: str, gone: Stretches) -> None:
        """Hides the sleeps under which no record is left there."""
        for low, high in gone.merged:
            for stored in sessions.of_source(self.connection, self.owner, source, low, high):
                span = stored.sent.start, stored.sent.end  # where its records lie
                where = (self.connection, self.owner, source, *span)
                if not stored.hidden and not raws.between(*where, companion=False):
                    self.withdraw(stored)


@dataclass
class _Source:
    """One source: the clusters that were touched become sessions, compared with what stands."""

    intake: Intake
    source: str
    spool: Spool
    spoken: Stretches  # where what was brought speaks of a sleep
    touched: Stretches | None  # None: all that there is

    def between(self, low: dt.datetime, high: dt.datetime) -> None:
        """Works on every touched cluster of [low, high]."""
        intake, reach = self.intake, self.intake.provider.reach
        with raws.from_start(intake.connection, intake.owner, self.source, low, reach) as found:
            self.work(takewhile(lambda cluster: cluster.start <= high, clusters(found, reach)))

    def work(self, found: Iterable[Cluster]) -> None:
        """Works on every touched cluster, some weeks at a time."""
        batch: list[Cluster] = []
        for cluster in found:
            if batch and cluster.end - batch[0].start > BATCH:
                self._work(batch)
                batch = []
            if self.touched is None or self.touched.touch(cluster.start, cluster.end):
                batch.append(cluster)
        if batch:
            self._work(batch)

    def _work(self, batch: Sequence[Cluster]) -> None:
        intake = self.intake
        span = (batch[0].start, max(cluster.end for cluster in batch))
        where = (intake.connection, intake.owner, self.source, *span)
        beside = raws.between(*where, companion=True, shared=intake.shared)
        stored = sessions.of_source(*where)
        fresh: list[Session] = []
        withdrawn: set[str] = set()
        for cluster in batch:
            near = [raw for raw in beside if _overlap(raw, cluster)]
            said = intake.provider.normalise([*cluster.raws, *near])
            withdrawn.update(said.withdrawn)
            for key, reason in said.aside:
                if self.spool.readable(key):
                    intake.unused.setdefault(key, reason)
            standing = [s for s in stored if _within(s, cluster)]
            known = self._known(standing, said.sessions)
            fresh += self._compare(known, list(said.sessions), withdrawn)
        sessions.insert_all(intake.connection, intake.owner, fresh, intake.bond, intake.now)

    def _known(self, standing: list[Stored], said: Sequence[Session]) -> list[Stored]:
        """What stands here, and what another source told before under the same names."""
        intake = self.intake
        here = {stored.sent.external_id for stored in standing}
        names = [s.external_id for s in said if s.external_id not in here]
        if not names or not (intake.roaming or intake.known_before):
            return standing
        return [*standing, *sessions.named(intake.connection, intake.owner, names)]

    def _compare(
        self, standing: list[Stored], said: list[Session], withdrawn: Collection[str]
    ) -> list[Session]:
        """Replaces what stands by what is said now; a row keeps its id where it is the same.

        Gives the sessions that are new. What the maker takes back is hidden, and kept.
        """
        intake, fresh = self.intake, list[Session]()
        pairs, left = _paired(said, standing)
        for stored in left:
            taken_back = stored.sent.external_id in withdrawn and not stored.hidden
            if stored.report.id in intake.leaving or taken_back:
                intake.withdraw(stored)
            elif not stored.hidden:  # became part of another one
                sessions.remove(intake.connection, [stored.report.id])
                intake.changed.append(_reported(stored))
        for session, before in pairs:
            told = self.spoken.touch(session.start, session.end)
            if before is None:
                fresh.append(session)
                intake.count(session, "inserted")
                intake.changed.append((session.start, session.end))
            elif before.hidden or before.payload_hash != sessions.fingerprint(session):
                where = intake.connection, before, session, intake.bond, intake.now
                sessions.revise(*where, told=told)
                intake.leaving.pop(before.report.id, None)
                intake.count(session, "updated")
                intake.changed += [_reported(before), (session.start, session.end)]
            elif told:
                intake.count(session, "skipped")
        return fresh


def _paired(
    said: Sequence[Session], standing: Sequence[Stored]
) -> tuple[list[tuple[Session, Stored | None]], list[Stored]]:
    """Each session with the stored one that it replaces: by id, else by overlap; and the rest."""
    named = {stored.sent.external_id: stored for stored in standing}
    own = [named.pop(session.external_id, None) for session in said]
    left = list(named.values())
    pairs = [(s, b if b is not None else _shared(s, left)) for s, b in zip(said, own, strict=True)]
    return pairs, left


def _shared(session: Session, left: list[Stored]) -> Stored | None:
    """The stored session that shares most time with this one; taken out of `left`."""

    def shared(stored: Stored) -> dt.timedelta:
        other = stored.sent
        return min(session.end, other.end) - max(session.start, other.start)

    best = max(left, key=shared, default=None)
    if best is None or shared(best) <= dt.timedelta(0):
        return None
    left.remove(best)
    return best


def _bared(before: Raw, after: Raw) -> Iterator[Span]:
    """Where a record spoke of sleep and does not any more, e.g. of a nap that was taken out."""
    if before.key != after.key or after.companion or before.start is None or after.start is None:
        return
    was, now = span_of(before), span_of(after)
    if was[0] < now[0]:
        yield was[0], min(was[1], now[0])
    if now[1] < was[1]:
        yield max(was[0], now[1]), was[1]


def _overlap(raw: Raw, cluster: Cluster) -> bool:
    start, end = span_of(raw)
    return start <= cluster.end and end >= cluster.start


def _within(stored: Stored, cluster: Cluster) -> bool:
    sent = stored.sent
    return sent.start <= cluster.end and sent.end >= cluster.start


def _reported(stored: Stored) -> Span:
    return stored.report.session.start, stored.report.session.end
