"""Makes raw records of Oura's documents, whichever road they came by."""

from __future__ import annotations

import datetime as dt

from sleepbalance.model import UNNAMED, Source
from sleepbalance.payloads import date, decode, digest
from sleepbalance.provider import Raw

from .values import Moment, identifier, moment

NAME = "Oura Ring"
ACCOUNT = Source("", NAME)  # what belongs to the day, whichever ring measured it
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
LONGEST = dt.timedelta(hours=48)  # no sleep lasts longer
DAY = dt.timedelta(days=1)
LAST_HOUR = dt.timedelta(hours=6)  # a sleep that ends at 18:00 or later is of the next day
EAST, WEST = dt.timedelta(hours=14), dt.timedelta(hours=12)  # where a date begins, and ends, first


def sleep(document: bytes, now: dt.datetime, kind: str) -> Raw:
    """One sleep as it came; with its problem where it could not be placed."""
    told = decode(document)
    told = told if isinstance(told, dict) else {}
    name = identifier(told.get("id"))
    start, end = moment(told.get("bedtime_start")), moment(told.get("bedtime_end"))
    problem = _problem(name, start, end, now)
    placed = problem is None and start is not None and end is not None
    return Raw(
        key=f"sleep/{name or digest(document)}",
        kind=kind,
        source=Source(identifier(told.get("ring_id")) or UNNAMED, NAME, "ring"),
        payload=document,
        start=start.at if placed and start else None,
        end=end.at if placed and end else None,
        zone=start.zone if start else None,
        problem=problem,
    )


def _problem(
    name: str | None, start: Moment | None, end: Moment | None, now: dt.datetime
) -> str | None:
    if start is None or end is None:
        return "does not say when it began and ended"
    wrong = {
        "has no id": name is None,
        "ends before it begins, or lasts no time at all": start.at >= end.at,
        "lasts longer than 48 hours": end.at - start.at > LONGEST,
        "lies before the year 2000": start.at < EARLIEST,
        "ends in the future": end.at > now + DAY,
    }
    return next((words for words, holds in wrong.items() if holds), None)


def of_day(document: bytes, kind: str) -> Raw:
    """What is told of a day as a whole: it lies beside every sleep that may be of that day."""
    told = decode(document)
    day = date(told.get("day")) if isinstance(told, dict) else None
    if day is None:
        return Raw(
            key=f"{kind}/{digest(document)}",
            kind=kind,
            source=ACCOUNT,
            payload=document,
            companion=True,
            problem="does not say of which day it is",
        )
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    return Raw(
        key=f"{kind}/{day}",
        kind=kind,
        source=ACCOUNT,
        payload=document,
        start=midnight - LAST_HOUR - EAST,
        end=midnight - LAST_HOUR + DAY + WEST,
        companion=True,
    )


def damaged(row: bytes, kind: str, *, companion: bool) -> Raw:
    """A row of a table of which nobody can tell what it was."""
    return Raw(
        key=f"{kind}/{digest(row)}",
        kind=kind,
        source=ACCOUNT if companion else Source(UNNAMED, NAME, "ring"),
        payload=row,
        companion=companion,
        problem="is a row that was cut off or damaged",
    )
