"""Counts the requests of a sync for each night, beside the fewest that each maker allows."""

from __future__ import annotations

import datetime as dt
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from sleepbalance import sandbox
from sleepbalance.app import App, opened
from sleepbalance.app.links import Links
from sleepbalance.app.outside import Outside
from sleepbalance.app.syncing import sync_connected
from sleepbalance.folder import Folder, locate
from sleepbalance.provider import ApiKey

TODAY = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)
SLEEPS, DAYS, LISTS = 25, 14, 4  # sleeps a page, days a roll-up, kinds of daily numbers

Dates = Sequence[dt.date]


def _fitbit(dates: Dates, sleeps: int) -> int:
    """Pages of sleeps, heart rates by ranges around them, one list for each other kind."""
    return math.ceil(sleeps / SLEEPS) + _ranges(dates, DAYS) + LISTS


def _garmin(dates: Dates, sleeps: int) -> int:
    """Lists of 31 days, and HRV by the year."""
    del sleeps
    return _ranges(dates, 31) + _ranges(dates, 365)


def _google_fit(dates: Dates, sleeps: int) -> int:
    """Nothing is known to limit a range: sessions, stages, heart rate and oxygen at once."""
    del dates, sleeps
    return 4


def _oura(dates: Dates, sleeps: int) -> int:
    """Three months a call are advised, for sleeps, oxygen and scores."""
    del sleeps
    return 3 * _ranges(dates, 90)


FEWEST: dict[str, Callable[[Dates, int], int]] = {
    "fitbit": _fitbit,
    "garmin": _garmin,
    "google_fit": _google_fit,
    "oura": _oura,
}


def main(makers: Sequence[str]) -> None:
    print("| maker, person: sync | nights | sleeps | requests | a night | fewest | a night | s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as path, sandbox.running(clock=lambda: TODAY) as address:
        for maker in makers:
            for person in ("1", "2", "3"):
                where = locate(Path(path) / f"{maker}{person}", None, sandbox=True)
                _person(where, address.url, maker, person)


def _person(where: Folder, url: str, maker: str, person: str) -> None:
    with opened(where) as app:
        outside = Outside(app, {"SLEEPBALANCE_SANDBOX_URL": url})
        links = Links.to(outside, None, maker)
        if isinstance(links.door, ApiKey):
            links.keep(links.receive_key(sandbox.make_key(url, maker, person=person)))
        else:
            login = links.begin(links.redirect_by_hand)
            back = sandbox.consent(login.address, person=person)
            links.keep(links.receive(login, dict(parse_qsl(urlsplit(back).query))))
        _row(f"{maker}, {person}: first", app, outside, maker)
        _row(f"{maker}, {person}: the next one", app, outside, maker)


def _row(name: str, app: App, outside: Outside, maker: str) -> None:
    began = time.monotonic()
    attempts = sync_connected(outside, provider_id=maker)
    seconds = time.monotonic() - began
    asked = sum(attempt["detail"]["requests"] for attempt in attempts)
    told = [attempt for attempt in attempts if attempt["records_fetched"]]
    sleeps = sum(attempt["records_fetched"] for attempt in told)
    first = min(attempt["sync_date_from"] for attempt in told)
    dates = [night["sleep_date"] for night in app.nights(None, first)]
    fewest = FEWEST[maker](dates, sleeps)
    nights = len(dates)
    print(
        f"| {name} | {nights} | {sleeps} | {asked} | {asked / nights:.3f}"
        f" | {fewest} | {fewest / nights:.3f} | {seconds:.1f} |"
    )


def _ranges(dates: Dates, days: int) -> int:
    """How many ranges of so many days cover all dates."""
    count, until = 0, dt.date.min
    for date in sorted(dates):
        if date > until:
            count, until = count + 1, date + dt.timedelta(days=days - 1)
    return count


if __name__ == "__main__":
    main(sys.argv[1:] or list(FEWEST))
