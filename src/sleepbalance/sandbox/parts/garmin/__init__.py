"""Garmin by both of its doors: the Personal API with a key, and the Health API with OAuth.

Played after what is public of them: the Personal API after Garmin's own client and its model, the
Health API (closed to new companies) after the public code that relies on it.
"""

from __future__ import annotations

from starlette.routing import Route

from sleepbalance.sandbox.oauth import Door
from sleepbalance.sandbox.parts import Part
from sleepbalance.sandbox.parts.garmin import control, days, health, keys, personal
from sleepbalance.sandbox.parts.garmin.desk import GarminDesk
from sleepbalance.sandbox.parts.garmin.night import onset
from sleepbalance.sandbox.parts.garmin.partner import Partner
from sleepbalance.sandbox.parts.garmin.personal import answering
from sleepbalance.sandbox.parts.garmin.refusals import refusal
from sleepbalance.sandbox.parts.garmin.summaries import TYPES
from sleepbalance.sandbox.parts.garmin.times import millis

WELLNESS = "/wellness-service/wellness"
SUMMARIES = "/usersummary-service"
REST = "/wellness-api/rest"

PART = Part(
    id="garmin",
    name="Garmin",
    door=Door(
        authorize="/oauth2Confirm",
        token="/di-oauth2-service/oauth/token",  # noqa: S106 - an address
        scopes={
            "ACTIVITY_EXPORT": "Activities",
            "WORKOUT_IMPORT": "Send workouts to the watch",
            "HEALTH_EXPORT": "Sleep, heart rate, and the rest of a day",
            "COURSE_IMPORT": "Send courses to the watch",
            "MCT_EXPORT": "Women's health",
            "HISTORICAL_DATA_EXPORT": "Historical data",
        },
        unticked=frozenset({"HISTORICAL_DATA_EXPORT"}),
    ),
    routes=(
        Route("/app/settings/personalApiToken", keys.page, methods=["GET", "POST"]),
        Route(
            "/personalapitoken-service/personal-api/personal-api-key/token",
            personal.exchange,
            methods=["POST"],
        ),
        Route(
            "/sleep-service/sleep/dailySleepSummariesByDate", answering(personal.sleep_summaries)
        ),
        Route("/sleep-service/sleep/dailySleep", answering(personal.sleep_of_day)),
        Route("/hrv-service/hrv/daily/{first}/{last}", answering(personal.hrv_range)),
        Route("/hrv-service/hrv/{date}", answering(personal.hrv_of_day)),
        Route(f"{WELLNESS}/daily/spo2acclimation/{{date}}", answering(personal.oxygen)),
        Route(f"{WELLNESS}/dailyHeartRate", answering(personal.heart_rate)),
        Route(f"{SUMMARIES}/usersummary/daily", answering(personal.day)),
        Route(f"{SUMMARIES}/v2/dailysummaries", answering(personal.summaries)),
        Route("/userprofile-service/userprofile/settings", answering(personal.settings)),
        Route(f"{REST}/user/id", health.answering(health.who)),
        Route(f"{REST}/user/permissions", health.answering(health.permissions)),
        Route(f"{REST}/user/registration", health.answering(health.deregister), methods=["DELETE"]),
        Route(f"{REST}/backfill/{{type}}", health.answering(health.backfill)),
        Route(f"{REST}/{{type}}", health.answering(health.pull)),
    ),
    user_id=days.display_name,
    sleep_id=lambda _, seen: str(millis(onset(seen))),
    refusal=refusal,
    desk=GarminDesk,
    own=Partner,
    settings={
        "access_life": 86400,
        "refresh_life": 7775998,
        "rotating": True,
        "at_once": 2,  # requests with one key
        "answer_after": 0.01,  # seconds that an answer of the Personal API takes
        "requests_a_minute": 240,  # with one key
        "zones": {},  # person → zone of the account, where it is not the person's own; or gmt
        "mode": "push",  # or ping
        "endpoints": list(TYPES),  # types that have an address in Garmin's portal
        "bare_permissions": False,  # a list that is in no object
        "awake_in_duration": 0.2,  # share of nights whose duration holds the time awake
        "edited_as": "AUTO_MANUAL",  # the validation of a night that was edited by hand
        "backfill_after": 60,  # seconds until history that was asked for is sent
        "backfill_days_a_minute": 100,  # of an evaluation client; others have 10,000
    },
    control=(
        keys.control_route(
            "/keys", GET=keys.list_keys, POST=keys.make_key, DELETE=keys.delete_keys
        ),
        keys.control_route("/tokens", DELETE=keys.end_tokens),
        keys.control_route(
            "/users", GET=control.users, POST=control.change_permissions, DELETE=control.deregister
        ),
        keys.control_route("/deliveries", GET=control.deliveries, DELETE=control.forget),
        Route("/deliveries/send", control.send, methods=["POST"]),
    ),
    look_at=(
        "/app/settings/personalApiToken",
        "/sleep-service/sleep/dailySleepSummariesByDate",
        "/oauth2Confirm",
        "/wellness-api/rest/user/id",
    ),
)
