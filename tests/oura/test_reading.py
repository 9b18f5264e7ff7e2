"""What is asked of Oura, and how its answers, refusals and logins are read."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from sleepbalance.errors import Malformed, NotEntitled, ScopeMissing
from sleepbalance.provider import Answer, Grant, OAuth, Reply
from sleepbalance.providers.oura import PROVIDER
from sleepbalance.providers.oura.doors import API, LEGACY, MADE_UP, NEW, SCOPES, unwrap
from sleepbalance.testing.recording import Exchange
from tests.oura.made import BASE, BED, NOW, answer, ask, client, document, fetch, raw_of

SLEEP = BASE + "sleep"


def page(*documents: Any, token: str | None = None) -> dict[str, Any]:
    return {"data": list(documents), "next_token": token}


def test_the_days_are_wide_enough_wherever_one_woke_up() -> None:
    start, end = (dt.datetime(2026, 11, day, 12, tzinfo=dt.UTC) for day in (8, 22))
    asked = client(answer(SLEEP, page()))
    assert fetch("sleep", asked, ask((end - start).days, end=end)) == []
    (one,) = asked.asked
    assert "'start_date': '2026-11-07'" in one
    assert "'end_date': '2026-11-24'" in one  # tomorrow, and a day for those east of it


def test_what_ended_outside_the_window_is_another_windows() -> None:
    told = [document(60, id="in"), document(60, id="out", bed=BED - dt.timedelta(days=14))]
    found = fetch("sleep", client(answer(SLEEP, page(*told))), ask(14))
    assert [raw.key for raw in found] == ["sleep/in"]


def test_pages_are_followed_to_the_end() -> None:
    asked = client(
        answer(SLEEP, page(document(id="one"), token="t"), params={"next_token": None}),
        answer(SLEEP, page(document(id="two")), params={"next_token": "t"}),
    )
    assert [raw.key for raw in fetch("sleep", asked, ask())] == ["sleep/one", "sleep/two"]


def test_pages_that_go_round_end() -> None:
    asked = client(answer(SLEEP, page(document(), token="t")))
    with pytest.raises(Malformed, match="lead back"):
        fetch("sleep", asked, ask())
    assert len(asked.asked) == 2


@pytest.mark.parametrize("body", [{}, [], {"data": {}}, {"data": None}, "text", {"detail": "x"}])
def test_what_is_no_page_is_an_error_and_not_an_empty_answer(body: object) -> None:
    with pytest.raises(Malformed, match="no page"):
        fetch("sleep", client(answer(SLEEP, body)), ask())


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"bedtime_end": None}, "does not say when it began and ended"),
        ({"bedtime_start": "2026-11-20T23:00:00"}, "does not say when it began and ended"),
        ({"bedtime_start": "2026-02-30T23:00:00Z"}, "does not say when it began and ended"),
        ({"bedtime_start": "2026-11-20T23:00:00+19:00"}, "does not say when it began and ended"),
        ({"bedtime_end": BED.isoformat()}, "ends before it begins, or lasts no time at all"),
        ({"bedtime_start": "2026-11-17T23:00:00+01:00"}, "lasts longer than 48 hours"),
        ({"bedtime_end": "2026-11-24T23:00:00Z"}, "lasts longer than 48 hours"),
        ({"id": None}, "has no id"),
        ({"id": "a b"}, "has no id"),
        ({"id": 7}, "has no id"),
    ],
)
def test_what_cannot_be_placed_says_why_and_is_kept(told: dict[str, Any], problem: str) -> None:
    sent = document(60, **told)
    (raw,) = fetch("sleep", client(answer(SLEEP, page(sent))), ask())
    assert raw.problem == problem
    assert (raw.start, raw.end) == (None, None)
    assert json.loads(raw.payload) == sent


def test_what_lies_in_the_future_or_before_there_were_rings() -> None:
    late = raw_of(document(60, bed=NOW + dt.timedelta(days=2)))
    early = raw_of(document(60, bed=BED.replace(year=1999)))
    assert (late.problem, early.problem) == ("ends in the future", "lies before the year 2000")


@pytest.mark.parametrize(
    ("name", "path"), [("oxygen", "daily_spo2"), ("sleep score", "daily_sleep")]
)
def test_days_are_asked_at_once_and_only_with_sleeps(name: str, path: str) -> None:
    days = [{"id": "x", "day": f"2026-11-{day}", "score": 70} for day in range(10, 23)]
    asked = client(answer(BASE + path, page(*days, {"id": "no day"})))
    assert fetch(name, asked, ask()) == []
    assert asked.asked == []
    sleeps = [raw_of(document(480)), raw_of(document(480, bed=BED - dt.timedelta(days=7)))]
    found = fetch(name, asked, ask(14, *sleeps))
    assert len(asked.asked) == 1
    assert "'start_date': '2026-11-13'" in asked.asked[0]
    placed = {raw.key.partition("/")[2] for raw in found if raw.problem is None}
    assert {"2026-11-14", "2026-11-21"} <= placed
    assert "2026-11-17" not in placed  # nobody slept into it
    assert [raw.problem for raw in found if raw.problem] == ["does not say of which day it is"]


# -- refusals ------------------------------------------------------------------------------------


def meant(status: int, body: object, path: str = "/v2/usercollection/sleep") -> Any:
    return API.fault(Reply(status, {}, json.dumps(body).encode(), path))


@pytest.mark.parametrize(
    ("detail", "kind", "words"),
    [
        ("Forbidden", NotEntitled, "membership has lapsed, or you did not allow"),
        ("Missing scope: spo2", ScopeMissing, "did not allow"),
        ("The user's subscription to Oura has expired", NotEntitled, "Renew it"),
        (None, NotEntitled, "Either"),
    ],
)
def test_the_403_of_two_reasons(detail: str | None, kind: type, words: str) -> None:
    error = meant(403, {"detail": detail})
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_question_that_is_not_taken_is_told_in_ouras_words(status: int) -> None:
    detail = [{"type": "value_error", "loc": ["query"], "msg": "Start date must be before end"}]
    error = meant(status, {"detail": detail})
    assert type(error) is Malformed
    assert "Oura says: Start date must be before end. " in str(error)


def test_the_rest_is_as_everywhere() -> None:
    assert [meant(status, {"detail": "x"}) for status in (200, 401, 429, 500)] == [None] * 4


def test_a_token_that_is_gone_is_revoked() -> None:
    assert meant(401, {"detail": "Unauthorized"}, "/oauth/revoke") is Answer.FINE


# -- doors ---------------------------------------------------------------------------------------


def test_the_two_generations_have_addresses_of_their_own() -> None:
    names = [door.name for door in PROVIDER.remote]
    assert names == ["oauth", "legacy", "sandbox"]
    assert NEW.api == LEGACY.api
    assert NEW.authorize_url.startswith("https://moi.ouraring.com/oauth/v2/ext/")
    assert NEW.token_url.startswith("https://moi.ouraring.com/oauth/v2/ext/")
    assert LEGACY.authorize_url == "https://cloud.ouraring.com/oauth/authorize"
    assert LEGACY.token_url == "https://api.ouraring.com/oauth/token"
    assert (NEW.issuer is None, LEGACY.issuer is None) == (False, True)
    for door in PROVIDER.remote:
        assert isinstance(door, OAuth)
        assert "://localhost:" in door.callback
        assert door.single_use
    assert [door.api.made_up for door in (NEW, LEGACY, MADE_UP)] == [False, False, True]


def test_granted_scopes_lose_their_prefix() -> None:
    grant = unwrap({"access_token": "a", "scope": "extapi:daily extapi:spo2", "id_token": None})
    assert grant.scopes == frozenset(scope.name for scope in SCOPES)
    assert unwrap({"access_token": "a", "scope": "daily"}).scopes == frozenset({"daily"})
    assert unwrap({"access_token": "a"}).scopes is None


def test_each_generation_is_told_that_it_is_over_in_its_way() -> None:
    assert NEW.revoke is None
    assert NEW.revoke_url is not None
    assert LEGACY.revoke_url is None
    assert LEGACY.revoke is not None
    url = "https://api.ouraring.com/oauth/revoke"
    took = Exchange(
        method="POST", path=url, carries={"params": {"access_token": "a"}}, reply=Reply(401)
    )
    asked = client(took)
    LEGACY.revoke(asked, Grant(access="a", refresh="r"))
    assert len(asked.asked) == 1
