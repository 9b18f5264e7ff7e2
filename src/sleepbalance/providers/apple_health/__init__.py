"""Apple Health, by the file that a person exports from the Health app.

Larger than a provider should be: it is sent samples and no sleeps, in files of gigabytes that are
sometimes broken. `export` reads, `normalise` makes sleeps, `merge` settles versions.
"""

from __future__ import annotations

from pathlib import Path

from sleepbalance.provider import File, Provider

from .export import read, recognises
from .merge import merge
from .normalise import REACH, normalise

PROVIDER = Provider(
    id="apple_health",
    name="Apple Health",
    docs="docs/providers/apple_health.md",
    verified=None,
    doors=(
        File(
            recognises=recognises,
            read=read,
            how_to=(
                "On the iPhone: Health, your profile picture, Export All Health Data; "
                "send the zip to this computer."
            ),
            demo=Path(__file__).parent / "samples" / "demo_export.zip",
        ),
    ),
    normalise=normalise,
    reach=REACH,
    merge=merge,
    also=("apple", "apple watch", "healthkit", "iphone", "ios", "watchos"),
    hub=True,
)
