"""Fitbit and Pixel Watch as they are read since the end of 2026: the Google Health API v4.

Played after Google's discovery document health:v4, revision 20261030, and after published captures
where real answers differ from it (no civil times in sleep, false and zero left out, `NaN`).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sleepbalance.sandbox.oauth import Door
from sleepbalance.sandbox.parts import Part
from sleepbalance.sandbox.parts.fitbit import account, points, reading, refusals, rollups
from sleepbalance.sandbox.parts.fitbit.gate import answering
from sleepbalance.sandbox.parts.fitbit.kinds import METRICS, PROFILE, SETTINGS, SLEEP

USER = "/v4/users/{user}"
POINTS = USER + "/dataTypes/{type}/dataPoints"


async def _gone(_: Request) -> Response:
    return refusals.ended()


PART = Part(
    id="fitbit",
    name="Google Health",
    door=Door(
        authorize="/o/oauth2/v2/auth",
        token="/token",  # noqa: S106 - an address
        revoke="/revoke",
        scopes={
            SLEEP: "Sleep",
            METRICS: "Heart rate, heart rate variability, breathing, oxygen, skin temperature",
            SETTINGS: "Devices, and the time zone of the account",
            PROFILE: "Age, and since when there is an account",
        },
        access_prefix="ya29.sandbox-",
        refresh_prefix="1//sandbox-",
    ),
    routes=(
        Route(f"{USER}/identity", answering(account.identity)),
        Route(f"{USER}/profile", answering(account.profile)),
        Route(f"{USER}/settings", answering(account.settings)),
        Route(f"{USER}/pairedDevices", answering(account.devices)),
        Route(f"{USER}/pairedDevices/{{device}}", answering(account.device)),
        Route(f"{POINTS}:rollUp", answering(rollups.roll_up), methods=["POST"]),
        Route(f"{POINTS}:dailyRollUp", answering(rollups.daily_roll_up), methods=["POST"]),
        Route(f"{POINTS}:reconcile", answering(reading.reconcile)),
        Route(POINTS, answering(reading.list_points)),
        Route(f"{POINTS}/{{point}}", answering(reading.get_point)),
        Route("/{version}/user/{rest:path}", _gone, methods=["GET", "POST", "DELETE"]),
        Route("/oauth2/token", _gone, methods=["GET", "POST"]),
        Route("/oauth2/authorize", _gone),
        Route("/oauth2/revoke", _gone, methods=["POST"]),
    ),
    user_id=points.health_user_id,
    sleep_id=points.sleep_name,
    refusal=lambda status, wait: refusals.refusal(status, wait).response(),
    settings={
        "rate_limit": 300,  # requests a minute and person
        "empty_pages": 0.05,  # share of the later pages that come empty, and lead on
        "accounts": {},  # person → "not_linked" or "unmigrated"
    },
    look_at=(
        "/o/oauth2/v2/auth",
        "/token",
        "/v4/users/me/identity",
        "/v4/users/me/dataTypes/sleep/dataPoints",
        "/v4/users/me/dataTypes/heart-rate/dataPoints:rollUp",
    ),
)
