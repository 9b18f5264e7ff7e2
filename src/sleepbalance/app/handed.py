"""What a person handed over: whose each part of it is, and what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sleepbalance import providers
from sleepbalance.app.verbs import DEMO_MARK
from sleepbalance.archive import Part
from sleepbalance.errors import UsageError
from sleepbalance.folder import Folder
from sleepbalance.provider import File, Member, Provider

MOST_NAMED = 4


@dataclass(slots=True)
class Batch:
    """What is one provider's, to be imported in one attempt. `problems`: what is not all there.

    `unopened` names zips that lie in a zip: they may be parts of an export, or nothing of ours.
    """

    provider: Provider
    door: File
    members: list[Member] = field(default_factory=list)
    marks: set[bool] = field(default_factory=set)  # whether they say that they are made up
    problems: list[str] = field(default_factory=list)
    unopened: list[str] = field(default_factory=list)

    def add(self, member: Member) -> None:
        self.members.append(member)
        self.marks.add(DEMO_MARK in member.head)


@dataclass(frozen=True, slots=True)
class Handed:
    """Batches in the order of providers, and the names of parts of which nothing is known."""

    batches: Sequence[Batch]
    unknown: Sequence[str]


def sorted_out(paths: Sequence[Path], parts: Iterable[Part]) -> Handed:
    """Whose export each part is, by content. Raises UsageError where nobody knows any."""
    doors = [(p, door) for p in providers.load().values() for door in p.files]
    found = [Batch(provider, door) for provider, door in doors]
    damages: list[str] = []
    unknown: list[str] = []
    unopened: list[str] = []
    for part in parts:
        known = [member for member in part.members if _taken(member, found)]
        if part.damage and not any(not member.encrypted for member in known):
            damages.append(part.damage)
        elif not known and not part.zips and (part.members or not part.skipped):
            unknown.append(part.name)
        damages += part.skipped
        unopened += _unopened(part)
    batches = [batch for batch in found if batch.members]
    if not batches:
        raise _nobodys(paths, [*damages, *unopened])
    for batch in batches:
        _leave_locked(batch)
        batch.problems += damages if any(not m.encrypted for m in batch.members) else []
        batch.unopened += unopened
    return Handed(batches, unknown)


def _unopened(part: Part) -> list[str]:
    if not part.zips:
        return []
    more = len(part.zips) - MOST_NAMED
    names = ", ".join(part.zips[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    lie = "a zip that was" if len(part.zips) == 1 else "zips that were"
    where = f"{part.name} holds {lie} not opened: {names}."
    return [f"{where} Where that belongs to an export, unpack {part.name} and import the folder"]


def _taken(member: Member, found: Sequence[Batch]) -> bool:
    for batch in found:
        if batch.door.recognises(member):
            batch.add(member)
            return True
    return False


def _leave_locked(batch: Batch) -> None:
    """What is encrypted is told once for its zip; alone, it is read, and says so itself."""
    if any(not member.encrypted for member in batch.members):
        batch.members = [member for member in batch.members if not member.encrypted]


def _nobodys(paths: Sequence[Path], damages: Sequence[str]) -> UsageError:
    names = ", ".join(path.name or str(path) for path in paths)
    known = " ".join(
        f"{provider.name}: {door.how_to}"
        for provider in providers.load().values()
        for door in provider.files
    )
    are = "is no export" if len(paths) == 1 else "are no exports"
    why = "".join(f" {damage}." for damage in damages)
    return UsageError(f"{names} {are} that we know.{why} What can be imported: {known}")


def guard(where: Folder, batch: Batch) -> None:
    """Keeps made-up data and real data apart. Raises UsageError."""
    if where.made_up and batch.marks != {True}:
        raise not_yours(where)
    if True in batch.marks and not where.made_up:
        raise UsageError("This is made-up demo data; it does not belong among real nights.")


class Together:
    """Bytes of many members, told as those of one file; what is still to come is not known."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self._before = self._done = self._total = 0

    def __call__(self, done: int, total: int) -> None:
        if done <= self._done or total != self._total:  # the next member
            self._before += self._done
        self._done, self._total = done, total
        self._tell(self._before + done, self._before + total)


def not_yours(where: Folder) -> UsageError:
    """Why nobody's own data comes into a folder of made-up data, and what to do."""
    out = "Leave --data out, or name another folder."
    if where.sandbox:  # with the variable every new folder becomes one
        out = f"Unset SLEEPBALANCE_SANDBOX_URL, if it is set. {out}"
    return UsageError(
        f"{where.path} is a {where.purpose} folder; your own data does not belong into it. {out}"
    )
