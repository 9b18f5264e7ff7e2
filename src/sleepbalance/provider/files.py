"""The door of a file: what a person exported and hands over."""

from __future__ import annotations

import codecs
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sleepbalance.errors import Malformed
from sleepbalance.provider.records import Finished, Raw

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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


class Utf8:
    """A stream of text as UTF-8, also where its first bytes say that it is written as UTF-16."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = False

    def read(self, size: int, /) -> bytes:
        while True:
            block = self._stream.read(size)
            if not self._begun:
                self._begin(block)
            if self._decoder is None:
                return block
            text = self._decoder.decode(block, final=not block).encode(errors="replace")
            if text or not block:
                return text

    def _begin(self, block: bytes) -> None:
        self._begun = True
        if block.startswith(UTF16):
            self._decoder = codecs.getincrementaldecoder("utf-16")("replace")


def as_utf8(head: bytes) -> bytes:
    """The beginning of a text as UTF-8; see `Utf8`."""
    return head.decode("utf-16", "replace").encode() if head.startswith(UTF16) else head


class Until:
    """A stream that ends where its archive turns out damaged, and remembers why."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.failure: str | None = None

    def read(self, size: int, /) -> bytes:
        if self.failure:
            return b""
        try:
            return self._stream.read(size)
        except Malformed as error:
            self.failure = str(error)
            return b""


def read_each(
    members: Sequence[Member],
    read_one: Callable[[Member, Stream], Iterator[Raw]],
    problems: list[str],
) -> Iterator[Raw]:
    """What `read_one` reads of each member; one that cannot be read becomes one of the problems.

    Raises `Malformed` where none of them can be read.
    """
    refused: list[Malformed] = []
    for member in members:
        try:
            with member.open() as stream:
                yield from read_one(member, stream)
        except Malformed as error:
            refused.append(error)
    if refused and len(refused) == len(members):
        raise refused[0]
    problems += map(str, refused)


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
