"""The account export: tables of cells, made into the same documents as the API's."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode
from sleepbalance.provider import File, Finished, Member, Raw, Stream, read_each

from .documents import damaged, of_day, sleep
from .values import moment

BLOCK = 256 * 1024
LONGEST = 120_000  # characters of one row; the longest sleep has some thousands
SLEEPS = "archived-sleep"
TABLES = {  # the kind of its records, and columns by which a table is known
    SLEEPS: {"bedtime_start", "bedtime_end", "time_in_bed"},
    "spo2": {"day", "spo2_percentage"},
    "score": {"day", "score", "contributors"},
}
OTHERS = {"temperature_deviation", "met", "steps"}  # the tables of readiness and activity
AS_WRITTEN = re.compile(r"(?:id|.*_id|day|type|timestamp|bedtime_.*|.*_phase_.*|movement_.*)")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,20})?", re.ASCII)


def recognises(member: Member) -> bool:
    return not member.encrypted and _table(_head(member)) is not None


def read(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
    """All rows of all tables. Raises Malformed where none of them can be read."""
    problems: list[str] = []

    def records(member: Member, stream: Stream) -> Iterator[Raw]:
        return _records(member, stream, now)

    yield from read_each(members, records, problems)
    yield Finished(problems=tuple(problems))


def _records(member: Member, stream: Stream, now: dt.datetime) -> Iterator[Raw]:
    kind = _table(_head(member))
    if kind is None:
        raise Malformed(f"{member.name} is no table of sleeps that is known here.")
    rows = _lines(stream)
    columns = _columns(next(rows, ""))
    for line in rows:
        if not line.strip():
            continue
        told = _told(columns, _cells(line))
        if told is None:
            yield damaged(line.encode(), kind, companion=kind != SLEEPS)
        elif kind == SLEEPS:
            yield sleep(msgspec.json.encode(told), now, kind)
        else:
            yield of_day(msgspec.json.encode(told), kind)


# -- tables --------------------------------------------------------------------------------------


def _head(member: Member) -> str:
    first = member.head.partition(b"\n")[0]
    return first[:4096].decode("utf-8-sig", "replace")


def _table(header: str) -> str | None:
    """What a table holds, by its columns."""
    columns = set(_columns(header))
    if columns & OTHERS:
        return None
    return next((kind for kind, known in TABLES.items() if known <= columns), None)


def _columns(header: str) -> list[str]:
    return [cell.strip().lower() for cell in _cells(header.removeprefix("\ufeff"))]


def _lines(stream: Stream) -> Iterator[str]:
    """Row by row: no cell of theirs holds a line break, so that a broken quote costs one row."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest, ended = "", False
    while not ended:
        block = stream.read(BLOCK)
        ended = not block
        *whole, rest = (rest + decoder.decode(block, final=ended)).split("\n")
        yield from (line[:LONGEST] for line in whole)
        rest = rest[: LONGEST + 1]
    if rest:
        yield rest[:LONGEST]


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r")], delimiter=";"), [])
    except csv.Error:
        return []


# -- cells ---------------------------------------------------------------------------------------


def _told(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any] | None:
    """The row as the API would have written it, without what is empty or null.

    None where it is cut off: cells are missing, or one is not what it began to be.
    """
    cells = [cell.strip() for cell in cells]
    pairs = [(n, c) for n, c in zip(columns, cells, strict=False) if c not in ("", "null")]
    found = {name: _value(name, cell) for name, cell in pairs}
    cut = (
        len(cells) < len(columns)
        or any(c[0] in "{[" and isinstance(found[n], str) for n, c in pairs)
        or ("timestamp" in found and moment(found["timestamp"]) is None)
    )
    return None if cut else found


def _value(name: str, cell: str) -> Any:
    if AS_WRITTEN.fullmatch(name):
        return cell
    if cell[0] in "{[":
        found = decode(cell.encode())
        return cell if found is None else found
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    if not _NUMBER.fullmatch(cell):
        return cell
    return float(cell) if "." in cell else int(cell)


EXPORT = File(
    recognises,
    read,
    "In the Oura app or at membership.ouraring.com ask for an export of your data; the zip holds "
    "a folder App Data.",
)
