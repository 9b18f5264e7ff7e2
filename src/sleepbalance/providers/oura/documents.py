"""Makes raw records of Oura's documents, whichever road they came by."""

from __future__ import annotations

import datetime as dt

from sleepbalance.model import UNNAMED, Source
from sleepbalance.payloads import date, decode, digest
from sleepbalance.provider import Raw, anywhere, misplaced

from .values import identifier, moment

NAME = "Oura Ring"
ACCOUNT = Source("", NAME)  # what belongs to the day, whichever ring measured it
LAST_HOUR = dt.timedelta(hours=6)  # a sleep that ends at 18:00 or later is of the next day


def sleep(document: bytes, now: dt.datetime, kind: str) -> Raw:
    """One sleep as it came; with its problem where it could not be placed."""
    told = decode(document)
    told = told if isinstance(told, dict) else {}
    name = identifier(told.get("id"))
    start, end = moment(told.get("bedtime_start")), moment(told.get("bedtime_end"))
    ends = start.at if start else None, end.at if end else None
    problem = misplaced(*ends, now, None if name else "has no id")
    return Raw(
        key=f"sleep/{name or digest(document)}",
        kind=kind,
        source=Source(identifier(told.get("ring_id")) or UNNAMED, NAME, "ring"),
        payload=document,
        start=None if problem else ends[0],
        end=None if problem else ends[1],
        zone=start.zone if start else None,
        problem=problem,
    )


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
    begins, ends = anywhere(day)
    return Raw(
        key=f"{kind}/{day}",
        kind=kind,
        source=ACCOUNT,
        payload=document,
        start=begins - LAST_HOUR,
        end=ends - LAST_HOUR,
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
