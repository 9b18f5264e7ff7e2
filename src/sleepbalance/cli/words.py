"""How times, durations and dates are said to a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sleepbalance.app.left_out import LeftOut

MOST_NAMES = 6  # of sources, in one line
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(date: dt.date, *, year: bool = False) -> str:
    """Sat 21 Nov."""
    text = f"{_DAYS[date.weekday()]} {date.day} {_MONTHS[date.month - 1]}"
    return f"{text} {date.year}" if year else text


def night(date: dt.date, evening: dt.date | None, *, year: bool = False) -> str:
    """Fri 20 → Sat 21 Nov: the evening it began on, and the date it is kept under."""
    if evening is None or evening >= date:
        return day(date, year=year)
    before = f"{_DAYS[evening.weekday()]} {evening.day}"
    if evening.month != date.month:
        before += f" {_MONTHS[evening.month - 1]}"
    return f"{before} → {day(date, year=year)}"


def minutes(value: int | float | None) -> str:
    """7 h 05 min; a dash where nobody measured it."""
    if value is None:
        return "–"
    hours, rest = divmod(round(value), 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"


def clock(value: str | None) -> str:
    """23:08 out of an ISO time; truncated to the minute; a dash where nobody says."""
    return "–" if value is None else value[11:16]


def number(value: float | None, unit: str = "") -> str:
    """58.4 with its unit; a dash where nobody measured it."""
    return "–" if value is None else f"{value:g}{unit}"


def count(n: int, one: str, many: str | None = None) -> str:
    """1 night, 2 nights, 4,212 samples."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def span(start: str | None, end: str | None) -> str:
    """23:08–06:49."""
    return f"{clock(start)}–{clock(end)}"


def safe(text: str) -> str:
    """The text without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def in_words(row: Mapping[str, Any]) -> str:
    """One night in a sentence."""
    details = row["details"] or {}
    return f"{night(row['sleep_date'], details.get('evening_date'))}: {what_it_was(row)}"


def what_it_was(row: Mapping[str, Any]) -> str:
    """The same without its date."""
    details = row["details"] or {}
    if row["is_deleted"]:
        yours = not details or details.get("edited")
        return "said not to be sleep." if yours else "taken back by its maker."
    if only_words(row):
        return "Only your words."
    if row["total_sleep_time"] is None:
        return _in_bed(row, details.get("time_in_bed"))
    stages = [
        f"{minutes(row[f'{name}_sleep_duration'])} {word}"
        for name, word in (("deep", "deep"), ("rem", "REM"), ("light", "light"))
        if row[f"{name}_sleep_duration"] is not None
    ]
    asleep = f"{minutes(row['total_sleep_time'])} asleep"
    asleep += _in_brackets(row["sleep_start_time"], row["sleep_end_time"])
    return asleep + (f": {', '.join(stages)}." if stages else ".")


def only_words(row: Mapping[str, Any]) -> bool:
    """Whether nobody told a sleep of that date, and the person still said something of it."""
    nothing = row["total_sleep_time"] is None and not row["is_deleted"]
    return nothing and row["data_source"] == "person"


def waiting(what: str) -> str:
    """That somebody else is at work on the same; nobody knows whether they live."""
    from sleepbalance.app.verbs import LAPSES_AFTER

    return (
        f"Another {what} is running, or was cut off: waiting for it,"
        f" {LAPSES_AFTER} seconds at most if it was cut off."
    )


def left_out(found: LeftOut) -> str:
    """Why dates have no night although something is known of them, and how to have them back."""
    names = ", ".join(map(str, found.sources[:MOST_NAMES]))
    more = len(found.sources) - MOST_NAMES
    names += f" and {more} more" if more > 0 else ""
    number = len(found.dates)
    dates = f"{count(number, 'date')} {'has' if number == 1 else 'have'} no night: "
    return (
        f"{dates if number else ''}your order of sources takes none from {names}."
        " All sources again: sleepbalance sources order --reset"
    )


def _in_bed(row: Mapping[str, Any], time_in_bed: int | None) -> str:
    times = _in_brackets(row["bed_time"], row["wake_time"])
    if time_in_bed is None:
        return f"Nobody measured sleep{times}."
    return f"{minutes(time_in_bed)} in bed{times}; nobody measured sleep."


def _in_brackets(start: str | None, end: str | None) -> str:
    """Both ends; nothing where nobody tells either."""
    return f" ({span(start, end)})" if start or end else ""
