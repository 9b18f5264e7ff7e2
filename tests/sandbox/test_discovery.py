"""Every answer of the played maker is what Google's own document says it is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sleepbalance.sandbox.parts.fitbit import PART
from sleepbalance.sandbox.parts.fitbit.kinds import KINDS
from tests.sandbox.discovery import document, faults
from tests.sandbox.guest import TODAY, Guest

SINGLE = {
    "/identity": "Identity",
    "/profile": "Profile",
    "/settings": "Settings",
    "/pairedDevices": "ListPairedDevicesResponse",
}


def sound(value: Any, schema: str) -> None:
    assert list(faults(value, schema)) == []
    assert value is not None


@pytest.mark.parametrize("path", SINGLE)
def test_what_is_told_of_the_account(guest: Guest, path: str) -> None:
    reply = guest.get(path)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    sound(reply.json(), SINGLE[path])


def test_one_paired_device(guest: Guest) -> None:
    (device,) = guest.get("/pairedDevices").json()["pairedDevices"]
    found = guest.http.get(f"{guest.url}/v4/{device['name']}", headers=guest.headers)
    assert found.json() == device
    sound(device, "PairedDevice")
    assert guest.get("/pairedDevices/1").status_code == 404


@pytest.mark.parametrize("person", ["1", "2", "3", "4"])
def test_every_sleep_of_everybody(stranger: Guest, person: str) -> None:
    stranger.sign_in(person)
    count = 0
    for page in stranger.pages():
        sound(page, "ListDataPointsResponse")
        count += len(page.get("dataPoints", []))
    assert count > 20


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "sleep"])
def test_every_other_type(guest: Guest, kind: str) -> None:
    page = guest.points(kind, pageSize=1500).json()
    assert len(page["dataPoints"]) > 900
    sound(page, "ListDataPointsResponse")
    members = {name for point in page["dataPoints"] for name in point}
    assert members == {KINDS[kind].member, "dataSource"}
    sound(
        guest.get(f"/dataTypes/{kind}/dataPoints:reconcile", pageSize=50).json(),
        "ReconcileDataPointsResponse",
    )


def test_a_type_is_named_as_its_member_is() -> None:
    for kind in KINDS.values():
        words = kind.id.split("-")
        assert kind.member == words[0] + "".join(w.title() for w in words[1:])
        assert kind.member in document()["schemas"]["DataPoint"]["properties"]


def test_reconciled_sleep(guest: Guest) -> None:
    reply = guest.get("/dataTypes/sleep/dataPoints:reconcile").json()
    sound(reply, "ReconcileDataPointsResponse")
    listed = guest.points().json()["dataPoints"]
    assert [p["dataPointName"] for p in reply["dataPoints"]] == [p["name"] for p in listed]
    assert [p["sleep"] for p in reply["dataPoints"]] == [p["sleep"] for p in listed]


def test_one_sleep_by_name(guest: Guest) -> None:
    listed = guest.points().json()["dataPoints"][3]
    found = guest.http.get(f"{guest.url}/v4/{listed['name']}", headers=guest.headers)
    assert found.json() == listed
    sound(listed, "DataPoint")
    assert guest.get("/dataTypes/sleep/dataPoints/1").status_code == 404
    assert guest.get("/dataTypes/heart-rate/dataPoints/1").status_code == 404


def test_rolled_up_heart_rate(guest: Guest) -> None:
    reply = guest.rolled(TODAY - dt.timedelta(days=2), TODAY, "3600s").json()
    sound(reply, "RollUpDataPointsResponse")
    assert len(reply["rollupDataPoints"]) > 20
    (request,) = [
        m["request"]["$ref"]
        for m in _methods(document()["resources"])
        if m["id"].endswith("dataPoints.rollUp")
    ]
    sound({"range": {"startTime": "2026-01-01T00:00:00Z"}, "windowSize": "1s"}, request)


def test_heart_rate_by_days(guest: Guest) -> None:
    days = {"start": {"date": _date(10)}, "end": {"date": _date(20)}}
    reply = guest.post("/dataTypes/heart-rate/dataPoints:dailyRollUp", {"range": days}).json()
    sound(reply, "DailyRollUpDataPointsResponse")
    assert reply["rollupDataPoints"][0]["civilStartTime"] == {"date": _date(19), "time": {}}


def _date(day: int) -> dict[str, int]:
    return {"year": 2026, "month": 11, "day": day}


def _methods(resources: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for resource in resources.values():
        found += resource.get("methods", {}).values()
        found += _methods(resource.get("resources", {}))
    return found


def test_every_address_is_in_the_document() -> None:
    """Whatever lies below /v4 is one of Google's methods, and its scopes are the method's."""
    played = {
        (method, route.path.split("{user}")[1])  # type: ignore[attr-defined]
        for route in PART.routes
        if route.path.startswith("/v4")  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    names = {"usersId": "", "dataTypesId": "{type}", "dataPointsId": "{point}"}
    real = set()
    for method in _methods(document()["resources"]):
        path = method["flatPath"]
        if not path.startswith("v4/users/{usersId}"):
            continue
        path = path.removeprefix("v4/users/{usersId}")
        for name, ours in {**names, "pairedDevicesId": "{device}"}.items():
            path = path.replace(f"{{{name}}}", ours)
        real.add((method["httpMethod"], path))
    assert played <= real, played - real
    assert set(PART.door.scopes) <= set(document()["auth"]["oauth2"]["scopes"])


def test_the_validator_objects() -> None:
    """A check that lets everything pass would prove nothing."""
    wrong = {
        "name": 1,
        "sleep": {
            "interval": {"startTime": "yesterday", "endTime": "2026-01-01T00:00:00Z"},
            "type": "DEEP",
            "stages": {},
            "metadata": {"nap": "no", "main": True},
            "summary": {"minutesAsleep": 5},
        },
        "dailyOxygenSaturation": {"averagePercentage": "96"},
        "dataSource": [],
        "profile": {},
    }
    where = {fault.split(":")[0] for fault in faults(wrong, "DataPoint")}
    assert where >= {
        ".name",
        ".sleep.interval.startTime",
        ".sleep.interval.startUtcOffset",
        ".sleep.type",
        ".sleep.stages",
        ".sleep.metadata.nap",
        ".sleep.metadata.main",
        ".sleep.summary.minutesAsleep",
        ".dailyOxygenSaturation.averagePercentage",
        ".dailyOxygenSaturation.date",
        ".dataSource",
        ".profile",
    }
    assert list(faults({"age": True}, "Profile")) == [".age: True is no integer int32"]
