"""Connect, sync, look: nights by Oura are those that the sandbox says are true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from sleepbalance.app import connected
from sleepbalance.errors import NotEntitled
from tests.connect.played import TOLD, Home, Makers, same_as_the_truth
from tests.oura.conftest import MAKER

FIRST = dt.date(2026, 9, 1)
STAGES = ("deep_sleep_duration", "rem_sleep_duration", "light_sleep_duration")


def pairs(home: Home, person: str, first: str = "") -> Iterator[tuple[Any, Any]]:
    """Each night with its truth. A ring knows nothing of what a hand wrote down."""
    found = {str(night["sleep_date"]): night for night in home.app.nights(None)}
    found = {date: night for date, night in found.items() if date >= first}
    truth = {t["sleep_date"]: t for t in home.makers.truth(person, first) if not t["by_hand"]}
    assert found.keys() == truth.keys()
    for date in sorted(found):
        yield found[date], truth[date]


def always_staged(told: dict[str, Any]) -> bool:
    """Whether the truth has all the stages that a ring has: it tells nothing else."""
    return bool(told["form"] == "staged" and told["unspecified_sleep_duration"] == 0)


@pytest.mark.parametrize(("person", "first"), [("1", dt.date(2025, 11, 1)), ("2", None)])
def test_the_nights_are_the_true_ones(here: Home, person: str, first: dt.date | None) -> None:
    """Where they differ: what a simpler device did not stage is light sleep for a ring."""
    row = here.connect(person)
    assert (row["status"], row["may_not_read"]) == ("connected", [])
    assert {attempt["status"] for attempt in here.sync(first)} == {"success"}
    both = list(pairs(here, person, str(first or "")))
    staged = [(night, told) for night, told in both if always_staged(told)]
    assert len(staged) > 200
    same_as_the_truth([night for night, _ in staged], [told for _, told in staged])
    simple = [name for name in TOLD[1:] if name not in STAGES]
    for night, told in both:
        assert {name: night[name] for name in simple} == {name: told[name] for name in simple}
        naps = [nap["total_sleep_time"] for nap in told["naps"]]
        assert (night["details"]["nap_duration"] or 0) == sum(naps)
    assert any(told["naps"] for _, told in both)


def test_the_vitals_are_the_true_ones(here: Home) -> None:
    here.connect("2")
    here.sync(FIRST)
    measured = 0
    for night, told in pairs(here, "2", str(FIRST)):
        if not always_staged(told):
            continue
        assert night["avg_hrv"] == int(told["avg_hrv"] + 0.5)
        assert night["avg_breathing_rate"] == told["avg_breathing_rate"]
        assert night["details"]["avg_spo2"] == told["avg_spo2"]
        if told["avg_heart_rate"] is not None:
            measured += 1
            assert night["avg_heart_rate"] == pytest.approx(told["avg_heart_rate"], abs=0.2)
            assert night["min_heart_rate"] == told["min_heart_rate"]
            assert night["max_heart_rate"] <= told["max_heart_rate"]  # of five minutes
    assert measured > 50


def test_five_minutes_give_the_same_totals(here: Home, played: Makers) -> None:
    played.post("/-/settings", {MAKER: {"half_minutes": False}})
    here.connect("2")
    here.sync(FIRST)
    apart: list[dt.timedelta] = []
    for night, told in pairs(here, "2", str(FIRST)):
        exact = ("bed_time", "wake_time", "total_sleep_time")
        if told["parts"] == 1:
            assert {n: night[n] for n in exact} == {n: told[n] for n in exact}
        if always_staged(told):
            assert {n: night[n] for n in STAGES} == {n: told[n] for n in STAGES}
        ends = ("sleep_start_time", "sleep_end_time")
        apart += [abs(_instant(night[name]) - _instant(told[name])) for name in ends]
    within = sum(each < dt.timedelta(minutes=5) for each in apart)
    assert within > 0.9 * len(apart)  # not all: a piece is what there is most of in it
    assert max(apart) < dt.timedelta(minutes=10)


def _instant(written: str) -> dt.datetime:
    return dt.datetime.fromisoformat(written)


@pytest.mark.parametrize("door", ["legacy", "sandbox"])
def test_the_other_doors_lead_to_nights_too(here: Home, played: Makers, door: str) -> None:
    row = here.connect("2", door=door)
    assert row["door"] == door
    here.sync(FIRST)
    person = "1" if door == "sandbox" else "2"  # the made-up nights are those of the first
    assert list(pairs(here, person, str(FIRST)))
    asked = played.get("/-/requests")["summary"]
    made_up = any("/v2/sandbox/" in str(each) for each in asked)
    assert made_up == (door == "sandbox")
    assert here.existing().end().revoked is True
    assert [grant["alive"] for grant in played.get("/-/grants")] == [False]


def test_few_requests(here: Home, played: Makers) -> None:
    played.post("/-/settings", {MAKER: {"page_size": 1000}})
    here.connect("1")
    first, then, *_ = here.sync(dt.date(2026, 8, 1))
    assert (first["detail"]["requests"], then["detail"]["requests"]) == (3, 3)
    (again,) = here.sync(dt.date(2026, 11, 8))
    assert again["detail"]["requests"] == 3
    assert again["records_inserted"] == again["records_updated"] == 0


def test_guesses_are_shown_and_counted_nowhere(here: Home) -> None:
    here.connect("2")
    here.sync(FIRST)
    shown = 0
    for night, told in pairs(here, "2", str(FIRST)):
        guesses = [nap for nap in night["details"]["naps"] if nap["kind"] == "unconfirmed"]
        shown += len(guesses)
        assert all(guess["minutes"] <= 2 for guess in guesses)
        if guesses and not told["naps"] and always_staged(told):
            assert night["details"]["sleep_24h"] == night["total_sleep_time"]
    assert shown > 3


def test_what_is_confirmed_or_rejected_later_is_put_right(here: Home, played: Makers) -> None:
    """By a sync a day, nights and naps are in the end those of one sync at the end."""
    played.post("/-/clock", {"now": "2026-11-01T12:00:00Z"})
    here.connect("2")
    for _ in range(12):
        here.sync()
        played.move(days=1)
    here.sync()
    later = dt.date(2026, 10, 20)
    nights = [
        night
        for night in here.app.nights(None)
        if night["sleep_date"] >= later and not night["is_deleted"]
    ]
    truth = [t for t in played.truth("2", str(later)) if not t["by_hand"]]
    assert [str(night["sleep_date"]) for night in nights] == [t["sleep_date"] for t in truth]
    settled = [pair for pair in zip(nights, truth, strict=True) if not pair[1]["will_change"]][:-4]
    for night, told in settled:
        naps = sum(nap["total_sleep_time"] for nap in told["naps"])
        assert (night["details"]["nap_duration"] or 0) == naps
    assert any(told["naps"] for _, told in settled)


def test_a_deleted_sleep_is_hidden(here: Home, played: Makers) -> None:
    here.connect("1")
    here.sync(FIRST)
    date = dt.date(2026, 11, 18)
    (sleep,) = (s["id"] for s in played.get("/-/people/1/sleeps") if s["end"].startswith(str(date)))
    played.post("/-/people/1/sleeps", {"delete": sleep})
    (attempt,) = here.sync(date, date)
    assert attempt["detail"]["deleted"] == 1
    left = {n["sleep_date"] for n in here.app.nights(None) if not n["is_deleted"]}
    assert date not in left
    assert date - dt.timedelta(days=1) in left


def test_without_oxygen_the_rest_goes_on(here: Home) -> None:
    links, received = here.consent("2", allow=["daily"])
    missing = links.missing(received.grant)
    assert missing is not None
    assert "oxygen" in str(missing)
    links.keep(received)
    attempts = here.sync(FIRST)
    assert {a["error_code"] for a in attempts} == {"SCOPE_MISSING"}
    nights = here.app.nights(None)
    assert any(night["avg_heart_rate"] for night in nights)
    assert all(night["details"]["avg_spo2"] is None for night in nights)


def test_a_membership_that_lapsed_is_said_and_the_nights_stay(here: Home, played: Makers) -> None:
    here.connect("2")
    here.sync(FIRST)
    before = here.app.nights(None)
    played.post("/-/settings", {MAKER: {"lapsed": ["2"]}})
    attempts = here.sync(dt.date(2026, 11, 8))
    assert {a["error_code"] for a in attempts} == {NotEntitled.code}
    assert "membership" in attempts[0]["error_message"]
    assert here.app.nights(None) == before
    (row,) = connected.listed(here.app)
    assert row["status"] == "connected"
    played.post("/-/settings", {MAKER: {"lapsed": []}})
    assert {a["status"] for a in here.sync(dt.date(2026, 11, 8))} == {"success"}


@pytest.mark.parametrize("fault", ["500", "malformed", "empty"])
def test_what_fails_for_a_while_loses_nothing(here: Home, played: Makers, fault: str) -> None:
    here.connect("2")
    said = {
        "provider": MAKER,
        "path": "usercollection/",
        "fault": fault,
        "times": 9,
        "seconds": 600,
    }
    played.post("/-/faults", [said])
    assert {a["status"] for a in here.sync(dt.date(2026, 11, 8))} <= {"failed", "partial"}
    played.heal()
    played.move(hours=1)
    here.sync(dt.date(2026, 11, 8))
    assert len(list(pairs(here, "2", "2026-11-08"))) > 10
