"""Imports a file: opens an attempt, reads, and commits data and outcome together."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sleepbalance.derive import derive
from sleepbalance.errors import LeaseLost, Malformed, SleepBalanceError
from sleepbalance.intake import Intake
from sleepbalance.provider import File, Finished, Member, Provider
from sleepbalance.store import archives, connections, history, leases, people, sessions, windows
from sleepbalance.store.engine import Connection, Engine, clock, reading, writing
from sleepbalance.store.history import Counts, Outcome
from sleepbalance.store.raws import Owner
from sleepbalance.store.spool import Spools, spooling_apart
from sleepbalance.sync.attempts import fail
from sleepbalance.sync.words import worst

NOTHING = (
    "There is nothing in it that we can use. Of an export in several files hand over all of them"
    " together."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is to be imported. `waiting` is called when another import is being waited for."""

    user_id: str
    provider: Provider
    door: File
    members: Sequence[Member]
    now: dt.datetime
    replace: bool = False
    timezone: str | None = None  # where the person lives, if they did not say it before
    waiting: Callable[[], None] = lambda: None
    life: dt.timedelta = leases.LIFE
    problems: tuple[str, ...] = ()  # of what was handed over beside the members
    unopened: tuple[str, ...] = ()  # zips in a zip, which may be parts of an export


def import_file(engine: Engine, job: Import) -> dict[str, Any]:
    """Imports a file as one attempt; gives the attempt's row, whatever its outcome.

    Only one import per person and provider runs at a time: a running one is waited for. An
    error of ours becomes the outcome `failed`, also that another process took over meanwhile; any
    other is logged as one and raised again.
    """
    owner = Owner(job.user_id, job.provider.id)
    name = f"import:{owner.user_id}:{owner.provider}:{owner.account}"
    with leases.held(engine, name, job.waiting, job.life) as lease:
        with writing(engine) as connection:
            history.close_lapsed(connection)
            attempt = history.begin(connection, job.user_id, owner.provider, "import", lease)
        try:
            _run(engine, job, lease, attempt)
        except LeaseLost as error:
            fail(engine, attempt, error.code, history.CUT_SHORT)  # if nobody has closed it yet
        except SleepBalanceError as error:
            fail(engine, attempt, error.code, str(error))
        except KeyboardInterrupt:
            fail(engine, attempt, "INTERRUPTED", "You stopped it; nothing of it was kept.")
            raise
        except BaseException as error:
            fail(engine, attempt, "INTERNAL", f"A defect of ours ({type(error).__name__}).")
            raise
    with reading(engine) as connection:
        return history.attempt(connection, attempt)


def _run(engine: Engine, job: Import, lease: leases.Lease, attempt: str) -> None:
    with spooling_apart(job.provider.merge) as spools:
        finished = _read(job, spools, lease)
        if not spools.usable:
            raise Malformed(_nothing(job, finished, spools.problems()))
        if job.replace:
            _check_whole(finished, spools)
        with writing(engine) as connection:
            outcome = _write(connection, job, spools, finished, attempt)
            if not history.end(connection, attempt, outcome):
                raise LeaseLost(leases.TAKEN_OVER)
            leases.release(connection, lease)


def _check_whole(finished: Finished, spools: Spools) -> None:
    """Raises Malformed for a file that cannot be taken at its word for what it lacks."""
    problems = [*finished.problems, *spools.unplaced()]
    if problems:
        raise Malformed(
            f"Nothing was replaced, as the file could not be read whole: {problems[0]}."
            " Import it without --replace, or export it again."
        )
    if finished.as_of is None:
        raise Malformed(
            "Nothing was replaced, as the file does not say when it was made."
            " Import it without --replace."
        )


def _read(job: Import, spools: Spools, lease: leases.Lease) -> Finished:
    """Spools all that the file holds; damage ends the reading and is told, not raised."""
    finished = Finished(problems=job.problems)
    try:
        for item in job.door.read(job.members, job.now):
            lease.check()
            if isinstance(item, Finished):
                finished = replace(item, problems=(*job.problems, *item.problems))
            else:
                spools.add(item)
    except Malformed as error:
        finished = Finished(as_of=finished.as_of, problems=(*finished.problems, str(error)))
    return finished


def _nothing(job: Import, finished: Finished, aside: Mapping[str, int]) -> str:
    counts = [f"{n} × {why}" for why, n in worst(aside)]
    return "; ".join([*finished.problems, *counts, *job.unopened]) or NOTHING


def _write(
    connection: Connection, job: Import, spools: Spools, finished: Finished, attempt: str
) -> Outcome:
    """Raw records, sessions, nights and windows of one file; gives the outcome to commit."""
    people.lock_nights(connection, job.user_id)
    bond = connections.ensure(connection, job.user_id, job.provider.id, "file")
    taken = _take(connection, job, spools, finished, bond)
    if taken.used == 0 and spools.read and not spools.beside:
        raise Malformed(_nothing(job, finished, taken.aside))
    changed = [span for intake in taken.intakes for span in intake.changed]
    if job.timezone and people.suggest_zone(connection, job.user_id, job.timezone):
        changed += sessions.extent(connection, job.user_id)
    derive(connection, job.user_id, changed)
    by_file = _by_file(connection, Owner(job.user_id, job.provider.id))
    if by_file:
        connections.synced(connection, bond)
    found = [sessions.dates(connection, intake.owner, intake.ends) for intake in taken.intakes]
    first = min((day for day, _ in found if day is not None), default=None)
    last = max((day for _, day in found if day is not None), default=None)
    if first is not None and last is not None and by_file:
        as_of = None if finished.problems else finished.as_of
        until = last if as_of is None else max(last, as_of.date())
        windows.mark_fetched(connection, bond, first, until, attempt)
    return _outcome(taken, finished, job, (first, last))


def _take(
    connection: Connection, job: Import, spools: Spools, finished: Finished, bond: str
) -> _Taken:
    """Takes in what the file tells, each account by itself."""
    now = clock(connection)
    intakes: list[Intake] = []
    for account, spool in sorted(spools.by_account.items()):
        owner = archives.owner(connection, Owner(job.user_id, job.provider.id), account, spool)
        intake = Intake(connection, owner, job.provider, bond, now)
        intake.unread = dict(spool.problems())
        intake.changed += archives.claim(connection, owner, spool)
        intake.take(spool, finished.as_of if job.replace else None)
        intakes.append(intake)
    return _Taken(spools, intakes)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was taken in, account by account."""

    spools: Spools
    intakes: Sequence[Intake]

    @property
    def aside(self) -> Counter[str]:
        return sum((intake.aside for intake in self.intakes), Counter[str]())

    @property
    def used(self) -> int:
        """The samples that went into a sleep."""
        return self.spools.read - self.spools.repeated - self.aside.total()

    @property
    def counts(self) -> Counts:
        return Counts(**sum((intake.tally for intake in self.intakes), Counter[str]()))

    @property
    def removed(self) -> int:
        return sum(intake.removed for intake in self.intakes)


def _by_file(connection: Connection, owner: Owner) -> bool:
    """Whether files are the person's only door: by another one the maker was not asked now."""
    bond = connections.find(connection, owner.user_id, owner.provider)
    return bond is not None and bond.door == "file"


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _outcome(
    taken: _Taken,
    finished: Finished,
    job: Import,
    dates: tuple[dt.date | None, dt.date | None],
) -> Outcome:
    spools, aside = taken.spools, taken.aside.total()
    most = worst(taken.aside)
    detail = {
        "read": spools.read,
        "used": taken.used,
        "repeated": spools.repeated,
        "set_aside": aside,
        "reasons": [{"reason": why, "samples": n} for why, n in most],
        "problems": list(finished.problems),
        "unopened": list(job.unopened),
        "sources": spools.by_name(),
        "same": taken.counts.skipped,
        "unreadable": aside,
        "deleted": 0,
        "hidden": taken.removed,
    }
    message = None
    if most or finished.problems:
        parts = [f"{n} × {why}" for why, n in most]
        sums = [f"{aside} of {spools.read} samples were set aside: {', '.join(parts)}"]
        message = " ".join(map(_sentence, [*finished.problems, *(sums if most else [])]))
    return Outcome(
        status="partial" if message else "success",
        counts=taken.counts,
        first=dates[0],
        last=dates[1],
        code="BAD_DATA" if message else None,
        message=message,
        detail=detail,
        connection_id=taken.intakes[0].bond,
    )
