"""Where master keys come from: a mounted secret, the environment, the keyring, or a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from sleepbalance.errors import Locked
from sleepbalance.vault.files import Mounted, OwnFile, locked
from sleepbalance.vault.keys import Keys, make_key, read, write

MOUNTED = "SLEEPBALANCE_MASTER_KEY_FILE"
GIVEN = "SLEEPBALANCE_MASTER_KEY"
KEYRING = "keyring"
FILE = "master.key"

# A process that read the old key just before a rotation may still seal with it. It looks whether
# the keys changed before it seals, so that this takes an instant and not a day; but a machine that
# was put to sleep in that instant wakes up hours later.
KEEP = dt.timedelta(hours=24)


class Words(Protocol):
    """Something that holds keys as text."""

    def get(self) -> str | None: ...

    def stamp(self) -> object: ...


class OwnWords(Words, Protocol):
    """The same, where we may write."""

    def put(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """Keys in a variable: they cannot change while the program runs."""

    text: str = field(repr=False)

    def get(self) -> str:
        return self.text

    def stamp(self) -> object:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where keys are kept by somebody else: `where` and, in `add`, how a new one gets there."""

    where: str
    words: Words
    add: str = "sleepbalance keys rotate makes a new key"

    def keys(self) -> Keys:
        """What is there. Raises Locked where there is nothing, Fatal where it
        cannot be read."""
        text = self.words.get()
        if text is None:
            raise Locked(
                f"There are no master keys in {self.where}, and without them no token is kept or"
                " read. Bring them back; if they are lost, disconnect what is connected, and"
                " connect again."
            )
        return read(text, self.where)

    def begin(self) -> Keys:
        """The keys at the start of a program."""
        return self.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPlace(Place):
    """Where we keep keys ourselves: made on first use, changed by one process at a time."""

    words: OwnWords
    lock: Path

    def begin(self) -> Keys:
        if self.words.get() is not None:
            return self.keys()
        return self._change(lambda keys: keys or (make_key(),))

    def _change(self, edit: Callable[[Keys], Keys]) -> Keys:
        with locked(self.lock):
            text = self.words.get()
            before = () if text is None else read(text, self.where)
            after = edit(before)
            if after != before:
                self.words.put(write(after))
        return after

    def put_first(self, seen: str, now: dt.datetime) -> None:
        """Makes a key that seals from now on, unless somebody did since `seen` was in front."""

        def edit(keys: Keys) -> Keys:
            if keys and keys[0].id != seen:
                return keys
            return (make_key(), *(replace(key, retired=key.retired or now) for key in keys))

        self._change(edit)

    def drop(self, unused: Collection[str], now: dt.datetime) -> tuple[str, ...]:
        """Throws those keys away that retired long enough ago; gives their ids."""
        dropped: list[str] = []

        def edit(keys: Keys) -> Keys:
            past = [k for k in keys[1:] if k.id in unused and k.retired and now - k.retired > KEEP]
            dropped.extend(key.id for key in past)
            return tuple(key for key in keys if key not in past)

        self._change(edit)
        return tuple(dropped)


def place_of(folder: Path, environ: Mapping[str, str]) -> Place:
    """Where the keys of a data folder are; makes none. An empty variable is as none at all."""
    mounted, given = (environ.get(name, "").strip() for name in (MOUNTED, GIVEN))
    if mounted:
        where = f"{mounted} ({MOUNTED})"
        add = f"put a new key on a line of its own, above the others, into {where}"
        return Place(where=where, words=Mounted(Path(mounted)), add=add)
    if given and given.lower() != KEYRING:
        add = f"put a new key in front of the others: {GIVEN}=NEW,OLD"
        return Place(where=GIVEN, words=Environment(given), add=add)
    lock = folder / f"{FILE}.lock"
    if given:
        # The package takes 0.1 s to load, and few have to wait for it.
        from sleepbalance.vault import ring  # noqa: PLC0415

        words, where = ring.open_ring(str(folder)), f"the keyring ({ring.SERVICE}, {folder})"
        return OwnPlace(where=where, words=words, lock=lock)
    return OwnPlace(where=str(folder / FILE), words=OwnFile(folder / FILE), lock=lock)
