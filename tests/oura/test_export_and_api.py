"""One account by two doors: what the API told and what its export tells are the same nights."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.connect.played import TODAY, Home, Makers
from tests.homes import nights
from tests.oura.test_export import table
from tests.oura.test_sandbox import Guest

FIRST = dt.date(2026, 9, 1)
SPAN = {"start_date": "2026-08-20", "end_date": "2026-11-22"}
TABLES = {"sleep": "sleepmodel", "daily_spo2": "dailyspo2", "daily_sleep": "dailysleep"}
MARK = "sleepbalance:demo"  # a column without cells: it is made up


def export(played: Makers, folder: Path, person: str = "2") -> Path:
    """A zip with all that the API tells, but the ring and what the export has not."""
    path = folder / "export.zip"
    with httpx2.Client(timeout=60) as http, zipfile.ZipFile(path, "w") as packed:
        guest = Guest(played, http).sign_in(person)
        for collection, name in TABLES.items():
            rows: list[dict[str, Any]] = guest.all(collection, **SPAN)
            columns = [*(column for column in rows[0] if column != "ring_id"), MARK]
            packed.writestr(f"App Data/{name}.csv", table(rows, columns))
    return path


@pytest.mark.parametrize("first", ["the API", "the export"])
def test_both_are_one_night(here: Home, played: Makers, tmp_path: Path, first: str) -> None:
    path = export(played, tmp_path)
    here.connect("2")
    if first == "the export":
        here.app.import_path(path, now=TODAY)
    here.sync(FIRST)
    if first == "the API":
        alone = kept(here)
        here.app.import_path(path, now=TODAY)
        assert kept(here) == alone
    both = kept(here)
    assert len(both) > 70
    truth = {t["sleep_date"]: t for t in played.truth("2", str(FIRST)) if not t["by_hand"]}
    for night in both:
        told = truth[str(night["sleep_date"])]
        assert night["total_sleep_time"] == told["total_sleep_time"]
        naps = sum(nap["total_sleep_time"] for nap in told["naps"])
        assert (night["details"]["nap_duration"] or 0) == naps


def kept(home: Home) -> list[Any]:
    """The nights from the first of them that both tell."""
    from_first = [n for n in home.app.nights(None) if n["sleep_date"] >= FIRST]
    return [n for n in from_first if not n["is_deleted"]]


def test_the_export_alone_is_enough(here: Home, played: Makers, tmp_path: Path) -> None:
    attempt = here.app.import_path(export(played, tmp_path), now=TODAY)
    assert attempt["status"] == "success"
    alone = [(n["sleep_date"], n["total_sleep_time"], n["avg_hrv"]) for n in kept(here)]
    here.connect("2")
    here.sync(FIRST)
    assert [(n["sleep_date"], n["total_sleep_time"], n["avg_hrv"]) for n in kept(here)] == alone
    assert nights(here.app)
