"""Counts the requests that a sync needs for each night, beside the fewest that the maker allows."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from sleepbalance import sandbox
from sleepbalance.app import App, opened
from sleepbalance.app.links import Links
from sleepbalance.app.outside import Outside
from sleepbalance.app.syncing import sync_connected
from sleepbalance.folder import Folder, locate

TODAY = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)
MAKER = "fitbit"
SLEEPS, DAYS, LISTS = 25, 14, 4  # sleeps a page, days a roll-up, kinds of daily numbers


def main() -> None:
    with tempfile.TemporaryDirectory() as path, sandbox.running(clock=lambda: TODAY) as address:
        for person in ("1", "2", "3"):
            where = locate(Path(path) / person, None, sandbox=True)
            _person(where, address.url, person)


def _person(where: Folder, url: str, person: str) -> None:
    with opened(where) as app:
        outside = Outside(app, {"SLEEPBALANCE_SANDBOX_URL": url})
        links = Links.to(outside, None, MAKER)
        login = links.begin(links.redirect_by_hand)
        back = sandbox.consent(login.address, person=person)
        links.keep(links.receive(login, dict(parse_qsl(urlsplit(back).query))))
        _row(f"{person}: first sync", app, outside)
        _row(f"{person}: the next one", app, outside)


def _row(name: str, app: App, outside: Outside) -> None:
    began = time.monotonic()
    attempts = sync_connected(outside, provider_id=MAKER)
    seconds = time.monotonic() - began
    asked = sum(attempt["detail"]["requests"] for attempt in attempts)
    told = [attempt for attempt in attempts if attempt["records_fetched"]]
    sleeps = sum(attempt["records_fetched"] for attempt in told)
    first = min(attempt["sync_date_from"] for attempt in told)
    dates = [night["sleep_date"] for night in app.nights(None, first)]
    fewest = math.ceil(sleeps / SLEEPS) + _ranges(dates) + LISTS
    nights = len(dates)
    print(
        f"| {name} | {nights} | {sleeps} | {asked} | {asked / nights:.3f}"
        f" | {fewest} | {fewest / nights:.3f} | {seconds:.1f} |"
    )


def _ranges(dates: list[dt.date]) -> int:
    """How many ranges of so many days cover all dates."""
    count, until = 0, dt.date.min
    for date in sorted(dates):
        if date > until:
            count, until = count + 1, date + dt.timedelta(days=DAYS - 1)
    return count


if __name__ == "__main__":
    main()
