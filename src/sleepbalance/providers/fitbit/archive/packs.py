"""What was measured beside sleeps: lines of several tables, as they came, packed by date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from sleepbalance.payloads import decode, inside
from sleepbalance.provider import Raw

from ..sources import ACCOUNT
from .records import SLEEP, merge_sleeps
from .tables import Row, rows

DAYS, DETAILS = "archive-days", "archive-details"
KINDS = (SLEEP, DAYS, DETAILS)
JSON = "#json"  # instead of the names of columns: each line is an object
AROUND = dt.timedelta(hours=14)  # a date may begin so much earlier, or end so much later
_FEW = 5  # days in a pack of daily numbers

Blocks = dict[tuple[str, str], set[str]]


class Packs:
    """Lines on their way into packs, by the dates that they are of."""

    def __init__(self, kind: str, days: int = 1) -> None:
        self._kind, self._days = kind, days
        self._found: dict[int, tuple[set[dt.date], Blocks]] = {}

    def add(self, day: dt.date, table: str, header: str, lines: Iterable[str]) -> None:
        dates, blocks = self._found.setdefault(day.toordinal() // self._days, (set(), {}))
        dates.add(day)
        blocks.setdefault((table, header), set()).update(lines)

    def raws(self) -> Iterator[Raw]:
        for number, (dates, blocks) in sorted(self._found.items()):
            low = dt.datetime.combine(min(dates), dt.time(), dt.UTC)
            high = dt.datetime.combine(max(dates), dt.time(), dt.UTC)
            first = dt.date.fromordinal(max(1, number * self._days))
            yield Raw(
                key=f"{self._kind}/{first}",
                kind=self._kind,
                source=ACCOUNT,
                payload=_packed(blocks),
                start=low - AROUND,
                end=high + dt.timedelta(days=1) + AROUND,
                companion=True,
            )
        self._found = {}


def daily() -> Packs:
    return Packs(DAYS, _FEW)


def details() -> Packs:
    return Packs(DETAILS)


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """Of a sleep the newest version, of packs every line that any of them has."""
    if kind == SLEEP:
        return merge_sleeps(payloads)
    if len(set(payloads)) == 1:
        return payloads[-1]
    blocks: Blocks = {}
    for payload in payloads:
        for name, body in _unpacked(payload).items():
            blocks.setdefault(name, set()).update(body)
    return _packed(blocks)


def _packed(blocks: Blocks) -> bytes:
    """`table<tab>columns`, its lines, an empty line; in order, whatever order they came in."""
    text = (
        "\n".join((f"{table}\t{header}", *sorted(body)))
        for (table, header), body in sorted(blocks.items())
    )
    return "\n\n".join(text).encode()


def _unpacked(payload: bytes) -> Blocks:
    blocks: Blocks = {}
    for block in payload.decode("utf-8", "replace").split("\n\n"):
        head, *body = block.split("\n")
        table, _, header = head.partition("\t")
        blocks.setdefault((table, header), set()).update(body)
    return blocks


@lru_cache(maxsize=64)  # those of some nights in a row
def told(payload: bytes) -> dict[str, list[Row]]:
    """The rows of a pack by table."""
    found: dict[str, list[Row]] = {}
    for (table, header), body in sorted(_unpacked(payload).items()):
        if header == JSON:
            read = [dict(inside(decode(line.encode()))) for line in sorted(body)]
        else:
            read = rows(header, sorted(body))
        found.setdefault(table, []).extend(read)
    return found
