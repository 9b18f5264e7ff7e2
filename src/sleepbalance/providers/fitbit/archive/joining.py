"""Finds the row that tells the same sleep as a log entry: by the clock on the wall."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from .records import NEAR, Ends, Line
from .tables import columns, rows, separator

_MINUTE = dt.timedelta(minutes=1)
_AWAY = range(-int(NEAR / _MINUTE) - 1, int(NEAR / _MINUTE) + 2)


class Lines:
    """The rows of UserSleeps, each with its stages, by when they began on the wall."""

    def __init__(self) -> None:
        self._by_id: dict[str, Line] = {}
        self._nameless: list[Line] = []
        self._by_minute: dict[dt.datetime, list[Line]] = {}
        self._taken: set[int] = set()

    def add_rows(self, header: str, told: Iterable[str]) -> int:
        """Adds rows; gives how many could not be read. Of one id the later counts."""
        broken = 0
        for text in told:
            found = rows(header, [text])
            if not found:
                broken += 1
                continue
            line = Line(found[0])
            if line.id:
                self._by_id[line.id] = line
            else:
                self._nameless.append(line)
        return broken

    def add_stages(self, header: str, told: Iterable[str]) -> int:
        """Adds stages to the rows that they belong to; gives how many could not be read."""
        at, between, broken = columns(header).index("sleep_id"), separator(header), 0
        for text in told:
            fields = text.split(between, at + 1)
            name = fields[at].strip('" ') if len(fields) > at else ""
            line = self._by_id.get(name)
            if line is None:
                broken += not name
                continue
            if line.header not in ("", header):  # told again by a later file, with other columns
                line.stages = []
            line.header = header
            line.stages.append(text)
        return broken

    def index(self) -> None:
        """All rows are there: from now on they are found."""
        for line in self._all():
            line.stages = sorted(set(line.stages))
            start = line.walls[0]
            if start is not None:
                self._by_minute.setdefault(_minute(start), []).append(line)

    def take(self, ends: Ends) -> Line | None:
        """The row of the sleep that had these ends on the wall; it is not left then."""
        if ends[0] is None or ends[1] is None:
            return None
        start = _minute(ends[0])
        near = (each for away in _AWAY for each in self._by_minute.get(start + away * _MINUTE, ()))
        found = [line for line in near if line.is_of(ends)]
        self._taken.update(map(id, found))
        return found[0] if found else None

    def left(self) -> Iterator[Line]:
        """The rows that no log entry took."""
        return (line for line in self._all() if id(line) not in self._taken)

    def _all(self) -> Iterator[Line]:
        yield from self._by_id.values()
        yield from self._nameless


def _minute(moment: dt.datetime) -> dt.datetime:
    return moment.replace(second=0, microsecond=0)
