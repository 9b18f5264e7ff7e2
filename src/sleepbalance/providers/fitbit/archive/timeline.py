"""The stages of one sleep over time, out of a log entry or out of the lines of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sleepbalance.hypnograms import Canvas, level
from sleepbalance.model import Segment, Stage
from sleepbalance.payloads import inside, items, numeral, text

from .tables import Row
from .times import instant, wall

WORDS = {
    "wake": Stage.AWAKE,
    "awake": Stage.AWAKE,
    "light": Stage.LIGHT,
    "deep": Stage.DEEP,
    "rem": Stage.REM,
    "asleep": Stage.ASLEEP,
    "restless": Stage.RESTLESS,
}
MINUTES = {"1": Stage.ASLEEP, "2": Stage.RESTLESS, "3": Stage.AWAKE}  # of very old logs
SHORT = 180  # seconds: an awakening that Fitbit lays over a stage is no longer
AT_ONCE = dt.timedelta(days=1)  # what is written within it is one telling
LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
_SLEEP = tuple(stage for stage in Stage if stage.is_sleep)


class Stretch(NamedTuple):
    """So many seconds of a stage, `offset` after the start; `at` as it is written."""

    offset: int
    seconds: int
    stage: Stage
    at: dt.datetime
    written: dt.datetime = LONG_AGO


def of_log(told: Mapping[str, Any], start: dt.datetime, length: int) -> tuple[Segment, ...]:
    """Of a log entry: its data, and its short awakenings cut in over sleep."""
    if isinstance(told.get("minuteData"), list):
        return _painted(_minutes(told["minuteData"], start), (), length)
    levels = inside(told, "levels")
    data = _in_place(list(_stretches(levels.get("data"), start)), length)
    short = [_among(data, each) for each in _stretches(levels.get("shortData"), start)]
    return _painted(data, short, length)


def of_rows(told: Sequence[Row], start: dt.datetime, length: int) -> tuple[Segment, ...]:
    """Of the rows of a table, which write a short awakening beside the stage that it is in."""
    found = _newest([line for row in told if (line := _stretch(row, start))])
    short = [each for each in found if _is_short(each, found)]
    return _painted([each for each in found if each not in short], short, length)


def _stretch(row: Row, start: dt.datetime) -> Stretch | None:
    begin, end = instant(row.get("sleep_stage_start")), instant(row.get("sleep_stage_end"))
    if begin is None or end is None or begin >= end:
        return None
    stage = WORDS.get(text(row.get("sleep_stage_type")).lower(), Stage.UNKNOWN)
    written = instant(row.get("sleep_stage_last_updated")) or LONG_AGO
    return Stretch(_seconds(begin - start), _seconds(end - begin), stage, begin, written)


def _newest(found: list[Stretch]) -> list[Stretch]:
    """Without what is left of an earlier telling: what one much later lies over."""
    last = max((each.written for each in found), default=LONG_AGO)
    if all(last - each.written <= AT_ONCE for each in found):
        return found

    def replaced(each: Stretch) -> bool:
        return any(
            later.written - each.written > AT_ONCE
            and later.offset < each.offset + each.seconds
            and each.offset < later.offset + later.seconds
            for later in found
        )

    return [each for each in found if not replaced(each)]


def _stretches(told: object, start: dt.datetime) -> Iterator[Stretch]:
    for each in items(told):
        at, seconds = wall(inside(each).get("dateTime")), numeral(inside(each).get("seconds"))
        if at is not None and seconds is not None and 1 <= seconds < 10**6:
            stage = WORDS.get(text(each.get("level")).lower(), Stage.UNKNOWN)
            yield Stretch(_seconds(at - start), int(seconds), stage, at)


def _in_place(data: list[Stretch], length: int) -> list[Stretch]:
    """Where the clock was set in the middle of a sleep, its times jump and its seconds do not."""
    ordered = sorted(data, key=lambda each: each.offset)
    ends = [each.offset + each.seconds for each in ordered]
    joined = all(a == b.offset for a, b in zip(ends, ordered[1:], strict=False))
    if joined or sum(each.seconds for each in data) != length:
        return data
    placed, offset = [], 0
    for each in data:
        placed.append(each._replace(offset=offset))
        offset += each.seconds
    return placed


def _among(data: Sequence[Stretch], short: Stretch) -> Stretch:
    """A short awakening, moved as the stage was moved that its time lies in."""
    for each in data:
        if each.at <= short.at < each.at + dt.timedelta(seconds=each.seconds):
            return short._replace(offset=each.offset + _seconds(short.at - each.at))
    return short


def _minutes(told: list[Any], start: dt.datetime) -> Iterator[Stretch]:
    """A stage a minute, with the time of day alone."""
    for each in told:
        clock = text(inside(each).get("dateTime"))
        at = wall(f"{start.date()}T{clock}")
        if at is not None:
            offset = _seconds(at - start.replace(second=0)) % 86_400
            stage = MINUTES.get(str(each.get("value")), Stage.UNKNOWN)
            yield Stretch(offset, 60, stage, at)


def _is_short(one: Stretch, found: Sequence[Stretch]) -> bool:
    if one.stage is not Stage.AWAKE or one.seconds > SHORT:
        return False
    return any(
        each.stage.is_sleep
        and each.offset <= one.offset
        and one.offset + one.seconds <= each.offset + each.seconds
        for each in found
    )


def _painted(data: Iterable[Stretch], short: Iterable[Stretch], length: int) -> tuple[Segment, ...]:
    canvas = Canvas(length)
    for each in sorted(data, key=_layer):
        canvas.paint(each.offset, each.offset + each.seconds, each.stage)
    for each in short:
        canvas.turn(each.offset, each.offset + each.seconds, _SLEEP, Stage.AWAKE)
    return canvas.hypnogram()


def _layer(each: Stretch) -> tuple[int, int, int, str]:
    """A stage lies over awake, awake over asleep; of two stages the one that begins later."""
    return level(each.stage), each.offset, each.seconds, each.stage


def _seconds(span: dt.timedelta) -> int:
    return round(span.total_seconds())
