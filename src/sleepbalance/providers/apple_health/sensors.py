"""Gathers the readings of the sensors into packs of a week, holding few at a time."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import add

from sleepbalance.model import Source
from sleepbalance.provider import Raw
from sleepbalance.providers.apple_health import packs
from sleepbalance.providers.apple_health.dates import FIRST, LAST, instant

WEEK = 604_800
LONGEST = 86_400
MOST_HELD = 60_000
MOST_COLUMNS = 2_000

# what of an export's types is kept beside the sleep, under which name, and the highest value
# that a body can have
SENSORS = {
    "HeartRate": ("heart_rate", 500.0),
    "RespiratoryRate": ("breathing_rate", 200.0),
    "HeartRateVariabilitySDNN": ("hrv_sdnn", 5000.0),
    "OxygenSaturation": ("spo2", 100.0),
}
_WORDS = {
    "heart_rate": "heart rate",
    "breathing_rate": "breathing rate",
    "hrv_sdnn": "heart rate variability",
    "spo2": "blood oxygen",
}


class _Columns:
    __slots__ = ("seconds", "source", "starts", "values")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.starts, self.seconds, self.values = array("q"), array("I"), array("d")

    def sort(self) -> None:
        starts = self.starts.tolist()
        if starts == sorted(starts):
            return
        order = sorted(range(len(starts)), key=starts.__getitem__)
        self.starts = array("q", [starts[i] for i in order])
        self.seconds = array("I", [self.seconds[i] for i in order])
        self.values = array("d", [self.values[i] for i in order])


class Readings:
    """All readings of a file on their way into packs."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str], _Columns] = {}
        self._held = 0
        self._bad: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    @property
    def full(self) -> bool:
        return self._held >= MOST_HELD or len(self._columns) >= MOST_COLUMNS

    def extend(
        self,
        kind: str,
        source: Source,
        starts: Sequence[int],
        seconds: Sequence[int],
        values: Sequence[float],
    ) -> None:
        columns = self._columns.get((kind, source.key))
        if columns is None:
            columns = self._columns[kind, source.key] = _Columns(source)
        elif source != columns.source:  # one key, spelt or described in two ways
            columns.source = min(columns.source, source, key=_rank)
        columns.starts.extend(array("q", starts))  # much faster than one by one
        columns.seconds.extend(array("I", seconds))
        columns.values.extend(array("d", values))
        self._held += len(starts)

    def refuse(self, kind: str, reason: str, count: int = 1) -> None:
        self._bad[kind] += count
        self._reasons.setdefault(kind, reason)

    def refused(self) -> dict[str, tuple[str, int]]:
        """Kind → why, and how many."""
        return {kind: (self._reasons[kind], count) for kind, count in self._bad.items()}

    def flush(self) -> Iterator[Raw]:
        """Everything held, as packs; nothing is held afterwards."""
        for (kind, _), columns in sorted(self._columns.items(), key=lambda item: item[0]):
            yield from _weeks(kind, columns)
        self._columns.clear()
        self._held = 0

    def problems(self) -> Iterator[str]:
        for kind, count in sorted(self._bad.items()):
            words = f"{_WORDS[kind]} reading" + ("s" if count > 1 else "")
            yield f"{count} {words} could not be read: {self._reasons[kind]}"


def _rank(source: Source) -> tuple[bool, str, str]:
    return (source.device is None, source.device or "", source.name)


def _weeks(kind: str, columns: _Columns) -> Iterator[Raw]:
    columns.sort()
    starts, low = columns.starts, 0
    while low < len(starts):
        week = starts[low] // WEEK
        high = bisect_left(starts, (week + 1) * WEEK, low)
        lasting = columns.seconds[low:high]
        ends = map(add, starts[low:high], lasting) if any(lasting) else starts[high - 1 : high]
        yield Raw(
            kind=kind,
            companion=True,
            key=f"{kind}|{week}|{columns.source.key}",
            source=columns.source,
            start=instant(starts[low]),
            end=instant(max(ends)),
            payload=packs.pack(starts[low:high], lasting, columns.values[low:high]),
        )
        low = high


def fault(start: int, end: int, value: float, most: float, until: int) -> str | None:
    """Why a reading cannot be used; None where it can."""
    if not FIRST <= start <= LAST:
        return "outside the years 1990 to 2100"
    if end < start or end - start > LONGEST:
        return "it ends before it starts" if end < start else "it lasts longer than 24 hours"
    if end > until:
        return "later than the export"
    if not 0 < value <= most:  # NaN too
        return "a value that no body has"
    return None
