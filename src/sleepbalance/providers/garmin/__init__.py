"""Garmin: by a person's own key, by a client of the Health API, and by the account export.

Larger than a provider should be: three roads, three spellings of one night. `personal` and `export`
read, `records` makes raw records of days and naps, `nights` makes sleeps of them.
"""

from __future__ import annotations

from sleepbalance.provider import File, Provider

from .export import read, recognises
from .nights import merge, normalise
from .personal import PERSONAL

EXPORT = File(
    recognises=recognises,
    read=read,
    how_to=(
        "Ask Garmin for an export of your data in the account's data management "
        "(https://www.garmin.com/account/datamanagement); the zip comes by e-mail in some days."
    ),
)

PROVIDER = Provider(
    id="garmin",
    name="Garmin",
    docs="docs/providers/garmin.md",
    verified=None,
    doors=(PERSONAL, EXPORT),
    normalise=normalise,
    merge=merge,
    also=(
        *("garmin connect", "fenix", "fēnix", "forerunner", "venu", "vivosmart", "vívosmart"),
        *("vivoactive", "vívoactive", "vivofit", "vívofit", "lily", "instinct", "epix"),
    ),
    apps=("connect", "garmin connect", "com.garmin.android.apps.connectmobile"),
)
