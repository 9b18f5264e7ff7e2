"""Unpacks the bytes of one zip entry, in pieces, never more than asked for."""

from __future__ import annotations

import bz2
import lzma
import struct
from typing import BinaryIO, Protocol

from isal import isal_zlib

from sleepbalance.errors import Malformed
from sleepbalance.provider import Limits

BLOCK = 128 * 1024
FREE_OF_RATIO = 256 * 2**20
STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
isal_error: type[Exception] = vars(isal_zlib)["error"]  # its stub takes the class for a value
FAILURES: tuple[type[Exception], ...] = (
    isal_error,
    OSError,
    EOFError,
    ValueError,
    lzma.LZMAError,
    struct.error,
)

UNDONE: tuple[type[Exception], ...] = (Malformed, *FAILURES)

_OTHER_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}


class Unpacker(Protocol):
    """What is packed goes in, at most `size` bytes come out at a time."""

    @property
    def eof(self) -> bool: ...

    def unpack(self, data: bytes, size: int) -> bytes: ...

    @property
    def hungry(self) -> bool:
        """Whether nothing more comes out without more going in."""

    @property
    def left(self) -> bytes:
        """What went in and was not needed."""


class Stored:
    eof = False

    def __init__(self) -> None:
        self.left = b""

    @property
    def hungry(self) -> bool:
        return not self.left

    def unpack(self, data: bytes, size: int) -> bytes:
        data = self.left + data
        self.left = data[size:]
        return data[:size]


class Inflater:
    def __init__(self) -> None:
        self._inner = isal_zlib.decompressobj(-15)

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def hungry(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def left(self) -> bytes:
        return bytes(self._inner.unused_data)

    def unpack(self, data: bytes, size: int) -> bytes:
        return bytes(self._inner.decompress(self._inner.unconsumed_tail + data, size))


class Other:
    """bzip2 and LZMA by the standard library."""

    def __init__(self, inner: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def hungry(self) -> bool:
        return self._inner.needs_input

    @property
    def left(self) -> bytes:
        return self._inner.unused_data

    def unpack(self, data: bytes, size: int) -> bytes:
        return self._inner.decompress(data, size)


class Lzma:
    """LZMA as zip writes it: two bytes of version, the size of the properties, the properties."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: Other | None = None

    @property
    def eof(self) -> bool:
        return self._inner is not None and self._inner.eof

    @property
    def hungry(self) -> bool:
        return self._inner is None or self._inner.hungry

    @property
    def left(self) -> bytes:
        return self._inner.left if self._inner else b""

    def unpack(self, data: bytes, size: int) -> bytes:
        if self._inner is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            data = self._begin()
        assert self._inner is not None
        return self._inner.unpack(data, size)

    def _begin(self) -> bytes:
        length, packed, dictionary = struct.unpack_from("<xxHBI", self._head)
        if length != 5 or packed >= 225 or dictionary > 64 * 2**20:
            raise Malformed("A file in the zip is packed in a way that cannot be read")
        rest, literal = divmod(packed, 9)
        last, position = divmod(rest, 5)[1], rest // 5
        one = {"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096)}
        one |= {"lc": literal, "lp": last, "pb": position}
        self._inner = Other(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[one]))
        return self._head[9:]


def unpacker(method: int) -> Unpacker:
    """Raises `Malformed` for a method that we cannot undo."""
    makers = {STORED: Stored, DEFLATED: Inflater, LZMA: Lzma}
    if method == BZIP2:
        return Other(bz2.BZ2Decompressor())
    if method in makers:
        return makers[method]()  # type: ignore[return-value]
    name = _OTHER_METHODS.get(method, f"method {method}")
    raise Malformed(
        f"The zip is packed with {name}, which cannot be read here: unpack it and import the folder"
    )


def check_bomb(packed: int, unpacked: int, limits: Limits) -> None:
    """Raises `Malformed` where far more comes out than an export could hold."""
    if unpacked > limits.unpacked:
        raise Malformed(f"The file grows beyond {limits.unpacked // 2**20} MiB; reading stopped")
    if unpacked > FREE_OF_RATIO and unpacked > packed * limits.ratio:
        raise Malformed(
            f"The file unpacks to more than {limits.ratio} times its size, as a zip bomb does; "
            "reading stopped. If it is an export, unpack it and import the folder"
        )


def find_end(file: BinaryIO, start: int, method: int, limits: Limits) -> int | None:
    """Where the packed bytes that begin at `start` end; None where that cannot be found out."""
    file.seek(start)
    read = out = 0
    try:
        inner = unpacker(method)
        while not inner.eof:
            data = file.read(BLOCK) if inner.hungry else b""
            read += len(data)
            got = inner.unpack(data, 8 * BLOCK)
            out += len(got)
            check_bomb(read, out, limits)
            if not data and not got:
                return None
    except UNDONE:
        return None
    return start + read - len(inner.left)
