"""Tells apart the devices and apps that wrote into the Health app, by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from sleepbalance.model import Source, zone_info

MANUAL = "#manual"
LONGEST_NAME = 500
LONGEST_HINTS = 1000
NOBODY = Source("", "")

_QUOTES = str.maketrans({"‘": "'", "’": "'", "ʼ": "'", "“": '"', "”": '"'})
_DEVICES = (
    ("watch", re.compile(r"watch", re.IGNORECASE)),
    ("ring", re.compile(r"\bring\b|\boura\b", re.IGNORECASE)),
    ("phone", re.compile(r"\bi?phone", re.IGNORECASE)),
)


@lru_cache(maxsize=256)
def source_of(name: str, hints: str = "", manual: bool = False) -> Source:
    """`hints` is what else tells the device. What a person typed in is a source of its own, so
    that it never shares a hypnogram with the device that goes by the same name.

    Raises ValueError for a name that is none.
    """
    key = " ".join(unicodedata.normalize("NFC", name.translate(_QUOTES)).split())
    if not key or len(name) > LONGEST_NAME:
        raise ValueError(name)
    return Source(key + MANUAL if manual else key, name, _device(name) or _device(hints))


def _device(text: str) -> str | None:
    return next((device for device, pattern in _DEVICES if pattern.search(text)), None)


def hints_of(*told: Mapping[str, str]) -> str:
    """What attributes and metadata tell of the device."""
    texts = (each.get(key) for each in told for key in ("device", "productType"))
    return " ".join(text for text in texts if text)[:LONGEST_HINTS]


@lru_cache(maxsize=256)
def zone_of(name: str | None) -> str | None:
    """The name if it is an IANA zone."""
    if not name or len(name) > 64 or name[0] in "+-":
        return None
    try:
        zone_info(name)
    except ValueError:
        return None
    return name
