"""Tells apart the devices and apps whose sleeps Google hands out."""

from __future__ import annotations

import re
from typing import Any

from sleepbalance.model import Source
from sleepbalance.payloads import inside, text

ACCOUNT = Source("", "Fitbit")  # what belongs to the account, whichever device measured it
MANUAL = "#manual"
OWN = ("", "FITBIT", "PLATFORM_UNSPECIFIED")  # any other platform is an app of somebody else
_DEVICES = {"WATCH": "watch", "FITNESS_BAND": "band", "RING": "ring", "PHONE": "phone"}
_WATCH = re.compile(r"\bwatch\b", re.IGNORECASE)


def source_of(point: Any) -> Source:
    """The device by its name, an app by its package.

    What a person typed in is a source of its own, so that it never replaces what a device saw.
    """
    told = inside(point, "dataSource")
    device, app = inside(told, "device"), inside(told, "application")
    name, form = text(device.get("displayName")), text(device.get("formFactor"))
    platform = text(told.get("platform"))
    kind = _DEVICES.get(form) or ("watch" if _WATCH.search(name) else None)
    if platform in OWN:
        name = name or "Fitbit"
        key = name.casefold()
    else:
        ids = (app.get(i) for i in ("packageName", "webClientId", "googleWebClientId"))
        name = next(filter(None, map(text, ids)), "") or name or platform
        key = f"{platform}:{name}".casefold()
    return Source(key + MANUAL if by_hand(point) else key, name, kind)


def by_hand(point: Any) -> bool:
    return bool(inside(point, "dataSource").get("recordingMethod") == "MANUAL")


def is_own(point: Any) -> bool:
    """Whether a device of the maker's own saw it, so that the account's readings belong to it."""
    return text(inside(point, "dataSource").get("platform")) in OWN
