"""Rotation: seals everything anew under another master key, while the program runs on.

A text is replaced only where the old one still stands, in a transaction of its own: what a refresh
writes meanwhile stays. Nothing notes how far it came, since the texts themselves tell; so it may be
killed anywhere, and the next one goes on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sleepbalance.errors import Fatal
from sleepbalance.store.engine import Engine, reading, writing
from sleepbalance.store.secrets import SEALED, Sealed, any_like, some, swap
from sleepbalance.vault import PREFIX, OwnPlace, Vault, key_of, sealed_under

BATCH = 100  # texts read at once
PASSES = 50  # a process with old settings may seal under an old key for ever


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did, and what is left to do. Keys are named by their ids."""

    key: str  # seals now
    count: int  # texts that were sealed anew
    made: bool  # the key was made for this; else an earlier one was brought to its end
    unopened: tuple[str, ...] = ()  # texts that no key opens, each with the reason
    left: bool = False  # somebody goes on sealing under an older key
    dropped: tuple[str, ...] = ()  # thrown away: retired long enough, and nothing needs them
    unused: tuple[str, ...] = ()  # still kept, though nothing in this database needs them
    note: str = ""  # what the person does next


@dataclass(slots=True)
class _Pass:
    """One walk over all texts."""

    sealed: int = 0
    lost: int = 0  # texts that were replaced by somebody else meanwhile
    unopened: list[str] = field(default_factory=list)


def rotate(engine: Engine, vault: Vault, now: dt.datetime) -> Rotated:
    """Brings a rotation that was cut short to its end; else makes a new key and seals all anew.

    Where the keys are not ours to make, all is sealed under the one that the person put first.
    Raises Fatal where the keys cannot be read or written.
    """
    before = vault.active
    count, last = _seal_all(engine, vault)
    if not count and isinstance(vault.place, OwnPlace):
        vault.place.put_first(before, now)
        count, last = _seal_all(engine, vault)
    active, left = vault.active, bool(last.sealed or last.lost)
    unused = _unused(engine, vault)
    dropped: tuple[str, ...] = ()
    if isinstance(vault.place, OwnPlace):
        dropped = vault.place.drop(unused, now)
    kept = tuple(key for key in unused if key not in dropped)
    made = active != before
    return Rotated(
        key=active,
        count=count,
        made=made,
        unopened=tuple(last.unopened),
        left=left,
        dropped=dropped,
        unused=kept,
        note="" if last.unopened else _note(vault, count, left, made, kept),
    )


def _seal_all(engine: Engine, vault: Vault) -> tuple[int, _Pass]:
    """Walks until there is nothing left to seal; how many were, and the last walk."""
    count, last = 0, _Pass()
    for _ in range(PASSES):
        last = _Pass()
        for where in SEALED:
            _seal_column(engine, vault, where, last)
        count += last.sealed
        if not last.sealed and not last.lost:
            break
    return count, last


def _seal_column(engine: Engine, vault: Vault, where: Sealed, done: _Pass) -> None:
    after = ""
    while True:
        active = sealed_under(vault.active)
        with reading(engine) as connection:
            found = some(connection, where, PREFIX, active, after, BATCH)
        for row, text in found:
            _seal_one(engine, vault, where, row, text, done)
        if len(found) < BATCH:
            return
        after = found[-1][0]


def _seal_one(engine: Engine, vault: Vault, where: Sealed, row: str, old: str, done: _Pass) -> None:
    if key_of(old) is None:
        return  # begins like a sealed text, and is none
    try:
        text = vault.open(old, where.table, row, where.column)
    except Fatal as error:
        done.unopened.append(str(error))
        return
    new = vault.seal(text, where.table, row, where.column)
    with writing(engine) as connection:
        if swap(connection, where, row, old, new):
            done.sealed += 1
        else:
            done.lost += 1


def _unused(engine: Engine, vault: Vault) -> tuple[str, ...]:
    """Keys behind the first one that nothing stored is sealed under."""
    older = [key.id for key in vault.keys[1:]]
    with reading(engine) as connection:
        return tuple(key for key in older if not any_like(connection, sealed_under(key)))


def _note(vault: Vault, count: int, left: bool, made: bool, unused: tuple[str, ...]) -> str:
    if left:
        return (
            "Another process goes on sealing under an older key: start it anew, so that it sees"
            " the new one, and rotate again."
        )
    if isinstance(vault.place, OwnPlace):
        finished = (
            "That ended an earlier rotation, which was cut short; for a new key rotate again."
        )
        return finished if count and not made else ""
    if not count:
        return f"The key {vault.active} seals everything already. For a new one: {vault.place.add}."
    if unused:
        named = ", ".join(unused)
        return f"Nothing needs the older keys any more ({named}): take them out in a day or later."
    return ""
