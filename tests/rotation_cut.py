"""Kills a rotation before its first, second, ... last step, and looks what is left.

Run as `python -m tests.rotation_cut DATABASE_URL FOLDER`; prints a JSON object. A step is a
statement, a commit, or a file opened or renamed. It forks: a process that starts anew is slower.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from sqlalchemy import Engine, event

from sleepbalance.rotation import rotate
from sleepbalance.store.engine import make_engine
from sleepbalance.vault import find
from tests.sealed import NOW, by_key, fill, opened


def main(url: str, folder: Path) -> None:
    met: Counter[str] = Counter()
    engine = make_engine(url)
    for number in itertools.count(1):
        for file in folder.glob("master.key*"):
            file.unlink()
        written = fill(engine, find(folder, {}), 2)
        engine.dispose()  # nothing of ours in the child
        if not _cut(url, folder, number):
            break
        vault = find(folder, {})
        assert opened(engine, vault) == written, number
        keys, under = vault.keys, by_key(engine)
        assert len(keys) <= 2, number
        begun = len(keys) == 2 and under[keys[1].id] > 0
        done = rotate(engine, vault, NOW)
        assert done.made != begun, number
        assert ("rotate again" in done.note) == begun, number
        assert done.count == (under[keys[1].id] if begun else len(written)), number
        assert opened(engine, find(folder, {})) == written, number
        assert set(by_key(engine)) == {done.key}, number
        met["before" if len(keys) == 1 else "under way" if begun else "after"] += 1
    assert opened(engine, find(folder, {})) == written
    engine.dispose()
    print(json.dumps(met))


def _cut(url: str, folder: Path, number: int) -> bool:
    """Rotates in a child that dies before its n-th step; False where it had fewer."""
    child = os.fork()
    if child == 0:
        vault, engine = find(folder, {}), make_engine(url)
        _die_at(number)
        rotate(engine, vault, NOW)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, number
    return False


def _die_at(number: int) -> None:
    left = itertools.count(number - 1, -1)

    def step(*_: object) -> None:
        if next(left) <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audited(happening: str, arguments: tuple[object, ...]) -> None:
        if happening == "os.rename" or (happening == "open" and "master.key" in str(arguments[0])):
            step()

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    sys.addaudithook(audited)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
