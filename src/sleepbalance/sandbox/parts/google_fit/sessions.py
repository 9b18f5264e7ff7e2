"""Sessions: by a range of time, or what changed since a token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request

from sleepbalance.sandbox.parts.google_fit.apps import Written, millis, written
from sleepbalance.sandbox.parts.google_fit.gate import FITNESS, SLEEP, Visit, enter
from sleepbalance.sandbox.parts.google_fit.refusals import invalid
from sleepbalance.sandbox.people import DAY
from sleepbalance.sandbox.world import Seen

QUERY = frozenset({"activityType", "startTime", "endTime", "pageToken", "includeDeleted"})
ASLEEP = 72
MONTH = dt.timedelta(days=30)
FIRST = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
LAST = dt.datetime(9999, 12, 1, tzinfo=dt.UTC)


def list_sessions(request: Request) -> Any:
    """With a time there are no pages, no token and no deletions, whatever else is asked."""
    visit = enter(request, FITNESS, QUERY)
    asked = request.query_params.getlist("activityType")
    if any(not each.isdigit() for each in asked):
        raise invalid("Invalid value at 'activity_type' (TYPE_INT32).")
    sleeps = SLEEP in visit.grant.scopes and (not asked or str(ASLEEP) in asked)
    if "startTime" not in visit.query and "endTime" not in visit.query:
        return _changed(visit, sleeps=sleeps)
    start = _instant(visit, "startTime", FIRST)
    end = _instant(visit, "endTime", LAST)
    found = between(visit, start, end) if sleeps else iter(())
    return {"session": [_session(each) for each in found], "deletedSession": []}


def between(visit: Visit, start: dt.datetime, end: dt.datetime) -> Iterator[Written]:
    """Those that start before `end` and end after `start`, up to a day after `end`; oldest first.

    Raises Refusal.
    """
    if start >= end:
        raise invalid("The start time must lie before the end time.")
    low, high = max(start, FIRST + 3 * DAY) - 2 * DAY, min(end, LAST - 3 * DAY) + 2 * DAY
    seen = visit.world.sleeps(visit.person, low.date(), high.date())
    told = [each for one in seen for each in written(visit.person, one)]
    for each in sorted(told, key=lambda each: (each.start, each.id)):
        if each.start < end and start < each.end <= end + DAY:
            yield each


def _changed(visit: Visit, *, sleeps: bool) -> dict[str, Any]:
    token = visit.query.get("pageToken", "")
    if token and not token.isdigit():
        raise invalid("Invalid page token.")
    now = visit.world.now()
    since = dt.datetime.fromtimestamp(int(token) / 1000, dt.UTC) if token else now - MONTH
    told = visit.world.sleeps(visit.person) if sleeps else []
    news = [each for one in told for each in written(visit.person, one) if each.modified > since]
    with_gone = visit.query.get("includeDeleted") == "true" and sleeps
    return {
        "session": [_session(each) for each in sorted(news, key=lambda each: each.modified)],
        "deletedSession": [_session(e) for e in _deleted(visit, since)] if with_gone else [],
        "nextPageToken": str(millis(now)),
    }


def _deleted(visit: Visit, since: dt.datetime) -> Iterator[Written]:
    now, day = visit.world.now(), since.date() - 9 * DAY
    while day <= now.date() + DAY:
        for sleep in visit.world.all_of(visit.person, day):
            told = [telling for telling in sleep.tellings if telling.at <= now]
            if len(told) > 1 and told[-1].gone and told[-1].at > since:
                seen = Seen(sleep, told[-2], True, told[0].at, told[-1].at)
                yield from written(visit.person, seen)
        day += DAY


def _session(told: Written) -> dict[str, Any]:
    return {
        "id": told.id,
        "name": told.name,
        "description": "",
        "startTimeMillis": str(millis(told.start)),
        "endTimeMillis": str(millis(told.end)),
        "modifiedTimeMillis": str(millis(told.modified)),
        "application": {"packageName": told.app},
        "activityType": ASLEEP,
    }


def _instant(visit: Visit, name: str, otherwise: dt.datetime) -> dt.datetime:
    text = visit.query.get(name)
    if text is None:
        return otherwise
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"Invalid value at '{name}' (type.googleapis.com/Timestamp)") from None
    if found.tzinfo is None:
        raise invalid(f"Invalid value at '{name}': a timestamp ends in Z or an offset.")
    return found.astimezone(dt.UTC)
