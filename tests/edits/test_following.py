"""An edit follows its sleep: to another date, another zone, another door; and nobody loses it."""

from __future__ import annotations

import datetime as dt
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.app import App, editing, opened, ordering
from sleepbalance.app.editing import Said
from sleepbalance.derive import derive_all
from sleepbalance.errors import UsageError
from sleepbalance.folder import Folder
from sleepbalance.store.engine import writing
from sleepbalance.store.upgrade import add_providers
from sleepbalance.sync import remove_data
from tests.imports.test_phone import APP_FILE, app_row, stands, write
from tests.nights.home import Home, person, sleep
from tests.sync.maker import night as made_night
from tests.sync.world import World, connect

DATE = dt.date(2025, 10, 21)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    folder = Folder(tmp_path, f"sqlite:///{tmp_path / 'nights.db'}", demo=False)
    with opened(folder) as made:
        yield made


@pytest.fixture
def home(app: App) -> Home:
    return person(app.engine)


def say(app: App, date: dt.date = DATE, /, **said: Any) -> editing.Done:
    return editing.edit(app, None, date, Said(**said))


def only(home: Home) -> dict[str, Any]:
    ((date, found),) = home.nights().items()
    return {**found, "date": date}


NIGHT = ("2025-10-20 23:00", "2025-10-21 07:00")


def test_an_edit_follows_a_revision_to_another_date(app: App) -> None:
    world = connect(app.engine)
    world.now = dt.datetime(2025, 11, 22, 12, tzinfo=dt.UTC)
    evening = dt.datetime(2025, 11, 20, 15, tzinfo=dt.UTC)
    end = dt.datetime(2025, 11, 20, 22, 30, tzinfo=dt.UTC)
    world.maker.add(made_night("2025-11-20", id="n", start=evening, end=end))
    world.sync()
    date = dt.date(2025, 11, 20)
    say(app, date, rating="bad", times={"bed_time": "15:40"}, note="ill")
    world.maker.revise("n", end=end + dt.timedelta(hours=1))
    world.sync()
    ((moved, row),) = world.nights().items()
    assert moved == dt.date(2025, 11, 21)
    assert (row["quality_rating"], row["quality_notes"]) == ("bad", "ill")
    assert row["bed_time"] == "2025-11-20T15:40:00+01:00"
    assert len(editing.listed(app, None, moved)) == 3
    done = editing.undo(app, None, moved)
    assert (done.date, len(done.edits)) == (moved, 3)
    assert world.nights()[moved]["bed_time"] is None


def test_an_edit_stays_when_the_data_go_and_holds_when_they_come_back(app: App) -> None:
    world = connect(app.engine)
    world.now = dt.datetime(2025, 11, 22, 12, tzinfo=dt.UTC)
    world.maker.add_nights("2025-11-18", "2025-11-22")
    world.sync()
    date = dt.date(2025, 11, 20)
    say(app, date, times={"sleep_end": "06:00"}, note="alarm")
    before = world.nights()
    remove_data(app.engine, world.owner)
    left = world.nights()
    assert left.keys() == {date}
    assert (left[date]["quality_notes"], left[date]["total_sleep_time"]) == ("alarm", None)
    other = connect_again(world)
    other.sync()
    assert other.nights() == before


def connect_again(world: World) -> World:
    from sleepbalance.store import windows

    with writing(world.engine) as connection:
        windows.forget(connection, world.bond)
    return world


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_what_was_said_on_the_wall_stays_there_whatever_zone_it_hung_in(
    app: App, home: Home, zone: str
) -> None:
    home.tell([sleep(*NIGHT, wall=True)])
    said = {"bed_time": "22:40", "sleep_start": "23:20", "sleep_end": "06:10", "wake_time": "06:30"}
    say(app, times=said, rating="good", kind="main")
    before = only(home)
    home.live(zone)
    after = only(home)
    for name in ("bed_time", "sleep_start_time", "sleep_end_time", "wake_time"):
        assert after[name][:19] == before[name][:19]
        assert after[name][19:] != before[name][19:]
    assert after["total_sleep_time"] == before["total_sleep_time"] == 410
    assert (after["quality_rating"], after["date"]) == ("good", str(DATE))
    editing.undo(app, None, DATE)
    assert only(home)["total_sleep_time"] == 480


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_edits_of_an_added_sleep_keep_to_its_clock(app: App, home: Home, zone: str) -> None:
    say(app, added="23:10-07:00")
    say(app, times={"bed_time": "22:50", "sleep_end": "06:40"}, note="camping")
    home.live(zone)
    found = only(home)
    assert found["bed_time"].startswith("2025-10-20T22:50:00")
    assert found["total_sleep_time"] == 450
    assert found["quality_notes"] == "camping"
    say(app, not_sleep=True)
    assert only(home)["is_deleted"] == 1
    home.live("Europe/Berlin")
    assert only(home)["is_deleted"] == 1
    done = editing.undo(app, None, DATE, everything=True)
    assert (done.after, home.nights()) == (None, {})


def test_an_archives_edit_is_the_apis_too(app: App, home: Home) -> None:
    home.tell([sleep(*NIGHT, wall=True, id="archive", by="band")])
    home.live("Europe/Berlin")
    say(app, times={"sleep_end": "06:00"}, rating="bad")
    home.tell([sleep(*NIGHT, id="api", by="band", door="api", zone="Europe/Berlin")], "me")
    found = only(home)
    assert found["sessions"] == ["api"]
    assert (found["total_sleep_time"], found["quality_rating"]) == (420, "bad")
    home.remove("")
    assert only(home)["total_sleep_time"] == 420


def test_the_choice_of_an_archive_is_the_apis_too(app: App, home: Home) -> None:
    archive = [sleep(*NIGHT, id="archive", by="band", zone="Europe/Berlin")]
    home.tell(archive)
    home.tell([sleep(*NIGHT, id="other", zone="Europe/Berlin", by="ring")], "me", "ringmaker")
    assert say(app, source="dreams").after["details"]["provider"] == "dreams"  # type: ignore[index]
    home.tell([sleep(*NIGHT, id="api", by="band", door="api", zone="Europe/Berlin")], "you")
    assert only(home)["sessions"] == ["api"]
    ordering.set_order(app, None, ["ringmaker"])
    assert only(home)["sessions"] == ["api"]
    editing.undo(app, None, DATE)
    assert only(home)["sessions"] == ["other"]


def test_one_of_two_accounts_is_named_by_its_account(app: App, home: Home) -> None:
    for account in ("anna", "bert"):
        home.tell([sleep(*NIGHT, id=account, by="band", zone="Europe/Berlin")], account)
    rows = ordering.listed(app, None)
    assert {(row["account"], row["sleeps"]) for row in rows} == {("anna", 1), ("bert", 1)}
    for account in ("bert", "anna"):
        ordering.set_order(app, None, [account])
        assert only(home)["sessions"] == [account]
    say(app, source="bert")
    assert only(home)["sessions"] == ["bert"]


def test_a_night_that_the_person_moved_is_found_where_it_was_told(app: App, home: Home) -> None:
    home.tell([sleep("2025-10-20 16:00", "2025-10-20 23:30", zone="Europe/Berlin")])
    before = dt.date(2025, 10, 20)
    say(app, before, rating="good")
    done = say(app, before, times={"sleep_start": "00:10", "sleep_end": "05:00"})
    assert done.date == DATE
    assert (only(home)["date"], only(home)["quality_rating"]) == (str(DATE), "good")
    for date in (before, DATE):  # as it was called then, and as it is now
        assert len(editing.listed(app, None, date)) == 2
    assert editing.undo(app, None, before).date == before
    assert only(home)["total_sleep_time"] == 450


def test_deriving_all_anew_changes_nothing(app: App, home: Home) -> None:
    home.tell([sleep(*NIGHT, zone="Europe/Berlin")])
    say(app, times={"sleep_end": "06:00"}, note="alarm")
    for date, added in (("2025-12-24", "23:00-06:00"), ("2025-03-02", "22:00-05:00")):
        say(app, dt.date.fromisoformat(date), added=added)
    before = home.nights()
    assert len(before) == 3
    with writing(app.engine) as connection:
        assert derive_all(connection, home.user_id) == 0
    assert home.nights() == before


def test_edits_and_order_on_either_database(database_url: str, tmp_path: Path) -> None:
    with opened(Folder(tmp_path, database_url, demo=False)) as app:
        home = person(app.engine)
        home.tell([sleep(*NIGHT, zone="Europe/Berlin", by="band", id="band")])
        home.tell([sleep(*NIGHT, zone="Europe/Berlin", by="ring", id="ring")], "me", "ringmaker")
        before = home.nights()
        say(app, added="13:00-14:00", kind="nap", note="siesta")
        say(app, times={"sleep_end": "06:00"}, rating="4", source="ring")
        assert len(editing.listed(app, None, DATE)) == 5
        ordering.set_order(app, None, ["band"], only=True)
        assert [row["used"] for row in ordering.listed(app, None)] == [True, False]
        assert (only(home)["sessions"], only(home)["total_sleep_time"]) == (["ring"], 420)
        editing.undo(app, None, DATE)
        assert only(home)["sessions"] == ["band"]
        ordering.set_order(app, None, [])
        editing.undo(app, None, DATE)
        assert home.nights() == before


# -- rows of the phone app ---------------------------------------------------------------------


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    path = tmp_path / "phone.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(APP_FILE)
    said = {"quality_rating": "good", "quality_notes": "slept like a log"}
    write(
        path,
        app_row("2025-10-21", "2025-10-20", **said),
        app_row("2025-10-22", "2025-10-21", is_deleted=1),
        app_row("2025-10-23", "2025-10-22"),
        {
            **app_row("2025-10-25", "2025-10-24"),
            **dict.fromkeys(("bed_time", "sleep_start_time", "sleep_end_time", "wake_time")),
        },
    )
    return path


@pytest.fixture
def theirs(phone: Path, tmp_path: Path) -> Iterator[App]:
    with opened(Folder(tmp_path / "home", f"sqlite:///{phone}", demo=False)) as made:
        yield made


def test_a_row_of_the_app_is_edited_like_any_night(theirs: App, phone: Path) -> None:
    others = [stands(phone, f"2025-10-{day}") for day in (22, 23, 25)]
    first = stands(phone, "2025-10-21")
    say(theirs, note="not at all", times={"sleep_end": "06:00"})
    row = stands(phone, "2025-10-21")
    assert row["id"] == first["id"]
    assert (row["quality_rating"], row["quality_notes"]) == ("good", "not at all")
    assert row["sleep_end_time"].startswith("2025-10-21T06:00:00")
    assert [stands(phone, f"2025-10-{day}") for day in (22, 23, 25)] == others
    editing.undo(theirs, None, DATE)
    back = stands(phone, "2025-10-21")
    assert (back["quality_notes"], back["total_sleep_time"]) == ("slept like a log", 400)


def test_what_the_app_said_is_taken_back_too(theirs: App, phone: Path) -> None:
    date = dt.date(2025, 10, 22)
    (row,) = editing.listed(theirs, None, date)
    assert (row["kind"], row["made_by"]) == ("not_sleep", "app")
    editing.undo(theirs, None, date)
    assert (
        stands(phone, str(date))["is_deleted"],
        stands(phone, str(date))["total_sleep_time"],
    ) == (
        0,
        400,
    )
    with pytest.raises(UsageError, match="Nothing was said"):
        editing.undo(theirs, None, date)


def test_a_row_that_the_app_writes_anew_keeps_what_was_said_here(theirs: App, phone: Path) -> None:
    say(theirs, times={"sleep_end": "06:00"})
    write(phone, app_row("2025-10-21", "2025-10-20", quality_rating="bad") | {"id": "fresh"})
    say(theirs, dt.date(2025, 10, 23), note="the day after next")
    row = stands(phone, "2025-10-21")
    assert row["sleep_end_time"].startswith("2025-10-21T06:00:00")
    assert row["quality_rating"] == "bad"


def test_a_row_of_which_only_the_date_is_known_gets_times(theirs: App, phone: Path) -> None:
    date = dt.date(2025, 10, 25)
    say(theirs, date, times={"sleep_start": "23:10", "sleep_end": "06:50"}, rating="average")
    row = stands(phone, str(date))
    assert row["quality_rating"] == "average"
    assert row["sleep_start_time"].startswith("2025-10-24T23:10:00")
    assert row["sleep_end_time"].startswith("2025-10-25T06:50:00")


# -- at the same time --------------------------------------------------------------------------


def test_editing_while_a_sync_runs_loses_neither(app: App, tmp_path: Path) -> None:
    world = connect(app.engine)
    words = ("-m", "tests.sync.driver", app.folder.url, world.user_id, world.bond, "20")
    with subprocess.Popen(
        [sys.executable, *words, "--pause-at", "3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as syncing:
        assert syncing.stdout is not None
        assert syncing.stdin is not None
        assert syncing.stdout.readline() == "paused\n"
        say(app, DATE, added="23:10-07:00", note="camping")
        syncing.stdin.write("\n")
        syncing.stdin.flush()
        with ThreadPoolExecutor(4) as pool:
            dates = [DATE - dt.timedelta(days=n) for n in range(1, 9)]
            list(pool.map(lambda date: say(app, date, note=f"on {date}"), dates))
        assert syncing.wait(60) == 0
    nights = world.nights()
    assert nights[DATE]["quality_notes"] == "camping"
    assert {nights[date]["quality_notes"] for date in dates} == {f"on {date}" for date in dates}
    assert sum(row["data_source"] == "traumland" for row in nights.values()) > 5


def test_two_who_edit_one_night_at_once_both_count(app: App, home: Home) -> None:
    home.tell([sleep(*NIGHT, zone="Europe/Berlin")])
    with writing(app.engine) as connection:
        add_providers(connection, {})
    said = [
        {"note": "warm"},
        {"rating": "3"},
        {"times": {"sleep_end": "06:00"}},
        {"times": {"bed_time": "22:00"}},
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda words: say(app, DATE, **words), said))
    found = only(home)
    assert (found["quality_notes"], found["quality_rating"]) == ("warm", "average")
    assert (found["total_sleep_time"], found["time_in_bed"]) == (420, None)
    assert len(editing.listed(app, None, DATE)) == 4
    for left in (3, 2, 1, 0):
        editing.undo(app, None, DATE)
        kept = [e for e in editing.listed(app, None, DATE) if e["undone_at"] is None]
        assert len(kept) == left
