"""Asks Oura for sleeps and for what it tells of their days, with the fewest requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import msgspec

from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode_as
from sleepbalance.provider import Ask, Client, Raw, Reply, Resource, pages
from sleepbalance.provider.places import DAY, EAST, WEST

from .documents import LAST_HOUR, of_day, sleep

MARGIN = dt.timedelta(hours=24)  # a sleep may be filed by the day on which it began
Fetch = Callable[[Client, Ask], Iterator[Raw]]


def resources(base: str, kind: str) -> tuple[Resource, ...]:
    """What is read below an address; `kind` is what its sleeps are kept as."""
    return (
        Resource("sleep", _sleeps(f"{base}/sleep", kind), "daily"),
        Resource("oxygen", _days(f"{base}/daily_spo2", "spo2"), "spo2"),
        Resource("sleep score", _days(f"{base}/daily_sleep", "score"), "daily"),
    )


def _sleeps(path: str, kind: str) -> Fetch:
    def fetch(client: Client, ask: Ask) -> Iterator[Raw]:
        """Every sleep that ends in the window, and those of which nobody can tell."""
        first = (ask.start - WEST - MARGIN).date()
        last = (ask.end + EAST + LAST_HOUR).date() + DAY  # whether or not the end is counted
        for document in _listed(client, path, first, last):
            raw = sleep(document, ask.now, kind)
            if raw.end is None or ask.start <= raw.end < ask.end:
                yield raw

    return fetch


def _days(path: str, kind: str) -> Fetch:
    def fetch(client: Client, ask: Ask) -> Iterator[Raw]:
        """What is told of the days to which the sleeps may belong, wherever it was."""
        ends = [raw.end for raw in ask.sleeps if raw.end is not None]
        if not ends:
            return
        first = (min(ends) - WEST).date()
        last = (max(ends) + EAST + LAST_HOUR).date()
        for document in _listed(client, path, first, last + DAY):
            raw = of_day(document, kind)
            if raw.problem or any(_spans(raw, end) for end in ends):
                yield raw

    return fetch


def _spans(raw: Raw, end: dt.datetime) -> bool:
    return raw.start is not None and raw.end is not None and raw.start <= end <= raw.end


# -- pages ---------------------------------------------------------------------------------------


class _Page(msgspec.Struct):
    """One page of a collection; each document is kept byte for byte."""

    data: list[msgspec.Raw]
    next_token: str | None = None


def _listed(client: Client, path: str, first: dt.date, last: dt.date) -> Iterator[bytes]:
    params: dict[str, str | int] = {"start_date": str(first), "end_date": str(last)}

    def ask_for(token: str | None) -> _Page:
        return _page(client.get(path, params | ({"next_token": token} if token else {})))

    for page in pages(ask_for, lambda told: told.next_token, "Oura"):
        yield from map(bytes, page.data)


def _page(reply: Reply) -> _Page:
    page = decode_as(reply.body, _Page)
    if page is None:
        raise Malformed("Oura sent something that is no page of documents. Try again.")
    return page
