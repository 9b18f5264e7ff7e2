"""Sleeps that the maker takes back, whatever comes beside them."""

from __future__ import annotations

import datetime as dt

from tests.connect.played import Home, Makers

FIRST = dt.date(2026, 11, 1)


def dates(home: Home) -> set[str]:
    found = home.app.nights(None)
    return {str(night["sleep_date"]) for night in found if not night["is_deleted"]}


def test_what_comes_for_its_neighbours_does_not_bring_it_back(here: Home, played: Makers) -> None:
    """Heart rates come by the day, so that those of a deleted sleep may still come."""
    here.edges = {"patience": 0.0}
    here.connect()
    played.fault("cut", "dataTypes/heart-rate/")
    assert {attempt["status"] for attempt in here.sync(FIRST)} == {"partial"}
    played.heal()
    main = [sleep for sleep in played.get("/-/people/1/sleeps") if sleep["main"]]
    lost = main[3]["id"]
    played.post("/-/people/1/sleeps", {"delete": lost})
    here.sync(FIRST)
    assert lost.partition(".")[0] in dates(here)  # missing for the first time
    played.move(hours=25)
    here.sync(FIRST)
    assert lost.partition(".")[0] not in dates(here)
