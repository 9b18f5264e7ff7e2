"""Which sources there are, which is believed first, and which alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.exports import Export, Sample, evenings, staged
from tests.homes import run, run_json

MADE = "2025-11-22T09:00:00+01:00"
BOTH, RING_ONLY, PHONE_ONLY = "2025-10-21", "2025-10-24", "2025-10-25"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A watch and a ring for two nights, then the ring alone, then a phone alone."""
    folder = tmp_path_factory.mktemp("made")
    samples = [s for day in evenings("2025-10-20", 2) for s in staged(day)]
    for day in (*evenings("2025-10-20", 2), "2025-10-23"):
        samples += staged(day, begin="23:30", hours=6.5, source="Test Ring")
    samples += staged("2025-10-23", begin="13:00", hours=1)
    samples.append(Sample("2025-10-24T22:30:00", "2025-10-25T06:50:00", "InBed", "Test iPhone"))
    samples.append(Sample("2025-10-20T22:30:00", "2025-10-21T06:50:00", "InBed", "Test iPhone"))
    export = Export(samples, made=MADE).write(folder / "export.zip")
    run("import", export, "--user", "Ann", data=folder / "data")
    return folder / "data"


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def by_date(home: Path) -> dict[str, Any]:
    return {row["sleep_date"]: row for row in run_json("nights", data=home)}


def tellers(home: Path) -> dict[str, str]:
    return {date: row["details"]["source_name"] for date, row in by_date(home).items()}


def test_sources_tell_what_they_told(made: Path) -> None:
    rows = {row["name"]: row for row in run_json("sources", data=made)}
    assert list(rows) == ["Test Watch", "Test Ring", "Test iPhone"]
    watch, ring, phone = rows.values()
    assert [r["sleeps"] for r in rows.values()] == [3, 3, 2]
    assert [r["nights"] for r in rows.values()] == [2, 1, 1]
    assert (ring["first"], ring["last"]) == (BOTH, RING_ONLY)
    assert (watch["provider"], watch["provider_name"]) == ("apple_health", "Apple Health")
    assert (phone["account"], phone["doors"], phone["place"]) == ("", ["file"], None)
    shown = run("sources", data=made).stdout
    assert "Test Ring" in shown
    assert "Apple Health" in shown


def test_the_first_of_the_order_is_believed(home: Path) -> None:
    before = by_date(home)
    done = run("sources", "order", "Test Ring", "test watch", data=home).stdout
    assert "The order is kept; 2 nights changed." in done
    assert set(tellers(home).values()) == {"Test Ring", "Test iPhone"}
    assert [r["place"] for r in run_json("sources", data=home)] == [1, 2, None]
    why = by_date(home)[BOTH]["details"]["why"]
    assert why == "Test Ring: before Test Watch in your order of sources"
    rows = run_json("sources", "order", "iphone", data=home)
    assert (rows[0]["name"], rows[0]["place"]) == ("Test iPhone", 1)
    done = run("sources", "order", "--reset", data=home).stdout
    assert "There is no order any more; " in done
    assert [_same(row) for row in by_date(home).values()] == [_same(r) for r in before.values()]


def _same(row: dict[str, Any]) -> Any:
    details = {k: v for k, v in row["details"].items() if k != "derived_at"}
    return {**row, "details": details, "updated_at": None, "created_at": None, "id": None}


def test_only_one_source_makes_nights_and_the_others_stay_beside(home: Path) -> None:
    before = by_date(home)
    done = run("sources", "order", "--only", "Test Watch", data=home).stdout
    assert "not used" in done
    only = by_date(home)
    assert list(only) == ["2025-10-21", "2025-10-22"]
    first = only[BOTH]
    beside = {a["source"]: a["why"] for a in first["details"]["alternatives"]}
    assert beside["Test Ring"] == "you take nights only from the sources of your order"
    assert before[BOTH]["bed_time"] == "2025-10-20T22:30:00+02:00"  # the phone's
    assert first["bed_time"] is None
    assert "not used" in run("sources", data=home).stdout
    used = {row["name"]: row["used"] for row in run_json("sources", data=home)}
    assert used == {"Test Watch": True, "Test Ring": False, "Test iPhone": False}
    named = run_json("night", BOTH, "--source", "Test Ring", data=home)
    assert named["details"]["source_name"] == "Test Ring"
    run("night", BOTH, "--undo", data=home)
    run("sources", "order", "--reset", data=home)
    assert [_same(row) for row in by_date(home).values()] == [_same(r) for r in before.values()]


def test_only_two_sources_come_in_their_order(home: Path) -> None:
    run("sources", "order", "--only", "Test Ring", "Test Watch", data=home)
    assert set(tellers(home)) == {"2025-10-21", "2025-10-22", RING_ONLY}
    assert set(tellers(home).values()) == {"Test Ring"}
    assert len(by_date(home)[RING_ONLY]["naps"]) == 0  # the watch's nap ended on the 23rd


def test_what_the_person_adds_is_always_wanted(home: Path) -> None:
    run("sources", "order", "--only", "Test Watch", data=home)
    added = run_json("night", PHONE_ONLY, "--add", "23:00-06:30", data=home)
    assert added["data_source"] == "person"
    assert [a["source"] for a in added["details"]["alternatives"]] == ["Test iPhone"]


def test_words_of_a_date_stay_where_only_unwanted_sources_told_it(home: Path) -> None:
    run("night", RING_ONLY, "--note", "short", data=home)
    run("sources", "order", "--only", "Test Watch", data=home)
    row = by_date(home)[RING_ONLY]
    assert (row["quality_notes"], row["total_sleep_time"]) == ("short", None)
    run("sources", "order", "--reset", data=home)
    row = by_date(home)[RING_ONLY]
    assert (row["quality_notes"], row["details"]["source_name"]) == ("short", "Test Ring")


def test_what_is_imported_later_keeps_the_order(home: Path, tmp_path: Path) -> None:
    run("sources", "order", "--only", "Test Ring", data=home)
    samples = [*staged("2025-10-27"), *staged("2025-10-28", source="Test Ring")]
    run("import", Export(samples, made=MADE).write(tmp_path / "e.zip"), data=home)
    assert "2025-10-28" not in by_date(home)
    assert tellers(home)["2025-10-29"] == "Test Ring"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["Oura"], "'Oura' is no source here. There are: Test Ring (Apple Health)"),
        (["test"], "'test' may be Test Watch (Apple Health) with the key"),
        (["apple_health/test"], "say which"),
        ([""], "is no source here"),
        ([], "Name the sources"),
        (["--only"], "Name the sources"),
        (["--reset", "Test Ring"], "Name the sources"),
        (["--reset", "--only"], "Name the sources"),
    ],
)
def test_words_that_name_nothing_are_usage(made: Path, said: list[str], why: str) -> None:
    assert why in run("sources", "order", *said, data=made, check=2).stderr
    assert [row["place"] for row in run_json("sources", data=made)] == [None, None, None]


@pytest.mark.parametrize("word", ["apple_health", "Apple Health", "apple-health", "APPLE"])
def test_a_provider_is_all_its_sources(home: Path, word: str) -> None:
    rows = run_json("sources", "order", "--only", word, data=home)
    assert [row["place"] for row in rows] == [1, 1, 1]


@pytest.mark.parametrize("word", ["Test Ring", "test  ring", "ring", "Apple Health/Ring"])
def test_a_device_is_named_whole_or_by_a_piece(home: Path, word: str) -> None:
    rows = run_json("sources", "order", word, data=home)
    assert {row["name"]: row["place"] for row in rows}["Test Ring"] == 1


def test_people_have_orders_of_their_own(home: Path, tmp_path: Path) -> None:
    assert "no user" in run("sources", "--user", "Bob", data=home, check=2).stderr
    run("user", "add", "Bob", data=home)
    assert "No source told anything" in run("sources", "--user", "Bob", data=home).stdout
    assert "none yet" in run("sources", "order", "ring", "--user", "Bob", data=home, check=2).stderr
    export = Export(staged("2025-10-20", source="Bob Ring"), made=MADE).write(tmp_path / "b.zip")
    run("import", export, "--user", "Bob", data=home)
    run("sources", "order", "ring", "--user", "Ann", data=home)
    assert "say whom" in run("sources", data=home, check=2).stderr
    assert [r["place"] for r in run_json("sources", "--user", "Bob", data=home)] == [None]
    early = run("sources", "--user", "Ann", "order", "ring", data=home, check=2).stderr
    assert "after the command" in early
