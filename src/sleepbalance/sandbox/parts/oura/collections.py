"""Listing and getting documents, by day and page by page."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

from starlette.requests import Request

from sleepbalance.sandbox.parts.oura import documents
from sleepbalance.sandbox.parts.oura.gate import Visit, enter
from sleepbalance.sandbox.parts.oura.names import document_id
from sleepbalance.sandbox.parts.oura.periods import periods
from sleepbalance.sandbox.parts.oura.refusals import Refusal, invalid, no_route, not_found
from sleepbalance.sandbox.people import DAY

Make = Callable[[], dict[str, Any]]
Listing = Callable[[Visit, dt.date, dt.date], Iterator[tuple[str, Make]]]  # by their ids
LONGEST = dt.timedelta(days=30)  # of heart rates


def personal_info(request: Request) -> Any:
    visit = enter(request, None)
    return documents.personal_info(visit.person, visit.grant.scopes)


def listed(request: Request) -> Any:
    listing, scope = _collection(request)
    visit = enter(request, scope)
    today = documents.local_day(visit.person, visit.world.now())
    last = _day(visit, "end_date", today)
    first = _day(visit, "start_date", last - DAY)
    if first > last:
        sent = visit.query.get("start_date", "")
        raise invalid("start_date", "Start date must be before end date", sent)
    found = list(listing(visit, max(first, visit.person.began - DAY), last))
    page = _page(visit, found)
    return page | {"data": [_cut(visit, make()) for _, make in page["data"]]}


def single(request: Request) -> Any:
    listing, scope = _collection(request)
    visit = enter(request, scope)
    wanted = request.path_params["document_id"]
    last = visit.world.now().date() + 2 * DAY
    for name, make in listing(visit, visit.person.began - DAY, last):
        if name == wanted:
            return make()
    raise not_found()


def heart_rate(request: Request) -> Any:
    visit = enter(request, "heartrate")
    now = visit.world.now()
    high = _instant(visit, "end_datetime", now)
    low = _instant(visit, "start_datetime", high - DAY)
    if not low <= high <= low + LONGEST:
        sent = visit.query.get("start_datetime", "")
        raise invalid("start_datetime", "Time range must be at most 30 days", sent)
    return _page(visit, documents.heart_rates(visit.person, low, min(high, now)))


# -- what there is -------------------------------------------------------------------------------


def _sleeps(visit: Visit, first: dt.date, last: dt.date) -> Iterator[tuple[str, Make]]:
    found = periods(visit.world, visit.person, first, last)
    for _, of_day in groupby(sorted(found, key=lambda p: p.day), key=lambda p: p.day):
        for index, period in enumerate(of_day):
            name = document_id(visit.person, "sleep", period.id)
            yield name, partial(documents.sleep, visit.person, period, index, visit.settings)


def _daily(collection: str, make: Callable[..., dict[str, Any]]) -> Listing:
    """One for each day with a night."""

    def listing(visit: Visit, first: dt.date, last: dt.date) -> Iterator[tuple[str, Make]]:
        found = [p for p in periods(visit.world, visit.person, first, last) if p.night]
        for day, nights in groupby(sorted(found, key=lambda p: p.day), key=lambda p: p.day):
            name = document_id(visit.person, collection, day)
            yield name, partial(make, visit.person, day, list(nights))

    return listing


COLLECTIONS: dict[str, tuple[Listing, str]] = {
    "sleep": (_sleeps, "daily"),
    "daily_sleep": (_daily("daily_sleep", documents.daily_sleep), "daily"),
    "daily_readiness": (_daily("daily_readiness", documents.daily_readiness), "daily"),
    "daily_spo2": (_daily("daily_spo2", documents.daily_oxygen), "spo2"),
}


def _collection(request: Request) -> tuple[Listing, str]:
    name = request.path_params["collection"]
    if name not in COLLECTIONS:
        raise no_route()
    return COLLECTIONS[name]


# -- what is asked for ---------------------------------------------------------------------------


def _day(visit: Visit, name: str, usual: dt.date) -> dt.date:
    """A date, an instant, or seconds since 1970: what pydantic takes for a date."""
    sent = visit.query.get(name)
    if not sent:
        return usual
    try:
        if sent.isdigit():
            return dt.datetime.fromtimestamp(int(sent), dt.UTC).date()
        return dt.datetime.fromisoformat(sent).date()
    except (ValueError, OverflowError, OSError):
        raise invalid(name, "Input should be a valid date or datetime", sent) from None


def _instant(visit: Visit, name: str, usual: dt.datetime) -> dt.datetime:
    sent = visit.query.get(name)
    if not sent:
        return usual
    try:
        told = dt.datetime.fromisoformat(sent)
    except ValueError:
        raise invalid(name, "Input should be a valid datetime", sent) from None
    return told if told.tzinfo else told.replace(tzinfo=dt.UTC)


def _cut(visit: Visit, document: dict[str, Any]) -> dict[str, Any]:
    """Only the fields that were asked for; the id and the day always."""
    wanted = visit.query.get("fields")
    if not wanted:
        return document
    kept = {"id", "day", *wanted.split(",")}
    return {name: value for name, value in document.items() if name in kept}


def _page(visit: Visit, found: list[Any]) -> dict[str, Any]:
    size = visit.settings["page_size"]
    at = _place(visit.query.get("next_token", ""))
    more = at + size < len(found)
    token = base64.urlsafe_b64encode(f"page:{at + size}".encode()).decode() if more else None
    return {"data": found[at : at + size], "next_token": token}


def _place(token: str) -> int:
    if not token:
        return 0
    try:
        name, _, at = base64.urlsafe_b64decode(token).decode().partition(":")
    except (ValueError, binascii.Error):
        name, at = "", ""
    if name != "page" or not at.isdigit():
        raise Refusal(400, "Invalid next_token.")
    return int(at)
