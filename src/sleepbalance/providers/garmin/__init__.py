"""Garmin: by a person's own key, by a client of the Health API, and by the account export.

Larger than a provider should be: three roads, three spellings of one night. `personal` and `export`
read, `records` makes raw records of days and naps, `nights` makes sleeps of them; `health` and what
begins like it are the third road, which tells its nights by push and in a form of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sleepbalance.provider import File, Normalised, Provider, Raw

from . import health_records, health_summaries, nights
from .export import read, recognises
from .health import HEALTH
from .health_hook import HOOK
from .personal import PERSONAL

EXPORT = File(
    recognises=recognises,
    read=read,
    how_to=(
        "Ask Garmin for an export of your data in the account's data management "
        "(https://www.garmin.com/account/datamanagement); the zip comes by e-mail in some days."
    ),
)


def _pushed(kind: str) -> bool:
    return kind.startswith(health_records.PREFIX)


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    if _pushed(kind):
        return health_records.merge(kind, payloads)
    return nights.merge(kind, payloads)


def normalise(raws: Iterable[Raw]) -> Normalised:
    """Of days and of pushed summaries, which an account has one or the other of."""
    raws = list(raws)
    pushed = [raw for raw in raws if _pushed(raw.kind)]
    days = [raw for raw in raws if not _pushed(raw.kind)]
    one, two = nights.normalise(days), health_summaries.normalise(pushed)
    return Normalised(
        sessions=one.sessions + two.sessions,
        aside=one.aside + two.aside,
        withdrawn=one.withdrawn + two.withdrawn,
    )


PROVIDER = Provider(
    id="garmin",
    name="Garmin",
    docs="docs/providers/garmin.md",
    verified=None,
    doors=(PERSONAL, HEALTH, EXPORT),
    normalise=normalise,
    merge=merge,
    also=(
        *("garmin connect", "fenix", "fēnix", "forerunner", "venu", "vivosmart", "vívosmart"),
        *("vivoactive", "vívoactive", "vivofit", "vívofit", "lily", "instinct", "epix"),
    ),
    apps=("connect", "garmin connect", "com.garmin.android.apps.connectmobile"),
    hooks=(HOOK,),
)
