"""Each fault at each step: what the log says, what moved, and that the next sync heals it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sleepbalance.app import connected
from sleepbalance.errors import SleepBalanceError
from tests.connect import played as edges
from tests.connect.played import Home, Makers, Shell
from tests.homes import nights, rows

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 11, 21)
SLEEP = r"dataTypes/sleep/"
STEPS = {
    "sleep": SLEEP,
    "heart rate": r"dataTypes/heart-rate/",
    "HRV": r"dataTypes/daily-heart-rate-variability/",
    "breathing": r"dataTypes/daily-respiratory-rate/",
    "oxygen": r"dataTypes/daily-oxygen-saturation/",
    "skin temperature": r"dataTypes/daily-sleep-temperature-derivations/",
}
FAULTS = {
    "429": {"RATE_LIMITED"},
    "500": {"PROVIDER_UNAVAILABLE"},
    "timeout": {"PROVIDER_UNAVAILABLE"},
    "cut": {"PROVIDER_UNAVAILABLE"},
    "malformed": {"BAD_DATA"},
}


@pytest.fixture
def hasty(here: Home, request: pytest.FixtureRequest) -> Home:
    """One that waits for nobody."""
    case = getattr(request.node, "callspec", None)
    here.edges = edges.hasty(case and case.params.get("fault"))
    return here


def _moved(home: Home) -> Any:
    """Everything that only a commit of data may move."""
    kept = rows(home.app, "raw_records", "sleep_sessions", "sleep_records", "night_details")
    (row,) = connected.listed(home.app)
    return kept, row["last_sync_at"], row["fetched"]


def _clean(home: Home, played: Makers) -> None:
    """The next sync has all there is, as the first would have without a fault."""
    played.heal()
    home.edges = {}
    for attempt in home.sync(FIRST, LAST):
        assert (attempt["status"], attempt["error_message"]) == ("success", None)
    found = {str(n["sleep_date"]): n["total_sleep_time"] for n in home.app.nights(None)}
    truth = played.truth(first=str(FIRST), last=str(LAST))
    assert {n["sleep_date"]: n["total_sleep_time"] for n in truth}.items() <= found.items()
    (row,) = connected.listed(home.app)
    assert row["wanted"] == []
    assert {"from": FIRST, "to": LAST} in row["fetched"]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_sleeps_nothing_moves(hasty: Home, played: Makers, fault: str) -> None:
    hasty.connect()
    before = _moved(hasty)
    played.fault(fault, SLEEP, seconds=3)
    attempts = hasty.sync(FIRST, LAST)
    assert {attempt["status"] for attempt in attempts} == {"failed"}
    assert {attempt["error_code"] for attempt in attempts} == FAULTS[fault]
    assert all(attempt["records_fetched"] == 0 for attempt in attempts)
    assert all(attempt["error_message"] for attempt in attempts)
    assert _moved(hasty) == before
    played.rest(hasty.app)
    _clean(hasty, played)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", [step for step in STEPS if step != "sleep"])
def test_one_resource_fails_and_the_rest_is_kept(
    hasty: Home, played: Makers, step: str, fault: str
) -> None:
    hasty.connect()
    played.fault(fault, STEPS[step], seconds=3)
    attempts = hasty.sync(FIRST, LAST)
    assert {attempt["status"] for attempt in attempts} == {"partial"}
    assert {attempt["error_code"] for attempt in attempts} == FAULTS[fault]
    assert all(step in attempt["error_message"] for attempt in attempts)
    assert len(hasty.app.nights(None)) == len(played.truth(first=str(FIRST), last=str(LAST)))
    (row,) = connected.listed(hasty.app)
    assert row["wanted"]
    assert row["fetched"] == []
    played.rest(hasty.app)
    _clean(hasty, played)


def test_a_fault_on_a_later_page_throws_the_window_away_whole(hasty: Home, played: Makers) -> None:
    hasty.connect()
    before = _moved(hasty)
    played.fault("500", SLEEP, skip=1)
    (attempt,) = hasty.sync(FIRST, LAST)
    assert attempt["status"] == "failed"
    assert _moved(hasty) == before
    _clean(hasty, played)


def test_an_empty_answer_at_first_is_asked_again(hasty: Home, played: Makers) -> None:
    hasty.connect()
    played.fault("empty", SLEEP)
    (attempt,) = hasty.sync(FIRST, LAST)
    assert attempt["records_fetched"] == 0
    assert hasty.app.nights(None) == []
    _clean(hasty, played)


def test_an_empty_answer_where_nights_are_known_keeps_them(hasty: Home, played: Makers) -> None:
    hasty.connect()
    hasty.sync(FIRST, LAST)
    before = nights(hasty.app)
    for _ in range(3):
        played.fault("empty", SLEEP)
        (attempt,) = hasty.sync(FIRST, LAST)
        assert attempt["status"] == "partial"
        assert "kept" in attempt["error_message"]
        played.move(hours=30)
    assert nights(hasty.app) == before
    played.heal()
    assert hasty.sync(FIRST, LAST)[0]["status"] == "success"


def test_heart_rates_that_silently_did_not_come_heal(here: Home, played: Makers) -> None:
    played.shorten(120)
    here.connect()
    played.fault("empty", "rollUp")
    assert len(here.sync()) > 2
    staged = [night for night in here.app.nights(None) if night["deep_sleep_duration"]]
    assert staged
    assert all(night["avg_heart_rate"] is None for night in staged)
    played.heal()
    here.sync()
    healed = {night["sleep_date"]: night["avg_heart_rate"] for night in here.app.nights(None)}
    assert all(healed[night["sleep_date"]] is not None for night in staged)
    (row,) = connected.listed(here.app)
    assert row["wanted"] == []


def test_a_slow_maker_is_waited_for(here: Home, played: Makers) -> None:
    here.connect()
    played.fault("slow", SLEEP, seconds=0.5)
    assert {attempt["status"] for attempt in here.sync(FIRST, LAST)} == {"success"}


def test_a_person_hears_what_takes_its_time(shell: Shell, played: Makers) -> None:
    shell.connect()
    days = "--from", str(FIRST)
    played.fault("500", SLEEP, times=1)
    first, second, *_ = shell.run("sync", *days).stdout.splitlines()[-5:]
    assert (first, second) == ("Syncing Fitbit …", "Fitbit answered 500; trying again (2 of 3).")
    played.fault("429", SLEEP, times=1, seconds=2)
    assert "\nFitbit asked us to wait " in shell.run("sync", *days).stdout
    played.fault("500", SLEEP, times=1)
    (attempt,) = shell.json("sync", *days)  # nothing but JSON is printed
    assert attempt["status"] == "success"


@pytest.mark.parametrize(
    ("fault", "said"), [("timeout", "within 2 s (a timeout)"), ("cut", "broke the connection off")]
)
def test_the_log_tells_silence_from_a_connection_that_broke(
    hasty: Home, played: Makers, fault: str, said: str
) -> None:
    hasty.connect()
    played.fault(fault, SLEEP, seconds=3)
    assert said in hasty.sync(FIRST, LAST)[0]["error_message"]


def test_an_expired_token_is_renewed_once(here: Home, played: Makers) -> None:
    here.connect()
    played.fault("expired", SLEEP, times=1)
    (attempt,) = here.sync(FIRST, LAST)
    assert attempt["status"] == "success"
    (row,) = connected.listed(here.app)
    assert row["status"] == "connected"


@pytest.mark.parametrize("step", ["sleep", "heart rate", "breathing"])
def test_new_tokens_that_are_refused_too_end_nothing(here: Home, played: Makers, step: str) -> None:
    here.connect()
    before = _moved(here)
    played.fault("expired", STEPS[step])
    attempts = here.sync(FIRST, LAST)
    assert {attempt["error_code"] for attempt in attempts} == {"AUTH_ERROR"}
    assert all("connect again" in attempt["error_message"] for attempt in attempts)
    (row,) = connected.listed(here.app)
    assert row["status"] == "connected"
    assert row["wanted"]
    if step == "sleep":
        assert {attempt["status"] for attempt in attempts} == {"failed"}
        assert _moved(here) == before
    else:
        assert {attempt["status"] for attempt in attempts} == {"partial"}
        assert all(f"Without {step}" in attempt["error_message"] for attempt in attempts)
        assert here.app.nights(None)
    _clean(here, played)


def test_a_revoked_consent_ends_the_connection_and_says_so(here: Home, played: Makers) -> None:
    here.connect()
    here.sync(FIRST, LAST)
    before = _moved(here)
    played.fault("revoked", SLEEP, times=1)
    (attempt,) = here.sync(FIRST, LAST)
    assert (attempt["status"], attempt["error_code"]) == ("failed", "AUTH_ERROR")
    assert _moved(here) == before
    (row,) = connected.listed(here.app)
    assert row["status"] == "needs_reconnect"
    assert "onnect again" in connected.in_words(row, dt.datetime.now(dt.UTC))
    played.heal()
    (again,) = here.sync(FIRST, LAST)
    assert again["error_code"] == "AUTH_ERROR"
    here.connect()
    _clean(here, played)


@pytest.mark.parametrize("fault", ["500", "timeout", "cut", "malformed", "429"])
@pytest.mark.parametrize("step", ["/token", "/identity"])
def test_a_login_that_fails_keeps_nothing(
    hasty: Home, played: Makers, step: str, fault: str
) -> None:
    played.fault(fault, step, seconds=3)
    with pytest.raises(SleepBalanceError):
        hasty.connect()
    assert connected.listed(hasty.app) == []
    played.heal()
    assert hasty.connect()["status"] == "connected"


@pytest.mark.parametrize("fault", ["500", "timeout", "cut", "malformed", "429"])
def test_a_refresh_that_fails_burns_nothing(hasty: Home, played: Makers, fault: str) -> None:
    hasty.connect()
    played.move(hours=2)
    played.fault(fault, "/token", seconds=3)
    (attempt,) = hasty.sync(FIRST, LAST)
    assert attempt["status"] == "failed"
    (row,) = connected.listed(hasty.app)
    assert row["status"] == "connected"
    played.rest(hasty.app)
    _clean(hasty, played)
