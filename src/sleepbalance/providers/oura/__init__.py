"""Oura rings, by the Oura API v2 and by the file of the account export.

Larger than a provider should be, because each number comes by two roads, as JSON and as cells of a
table, and a sleep's stages in strings of two grains. `doors` are the ways in, `faults` reads
refusals, `reading` asks, `documents` makes raw records, `export` makes the same of the file,
`normalise` makes sleeps, `stages` their hypnograms; `values` knows how Oura writes times and
numbers.
"""

from __future__ import annotations

from sleepbalance.provider import Provider

from .doors import LEGACY, MADE_UP, NEW
from .export import EXPORT
from .normalise import normalise

PROVIDER = Provider(
    id="oura",
    name="Oura",
    docs="docs/providers/oura.md",
    verified=None,
    doors=(NEW, LEGACY, MADE_UP, EXPORT),
    normalise=normalise,
    also=("oura ring", "ouraring"),
    apps=("oura", "com.ouraring.oura"),
)
