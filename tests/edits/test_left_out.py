"""What an order of sources keeps out of the nights is said where somebody would look for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.exports import Export, staged
from tests.homes import run

MADE = "2025-11-22T09:00:00+01:00"
BOTH, RING_ONLY = "2025-10-21", "2025-10-24"
BACK = "All sources again: sleepbalance sources order --reset"
TAKES_NONE = "your order of sources takes none from Test Ring (Apple Health)"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A watch and a ring for one night, then the ring alone; nights from the watch only."""
    folder = tmp_path_factory.mktemp("made")
    samples = [*staged("2025-10-20"), *staged("2025-10-20", source="Test Ring")]
    samples += [*staged("2025-10-23", source="Test Ring"), *staged("2025-10-23", "13:00", hours=1)]
    export = Export(samples, made=MADE).write(folder / "export.zip")
    run("import", export, data=folder / "data")
    run("sources", "order", "--only", "Test Watch", data=folder / "data")
    return folder / "data"


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def test_the_list_of_nights_names_the_dates_that_the_order_left_out(made: Path) -> None:
    shown = run("nights", data=made).stdout
    assert f"1 date has no night: {TAKES_NONE}. {BACK}" in shown
    assert TAKES_NONE not in run("nights", "--to", BOTH, data=made).stdout
    alone = run("nights", "--from", RING_ONLY, data=made).stdout
    assert TAKES_NONE in alone
    assert "No nights here. Import" not in alone


def test_a_night_that_the_order_left_out_says_so(home: Path) -> None:
    assert TAKES_NONE in run("night", RING_ONLY, data=home, check=2).stderr
    assert TAKES_NONE not in run("night", BOTH, data=home).stdout
    assert TAKES_NONE not in run("night", "2025-10-23", data=home).stdout  # a nap of the watch
    run("night", RING_ONLY, "--note", "short", data=home)
    shown = run("night", RING_ONLY, data=home).stdout
    assert "Only your words." in shown
    assert TAKES_NONE in shown
    assert TAKES_NONE in run("nights", data=home).stdout


def test_an_import_says_what_of_it_is_never_a_night(home: Path, tmp_path: Path) -> None:
    samples = [*staged("2025-10-27"), *staged("2025-10-28", source="Test Ring")]
    both = Export(samples, made=MADE).write(tmp_path / "both.zip")
    said = run("import", both, data=home).stdout
    assert f"Mind: 1 date has no night: {TAKES_NONE}. {BACK}" in said
    ring = Export(staged("2025-10-27", source="Test Ring"), made=MADE).write(tmp_path / "ring.zip")
    said = run("import", ring, data=home).stdout
    assert f"Mind: {TAKES_NONE}. {BACK}" in said
    run("sources", "order", "--reset", data=home)
    assert "your order" not in run("import", both, data=home).stdout


def test_nothing_wanted_is_left_and_nothing_is_asked_for(home: Path, tmp_path: Path) -> None:
    run("disconnect", "apple health", "--delete", "--with-data", data=home)
    ring = Export(staged("2025-10-27", source="Test Ring"), made=MADE).write(tmp_path / "ring.zip")
    said = run("import", ring, data=home).stdout
    assert f"Mind: 1 date has no night: {TAKES_NONE}. {BACK}" in said
    assert "No nights here" not in run("nights", data=home).stdout
    last = run("night", "last", data=home, check=2).stderr
    assert "There are no nights here" in last
    assert TAKES_NONE in last


def test_without_anybody_nothing_is_left_out(tmp_path: Path) -> None:
    assert "No nights here. Import something" in run("nights", data=tmp_path / "x").stdout
    assert "There are no nights here" in run("night", "last", data=tmp_path / "x", check=2).stderr
