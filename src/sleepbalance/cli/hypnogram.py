"""Draws a hypnogram with characters: a row per stage, time from left to right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sleepbalance.model import Report, Stage, local

ROWS = (
    ("awake", (Stage.AWAKE, Stage.RESTLESS, Stage.OUT_OF_BED)),
    ("REM", (Stage.REM,)),
    ("light", (Stage.LIGHT,)),
    ("asleep", (Stage.ASLEEP,)),
    ("deep", (Stage.DEEP,)),
    ("unknown", (Stage.UNKNOWN,)),
    ("in bed", ()),
)
FULL, LIGHT = "█", "░"


def draw(reports: Sequence[Report], width: int) -> list[str]:
    """Lines of at most `width` characters; only the rows that something stands in.

    Each column shows the stage that fills most of it. The reports are the parts of one night, in
    order.
    """
    if not reports:
        return []
    start = min(r.session.start for r in reports)
    end = max(r.session.end for r in reports)
    columns = max(12, min(width - 9, 96))
    step = max((end - start).total_seconds() / columns, 1.0)
    lines = []
    for name, stages in ROWS:
        cells = _cells(reports, start, step, columns, stages)
        if any(cells):
            mark = FULL if stages else LIGHT
            lines.append(f"{name:>7}  " + "".join(mark if c else " " for c in cells).rstrip())
    if not lines:  # totals only: there is no timeline to draw
        return []
    lines.append(" " * 9 + _ticks(start, step, columns, reports[-1].zone_end))
    return lines


def _cells(
    reports: Sequence[Report],
    start: dt.datetime,
    step: float,
    columns: int,
    stages: tuple[Stage, ...],
) -> list[bool]:
    filled: list[dict[Stage | None, float]] = [{} for _ in range(columns)]
    for report in reports:
        session = report.session
        base = (session.start - start).total_seconds()
        stretches: list[tuple[int, int, Stage | None]] = [
            (s.offset, s.end, s.stage) for s in session.hypnogram
        ]
        if not stages:
            stretches = [(p.offset, p.end, None) for p in session.in_bed]
        for low, high, stage in stretches:
            _fill(filled, (base + low) / step, (base + high) / step, stage)
    if not stages:
        return [bool(column) for column in filled]
    return [bool(c) and max(c, key=lambda s: c[s]) in stages for c in filled]


def _fill(
    filled: list[dict[Stage | None, float]], low: float, high: float, stage: Stage | None
) -> None:
    for at in range(int(low), min(len(filled), int(high) + 1)):
        share = min(high, at + 1) - max(low, at)
        if share > 0:
            filled[at][stage] = filled[at].get(stage, 0.0) + share


def _ticks(start: dt.datetime, step: float, columns: int, zone: str) -> str:
    """Full hours under their columns, as many as fit."""
    text = [" "] * (columns + 5)
    first = local(start, zone).replace(minute=0, second=0, microsecond=0)
    at = first.astimezone(dt.UTC) + dt.timedelta(hours=1)
    free = 0
    while (column := int((at - start).total_seconds() / step)) < columns:
        label = f"{local(at, zone):%H:%M}"
        if column >= free:
            text[column : column + 5] = label
            free = column + 6
        at += dt.timedelta(hours=1)
    return "".join(text).rstrip()
