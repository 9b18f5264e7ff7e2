"""Imports a file: opens an attempt, reads, and commits data and outcome together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sleepbalance.derive import derive
from sleepbalance.errors import LeaseLost, Malformed, SleepBalanceError
from sleepbalance.intake import Intake
from sleepbalance.provider import File, Finished, Member, Provider
from sleepbalance.store import connections, history, leases, people, sessions, windows
from sleepbalance.store.engine import Connection, Engine, clock, reading, writing
from sleepbalance.store.history import Outcome
from sleepbalance.store.raws import Owner
from sleepbalance.store.spool import Spool, spooling
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
    with spooling(job.provider.merge) as spool:
        finished = _read(job, spool, lease)
        if not spool.usable():
            raise Malformed(_nothing(job, spool, finished))
        if job.replace:
            _check_whole(finished, spool)
        with writing(engine) as connection:
            outcome = _write(connection, job, spool, finished, attempt)
            if not history.end(connection, attempt, outcome):
                raise LeaseLost(leases.TAKEN_OVER)
            leases.release(connection, lease)


def _check_whole(finished: Finished, spool: Spool) -> None:
    """Raises Malformed for a file that cannot be taken at its word for what it lacks."""
    problems = [*finished.problems, *spool.unplaced()]
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


def _read(job: Import, spool: Spool, lease: leases.Lease) -> Finished:
    """Spools all that the file holds; damage ends the reading and is told, not raised."""
    finished = Finished(problems=job.problems)
    try:
        for item in job.door.read(job.members, job.now):
            lease.check()
            if isinstance(item, Finished):
                finished = replace(item, problems=(*job.problems, *item.problems))
            else:
                spool.add(item)
    except Malformed as error:
        finished = Finished(as_of=finished.as_of, problems=(*finished.problems, str(error)))
    return finished


def _nothing(
    job: Import, spool: Spool, finished: Finished, aside: Mapping[str, int] | None = None
) -> str:
    counts = worst(aside or dict(spool.problems()))
    reasons = [*finished.problems, *(f"{n} × {why}" for why, n in counts), *job.unopened]
    return "; ".join(reasons) or NOTHING


def _write(
    connection: Connection, job: Import, spool: Spool, finished: Finished, attempt: str
) -> Outcome:
    """Raw records, sessions, nights and windows of one file; gives the outcome to commit."""
    owner = Owner(job.user_id, job.provider.id)
    people.lock_nights(connection, owner.user_id)
    bond = connections.ensure(connection, owner.user_id, owner.provider, "file")
    now = clock(connection)
    intake = Intake(connection, owner, job.provider, bond, now, unread=dict(spool.problems()))
    intake.take(spool, finished.as_of if job.replace else None)
    if intake.used(spool) == 0 and spool.read and not spool.beside():
        raise Malformed(_nothing(job, spool, finished, intake.aside))
    if job.timezone and people.suggest_zone(connection, owner.user_id, job.timezone):
        intake.changed += sessions.extent(connection, owner.user_id)
    derive(connection, owner.user_id, intake.changed)
    by_file = _by_file(connection, owner)
    if by_file:
        connections.synced(connection, bond)
    first, last = sessions.dates(connection, owner, intake.ends)
    if first is not None and last is not None and by_file:
        as_of = None if finished.problems else finished.as_of
        until = last if as_of is None else max(last, as_of.date())
        windows.mark_fetched(connection, bond, first, until, attempt)
    return _outcome(intake, spool, finished, (first, last), job.unopened)


def _by_file(connection: Connection, owner: Owner) -> bool:
    """Whether files are the person's only door: by another one the maker was not asked now."""
    bond = connections.find(connection, owner.user_id, owner.provider)
    return bond is not None and bond.door == "file"


def _by_name(spool: Spool) -> dict[str, int]:
    """Samples per source; several sources may have one name, e.g. what was typed in on a phone."""
    counts: dict[str, int] = {}
    for key, seen in spool.seen.items():
        name = spool.sources[key].name
        counts[name] = counts.get(name, 0) + seen
    return counts


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _outcome(
    intake: Intake,
    spool: Spool,
    finished: Finished,
    dates: tuple[dt.date | None, dt.date | None],
    unopened: Sequence[str],
) -> Outcome:
    aside = sum(intake.aside.values())
    most = worst(intake.aside)
    detail = {
        "read": spool.read,
        "used": intake.used(spool),
        "repeated": spool.repeated,
        "set_aside": aside,
        "reasons": [{"reason": why, "samples": n} for why, n in most],
        "problems": list(finished.problems),
        "unopened": list(unopened),
        "sources": _by_name(spool),
        "same": intake.tally["skipped"],
        "unreadable": aside,
        "deleted": 0,
        "hidden": intake.removed,
    }
    message = None
    if most or finished.problems:
        parts = [f"{n} × {why}" for why, n in most]
        sums = [f"{aside} of {spool.read} samples were set aside: {', '.join(parts)}"]
        message = " ".join(map(_sentence, [*finished.problems, *(sums if most else [])]))
    return Outcome(
        status="partial" if message else "success",
        counts=intake.counts,
        first=dates[0],
        last=dates[1],
        code="BAD_DATA" if message else None,
        message=message,
        detail=detail,
        connection_id=intake.bond,
    )
