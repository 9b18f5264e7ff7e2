"""The Personal API: the way in with a key, and with how few requests nights are asked for."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import time
from itertools import pairwise

import pytest

from sleepbalance.errors import Malformed, NeedsReconnect
from sleepbalance.provider import Grant, Reply
from sleepbalance.providers.garmin.personal import (
    EXCHANGE,
    HRVS,
    PERSONAL,
    SETTINGS,
    SLEEP,
    SLEEPS,
    exchange,
    fault,
    identify,
)
from sleepbalance.testing.recording import Exchange
from tests.garmin.made import DAY, NOW, answer, ask, client, dto, fetch, later, nap, told_by_list

KEY = "key-that-nobody-may-read-0123456789"


def token(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{body}.c2lnbmVk"


def exchanged(body: str) -> tuple[Grant, str]:
    """The grant, and what was asked for it."""
    sent = {"Authorization": f"ApiKey {KEY}", "Accept": "*/*"}
    carries: dict[str, dict[str, str | None]] = {"headers": {**sent}, "form": {"a": None}}
    reply = Reply(200, {}, body.encode())
    asked = client(Exchange(method="POST", path=EXCHANGE, carries=carries, reply=reply))
    return exchange(asked, KEY), asked.asked[0]


# -- the way in ----------------------------------------------------------------------------------


def test_a_key_is_exchanged_for_a_token_that_says_how_long_it_lives() -> None:
    made = 1_795_000_000
    sent = token(iat=made, exp=made + 86_400)
    grant, asked = exchanged(sent + "\n")
    assert (grant.access, grant.expires_in, grant.refresh) == (sent, 86_400, None)
    assert "'json': None, 'form': None" in asked


def test_a_token_that_does_not_say_when_it_was_made_is_held_against_the_clock() -> None:
    grant, _ = exchanged(token(exp=time.time() + 7200))
    assert grant.expires_in == pytest.approx(7200, abs=60)


@pytest.mark.parametrize(
    "claims",
    [{}, {"exp": "soon"}, {"exp": 5}, {"exp": 10**14}, {"exp": True}, {"iat": 100, "exp": 50}],
)
def test_a_token_that_says_nonsense_lives_as_long_as_documented(claims: dict[str, object]) -> None:
    assert exchanged(token(**claims))[0].expires_in == 86_400


@pytest.mark.parametrize("claims", ["!!!", "a", "bnVsbA", "W10"])
def test_claims_that_cannot_be_read_are_as_if_there_were_none(claims: str) -> None:
    sent = re.sub(r"\..*\.", f".{claims.replace('!', '_')}.", token(exp=1))
    assert exchanged(sent)[0].expires_in == 86_400


@pytest.mark.parametrize("body", ["", "{}", "<html>", "a.b", "a.b.c.d", "x y.z.w", "ä.ö.ü"])
def test_what_is_no_token_is_refused_without_showing_the_key(body: str) -> None:
    with pytest.raises(Malformed, match="no token") as caught:
        exchanged(body)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_asks_for_a_new_one(status: int) -> None:
    meant = fault(Reply(status, {}, b"", path=f"/{EXCHANGE}"))
    assert isinstance(meant, NeedsReconnect)
    assert "app/settings/personalApiToken" in str(meant)
    assert "connect again" in str(meant)  # by which command is said where the connection is known


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_what_is_refused_elsewhere_is_left_to_the_common_rule(status: int) -> None:
    assert fault(Reply(status, {}, b"", path=f"/{SLEEPS}")) is None


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("gmt", None),
        ("GMT", None),
        ("Mars/Phobos", None),
        ("../../etc/passwd", None),
        (None, None),
        (7, None),
    ],
)
def test_the_account_is_the_display_name_and_lives_in_its_zone(
    told: object, zone: str | None
) -> None:
    asked = client(answer(SETTINGS, {"displayName": "a-b-c", "timeZone": told}))
    account = identify(asked, Grant(access="a"))
    assert (account.id, account.zone) == ("a-b-c", zone)


@pytest.mark.parametrize("name", [None, "", 5, "a b", "x" * 200, "a\nb"])
def test_an_account_without_a_name_is_refused(name: object) -> None:
    with pytest.raises(Malformed, match="whose data"):
        identify(client(answer(SETTINGS, {"displayName": name})), Grant(access="a"))


def test_a_key_lives_as_long_as_garmin_offers() -> None:
    assert PERSONAL.lives == (30, 90, 180, 365)
    assert PERSONAL.name == "personal"


# -- how it is asked -----------------------------------------------------------------------------


def test_last_night_takes_two_requests_after_the_way_in() -> None:
    asked = client(
        answer(SLEEPS, [dto()]),
        answer(f"{HRVS}/{DAY}/{DAY}", {"hrvSummaries": [{"calendarDate": DAY, "lastNightAvg": 4}]}),
    )
    sleeps = fetch("sleep", asked, ask(PERSONAL.api.reading.first))
    beside = fetch("HRV", asked, ask(PERSONAL.api.reading.first, *sleeps))
    assert [raw.key for raw in [*sleeps, *beside]] == [f"day/{DAY}", f"hrv/{DAY}"]
    assert len(asked.asked) == 2  # the key and the settings make it four


def test_the_longest_window_is_three_lists_of_31_dates_side_by_side() -> None:
    asked = client(answer(SLEEPS, []))
    old = ask(PERSONAL.api.reading.longest, end=dt.datetime(2026, 5, 20, tzinfo=dt.UTC))
    said = old.__class__(start=old.start, end=old.end, now=NOW, account="who")
    assert fetch("sleep", asked, said) == []
    dates = [[*map(dt.date.fromisoformat, re.findall(r"20\d\d-\d\d-\d\d", a))] for a in asked.asked]
    assert len(dates) == 3
    assert {(last - first).days + 1 for first, last in dates} == {31}
    assert all(two[0] - one[1] == dt.timedelta(days=1) for one, two in pairwise(dates))
    assert dates[0][0] <= (said.start - dt.timedelta(hours=12)).date()
    assert dates[-1][1] >= (said.end + dt.timedelta(hours=14)).date()


def test_no_date_is_asked_that_has_begun_nowhere() -> None:
    asked = client(answer(SLEEPS, []))
    fetch("sleep", asked, ask(1))
    assert "'endDate': '2026-11-22'" in asked.asked[-1]  # at 09:00 UTC the 23rd is nowhere


def test_an_empty_answer_is_nothing() -> None:
    nothing = client(answer(SLEEPS, "", 204), answer(f"{HRVS}/{DAY}/{DAY}", "", 204))
    assert fetch("sleep", nothing, ask()) == []
    assert fetch("HRV", nothing, ask(14, *told_by_list(dto()))) == []


@pytest.mark.parametrize("body", ['{"error": 1}', "[", "null", "7", "<html>"])
def test_what_is_no_list_is_an_error_and_not_an_empty_answer(body: str) -> None:
    with pytest.raises(Malformed):
        fetch("sleep", client(answer(SLEEPS, body)), ask())
    sleeps = told_by_list(dto())
    with pytest.raises(Malformed):
        fetch("HRV", client(answer(f"{HRVS}/{DAY}/{DAY}", body)), ask(14, *sleeps))


def test_naps_that_a_list_only_counts_are_asked_for() -> None:
    day = dto(napTimeSeconds=1800)
    whole = day | {"dailyNapDTOS": [nap(later(hours=15))]}
    asked = client(
        answer(SLEEPS, [day, dto(None, calendarDate="2026-11-20")]),
        answer(SLEEP, whole, params={"date": DAY}),
    )
    raws = fetch("sleep", asked, ask())
    assert [raw.key for raw in raws] == [f"day/{DAY}", "nap/2026-11-21T13:00:00Z"]
    assert len(asked.asked) == 2


@pytest.mark.parametrize(("status", "body"), [(404, "<html>"), (400, {"errorMessage": "no"})])
def test_a_day_that_is_not_there_costs_no_other(status: int, body: object) -> None:
    gone = answer(SLEEP, body, status)
    asked = client(answer(SLEEPS, [dto(napTimeSeconds=1800)]), gone)
    assert [raw.key for raw in fetch("sleep", asked, ask())] == [f"day/{DAY}"]


def test_another_day_than_was_asked_for_is_not_believed() -> None:
    day = dto(napTimeSeconds=1800)
    other = client(
        answer(SLEEPS, [day]),
        answer(SLEEP, dto(calendarDate="2026-11-20", dailyNapDTOS=[nap(later(hours=15))])),
    )
    assert [raw.key for raw in fetch("sleep", other, ask())] == [f"day/{DAY}"]


def test_the_hrv_of_other_dates_is_not_kept() -> None:
    summaries = [{"calendarDate": f"2026-11-{day}", "lastNightAvg": 40} for day in (20, 21, 22)]
    asked = client(answer(f"{HRVS}/{DAY}/{DAY}", {"hrvSummaries": [*summaries, {}, None]}))
    raws = fetch("HRV", asked, ask(14, *told_by_list(dto())))
    assert [raw.key for raw in raws if raw.problem is None] == [f"hrv/{DAY}"]
    assert [raw.problem for raw in raws if raw.problem] == ["does not say of which date it is"] * 2


def test_a_sleep_outside_of_the_window_is_left_out() -> None:
    early = dto(later(days=-30), calendarDate="2026-10-22")
    assert [raw.key for raw in told_by_list(early, dto())] == [f"day/{DAY}"]
