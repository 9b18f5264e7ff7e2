"""Reads the second half of a large bare export in a process of its own, beside the first.

What it found counts only if the first half ended cleanly where the second began; otherwise the
file is read on as if there were no second process.
See docs/decisions/two-roads-through-an-export.md.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from sleepbalance.provider import Raw, Stream
from sleepbalance.providers.apple_health.scan import CUT

WORTH = 48 * 2**20  # bytes from which on a second process saves more than it costs
SHARE = 0.58  # of the file that the first process reads: the second has to start first
LOOK = 2**20
_FRAME = struct.Struct("<I")
_raw = msgspec.msgpack.Decoder(Raw)


class Summary(msgspec.Struct, frozen=True):
    """What is true of the second half as a whole."""

    whole: bool
    dated: bool  # it says when the export was made, which the first half needed to know
    damages: int
    refused: dict[str, tuple[str, int]]  # kind of reading → (why, how many)


_summary = msgspec.msgpack.Decoder(Summary)


def middle(path: Path, worth: int = WORTH) -> int | None:
    """Where a record begins near the middle; None where the file is not worth a second process."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < worth:
                return None
            rough = int(SHARE * size)
            file.seek(rough)
            at = file.read(LOOK).find(CUT)
    except OSError:
        return None
    return None if at < 0 else rough + at


class First:
    """A stream that stops at `end`, and goes on behind the next record's mark when asked to."""

    def __init__(self, stream: Stream, end: int | None) -> None:
        self._stream = stream
        self._left = end

    def read(self, size: int, /) -> bytes:
        if self._left is None:
            return self._stream.read(size)
        data = self._stream.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        return self._left == 0

    def go_on(self) -> None:
        """Lifts the end; the mark that stands there is taken as read."""
        self._left = None
        self._stream.read(len(CUT))


class Second:
    """The process that reads from `start` on. Used as a context, it never outlives it."""

    def __init__(self, path: Path, start: int, until: int) -> None:
        self.until = until
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 # closed in __exit__
        words = [sys.executable, "-m", __name__, str(path), str(start), str(until)]
        self._process = subprocess.Popen(  # noqa: S603 # ourselves, and no shell
            words, stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Second:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._out.close()

    def summary(self) -> Summary | None:
        """What it says at its end, first in its answer; None where it came to grief."""
        if self._process.wait() != 0:
            return None
        self._out.seek(-_FRAME.size, 2)
        (size,) = _FRAME.unpack(self._out.read(_FRAME.size))
        self._out.seek(-_FRAME.size - size, 2)
        found = _summary.decode(self._out.read(size))
        self._out.seek(0)
        return found

    def raws(self) -> Iterator[Raw]:
        """The raw records that it found."""
        while size := _FRAME.unpack(self._out.read(_FRAME.size))[0]:
            yield _raw.decode(self._out.read(size))


def main() -> None:
    """The second process: raw records in frames, an empty frame, the summary and its size."""
    from sleepbalance.providers.apple_health.export import Reader  # noqa: PLC0415 # it imports us

    path, start, until = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    reader = Reader.from_the_middle(until)
    out = sys.stdout.buffer
    encode = msgspec.msgpack.Encoder().encode
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        for raw in reader.rest_of(file):
            body = encode(raw)
            out.write(_FRAME.pack(len(body)) + body)
    body = encode(reader.summary())
    out.write(_FRAME.pack(0) + body + _FRAME.pack(len(body)))
    out.flush()


if __name__ == "__main__":
    main()
