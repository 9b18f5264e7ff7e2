"""Reading as the played maker allows it: filters, pages, families, limits, and its refusals."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from tests.sandbox.guest import TODAY, Guest

AND = (
    'sleep.interval.end_time >= "2026-09-23T00:00:00Z" AND '
    'sleep.interval.end_time < "2026-09-27T00:00:00Z"'
)


@pytest.fixture
def newcomer(stranger: Guest) -> Guest:
    """Person 3, whose history is short."""
    return stranger.sign_in("3")


def ends(points: list[Any]) -> list[str]:
    return [p["sleep"]["interval"]["endTime"] for p in points]


def complaint(reply: Any) -> tuple[int, str, list[str]]:
    error = reply.json()["error"]
    fields = error["details"][1]["fieldViolations"] if "details" in error else []
    return reply.status_code, error["message"], [f["description"] for f in fields]


# -- filters -------------------------------------------------------------------------------------


def test_sleep_is_filtered_by_its_end(newcomer: Guest) -> None:
    every = ends(newcomer.all_points())
    wanted = [e for e in every if "2026-09-23" <= e < "2026-09-27"]
    assert ends(newcomer.points(filter=AND).json()["dataPoints"]) == wanted
    assert 2 <= len(wanted) <= 8
    halves = AND.replace("AND", "OR")
    assert ends(newcomer.all_points(filter=halves)) == every, "OR lets everything through"
    exact = f'sleep.interval.end_time>="{wanted[1]}"'
    assert wanted[1] in ends(newcomer.all_points(filter=exact)), "the lower edge is in"
    below = f'sleep.interval.end_time < "{wanted[1]}"'
    assert wanted[1] not in ends(newcomer.all_points(filter=below)), "the upper edge is not"


def test_civil_ends_are_the_clock_on_the_wall(guest: Guest) -> None:
    text = 'sleep.interval.civil_end_time >= "2026-11-14" AND sleep.interval.civil_end_time < "{}"'
    day = guest.all_points(filter=text.format("2026-11-15"))
    assert len(day) == 2, "a night and a nap"
    morning = guest.all_points(filter=text.format("2026-11-14T12:00:00"))
    assert ends(morning) == ends(day)[1:]


def test_the_captured_complaint(guest: Guest) -> None:
    """Word for word what the real service said of a start, as published."""
    text = (
        'sleep.interval.civil_start_time >= "2026-09-23" AND '
        'sleep.interval.civil_start_time < "2026-09-27"'
    )
    status, message, fields = complaint(guest.points(filter=text))
    assert status == 400
    assert message == (
        "Invalid data point filter: INVALID_DATA_POINT_FILTER_DATA_TYPE_MEMBER, "
        "INVALID_DATA_POINT_FILTER_DATA_TYPE_MEMBER."
    )
    words = "Member 'sleep.interval.civil_start_time' is not supported for filtering."
    assert fields == [f"{words} (at line 1, column 1)", f"{words} (at line 1, column 53)"]


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("sleep", 'sleep.interval.start_time >= "2026-01-01T00:00:00Z"', "DATA_TYPE_MEMBER"),
        ("sleep", 'heart_rate.date >= "2026-01-01"', "DATA_TYPE_MEMBER"),
        ("heart-rate", 'heart-rate.sample_time.civil_time >= "2026-01-01"', "DATA_TYPE_MEMBER"),
        (
            "daily-oxygen-saturation",
            'daily-oxygen-saturation.date >= "2026-01-01"',
            "DATA_TYPE_MEMBER",
        ),
        ("sleep", 'sleep.interval.end_time > "2026-01-01T00:00:00Z"', "COMPARATOR"),
        ("sleep", 'sleep.interval.end_time <= "2026-01-01T00:00:00Z"', "COMPARATOR"),
        ("sleep", 'sleep.interval.end_time >= "2026-01-01"', "LITERAL"),
        ("sleep", 'sleep.interval.civil_end_time >= "2026-01-01T00:00:00Z"', "LITERAL"),
        ("sleep", 'sleep.interval.civil_end_time >= "2026-02-31"', "LITERAL"),
        (
            "daily-oxygen-saturation",
            'daily_oxygen_saturation.date >= "2026-01-01T00:00:00"',
            "LITERAL",
        ),
        (
            "daily-oxygen-saturation",
            'daily_oxygen_saturation.date < "2026-01-01" OR daily_oxygen_saturation.date < "2026"',
            "LOGICAL_OPERATOR",
        ),
        ("sleep", "sleep.interval.end_time", "SYNTAX"),
        ("sleep", "sleep.interval.end_time >= 2026-01-01T00:00:00Z", "SYNTAX"),
        ("sleep", f"{AND} AND", "SYNTAX"),
        ("sleep", f"{AND} sleep.interval.end_time", "SYNTAX"),
        ("sleep", f"({AND})", "SYNTAX"),
    ],
)
def test_wrong_filters_are_refused(guest: Guest, kind: str, text: str, reason: str) -> None:
    reply = guest.points(kind, filter=text)
    status, message, fields = complaint(reply)
    assert (status, fields != []) == (400, True)
    assert f"INVALID_DATA_POINT_FILTER_{reason}" in message
    assert reply.json()["error"]["details"][0]["reason"] == "INVALID_DATA_POINT_FILTER"


@pytest.mark.parametrize(
    ("kind", "member", "field"),
    [
        ("daily-respiratory-rate", "dailyRespiratoryRate", "date"),
        ("daily-resting-heart-rate", "dailyRestingHeartRate", "date"),
    ],
)
def test_daily_types_are_filtered_by_date(guest: Guest, kind: str, member: str, field: str) -> None:
    name = kind.replace("-", "_")
    text = f'{name}.date >= "2026-10-01" AND {name}.date < "2026-10-05"'
    days = [p[member][field]["day"] for p in guest.all_points(kind, filter=text)]
    assert days == sorted(days, reverse=True)
    assert set(days) <= {1, 2, 3, 4}
    assert len(days) >= 2


@pytest.mark.parametrize("kind", ["heart-rate", "oxygen-saturation", "heart-rate-variability"])
def test_samples_are_filtered_by_either_clock(guest: Guest, kind: str) -> None:
    name = kind.replace("-", "_") + ".sample_time"
    wall = f'{name}.civil_time >= "2026-11-14T01:00" AND {name}.civil_time < "2026-11-14T03:00"'
    physical = (
        f'{name}.physical_time >= "2026-11-14T00:00:00Z" AND '
        f'{name}.physical_time < "2026-11-14T02:00:00Z"'
    )
    found = guest.all_points(kind, filter=wall)
    assert len(found) >= 20
    assert found == guest.all_points(kind, filter=physical)


# -- pages ---------------------------------------------------------------------------------------


def test_pages_are_as_large_as_the_maker_likes(guest: Guest) -> None:
    sizes = {asked: len(guest.points(pageSize=asked).json()["dataPoints"]) for asked in (0, 7, 999)}
    assert sizes == {0: 25, 7: 7, 999: 25}
    assert len(guest.points().json()["dataPoints"]) == 25
    assert len(guest.points("heart-rate").json()["dataPoints"]) == 50
    assert guest.points(pageSize=-1).status_code == 400
    assert guest.points(pageSize="many").status_code == 400


def test_pages_are_newest_first_and_lose_nothing(newcomer: Guest) -> None:
    newcomer.set(empty_pages=0)
    pages = list(newcomer.pages(pageSize=9))
    names = [p["name"] for page in pages for p in page.get("dataPoints", [])]
    told = newcomer.address.ask("GET", "/-/people/3/sleeps")
    assert names == [sleep["makers"]["fitbit"] for sleep in told]
    assert all(len(page["dataPoints"]) == 9 for page in pages[:-1])


def test_an_empty_page_may_lead_on(newcomer: Guest) -> None:
    newcomer.set(empty_pages=1)
    pages = list(newcomer.pages())
    bare = [page for page in pages[:-1] if not page.get("dataPoints")]
    assert len(bare) == len(pages) // 2
    assert all(set(page) == {"nextPageToken"} for page in bare)
    newcomer.set(empty_pages=0)
    assert [p for page in pages for p in page.get("dataPoints", [])] == newcomer.all_points()


def test_a_last_page_may_be_bare_or_say_that_it_is_the_last(guest: Guest) -> None:
    one = AND.replace("23T", "25T").replace("27T", "26T")
    exact = list(guest.pages(filter=one, pageSize=1))
    assert exact[-1] == {}
    assert guest.points(filter=one.replace("2026", "2020")).json() == {}
    text = 'sleep.interval.end_time >= "2026-11-{:02}T00:00:00Z"'
    last = {
        guest.points(filter=text.format(day)).json().get("nextPageToken") for day in range(1, 9)
    }
    assert last == {"", None}


def test_a_token_is_for_its_query_and_its_person(guest: Guest) -> None:
    token = guest.points(filter=AND.replace("23T", "01T"), pageSize=3).json()["nextPageToken"]
    same = {"filter": AND.replace("23T", "01T"), "pageToken": token}
    assert guest.points(**same, pageSize=5).status_code == 200, "the size may change"
    for changed in (
        {**same, "filter": AND},
        {"pageToken": token},
        {**same, "pageToken": token[:-4] + "AAAA"},
        {**same, "pageToken": "%%%"},
    ):
        reply = guest.points(**changed)
        assert (reply.status_code, "page token" in reply.text) == (400, True)
    assert guest.points("heart-rate", pageToken=token).status_code == 400
    other = Guest(guest.address, guest.http).sign_in("2")
    assert other.points(**same).status_code == 400


def test_what_is_revised_between_two_pages_stays_in_its_place(guest: Guest) -> None:
    guest.set(empty_pages=0)
    first = guest.points(pageSize=5).json()
    newest = guest.address.ask("GET", "/-/people/1/sleeps")[0]["id"]
    guest.address.ask("POST", "/-/people/1/sleeps", {"delete": newest})
    second = guest.points(pageSize=5, pageToken=first["nextPageToken"]).json()
    names = [p["name"] for p in (*first["dataPoints"], *second["dataPoints"])]
    assert len(set(names)) == 10


# -- families, users, parameters -------------------------------------------------------------------


def test_families(guest: Guest) -> None:
    family = "users/me/dataSourceFamilies/"
    reply = guest.points(dataSourceFamily=f"{family}all-sources")
    assert (reply.status_code, "not supported for data type 'sleep'" in reply.text) == (400, True)
    reconcile = "/dataTypes/sleep/dataPoints:reconcile"
    reply = guest.get(reconcile, dataSourceFamily="google-wearables")
    assert "Data family is missing or is not supported" in reply.text
    assert guest.get(reconcile, dataSourceFamily=f"{family}self-sources").json() == {}
    by_hand = {
        p["name"] for p in guest.all_points() if p["dataSource"]["recordingMethod"] == "MANUAL"
    }
    wearables: set[str] = set()
    token = ""
    while True:
        page = guest.get(
            reconcile, dataSourceFamily=f"{family}google-wearables", pageToken=token
        ).json()
        wearables |= {p["dataPointName"] for p in page.get("dataPoints", [])}
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert by_hand
    assert not by_hand & wearables
    assert len(wearables) > 900
    assert guest.points("daily-respiratory-rate", dataSourceFamily=f"{family}all-sources").json()


def test_users_are_me_or_the_number(guest: Guest) -> None:
    number = guest.get("/identity").json()["healthUserId"]
    for user, status in ((number, 200), ("me", 200), ("-", 403), ("1", 403)):
        reply = guest.http.get(f"{guest.url}/v4/users/{user}/identity", headers=guest.headers)
        assert reply.status_code == status


def test_unknown_names_are_refused(guest: Guest) -> None:
    assert "Cannot bind query parameter" in guest.points(limit=5).text
    assert guest.points(alt="json", prettyPrint="false").status_code == 200
    assert guest.points("steps-of-elephants").status_code == 400
    assert guest.get("/nothing").status_code == 404


# -- refusals ------------------------------------------------------------------------------------


def test_without_a_token(guest: Guest) -> None:
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}):
        reply = guest.http.get(f"{guest.url}/v4/users/me/identity", headers=headers)
        assert reply.status_code == 401
        assert reply.json()["error"]["status"] == "UNAUTHENTICATED"
        assert reply.headers["www-authenticate"].startswith("Bearer")


def test_accounts_that_are_no_health_accounts(guest: Guest) -> None:
    guest.set(accounts={"1": "not_linked", "2": "unmigrated"})
    reply = guest.get("/identity")
    assert reply.status_code == 400
    assert reply.json()["error"]["status"] == "FAILED_PRECONDITION"
    assert reply.json()["error"]["details"][0]["reason"] == "ACCOUNT_NOT_LINKED"
    other = Guest(guest.address, guest.http).sign_in("2")
    reply = other.points()
    assert (reply.status_code, "UberMint" in reply.text) == (403, True)


def test_the_quota_of_a_minute(guest: Guest) -> None:
    guest.set(rate_limit=5)
    codes = [guest.get("/identity").status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2
    reply = guest.get("/identity")
    assert reply.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert reply.json()["error"]["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    wait = int(reply.headers["retry-after"])
    assert 50 <= wait <= 61
    other = Guest(guest.address, guest.http).sign_in("2")
    assert other.get("/identity").status_code == 200, "each person has an own one"
    guest.address.ask("POST", "/-/clock", {"seconds": wait})
    assert guest.get("/identity").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/1.2/user/-/sleep/date/2026-01-01.json",
        "/1/user/-/profile.json",
        "/oauth2/token",
        "/oauth2/authorize",
    ],
)
def test_the_old_addresses_are_gone(stranger: Guest, path: str) -> None:
    assert stranger.http.get(stranger.url + path).status_code == 410
    assert stranger.http.post(f"{stranger.url}/oauth2/revoke").status_code == 410


# -- rollUp --------------------------------------------------------------------------------------


def test_windows_of_any_length(guest: Guest) -> None:
    end = dt.datetime(2026, 11, 16, 5, tzinfo=dt.UTC)
    start = end - dt.timedelta(hours=6, minutes=30)
    (whole,) = guest.rolled(start, end, "23400s").json()["rollupDataPoints"]
    assert (whole["startTime"], whole["endTime"]) == (
        "2026-11-15T22:30:00Z",
        "2026-11-16T05:00:00Z",
    )
    cut = guest.rolled(start, end, "18000s").json()["rollupDataPoints"]
    assert [w["endTime"] for w in cut] == ["2026-11-16T05:00:00Z", "2026-11-16T03:30:00Z"]
    assert len(guest.rolled(start, end, "1s").json()["rollupDataPoints"]) == 390


def test_rolled_up_pages(guest: Guest) -> None:
    start = TODAY - dt.timedelta(days=14)
    first = guest.rolled(start, TODAY, "600s").json()
    assert len(first["rollupDataPoints"]) == 1440
    token = first["nextPageToken"]
    rest = guest.rolled(start, TODAY, "600s", pageToken=token).json()
    both = first["rollupDataPoints"] + rest["rollupDataPoints"]
    assert both == guest.rolled(start, TODAY, "600s", pageSize=10_000).json()["rollupDataPoints"]
    assert guest.rolled(start, TODAY, "601s", pageToken=token).status_code == 400


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"windowSize": "0s"}, "at least 1 second"),
        ({"windowSize": "10m"}, "at least 1 second"),
        ({"windowSize": None}, "at least 1 second"),
        ({"range": None}, "range is required"),
        ({"range": {"startTime": "2026-11-01T00:00:00Z"}}, "range.endTime"),
        (
            {"range": {"startTime": "2026-11-01T00:00:00", "endTime": "2026-11-02T00:00:00Z"}},
            "a timestamp ends in Z",
        ),
        (
            {"range": {"startTime": "2026-11-02T00:00:00Z", "endTime": "2026-11-01T00:00:00Z"}},
            "end after it starts",
        ),
        (
            {"range": {"startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-15T00:00:01Z"}},
            "14 days",
        ),
        ({"pageSize": -1}, "negative"),
        ({"colour": "red"}, "Unknown name"),
    ],
)
def test_wrong_windows_are_refused(guest: Guest, changed: dict[str, Any], words: str) -> None:
    span = {"startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-02T00:00:00Z"}
    body = {"range": span, "windowSize": "60s", **changed}
    told = {name: value for name, value in body.items() if value is not None}
    reply = guest.post("/dataTypes/heart-rate/dataPoints:rollUp", told)
    assert (reply.status_code, words in reply.text) == (400, True), reply.text


def test_what_cannot_be_rolled_up(guest: Guest) -> None:
    for kind in ("sleep", "daily-respiratory-rate"):
        for verb in ("rollUp", "dailyRollUp"):
            reply = guest.post(f"/dataTypes/{kind}/dataPoints:{verb}", {})
            assert (reply.status_code, "does not support rollup" in reply.text) == (400, True)


def _day(day: int, **more: Any) -> dict[str, Any]:
    return {"date": {"year": 2026, "month": 8, "day": day}, **more}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"range": {"start": {"date": {"year": 2026, "month": 08, "day": 1}}}}', "JSON"),
        ({"range": {}}, "range.start"),
        ([], "Unknown name"),
        ({"range": {"start": _day(1), "end": _day(16)}}, "14 days"),
        ({"range": {"start": _day(1, time={"hours": 3})}}, "aligned"),
        ({"range": {"start": _day(1), "end": _day(3)}, "windowSizeDays": 0}, "window_size_days"),
    ],
)
def test_wrong_days_are_refused(guest: Guest, body: Any, words: str) -> None:
    address = f"{guest.url}/v4/users/me/dataTypes/heart-rate/dataPoints:dailyRollUp"
    sent = body if isinstance(body, str) else json.dumps(body)
    reply = guest.http.post(address, content=sent, headers=guest.headers)
    assert (reply.status_code, words in reply.text) == (400, True), reply.text
