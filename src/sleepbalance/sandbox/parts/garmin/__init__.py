"""Garmin by both of its doors: the Personal API with a key, and the Health API with OAuth.

Played after what is public of them: the Personal API after Garmin's own client and its model, the
Health API (closed to new companies) after the public code that relies on it.
"""

from __future__ import annotations

from starlette.routing import Route

from sleepbalance.sandbox.oauth import Door
from sleepbalance.sandbox.parts import Part
from sleepbalance.sandbox.parts.garmin import days, keys, personal
from sleepbalance.sandbox.parts.garmin.desk import GarminDesk
from sleepbalance.sandbox.parts.garmin.night import onset
from sleepbalance.sandbox.parts.garmin.personal import answering
from sleepbalance.sandbox.parts.garmin.refusals import refusal

WELLNESS = "/wellness-service/wellness"
SUMMARIES = "/usersummary-service"

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
    ),
    user_id=days.display_name,
    sleep_id=lambda _, seen: str(days.millis(onset(seen))),
    refusal=refusal,
    desk=GarminDesk,
    settings={
        "access_life": 86400,
        "refresh_life": 7775998,
        "rotating": True,
        "at_once": 2,  # requests with one key
        "answer_after": 0.01,  # seconds that an answer of the Personal API takes
        "requests_a_minute": 240,  # with one key
        "zones": {},  # person → zone of the account, where it is not the person's own; or gmt
    },
    control=(
        keys.control_route(
            "/keys", GET=keys.list_keys, POST=keys.make_key, DELETE=keys.delete_keys
        ),
        keys.control_route("/tokens", DELETE=keys.end_tokens),
    ),
    look_at=(
        "/app/settings/personalApiToken",
        "/sleep-service/sleep/dailySleepSummariesByDate",
    ),
)
