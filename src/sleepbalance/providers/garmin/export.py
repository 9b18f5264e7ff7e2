"""Recognises and reads the account export: many files of about 100 days, which overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from sleepbalance.errors import Malformed
from sleepbalance.payloads import date, decode, inside, numeral
from sleepbalance.provider import Finished, Member, Raw, Stream, Utf8, as_utf8, read_each

from .records import RESTING, STATUS, Reader

BLOCK = 256 * 1024
LARGEST = 2**20  # bytes of one record; a day has some thousands
DEEPEST = 64  # objects within each other; Garmin's are three
MOST_DAMAGES = 100

_NAMED = re.compile(r".*_sleepData|UDSFile_.*|.*_healthStatusData", re.IGNORECASE)
_ACCOUNT = re.compile(
    r".*\d{4}-\d\d-\d\d_(\d{1,20})_(?:sleepData|healthStatusData)", re.ASCII | re.IGNORECASE
)
_LIST = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*(?:\{|\]|\Z)")
_OTHERS = re.compile(rb'"(?:dailySleepDTO|dateTime|summaryId)"')
_SLEEPS = (b'"sleepStartTimestampGMT"', b'"sleepWindowConfirmationType"', b'"napList"')
_STATUSES = (b'"calendarDate"', b'"metrics"', b'"type"')
_DAYS = (b'"calendarDate"', b'"restingHeartRate"')
_DATES = re.compile(r"((?:19|20|21)\d\d-\d\d-\d\d)", re.ASCII)
_TOKENS = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|["{}]')  # no text holds the end of a line
_NIGHT = {
    *("sleepStartTimestampGMT", "sleepEndTimestampGMT", "sleepWindowConfirmationType"),
    *("napList", "deepSleepSeconds", "lightSleepSeconds"),
}


# -- which files ---------------------------------------------------------------------------------


def recognises(member: Member) -> bool:
    """By content; by name where it is encrypted, so that reading can say what to do about it."""
    path = PurePosixPath(member.name)
    if path.suffix.lower() != ".json":
        return False
    named = bool(_NAMED.fullmatch(path.stem))
    if member.encrypted:
        return named
    head = as_utf8(member.head)
    if named or not _LIST.match(head) or _OTHERS.search(head):
        return named  # reading says what is wrong with it
    beside = any(all(mark in head for mark in marks) for marks in (_STATUSES, _DAYS))
    return beside or any(mark in head for mark in _SLEEPS)


def _last_date(member: Member) -> str:
    """The last date that the name tells, e.g. of 2026-04-27_2026-08-05_77_sleepData.json."""
    found = [day for day in _DATES.findall(PurePosixPath(member.name).name) if date(day)]
    return max(found, default="")


def _account(member: Member) -> str:
    """The account that the name tells, e.g. 77 of 2026-04-27_2026-08-05_77_sleepData.json."""
    told = _ACCOUNT.fullmatch(PurePosixPath(member.name).stem)
    return told[1] if told else ""


# -- reading -------------------------------------------------------------------------------------


def read(members: Sequence[Member], now: datetime) -> Iterator[Raw | Finished]:
    """Every day of every file, the files in the order of their dates.

    Raises `Malformed` where none of them can be opened.
    """
    problems: list[str] = []
    accounts = {account for member in members if (account := _account(member))}

    def read_one(member: Member, stream: Stream) -> Iterator[Raw]:
        named = _account(member)
        of = {named} if named else accounts
        reader, head = Reader(now, _last_date(member)), as_utf8(member.head)
        yield from _read_one(stream, reader, head, problems, of, PurePosixPath(member.name).name)

    in_order = sorted(members, key=lambda m: (_last_date(m), m.name))
    yield from read_each(in_order, read_one, problems)
    yield Finished(problems=tuple(dict.fromkeys(problems)))


def _read_one(
    stream: Stream,
    reader: Reader,
    head: bytes,
    problems: list[str],
    accounts: Set[str],
    name: str,
) -> Iterator[Raw]:
    records = Records(Utf8(stream))
    for payload in records:
        account = _whose(payload, accounts)
        yield from (replace(raw, account=account) for raw in _of(payload, reader))
    if records.trouble:
        problems.append(f"{name} {records.trouble}")
    elif not records.found and not _LIST.match(head):
        problems.append(f"{name} is damaged, or no list of days")
        yield reader.unreadable(head[:LARGEST], "is no list of days")


def _whose(payload: bytes, accounts: Set[str]) -> str:
    """Of which of the accounts a record is; empty where that cannot be told."""
    if len(accounts) <= 1:
        return next(iter(accounts), "")
    told = str(inside(decode(payload)).get("userProfilePK"))
    return told if told in accounts else ""


def _of(payload: bytes, reader: Reader) -> Iterator[Raw]:
    """What one record of any of the files tells; of steps and calories nothing is kept."""
    told = decode(payload)
    if not isinstance(told, dict) or told.keys() & _NIGHT:
        yield from reader.day(payload)
        return
    kind = STATUS if "metrics" in told else RESTING
    if kind == RESTING and not numeral(told.get("restingHeartRate")):
        return
    day = date(told.get("calendarDate"))
    if day is None:
        yield reader.unreadable_beside(kind, payload, "does not say of which date it is")
    elif kind == STATUS:
        yield reader.beside(kind, payload, day)
    else:
        pulse = numeral(inside(told).get("restingHeartRate"))
        kept = f'{{"calendarDate":"{day}","restingHeartRate":{pulse}}}'
        yield reader.beside(kind, kept.encode(), day)


class Records:
    """The objects of a JSON list as bytes, of a stream of any length.

    `trouble` says in the end why not all of them could be read.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._damages = self.found = 0
        self.trouble: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        data, more = b"", True
        while more or data:
            more = bool(block := self._next())
            objects = _Objects(data + block)
            for each in objects:
                self.found += 1
                yield each
            data = objects.left
            if data and (objects.endless or len(data) > LARGEST or not more):
                data = self._beyond(data)
                if self._damages > MOST_DAMAGES:
                    return

    def _beyond(self, data: bytes) -> bytes:
        """An object that does not end is left out: behind its beginning may be whole ones."""
        self._damages += 1
        self.trouble = self.trouble or "is cut off or damaged; what is whole of it was read"
        return data[1:]

    def _next(self) -> bytes:
        """Empty at the end, also where a damaged archive ends early."""
        try:
            return self._stream.read(BLOCK)
        except Malformed as error:
            self.trouble = f"is damaged: {error}"
            return b""


class _Objects:
    """The whole objects at the top of `data`; `left` is the beginning of one that is not.

    `endless` says that nobody would nest so: to wait for its end would take for ever.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.left = b""
        self.endless = False

    def __iter__(self) -> Iterator[bytes]:
        data, start, depth = self._data, 0, 0
        for token in _TOKENS.finditer(data):
            mark = token[0]
            if mark == b"{":
                start = start if depth else token.start()
                depth += 1
                if depth > DEEPEST:
                    self.left, self.endless = data[start:], True
                    return
            elif mark == b"}" and depth:
                depth -= 1
                if not depth:
                    yield data[start : token.end()]
            elif mark == b'"' and data.find(b"\n", token.end()) < 0:  # its end is still to come
                self.left = data[start if depth else token.start() :]
                return
        self.left = data[start:] if depth else b""
