"""Several files at once: zips of one export, exports of several makers, and what is nobody's."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sleepbalance.app import App, Listening
from sleepbalance.errors import UsageError
from sleepbalance.store.engine import reading
from sleepbalance.store.tables import sync_windows
from tests.exports import Export, staged
from tests.fitbit.sample import NIGHT
from tests.homes import NOW, everything_but_the_log, nights, run
from tests.takeouts import LOGS, ROOT, Takeout, entry, of_years

EVENING = dt.datetime(2026, 9, 10, 22, 41, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
WATCH = Export(staged("2026-10-20"))


def takeout(count: int = 6, *, rows: bool = True) -> Takeout:
    """Nights, a chunk for each, and their rows."""
    made = Takeout()
    evenings = [EVENING - dt.timedelta(days=n) for n in range(count)]
    for n, evening in enumerate(evenings):
        made.logs(f"{evening.date()}", [entry(evening, NIGHT, 500 + n)])
    if rows:
        made.rows("2026-09-01", [(e, NIGHT, f"8{n}") for n, e in enumerate(evenings)])
    return made


def take(app: App, *paths: Path, **more: Any) -> list[dict[str, Any]]:
    return app.import_paths(paths, now=NOW, **more)


def test_zips_of_one_export_are_one_attempt(lite: App, tmp_path: Path) -> None:
    (attempt,) = take(lite, *takeout().zips(tmp_path, 3))
    assert (attempt["provider"], attempt["status"]) == ("fitbit", "success")
    assert attempt["records_inserted"] == 6
    told = nights(lite)
    assert len(told) == 6
    assert {night["details"]["zone_from"] for night in lite.nights(None)} == {"record"}
    assert str(attempt["sync_date_from"]) == "2026-09-06"
    assert str(attempt["sync_date_to"]) == "2026-09-11"


@pytest.mark.parametrize("how", ["folder of zips", "unpacked", "zip by zip"])
def test_the_same_however_it_is_handed_over(lite: App, tmp_path: Path, how: str) -> None:
    made, folder = takeout(), tmp_path / "given"
    folder.mkdir()
    if how == "unpacked":
        take(lite, made.unpacked(folder))
    elif how == "folder of zips":
        made.zips(folder, 3)
        take(lite, folder)
    else:
        for path in made.zips(folder, 3):
            take(lite, path)
    told = [
        (n["sleep_date"], n["sleep_start_time"], n["total_sleep_time"], n["awake_duration"])
        for n in lite.nights(None)
    ]
    assert told[-1] == (
        dt.date(2026, 9, 11),
        "2026-09-10T22:51:30+02:00",
        390,
        5,
    )
    assert len(told) == 6


def test_the_same_again_changes_nothing(app: App, tmp_path: Path) -> None:
    path = takeout().zip(tmp_path / "takeout.zip")
    take(app, path)
    before = everything_but_the_log(app)
    (attempt,) = take(app, path)
    assert attempt["records_skipped"] == 6
    after = everything_but_the_log(app)
    for rows in (before, after):
        rows.pop("sync_windows")
    assert after == before


def test_each_maker_has_an_attempt_of_its_own(lite: App, tmp_path: Path) -> None:
    folder = tmp_path / "Downloads"
    takeout().zip(folder / "takeout.zip")
    WATCH.write(folder / "export.zip")
    (folder / "letter.txt").write_text("Dear diary")
    attempts = take(lite, folder)
    assert [a["provider"] for a in attempts] == ["apple_health", "fitbit"]
    assert [a["status"] for a in attempts] == ["success", "success"]
    assert len(lite.nights(None)) == 7


def test_what_is_nobodys_is_said(lite: App, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear diary")
    heard: list[str] = []
    listening = Listening(unknown=heard.append)
    (attempt,) = take(lite, takeout().zip(tmp_path / "t.zip"), letter, listening=listening)
    assert attempt["status"] == "success"
    assert heard == ["letter.txt"]
    with pytest.raises(UsageError, match=r"letter\.txt is no export that we know"):
        take(lite, letter)


def damaged(path: Path, how: str) -> Path:
    data = bytearray(path.read_bytes())
    if how == "cut":
        del data[len(data) * 2 // 3 :]
    elif how == "garbage":
        data[4:] = bytes(len(data) - 4)
    else:  # every entry, here and in the directory, says that it is encrypted
        for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            at = data.find(mark)
            while at >= 0:
                data[at + flags] |= 1
                at = data.find(mark, at + 4)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("how", "said"), [("cut", "cut off"), ("garbage", "cut off"), ("locked", "is encrypted")]
)
def test_a_broken_zip_among_them_costs_only_itself(
    lite: App, tmp_path: Path, how: str, said: str
) -> None:
    first, second = takeout(rows=False).zips(tmp_path, 2)
    damaged(second, how)
    (attempt,) = take(lite, first, second)
    assert attempt["status"] == "partial"
    assert attempt["error_code"] == "BAD_DATA"
    assert second.name in attempt["error_message"]
    assert said in attempt["error_message"]
    assert len(lite.nights(None)) >= 3


def test_one_that_is_encrypted_whole_fails_and_says_why(lite: App, tmp_path: Path) -> None:
    (attempt,) = take(lite, damaged(takeout().zip(tmp_path / "t.zip"), "locked"))
    assert attempt["status"] == "failed"
    assert "password" in attempt["error_message"]


def test_a_path_that_is_not_there_stops_everything(lite: App, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no "):
        take(lite, takeout().zip(tmp_path / "t.zip"), tmp_path / "tekout.zip")
    assert lite.users() == []


def test_without_a_date_of_making_only_what_is_there_is_fetched(lite: App, tmp_path: Path) -> None:
    take(lite, takeout().zip(tmp_path / "t.zip"))
    with reading(lite.engine) as connection:
        (window,) = connection.execute(select(sync_windows)).all()
    assert (window.state, str(window.date_from)[:10], str(window.date_to)[:10]) == (
        "fetched",
        "2026-09-06",
        "2026-09-11",
    )


def test_a_naive_night_lies_where_the_person_lives(lite: App, tmp_path: Path) -> None:
    path = takeout(1, rows=False).zip(tmp_path / "t.zip")
    (attempt,) = take(lite, path, timezone="America/Los_Angeles")
    assert str(attempt["sync_date_from"]) == "2026-09-11"  # also so far from UTC
    (night,) = lite.nights(None)
    assert night["sleep_start_time"] == "2026-09-10T22:51:30-07:00"
    assert night["details"]["zone_from"] == "person"


def test_far_from_utc_the_same_again_changes_nothing(lite: App, tmp_path: Path) -> None:
    """There the clock on the wall and the instant do not even overlap."""
    path = takeout(3, rows=False).zip(tmp_path / "t.zip")
    take(lite, path, timezone="America/Los_Angeles")
    before = nights(lite)
    (attempt,) = take(lite, path)
    assert (attempt["records_skipped"], attempt["records_fetched"]) == (3, 3)
    assert nights(lite) == before


@pytest.mark.parametrize("change", ["moved", "typed in"])
def test_a_log_that_is_another_sleep_now_is_still_one(
    lite: App, tmp_path: Path, change: str
) -> None:
    first = takeout(2, rows=False)
    take(lite, first.zip(tmp_path / "a.zip"))
    moved = EVENING + dt.timedelta(days=3)
    told = entry(moved if change == "moved" else EVENING, ((25_200, "asleep"),), 500)
    told |= {"logType": "manual"} if change == "typed in" else {}
    take(lite, Takeout().logs("2026-10-01", [told]).zip(tmp_path / "b.zip"))
    found = [(str(n["sleep_date"])[-2:], n["total_sleep_time"]) for n in lite.nights(None)]
    assert found == [("10", 390), ("14" if change == "moved" else "11", 420)]


def test_rows_that_come_later_tell_where_it_was(lite: App, tmp_path: Path) -> None:
    """Ten hours from UTC the two tellings lie side by side all the same."""
    far = EVENING.replace(tzinfo=dt.timezone(dt.timedelta(hours=-10)))
    log = Takeout().logs("2026-09-01", [entry(far, NIGHT, 500, ((2400, 90),))])
    take(lite, log.zip(tmp_path / "logs.zip"))
    take(lite, Takeout().row(far, NIGHT, "81").zip(tmp_path / "rows.zip"))
    apart = nights(lite)
    (night,) = lite.nights(None)
    assert night["sleep_start_time"] == "2026-09-10T22:51:30-10:00"
    assert night["awake_duration"] == 7  # the log's, which knows short awakenings
    whole = log.row(far, NIGHT, "81")
    (attempt,) = take(lite, whole.zip(tmp_path / "whole.zip"))
    assert (attempt["records_updated"], attempt["records_inserted"]) == (0, 0)
    assert len(apart) == len(nights(lite)) == 1
    (night,) = lite.nights(None)
    assert night["awake_duration"] == 7
    assert night["details"]["zone_from"] == "record"


def test_a_large_export_is_opened_by_its_heads(lite: App, tmp_path: Path) -> None:
    """Files that nobody reads are not even opened: these would be found damaged."""
    path = tmp_path / "t.zip"
    of_years(path, 0.1)
    made = takeout(2)
    for n in range(300):
        made.put(f"{LOGS}/heart_rate-2026-01-{n:03}.json", "no JSON")
    assert len(made.zip(path).read_bytes())
    (attempt,) = take(lite, path)
    assert attempt["status"] == "success"
    assert attempt["detail"]["problems"] == []


# -- by the command ------------------------------------------------------------------------------


def test_the_command_takes_several(tmp_path: Path) -> None:
    data = tmp_path / "data"
    zips = takeout().zips(tmp_path / "zips", 2)
    (tmp_path / "letter.txt").write_text("Dear diary")
    done = run("import", *zips, tmp_path / "letter.txt", data=data)
    assert "Imported 3 files" in done.stdout
    assert "letter.txt holds nothing that we know" in done.stderr
    one = json.loads(run("import", *zips, "--json", data=data).stdout)
    assert one["records_skipped"] == 6
    export = WATCH.write(tmp_path / "export.xml")
    both = json.loads(run("import", *zips, export, "--json", data=data).stdout)
    assert [attempt["provider"] for attempt in both] == ["apple_health", "fitbit"]
    shown = run("import", *zips, export, data=data).stdout
    assert "Imported 3 files (apple_health)" in shown
    assert "Imported 3 files (fitbit)" in shown
    assert ROOT in zips[0].read_bytes().decode("latin-1")
