"""Asks Google Fit for sleeps and for what was measured in them, with the fewest requests.

Sessions of a window come in one answer, whatever there are: with a time range there are no pages.
The stages of all of them are one further answer; only where these are missing is more asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

from sleepbalance.errors import Malformed
from sleepbalance.model import Source
from sleepbalance.payloads import decode, inside, pack, stamp
from sleepbalance.provider import Ask, Client, Raw, pages
from sleepbalance.provider.places import LONGEST
from sleepbalance.stretches import Span, Stretches

from .points import Page, Point, in_nanos, name, page_of, point_of, values
from .sessions import ASLEEP, Told, raw_of, source_of, stages_of, told_by

ME = "fitness/v1/users/me/"
SLEEP = "com.google.sleep.segment"
STAGES = f"derived:{SLEEP}:com.google.android.gms:merged"
ACTIVITIES = "derived:com.google.activity.segment:com.google.android.gms:merge_activity_segments"
MEASURES = {
    "heart-rate": "derived:com.google.heart_rate.bpm:com.google.android.gms:merge_heart_rate_bpm",
    "oxygen": "derived:com.google.oxygen_saturation:com.google.android.gms:merged",
}
SLEEPING = {72, 109, 110, 111, 112}  # among the activities
MOST = 10_000  # points in one answer
WEEK = dt.timedelta(days=7)  # with a heart rate a minute about as many
MONTH = dt.timedelta(days=30)
SECOND = dt.timedelta(seconds=1)
STREAMS = 12  # of a person who has no merged one; nobody sleeps with more apps

Fetch = Callable[[Client, Ask], Iterator[Raw]]


# -- sleeps --------------------------------------------------------------------------------------


def sleeps(client: Client, ask: Ask) -> Iterator[Raw]:
    """Every sleep that ends in the window with its stages, and those that cannot be read."""
    near = list(_sessions(client, ask))
    told = [each for each in near if each.end is None or ask.start <= each.end < ask.end]
    stages = _stages(client, [each for each in told if each.problem is None], near)
    for each in told:
        yield raw_of(each, stages.get(each.key, ()))


def _sessions(client: Client, ask: Ask) -> Iterator[Told]:
    """Those around the window too: they decide whose stages are whose."""
    params: dict[str, str | int] = {
        "activityType": ASLEEP,
        "startTime": stamp(ask.start - LONGEST),
        "endTime": stamp(ask.end),
    }
    found: dict[str, Told] = {}
    for sent in page_of(client.get(f"{ME}sessions", params)).session or ():
        each = told_by(bytes(sent), ask.now)
        if each is not None and (each.key not in found or each.order > found[each.key].order):
            found[each.key] = each
    yield from found.values()


def _stages(client: Client, told: list[Told], near: Iterable[Told]) -> dict[str, tuple[Point, ...]]:
    """The stages of each sleep, by its key."""
    if not told:
        return {}
    near = list(near)
    whole = min(each.span[0] for each in told), max(each.span[1] for each in told)
    points = sorted(_points(client, STAGES, whole)) or sorted(_unmerged(client, whole))
    found = {each.key: stages_of(each, points, near) for each in told}
    bare = [each for each in told if not found[each.key]]
    for span in Stretches(each.span for each in bare).slices(MONTH):
        old = sorted(p for p in _points(client, ACTIVITIES, span) if _is_sleep(p))
        for each in bare:
            if each.span[0] <= span[1] and each.span[1] >= span[0]:
                found[each.key] = found[each.key] or stages_of(each, old, near)
    return found


def _unmerged(client: Client, span: Span) -> Iterator[Point]:
    """Where Google merges nothing: from each stream that there is."""
    streams = page_of(client.get(f"{ME}dataSources", {"dataTypeName": SLEEP})).data_source or ()
    told = (name(inside(decode(bytes(each))).get("dataStreamId")) for each in streams)
    for stream in sorted({each for each in told if SLEEP in each} - {STAGES})[:STREAMS]:
        yield from _points(client, stream, span)


def _is_sleep(point: Point) -> bool:
    told = values(decode(point.sent))
    return bool(told) and told[0] in SLEEPING


# -- what was measured in them -------------------------------------------------------------------


def measured(kind: str) -> Fetch:
    """What the apps that tell of the sleeps measured in them: one pack for each app and day."""

    def fetch(client: Client, ask: Ask) -> Iterator[Raw]:
        spans = [(r.start, r.end) for r in ask.sleeps if r.start is not None and r.end is not None]
        apps = {raw.source.key: raw.source for raw in ask.sleeps}
        asleep = Stretches(spans)
        days: dict[tuple[str, dt.date], dict[bytes, Point]] = {}
        for span in asleep.slices(WEEK):
            for point in _points(client, MEASURES[kind], span):
                key = source_of(point.app).key
                if key in apps and asleep.touch(point.start, point.start):
                    days.setdefault((key, point.start.date()), {})[point.sent] = point
        for (key, day), points in sorted(days.items()):
            yield _pack(kind, apps[key], day, sorted(points.values()))

    return fetch


def _pack(kind: str, source: Source, day: dt.date, points: list[Point]) -> Raw:
    return Raw(
        key=f"{kind}/{source.key}/{day}",
        kind=kind,
        source=source,
        payload=pack([point.sent for point in points]),
        start=points[0].start,
        end=points[-1].start,
        companion=True,
    )


# -- streams -------------------------------------------------------------------------------------


def _points(client: Client, stream: str, span: Span) -> Iterator[Point]:
    """What a stream has there, the latest page first. What has no place in time is left out."""
    low, high = in_nanos(span[0]), in_nanos(span[1] + SECOND)  # as cut to the second here
    path = f"{ME}dataSources/{quote(stream, safe='')}/datasets/{low}-{high}"

    def ask_for(token: str | None) -> Page:
        params: dict[str, str | int] = {"limit": MOST}
        page = page_of(client.get(path, params | ({"pageToken": token} if token else {})))
        if page.point is None and page.data_source_id is None:  # then stages would be lost silently
            raise Malformed("Google Fit's answer says nothing of the stream. Try again later.")
        return page

    for page in pages(ask_for, lambda told: told.next_page_token, "Google Fit"):
        points = (point_of(bytes(sent), stream) for sent in page.point or ())
        yield from (point for point in points if point is not None)
