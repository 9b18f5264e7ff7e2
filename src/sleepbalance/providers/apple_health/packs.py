"""How samples are kept: a sleep sample as JSON, the readings of a sensor as packed columns."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

import msgspec

_HEAD = struct.Struct("<4sI")
_MAGIC = b"SBR1"


class SleepSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One `HKCategoryTypeIdentifierSleepAnalysis` sample; instants are epoch seconds.

    `value` is as sent ("HKCategoryValueSleepAnalysisAsleepCore"), `printed` the offset in
    seconds that the file printed, `zone` what `HKTimeZone` says, `more` every other attribute
    and metadata entry as sent.
    """

    start: int
    end: int
    value: str
    created: int | None = None
    printed: int | None = None
    zone: str | None = None
    manual: bool = False
    more: dict[str, str] = {}


encode_sample = msgspec.json.Encoder(order="sorted").encode
decode_sample = msgspec.json.Decoder(SleepSample).decode


class Readings(NamedTuple):
    """What one sensor of one source said: columns of equal length, sorted, without repeats."""

    starts: array[int]  # epoch seconds
    seconds: array[int]  # 0 for a reading at an instant
    values: array[float]  # as sent, in the unit of the file

    def between(self, start: int, end: int) -> Readings:
        """The readings that begin inside [start, end) and end by `end`."""
        low, high = bisect_left(self.starts, start), bisect_left(self.starts, end)
        starts, seconds = self.starts[low:high], self.seconds[low:high]
        values = self.values[low:high]
        if any(seconds):
            keep = [begun + lasting <= end for begun, lasting in zip(starts, seconds, strict=True)]
            starts = array("q", list(compress(starts, keep)))
            seconds = array("I", list(compress(seconds, keep)))
            values = array("d", list(compress(values, keep)))
        return Readings(starts, seconds, values)


def pack(starts: Sequence[int], seconds: Sequence[int], values: Sequence[float]) -> bytes:
    """Columns as bytes, sorted and without repeats."""
    times = list(starts)
    if sorted(set(times)) != times:  # a watch mostly sends them so
        rows = sorted(set(zip(starts, seconds, values, strict=True)))
        starts, seconds, values = zip(*rows, strict=True)
    columns = (array("q", starts), array("I", seconds), array("d", values))
    return _HEAD.pack(_MAGIC, len(starts)) + b"".join(column.tobytes() for column in columns)


@lru_cache(maxsize=8)  # the nights of a week ask for the same ones
def unpack(payload: bytes) -> Readings:
    """The columns of a pack. Raises ValueError for bytes that are none."""
    magic, count = _HEAD.unpack_from(payload)
    if magic != _MAGIC or len(payload) != _HEAD.size + 20 * count:
        raise ValueError("not a pack of readings")
    columns = Readings(array("q"), array("I"), array("d"))
    at = _HEAD.size
    for column in columns:
        column.frombytes(payload[at : at + count * column.itemsize])
        at += count * column.itemsize
    return columns


def join(payloads: Sequence[bytes]) -> bytes:
    """One pack out of several, the same in whichever order they come."""
    if len(payloads) == 1:
        return payloads[0]
    parts = [unpack(payload) for payload in payloads]
    return pack(
        [x for part in parts for x in part.starts],
        [x for part in parts for x in part.seconds],
        [x for part in parts for x in part.values],
    )
