"""Fitbit and Pixel Watch, by the Google Health API v4 and by the archive of Google Takeout.

Larger than a provider should be, because the API is read in two ways (lists with a fallback where
the filter is refused, roll-ups by range) and its records carry five measures from five places.
`reading` asks, `faults` reads refusals, `normalise` makes sleeps, `vitals` their numbers; `points`
knows how Google writes times and numbers. What Takeout holds is told otherwise: `archive`.
"""

from __future__ import annotations

from sleepbalance.provider import Api, File, OAuth, Provider, Rate, Reading, Resource, Scope

from .archive import NEAR, read, recognises
from .either import merge, normalise
from .faults import fault
from .identity import identify, revoke
from .reading import daily, heart_rates, sleeps

SLEEP = "https://www.googleapis.com/auth/googlehealth.sleep.readonly"
METRICS = "https://www.googleapis.com/auth/googlehealth.health_metrics_and_measurements.readonly"

API = Api(
    base="https://health.googleapis.com/",
    resources=(
        Resource("sleep", sleeps, SLEEP),
        Resource("heart rate", heart_rates, METRICS),
        Resource("HRV", daily("daily-heart-rate-variability"), METRICS),
        Resource("breathing", daily("daily-respiratory-rate"), METRICS),
        Resource("oxygen", daily("daily-oxygen-saturation"), METRICS),
        Resource("skin temperature", daily("daily-sleep-temperature-derivations"), METRICS),
    ),
    reading=Reading(
        rates=(Rate(300, 60),),
        longest=364,  # 26 of the 14 days that one roll-up of heart rates may span
        first=14,
        settles_after=13,  # with the night before them they fit into one roll-up
    ),
    fault=fault,
    identify=identify,
)

PROVIDER = Provider(
    id="fitbit",
    name="Fitbit",
    docs="docs/providers/fitbit.md",
    verified=None,
    doors=(
        OAuth(
            api=API,
            authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
            token_url="https://oauth2.googleapis.com/token",  # noqa: S106 # an address
            scopes=(
                Scope(SLEEP, "sleep", needed=True),
                Scope(METRICS, "heart rate, HRV, breathing, oxygen, skin temperature"),
            ),
            how_to=(
                "In your own Google Cloud project enable the Google Health API and make an OAuth "
                "client of the type Web application; docs/providers/fitbit.md has each step, and "
                "who can get one."
            ),
            extra={
                "access_type": "offline",  # without it there is no refresh token
                "prompt": "consent",  # without it there is none the second time
                "include_granted_scopes": "true",
            },
            revoke=revoke,
        ),
        File(
            recognises=recognises,
            read=read,
            how_to=(
                "At takeout.google.com choose Fitbit (Google Health in newer accounts) alone, and "
                "have the export made; hand over all of its zips together."
            ),
        ),
    ),
    normalise=normalise,
    reach=NEAR,
    merge=merge,
    also=("google health", "pixel watch"),
    apps=("fitbit", "com.fitbit.fitbitmobile"),
)
