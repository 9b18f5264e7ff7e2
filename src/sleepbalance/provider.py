"""The contract of a provider: one frozen value, made of data and of a few pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sleepbalance.model import Session, Source


class Stream(Protocol):
    """Unpacked bytes of one member, read once from front to back."""

    def read(self, size: int, /) -> bytes: ...


class Member(Protocol):
    """One file of what a person handed over: a bare file, one in a folder, or one in a zip."""

    @property
    def name(self) -> str:
        """Its path inside what was handed over, with forward slashes; a label, never opened."""

    @property
    def head(self) -> bytes:
        """Its first 64 KiB, unpacked; empty where it is encrypted."""

    @property
    def encrypted(self) -> bool: ...

    @property
    def path(self) -> Path | None:
        """Where it lies on disk by itself; None where it has to be unpacked, or was made."""

    def open(self) -> AbstractContextManager[Stream]:
        """Reads it from the start. A damaged archive ends the stream with `Malformed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """The smallest thing a maker can send, revise or delete again, kept as it came.

    `key` is unique within provider and account. `start` and `end` are instants, None where the
    record could not be placed in time. A companion (heart rate, zone marks) is no sleep itself:
    it is handed to `normalise` beside the records it overlaps, and may be a pack of many samples
    that comes in several pieces, which `Provider.merge` joins. `zone` is where the record itself
    says that the clock was at its start (IANA name or offset); records near it that say nothing
    take it over. `problem` says why a record was set aside; it is kept all the same.
    """

    key: str
    kind: str
    source: Source
    payload: bytes
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    companion: bool = False
    revised_at: dt.datetime | None = None
    zone: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last thing that reading yields: what is true of the file as a whole."""

    as_of: dt.datetime | None = None  # when the maker wrote the file
    problems: tuple[str, ...] = ()  # of the file as a whole, e.g. that it was cut off


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """What raw records that touch each other say: sessions, and what was set aside."""

    sessions: tuple[Session, ...] = ()
    aside: tuple[tuple[str, str], ...] = ()  # (key of a raw record, reason)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the files of a provider may be, before we stop reading."""

    unpacked: int = 64 * 2**30  # bytes
    ratio: int = 200  # unpacked to packed, once more than 256 MiB came out


@dataclass(frozen=True, slots=True)
class File:
    """A door: a file that the person exported and hands over.

    `recognises` tells by content whether a member is what `read` wants. `read` yields raw records
    (repeats included) and one `Finished` at the end; `now` guards against dates in the future.
    `demo` is a made-up file that ships with the provider and says so in its first 64 KiB.
    """

    recognises: Callable[[Member], bool]
    read: Callable[[Sequence[Member], dt.datetime], Iterator[Raw | Finished]]
    how_to: str  # how a person gets such a file, in one or two sentences
    demo: Path | None = None


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
    set of pieces in any order where pieces may come in any order.
    """

    id: str
    name: str
    docs: str
    verified: dt.date | None
    doors: tuple[File, ...]
    normalise: Callable[[Iterable[Raw]], Normalised]
    reach: dt.timedelta = dt.timedelta(0)
    merge: Callable[[str, Sequence[bytes]], bytes] = keep_last
