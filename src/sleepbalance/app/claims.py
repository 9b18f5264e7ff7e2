"""What can be done about pushed items that nobody here is known to own: only what would work."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from sleepbalance.app.accepting import Accepted, guard
from sleepbalance.app.verbs import App
from sleepbalance.errors import UsageError
from sleepbalance.store import connections
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import reading
from sleepbalance.store.people import Person

NOBODYS = "nobody here is connected with it, so nothing was taken."


def hint(app: App, done: Accepted, path: Path, account: str, user: str | None) -> str:
    """Why the items of an account were set aside, and the command that claims it, if one does."""
    here = app.users()
    with reading(app.engine) as connection:
        bonds = connections.listed(connection, None, done.provider)
    for person in here:
        if any(_holds(bond, person, account) for bond in bonds):
            return f"it is {person.name}'s: without --user it is taken for them."
    try:
        guard(app, path, path.read_bytes())
    except UsageError as error:
        return f"{NOBODYS} It cannot be claimed here: {error}"
    meant = here if user is None else [app.person(user)]
    bound = {b.user_id: b.account for b in bonds if b.account not in ("", account)}
    free = [person for person in meant if person.id not in bound]
    if meant and not free:
        return f"{NOBODYS} It cannot be claimed: {_bound(meant, bound)}."
    claim = (
        f"sleepbalance accept {done.provider} {shlex.quote(str(path))}"
        f" --account {shlex.quote(account)}"
    )
    if len(here) < 2:
        return f"{NOBODYS} If it is yours: {claim}"
    whose = f"If it is {free[0].name}'s: {claim} --user {shlex.quote(free[0].name)}"
    others = ", ".join(person.name for person in free[1:])
    return f"{NOBODYS} {whose}" + (f" (or one of: {others})" if others else "")


def _holds(bond: Connected, person: Person, account: str) -> bool:
    return bond.listens and (bond.user_id, bond.account) == (person.id, account)


def _bound(people: Sequence[Person], bound: dict[str, str]) -> str:
    if len(people) > 3:
        return f"all {len(people)} people here are connected with other accounts"
    said = [f"{person.name} is connected with the account {bound[person.id]}" for person in people]
    return ", ".join(said)
