"""The played Google Fit: what Google's document says, and what it does not."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from googleapiclient.errors import HttpError

from sleepbalance.sandbox import Address, running
from sleepbalance.sandbox.parts.google_fit import PART
from sleepbalance.sandbox.parts.google_fit.apps import BY_HAND, SECOND
from sleepbalance.sandbox.parts.google_fit.gate import ACTIVITY, HEART, SCOPES, SLEEP
from sleepbalance.sandbox.parts.google_fit.streams import TYPES
from tests.google_fit.made import ACTIVITIES, HEARTS, OXYGENS, STAGES
from tests.sandbox.discovery import document, faults
from tests.sandbox.google import client
from tests.sandbox.guest import TODAY, Guest

FITNESS = "fitness.v1"
ZERO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)


class Visitor(Guest):
    """Somebody who uses the played Google Fit."""

    @property
    def url(self) -> str:
        return f"{self.address.url}/google_fit"

    def authorise_address(self, **changed: str | None) -> str:
        return super().authorise_address(**{"scope": " ".join(SCOPES), **changed})

    def get(self, path: str, **params: Any) -> httpx2.Response:
        address = f"{self.url}/fitness/v1/users/me/{path}"
        return self.http.get(address, params=params, headers=self.headers)

    def sessions(self, start: dt.datetime = ZERO, **params: Any) -> list[Any]:
        found = self.get("sessions", startTime=start.isoformat(), **params).json()
        assert list(faults(found, "ListSessionsResponse", api=FITNESS)) == []
        return list(found["session"])

    def data(
        self, stream: str, start: dt.datetime = ZERO, end: dt.datetime = TODAY, **params: Any
    ) -> Any:
        low, high = (int(edge.timestamp()) * 10**9 for edge in (start, end))
        reply = self.get(f"dataSources/{quote(stream, safe='')}/datasets/{low}-{high}", **params)
        assert reply.status_code == 200, reply.text
        assert list(faults(reply.json(), "Dataset", api=FITNESS)) == []
        return reply.json()

    def set(self, **settings: Any) -> None:
        self.address.ask("POST", "/-/settings", {"google_fit": settings})


@pytest.fixture
def address() -> Iterator[Address]:
    with running(seed=1, people=2, clock=lambda: TODAY) as running_at:
        yield running_at


@pytest.fixture
def stranger(address: Address) -> Iterator[Visitor]:
    with httpx2.Client(timeout=60) as http:
        yield Visitor(address, http)


@pytest.fixture
def guest(stranger: Visitor) -> Visitor:
    stranger.sign_in()
    return stranger


# -- what Google's document says -----------------------------------------------------------------


def test_every_address_and_scope_is_in_the_document() -> None:
    methods = list(_methods(document(FITNESS)["resources"]))
    real = {
        method["flatPath"].replace("Id}", "}").replace("{dataSource}", "{source}")
        for method in methods
        if method["httpMethod"] == "GET"
    }
    prefix = "/fitness/v1/users/"
    paths = [route.path for route in PART.routes]  # type: ignore[attr-defined]
    played = {path.removeprefix(prefix) for path in paths if path.startswith(prefix)}
    assert played <= real
    assert set(PART.door.scopes) - {"openid"} <= set(document(FITNESS)["auth"]["oauth2"]["scopes"])


def _methods(resources: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource.get("resources", {}))


def test_every_answer_is_what_the_document_says(guest: Visitor) -> None:
    assert len(guest.sessions()) > 1000
    sources = guest.get("dataSources").json()
    assert list(faults(sources, "ListDataSourcesResponse", api=FITNESS)) == []
    names = [each["dataStreamId"] for each in sources["dataSource"]]
    assert {STAGES, ACTIVITIES, HEARTS, OXYGENS} <= set(names)
    for name in names:
        assert guest.get(f"dataSources/{quote(name, safe='')}").json()["dataStreamId"] == name
        guest.data(name, TODAY - 2 * WEEK)
    for name in (STAGES, ACTIVITIES, HEARTS, OXYGENS):
        assert guest.data(name, TODAY - 2 * WEEK)["point"]
    assert guest.get("dataSources/raw:com.google.sleep.segment:nobody:").status_code == 404


def test_the_validator_objects() -> None:
    wrong = {"session": [{"startTimeMillis": 1, "activityType": "72", "zone": "UTC"}]}
    assert len(list(faults(wrong, "ListSessionsResponse", api=FITNESS))) == 3


# -- Google's own client -------------------------------------------------------------------------


@pytest.fixture
def service(guest: Visitor) -> Iterator[Any]:
    with client(guest, document(FITNESS), SCOPES, "/fitness/v1/users/") as built:
        yield built


def test_googles_own_client_reads_sleeps_and_their_stages(guest: Visitor, service: Any) -> None:
    users = service.users()
    when = {"startTime": (TODAY - WEEK).isoformat(), "endTime": TODAY.isoformat()}
    told = users.sessions().list(userId="me", activityType=72, **when).execute()["session"]
    streams = users.dataSources().list(userId="me", dataTypeName="com.google.sleep.segment")
    assert STAGES in [each["dataStreamId"] for each in streams.execute()["dataSource"]]
    guest.address.ask("POST", "/-/clock", {"seconds": 3700})  # the token is over by now
    datasets = users.dataSources().datasets()
    span = f"{int((TODAY - WEEK).timestamp())}000000000-{int(TODAY.timestamp())}000000000"
    request = {"userId": "me", "dataSourceId": STAGES, "datasetId": span, "limit": 50}
    page = datasets.get(**request).execute()
    points = page["point"]
    while "nextPageToken" in page:
        page = datasets.get(**request, pageToken=page["nextPageToken"]).execute()
        points += page["point"]
    (grant,) = guest.address.ask("GET", "/-/grants")
    assert grant["refreshes"] == 1
    sleeps = guest.address.ask("GET", "/-/people/1/sleeps")
    names = {sleep["makers"]["google_fit"]: sleep for sleep in sleeps}
    mine = [each for each in told if each["id"] in names]
    assert len(mine) >= 5
    for each in mine:
        assert int(each["startTimeMillis"]) / 1000 == _seconds(names[each["id"]]["start"])
    guest.tokens = guest.renew().json()
    assert sorted(points, key=_order) == sorted(
        guest.data(STAGES, TODAY - WEEK)["point"], key=_order
    )


def _order(point: Any) -> tuple[int, str]:
    return int(point["endTimeNanos"]), json.dumps(point)


def _seconds(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def test_googles_own_client_reads_the_refusals(guest: Visitor, service: Any) -> None:
    with pytest.raises(HttpError, match="Only me is supported"):
        service.users().sessions().list(userId="42").execute()
    guest.set(ended=410)
    with pytest.raises(HttpError, match="have been shut down") as caught:
        service.users().sessions().list(userId="me").execute()
    assert caught.value.status_code == 410


# -- oddities ------------------------------------------------------------------------------------


def test_page_tokens_are_ignored_where_a_time_is_asked(guest: Visitor) -> None:
    start = TODAY - WEEK
    reply = guest.get("sessions", startTime=start.isoformat(), pageToken="x")
    assert set(reply.json()) == {"session", "deletedSession"}
    assert reply.json()["session"] == guest.sessions(start)


def test_a_range_of_time_is_that_of_the_document(guest: Visitor) -> None:
    start, end = TODAY - 2 * WEEK, TODAY - WEEK
    told = guest.sessions(start, endTime=end.isoformat())
    low, high = (int(edge.timestamp()) * 1000 for edge in (start, end))
    everything = guest.sessions()
    assert told == [
        each
        for each in everything
        if int(each["startTimeMillis"]) < high
        and low < int(each["endTimeMillis"]) <= high + 86_400_000
    ]
    assert (
        guest.get("sessions", startTime=end.isoformat(), endTime=start.isoformat()).status_code
        == 400
    )
    assert guest.get("sessions", startTime="2026-11-01T00:00:00").status_code == 400
    assert guest.get("sessions", startTime="yesterday").status_code == 400
    assert guest.sessions(start, activityType=8) == []
    assert guest.get("sessions", activityType="x").status_code == 400
    assert guest.get("sessions", filter="x").status_code == 400


def test_without_a_time_it_tells_what_changed_and_what_was_deleted(guest: Visitor) -> None:
    first = guest.get("sessions").json()
    assert 20 < len(first["session"]) < 80
    token = first["nextPageToken"]
    assert guest.get("sessions", pageToken=token).json()["session"] == []
    sleep = guest.address.ask("GET", "/-/people/1/sleeps")[0]
    guest.address.ask("POST", "/-/clock", {"seconds": 5})
    guest.address.ask("POST", "/-/people/1/sleeps", {"delete": sleep["id"]})
    again = guest.get("sessions", pageToken=token, includeDeleted="true").json()
    assert list(faults(again, "ListSessionsResponse", api=FITNESS)) == []
    assert sleep["makers"]["google_fit"] in [each["id"] for each in again["deletedSession"]]
    assert guest.get("sessions", pageToken=token).json()["deletedSession"] == []
    assert guest.get("sessions", pageToken="x").status_code == 400


def test_points_are_paged_backwards(guest: Visitor) -> None:
    whole = guest.data(HEARTS, TODAY - WEEK)["point"]
    first = guest.data(HEARTS, TODAY - WEEK, limit=1000)
    assert first["point"] == whole[-1000:]
    second = guest.data(HEARTS, TODAY - WEEK, limit=1000, pageToken=first["nextPageToken"])
    assert second["point"] == whole[-2000:-1000]
    assert "nextPageToken" not in guest.data(HEARTS, TODAY - WEEK)
    path = f"dataSources/{quote(HEARTS, safe='')}/datasets/"
    assert guest.get(f"{path}5-1").status_code == 400
    assert guest.get(f"{path}1-2", limit=0).status_code == 400


def test_two_apps_on_one_night_are_merged_and_apart(guest: Visitor) -> None:
    apps = {each["application"]["packageName"] for each in guest.sessions()}
    assert {SECOND, BY_HAND} < apps
    merged = guest.data(STAGES)["point"]
    origins = {point["originDataSourceId"] for point in merged}
    assert {f"raw:com.google.sleep.segment:{SECOND}:"} < origins
    own = guest.data(f"raw:com.google.sleep.segment:{SECOND}:")["point"]
    assert 0 < len(own) < len(merged)
    assert not any("originDataSourceId" in point for point in own)


def test_old_nights_lie_among_the_activities(guest: Visitor) -> None:
    turned = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    then = turned - 4 * WEEK, turned + WEEK
    points = guest.data(STAGES, *then)["point"]
    assert points
    first = min(int(point["endTimeNanos"]) for point in points)
    assert first >= (turned - dt.timedelta(hours=12)).timestamp() * 10**9  # of the night to it
    codes = {point["value"][0]["intVal"] for point in guest.data(ACTIVITIES, *then)["point"]}
    assert {7, 72, 109, 110, 111, 112} <= codes
    guest.set(activities_until="2000-01-01")
    assert len(guest.data(STAGES, *then)["point"]) > 3 * len(points)
    codes = {point["value"][0]["intVal"] for point in guest.data(ACTIVITIES, *then)["point"]}
    assert codes == {7}


def test_the_merged_stream_may_be_empty(guest: Visitor) -> None:
    guest.set(merged=False)
    assert guest.data(STAGES)["point"] == []
    assert guest.data(f"raw:com.google.sleep.segment:{SECOND}:")["point"]


def test_scopes(stranger: Visitor) -> None:
    stranger.sign_in(allow=[SLEEP])
    refused = stranger.get(f"dataSources/{quote(HEARTS, safe='')}/datasets/1-2")
    assert refused.status_code == 403
    assert (
        refused.json()["error"]["message"] == "Cannot read data of type com.google.heart_rate.bpm"
    )
    told = stranger.get("dataSources").json()["dataSource"]
    assert {each["dataType"]["name"] for each in told} == {"com.google.sleep.segment"}
    assert stranger.http.get(f"{stranger.url}/oauth2/v3/userinfo").status_code == 401
    stranger.sign_in(allow=[HEART, ACTIVITY])
    assert stranger.get("sessions").json()["session"] == []
    stranger.sign_in(allow=["openid"])
    refused = stranger.get("sessions")
    assert refused.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    who = stranger.http.get(f"{stranger.url}/oauth2/v3/userinfo", headers=stranger.headers)
    people = stranger.address.ask("GET", "/-/people")
    assert who.json() == {"sub": people[0]["makers"]["google_fit"]}


def test_limits(guest: Visitor) -> None:
    guest.set(rate_limit=2)
    replies = [guest.get("dataSources") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert int(replies[2].headers["retry-after"]) > 0


@pytest.mark.parametrize("code", [403, 404, 410])
def test_the_service_can_end(guest: Visitor, code: int) -> None:
    guest.set(ended=code)
    for path in ("sessions", "dataSources"):
        assert guest.get(path).status_code == code
    assert (
        guest.http.get(f"{guest.url}/oauth2/v3/userinfo", headers=guest.headers).status_code == 200
    )


def test_every_setting_and_type_is_documented() -> None:
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name, value in PART.settings.items():
        assert f"| `{name}` |" in text
        assert f"| {json.dumps(value)} |" in text
    for name in TYPES:
        assert f"`{name}`" in text
