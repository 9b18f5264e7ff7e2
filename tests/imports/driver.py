"""A process that imports a file and can be cut short at any statement, for tests.

python -m tests.imports.driver DATABASE_URL FILE LIFE_SECONDS
    [--kill-at STATEMENT] [--pause-at RECORD] [--linger SECONDS]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from sleepbalance import archive, providers, sync
from sleepbalance.provider import File, Finished, Member, Raw
from sleepbalance.store import people
from sleepbalance.store.engine import make_engine, writing
from tests.homes import NOW


def said() -> argparse.Namespace:
    words = argparse.ArgumentParser()
    words.add_argument("url")
    words.add_argument("file", type=Path)
    words.add_argument("life", type=float)
    words.add_argument("--kill-at", type=int, default=0)
    words.add_argument("--pause-at", type=int, default=0)
    words.add_argument("--linger", type=float, default=0)
    return words.parse_args()


def kill_at(engine: Engine, statement: int) -> None:
    seen = count(1)

    def look(*_: Any) -> None:
        if next(seen) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", look)
    event.listen(engine, "commit", look)


def linger(engine: Engine, seconds: float) -> None:
    """Takes its time in the middle of the transaction that writes."""

    def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO night_details"):
            print("writing", flush=True)
            time.sleep(seconds)

    event.listen(engine, "before_cursor_execute", look)


def pausing(door: File, record: int) -> File:
    """The door, waiting for a line on standard input before it gives that record."""

    def read(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
        for number, item in enumerate(door.read(members, now), 1):
            if number == record:
                print("paused", flush=True)
                sys.stdin.readline()
            yield item

    return replace(door, read=read)


def main() -> None:
    asked = said()
    engine = make_engine(asked.url)
    with writing(engine) as connection:
        people.lock(connection)
        found = people.everybody(connection) or [people.add(connection, "me")]
    if asked.kill_at:
        kill_at(engine, asked.kill_at)
    if asked.linger:
        linger(engine, asked.linger)
    provider = next(iter(providers.load().values()))
    (door,) = provider.files
    with archive.open_members(asked.file) as members:
        job = sync.Import(
            user_id=found[0].id,
            provider=provider,
            door=pausing(door, asked.pause_at),
            members=[member for member in members if door.recognises(member)],
            now=NOW,
            life=dt.timedelta(seconds=asked.life),
        )
        attempt = sync.import_file(engine, job)
    print(attempt["status"])
    engine.dispose()


if __name__ == "__main__":
    main()
