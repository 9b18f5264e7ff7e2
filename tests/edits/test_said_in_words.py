"""What a night is said to be, also where hardly anything is known of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sleepbalance.app import Overview
from sleepbalance.cli import show, words
from sleepbalance.model import EditKind, Totals
from tests.nights.made import at, edit, night, nights, report

EMPTY = Totals(light=0, deep=0, rem=0)


def row(found: Any) -> dict[str, Any]:
    given = {"sleep_date": found.date, "naps": found.details["naps"]}
    return {**found.record, **given, "details": found.details}


def test_an_onset_that_nobody_told_is_left_out() -> None:
    told = row(night(report("19 23:00", "20 07:00", totals=Totals(asleep=474 * 60))))
    assert told["sleep_start_time"] is None
    assert words.what_it_was(told) == "7 h 54 min asleep."


def test_nothing_measured_is_neither_sleep_nor_time_in_bed() -> None:
    start, end = at("19 23:00"), at("20 07:00")
    nothing = report("19 23:00", "20 07:00", totals=Totals(), sleep_start=start, sleep_end=end)
    told = row(night(nothing))
    assert told["total_sleep_time"] is told["details"]["time_in_bed"] is None
    assert words.what_it_was(told).startswith("Nobody measured sleep")
    overview = Overview()
    overview.add(told)
    assert (overview.measured, overview.in_bed_only, overview.unmeasured) == (0, 0, 1)
    in_bed = row(night(report("19 23:00", "20 07:00", in_bed=[("19 23:00", "20 07:00")])))
    overview.add(in_bed)
    assert (overview.in_bed_only, overview.unmeasured) == (1, 1)
    assert words.what_it_was(in_bed) == "8 h 00 min in bed (23:00–07:00); nobody measured sleep."


def test_words_alone_are_said_to_be_words() -> None:
    said = edit(EditKind.NOTES, None, "20", notes="camping")
    told = row(nights(edits=[said])["20"])
    assert words.what_it_was(told) == "Only your words."


@pytest.mark.parametrize(("years", "shown"), [((2026,), False), ((2025, 2026), True)])
def test_a_list_over_several_years_names_them(
    years: tuple[int, ...], shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    one = row(night(report("19 23:00", "20 07:00")))
    rows = [one | {"sleep_date": dt.date(year, 11, 20)} for year in years]
    show.nights(show.screen(purpose=None), rows)
    text = capsys.readouterr().out
    assert all((str(year) in text) is shown for year in years)
