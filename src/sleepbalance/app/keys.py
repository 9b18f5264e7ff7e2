"""Rotates the keys that seal tokens, and says what was done."""

from __future__ import annotations

import datetime as dt
import os

from sleepbalance.app.outside import sealing
from sleepbalance.app.verbs import App
from sleepbalance.rotation import Rotated
from sleepbalance.rotation import rotate as seal_anew


def rotate(app: App) -> tuple[bool, list[str]]:
    """Rotates; tells whether everything could be opened, and in words what was done."""
    vault = sealing(app, os.environ)
    done = seal_anew(app.engine, vault, dt.datetime.now(dt.UTC))
    return not done.unopened, _lines(done)


def _lines(done: Rotated) -> list[str]:
    texts = "1 text was" if done.count == 1 else f"{done.count} texts were"
    new = "A new key" if done.made else "The key"
    lines = [f"{new} {done.key} seals now; {texts} sealed anew."]
    if done.unopened:
        lines = [f"{texts} sealed anew under the key {done.key}; {len(done.unopened)} not."]
        lines += [f"Not opened: {why}" for why in done.unopened]
    if done.dropped:
        lines.append(f"Thrown away, as nothing needs them: {', '.join(done.dropped)}.")
    elif done.unused and not done.note and not done.unopened:
        lines.append(
            f"Kept for a day, in case somebody still seals with them: {', '.join(done.unused)}."
        )
    return [*lines, *([done.note] if done.note else [])]
