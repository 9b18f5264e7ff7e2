"""Rotations: alone, while tokens are refreshed, twice at once, and killed at any step."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, Text, select, update

from sleepbalance.credentials import Credentials
from sleepbalance.errors import Fatal
from sleepbalance.provider import Grant
from sleepbalance.rotation import Rotated, rotate
from sleepbalance.store.engine import make_engine, reading, writing
from sleepbalance.store.secrets import SEALED, swap
from sleepbalance.store.tables import metadata, wearable_connections
from sleepbalance.store.upgrade import upgrade
from sleepbalance.vault import KEEP, OwnPlace, Place, Vault, find
from sleepbalance.vault.ring import Ring
from tests.keyrings import FileKeyring
from tests.sealed import ACCESS, NOW, REFRESH, by_key, fill, opened, put, sealed_pair, stored

ROOT = Path(__file__).parents[1]
NO_SECRETS = ("leases", "users")  # a lease's token opens nothing; users are the app's
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    upgrade(database_url)
    made = make_engine(database_url)
    yield made
    made.dispose()


def word() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def test_every_column_of_a_secret_is_known() -> None:
    """A column that sounds like one has to be in the list, or end in _hash."""
    told = ("token", "verifier", "secret", "password")
    tables = [t for t in metadata.tables.values() if t.name not in NO_SECRETS]
    sounding = {
        (table.name, column.name)
        for table in tables
        for column in table.columns
        if any(word in column.name for word in told)
        and isinstance(column.type, Text)
        and not column.name.endswith("_hash")
    }
    assert sounding == {(where.table, where.column) for where in SEALED}
    for where in SEALED:
        (key,) = metadata.tables[where.table].primary_key
        assert key.name == where.key


def test_all_is_sealed_anew(engine: Engine, tmp_path: Path) -> None:
    vault = find(tmp_path, {})
    before, written = vault.active, fill(engine, vault, 120)  # more than a batch
    done = rotate(engine, vault, NOW)
    assert done == Rotated(key=vault.active, count=360, made=True, unused=(before,))
    assert vault.active != before
    assert by_key(engine) == {vault.active: 360}
    assert opened(engine, vault) == opened(engine, find(tmp_path, {})) == written


def test_nothing_but_the_texts_changes(engine: Engine, tmp_path: Path) -> None:
    def rest() -> list[object]:
        kept = [c for c in wearable_connections.c if c.name not in (ACCESS.column, REFRESH.column)]
        with reading(engine) as connection:
            return [tuple(row) for row in connection.execute(select(*kept).order_by(kept[0]))]

    vault = find(tmp_path, {})
    fill(engine, vault)
    before = rest()
    rotate(engine, vault, NOW)
    assert rest() == before
    with reading(engine) as connection:
        empty = wearable_connections.c.id == "empty"
        row = connection.execute(select(wearable_connections).where(empty)).one()
    assert (row.access_token, row.refresh_token) == ("", None)


def test_keys_go_when_nothing_needs_them(engine: Engine, tmp_path: Path) -> None:
    vault = find(tmp_path, {})
    written = fill(engine, vault)
    first = vault.active
    second = rotate(engine, vault, NOW).key
    soon = rotate(engine, vault, NOW + KEEP)
    assert (soon.dropped, soon.unused) == ((), (second, first))
    late = rotate(engine, vault, NOW + KEEP + SECOND)
    assert (late.dropped, late.unused) == ((first,), (soon.key, second))
    assert [key.id for key in vault.keys] == [late.key, soon.key, second]
    assert opened(engine, find(tmp_path, {})) == written


def test_what_does_not_open_is_named_and_left(engine: Engine, tmp_path: Path) -> None:
    vault, other = find(tmp_path, {}), find(Path(), {"SLEEPBALANCE_MASTER_KEY": word()})
    fill(engine, vault)
    first = vault.active
    with writing(engine) as connection:
        gone = other.seal("gone", ACCESS.table, "c000", ACCESS.column)
        put(connection, ACCESS, "c000", gone)
        moved = vault.seal("moved", ACCESS.table, "c002", ACCESS.column)
        put(connection, ACCESS, "c001", moved)
        put(connection, REFRESH, "c001", "sb1.no token")
        put(connection, REFRESH, "c002", "never sealed")
    for _ in range(2):  # they do not stand in the way of a next key
        done = rotate(engine, vault, NOW)
        assert (done.made, done.count, done.left) == (True, 5, False)
        reasons = sorted(done.unopened)
        assert len(reasons) == 2
        assert f"c000 was sealed with the master key {other.active}" in reasons[0]
        assert "c001 does not open" in reasons[1]
    texts = stored(engine)
    assert (texts[ACCESS, "c000"], texts[ACCESS, "c001"]) == (gone, moved)
    assert (texts[REFRESH, "c001"], texts[REFRESH, "c002"]) == ("sb1.no token", "never sealed")
    late = rotate(engine, vault, NOW + 2 * KEEP)
    assert first not in (*late.dropped, *late.unused)  # a text is still under it
    assert first in [key.id for key in vault.keys]


def test_only_what_still_stands_is_replaced(engine: Engine, tmp_path: Path) -> None:
    fill(engine, find(tmp_path, {}))
    with writing(engine) as connection:
        put(connection, ACCESS, "c000", "newer")
        assert not swap(connection, ACCESS, "c000", "older", "older, anew")
        assert swap(connection, ACCESS, "c000", "newer", "newer, anew")
        assert not swap(connection, ACCESS, "nobody", "newer", "newer, anew")
    assert stored(engine)[ACCESS, "c000"] == "newer, anew"


# -- keys that are somebody else's -------------------------------------------------------------


def test_keys_from_the_environment(engine: Engine) -> None:
    old, new = word(), word()
    before = find(Path(), {"SLEEPBALANCE_MASTER_KEY": old})
    written = fill(engine, before)
    untouched = stored(engine)
    done = rotate(engine, before, NOW)
    assert (done.count, done.made, stored(engine)) == (0, False, untouched)
    assert "SLEEPBALANCE_MASTER_KEY=NEW,OLD" in done.note
    vault = find(Path(), {"SLEEPBALANCE_MASTER_KEY": f"{new},{old}"})
    done = rotate(engine, vault, NOW)
    assert (done.count, done.key, done.unused) == (9, vault.active, (before.active,))
    assert before.active in done.note
    assert "take them out" in done.note
    alone = find(Path(), {"SLEEPBALANCE_MASTER_KEY": new})
    assert opened(engine, alone) == written


def test_an_older_key_is_needed_as_long_as_a_text_is_under_it(engine: Engine) -> None:
    old = word()
    before = find(Path(), {"SLEEPBALANCE_MASTER_KEY": old})
    fill(engine, before)
    with writing(engine) as connection:
        damaged = before.seal("t", ACCESS.table, "c000", ACCESS.column)[:-4]
        put(connection, ACCESS, "c000", damaged)
    done = rotate(engine, find(Path(), {"SLEEPBALANCE_MASTER_KEY": f"{word()},{old}"}), NOW)
    assert (done.count, len(done.unopened), done.unused, done.note) == (8, 1, (), "")


def test_a_mounted_secret(engine: Engine, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(old := word())
    vault = find(tmp_path, {"SLEEPBALANCE_MASTER_KEY_FILE": str(secret)})
    written = fill(engine, vault)
    assert str(secret) in rotate(engine, vault, NOW).note
    secret.write_text(f"{word()}\n{old}\n")
    assert rotate(engine, vault, NOW).count == 9
    assert secret.read_text().endswith(f"{old}\n")  # not ours to write
    secret.write_text(secret.read_text().partition("\n")[0])
    assert opened(engine, vault) == written


def test_the_keyring(engine: Engine, tmp_path: Path) -> None:
    ring = Ring("me", FileKeyring(tmp_path / "ring.json"))
    vault = Vault(OwnPlace(where="the keyring", words=ring, lock=tmp_path / "lock"))
    written = fill(engine, vault)
    done = rotate(engine, vault, NOW)
    assert (done.count, done.made) == (9, True)
    again = Vault(OwnPlace(where="the keyring", words=ring, lock=tmp_path / "lock"))
    assert opened(engine, again) == written


@dataclass
class Meddled:
    """Words of which somebody, each time they are looked at, does something elsewhere."""

    text: str
    meddle: Callable[[], None] = lambda: None

    def get(self) -> str:
        return self.text

    def stamp(self) -> object:
        self.meddle()
        return None


def test_somebody_goes_on_under_an_older_key(engine: Engine) -> None:
    old, new = word(), word()
    before = find(Path(), {"SLEEPBALANCE_MASTER_KEY": old})
    fill(engine, before)

    def go_on() -> None:
        with writing(engine) as connection:
            text = before.seal("t", ACCESS.table, "c000", ACCESS.column)
            put(connection, ACCESS, "c000", text)

    words = Meddled(f"{new} {old}")
    vault = Vault(Place(where="here", words=words))
    words.meddle = go_on
    done = rotate(engine, vault, NOW)
    assert done.left
    assert done.count == 8
    assert "start it anew" in done.note


# -- at the same time --------------------------------------------------------------------------


def test_while_tokens_are_refreshed(engine: Engine, database_url: str, tmp_path: Path) -> None:
    """Each thread is a process of its own: another vault, another engine."""
    first = find(tmp_path, {})
    written = fill(engine, first, 3)
    enough, refreshed = threading.Event(), threading.Semaphore(0)

    def refresh(row: str) -> int:
        mine, vault, number = make_engine(database_url), find(tmp_path, {}), 0
        one = wearable_connections.c.id == row
        while not enough.is_set():
            with reading(mine) as connection:
                found = connection.execute(select(wearable_connections).where(one)).one()
            for where, name in ((ACCESS, "access"), (REFRESH, "refresh")):
                text = vault.open(getattr(found, where.column), where.table, row, where.column)
                assert text == f"{name} {row} {number}"  # nothing came back from the past
            number += 1
            with writing(mine) as connection:
                pair = sealed_pair(vault, row, number)
                connection.execute(update(wearable_connections).where(one).values(pair))
            refreshed.release()
        mine.dispose()
        return number

    rows = [f"c{number:03}" for number in range(3)]
    made = []
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(refresh, row) for row in rows]
        try:
            for _ in range(4):
                for _ in range(3):
                    assert refreshed.acquire(timeout=60)
                made.append(rotate(engine, find(tmp_path, {}), NOW))
        finally:
            enough.set()
        numbers = [future.result() for future in running]
    assert not any(done.unopened or done.left for done in made)
    for row, number in zip(rows, numbers, strict=True):
        written[ACCESS, row] = f"access {row} {number}"
        written[REFRESH, row] = f"refresh {row} {number}"
    assert opened(engine, find(tmp_path, {})) == written


@pytest.mark.parametrize("rotating", [True, False])
def test_in_the_middle_of_a_refresh(engine: Engine, tmp_path: Path, rotating: bool) -> None:
    """The token was sent, all is sealed anew, and then the maker answers."""
    vault = find(tmp_path, {})
    written = fill(engine, vault)

    def answer(secret: str) -> Grant:
        assert secret == "refresh c000 0"
        assert rotate(engine, find(tmp_path, {}), NOW).count == 9
        return Grant(access="access c000 1", refresh="refresh c000 1" if rotating else None)

    bearer = Credentials(engine, vault, "c000", answer, now=lambda: NOW)
    assert bearer.renew("access c000 0") == "access c000 1"
    written[ACCESS, "c000"] = "access c000 1"
    written[REFRESH, "c000"] = f"refresh c000 {int(rotating)}"
    assert opened(engine, find(tmp_path, {})) == written
    assert set(by_key(engine)) == {vault.active}


def test_two_at_once(engine: Engine, tmp_path: Path) -> None:
    written = fill(engine, find(tmp_path, {}), 20)
    together = threading.Barrier(2)

    def run(_: int) -> Rotated:
        vault = find(tmp_path, {})
        together.wait(60)
        return rotate(engine, vault, NOW)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, range(2)))
    vault = find(tmp_path, {})
    assert opened(engine, vault) == written
    assert sum(one.count for one in done) >= 60
    assert set(by_key(engine)) <= {key.id for key in vault.keys}
    assert vault.active in {one.key for one in done}


def test_killed_at_any_step(database_url: str, tmp_path: Path) -> None:
    upgrade(database_url)
    folder = tmp_path / "keys"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.rotation_cut", database_url, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    met = json.loads(done.stdout)
    assert met["before"] > 3
    assert met["under way"] > 10
    assert met["after"] > 0


def test_a_folder_that_lost_its_keys(engine: Engine, tmp_path: Path) -> None:
    vault = find(tmp_path, {})
    fill(engine, vault)
    untouched = stored(engine)
    (tmp_path / "master.key").unlink()
    with pytest.raises(Fatal, match="no master keys in"):
        rotate(engine, vault, NOW)
    assert stored(engine) == untouched
    done = rotate(engine, find(tmp_path, {}), NOW)  # started anew: with another first key
    assert len(done.unopened) == 9
    assert stored(engine) == untouched
