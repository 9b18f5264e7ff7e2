"""Reads a Takeout: every file that matters, once, as a stream."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from pathlib import PurePosixPath

import msgspec

from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode, inside, numeral
from sleepbalance.provider import Finished, Member, Raw, Until, Utf8

from .files import DETAILED, LOGS, RESTING, TABLES, kind_of
from .logs import Logs
from .packs import JSON, Stages, daily, details
from .records import log_record, row_record, unreadable
from .tables import batches, columns, rows
from .times import date

MOST_PROBLEMS = 8
LONGEST_LIST = 16 * 2**20  # bytes of a year of resting heart rates, by far
Dated = tuple[dt.date | None, Iterator[str]]
_DATED = {"scores": "score_time", "temperature": "sleep_end"}
_NEEDS = {table.kind: table.needs for table in TABLES}


def recognises(member: Member) -> bool:
    return kind_of(member) is not None


def read(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
    """All of the archives among `members`; of one that is told twice the later file counts.

    Raises `Malformed` where none of them can be opened.
    """
    found = [(kind, member) for member in members if (kind := kind_of(member)) is not None]
    found.sort(key=lambda each: PurePosixPath(each[1].name).name)
    reading = _Reading(now)
    yield from reading.all(found)
    if reading.refused and reading.refused == len(found):
        raise Malformed(reading.problems[0])
    yield Finished(problems=tuple(_few(reading.problems)))


def _few(problems: Iterable[str]) -> list[str]:
    told = list(dict.fromkeys(problems))
    more = len(told) - MOST_PROBLEMS
    return told if more <= 0 else [*told[:MOST_PROBLEMS], f"and {more} more like these"]


class _Reading:
    """What one reading has found so far."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self._days = daily()
        self.problems: list[str] = []
        self.refused = 0  # members that could not be opened

    def all(self, found: Sequence[tuple[str, Member]]) -> Iterator[Raw]:
        for kind, member in found:
            yield from self._one(kind, member)
        yield from self._days.raws()

    def _one(self, kind: str, member: Member) -> Iterator[Raw]:
        name = PurePosixPath(member.name).name
        try:
            with member.open() as stream:
                until = Until(Utf8(stream))
                if kind == LOGS:
                    yield from self._logs(until, name)
                elif kind == RESTING:
                    self._resting(until, name)
                else:
                    yield from self._table(kind, until, name)
        except Malformed as error:
            self.refused += 1
            self.problems.append(str(error))
            return
        if until.failure:
            self.problems.append(until.failure)

    # -- sleep logs --------------------------------------------------------------------------------

    def _logs(self, stream: Until, name: str) -> Iterator[Raw]:
        logs = Logs(stream)
        damaged = False
        for entry, good in logs.entries():
            known = good and inside(decode(entry))
            damaged |= not good
            yield log_record(entry, self._now) if known else unreadable(entry)
        if not logs.whole and not stream.failure:
            self.problems.append(f"{name} is cut off at its end; everything before was read")
        elif damaged:
            self.problems.append(f"{name} is damaged; what is whole of it was read")

    # -- tables ------------------------------------------------------------------------------------

    def _table(self, kind: str, stream: Until, name: str) -> Iterator[Raw]:
        told = batches(stream)
        first = next((batch for batch in told if batch), None)
        if first is None:
            return  # an empty file: Google writes them for what a person does not have
        header, body = first[0], chain([first[1:]], told)
        known = columns(header)
        if missing := [column for column in _NEEDS[kind] if column not in known]:
            lacks = ", ".join(missing)
            self.problems.append(f"{name} has no column {lacks}; it was not read")
        elif kind == "sleeps":
            yield from self._sleeps(name, header, chain.from_iterable(body))
        elif kind == "stages":
            yield from self._stages(name, header, chain.from_iterable(body))
        else:
            yield from self._beside(kind, name, header, body)

    def _sleeps(self, name: str, header: str, body: Iterable[str]) -> Iterator[Raw]:
        broken = 0
        for line in body:
            found = rows(header, [line])
            broken += not found
            yield from (row_record(row, self._now) for row in found)
        self._broken(name, broken)

    def _stages(self, name: str, header: str, body: Iterable[str]) -> Iterator[Raw]:
        stages = Stages(header)
        for line in body:
            stages.add(line)
        yield from stages.raws()
        self._broken(name, stages.broken)

    def _beside(
        self, kind: str, name: str, header: str, body: Iterable[list[str]]
    ) -> Iterator[Raw]:
        """Of details one file is a day: each is let go when it is read."""
        packs = details() if kind in DETAILED else self._days
        days = _dating(header, _DATED.get(kind, "timestamp"))
        broken = 0
        for batch in body:
            for day, found in days(batch):
                if day is None:
                    broken += len(list(found))
                else:
                    packs.add(day, kind, header, found)
        self._broken(name, broken)
        if packs is not self._days:
            yield from packs.raws()

    def _broken(self, name: str, count: int) -> None:
        if count:
            some = "one line" if count == 1 else f"{count} lines"
            self.problems.append(f"{name}: {some} could not be read, the rest was")

    def _resting(self, stream: Until, name: str) -> None:
        """A list of a year; the days without a value say null or 0."""
        content = bytearray()
        while (block := stream.read(2**18)) and len(content) <= LONGEST_LIST:
            content += block
        told = decode(bytes(content).removeprefix(b"\xef\xbb\xbf").strip() or b"[]")
        if not isinstance(told, list):
            self.problems.append(f"{name} could not be read: it is no list, or cut off")
            return
        for each in told:
            value = inside(each, "value")
            day = date(value.get("date"))
            if day is not None and numeral(value.get("value")):
                line = msgspec.json.encode({k: value[k] for k in ("date", "value")}).decode()
                self._days.add(day, RESTING, JSON, [line])


def _dating(header: str, column: str) -> Callable[[list[str]], Iterator[Dated]]:
    """Finds the date of each line; almost all of them need no more than a cut, many at a time."""
    at = columns(header).index(column)

    def day_of(line: str) -> dt.date | None:
        found = rows(header, [line])
        return _day(found[0][column]) if found else None

    def days(batch: list[str]) -> Iterator[Dated]:
        if at:
            yield from groupby(batch, key=day_of)
            return
        for cut, found in groupby(batch, key=_DATE):
            if cut[:2] in ("19", "20"):
                yield _day(cut), found
            else:
                yield from groupby(found, key=day_of)

    return days


_DATE = itemgetter(slice(10))
_day = lru_cache(maxsize=1024)(date)
