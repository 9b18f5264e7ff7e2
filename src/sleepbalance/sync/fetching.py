"""Fetches one window into a spool, without a transaction: the sleeps, then what goes with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sleepbalance.errors import (
    Malformed,
    NotEntitled,
    RateLimited,
    ScopeMissing,
    SleepBalanceError,
    Unavailable,
)
from sleepbalance.model import local
from sleepbalance.provider import Ask, OAuth, Raw, Resource, Scope
from sleepbalance.store import raws
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import Engine, reading
from sleepbalance.store.leases import Lease
from sleepbalance.store.spool import Spool
from sleepbalance.sync.jobs import Job, Step
from sleepbalance.sync.windows import unanswered, unsettled_since

LATER = (Unavailable, RateLimited, Malformed)  # the same may work when it is asked again


@dataclass(slots=True)
class Fetched:
    """What came of a window: how many sleeps, and what could not be had beside them."""

    ask: Ask
    sleeps: int = 0
    whole: bool = True  # every sleep of the answer could be read
    troubles: list[tuple[str, SleepBalanceError]] = field(default_factory=list)
    came: dict[str, int] = field(default_factory=dict)  # records by resource, where it was asked
    asked: list[dt.date] = field(default_factory=list)  # of each sleep whose companions were asked
    all_asked: bool = False  # no sleep of the window was left out of that

    @property
    def again(self) -> bool:
        """Whether something is missing that may come when it is asked again."""
        return any(isinstance(error, LATER) for _, error in self.troubles)


def scope_missing(job: Job, step: Step) -> ScopeMissing | None:
    """What stands in the way where the person did not allow what everything else needs."""
    needed = {scope.name: scope.reads for scope in _scopes(job) if scope.needed}
    first = job.door.api.resources[:1]
    needed |= {resource.scope: resource.name for resource in first if resource.scope}
    absent = [reads for name, reads in needed.items() if _lacks(step.bond, name)]
    if not absent:
        return None
    return ScopeMissing(
        f"You did not allow {job.provider.name} to tell your {' and '.join(absent)}, so nothing can"
        f" be fetched. Connect again and allow it: {step.again}"
    )


def order_missing(job: Job, bond: Connected) -> Scope | None:
    """The permission without which nothing is ordered, though what is new comes by push."""
    absent = [scope for scope in _scopes(job) if _lacks(bond, scope.name)]
    if any(scope.needed for scope in absent):
        return None  # then nothing comes at all, which a sync says
    return next((scope for scope in absent if scope.name == job.door.api.order_scope), None)


def _scopes(job: Job) -> tuple[Scope, ...]:
    return job.door.scopes if isinstance(job.door, OAuth) else ()


def _lacks(bond: Connected, scope: str) -> bool:
    return bool(bond.scopes) and scope not in bond.scopes


@dataclass(frozen=True, slots=True)
class Fetching:
    """One window being fetched."""

    engine: Engine
    job: Job
    lease: Lease
    step: Step
    spool: Spool

    def fetch(self) -> Fetched:
        """Raises what stands in the way of the sleeps themselves."""
        if (missing := scope_missing(self.job, self.step)) is not None:
            raise missing
        sleep, *beside = self.job.door.api.resources
        found = Fetched(self.step.ask(self.job.now))
        self._spool(sleep, found.ask)
        found.sleeps = self.spool.read - self.spool.repeated
        found.whole = not self.spool.problems()
        found.came[sleep.name] = found.sleeps
        wanted = self._sleeps() if found.sleeps and beside else ()
        if wanted:
            found.asked = [day for day in map(_date, wanted) if day in self.step.window]
            found.all_asked = len(wanted) == found.sleeps
            self._fetch_beside(beside, found, replace(found.ask, sleeps=wanted))
        return found

    def _is_missing(self, resource: Resource) -> bool:
        return resource.scope is not None and _lacks(self.step.bond, resource.scope)

    def _fetch_beside(self, beside: Sequence[Resource], found: Fetched, ask: Ask) -> None:
        absent = [resource.name for resource in beside if self._is_missing(resource)]
        if absent:
            names = ", ".join(absent)
            error: SleepBalanceError = ScopeMissing(
                f"You did not allow {self.job.provider.name} to tell more, so what is absent is:"
                f" {names}. To allow it, connect again: {self.step.again}"
            )
            found.troubles.append((names, error))
        for resource in beside:
            if self._is_missing(resource):
                continue
            try:
                found.came[resource.name] = self._spool(resource, ask)
            except (NotEntitled, *LATER) as error:
                found.troubles.append((resource.name, error))
                if isinstance(error, RateLimited):
                    return  # the others would be refused too

    def _spool(self, resource: Resource, ask: Ask) -> int:
        """Gives how many records came."""
        came = 0
        for raw in resource.fetch(self.job.client, ask):
            self.lease.check()
            self.spool.add(raw)
            came += 1
        self.lease.check()
        return came

    def _sleeps(self) -> tuple[Raw, ...]:
        """The sleeps whose companions are asked: new, changed, young, or never answered for."""
        job, step = self.job, self.step
        since = unsettled_since(step.known)
        lacking = [piece.span for piece in unanswered(step.known, step.window)]
        chosen: list[Raw] = []
        for batch, news in self._news():
            for raw in batch:
                if raw.problem is not None or raw.start is None or raw.end is None:
                    continue
                again = any(start <= raw.end < end for start, end in lacking)
                again = again and not step.known.has(_date(raw))  # windows overlap by hours
                young = _date(raw) >= since
                if raw.key in news or young or again or job.only is not None:
                    chosen.append(raw)
        return tuple(sorted(chosen, key=lambda raw: (raw.start or job.now, raw.key)))

    def _news(self) -> Iterator[tuple[list[Raw], set[str]]]:
        """The sleeps in batches, each with the keys of those that are new or changed."""
        merge = self.job.provider.merge
        with reading(self.engine) as connection:
            for source in self.spool.sources:
                for batch in self.spool.records(source):
                    yield batch, raws.fresh(connection, self.step.bond.owner, batch, merge)


def _date(raw: Raw) -> dt.date:
    """When one woke up."""
    assert raw.end is not None
    return local(raw.end, raw.zone or "UTC").date()
