"""Puts together what tells one sleep: a log entry, a row that has its times, the row's stages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sleepbalance.payloads import decode, inside
from sleepbalance.provider import Raw

from .packs import STAGES, read, stages_key
from .records import LOG, NEAR, ROW, Line, elapsed, line_of, walls_of


@dataclass(frozen=True, slots=True)
class Log:
    """A log entry with both of its ends on the wall, and how long it lasted, if it says so."""

    told: Mapping[str, Any]
    start: dt.datetime
    end: dt.datetime
    lasted: dt.timedelta | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One sleep: a log, a row, or both. `raw` is the one that it is called after."""

    raw: Raw
    log: Log | None
    line: Line | None


def pairs(raws: Iterable[Raw]) -> Iterator[Pair]:
    """Every sleep of these records; one that cannot be read has neither log nor row."""
    newest: dict[str, Raw] = {}
    for raw in sorted(raws, key=lambda raw: raw.payload):
        newest[raw.key] = raw
    found = sorted(newest.items())
    stages = {key: raw.payload for key, raw in found if raw.kind == STAGES}
    rows = {key: _line(raw, stages) for key, raw in found if raw.kind == ROW}
    taken: set[str] = set()
    for _, raw in found:
        if raw.kind == LOG:
            log = _log(raw)
            same = [key for key, line in rows.items() if log and line and _one(log, line)]
            taken.update(same)
            yield Pair(raw, log, rows[same[0]] if same else None)
    for key, line in rows.items():
        if key not in taken:
            yield Pair(newest[key], None, line)


def _log(raw: Raw) -> Log | None:
    entry = inside(decode(raw.payload))
    start, end = walls_of(entry)
    if start is None or end is None or start >= end:
        return None
    return Log(entry, start, end, elapsed(entry, start, end))


def _line(raw: Raw, stages: Mapping[str, bytes]) -> Line | None:
    line = line_of(raw.payload)
    if line is None or (payload := stages.get(stages_key(line.id))) is None:
        return line
    return replace(line, stages=read(payload).get(STAGES, ()))


def _one(log: Log, line: Line) -> bool:
    """Whether they began at one time, and ended so or lasted as long."""
    (start, end), (begun, ended) = line.ends, line.shown
    if start is None or end is None or begun is None or ended is None or not line.zoned:
        return False
    together = abs(begun - log.start) <= NEAR
    lasted = log.lasted is not None and abs(end - start - log.lasted) <= NEAR
    return together and (lasted or abs(ended - log.end) <= NEAR)
