"""What an import says of files that hold little, or that are damaged, in words that can be read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from sleepbalance.store import leases
from sleepbalance.store.engine import make_engine, sqlite_url
from tests.fitbit.sample import made
from tests.homes import run, run_json
from tests.takeouts import DATA, LOGS, Takeout


def of(folder: Path, wanted: str) -> Path:
    """A zip of those files of the sample whose names hold that word."""
    whole = made()
    return whole.zip(folder / "part.zip", [name for name in whole.files if wanted in name])


@pytest.mark.parametrize("wanted", ["UserSleepStages", "Oxygen"])
def test_what_belongs_to_sleeps_alone_is_kept_and_said(tmp_path: Path, wanted: str) -> None:
    said = run("import", of(tmp_path, wanted), data=tmp_path / "home").stdout
    assert "only what belongs to sleeps" in said
    assert "hand over the other files of the export, too." in said
    assert "Sources:" not in said
    again = run("import", of(tmp_path, "sleep-2026"), data=tmp_path / "home").stdout
    assert "Sources: Fitbit 3." in again
    last = run("import", of(tmp_path, wanted), data=tmp_path / "home").stdout
    assert "Sources:" not in last


def test_of_nothing_at_all_it_says_what_to_hand_over(tmp_path: Path) -> None:
    path = Takeout().put(f"{DATA}/UserSleeps_2026-09-01.csv", "").zip(tmp_path / "part.zip")
    said = run("import", path, data=tmp_path / "home", check=1).stdout
    assert "nothing in it that we can use. Of an export in several files hand over all" in said


def test_each_thing_to_mind_is_a_sentence(tmp_path: Path) -> None:
    log = json.loads(made().files[f"Takeout/Google Health/{LOGS}/sleep-2026-08-24.json"])
    told = json.dumps([*log, log[0] | {"logId": None}])
    takeout = Takeout().put(f"{LOGS}/sleep-2026-09-01.json", told[:-1])
    said = run("import", takeout.zip(tmp_path / "part.zip"), data=tmp_path / "home").stdout
    assert "everything before was read. 1 of 4 samples were set aside: 1 × has no id." in said


def test_what_may_have_been_cut_off_is_waited_for_and_said(tmp_path: Path) -> None:
    path, home = of(tmp_path, "sleep-2026"), tmp_path / "home"
    assert "waiting" not in run("import", path, data=home).stderr
    (person,) = run_json("user", "list", data=home)
    engine = make_engine(sqlite_url(home / "sleepbalance.db"))
    name = f"import:{person['id']}:fitbit:"
    assert leases.take(engine, name, dt.timedelta(seconds=2)) is not None
    said = run("import", path, data=home).stderr
    assert "Another import for the same person is running, or was cut off: waiting for it," in said
    assert "20 seconds at most if it was cut off." in said
