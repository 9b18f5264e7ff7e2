"""Google's own client reads the sandbox, so that it is not only our own client that can."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from tests.sandbox.discovery import document
from tests.sandbox.google import client
from tests.sandbox.guest import SCOPES, SLEEP, TODAY, Guest


@pytest.fixture
def service(guest: Guest) -> Iterator[Any]:
    """The client of the package, pointed at the sandbox and given the tokens of a real login."""
    with client(guest, document(), SCOPES) as built:
        yield built


def test_a_whole_history_with_paging_and_refresh(guest: Guest, service: Any) -> None:
    points = service.users().dataTypes().dataPoints()
    request = points.list(parent="users/me/dataTypes/sleep", pageSize=25)
    found: list[Any] = []
    pages = 0
    while request is not None:
        if pages in (3, 20):  # the hour is over in between
            guest.address.ask("POST", "/-/clock", {"seconds": 3700})
        answer = request.execute()
        found += answer.get("dataPoints", [])
        pages += 1
        request = points.list_next(request, answer)
    assert len(found) > 1000
    assert len({point["name"] for point in found}) == len(found)
    starts = [point["sleep"]["interval"]["startTime"] for point in found]
    assert starts == sorted(starts, reverse=True)
    (grant,) = guest.address.ask("GET", "/-/grants")
    assert grant["refreshes"] == 2
    told = guest.address.ask("GET", "/-/people/1/sleeps")
    assert [point["name"] for point in found] == [sleep["makers"]["fitbit"] for sleep in told]


def test_the_rest_of_what_it_can_ask(service: Any) -> None:
    users = service.users()
    who = users.getIdentity(name="users/me/identity").execute()["healthUserId"]
    profile = users.getProfile(name=f"users/{who}/profile").execute()
    assert profile["name"] == f"users/{who}/profile"
    assert users.getSettings(name="users/me/settings").execute()["timeZone"] == "Europe/Berlin"
    assert users.pairedDevices().list(parent=f"users/{who}").execute()["pairedDevices"]
    heart = f"users/{who}/dataTypes/heart-rate"
    points = users.dataTypes().dataPoints()
    span = {
        "startTime": (TODAY - dt.timedelta(days=1)).isoformat(),
        "endTime": TODAY.isoformat(),
    }
    body = {"range": span, "windowSize": "86400s"}
    (window,) = points.rollUp(parent=heart, body=body).execute()["rollupDataPoints"]
    listed = points.list(parent=heart, pageSize=10_000).execute()["dataPoints"]
    low = min(
        int(p["heartRate"]["beatsPerMinute"])
        for p in listed
        if p["heartRate"]["sampleTime"]["physicalTime"] >= span["startTime"][:19]
    )
    assert window["heartRate"]["beatsPerMinuteMin"] == low


def test_it_reads_the_refusals(stranger: Guest, service: Any) -> None:
    points = service.users().dataTypes().dataPoints()
    wrong = 'sleep.interval.start_time >= "2026-01-01T00:00:00Z"'
    with pytest.raises(HttpError, match="INVALID_DATA_POINT_FILTER_DATA_TYPE_MEMBER") as caught:
        points.list(parent="users/me/dataTypes/sleep", filter=wrong).execute()
    assert caught.value.status_code == 400
    stranger.sign_in(allow=[SLEEP])
    with pytest.raises(HttpError, match="caller does not have permission"):
        points.list(parent="users/12345/dataTypes/sleep").execute()
