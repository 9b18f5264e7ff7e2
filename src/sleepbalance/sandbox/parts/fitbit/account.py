"""Who the person is to Google, and which devices are paired."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from sleepbalance.sandbox.parts.fitbit import points
from sleepbalance.sandbox.parts.fitbit.gate import Visit, enter
from sleepbalance.sandbox.parts.fitbit.kinds import PROFILE, SETTINGS
from sleepbalance.sandbox.parts.fitbit.reading import page_size
from sleepbalance.sandbox.parts.fitbit.refusals import not_found

FEATURES = [
    "SLEEP",
    "SMART_SLEEP",
    "HEART_RATE",
    "SPO2",
    "NIGHTTIME_OXYGEN_SATURATION",
    "INTERNAL_DEVICE_TEMPERATURE",
]


def identity(request: Request) -> Any:
    visit = enter(request, None, frozenset())
    return {
        "name": "users/me/identity",
        "healthUserId": points.health_user_id(visit.person),
        "legacyUserId": points.legacy_user_id(visit.person),
    }


def profile(request: Request) -> Any:
    visit = enter(request, PROFILE, frozenset())
    return {
        "name": f"{_user(visit)}/profile",
        "age": visit.person.dice("age").whole(21, 74),
        "membershipStartDate": points.date_of(visit.person.began),
    }


def settings(request: Request) -> Any:
    visit = enter(request, SETTINGS, frozenset())
    zone = visit.person.place(visit.world.now().date())
    ahead = visit.world.now().astimezone(ZoneInfo(zone)).utcoffset()
    return {
        "name": f"{_user(visit)}/settings",
        "timeZone": zone,
        "utcOffset": f"{int(ahead.total_seconds()) if ahead else 0}s",
        "languageLocale": "en_GB",
        "distanceUnit": "DISTANCE_UNIT_KILOMETERS",
        "temperatureUnit": "TEMPERATURE_UNIT_CELSIUS",
        "weightUnit": "WEIGHT_UNIT_KILOGRAMS",
    }


def devices(request: Request) -> Any:
    visit = enter(request, SETTINGS, frozenset({"pageSize", "pageToken"}))
    page_size(visit.query.get("pageSize"), 5, 100)
    return {"pairedDevices": _devices(visit)}


def device(request: Request) -> Any:
    visit = enter(request, SETTINGS, frozenset())
    for found in _devices(visit):
        if found["name"].endswith(f"/{request.path_params['device']}"):
            return found
    raise not_found()


def _devices(visit: Visit) -> list[dict[str, Any]]:
    """The one that is worn; the one before it was taken off the account."""
    told = [s for s in visit.world.sleeps(visit.person) if s.sleep.device is not None]
    index = visit.person.device(visit.world.now().date())
    body: dict[str, Any] = {
        "name": f"{_user(visit)}/pairedDevices/{index + 1000}",
        "deviceType": "TRACKER",
        "deviceVersion": points.device_name(index),
        "batteryLevel": visit.person.dice("battery", visit.world.now().date()).whole(15, 98),
        "batteryStatus": "Medium",
        "features": FEATURES if visit.person.staged else FEATURES[:1],
        "macAddress": "02:00:00:00:00:01",
    }
    if told:
        body["lastSyncTime"] = points.instant(max(s.updated for s in told))
    return [body]


def _user(visit: Visit) -> str:
    return f"users/{points.health_user_id(visit.person)}"
