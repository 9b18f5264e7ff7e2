"""Syncs one connection: window after window, each an attempt that is committed by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sleepbalance.errors import (
    Gone,
    LeaseLost,
    Malformed,
    NeedsReconnect,
    SleepBalanceError,
    Unavailable,
    UsageError,
)
from sleepbalance.provider import Ask, Client, Scope
from sleepbalance.store import connections, history, leases
from sleepbalance.store import windows as rows
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import Connection, Engine, reading, writing
from sleepbalance.store.history import Outcome
from sleepbalance.store.leases import Lease
from sleepbalance.store.spool import spooling
from sleepbalance.sync import windows, words
from sleepbalance.sync.attempts import fail
from sleepbalance.sync.commands import to_connect
from sleepbalance.sync.fetching import Fetched, Fetching, order_missing, scope_missing
from sleepbalance.sync.jobs import Job, Step, look
from sleepbalance.sync.keeping import Keeping, after_failure, detail

UNAVAILABLE = 2  # windows in a row, after which their server is left alone
FAILURES = 5  # windows in a row, whatever the reason


def sync(engine: Engine, job: Job) -> list[dict[str, Any]]:
    """Syncs a connection; gives the rows of its attempts, one per window.

    Only one sync of a connection runs at a time: a running one is waited for. An error of ours
    becomes the outcome `failed`; any other is logged as one and raised again. Raises UsageError,
    and tries nothing, where there is no connection to sync, or no such date.
    """
    with reading(engine) as connection:
        _check(connection, connections.get(connection, job.connection_id), job)
    name = f"sync:{job.connection_id}"
    with leases.held(engine, name, job.waiting, job.life) as lease:
        return _Run(engine, job, lease).go()


def _check(connection: Connection, bond: Connected | None, job: Job) -> None:
    name, connect = job.provider.name, f"sleepbalance connect {job.provider.id}"
    if bond is None or bond.gone or bond.user_id != job.user_id:
        if bond is not None and bond.user_id == job.user_id:
            connect = to_connect(connection, job.provider, bond)
        raise UsageError(f"{name} is not connected. Connect it: {connect}")
    if bond.status == "paused":
        raise UsageError(f"The connection to {name} is paused. Go on with it before you sync.")
    if job.only is not None and job.only.last < job.only.first:
        raise UsageError(f"{job.last} lies before {job.first}.")


@dataclass
class _Run:
    """One sync of one connection, under its lease."""

    engine: Engine
    job: Job
    lease: Lease
    attempts: list[dict[str, Any]] = field(default_factory=list)
    unavailable: int = 0  # windows in a row
    failures: int = 0

    def go(self) -> list[dict[str, Any]]:
        below: dt.date | None = None
        while (step := self._open(below)) is not None:
            going = self._attempt(step)
            with reading(self.engine) as connection:
                row = history.attempt(connection, step.attempt)
            self.attempts.append(row)
            self.job.told(row)
            if not going:
                break
            below = step.window.first
        return self.attempts

    def _open(self, below: dt.date | None) -> Step | None:
        """Opens the attempt for the next window; None where nothing is left to do."""
        job = self.job
        with writing(self.engine) as connection:
            history.close_lapsed(connection)
            bond = connections.get(connection, job.connection_id)
            if self.attempts and (bond is None or not bond.usable):
                return None  # ended since the last window, which says so if that was our doing
            _check(connection, bond, job)
            assert bond is not None
            if (missing := order_missing(job, bond)) is not None:
                self._check_allowed(missing, to_connect(connection, job.provider, bond))
                return None
            known = look(connection, job, bond)
            window = windows.next_window(known, below)
            if window is None:
                self._check_dates(known)
                return None
            attempt = history.begin(
                connection,
                job.user_id,
                job.provider.id,
                job.trigger,
                self.lease,
                dates=(window.first, window.last),
                connection_id=bond.id,
            )
            again = to_connect(connection, job.provider, bond)
        return Step(bond, attempt, window, known, job.requests, again)

    def _check_allowed(self, missing: Scope, again: str) -> None:
        if self.job.only is not None:
            raise UsageError(
                f"{self.job.provider.name} is not asked for these dates: you did not allow"
                f" {missing.reads}. {missing.to_allow}: {again}"
            )

    def _check_dates(self, known: windows.Known) -> None:
        if not self.attempts and known.only is not None:
            raise UsageError(
                f"There is nothing to ask for these dates: {self.job.provider.name} is asked from"
                f" {known.floor} to {known.today}."
            )

    def _attempt(self, step: Step) -> bool:
        """Tells whether the next window may be tried."""
        try:
            return not self._refused(step) and self._window(step)
        except LeaseLost as error:
            fail(self.engine, step.attempt, error.code, history.CUT_SHORT)
            return False
        except SleepBalanceError as error:
            self._fail(step, error)
            return self._goes_on(error)
        except KeyboardInterrupt:
            fail(self.engine, step.attempt, "INTERRUPTED", words.STOPPED)
            raise
        except BaseException as error:
            fail(
                self.engine, step.attempt, "INTERNAL", f"A defect of ours ({type(error).__name__})."
            )
            raise

    def _refused(self, step: Step) -> bool:
        """Closes the attempt at once where no request may be made."""
        name = self.job.provider.name
        told = words.refusal(step.bond, name, step.again)
        waits = [r.next_try_at for r in step.known.ranges if r.state == "wanted" and r.next_try_at]
        if told is None and (until := max(waits, default=self.job.now)) > self.job.now:
            told = "RATE_LIMITED", words.wait_until(name, until)
        if told is None:
            return False
        code, message = told
        text = detail(self.job, step, "asked nothing")
        with writing(self.engine) as connection:
            outcome = Outcome(status="failed", code=code, message=message, detail=text)
            history.end(connection, step.attempt, outcome)
        return True

    def _window(self, step: Step) -> bool:
        if (order := self.job.door.api.order) is not None:
            return self._order(step, order)
        with spooling(self.job.provider.merge) as spool:
            found = Fetching(self.engine, self.job, self.lease, step, spool).fetch()
            if not Keeping(self.engine, self.job, self.lease, step, spool, found).keep():
                return False
        return self._went(found)

    def _order(self, step: Step, order: Callable[[Client, Ask], None]) -> bool:
        """Asks for a window that comes by push."""
        if (missing := scope_missing(self.job, step)) is not None:
            raise missing
        order(self.job.client, step.ask(self.job.now))
        with writing(self.engine) as connection:
            if not connections.hold(connection, step.bond):
                raise LeaseLost(words.DISCONNECTED)
            before = rows.of(connection, step.bond.id)
            known = replace(step.known, ranges=before)
            after = windows.ordered(known, step.window, step.attempt)
            rows.save(connection, step.bond.id, before, windows.without_lost(known, after))
            text = detail(self.job, step, words.ordered(step.window))
            if not history.end(connection, step.attempt, Outcome(status="success", detail=text)):
                raise LeaseLost(leases.TAKEN_OVER)
        self.failures = self.unavailable = 0
        return True

    def _went(self, found: Fetched) -> bool:
        """Tells whether to go on after a window of which something was kept."""
        self.failures = 0
        for _, error in found.troubles:
            if isinstance(error, Unavailable):
                return self._goes_on(error)
        self.unavailable = 0
        return not any(error.code == "RATE_LIMITED" for _, error in found.troubles)

    def _goes_on(self, error: SleepBalanceError) -> bool:
        self.failures += 1
        if isinstance(error, Unavailable):
            self.unavailable += 1
            return self.unavailable < UNAVAILABLE and self.failures < FAILURES
        self.unavailable = 0
        return isinstance(error, Malformed) and self.failures < FAILURES

    def _fail(self, step: Step, error: SleepBalanceError) -> None:
        """Closes the attempt; nothing moves, but what had no answer yet is wanted."""
        text = detail(self.job, step, words.summary(step.window, None))
        said = words.failure(error, step.again, self.job.now)
        outcome = Outcome(status="failed", code=error.code, message=said, detail=text)
        with writing(self.engine) as connection:
            if not history.end(connection, step.attempt, outcome):
                return  # it was taken over: what is known of the dates is somebody else's now
            self._note(connection, step, error)

    def _note(self, connection: Connection, step: Step, error: SleepBalanceError) -> None:
        now = connections.get(connection, step.bond.id)
        if now is None or now.account != step.bond.account:
            return  # removed meanwhile, or another account's
        before = rows.of(connection, step.bond.id)
        after = after_failure(step.with_ranges(before), error, self.job.now)
        rows.save(connection, step.bond.id, before, after)
        if isinstance(error, NeedsReconnect):
            connections.end(connection, step.bond, "needs_reconnect", str(error))
        elif isinstance(error, Gone):
            connections.end(connection, step.bond, "ended", str(error))
