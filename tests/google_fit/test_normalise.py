"""What Google Fit's codes and numbers become."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.model import Method, Source, Stage, Totals, Vital
from sleepbalance.providers.google_fit import PROVIDER
from sleepbalance.providers.google_fit.normalise import CODES
from tests.google_fit.made import (
    APP,
    at,
    beside,
    millis,
    night,
    payload,
    raw_of,
    sample,
    segment,
    session,
    session_of,
    timeline,
)


def test_stages_of_a_night() -> None:
    found = night(
        (0, 10, 1), (10, 60, 4), (60, 120, 5), (120, 130, 3), (130, 200, 6), (200, 480, 2)
    )
    assert timeline(found) == [
        (0, 10, "awake"),
        (10, 60, "light"),
        (60, 120, "deep"),
        (120, 130, "out_of_bed"),
        (130, 200, "rem"),
        (200, 480, "asleep"),
    ]
    assert (found.start, found.end) == (at(0), at(480))
    assert (found.zone_start, found.zone_end, found.in_bed) == (None, None, ())
    assert (found.method, found.door, found.totals) == (Method.DEVICE, "oauth", None)


def test_old_nights_are_made_of_activities() -> None:
    found = night((0, 10, 112), (10, 60, 109), (60, 120, 110), (120, 200, 111), (200, 480, 72))
    assert [stage for _, _, stage in timeline(found)] == ["awake", "light", "deep", "rem", "asleep"]


def test_a_code_that_nobody_has_heard_of_and_a_hole_are_unknown() -> None:
    found = night((0, 60, 4), (60, 90, 17), (120, 480, 4))
    assert timeline(found) == [(0, 60, "light"), (60, 90, "unknown"), (120, 480, "light")]


@pytest.mark.parametrize("points", [(), ((0, 480, 2),), ((0, 200, 72), (200, 480, 72))])
def test_without_stages_it_is_asleep_and_nobody_looked_whether_it_was_awake(points: Any) -> None:
    found = night(*points)
    assert found.hypnogram == ()
    assert found.totals == Totals(asleep=480 * 60)
    assert (found.sleep_start, found.sleep_end) == (at(0), at(480))
    assert found.measures_sleep
    assert not found.staged


def test_a_single_block_that_ends_early_is_a_hypnogram() -> None:
    found = night((20, 460, 2))
    assert timeline(found) == [(20, 460, "asleep")]
    assert found.totals is None


def test_what_lies_over_what() -> None:
    """A stage over awake, awake over asleep, out of bed over awake only; later over earlier."""
    found = night((0, 480, 2), (100, 200, 1), (150, 250, 5), (90, 120, 3))
    assert timeline(found) == [
        (0, 100, "asleep"),
        (100, 120, "out_of_bed"),
        (120, 150, "awake"),
        (150, 250, "deep"),
        (250, 480, "asleep"),
    ]
    early = segment(0, 480, 4, modifiedTimeMillis=millis(500))
    late = segment(60, 120, 5, modifiedTimeMillis=millis(600))
    rem = segment(60, 240, 6, modifiedTimeMillis=millis(550))
    for order in ((early, late, rem), (rem, late, early)):
        assert timeline(session_of(raw_of(*order))) == [
            (0, 60, "light"),
            (60, 120, "deep"),
            (120, 240, "rem"),
            (240, 480, "light"),
        ]


def test_stages_outside_the_session_are_cut() -> None:
    assert timeline(night((-30, 60, 4), (60, 600, 5), (600, 700, 6))) == [
        (0, 60, "light"),
        (60, 480, "deep"),
    ]


def test_a_hand_entry_is_one() -> None:
    found = session_of(raw_of(segment(0, 480, 2), source=Source(APP + "#manual", APP)))
    assert found.method is Method.MANUAL


def test_heart_rates_count_between_first_and_last_sleep() -> None:
    rates = beside(
        "heart-rate", *(sample(m, v) for m, v in ((5, 99), (10, 60), (20, 50), (479, 40)))
    )
    stages = [segment(0, 10, 1), segment(10, 470, 4), segment(470, 480, 1)]
    found = session_of(raw_of(*stages), rates)
    assert found.vitals == {"heart_rate": Vital(55.0, 50.0, 60.0, 2)}
    whole = session_of(raw_of(), rates)
    assert whole.vitals == {"heart_rate": Vital(62.25, 40.0, 99.0, 4)}


def test_numbers_that_no_living_person_has_are_left_out() -> None:
    rates = [sample(m, v) for m, v in ((10, 0), (11, 19.9), (12, 301), (13, 1e300), (14, 58))]
    broken: list[Any] = [{}, {"value": [{"fpVal": 50}]}, sample(15, 50) | {"value": {}}, None, 7]
    levels = [sample(m, v) for m, v in ((10, 50), (11, 101), (12, 96), (13, 94), (14, -1))]
    found = session_of(raw_of(), beside("heart-rate", *rates, *broken), beside("oxygen", *levels))
    assert found.vitals == {
        "heart_rate": Vital(58.0, 58.0, 58.0, 1),
        "spo2": Vital(95.0, 94.0, 96.0, 2),
    }


@pytest.mark.parametrize("value", [None, "4", 4.5, True, [], {}, 10**30, float(10**14)])
def test_a_stage_without_a_readable_code_is_unknown(value: Any) -> None:
    told = segment(0, 60, 4) | {"value": [{"intVal": value}]}
    assert timeline(session_of(raw_of(told, segment(60, 480, 5))))[0][2] == "unknown"


@pytest.mark.parametrize("when", [None, "", "x", -1, 0, True, 1.5, "9" * 19, 10**40, "1" * 50, []])
def test_a_stage_without_a_readable_time_is_left_out(when: Any) -> None:
    told = segment(0, 60, 4) | {"startTimeNanos": when}
    assert timeline(session_of(raw_of(told, segment(60, 480, 5)))) == [(60, 480, "deep")]


def test_the_version_that_was_modified_last_stands() -> None:
    old = payload(session(modifiedTimeMillis=millis(500)), [segment(0, 480, 4)])
    new = payload(session(modifiedTimeMillis=millis(600)))
    assert PROVIDER.merge("sleep", [new, old]) == new
    assert PROVIDER.merge("sleep", [old, new]) == new


def test_stages_that_come_later_stand_though_the_session_is_the_same() -> None:
    bare, staged = payload(session()), payload(session(), [segment(0, 480, 4)])
    assert PROVIDER.merge("sleep", [bare, staged]) == staged
    raw = raw_of()
    versions = [replace(raw, payload=bare), replace(raw, payload=staged)]
    for order in (versions, versions[::-1]):
        assert session_of(*order).staged


def test_measures_of_a_day_are_joined() -> None:
    one, two = (beside("heart-rate", sample(m, 50), sample(m + 1, 51)).payload for m in (10, 11))
    joined = PROVIDER.merge("heart-rate", [one, two])
    assert [p["startTimeNanos"] for p in json.loads(joined)] == [
        sample(m, 0)["startTimeNanos"] for m in (10, 11, 12)
    ]
    assert len(json.loads(PROVIDER.merge("heart-rate", [two, one]))) == 3


def test_what_cannot_be_read_any_more_is_set_aside() -> None:
    for sent in (b"", b"[]", b"{", b'{"session":[]}'):
        result = PROVIDER.normalise([replace(raw_of(), payload=sent)])
        assert result.sessions == ()
        assert result.aside == (("sleep/1", "kept in a form that this version cannot read"),)


def test_every_stage_but_restless_has_a_code() -> None:
    assert set(CODES.values()) == set(Stage) - {Stage.RESTLESS, Stage.UNKNOWN}
