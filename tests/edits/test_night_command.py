"""What a person says of a night by command: kept, shown, reversible, and safe from nonsense."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.exports import Export, Sample, evenings, hearts, staged
from tests.homes import run, run_json

DATE, NEXT = "2025-10-21", "2025-10-22"
MADE = "2025-11-22T09:00:00+01:00"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights of a watch, the second with a nap and with time in bed by a phone."""
    folder = tmp_path_factory.mktemp("made")
    samples = [s for day in evenings("2025-10-20", 3) for s in (*staged(day), *hearts(day))]
    samples += staged(NEXT, begin="14:00", hours=1.5)
    samples += staged("2025-10-20", begin="23:40", hours=6, source="Test Ring")
    export = Export(samples, made=MADE).write(folder / "export.zip")
    run("import", export, "--user", "Ann", data=folder / "data")
    return folder / "data"


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def night(home: Path, date: str = DATE, *said: str) -> Any:
    return run_json("night", date, *said, data=home)


def test_times_are_kept_and_what_they_change_is_said(home: Path) -> None:
    before = night(home)
    words = ("--edit", "--bed", "22:50", "--asleep", "23:10", "--woke", "06:20", "--up", "06:40")
    done = run("night", DATE, *words, data=home).stdout
    said = "Kept: went to bed 22:50, fell asleep 23:10, woke up 06:20, got up 06:40."
    assert said in done
    assert "Went to bed: – → 22:50" in done
    assert "Fell asleep: 23:00 → 23:10" in done
    assert "your edit" in done
    after = night(home)
    assert after["bed_time"] == "2025-10-20T22:50:00+02:00"
    assert after["sleep_start_time"] == "2025-10-20T23:10:00+02:00"
    assert after["wake_time"] == "2025-10-21T06:40:00+02:00"
    assert after["total_sleep_time"] < before["total_sleep_time"]
    assert after["id"] == before["id"]
    assert "✎" in run("nights", data=home).stdout


def test_edit_may_be_left_out_and_json_is_the_night(home: Path) -> None:
    found = night(home, DATE, "--woke", "06:20")
    assert found == night(home)
    assert found["sleep_end_time"] == "2025-10-21T06:20:00+02:00"


def test_what_is_said_at_once_is_taken_back_at_once(home: Path) -> None:
    before = run("night", DATE, data=home).stdout
    run("night", DATE, "--note", "warm", data=home)
    run("night", DATE, "--rate", "2", "--asleep", "23:10", data=home)
    assert (night(home)["quality_rating"], night(home)["quality_notes"]) == ("bad", "warm")
    done = run("night", DATE, "--undo", data=home).stdout
    assert "Taken back: rated bad." in done
    assert "Taken back: fell asleep 23:10." in done
    assert "warm" in done
    assert night(home)["quality_rating"] is None
    run("night", DATE, "--undo", data=home)
    assert run("night", DATE, data=home).stdout == before
    assert "Nothing was said" in run("night", DATE, "--undo", data=home, check=2).stderr


def test_everything_of_a_date_is_taken_back(home: Path) -> None:
    before = run("night", DATE, data=home).stdout
    run("night", DATE, "--note", "warm", data=home)
    run("night", DATE, "--not-sleep", data=home)
    assert night(home)["is_deleted"] == 1
    done = run("night", DATE, "--undo", "--all", data=home).stdout
    assert "The night has numbers again." in done
    assert run("night", DATE, data=home).stdout == before


def test_what_was_said_is_listed_with_when_and_by_whom(home: Path) -> None:
    assert "Nothing was said" in run("night", DATE, "--edits", data=home).stdout
    run("night", DATE, "--rate", "good", data=home)
    run("night", DATE, "--add", "13:00-13:30", "--nap", data=home)
    run("night", DATE, "--undo", data=home)
    rows = night(home, DATE, "--edits")
    assert [(row["kind"], row["made_by"]) for row in rows] == [
        ("rating", "person"),
        ("added", "person"),
    ]
    assert [row["undone_at"] is None for row in rows] == [True, False]
    lines = run("night", DATE, "--edits", data=home).stdout.splitlines()
    assert f"{dt.datetime.now(dt.UTC):%Y-}" in lines[1]
    assert "you" in lines[1]
    assert "rated good" in lines[1]
    assert "a nap that you added, 13:00–13:30" in lines[2]
    assert "taken back" in lines[2]


def test_no_sleep_leaves_the_row_and_comes_back(home: Path) -> None:
    done = run("night", DATE, "--not-sleep", "--note", "reading", data=home).stdout
    assert "Its numbers are gone" in done
    gone = night(home)
    assert (gone["is_deleted"], gone["total_sleep_time"]) == (1, None)
    assert gone["quality_notes"] == "reading"
    assert night(home, DATE, "--rate", "bad")["quality_rating"] == "bad"


def test_a_sleep_added_after_it_is_the_night(home: Path) -> None:
    run("night", DATE, "--not-sleep", data=home)
    done = run("night", DATE, "--add", "23:30-06:00", data=home).stdout
    assert "The night has numbers again." in done
    assert "Told by you (you added it)." in done
    assert "Test Watch was not taken: you said that this was no sleep." in done
    assert (night(home)["total_sleep_time"], night(home)["is_deleted"]) == (390, 0)
    assert night(home, DATE, "--undo")["is_deleted"] == 1
    assert night(home, DATE, "--undo")["total_sleep_time"] == 438


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        (["--main"], 438),
        (["--source", "Test Ring"], 351),
        (["--edit", "--woke", "05:00"], 351),
    ],
)
def test_a_later_word_takes_no_sleep_back(home: Path, said: list[str], minutes: int) -> None:
    run("night", NEXT, "--not-sleep", data=home)
    assert len(night(home, NEXT)["naps"]) == 1  # the nap of that date stays
    assert night(home, NEXT, "--main")["total_sleep_time"] == 438
    run("night", DATE, "--not-sleep", data=home)
    done = run("night", DATE, *said, data=home).stdout
    assert "The night has numbers again." in done
    assert night(home)["total_sleep_time"] == minutes
    assert night(home, DATE, "--not-sleep")["is_deleted"] == 1


def test_a_word_that_takes_nothing_back_says_what_does(home: Path) -> None:
    run("night", DATE, "--not-sleep", data=home)
    for said in (["--rate", "bad"], ["--note", "reading"], ["--source", "auto"]):
        done = run("night", DATE, *said, data=home).stdout
        assert f"If it was one: sleepbalance night {DATE} --main, or --undo" in done
    assert "If it was one" not in run("night", DATE, "--main", data=home).stdout


def test_a_night_is_a_nap_and_a_nap_a_night(home: Path) -> None:
    assert night(home, DATE, "--nap") is None
    shown = run("night", DATE, data=home).stdout
    assert "No night: a nap alone makes none." in shown
    assert "Nap 23:00–06:30: 7 h 18 min, Test Watch" in shown
    (nap,) = night(home)["naps"]
    assert (nap["kind"], nap["minutes"]) == ("nap", 438)
    assert "There is no night" in run("night", "2025-10-24", data=home, check=2).stderr
    assert "Kept: the night." in run("night", DATE, "--main", data=home).stdout
    assert night(home)["total_sleep_time"] == 438
    main = night(home, NEXT, "--sleep", "14:30", "--main")
    assert main["sleep_start_time"] == "2025-10-22T14:00:00+02:00"
    assert len(main["details"]["other_main_sleeps"]) == 1
    (line,) = [x for x in run("night", NEXT, data=home).stdout.splitlines() if "Another" in x]
    assert line.endswith("23:00–06:30: 7 h 18 min, Test Watch")


def test_a_sleep_is_chosen_by_a_time_that_it_holds_or_begins_near(home: Path) -> None:
    assert len(night(home, NEXT)["naps"]) == 1
    assert night(home, NEXT, "--sleep", "12:00", "--not-sleep")["naps"] == []
    again = night(home, NEXT, "--undo")
    assert len(again["naps"]) == 1
    moved = night(home, NEXT, "--sleep", "15:00", "--woke", "15:45")
    assert moved["naps"][0]["end"] == "2025-10-22T15:45:00+02:00"


def test_a_part_of_a_night_may_be_a_nap_and_a_nap_a_part(tmp_path: Path) -> None:
    samples = [
        *staged("2025-10-20", begin="20:30", hours=3),
        *staged("2025-10-21", begin="00:20", hours=6.5),
        *staged("2025-10-21", begin="13:00", hours=1),
    ]
    home = tmp_path / "data"
    run("import", Export(samples, made=MADE).write(tmp_path / "e.xml"), data=home)
    assert len(night(home)["details"]["parts"]) == 2
    done = run("night", DATE, "--sleep", "21:00", "--nap", data=home).stdout
    assert "This sleep is of Mon 20 Oct 2025 now." in done  # where a nap alone makes no night
    cut = night(home)
    assert len(cut["details"]["parts"]) == 1
    assert cut["sleep_start_time"].startswith("2025-10-21T00:20")
    glued = night(home, DATE, "--sleep", "13:10", "--part")
    assert glued["sleep_end_time"].startswith("2025-10-21T14:00")


def test_a_sleep_that_nobody_measured_is_added(home: Path) -> None:
    done = run("night", "2025-10-25", "--add", "23:10-07:00", "--note", "camping", data=home)
    assert "There was no night on this date; now there is one." in done.stdout
    added = night(home, "2025-10-25")
    assert added["sleep_start_time"] == "2025-10-24T23:10:00+02:00"
    assert (added["data_source"], added["total_sleep_time"]) == ("person", 470)
    assert added["quality_notes"] == "camping"
    shorter = night(home, "2025-10-25", "--woke", "06:00")
    assert shorter["total_sleep_time"] == 410
    assert night(home, "2025-10-25", "--undo")["total_sleep_time"] == 470
    assert night(home, "2025-10-25", "--undo") is None
    assert night(home, "2025-10-25", "--add", "13:00-14:00", "--nap") is None
    assert (
        "a nap alone makes none"
        in run("night", "2025-10-26", "--add", "13:00-14:00", data=home).stdout
    )
    assert "Nap 13:00–14:00: 1 h 00 min, you" in run("night", "2025-10-26", data=home).stdout


@pytest.mark.parametrize(
    "said",
    [["--add", "05:00-09:30", "--nap"], ["--add", "23:00-07:00"], ["--add", "18:00-23:01"]],
)
def test_an_added_sleep_over_one_that_stands_is_an_objection(made: Path, said: list[str]) -> None:
    date = DATE if said[1] != "18:00-23:01" else "2025-10-20"  # over the night of the next date
    done = run("night", date, *said, data=made, check=2)
    assert "2025-10-21 has a sleep 23:00–06:30 by Test Watch" in done.stderr
    for way in ("--asleep TIME --woke TIME", "--sleep 23:00 --not-sleep", "--source NAME"):
        assert way in done.stderr
    assert night(made, DATE, "--edits") == []


def test_beside_what_stands_and_over_what_was_none_a_sleep_is_added(home: Path) -> None:
    assert len(night(home, DATE, "--add", "06:30-07:30", "--nap")["naps"]) == 1
    again = run("night", DATE, "--add", "07:00-08:00", "--nap", data=home, check=2).stderr
    assert "06:30–07:30 by you" in again
    over = run("night", NEXT, "--add", "14:30-16:00", "--nap", data=home, check=2).stderr
    assert "14:00–15:30 by Test Watch" in over
    night(home, NEXT, "--sleep", "14:30", "--not-sleep")
    (nap,) = night(home, NEXT, "--add", "14:30-16:00", "--nap")["naps"]
    assert nap["provider"] == "person"


def test_over_time_in_bed_a_sleep_is_added_as_nobody_measured_it(tmp_path: Path) -> None:
    home = tmp_path / "data"
    samples = [Sample("2025-10-20T22:30:00", "2025-10-21T06:50:00", "InBed", "Test iPhone")]
    run("import", Export(samples, made=MADE).write(tmp_path / "e.zip"), data=home)
    assert night(home, DATE, "--add", "23:00-06:30")["total_sleep_time"] == 450


def test_naps_alone_are_said_where_there_is_no_night(tmp_path: Path) -> None:
    home = tmp_path / "data"
    samples = [*staged("2025-10-20", begin="13:00", hours=1), *staged("2025-12-24", "14:00", 1)]
    export = Export(samples, made="2025-12-30T09:00:00+01:00").write(tmp_path / "e.zip")
    told = run("import", export, data=home).stdout
    said = "No nights here, only 2 naps: a nap alone makes no night."
    assert said in told
    assert said in run("nights", data=home).stdout
    assert "night 2025-12-24" in run("nights", "--from", "2025-12-01", data=home).stdout
    more = Export(staged("2025-10-24"), made=None).write(tmp_path / "more.zip")
    run("import", more, data=home)
    again = run("import", export, data=home).stdout
    assert "1 measured, 0 in bed only, 2 naps," in again


def test_an_added_sleep_may_name_its_offset(home: Path) -> None:
    span = "2025-10-24T23:10-04:00/2025-10-25T07:00-04:00"
    added = night(home, "2025-10-25", "--add", span)
    assert added["sleep_end_time"] == "2025-10-25T07:00:00-04:00"
    assert added["details"]["zone_from"] == "person"


def test_words_on_a_date_without_a_night_make_a_row_of_words(home: Path) -> None:
    found = night(home, "2025-10-30", "--note", "no watch", "--rate", "average")
    assert (found["quality_notes"], found["quality_rating"]) == ("no watch", "average")
    assert (found["total_sleep_time"], found["is_deleted"]) == (None, 0)
    shown = run("night", "2025-10-30", data=home).stdout.splitlines()
    words = ["Thu 30 Oct 2025", "Only your words.", "Your words: average. no watch"]
    assert [line.strip() for line in shown] == words
    gone = night(home, "2025-10-30", "--undo")
    assert gone is None


@pytest.mark.parametrize(
    ("option", "word", "said"), [("--note", "a note", "a note"), ("--rate", "bad", "bad.")]
)
def test_one_word_alone_is_shown_alone(home: Path, option: str, word: str, said: str) -> None:
    run("night", DATE, option, word, data=home)
    assert f"Your words: {said}" in run("night", DATE, data=home).stdout.splitlines()


def test_a_night_that_far_back_is_none_of_those_there_are(home: Path) -> None:
    assert "There are 3 nights here; -3 is none" in run("night", "-3", data=home, check=2).stderr
    for date in (NEXT, "2025-10-23"):
        run("night", date, "--nap", data=home)
    assert "There is 1 night here; -1 is none" in run("night", "-1", data=home, check=2).stderr


def test_a_word_may_be_taken_back_by_itself(home: Path) -> None:
    night(home, DATE, "--note", "warm", "--rate", "5")
    found = night(home, DATE, "--note", "", "--rate", "none")
    assert (found["quality_notes"], found["quality_rating"]) == (None, None)


def test_one_source_is_believed_for_one_night(home: Path) -> None:
    assert night(home)["details"]["source_name"] == "Test Watch"
    done = run("night", DATE, "--source", "ring", data=home).stdout
    assert "Kept: told by Test Ring." in done
    assert "Told by: Test Watch → Test Ring" in done
    found = night(home)
    assert found["details"]["why"] == "Test Ring: your choice for this night"
    assert [a["source"] for a in found["details"]["alternatives"]] == ["Test Watch"]
    auto = run("night", DATE, "--source", "auto", data=home).stdout
    assert "Kept: the source that the rules choose." in auto
    assert night(home)["details"]["source_name"] == "Test Watch"
    refused = run("night", DATE, "--source", "Garmin", data=home, check=2).stderr
    assert "Test Ring" in refused
    assert "Test Watch" in refused
    either = run("night", DATE, "--source", "test", data=home, check=2).stderr
    assert "say which, like apple_health/Test" in either


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["--edit"], "--edit goes with"),
        (["--edit", "--woke", "22:00"], "not after"),
        (["--bed", "late"], "is no time"),
        (["--nap", "--main"], "One sleep is one of"),
        (["--not-sleep", "--nap"], "--not-sleep"),
        (["--rate", "6"], "bad, average, good"),
        (["--rate", "wonderful"], "bad, average, good"),
        (["--note", "x" * 2001], "2,000 characters"),
        (["--note", "a\x1b[31mred"], "cannot be read"),
        (["--add", "23:00"], "is no span"),
        (["--add", "07:00-06:59"], "23 h 59 min of sleep"),
        (["--add", "14:00-06:01"], "more than 16 h"),
        (["--add", "23:00-07:00", "--woke", "06:00"], "--add tells its own times"),
        (["--add", "23:00-07:00", "--part"], "--add makes a sleep of its own"),
        (["--sleep", "23:00"], "--sleep chooses"),
        (["--sleep", "soon", "--nap"], "is no time"),
        (["--source", "Nobody"], "is no source here"),
        (["--undo", "--nap"], "one at a time"),
        (["--undo", "--edits"], "one at a time"),
        (["--all"], "--all goes with --undo"),
        (["--undo"], "Nothing was said"),
    ],
)
def test_nonsense_is_usage_and_writes_nothing(made: Path, said: list[str], why: str) -> None:
    done = run("night", DATE, *said, data=made, check=2)
    assert why in done.stderr
    assert done.stdout == ""
    with closing(sqlite3.connect(made / "sleepbalance.db")) as db:
        assert db.execute("SELECT count(*) FROM sleep_edits").fetchone() == (0,)


@pytest.mark.parametrize(
    ("date", "said", "why"),
    [
        ("2025-10-25", ["--not-sleep"], "No sleep ended on 2025-10-25"),
        ("2025-10-25", ["--woke", "07:00"], "--add 23:10-07:00"),
        ("2999-01-01", ["--note", "soon"], "in the future"),
        ("1066-10-14", ["--note", "battle"], "nobody's night"),
        ("9999-12-31", ["--undo"], "nobody's night"),
        ("-99", ["--nap"], "none of them"),
        ("today", ["--nap"], "is no date"),
    ],
)
def test_a_date_that_cannot_be_meant_is_usage(
    made: Path, date: str, said: list[str], why: str
) -> None:
    assert why in run("night", date, *said, data=made, check=2).stderr


def test_a_sleep_in_the_future_is_none(home: Path) -> None:
    tomorrow = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=12)).date()
    late = run("night", str(tomorrow), "--add", "08:00-23:59", data=home, check=2).stderr
    assert "in the future" in late


def test_two_people_have_edits_of_their_own(home: Path, tmp_path: Path) -> None:
    run("user", "add", "Bob", data=home)
    export = Export(staged("2025-10-20"), made=MADE).write(tmp_path / "bob.zip")
    run("import", export, "--user", "Bob", data=home)
    assert "say whom" in run("night", DATE, "--note", "x", data=home, check=2).stderr
    night(home, DATE, "--user", "Bob", "--note", "Bob's", "--rate", "bad")
    night(home, DATE, "--user", "Ann", "--note", "Ann's")
    assert night(home, DATE, "--user", "Bob")["quality_notes"] == "Bob's"
    assert night(home, DATE, "--user", "Ann")["quality_rating"] is None
    assert len(night(home, DATE, "--user", "Ann", "--edits")) == 1
    run("night", DATE, "--user", "Ann", "--undo", "--all", data=home)
    assert night(home, DATE, "--user", "Bob")["quality_notes"] == "Bob's"


def test_a_note_steers_no_terminal(home: Path) -> None:
    note = "a\u202eb\u2028c\nd"
    for words in (("--note", note), ("--edits",), ()):
        shown = run("night", DATE, *words, data=home).stdout
        assert not {"\u202e", "\u2028", "\x1b"} & set(shown)
    assert night(home)["quality_notes"] == note
    assert json.loads(run("nights", "--json", data=home).stdout)[0]["quality_notes"] == note


def test_an_import_leaves_what_was_said(home: Path, tmp_path: Path) -> None:
    night(home, DATE, "--woke", "06:00", "--rate", "bad")
    samples = [s for day in evenings("2025-10-20", 4) for s in staged(day)]
    run("import", Export(samples, made=MADE).write(tmp_path / "e.zip"), data=home)
    after = night(home)
    assert after["sleep_end_time"] == "2025-10-21T06:00:00+02:00"
    assert after["quality_rating"] == "bad"


def test_a_corrected_zone_takes_a_night_and_its_edits_to_its_date(tmp_path: Path) -> None:
    home = tmp_path / "data"
    samples = staged("2025-10-20", zone=None)
    export = Export(samples, made=MADE, printed="+02:00").write(tmp_path / "e.xml")
    run("import", export, data=home)
    night(home, DATE, "--note", "far away", "--woke", "06:00")
    run("zone", "set", "America/Los_Angeles", data=home)
    (moved,) = run_json("nights", data=home)
    assert moved["sleep_date"] == "2025-10-20"
    assert moved["quality_notes"] == "far away"
    assert moved["sleep_end_time"] == "2025-10-20T21:00:00-07:00"
    assert len(night(home, "2025-10-20", "--edits")) == 2
    assert night(home, "2025-10-20", "--undo")["quality_notes"] is None


def test_an_added_sleep_keeps_its_clock_in_a_corrected_zone(tmp_path: Path) -> None:
    home = tmp_path / "data"
    run("user", "add", "Ann", data=home)
    first = night(home, DATE, "--add", "23:10-07:00")
    assert first["details"]["zone_from"] == "none"
    assert "guess" in run("night", DATE, data=home).stdout
    assert "1 night changed" in run("zone", "set", "Asia/Tokyo", data=home).stdout
    after = night(home)
    assert after["sleep_start_time"] == "2025-10-20T23:10:00+09:00"
    assert after["details"]["zone_from"] == "person"


def test_in_bed_becomes_a_night_by_the_persons_word(tmp_path: Path) -> None:
    home = tmp_path / "data"
    told = Sample("2025-10-20T22:30:00", "2025-10-21T06:50:00", "InBed", "Test iPhone")
    run("import", Export([told], made=MADE).write(tmp_path / "e.xml"), data=home)
    assert night(home)["total_sleep_time"] is None
    found = night(home, DATE, "--asleep", "23:00", "--woke", "06:30")
    assert found["total_sleep_time"] == 450
    assert found["details"]["time_in_bed"] == 500
