"""Oura: both generations of its OAuth, and the API v2 with its own made-up twin.

Played after Oura's OpenAPI document 1.37, and after published recordings where these say more
(no limit on a range, `start_date=1`, the day that ends at 18:00, 255 for no heart rate).
"""

from __future__ import annotations

from starlette.routing import Route

from sleepbalance.sandbox.gates import answering
from sleepbalance.sandbox.parts import Part
from sleepbalance.sandbox.parts.oura import collections, login, refusals
from sleepbalance.sandbox.parts.oura.names import document_id, user_id

USER, MADE_UP = "/v2/usercollection", "/v2/sandbox/usercollection"

PART = Part(
    id="oura",
    name="Oura",
    door=login.NEW,
    desk=login.OuraDesk,
    own=login.legacy,
    routes=(
        Route(login.LEGACY.authorize, login.authorize_legacy, methods=["GET", "POST"]),
        Route(login.LEGACY.token, login.token_legacy, methods=["POST"]),
        Route(login.LEGACY.revoke, login.revoke_legacy, methods=["POST"]),
        Route(f"{USER}/personal_info", answering(collections.personal_info)),
        Route(f"{USER}/heartrate", answering(collections.heart_rate)),
        Route(f"{USER}/{{collection}}", answering(collections.listed)),
        Route(f"{USER}/{{collection}}/{{document_id}}", answering(collections.single)),
        Route(f"{MADE_UP}/heartrate", answering(collections.heart_rate)),
        Route(f"{MADE_UP}/{{collection}}", answering(collections.listed)),
        Route(f"{MADE_UP}/{{collection}}/{{document_id}}", answering(collections.single)),
    ),
    user_id=user_id,
    sleep_id=lambda person, seen: document_id(person, "sleep", seen.sleep.id),
    refusal=lambda status, wait: refusals.refusal(status, wait).response(),
    settings={
        "access_life": 86400,
        "rotating": True,
        "rate_limit": 5000,  # requests in five minutes and person
        "page_size": 50,  # documents
        "half_minutes": True,  # false: as before 2025, five minutes only, and no ring_id
        "lapsed": [],  # people whose membership has ended
    },
    look_at=(
        login.NEW.authorize,
        login.LEGACY.authorize,
        f"{USER}/personal_info",
        f"{USER}/sleep",
        f"{MADE_UP}/sleep",
    ),
)
