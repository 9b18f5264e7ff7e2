"""The fast road: blocks of an export as the phone lays it out, checked byte by byte.

A block is taken only if each of its records is proven to be whole: by a text that was proven
before, by dates in their fixed places, by a known ending. Whatever is not goes through the XML
parser, the record alone where that suffices, else the block (see `markup`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_, sub
from typing import NamedTuple

from sleepbalance.model import Source
from sleepbalance.providers.apple_health.dates import Hours, Minutes
from sleepbalance.providers.apple_health.markup import MARK, Event, Markup
from sleepbalance.providers.apple_health.sensors import LONGEST, SENSORS
from sleepbalance.providers.apple_health.sources import hints_of, source_of

CUT = b'\n <Record type="HK'
MOST_HEADS = 512
MOST_TAILS = 2048
LONGEST_HEAD = 2048
LONGEST_TAIL = 512

_CREATED = b' creationDate="'
_POINTER = b"HKDevice: 0x"
_PRINTED = 25  # "2024-01-01 01:01:36 +0200"
_TO_HOUR = 13
_HEAD = re.compile(
    rb'(Quantity|Category|Data)Type(?:Identifier)?([A-Za-z0-9]+)"'
    rb'((?: [A-Za-z]+="[^"<\x00-\x1f]*")*) creationDate="'
)
_ATTRIBUTE = re.compile(rb' ([A-Za-z]+)="([^"]*)"')
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos);)?")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_META = rb'(?:/>|>(?:\n  <MetadataEntry key="[^"<&]*" value="[^"<&]*"/>)*\n </Record>)'
_READING_TAIL = re.compile(rb'" value="([0-9][0-9.eE+-]{0,39})"' + _META)
_OTHER = re.compile(rb'[^<>&]*"' + _META)
_LATER = {"type", "creationDate", "startDate", "endDate", "value"}
_TELLING = (b"HKTimeZone", b"HKWasUserEntered", b"productType")


class Columns(NamedTuple):
    kind: str
    source: Source
    starts: list[int]
    seconds: list[int]
    values: list[float]


class Read(NamedTuple):
    """What a block holds: readings in columns, everything else as events."""

    columns: list[Columns]
    events: list[Event]


@dataclass(frozen=True, slots=True)
class _Head:
    """The text of a record up to its first date, which many records share."""

    text: bytes
    sensor: str | None = None  # a key of SENSORS; None: nothing that we want
    source: Source | None = None


class _Tails(dict[bytes, float]):
    """What follows the last date of a reading → its value; KeyError where it is not plain."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, tail: bytes) -> float:
        match = _READING_TAIL.fullmatch(tail) if len(tail) <= LONGEST_TAIL else None
        if not match or any(word in tail for word in _TELLING):
            raise KeyError(tail)
        try:
            value = float(match[1])
        except ValueError:
            raise KeyError(tail) from None
        if not 0 < value <= self._most:
            raise KeyError(tail)
        if len(self) >= MOST_TAILS:
            self.clear()
        self[tail] = value
        return value


class Scanner:
    """Reads blocks that begin with `CUT`, up to the last one in them."""

    def __init__(self) -> None:
        self._heads: dict[bytes, _Head | None] = {}
        self._start_hours = Hours(b'" startDate="')
        self._start_minutes = Minutes(b'" endDate="')
        self._end_hours = Hours()
        self._end_minutes = Minutes()
        self._tails = {name: _Tails(most) for name, (_, most) in SENSORS.items()}

    def read(self, block: bytes, until: int) -> Read | None:
        """None where the block is not what the phone writes."""
        pieces = block.split(CUT)[1:-1]
        columns: list[Columns] = []
        odd: list[bytes] = []
        for text, group in _groups(pieces):
            head = self._head(text)
            if head is None:
                odd += group
            elif head.sensor and head.source:
                odd += self._readings(head, group, columns, until)
            else:
                odd += _others(head, group)
        events = _parsed(odd)
        return None if events is None else Read(columns, events)

    def _head(self, text: bytes) -> _Head | None:
        try:
            return self._heads[text]
        except KeyError:
            if len(self._heads) >= MOST_HEADS:
                self._heads.clear()
            head = self._heads[text] = _read_head(text)
            return head

    def _readings(
        self, head: _Head, pieces: list[bytes], columns: list[Columns], until: int
    ) -> list[bytes]:
        """Adds a column; the pieces that need a closer look."""
        assert head.sensor
        assert head.source
        try:
            found = self._fields(head, pieces)
            odd: list[bytes] = []
        except KeyError:
            odd, good = self._sort_out(head, pieces)
            found = self._fields(head, good)
        starts, seconds, values = found
        if not starts:
            return odd
        longest = max(seconds)
        if min(seconds) < 0 or longest > LONGEST or max(starts) + longest > until:
            return pieces  # which of them, the careful road tells
        columns.append(Columns(SENSORS[head.sensor][0], head.source, starts, seconds, values))
        return odd

    def _sort_out(self, head: _Head, pieces: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        odd: list[bytes] = []
        good: list[bytes] = []
        for piece in pieces:
            try:
                self._fields(head, [piece])
            except KeyError:
                odd.append(piece)
            else:
                good.append(piece)
        return odd, good

    def _fields(
        self, head: _Head, pieces: Sequence[bytes]
    ) -> tuple[list[int], list[int], list[float]]:
        """Starts, lengths and values, cut out at their places. KeyError where one differs."""
        assert head.sensor
        a = len(head.text) + _PRINTED
        b = a + len(b'" startDate="') + _TO_HOUR
        c = b + _PRINTED - _TO_HOUR + len(b'" endDate="')
        d = c + _PRINTED
        hours, minutes = self._start_hours, self._start_minutes
        starts = [hours[piece[a:b]] + minutes[piece[b:c]] for piece in pieces]
        begin, end = b - _TO_HOUR, b - _TO_HOUR + _PRINTED
        if [piece[begin:end] for piece in pieces] == [
            piece[c:d] for piece in pieces
        ]:  # readings of an instant
            seconds = [0] * len(pieces)
        else:
            hours, minutes, middle = self._end_hours, self._end_minutes, c + _TO_HOUR
            ends = [hours[piece[c:middle]] + minutes[piece[middle:d]] for piece in pieces]
            seconds = list(map(sub, ends, starts))
        tails = self._tails[head.sensor]
        return starts, seconds, [tails[piece[d:]] for piece in pieces]


def _groups(pieces: list[bytes]) -> Iterator[tuple[bytes, list[bytes]]]:
    """The pieces by the text that they begin with. The phone writes long runs of a few."""
    for _ in range(4):
        if not pieces:
            return
        text = _text_of(pieces[0])
        if not text:
            break
        same = [piece.startswith(text) for piece in pieces]
        count = sum(same)
        if count == len(pieces):
            yield text, pieces
            return
        if count < len(pieces) // 16:
            break
        yield text, list(compress(pieces, same))
        pieces = list(compress(pieces, map(not_, same)))
    groups: dict[bytes, list[bytes]] = {}
    for piece in pieces:
        groups.setdefault(_neutral(_text_of(piece)), []).append(piece)
    yield from groups.items()


def _text_of(piece: bytes) -> bytes:
    at = piece.find(_CREATED, 0, LONGEST_HEAD)
    return piece[: at + len(_CREATED)] if at > 0 else b""


def _neutral(text: bytes) -> bytes:
    """Without the place in the phone's memory that it prints of a device, ever another one."""
    at = text.find(_POINTER) + len(_POINTER)
    end = text.find(b"&", at)
    if at < len(_POINTER) or not text[at:end].isalnum():
        return text
    return text[:at] + b"0" * (end - at) + text[end:]


def _read_head(text: bytes) -> _Head | None:
    """None where it is not plain, or begins a record of sleep."""
    match = _HEAD.fullmatch(text)
    if not match or match[2] == b"SleepAnalysis":
        return None
    name = match[2].decode()
    try:
        attributes = _attributes(match[3])
        if match[1] != b"Quantity" or name not in SENSORS:
            return _Head(text)
        source = source_of(attributes.get("sourceName", ""), hints_of(attributes))
    except ValueError:
        return None
    return _Head(text, name, source)


def _attributes(text: bytes) -> dict[str, str]:
    """Raises ValueError for what XML forbids or what does not stand in this place."""
    pairs = _ATTRIBUTE.findall(text)
    attributes = {name.decode(): _unescape(value.decode()) for name, value in pairs}
    if len(attributes) < len(pairs) or _LATER & attributes.keys():
        raise ValueError(text)
    return attributes


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        if not match[1]:
            raise ValueError(text)
        return _ENTITIES[match[1]]

    return _ENTITY.sub(one, text)


def _others(head: _Head, pieces: list[bytes]) -> list[bytes]:
    """Of records that are not wanted, the pieces that are not proven to be whole, or that say
    where the clock was."""
    start = len(head.text)
    text = b"".join([piece[start:] for piece in pieces])
    plain = b"<" not in text and b"&" not in text and text.count(b">") == len(pieces)
    if plain and {piece[-3:] for piece in pieces} == {b'"/>'}:
        return []
    return [
        piece
        for piece in pieces
        if not _OTHER.fullmatch(piece, start) or any(word in piece for word in _TELLING)
    ]


def _parsed(odd: list[bytes]) -> list[Event] | None:
    """The elements in the pieces; None where one is not whole."""
    if not odd:
        return []
    markup = Markup()
    markup.feed(b"".join(CUT + piece + MARK for piece in odd))
    markup.let_go()
    if markup.damages or markup.marks != len(odd):
        return None
    return markup.events
