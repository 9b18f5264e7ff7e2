"""The contract of a provider: one frozen value, made of data and of a few pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sleepbalance.provider.files import File
from sleepbalance.provider.hooks import Hook
from sleepbalance.provider.network import ApiKey, OAuth
from sleepbalance.provider.records import Normalised, Raw

Door = File | OAuth | ApiKey
Remote = OAuth | ApiKey


def keep_last(kind: str, payloads: Sequence[bytes]) -> bytes:
    """The default `merge`: the newest version of a record replaces the older ones."""
    del kind
    return payloads[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Everything the engine knows of one maker. See CONTRIBUTING.md for a worked example.

    `normalise` is pure: all raw records of one source whose spans lie at most `reach` apart, and
    the companions that overlap them, become sessions. `merge(kind, payloads)` joins several
    versions or pieces of one raw record, oldest first; it must give the same for the same
    set of pieces in any order where pieces may come in any order. `also` are other words for the
    maker and its devices, in lower case; `hub` says that other makers' phone apps write into it,
    and `apps` are the names and package names, in lower case, that this maker's app has there.
    """

    id: str
    name: str
    docs: str
    verified: dt.date | None
    doors: tuple[Door, ...]
    normalise: Callable[[Iterable[Raw]], Normalised]
    reach: dt.timedelta = dt.timedelta(0)
    merge: Callable[[str, Sequence[bytes]], bytes] = keep_last
    also: tuple[str, ...] = ()
    hub: bool = False
    apps: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()

    @property
    def files(self) -> tuple[File, ...]:
        return tuple(door for door in self.doors if isinstance(door, File))

    @property
    def remote(self) -> tuple[Remote, ...]:
        """The doors that lead over the network."""
        return tuple(door for door in self.doors if not isinstance(door, File))
