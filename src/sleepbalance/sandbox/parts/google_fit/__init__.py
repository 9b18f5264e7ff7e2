"""Google Fit as its REST API tells sleep, until Google ends it.

Played after Google's discovery document fitness:v1, revision 20250819, and after what people report
of real answers (no pages where a time range is asked, whole numbers of 64 bits as strings).
"""

from __future__ import annotations

from starlette.routing import Route

from sleepbalance.sandbox.oauth import Door
from sleepbalance.sandbox.parts import Part
from sleepbalance.sandbox.parts.google_fit import apps, reading, sessions
from sleepbalance.sandbox.parts.google_fit.gate import SCOPES, answering
from sleepbalance.sandbox.parts.google_fit.refusals import refusal

USER = "/fitness/v1/users/{user}"

PART = Part(
    id="google_fit",
    name="Google Fit",
    door=Door(
        authorize="/o/oauth2/v2/auth",
        token="/token",  # noqa: S106 - an address
        revoke="/revoke",
        scopes=SCOPES,
        access_prefix="ya29.sandbox-",
        refresh_prefix="1//sandbox-",
    ),
    routes=(
        Route("/oauth2/v3/userinfo", answering(reading.who)),
        Route(f"{USER}/sessions", answering(sessions.list_sessions)),
        Route(f"{USER}/dataSources", answering(reading.list_sources)),
        Route(f"{USER}/dataSources/{{source}}", answering(reading.get_source)),
        Route(f"{USER}/dataSources/{{source}}/datasets/{{dataset}}", answering(reading.get_points)),
    ),
    user_id=apps.account,
    sleep_id=apps.session_id,
    refusal=lambda status, wait: refusal(status, wait).response(),
    settings={
        "rate_limit": 300,  # requests a minute and person
        "ended": None,  # 403, 404 or 410: how the service says that it is over
        "registered": True,  # whether the project may use the API
        "merged": True,  # whether Google merges the stages of all apps into one stream
        "activities_until": "2024-05-01",  # nights before it have their stages among the activities
    },
    look_at=(
        "/o/oauth2/v2/auth",
        "/token",
        "/oauth2/v3/userinfo",
        "/fitness/v1/users/me/sessions",
        "/fitness/v1/users/me/dataSources",
    ),
)
