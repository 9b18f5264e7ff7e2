"""Asks Google for sleeps and for what was measured beside them, with the fewest requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sleepbalance.payloads import decode, digest, inside, instant, pack, stamp
from sleepbalance.provider import Ask, Client, Raw, Reply, anywhere, misplaced, pages
from sleepbalance.provider.places import DAY, LONGEST
from sleepbalance.stretches import Span, Stretches

from .points import Page, date, offset, page_of, span_of
from .sources import ACCOUNT, source_of

BUCKET = 300  # seconds
ROLL_UP = dt.timedelta(days=14)  # as long as the range of a roll-up of heart rates may be
MOST = 10_000  # points on one page of anything but sleeps
MOST_SLEEPS = 25

Fetch = Callable[[Client, Ask], Iterator[Raw]]


# -- sleeps --------------------------------------------------------------------------------------


def sleeps(client: Client, ask: Ask) -> Iterator[Raw]:
    """Every sleep that ends in the window, and those of which nobody can tell."""
    end = "sleep.interval.end_time"
    wanted = f'{end} >= "{stamp(ask.start)}" AND {end} < "{stamp(ask.end)}"'

    def past(point: bytes) -> bool:
        start = instant(inside(decode(point), "sleep", "interval").get("startTime"))
        return start is not None and start < ask.start - LONGEST

    for point in _listed(client, "sleep", MOST_SLEEPS, wanted, past):
        raw = sleep(point, ask.now)
        if raw is not None and (raw.end is None or ask.start <= raw.end < ask.end):
            yield raw


def sleep(point: bytes, now: dt.datetime) -> Raw | None:
    """One sleep as it came; None for one that is still going on."""
    told = decode(point)
    interval, name = inside(told, "sleep", "interval"), inside(told).get("name")
    if interval and interval.get("endTime") is None:
        return None
    key = name.rpartition("/")[2][:200] if isinstance(name, str) else ""
    start, end = instant(interval.get("startTime")), instant(interval.get("endTime"))
    problem = misplaced(start, end, now, None if key else "has no name")
    return Raw(
        key=f"sleep/{key or digest(point)}",
        kind="sleep",
        source=source_of(told),
        payload=point,
        start=None if problem else start,
        end=None if problem else end,
        revised_at=instant(inside(told, "sleep").get("updateTime")),
        zone=offset(interval.get("startUtcOffset")),
        problem=problem,
    )


# -- what was measured beside them ---------------------------------------------------------------


def heart_rates(client: Client, ask: Ask) -> Iterator[Raw]:
    """Heart rates in pieces of five minutes, around the sleeps, packed by day."""
    path = "v4/users/me/dataTypes/heart-rate/dataPoints:rollUp"
    for start, end in Stretches(_pieces(ask)).slices(ROLL_UP):
        body = {
            "range": {"startTime": stamp(start), "endTime": stamp(end)},
            "windowSize": f"{BUCKET}s",
            "pageSize": MOST,
        }

        def ask_for(token: str | None, body: dict[str, Any] = body) -> Reply:
            return client.post(path, json=body | ({"pageToken": token} if token else {}))

        yield from _by_day(_points(ask_for))


def _pieces(ask: Ask) -> Iterator[Span]:
    """The sleeps, widened to the five minutes of the clock: pieces are the same in every answer."""
    until = _clock(ask.now.timestamp() // BUCKET)
    for raw in ask.sleeps:
        if raw.start is not None and raw.end is not None:
            start = _clock(raw.start.timestamp() // BUCKET)
            end = min(_clock(-(-raw.end.timestamp() // BUCKET)), until)
            if start < end:
                yield start, end


def _clock(buckets: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(buckets) * BUCKET, dt.UTC)


def _by_day(points: Iterable[bytes]) -> Iterator[Raw]:
    """One companion for each UTC day, with all its pieces as sent."""
    days: dict[dt.date, list[tuple[dt.datetime, dt.datetime, bytes]]] = {}
    for point in points:
        start, end = span_of(point)
        if start is None or end is None or not start <= end <= start + DAY:
            yield _unreadable("heart-rate", point, "does not say when it was measured")
        else:
            days.setdefault(start.date(), []).append((start, end, point))
    for day, pieces in sorted(days.items()):
        span = min(start for start, _, _ in pieces), max(end for _, end, _ in pieces)
        yield _companion("heart-rate", day, span, [point for _, _, point in sorted(pieces)])


def daily(kind: str) -> Fetch:
    """One number a day: those of the dates on which the sleeps may have ended, wherever it was."""
    of, member = kind.replace("-", "_"), camel(kind)

    def fetch(client: Client, ask: Ask) -> Iterator[Raw]:
        ends = {raw.end.date() for raw in ask.sleeps if raw.end is not None}
        dates = {end + DAY * days for end in ends for days in (-1, 0, 1)}
        if not dates:
            return
        first, last = min(dates), max(dates)
        wanted = f'{of}.date >= "{first}" AND {of}.date < "{last + DAY}"'

        def past(point: bytes) -> bool:
            day = date(inside(decode(point), member).get("date"))
            return day is not None and day < first

        found: dict[dt.date, list[bytes]] = {}
        for point in _listed(client, kind, MOST, wanted, past):
            day = date(inside(decode(point), member).get("date"))
            if day is None:
                yield _unreadable(kind, point, "does not say of which date it is")
            elif day in dates:
                found.setdefault(day, []).append(point)
        for day, points in sorted(found.items()):
            yield _companion(kind, day, anywhere(day), sorted(points))

    return fetch


def camel(kind: str) -> str:
    """ "heart-rate" → "heartRate", as the same type is called inside a point."""
    first, *rest = kind.split("-")
    return first + "".join(map(str.title, rest))


def _companion(kind: str, day: dt.date, span: Span, points: list[bytes]) -> Raw:
    return Raw(
        key=f"{kind}/{day}",
        kind=kind,
        source=ACCOUNT,
        payload=pack(points),
        start=span[0],
        end=span[1],
        companion=True,
    )


def _unreadable(kind: str, point: bytes, problem: str) -> Raw:
    return Raw(
        key=f"{kind}/{digest(point)}",
        kind=kind,
        source=ACCOUNT,
        payload=point,
        companion=True,
        problem=problem,
    )


# -- pages ---------------------------------------------------------------------------------------


def _listed(
    client: Client, kind: str, size: int, wanted: str, past: Callable[[bytes], bool]
) -> Iterator[bytes]:
    """The points of a type; where Google refuses the filter, newest first until one is `past`."""
    path = f"v4/users/me/dataTypes/{kind}/dataPoints"
    params: dict[str, str | int] = {"pageSize": size, "filter": wanted}

    first = client.get(path, params)
    refused = first.status >= 400  # `fault` lets this one refusal through
    if refused:
        del params["filter"]
        first = client.get(path, params)

    def ask_for(token: str | None) -> Reply:
        return client.get(path, params | {"pageToken": token}) if token else first

    for point in _points(ask_for):
        if refused and past(point):
            return
        yield point


def _points(ask_for: Callable[[str | None], Reply]) -> Iterator[bytes]:
    """Of all pages."""

    def page(token: str | None) -> Page:
        return page_of(ask_for(token))

    for each in pages(page, lambda told: told.next_page_token, "Google"):
        yield from each.points
