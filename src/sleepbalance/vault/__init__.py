"""Seals secrets before they are stored, and knows where the keys for that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sleepbalance.vault.keys import Key
from sleepbalance.vault.places import KEEP, OwnPlace, Place, place_of
from sleepbalance.vault.sealing import PREFIX, Vault, is_sealed, key_of, sealed_under

__all__ = [
    "KEEP",
    "PREFIX",
    "Key",
    "OwnPlace",
    "Place",
    "Vault",
    "find",
    "is_sealed",
    "key_of",
    "place_of",
    "sealed_under",
]


def find(folder: Path, environ: Mapping[str, str]) -> Vault:
    """The vault of a data folder; where the keys are ours to keep, the first one is made.

    Raises Fatal where there is no key and none can be kept: nothing is ever stored unsealed.
    """
    return Vault(place_of(folder, environ))
