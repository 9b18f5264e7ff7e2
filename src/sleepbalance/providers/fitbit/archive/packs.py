"""What goes with sleeps: lines of several tables, as they came, packed by date or by sleep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from sleepbalance.payloads import decode, inside
from sleepbalance.provider import Raw

from ..sources import ACCOUNT
from .records import LOG, ROW, newest_row
from .tables import Row, cells, columns, rows
from .times import instant

DAYS, DETAILS, STAGES = "archive-days", "archive-details", "archive-stages"
KINDS = (LOG, ROW, STAGES, DAYS, DETAILS)
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


class Stages:
    """Lines of UserSleepStages by the sleeps that they belong to."""

    def __init__(self, header: str) -> None:
        names = columns(header)
        self._header = header
        self._id = names.index("sleep_id")
        edges = ("sleep_stage_start", "sleep_stage_end")
        self._edges = [names.index(name) for name in edges if name in names]
        self._found: dict[str, set[str]] = {}
        self._spans: dict[str, tuple[str, str]] = {}
        self.broken = 0

    def add(self, line: str) -> None:
        """Adds a line, or counts it as one that could not be read."""
        told = cells(self._header, line)
        times = [told[n] for n in self._edges if n < len(told) and told[n]]
        name = told[self._id].strip()[:64] if self._id < len(told) else ""
        if not name or not times:
            self.broken += 1
            return
        first, last = self._spans.get(name, (times[0], times[0]))
        self._spans[name] = min(first, *times), max(last, *times)
        self._found.setdefault(name, set()).add(line)

    def raws(self) -> Iterator[Raw]:
        """One companion for each sleep, which may be told in another file, or have come before."""
        for name, lines in self._found.items():
            first, last = (instant(edge) for edge in self._spans[name])
            if first is None or last is None:
                self.broken += len(lines)
                continue
            yield Raw(
                key=stages_key(name),
                kind=STAGES,
                source=ACCOUNT,
                payload=_packed({(STAGES, self._header): lines}),
                start=first - AROUND,
                end=last + AROUND,
                companion=True,
            )


def stages_key(sleep_id: str) -> str:
    return f"stages/{sleep_id}"


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """Of a log the newest, of a row the one written last, of packs every line that any has."""
    if kind == LOG:
        return payloads[-1]
    if kind == ROW:
        return newest_row(payloads)
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


def read(payload: bytes) -> dict[str, list[Row]]:
    """The rows of a pack by table."""
    found: dict[str, list[Row]] = {}
    for (table, header), body in sorted(_unpacked(payload).items()):
        if header == JSON:
            told = [dict(inside(decode(line.encode()))) for line in sorted(body)]
        else:
            told = rows(header, sorted(body))
        found.setdefault(table, []).extend(told)
    return found


told = lru_cache(maxsize=64)(read)  # those of some nights in a row
