"""Where the phone was: zones that records beside sleep name, gathered by four hours."""

from __future__ import annotations

from collections.abc import Iterator

from sleepbalance.model import Source
from sleepbalance.provider import Raw
from sleepbalance.providers.apple_health import dates

CELL = 4 * 3600
MOST = 20_000  # cells that are held before they are given


class Places:
    """Of the records of one source, zone and cell the first and the last instant are kept.

    That is exact enough for a nearest neighbour, small enough where every heart rate names its
    zone, and the same in whatever order and pieces the records come.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[int, str, str], tuple[Source, int, int]] = {}

    @property
    def full(self) -> bool:
        return len(self._cells) >= MOST

    def add(self, source: Source, zone: str, at: int) -> None:
        """The record of `source` at epoch second `at` names `zone`."""
        key = (at // CELL, zone, source.key)
        known = self._cells.get(key)
        if known is None:
            self._cells[key] = (source, at, at)
        elif not known[1] <= at <= known[2]:
            self._cells[key] = (source, min(at, known[1]), max(at, known[2]))

    def flush(self) -> Iterator[Raw]:
        """Gives what is held."""
        for (cell, zone, name), (source, first, last) in self._cells.items():
            yield Raw(
                key=f"zone|{cell}|{zone}|{name}",
                kind="zone",
                companion=True,
                source=source,
                zone=zone,
                start=dates.instant(first),
                end=dates.instant(last),
                payload=b"",
            )
        self._cells.clear()
