"""Who has signed in; which streams there are; and the points of one, the latest first by pages."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from starlette.requests import Request

from sleepbalance.sandbox.parts.google_fit import apps
from sleepbalance.sandbox.parts.google_fit.gate import FITNESS, Visit, enter
from sleepbalance.sandbox.parts.google_fit.refusals import invalid, no_stream, unreadable
from sleepbalance.sandbox.parts.google_fit.streams import TYPES, Stream, streams

RANGE = re.compile(r"(\d{1,19})-(\d{1,19})", re.ASCII)
MOST = 10_000  # points in one answer
LAST = 250_000_000_000  # seconds; what lies later is read as this


def who(request: Request) -> Any:
    visit = enter(request, frozenset({"openid"}), frozenset())
    return {"sub": apps.account(visit.person)}


def list_sources(request: Request) -> Any:
    visit = enter(request, FITNESS, frozenset({"dataTypeName"}))
    asked = request.query_params.getlist("dataTypeName")
    unknown = [name for name in asked if name not in TYPES]
    if unknown:
        raise invalid(f"Unknown data type {unknown[0]} (to this sandbox).")
    found = [each for each in streams(visit) if not asked or each.type.name in asked]
    return {
        "dataSource": [each.described() for each in found if each.type.scope in visit.grant.scopes]
    }


def get_source(request: Request) -> Any:
    visit = enter(request, FITNESS, frozenset())
    return _stream(visit).described()


def get_points(request: Request) -> Any:
    """At most `limit` of the range, counted from its end; a token leads to those before them."""
    visit = enter(request, FITNESS, frozenset({"limit", "pageToken"}))
    stream = _stream(visit)
    match = RANGE.fullmatch(request.path_params["dataset"])
    if match is None or int(match[1]) > int(match[2]):
        raise invalid("The dataset id must be of the form startTimeNanos-endTimeNanos.")
    low, high = int(match[1]), int(match[2])
    found = [
        point
        for point in stream.points(visit, _instant(low), _instant(high))
        if int(point["startTimeNanos"]) <= high and int(point["endTimeNanos"]) >= low
    ]
    found.sort(key=_end)
    page, more = _page(visit, found)
    body = {
        "minStartTimeNs": match[1],
        "maxEndTimeNs": match[2],
        "dataSourceId": stream.id,
        "point": page,
    }
    return {**body, "nextPageToken": more} if more else body


def _page(visit: Visit, found: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Points that end at the same instant stay together, since tokens are strict."""
    limit, token = (visit.query.get(name, "") for name in ("limit", "pageToken"))
    if (limit and (not limit.isdigit() or not int(limit))) or (token and not token.isdigit()):
        raise invalid("Invalid limit or page token.")
    size = min(int(limit or MOST), MOST)
    left = [point for point in found if not token or _end(point) < int(token)]
    cut = max(0, len(left) - size)
    while 0 < cut < len(left) and _end(left[cut]) == _end(left[cut - 1]):
        cut += 1
    return left[cut:], str(_end(left[cut])) if 0 < cut < len(left) else ""


def _end(point: dict[str, Any]) -> int:
    return int(point["endTimeNanos"])


def _instant(nanos: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(min(nanos // 10**9, LAST), dt.UTC)


def _stream(visit: Visit) -> Stream:
    """The one of the path. Raises Refusal."""
    name = visit.request.path_params["source"]
    data_type = next((t for t in TYPES.values() if f":{t.name}:" in name), None)
    if data_type is not None and data_type.scope not in visit.grant.scopes:
        raise unreadable(data_type.name)
    for each in streams(visit):
        if each.id == name:
            return each
    raise no_stream(name)
