"""Recognises and reads the export of the Health app: a stream of any size in, raw records out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath

from sleepbalance.errors import Malformed
from sleepbalance.provider import Finished, Member, Raw, Stream, Until, read_each
from sleepbalance.providers.apple_health import dates
from sleepbalance.providers.apple_health.body import BLOCK, body, encoding_of
from sleepbalance.providers.apple_health.halves import WORTH, First, Second, Summary, middle
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


def read(
    members: Sequence[Member], now: dt.datetime, worth: int = WORTH
) -> Iterator[Raw | Finished]:
    """All of the exports among `members`, then what is true of them as a whole.

    The second half of a bare file of at least `worth` bytes is read by a process of its own.
    Raises `Malformed` where none of them can be opened.
    """
    problems: list[str] = []
    told: list[Records] = []

    def read_one(member: Member, stream: Stream) -> Iterator[Raw]:
        records = Records(now)
        told.append(records)
        split = _split(member, worth)
        with ExitStack() as beside:
            yield from _read_one(stream, records, problems, _Beside(member, split, beside))

    yield from read_each(members, read_one, problems)
    made = [records.as_of for records in told if records.as_of]
    yield Finished(as_of=max(made, default=None), problems=tuple(dict.fromkeys(problems)))


def _split(member: Member, worth: int) -> int | None:
    """From where a second process may read: its bytes must be what is read here."""
    if member.path is None or encoding_of(member.head) not in ("utf-8", "utf-8-sig"):
        return None
    return middle(member.path, worth)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a second process may read: `member` from `split` on, as long as `stack` is open."""

    member: Member
    split: int | None
    stack: ExitStack

    def start(self, until: int) -> Second | None:
        if self.split is None or self.member.path is None:
            return None
        try:
            return self.stack.enter_context(Second(self.member.path, self.split, until))
        except OSError:
            return None  # no process to be had: this one reads on


def _read_one(
    stream: Stream, records: Records, problems: list[str], beside: _Beside
) -> Iterator[Raw]:
    until = Until(stream)
    first = First(until, beside.split)
    reader = Reader(records)
    second: Second | None = None
    try:
        for chunk in body(first):
            yield from reader.feed(chunk)
            if reader.hopeless:
                break
            second = second or beside.start(records.until)
    except Malformed as error:  # no root
        problems.append(until.failure or str(error))
        return
    yield from _end(reader, first, second)
    if until.failure:
        problems.append(until.failure)
    elif not reader.whole:
        problems.append("The file is cut off at its end; everything before was read")
    problems += reader.problems()


def _end(reader: Reader, first: First, second: Second | None) -> Iterator[Raw]:
    """What comes behind the first part: found by the second process, or read here."""
    if not first.done:
        yield from reader.finish()
        return
    yield from reader.feed(CUT)
    found = None
    if second and reader.at_a_record and reader.until == second.until and not reader.hopeless:
        found = second.summary()
    if found is None or found.dated or second is None:
        first.go_on()
        yield from reader.rest_of(first)
        return
    yield from second.raws()
    yield from reader.end_with(found)


class Reader:
    """Cuts the body of an export into blocks and sends each down the fast or the careful road."""

    def __init__(self, records: Records, careful: bool = False) -> None:
        """`careful`: everything goes through the XML parser."""
        self._records = records
        self._scanner = None if careful else Scanner()
        self._markup: Markup | None = Markup(inside=False)
        self._carry = b""
        self.whole = False

    @classmethod
    def from_the_middle(cls, until: int) -> Reader:
        """One that begins at a record, of an export that was made by `until` (epoch seconds)."""
        records = Records(dates.instant(until))
        reader = cls(records)
        reader._markup = None
        return reader

    @property
    def at_a_record(self) -> bool:
        """Whether everything is read up to the mark of the next record, and all of it was plain."""
        return self._markup is None and self._carry == CUT

    @property
    def until(self) -> int:
        return self._records.until

    def rest_of(self, stream: Stream) -> Iterator[Raw]:
        """Reads a stream of UTF-8 to its end."""
        while not self.hopeless and (chunk := stream.read(BLOCK)):
            yield from self.feed(chunk)
        yield from self.finish()

    def summary(self) -> Summary:
        """What to tell of a second half."""
        records = self._records
        dated = records.as_of is not None
        return Summary(self.whole, dated, records.damages, records.readings.refused())

    def end_with(self, second: Summary) -> Iterator[Raw]:
        """Takes over what the second half says of the file, and gives what is still held."""
        self.whole = second.whole
        self._records.damages += second.damages
        for kind, (why, count) in second.refused.items():
            self._records.readings.refuse(kind, why, count)
        yield from self._records.readings.flush()
        yield from self._records.places.flush()

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
            markup.let_go()
            self._markup = None
