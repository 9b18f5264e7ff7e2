"""Rotates the keys that seal tokens, and says what was done."""

from __future__ import annotations

import datetime as dt
import os

from sleepbalance.app.verbs import App
from sleepbalance.rotation import Rotated
from sleepbalance.rotation import rotate as seal_anew
from sleepbalance.vault import find


def rotate(app: App) -> list[str]:
    """Rotates, and tells in words what was done."""
    vault = find(app.folder.path, os.environ)
    return _lines(seal_anew(app.engine, vault, dt.datetime.now(dt.UTC)))


def _lines(done: Rotated) -> list[str]:
    texts = "1 text was" if done.count == 1 else f"{done.count} texts were"
    new = "A new key" if done.made else "The key"
    lines = [f"{new} {done.key} seals now; {texts} sealed anew."]
    lines += [f"Not opened: {why}" for why in done.unopened]
    if done.dropped:
        lines.append(f"Thrown away, as nothing needs them: {', '.join(done.dropped)}.")
    elif done.unused and not done.note:
        lines.append(
            f"Kept for a day, in case somebody still seals with them: {', '.join(done.unused)}."
        )
    return [*lines, *([done.note] if done.note else [])]
