"""The careful road: a real XML parser over a stream, which goes on behind what is damaged."""

from __future__ import annotations

import codecs
import re
import secrets
from dataclasses import dataclass
from typing import TypeAlias
from xml.parsers import expat

STEP = 64 * 1024
MOST_PENDING = 256 * 1024  # of one tag
MOST_KEPT = 64 * 1024
MOST_DEPTH = 64
MOST_DAMAGE = 10_000
MOST_METADATA = 1000

CONTROLS = bytes([*range(9), 11, 12, *range(14, 32)])
NOT_WELL_FORMED = "it is not well-formed XML"
CUT_OFF = "it is cut off at the end of the file"

_BEGIN = b"<HealthData>"
_MARK = f"m{secrets.token_hex(8)}"  # no file can know it
_TOP = (
    "Record",
    "Workout",
    "Correlation",
    "ActivitySummary",
    "ClinicalRecord",
    "Audiogram",
    "VisionPrescription",
)
_NEXT = re.compile(rf"<(?:{'|'.join(_TOP)})\s|</HealthData".encode())
MARK = f"<{_MARK}/>".encode()


@dataclass(slots=True)
class Element:
    """A whole top-level element with the metadata directly in it."""

    name: str
    attributes: dict[str, str]
    metadata: dict[str, str]


@dataclass(slots=True)
class Damage:
    """A stretch that could not be read, and why."""

    text: bytes
    reason: str


Event: TypeAlias = Element | Damage


class _Astray(Exception):
    """More levels than any export has, or an element inside one that was not closed."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index  # the parser runs on to the end of what it was given


class Markup:
    """Elements out of bytes. Holds at most a few hundred KiB, whatever comes."""

    def __init__(self, inside: bool = True) -> None:
        """`inside`: what comes lies inside the root; else the root itself comes first."""
        self.events: list[Event] = []
        self.closed = False
        self.damages = 0
        self.marks = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parser: expat.XMLParserType | None = None
        self._rest = b""
        self._begin(_BEGIN if inside else b"")

    def _begin(self, prefix: bytes) -> None:
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        self._depth = self._fed = self._at = 0
        self._open: Element | None = None
        self._kept = b""
        if prefix:
            parser.Parse(prefix)
            self._fed = len(prefix)

    @property
    def hopeless(self) -> bool:
        return self.damages > MOST_DAMAGE

    def feed(self, data: bytes) -> None:
        data = self._decoder.decode(data.translate(None, CONTROLS)).encode()
        for at in range(0, len(data), STEP):
            self._feed(data[at : at + STEP])

    def at_top(self) -> bool:
        """Whether everything so far is closed and the next thing is a child of the root."""
        before = self.marks
        if self._parser is None:
            return True
        if self._depth == 1:
            self._feed(MARK)
        return self.marks > before

    def finish(self) -> None:
        """Nothing more comes."""
        if self._parser is not None and not self.closed:
            try:
                self._parser.Parse(b"", True)
            except expat.ExpatError:
                if self._kept:
                    self.events.append(Damage(self._kept, CUT_OFF))
        self._parser = None

    def let_go(self) -> None:
        """Gives the parser back at once: it and its handlers hold each other."""
        self._parser = None

    def _feed(self, data: bytes) -> None:
        while data and not self.hopeless:
            if self._parser is None:
                data = self._seek(self._rest + data, 0)
                continue
            try:
                self._parser.Parse(data)
            except expat.ExpatError:
                data = self._recover(self._parser.ErrorByteIndex, data)
                continue
            except _Astray as astray:
                data = self._recover(astray.index, data)
                continue
            self._fed += len(data)
            self._keep(self._parser, data)
            return

    def _keep(self, parser: expat.XMLParserType, data: bytes) -> None:
        """Keeps the text of what is not closed yet, to name it if it turns out damaged."""
        pending = self._fed - parser.CurrentByteIndex
        length = self._fed - self._at if self._open else pending
        self._kept = (self._kept + data)[-length:][:MOST_KEPT] if length else b""
        if pending > MOST_PENDING:
            self._damaged(self._kept)

    def _recover(self, index: int, data: bytes) -> bytes:
        """Sets aside what is damaged; what is to be read next, from the next element on."""
        text, end = self._kept + data, self._fed + len(data)
        error = max(0, len(text) - (end - index))
        if self._open:
            begin = max(0, len(text) - (end - self._at))
        else:
            begin = max(0, text.rfind(b"<", 0, error))
            begin = error if b">" in text[begin:error] else begin
        rest = self._seek(text, max(error, 1))
        self._damaged(text[begin : len(text) - len(rest)], seek=False)
        return rest

    def _damaged(self, text: bytes, seek: bool = True) -> None:
        self.damages += 1
        self.events.append(Damage(text[:MOST_KEPT], NOT_WELL_FORMED))
        if seek:
            self._parser, self._rest = None, b""

    def _seek(self, data: bytes, start: int) -> bytes:
        """The rest of `data` from the next element on, with a parser ready for it."""
        match = _NEXT.search(data, start)
        while match and match[0] == b"</HealthData":
            self.closed = True
            match = _NEXT.search(data, match.end())
        self._rest = b""
        if match:
            self._begin(_BEGIN)
            return data[match.start() :]
        self._parser, self._rest = None, data[max(start, len(data) - 24) :]
        return b""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 2:
            if name == _MARK:
                self.marks += 1
            self._at = self._index()
            self._open = Element(name, attributes, {})
        elif self._depth == 3 and self._open:
            self._inside(self._open, name, attributes)
        elif self._depth > MOST_DEPTH:
            raise _Astray(self._index())

    def _index(self) -> int:
        assert self._parser is not None
        return self._parser.CurrentByteIndex

    def _inside(self, parent: Element, name: str, attributes: dict[str, str]) -> None:
        if name == "MetadataEntry":
            if len(parent.metadata) < MOST_METADATA:
                parent.metadata[attributes.get("key", "")] = attributes.get("value", "")
        elif name in _TOP and (name, parent.name) != ("Record", "Correlation"):
            raise _Astray(self._index())

    def _end(self, name: str) -> None:
        if self._depth == 2 and self._open:
            if name != _MARK:
                self.events.append(self._open)
            self._open = None
        self._depth -= 1
        if self._depth == 0:
            self.closed = True
