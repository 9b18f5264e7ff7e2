"""The members that reading is done from: a file as it lies there, or an entry of a zip."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from isal import isal_zlib

from sleepbalance.archive.inflate import BLOCK, FAILURES, check_bomb, unpacker
from sleepbalance.archive.zips import CUT_OFF, DAMAGED, ENCRYPTED, Entry, data_start
from sleepbalance.errors import Malformed
from sleepbalance.provider import Limits, Stream

HEAD = 64 * 1024
EVERY = 2**20

OnBytes: TypeAlias = Callable[[int, int], None]


class _Progress:
    """Tells how far reading is, about once per MiB."""

    def __init__(self, total: int, tell: OnBytes) -> None:
        self.done = 0
        self._told = 0
        self._total, self._tell = total, tell

    def add(self, count: int) -> None:
        self.done += count
        if self.done - self._told >= EVERY:
            self._say()

    def finish(self) -> None:
        if self._told < self.done:
            self._say()

    def _say(self) -> None:
        self._told = self.done
        self._tell(self.done, self._total)


class _Plain:
    """A file read as it is."""

    def __init__(self, file: BinaryIO, name: str, progress: _Progress) -> None:
        self._file, self._name, self._progress = file, name, progress

    def read(self, size: int, /) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise Malformed(f"{self._name} cannot be read on: {error.strerror}") from None
        self._progress.add(len(data))
        if not data:
            self._progress.finish()
        return data


class _Packed:
    """An entry of a zip, unpacked while it is read and checked at its end."""

    def __init__(
        self, file: BinaryIO, entry: Entry, damage: str | None, limits: Limits, progress: _Progress
    ) -> None:
        self._file, self._entry, self._damage = file, entry, damage
        self._limits, self._progress = limits, progress
        self._inner = unpacker(entry.method)
        self._left = entry.packed
        self._out = self._crc = 0

    def read(self, size: int, /) -> bytes:
        data = self._unpack(size)
        if not data:
            self._progress.finish()
            self._check()
        return data

    def _unpack(self, size: int) -> bytes:
        while not self._inner.eof:
            packed = self._next() if self._inner.hungry else b""
            try:
                data = self._inner.unpack(packed, size)
            except FAILURES:
                raise Malformed(self._damage or DAMAGED) from None
            if data:
                self._count(data)
                return data
            if not packed:
                break
        return b""

    def _next(self) -> bytes:
        want = BLOCK if self._left is None else min(BLOCK, self._left)
        try:
            packed = self._file.read(want)
        except OSError as error:
            raise Malformed(f"The zip cannot be read on: {error.strerror}") from None
        if self._left is not None:
            self._left -= len(packed)
        self._progress.add(len(packed))
        return packed

    def _count(self, data: bytes) -> None:
        self._out += len(data)
        self._crc = isal_zlib.crc32(data, self._crc)
        check_bomb(self._progress.done, self._out, self._limits)

    def _check(self) -> None:
        if self._damage:
            raise Malformed(self._damage)
        if not self._inner.eof and (self._left or self._out != self._entry.size):
            raise Malformed(CUT_OFF)
        if (self._out, self._crc) != (self._entry.size, self._entry.crc):
            raise Malformed(f"{self._entry.name} was damaged on the way: its checksum differs")


class Latest:
    """The head of the member that was looked at last: many look at one, then at the next."""

    def __init__(self) -> None:
        self.of: Member | None = None
        self.head = b""


class Member(ABC):
    """See `sleepbalance.provider.Member`."""

    encrypted = False
    path: Path | None = None

    def __init__(self, path: Path, name: str, on_bytes: OnBytes, latest: Latest) -> None:
        self._path, self._name, self._on_bytes = path, name, on_bytes
        self._latest = latest

    @property
    def name(self) -> str:
        return self._name

    @property
    def head(self) -> bytes:
        """The first 64 KiB, or as much of them as can be read."""
        if self.encrypted:
            return b""
        if self._latest.of is not self:
            self._latest.of, self._latest.head = self, self._read_head()
        return self._latest.head

    def _read_head(self) -> bytes:
        data = b""
        try:
            with self._open(lambda done, total: None) as stream:
                while len(data) < HEAD and (more := stream.read(HEAD - len(data))):
                    data += more
        except Malformed:
            pass  # whoever reads on is told
        return data

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Reads it from the start; raises `Malformed` where it cannot be opened or read on."""
        with self._open(self._on_bytes) as stream:
            yield stream

    @contextmanager
    def _open(self, on_bytes: OnBytes) -> Iterator[Stream]:
        try:
            file = self._path.open("rb", buffering=0)
            total = self._path.stat().st_size
        except OSError as error:
            raise Malformed(f"{self._path} cannot be read: {error.strerror}") from None
        with closing(file):
            yield self._stream(file, total, on_bytes)

    @abstractmethod
    def _stream(self, file: BinaryIO, total: int, on_bytes: OnBytes) -> Stream: ...


class PlainMember(Member):
    def __init__(self, path: Path, name: str, on_bytes: OnBytes, latest: Latest) -> None:
        super().__init__(path, name, on_bytes, latest)
        self.path = path

    def _stream(self, file: BinaryIO, total: int, on_bytes: OnBytes) -> Stream:
        return _Plain(file, self.name, _Progress(total, on_bytes))


class ZipMember(Member):
    def __init__(
        self,
        path: Path,
        entry: Entry,
        damage: str | None,
        limits: Limits,
        on_bytes: OnBytes,
        latest: Latest,
    ) -> None:
        super().__init__(path, entry.name, on_bytes, latest)
        self._entry, self._damage, self._limits = entry, damage, limits
        self.encrypted = bool(entry.flags & ENCRYPTED)

    def _stream(self, file: BinaryIO, total: int, on_bytes: OnBytes) -> Stream:
        if self.encrypted:
            raise Malformed(
                f"{self.name} is encrypted: unpack it with its password and import the folder"
            )
        start = data_start(file, self._entry)
        if start > total:
            raise Malformed(CUT_OFF)
        file.seek(start)
        size = self._entry.packed if self._entry.packed is not None else total - start
        return _Packed(file, self._entry, self._damage, self._limits, _Progress(size, on_bytes))
