"""Takes a body that a maker pushed elsewhere: a support file, or one to be played again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sleepbalance import providers, sync
from sleepbalance.app.handed import not_yours
from sleepbalance.app.outside import Outside, remote_door
from sleepbalance.app.verbs import App
from sleepbalance.errors import Malformed, UsageError
from sleepbalance.provider import Client, Hook, Item, Provider
from sleepbalance.store import connections
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import reading, writing

LARGEST = 512 * 2**20  # bytes; no maker sends as much at once
SANDBOX_MARK = b"sleepbalance-sandbox-"  # begins the names of the sandbox's people at a maker
COUNTS = ("records_fetched", "records_inserted", "records_updated", "records_skipped")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a body: attempts, items of accounts that nobody here has, unreadable ones."""

    provider: str
    attempts: Sequence[dict[str, Any]] = ()
    aside: Mapping[str, int] = field(default_factory=dict)  # account → items
    problems: Mapping[str, int] = field(default_factory=dict)  # reason → items of no account

    @property
    def failed(self) -> bool:
        return any(attempt["status"] == "failed" for attempt in self.attempts)

    def row(self) -> dict[str, Any]:
        """The attempt, keyed as in the log, or the sum of several; and what was set aside."""
        if len(self.attempts) == 1:
            row = dict(self.attempts[0])
        else:
            row = {"id": None, "provider": self.provider, "status": self._status()}
            row |= {key: sum(attempt[key] for attempt in self.attempts) for key in COUNTS}
        aside = [{"account": account, "items": n} for account, n in self.aside.items()]
        unreadable = [{"reason": why, "items": n} for why, n in self.problems.items()]
        return row | {"attempts": self.attempts, "set_aside": aside, "unreadable": unreadable}

    def _status(self) -> str:
        states = {attempt["status"] for attempt in self.attempts}
        if states <= {"success"}:
            return "success"
        return "failed" if states == {"failed"} else "partial"


@dataclass(frozen=True, slots=True)
class _Job:
    """A body that is being taken in, whosever it is."""

    outside: Outside
    provider: Provider
    hook: Hook
    now: dt.datetime
    sent_by: dt.datetime
    waiting: Callable[[], None]


def accept(
    outside: Outside,
    provider_id: str,
    path: Path,
    *,
    user: str | None = None,
    account: str | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Accepted:
    """Takes each item in for whoever is connected with its account; others are set aside.

    With `account` the person says that this account is theirs. Raises UsageError, and takes
    nothing, for what is no body of this maker, and for an account that is not in it.
    """
    provider = providers.meant(provider_id)
    hook = _hook(provider)
    body, written = _body(path)
    try:
        items = list(hook.read(body, outside.now()))
    except Malformed as error:
        raise UsageError(f"{path.name}: {error}") from None
    if not items:
        raise UsageError(f"{path.name} holds nothing that {provider.name} pushes of sleep.")
    if account is not None:
        guard(outside.app, path, body)
        _claim(outside.app, provider, hook, items, user, account)
    mine, aside = _sorted(outside.app, provider, items, user)
    now = outside.now()
    made_up = outside.app.folder.made_up  # its makers have a clock of their own
    job = _Job(outside, provider, hook, now, now if made_up else min(now, written), waiting)
    attempts = [_take(job, bond, told) for bond, told in mine]
    problems = Counter(item.problem for item in items if not item.account and item.problem)
    return Accepted(provider.id, attempts, aside, problems)


def _hook(provider: Provider) -> Hook:
    if not provider.hooks:
        pushing = [known.id for known in providers.load().values() if known.hooks]
        raise UsageError(
            f"{provider.name} pushes nothing that could be taken. Those that do:"
            f" {', '.join(pushing) or 'none'}. A file that you exported: sleepbalance import FILE"
        )
    return provider.hooks[0]


def _body(path: Path) -> tuple[bytes, dt.datetime]:
    """What is in it, and when it was written: the maker sent it before that."""
    try:
        there = path.stat()
        if there.st_size > LARGEST:
            raise UsageError(f"{path.name} is larger than {LARGEST >> 20} MiB: no body is.")
        return path.read_bytes(), dt.datetime.fromtimestamp(int(there.st_mtime), dt.UTC)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def guard(app: App, path: Path, body: bytes) -> None:
    """Keeps made-up data and real data apart, where an account is not known yet."""
    marked = SANDBOX_MARK in body
    if app.folder.made_up and not marked:
        raise not_yours(app.folder)
    if marked and not app.folder.made_up:
        raise UsageError(f"{path.name} is made-up data; it does not belong among real nights.")


def _claim(
    app: App,
    provider: Provider,
    hook: Hook,
    items: Sequence[Item],
    user: str | None,
    account: str,
) -> None:
    """Says whose an account is, where the person has no connection with it yet."""
    known = sorted({item.account for item in items if item.account})
    if not known:
        why = next((item.problem for item in items if item.problem), "it is of nobody")
        raise UsageError(f"Nothing in it says whose it is: {why}.")
    if account not in known:
        raise UsageError(
            f"Nothing in it is of the account {account!r}; it speaks of: {', '.join(known)}."
        )
    person = app.person_or_new(user)
    with writing(app.engine) as connection:
        before = connections.find(connection, person.id, provider.id)
        if before is not None and before.account not in ("", account):
            raise UsageError(
                f"{person.name} is connected to {provider.name} with another account"
                f" ({before.account}); nothing was taken. To be rid of that one first:"
                f" sleepbalance disconnect {provider.id} --delete{sync.whose(connection, before)}"
            )
        if before is None or not before.listens or before.account != account:
            where = connection, person.id, provider.id
            connections.claim(*where, hook.door, account)


def _sorted(
    app: App, provider: Provider, items: Sequence[Item], user: str | None
) -> tuple[list[tuple[Connected, list[Item]]], dict[str, int]]:
    """The items by the connections that they speak of, and those of accounts nobody here has."""
    person = app.person(user) if user is not None else None
    with reading(app.engine) as connection:
        found = connections.listed(connection, person.id if person else None, provider.id)
    listening = [bond for bond in found if bond.listens and bond.account]
    known = {bond.account for bond in listening}
    mine = [(bond, [i for i in items if i.account == bond.account]) for bond in listening]
    aside = Counter(item.account for item in items if item.account and item.account not in known)
    return [(bond, told) for bond, told in mine if told], dict(sorted(aside.items()))


def _take(job: _Job, bond: Connected, items: Sequence[Item]) -> dict[str, Any]:
    outside, provider, hook = job.outside, job.provider, job.hook
    with ExitStack() as stack:
        client: Client | None = None
        if bond.usable and any(item.address is not None for item in items):
            door = remote_door(provider, hook.door)
            outside.allow(door)
            wire = stack.enter_context(outside.wire(provider))
            client = outside.client(wire, provider, door, bond.id)
        push = sync.Push(
            bond=bond,
            provider=provider,
            hook=hook,
            items=items,
            now=job.now,
            sent_by=job.sent_by,
            client=client,
            waiting=job.waiting,
        )
        return sync.take_push(outside.app.engine, push)
