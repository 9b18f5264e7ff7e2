"""A process that syncs with the made-up maker and can be cut short at any statement, for tests.

python -m tests.sync.driver DATABASE_URL USER CONNECTION LIFE_SECONDS
    [--kill-at STATEMENT] [--pause-at REQUEST]
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from dataclasses import dataclass

from sleepbalance.provider import Reading
from sleepbalance.store.engine import make_engine
from sleepbalance.sync import sync
from tests.imports.driver import kill_at
from tests.sync.maker import Maker, make_provider, nap
from tests.sync.world import World

READING = Reading(longest=8, first=6, settles_after=3, history=22)


@dataclass
class Pausing(Maker):
    """Waits for a line on standard input before it answers that request."""

    pause_at: int = 0

    def answer(self, path, params):  # type: ignore[no-untyped-def]
        if len(self.asked) + 1 == self.pause_at:
            print("paused", flush=True)
            sys.stdin.readline()
        return super().answer(path, params)


def fill(maker: Maker) -> Maker:
    """What the maker has, in every process the same."""
    maker.add_nights("2026-11-01", "2026-11-22")
    maker.add(nap("2026-11-20"))
    maker.drop("n2026-11-12")
    return maker


def said() -> argparse.Namespace:
    words = argparse.ArgumentParser()
    words.add_argument("url")
    words.add_argument("user")
    words.add_argument("bond")
    words.add_argument("life", type=float)
    words.add_argument("--kill-at", type=int, default=0)
    words.add_argument("--pause-at", type=int, default=0)
    return words.parse_args()


def main() -> None:
    asked = said()
    engine = make_engine(asked.url)
    maker = fill(Pausing(pause_at=asked.pause_at))
    world = World(engine, asked.user, asked.bond, maker, make_provider(READING))
    if asked.kill_at:
        kill_at(engine, asked.kill_at)
    life = dt.timedelta(seconds=asked.life)

    def waiting() -> None:
        print("waiting", flush=True)

    try:
        attempts = sync(engine, world.job(life=life, waiting=waiting))
    finally:
        engine.dispose()
    print(" ".join(attempt["status"] for attempt in attempts))


if __name__ == "__main__":
    main()
