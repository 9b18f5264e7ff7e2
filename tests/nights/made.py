"""Reports and edits for tests, written the way people tell of their nights."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from sleepbalance.model import (
    Edit,
    EditKind,
    Kind,
    Method,
    Piece,
    Report,
    Segment,
    Session,
    Source,
    Stage,
    Totals,
    Vital,
    ZoneFrom,
    zone_info,
)
from sleepbalance.nights import Derived, Night, derive

BERLIN = "Europe/Berlin"
STAGES = {
    "L": Stage.LIGHT,
    "D": Stage.DEEP,
    "R": Stage.REM,
    "S": Stage.ASLEEP,
    "A": Stage.AWAKE,
    "T": Stage.RESTLESS,
    "O": Stage.OUT_OF_BED,
    "U": Stage.UNKNOWN,
}
numbers = itertools.count(1)


def at(text: str, zone: str = BERLIN, fold: int = 0) -> dt.datetime:
    """ "20 23:10" is the 20th of November 2026; longer forms are ISO dates."""
    if len(text.split(" ", maxsplit=1)[0]) <= 2:
        day, clock = text.split(" ")
        text = f"2026-11-{int(day):02} {clock}"
    naive = dt.datetime.fromisoformat(text)
    return naive.replace(tzinfo=zone_info(zone), fold=fold).astimezone(dt.UTC)


def hypnogram(text: str) -> tuple[Segment, ...]:
    """ "L60 A10 S30" is an hour of light sleep and so on; "-20" is a hole of 20 minutes."""
    found, offset = [], 0
    for word in text.split():
        seconds = round(float(word[1:]) * 60)
        if word[0] != "-":
            found.append(Segment(offset, seconds, STAGES[word[0]]))
        offset += seconds
    return tuple(found)


def report(
    start: str,
    end: str | None = None,
    stages: str | None = None,
    *,
    by: str = "watch",
    provider: str = "demo",
    account: str = "",
    zone: str = BERLIN,
    zone_end: str | None = None,
    zone_from: ZoneFrom = ZoneFrom.RECORD,
    parts: Sequence[tuple[float, float]] = (),
    in_bed: Sequence[tuple[str, str]] = (),
    totals: Totals | None = None,
    vitals: Mapping[str, Vital] | None = None,
    device: str | None = None,
    id: str | None = None,  # noqa: A002 (the field's own name)
    arrived_at: dt.datetime | None = None,
    **session: Any,
) -> Report:
    """One report; without stages, totals or time in bed it slept, unstaged, from start to end.

    `stages` may lie inside `start`–`end`: it begins at `start`. `parts` are minutes from there.
    """
    first = at(start, zone)
    if end is not None:
        last = at(end, zone_end or zone)
    else:
        last = first + dt.timedelta(seconds=hypnogram(stages or "")[-1].end)
    name = id or f"r{next(numbers):05}"
    if stages is None and totals is None and not in_bed and first < last:
        stages = f"S{(last - first).total_seconds() / 60}"
    return Report(
        id=name,
        provider=provider,
        account=account,
        session=Session(
            external_id=name,
            source=Source(by, by.title(), device),
            start=first,
            end=last,
            hypnogram=hypnogram(stages) if stages else (),
            parts=tuple(Piece(round(a * 60), round((b - a) * 60)) for a, b in parts),
            in_bed=tuple(
                Piece(
                    int((at(a, zone) - first).total_seconds()),
                    int((at(b, zone_end or zone) - at(a, zone)).total_seconds()),
                )
                for a, b in in_bed
            ),
            totals=totals,
            vitals=vitals or {},
            **session,
        ),
        zone_start=zone,
        zone_end=zone_end or zone,
        zone_from=zone_from,
        arrived_at=arrived_at,
    )


def phone(start: str, end: str, *pieces: tuple[str, str], **more: Any) -> Report:
    """A phone that tells time in bed and nothing else."""
    spans = pieces or ((start, end),)
    return report(start, end, in_bed=spans, **{"by": "phone", "device": "phone", **more})


def app_row(start: str, end: str, **more: Any) -> Report:
    """A row of the phone app: times on the wall, in nobody knows what zone."""
    given = {"by": "app", "provider": "app", "zone": "UTC", "zone_from": ZoneFrom.NONE}
    return report(start, end, **{**given, "method": Method.MANUAL, **more})


def edit(
    kind: EditKind,
    span: tuple[str, str] | None = None,
    date: str | None = None,
    /,
    *,
    made: int = 0,
    clock: str = BERLIN,
    **value: object,
) -> Edit:
    made_at = dt.datetime(2026, 12, 1, tzinfo=dt.UTC) + dt.timedelta(hours=made)
    return Edit(
        id=f"e{next(numbers):05}",
        kind=kind,
        value=value,
        start=at(span[0], clock) if span else None,
        end=at(span[1], clock) if span else None,
        date=day(date) if date else None,
        made_at=made_at,
    )


def day(text: str) -> dt.date:
    """ "20" is the 20th of November 2026."""
    return dt.date.fromisoformat(text if len(text) > 2 else f"2026-11-{int(text):02}")


def nights(*reports: Report, edits: Sequence[Edit] = (), **more: Any) -> dict[str, Night]:
    """The nights by day of November 2026, or by ISO date outside it."""
    derived = derive(reports, edits, **more)
    return {_label(date): night for date, night in derived.nights.items()}


def _label(date: dt.date) -> str:
    return str(date.day) if (date.year, date.month) == (2026, 11) else date.isoformat()


def night(*reports: Report, edits: Sequence[Edit] = (), **more: Any) -> Night:
    """The only night of these reports."""
    (found,) = nights(*reports, edits=edits, **more).values()
    return found


def main_of(derived: Derived, date: str) -> Night:
    return derived.nights[day(date)]


MAIN, NAP, UNCONFIRMED = Kind.MAIN, Kind.NAP, Kind.UNCONFIRMED
