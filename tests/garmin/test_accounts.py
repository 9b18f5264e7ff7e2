"""Archives of two accounts are two sources; of one they are one, also with what was kept before."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from sleepbalance.app import App, opened
from sleepbalance.folder import Folder
from sleepbalance.store.engine import writing
from sleepbalance.store.tables import raw_records, sleep_sessions
from tests.garmin import exported
from tests.homes import NOW, everything_but_the_log, nights
from tests.imports.test_counts import packed

DATES = [dt.date(2026, 11, 3), dt.date(2026, 11, 4)]
ANNA, BEN = 1000001, 2000002


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with opened(home(tmp_path / "home")) as made:
        yield made


def home(folder: Path) -> Folder:
    folder.mkdir(exist_ok=True)
    return Folder(folder, f"sqlite:///{folder / 'home.db'}", demo=False)


def files(account: int, seed: int) -> dict[str, bytes]:
    """An account's export: two nights, their HRV, and their resting heart rates."""
    sleeps = [exported.night(date, seed, retro=False) for date in DATES]
    days = [
        exported.day(date) | {"userProfilePK": account, "restingHeartRate": 40 + seed}
        for date in DATES
    ]
    health = [exported.health(date, seed) for date in DATES]
    named = "2026-08-05_2026-11-13"
    return {
        f"a/{named}_{account}_sleepData.json": json.dumps(sleeps).encode(),
        f"a/{named}_{account}_healthStatusData.json": json.dumps(health).encode(),
        f"{account}/UDSFile_{named}.json": json.dumps(days).encode(),
    }


ANNAS, BENS = files(ANNA, 3), files(BEN, 8)


def zipped(folder: Path, name: str, *parts: dict[str, bytes]) -> Path:
    return packed(folder / f"{name}.zip", {k: v for part in parts for k, v in part.items()})


def take(app: App, path: Path) -> dict[str, Any]:
    return app.import_path(path, now=NOW, timezone="Europe/Berlin")


def asleep(seed: int) -> list[int]:
    """The minutes that an account tells."""
    stages = ("deep", "light", "rem")
    told = [exported.night(date, seed, retro=False) for date in DATES]
    return [sum(night[f"{stage}SleepSeconds"] for stage in stages) // 60 for night in told]


def told(app: App) -> list[set[int]]:
    """For each date the minutes asleep by every account."""
    return [
        {n["total_sleep_time"], *(a["total_sleep_time"] for a in n["details"]["alternatives"])}
        for n in app.nights(None)
    ]


def both() -> list[set[int]]:
    return [set(pair) for pair in zip(asleep(3), asleep(8), strict=True)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_accounts_are_two_sources(app: App, tmp_path: Path, order: tuple[int, int]) -> None:
    paths = [zipped(tmp_path, "anna", ANNAS), zipped(tmp_path, "ben", BENS)]
    for n in order:
        attempt = take(app, paths[n])
        assert (attempt["records_inserted"], attempt["records_updated"]) == (2, 0)
    assert told(app) == both()
    for night in app.nights(None):
        (other,) = night["details"]["alternatives"]
        accounts = {night["details"]["account"], other["account"]}
        assert accounts == {f"file:{ANNA}", f"file:{BEN}"}
    before = everything_but_the_log(app)
    assert take(app, paths[0])["records_skipped"] == 2
    after = everything_but_the_log(app)
    for rows in (before, after):
        rows.pop("sync_windows")
    assert after == before


def test_in_one_zip_they_are_what_they_are_one_after_the_other(tmp_path: Path) -> None:
    found = []
    for name, given in (("apart", [(ANNAS,), (BENS,)]), ("together", [(ANNAS, BENS)])):
        with opened(home(tmp_path / name)) as app:
            for n, parts in enumerate(given):
                attempt = take(app, zipped(tmp_path, f"{name}{n}", *parts))
            assert attempt["detail"]["repeated"] == 0
            found.append(nights(app))
    assert found[0] == found[1]


def test_each_keeps_what_was_measured_beside_its_own_nights(app: App, tmp_path: Path) -> None:
    take(app, zipped(tmp_path, "both", ANNAS, BENS))
    kept = app.sessions_of(None, DATES[0])
    pulses = {s.report.account: s.report.session.maker["restingHeartRate"] for s in kept}
    assert pulses == {f"file:{ANNA}": 43, f"file:{BEN}": 48}


def forget(app: App) -> None:
    """Leaves all as older versions kept it, which did not look at the account of a file."""
    with writing(app.engine) as connection:
        for table in (raw_records, sleep_sessions):
            connection.execute(update(table).values(account=""))


def test_what_was_kept_before_accounts_were_told_ends_the_same(tmp_path: Path) -> None:
    found = []
    path = zipped(tmp_path, "anna", ANNAS)
    for name in ("new", "old"):
        with opened(home(tmp_path / name)) as app:
            take(app, path)
            if name == "old":
                forget(app)
                attempt = take(app, path)
                assert (attempt["records_inserted"], attempt["records_skipped"]) == (0, 2)
            found.append((nights(app), len(app.sessions_of(None, DATES[0]))))
    assert found[0] == found[1]


def test_one_account_over_the_other_is_healed_by_importing_both_again(tmp_path: Path) -> None:
    anna, ben = zipped(tmp_path, "anna", ANNAS), zipped(tmp_path, "ben", BENS)
    for first, second in ((anna, ben), (ben, anna)):
        with opened(home(tmp_path / first.stem)) as app:
            take(app, ben)
            forget(app)  # Ben's nights are all that is left under no account
            take(app, first)
            take(app, second)
            assert told(app) == both()
            assert {s.report.account for s in app.sessions_of(None, DATES[0])} == {
                f"file:{ANNA}",
                f"file:{BEN}",
            }


def test_a_file_that_tells_no_account_is_of_the_only_one(app: App, tmp_path: Path) -> None:
    take(app, zipped(tmp_path, "anna", ANNAS))
    bare = {"sleepData.json": ANNAS[f"a/2026-08-05_2026-11-13_{ANNA}_sleepData.json"]}
    take(app, zipped(tmp_path, "bare", bare))
    assert told(app) == [{n} for n in asleep(3)]


def test_rows_of_the_day_alone_go_with_the_only_account(app: App, tmp_path: Path) -> None:
    days = {name: data for name, data in ANNAS.items() if "UDSFile" in name}
    sleeps = {name: data for name, data in ANNAS.items() if name not in days}
    take(app, zipped(tmp_path, "sleeps", sleeps))
    take(app, zipped(tmp_path, "days", days))
    (kept,) = app.sessions_of(None, DATES[0])
    assert kept.report.session.maker["restingHeartRate"] == 43


def test_a_connected_account_and_one_archive_are_one_source(app: App, tmp_path: Path) -> None:
    take(app, zipped(tmp_path, "anna", ANNAS))
    as_if_connected(app, "anna-at-garmin", f"file:{ANNA}")
    take(app, zipped(tmp_path, "again", ANNAS))  # of which the API told the same before
    assert told(app) == [{n} for n in asleep(3)]
    take(app, zipped(tmp_path, "ben", BENS))  # now nobody knows which of them it is
    assert told(app) == both()


def as_if_connected(app: App, account: str, archive: str) -> None:
    """Hands over what an archive told to an account of the API."""
    with writing(app.engine) as connection:
        for table in (raw_records, sleep_sessions):
            mine = update(table).where(table.c.account == archive)
            connection.execute(mine.values(account=account))
