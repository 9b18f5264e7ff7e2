"""Sleep logs out of a JSON file of any size, entry by entry, also where the file is damaged."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode, inside, listed
from sleepbalance.provider import Stream

BLOCK = 2**20
CHUNK = 4 * 2**20  # a month is a tenth of it
MOST = 64 * 2**20
_BEGINS = re.compile(rb'\{\s*"logId"\s*:')
_AROUND = b"[], \t\r\n"
_KEPT = 2**20  # bytes of what cannot be read


class Logs:
    """The entries of one file. `whole` tells at the end whether it was closed as it should be."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._first = self._last = b""

    @property
    def whole(self) -> bool:
        return (self._first == b"[") == (self._last == b"]")

    def entries(self) -> Iterator[tuple[bytes, bool]]:
        """Each entry as it is written, and whether it can be read."""
        held = bytearray()
        while block := self._stream.read(BLOCK):
            held += block
            if len(held) >= CHUNK:
                cut = max((m.start() for m in _BEGINS.finditer(held)), default=0)
                yield from self._of(bytes(held[:cut]))
                del held[:cut]
            if len(held) > MOST:
                raise Malformed("A file of sleep logs is one entry of more than 64 MiB.")
        yield from self._of(bytes(held))

    def _of(self, chunk: bytes) -> Iterator[tuple[bytes, bool]]:
        body = chunk.removeprefix(b"\xef\xbb\xbf").strip()
        if not body:
            return
        self._first, self._last = self._first or body[:1], body[-1:]
        lists, body = body, body.lstrip(b"[, \t\r\n")
        if not body.rstrip(_AROUND) and lists.count(b"[") > 1:
            yield lists[:_KEPT], False  # nothing but lists in lists
        elif (entries := _decoded(body.rstrip(_AROUND))) is not None:
            yield from ((entry, True) for entry in entries)
        else:
            yield from _salvaged(body)


def _decoded(core: bytes) -> list[bytes] | None:
    found = listed(b"[%b]" % core)
    return _answer(found[0]) if found is not None and len(found) == 1 else found


def _answer(entry: bytes) -> list[bytes]:
    """What somebody kept of Fitbit's own API has its entries under `sleep`."""
    told = inside(decode(entry))
    if "logId" in told or not isinstance(told.get("sleep"), list):
        return [entry]
    return [msgspec.json.encode(each) for each in told["sleep"]]


def _salvaged(body: bytes) -> Iterator[tuple[bytes, bool]]:
    """The entries that are whole, and the pieces that are none."""
    starts = [match.start() for match in _BEGINS.finditer(body)]
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        piece = body[start:end].rstrip(_AROUND)
        good = isinstance(decode(piece), dict)
        yield piece if good else piece[:_KEPT], good
