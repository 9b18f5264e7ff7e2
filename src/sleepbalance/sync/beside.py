"""What should have come beside the sleeps, and did not: asked once more, then believed.

See docs/decisions/which-days-are-asked.md for the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sleepbalance.store import history
from sleepbalance.store.engine import Connection
from sleepbalance.sync.fetching import Fetched
from sleepbalance.sync.windows import DAY, Window

ENOUGH = 3  # sleeps: nothing for fewer proves nothing


@dataclass(frozen=True, slots=True)
class Beside:
    """Names of what usually comes and did not, and the dates to be asked once more."""

    lacking: Sequence[str] = ()
    again: Sequence[Window] = ()


def judge(
    connection: Connection, connection_id: str, window: Window, found: Fetched, names: Sequence[str]
) -> Beside:
    """Compares what came beside the sleeps with what came to this connection before."""
    told = {name: found.came[name] for name in names if name in found.came}
    if not told:
        return Beside()
    known = history.known_to_come(connection, connection_id, list(told))
    lacking: list[str] = []
    again: list[Window] = []
    for name, came in told.items():
        if came and name not in known:
            for old in _silent(connection, connection_id, name):
                again += _without(old, window, found)
        elif not came and name in known and len(found.asked) >= ENOUGH:
            lacking.append(name)
            before = _silent(connection, connection_id, name)
            new = [day for day in found.asked if not any(day in old for old in before)]
            again += [Window(min(new), max(new))] if len(new) >= ENOUGH else []
    return Beside(lacking, again)


def _silent(connection: Connection, connection_id: str, name: str) -> list[Window]:
    """What was asked before, without an answer of this name."""
    return [Window(*old) for old in history.gave_nothing(connection, connection_id, name, ENOUGH)]


def _without(old: Window, window: Window, found: Fetched) -> Iterator[Window]:
    """The dates of `old` that are not asked for just now."""
    if not found.all_asked:
        asked = set(found.asked)
        days = (old.first + DAY * n for n in range(old.days))
        yield from (Window(day, day) for day in days if day not in asked)
        return
    pieces = (
        Window(old.first, min(old.last, window.first - DAY)),
        Window(max(old.first, window.last + DAY), old.last),
    )
    yield from (piece for piece in pieces if piece.first <= piece.last)
