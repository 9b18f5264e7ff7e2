"""Recognises and reads the export of the Health app: a stream of any size in, raw records out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from sleepbalance.errors import Malformed
from sleepbalance.provider import Finished, Member, Raw, Stream
from sleepbalance.providers.apple_health.body import body, encoding_of
from sleepbalance.providers.apple_health.markup import MOST_DAMAGE, Markup
from sleepbalance.providers.apple_health.records import Records
from sleepbalance.providers.apple_health.scan import CUT, Scanner

LONGEST_CARRY = 2**20

_MARKED = re.compile(r"<!DOCTYPE\s+HealthData\b|<HealthData[\s>/]")
_CDA = "export_cda.xml"
_TRANSLATED = {"export", "exportar", "exportación", "exporter", "exporteren", "eksport", "vienti"}
_TRANSLATED |= {"exportieren", "esporta", "esportazione", "导出", "導出", "匯出"}
_BESIDE = {".gpx", ".csv", ".json", ".pdf", ".png", ".jpg", ".jpeg", ".heic", ".mov", ".zip"}


def recognises(member: Member) -> bool:
    """By content, as the phone translates the names. What is encrypted goes by its name, so
    that reading can say what to do about it."""
    path = PurePosixPath(member.name)
    if path.suffix.lower() in _BESIDE or path.name.lower() == _CDA:
        return False
    if member.encrypted:
        ours = path.parent.name == "apple_health_export" or path.stem.lower() in _TRANSLATED
        return ours and path.suffix.lower() == ".xml"
    head = member.head
    text = head.decode(encoding_of(head), "replace")
    return bool(_MARKED.search(text))


def read(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
    """All of the exports among `members`, then what is true of them as a whole.

    Raises `Malformed` where none of them can be opened.
    """
    made: list[dt.datetime] = []
    problems: list[str] = []
    unopened: list[Malformed] = []
    for member in members:
        records = Records(now)
        try:
            with member.open() as stream:
                yield from _read_one(stream, records, problems)
        except Malformed as error:
            unopened.append(error)
        made += [records.as_of] if records.as_of else []
    if unopened and len(unopened) == len(members):
        raise unopened[0]
    problems += map(str, unopened)
    yield Finished(as_of=max(made, default=None), problems=tuple(dict.fromkeys(problems)))


class _Until:
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


def _read_one(stream: Stream, records: Records, problems: list[str]) -> Iterator[Raw]:
    until = _Until(stream)
    reader = Reader(records)
    try:
        for chunk in body(until):
            yield from reader.feed(chunk)
            if reader.hopeless:
                break
    except Malformed as error:  # no root
        problems.append(until.failure or str(error))
        return
    yield from reader.finish()
    if until.failure:
        problems.append(until.failure)
    elif not reader.whole:
        problems.append("The file is cut off at its end; everything before was read")
    problems += reader.problems()


class Reader:
    """Cuts the body of an export into blocks and sends each down the fast or the careful road."""

    def __init__(self, records: Records, careful: bool = False) -> None:
        """`careful`: everything goes through the XML parser."""
        self._records = records
        self._scanner = None if careful else Scanner()
        self._markup: Markup | None = Markup(inside=False)
        self._carry = b""
        self.whole = False

    @property
    def hopeless(self) -> bool:
        return self._records.damages > MOST_DAMAGE

    def feed(self, chunk: bytes) -> Iterator[Raw]:
        data = self._carry + chunk
        if self._markup:
            first = data.find(CUT)
            if first > 0:
                yield from self._carefully(data[:first], at_cut=True)
                data = data[first:]
        last = data.rfind(CUT)
        if last > 0:
            self._carry = data[last:]
            yield from self._block(data, last)
        elif last == 0 and len(data) < LONGEST_CARRY:
            self._carry = data
        else:
            keep = max(0, len(data) - len(CUT))
            self._carry = data[keep:]
            yield from self._carefully(data[:keep])
        if self._records.readings.full:
            yield from self._records.readings.flush()

    def finish(self) -> Iterator[Raw]:
        yield from self._carefully(self._carry)
        assert self._markup
        self._markup.finish()
        self.whole = self._markup.closed
        yield from self._records.take(self._markup.events)
        yield from self._records.readings.flush()
        yield from self._records.places.flush()

    def problems(self) -> Iterator[str]:
        damages = self._records.damages
        if self.hopeless:
            yield "The file is too damaged to read on; what came before was read"
        elif damages:
            places = "One place" if damages == 1 else f"{damages} places"
            yield f"{places} in the file could not be read as XML; the rest was read"
        yield from self._records.readings.problems()

    def _block(self, data: bytes, last: int) -> Iterator[Raw]:
        """Reads `data` up to its last cut."""
        if self._markup is None and self._scanner:
            found = self._scanner.read(data, self._records.until)
            if found:
                for columns in found.columns:
                    self._records.readings.extend(*columns)
                yield from self._records.take(found.events)
                return
        yield from self._carefully(data[:last], at_cut=True)

    def _carefully(self, data: bytes, at_cut: bool = False) -> Iterator[Raw]:
        if self._markup is None:
            self._markup = Markup()
        markup = self._markup
        markup.feed(data)
        yield from self._records.take(markup.events)
        if at_cut and self._scanner and not markup.closed and markup.at_top():
            self._markup = None
