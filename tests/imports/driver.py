"""A process that imports a file and can be cut short at any statement, for tests.

python -m tests.imports.driver DATABASE_URL FILE LIFE_SECONDS [--kill-at N] [--pause-at N] [--linger S]
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
from pathlib import Path
from typing import Any

from sqlalchemy import event

from sleepbalance import archive, providers, sync
from sleepbalance.errors import LeaseLost
from sleepbalance.provider import Finished, Member, Raw
from sleepbalance.store import people
from sleepbalance.store.engine import make_engine, writing
from tests.homes import NOW


def main() -> int:
    words = argparse.ArgumentParser()
    words.add_argument("url")
    words.add_argument("file", type=Path)
    words.add_argument("life", type=float)
    words.add_argument("--kill-at", type=int, default=0)
    words.add_argument("--pause-at", type=int, default=0)
    words.add_argument("--linger", type=float, default=0)
    said = words.parse_args()
    engine = make_engine(said.url)
    with writing(engine) as connection:
        people.lock(connection)
        found = people.everybody(connection) or [people.add(connection, "me")]
    if said.kill_at:
        seen = 0

        def count(*_: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == said.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(engine, "before_cursor_execute", count)
        event.listen(engine, "commit", count)
    if said.linger:

        def linger(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("INSERT INTO night_details"):
                print("writing", flush=True)
                time.sleep(said.linger)

        event.listen(engine, "before_cursor_execute", linger)
    provider = next(iter(providers.load().values()))
    (door,) = provider.doors

    def read(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
        for number, item in enumerate(door.read(members, now), 1):
            if number == said.pause_at:
                print("paused", flush=True)
                sys.stdin.readline()
            yield item

    with archive.open_members(said.file) as members:
        job = sync.Import(
            user_id=found[0].id,
            provider=provider,
            door=replace(door, read=read),
            members=[member for member in members if door.recognises(member)],
            now=NOW,
            life=dt.timedelta(seconds=said.life),
        )
        try:
            attempt = sync.import_file(engine, job)
        except LeaseLost as error:
            print(error)
            return 3
    print(attempt["status"])
    engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
