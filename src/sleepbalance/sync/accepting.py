"""Takes in what a maker pushed: one attempt for each connection that a body speaks of."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sleepbalance.derive import derive
from sleepbalance.errors import LeaseLost, SleepBalanceError
from sleepbalance.intake import Intake, span_of
from sleepbalance.model import local
from sleepbalance.provider import Client, Hook, Item, Provider, Raw
from sleepbalance.store import connections, history, leases, people, sessions, tokens, windows
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import Connection, Engine, clock, reading, writing
from sleepbalance.store.history import Counts, Outcome
from sleepbalance.store.leases import Lease
from sleepbalance.store.sessions import Stored
from sleepbalance.store.spool import Spool, spooling
from sleepbalance.stretches import Span, Stretches
from sleepbalance.sync import words
from sleepbalance.sync.attempts import fail
from sleepbalance.sync.commands import to_connect

Heeded = dict[str, dt.datetime | None]  # in words → when what may be read was changed
WAKES_IN = dt.timedelta(hours=12)  # a start before noon belongs to the evening before
ADDRESS = "what the maker put up for us"  # the data behind an address that was pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What a body tells of one connection. Without `client` no address is read."""

    bond: Connected
    provider: Provider
    hook: Hook
    items: Sequence[Item]
    now: dt.datetime  # when it came
    sent_by: dt.datetime | None = None  # the latest that the maker can have sent it; None: `now`
    client: Client | None = None
    waiting: Callable[[], None] = lambda: None
    life: dt.timedelta = leases.LIFE

    @property
    def answers(self) -> bool:
        """Whether this is how the maker answers at all; else it is a hint, and a poll the truth."""
        doors = [door for door in self.provider.remote if door.name == self.hook.door]
        return any(door.api.order is not None for door in doors)


@dataclass(slots=True)
class _Told:
    """What came of the items before anything is written."""

    troubles: list[tuple[str, SleepBalanceError]] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)
    ended: tuple[dt.datetime, str] | None = None  # the newest word of it, as of `scopes`
    scopes: tuple[dt.datetime, frozenset[str]] | None = None
    beside: int = 0  # records that go with sleeps
    placed: list[Raw] = field(default_factory=list)  # without what they hold
    none: set[str] = field(default_factory=set)  # keys of those that say that there is no sleep

    def add(self, raw: Raw, provider: Provider) -> None:
        if raw.problem is None and raw.start is not None:
            self.beside += raw.companion
            self.placed.append(replace(raw, payload=b""))
            if not raw.companion and not provider.normalise([raw]).sessions:
                self.none.add(raw.key)

    def hear(self, item: Item, sent_by: dt.datetime) -> None:
        """What an item tells of the consent, as of when that happened."""
        at = min(item.at or sent_by, sent_by)
        if item.ended is not None and (self.ended is None or at >= self.ended[0]):
            self.ended = at, item.ended
        if item.scopes is not None and (self.scopes is None or at >= self.scopes[0]):
            self.scopes = at, item.scopes


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known now of the sleeps that a body told."""

    sleeps: Sequence[Stored] = ()
    taken_back: int = 0  # that are none, or none any more
    gone: int = 0  # that it tells as sleeps, and that were taken back since

    @property
    def dates(self) -> list[dt.date]:
        return sorted({s.sleep_date for s in self.sleeps if s.sleep_date is not None})


def take_push(engine: Engine, push: Push) -> dict[str, Any]:
    """Takes one connection's items in as one attempt; gives its row, whatever its outcome.

    It waits for a sync of the connection that runs. An error of ours becomes the outcome
    `failed`; any other is logged as one and raised again.
    """
    bond = push.bond
    with leases.held(engine, f"sync:{bond.id}", push.waiting, push.life) as lease:
        with writing(engine) as connection:
            history.close_lapsed(connection)
            attempt = history.begin(
                connection, bond.user_id, bond.provider, "webhook", lease, connection_id=bond.id
            )
        try:
            _run(engine, push, lease, attempt)
        except LeaseLost as error:
            fail(engine, attempt, error.code, history.CUT_SHORT)
        except SleepBalanceError as error:
            fail(engine, attempt, error.code, str(error))
        except KeyboardInterrupt:
            fail(engine, attempt, "INTERRUPTED", words.STOPPED)
            raise
        except BaseException as error:
            fail(engine, attempt, "INTERNAL", f"A defect of ours ({type(error).__name__}).")
            raise
    with reading(engine) as connection:
        return history.attempt(connection, attempt)


def _run(engine: Engine, push: Push, lease: Lease, attempt: str) -> None:
    with spooling(push.provider.merge) as spool:
        told = _spool(push, spool, lease)
        with writing(engine) as connection:
            people.lock_nights(connection, push.bond.user_id)
            if not connections.hold(connection, push.bond, listening=True):
                raise LeaseLost(words.DISCONNECTED)
            outcome = _write(connection, push, spool, told, attempt)
            if not history.end(connection, attempt, outcome):
                raise LeaseLost(leases.TAKEN_OVER)
            leases.release(connection, lease)


def _spool(push: Push, spool: Spool, lease: Lease) -> _Told:
    """Collects what the items hold or point at, without a transaction."""
    told = _Told()
    for item in push.items:
        lease.check()
        if item.problem is not None:
            told.problems[item.problem] += 1
        told.hear(item, push.sent_by or push.now)
        for raw in item.raws:
            spool.add(raw)
            told.add(raw, push.provider)
        if item.address is not None:
            _collect(push, item.address, spool, told)
    return told


def _collect(push: Push, address: str, spool: Spool, told: _Told) -> None:
    if push.client is None or push.hook.collect is None:
        told.problems["nobody here may read the address that it names"] += 1
        return
    try:
        for raw in push.hook.collect(push.client, address, push.now):
            spool.add(raw)
            told.add(raw, push.provider)
    except SleepBalanceError as error:
        told.troubles.append((ADDRESS, error))


def _write(connection: Connection, push: Push, spool: Spool, told: _Told, attempt: str) -> Outcome:
    """Raw records, sessions, nights and windows of one body; gives the outcome to commit."""
    bond, now = push.bond, clock(connection)
    intake = Intake(connection, bond.owner, push.provider, bond.id, now, roaming=True)
    intake.unread = dict(spool.problems())
    intake.take(spool)
    derive(connection, bond.user_id, intake.changed)
    if intake.counts.fetched or spool.read or told.beside:
        connections.synced(connection, bond.id, push.now)
    known = _known(connection, bond, told, intake.withdrawn)
    for date in known.dates if push.answers else ():
        windows.mark_fetched(connection, bond.id, date, date, attempt)
    heeded = _heed(connection, bond, told)
    dates = known.dates or _spoken_of(connection, bond, told)
    again = to_connect(connection, push.provider, bond)
    return _outcome(intake, told, known, heeded, dates, again)


def _heed(connection: Connection, bond: Connected, told: _Told) -> Heeded:
    """What the body tells of the consent; what is older than what is known changes nothing."""
    now = connections.get(connection, bond.id)
    let_in = None if now is None else now.let_in_at
    heeded: Heeded = {}
    if told.scopes is not None:
        at, scopes = told.scopes
        newest = max(
            filter(None, (let_in, history.scopes_told_at(connection, bond.id))), default=at
        )
        if at < newest:
            heeded["what may be read has changed since, and stays"] = None
        elif tokens.allow(connection, bond.id, scopes):
            heeded["what may be read was changed"] = at
        else:
            heeded["what may be read is known"] = at
    if told.ended is not None:
        at, why = told.ended
        if let_in is not None and at < let_in:
            heeded["you connected again after you had ended it, so it stays connected"] = None
        else:
            tokens.disconnect(connection, bond.id, why)
            heeded[why.rstrip(".")] = None
    return heeded


def _known(connection: Connection, bond: Connected, told: _Told, withdrawn: set[str]) -> _Known:
    """The sleeps that stand where the body told some; what stands nowhere was taken back."""
    sleeps: dict[str, Stored] = {}
    none: list[Span] = []
    gone: list[Span] = []
    for raw in told.placed:
        if raw.companion:
            continue
        span = span_of(raw)
        found = sessions.of_source(connection, bond.owner, raw.source.key, *span)
        standing = {s.report.id: s for s in found if not s.hidden}
        sleeps |= standing
        if not standing and raw.key in told.none:
            none.append(span)
        elif not standing and not withdrawn.intersection(s.report.id for s in found):
            gone.append(span)
    taken_back = Stretches(none)  # the body itself may tell a sleep, and that it is none
    return _Known(
        list(sleeps.values()),
        max(len(none), len(withdrawn)),
        sum(not taken_back.touch(*span) for span in gone),
    )


def _spoken_of(connection: Connection, bond: Connected, told: _Told) -> list[dt.date]:
    """The dates that a body without sleeps speaks of: of the sleeps there, else when it ends."""
    zones = people.zones(connection, bond.user_id)
    found: set[dt.date] = set()
    for raw in told.placed:
        start, end = span_of(raw)
        around = sessions.of_person(connection, bond.user_id, start, end)
        near = [stored.report for stored in around if stored.report.provider == bond.provider]
        found |= {local(each.session.end, each.zone_end).date() for each in near}
        if not near:
            endless = start == end and not raw.companion
            last = start + WAKES_IN if endless else max(start, end - dt.timedelta(seconds=1))
            home = [zone for first, zone in zones if zone and first <= last.date()]
            found.add(local(last, raw.zone or (home or ["UTC"])[-1]).date())
    return sorted(found)


def _outcome(
    intake: Intake,
    told: _Told,
    known: _Known,
    heeded: Heeded,
    dates: Sequence[dt.date],
    again: str,
) -> Outcome:
    only_beside = not (known.sleeps or known.taken_back or known.gone)
    counts = Counts() if only_beside else intake.counts  # what goes with a sleep is none
    problems: Mapping[str, int] = Counter(intake.aside) + told.problems
    trouble = words.partial(told.troubles, problems, again)
    code, message = trouble or (None, None)
    detail = {
        "summary": ", ".join([*_of_sleeps(intake, told, known), *heeded]),
        "same": counts.skipped,
        "unreadable": sum(problems.values()),
        "deleted": intake.removed,
        "hidden": intake.removed,
        "beside": told.beside,
        "reasons": [{"reason": why, "samples": n} for why, n in words.worst(problems)],
    }
    if (scopes_at := max(filter(None, heeded.values()), default=None)) is not None:
        detail["scopes_at"] = int(scopes_at.timestamp())
    came = told.placed or heeded
    return Outcome(
        status="failed" if trouble and not came else "partial" if trouble else "success",
        counts=counts,
        first=dates[0] if dates else None,
        last=dates[-1] if dates else None,
        code=code,
        message=message,
        detail=detail,
    )


def _of_sleeps(intake: Intake, told: _Told, known: _Known) -> list[str]:
    """What the body told of sleeps, in words; nothing where it spoke of the consent alone."""
    said: list[str] = []
    changed = intake.counts.inserted + intake.counts.updated - intake.removed
    if known.sleeps:
        news = "" if changed or known.taken_back else ", nothing new"
        said.append(f"{words.count(len(known.sleeps), 'sleep')} came by push{news}")
    elif told.beside:
        said.append(f"{words.count(told.beside, 'record')} beside the sleeps came by push")
        changed = intake.counts.fetched - intake.removed
        said += [f"{words.count(changed, 'sleep')} changed"] if changed else []
    if known.taken_back:
        said.append(f"{words.count(known.taken_back, 'sleep')} taken back, or off the wrist")
    if known.gone:
        said.append(f"{words.count(known.gone, 'sleep')} known, and taken back since")
    return said or ([] if told.scopes or told.ended else ["0 sleeps came by push"])
