"""Google Fit by its REST API, thin, for as long as Google lets it answer (the end is due in 2026).

Larger than a provider should be, because sleeps and their stages come from different streams into
which any app may write: `sessions` finds out whose stages are whose. `reading` asks, `faults` tells
an end from a refusal, `normalise` makes sleeps; `points` knows how Google Fit writes times.
"""

from __future__ import annotations

from sleepbalance.provider import Api, OAuth, Provider, Rate, Reading, Resource, Scope

from .faults import fault
from .identity import identify, revoke
from .normalise import merge, normalise
from .reading import measured, sleeps

FITNESS = "https://www.googleapis.com/auth/fitness."
SLEEP = FITNESS + "sleep.read"
HEART = FITNESS + "heart_rate.read"
OXYGEN = FITNESS + "oxygen_saturation.read"
ACTIVITY = FITNESS + "activity.read"

API = Api(
    base="https://www.googleapis.com/",  # it also tells who has signed in, as no other host does
    resources=(
        Resource("sleep", sleeps, SLEEP),
        Resource("heart rate", measured("heart-rate"), HEART),
        Resource("oxygen", measured("oxygen"), OXYGEN),
    ),
    reading=Reading(
        rates=(Rate(120, 60),),  # Google does not say how often it may be asked
        longest=84,  # 12 of the weeks in which heart rates are asked for
        first=14,
        settles_after=6,  # with the night of today one week
    ),
    fault=fault,
    identify=identify,
)

PROVIDER = Provider(
    id="google_fit",
    name="Google Fit",
    docs="docs/providers/google_fit.md",
    verified=None,
    doors=(
        OAuth(
            api=API,
            authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
            token_url="https://oauth2.googleapis.com/token",  # noqa: S106 # an address
            scopes=(
                Scope(SLEEP, "sleep", needed=True),
                Scope("openid", "which account it is", needed=True),
                Scope(HEART, "heart rate"),
                Scope(OXYGEN, "oxygen"),
                Scope(ACTIVITY, "the stages of nights before 2021"),
            ),
            how_to=(
                "You need a Google Cloud project that used the Fitness API before 2024-05-01: "
                "since then Google lets nobody new in. docs/providers/google_fit.md has each "
                "step, and what else there is."
            ),
            extra={
                "access_type": "offline",  # without it there is no refresh token
                "prompt": "consent",  # without it there is none the second time
            },
            issuer="https://accounts.google.com",
            revoke=revoke,
        ),
    ),
    normalise=normalise,
    merge=merge,
    hub=True,
)
