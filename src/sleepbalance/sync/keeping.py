"""Writes what a window brought: data, windows and outcome, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sleepbalance.derive import derive
from sleepbalance.errors import LeaseLost, NotEntitled, RateLimited, ScopeMissing
from sleepbalance.intake import Intake
from sleepbalance.store import connections, history, leases, people, sessions
from sleepbalance.store import windows as rows
from sleepbalance.store.engine import Connection, Engine, clock, writing
from sleepbalance.store.history import Counts, Outcome
from sleepbalance.store.leases import Lease
from sleepbalance.store.spool import Spool
from sleepbalance.store.windows import Range
from sleepbalance.sync import windows, words
from sleepbalance.sync.beside import Beside, judge
from sleepbalance.sync.fetching import Fetched
from sleepbalance.sync.jobs import Job, Step
from sleepbalance.sync.missing import Missing, note_missing

LONGEST_WAIT = dt.timedelta(hours=24)  # that a maker's limit may put us off


@dataclass(frozen=True, slots=True)
class Keeping:
    """One window being written."""

    engine: Engine
    job: Job
    lease: Lease
    step: Step
    spool: Spool
    found: Fetched

    def keep(self) -> bool:
        """Writes it, and closes the attempt; False where the connection had ended meanwhile.

        Raises LeaseLost, and writes nothing, where somebody else took over.
        """
        with writing(self.engine) as connection:
            people.lock_nights(connection, self.job.user_id)
            held = connections.hold(connection, self.step.bond)
            outcome = self._write(connection) if held else self._left()
            if not history.end(connection, self.step.attempt, outcome):
                raise LeaseLost(leases.TAKEN_OVER)
            leases.renew(connection, self.lease, self.job.life)
        return held

    def _left(self) -> Outcome:
        return Outcome(
            status="failed",
            code="INTERRUPTED",
            message=words.DISCONNECTED,
            detail=self._detail(words.summary(self.step.window, None)),
        )

    def _write(self, connection: Connection) -> Outcome:
        bond = self.step.bond
        known = sessions.ending(connection, bond.owner, *self.step.window.span)
        if not self.found.sleeps and known:
            nights = len({stored.sleep_date for stored in known})
            self._mark(connection, windows.failed)
            return self._kept_anyway(nights)
        if not self.found.sleeps:
            self._mark(connection, windows.came_empty)
            connections.synced(connection, bond.id, self.job.time())
            text = words.summary(self.step.window, words.Came(0, 0, self.step.window.days))
            return Outcome(status="success", detail=self._detail(text))
        return self._take(connection)

    def _take(self, connection: Connection) -> Outcome:
        job, bond = self.job, self.step.bond
        missing = self._missing(connection)
        intake = Intake(
            connection,
            bond.owner,
            job.provider,
            bond.id,
            clock(connection),
            unread=dict(self.spool.problems()),
            leaving={stored.report.id: stored for stored in missing.leaving},
            roaming=True,
        )
        intake.take(self.spool)
        derive(connection, job.user_id, intake.changed)
        connections.synced(connection, bond.id, self.job.time())
        names = [resource.name for resource in job.door.api.resources[1:]]
        noticed = judge(connection, bond.id, self.step.window, self.found, names)
        self._mark(connection, partial(self._become, noticed))
        return self._outcome(connection, intake, missing, noticed.lacking)

    def _missing(self, connection: Connection) -> Missing:
        if not self.found.whole:
            return Missing()
        span, job = self.step.window.span, self.job
        owner = self.step.bond.owner
        return note_missing(connection, owner, job.provider, self.spool, span, job.now)

    def _become(
        self, noticed: Beside, known: windows.Known, window: windows.Window, attempt: str
    ) -> list[Range]:
        if not self.found.again:
            after = windows.answered(known, window, attempt)
        else:
            waits = [e.retry_after for _, e in self.found.troubles if isinstance(e, RateLimited)]
            after = windows.incomplete(known, window, attempt, wait_until(self.job.now, *waits))
        return windows.once_more(replace(known, ranges=after), noticed.again, attempt)

    def _mark(
        self,
        connection: Connection,
        become: Callable[[windows.Known, windows.Window, str], list[Range]],
    ) -> None:
        """Notes what became of the dates, as others have left them meanwhile."""
        step = self.step
        before = rows.of(connection, step.bond.id)
        known = replace(step.known, ranges=before)
        after = become(known, step.window, step.attempt)
        rows.save(connection, step.bond.id, before, windows.without_lost(known, after))

    def _outcome(
        self, connection: Connection, intake: Intake, missing: Missing, lacking: Sequence[str]
    ) -> Outcome:
        span = self.step.window.span
        told = sessions.ending(connection, self.step.bond.owner, *span)
        known = words.came(self.step.window, told)
        counts = intake.counts
        changed = counts.updated - intake.removed
        changes = [(changed, "changed"), (intake.removed, "deleted")]
        trouble = words.partial(self.found.troubles, intake.aside, self.step.again)
        code, message = trouble or (None, None)
        aside = words.worst(intake.aside)
        detail = self._detail(words.summary(self.step.window, known, changes, lacking))
        detail |= {
            "nights": known.nights,
            "naps": known.naps,
            "read": self.found.sleeps,
            "same": counts.skipped,
            "unreadable": sum(intake.aside.values()),
            "deleted": intake.removed,
            "hidden": intake.removed,
            "missing": len(missing.marked),
            "reasons": [{"reason": why, "samples": n} for why, n in aside],
        }
        return Outcome(
            status="partial" if trouble else "success",
            counts=counts,
            code=code,
            message=message,
            detail=detail,
        )

    def _kept_anyway(self, nights: int) -> Outcome:
        text = words.summary(self.step.window, words.Came(0, 0, self.step.window.days))
        return Outcome(
            status="partial",
            counts=Counts(),
            code="BAD_DATA",
            message=words.kept_anyway(self.step.window, nights),
            detail=self._detail(text),
        )

    def _detail(self, text: str) -> dict[str, object]:
        beside = {"came": self.found.came, "beside": len(self.found.asked)}
        return detail(self.job, self.step, text) | beside


def detail(job: Job, step: Step, text: str) -> dict[str, object]:
    """What every attempt over the network says of itself."""
    return {
        "summary": text,
        "asked_from": step.window.first.isoformat(),
        "asked_to": step.window.last.isoformat(),
        "requests": job.requests - step.requests,
        "same": 0,
        "unreadable": 0,
        "deleted": 0,
        "hidden": 0,
    }


def wait_until(now: dt.datetime, *waits: float | None) -> dt.datetime | None:
    """Until when a maker wants to be left alone; None where it does not say."""
    seconds = max((wait for wait in waits if wait is not None), default=None)
    return None if seconds is None else now + min(dt.timedelta(seconds=seconds), LONGEST_WAIT)


def after_failure(step: Step, error: Exception, now: dt.datetime) -> list[Range]:
    """What is known of the dates of a window of which nothing was kept."""
    where = step.known, step.window, step.attempt
    newest = step.known.today in step.window
    if isinstance(error, NotEntitled) and not isinstance(error, ScopeMissing) and not newest:
        return windows.refused(*where)
    waits = [error.retry_after] if isinstance(error, RateLimited) else []
    return windows.failed(*where, wait_until(now, *waits))
