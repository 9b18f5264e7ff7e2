"""HTTP as the person: tokens renewed, limits kept, trouble waited out, and nothing waited twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine

from sleepbalance import errors
from sleepbalance.client import PATIENCE, HttpClient, hosts_of
from sleepbalance.errors import (
    Fatal,
    Gone,
    Malformed,
    NeedsReconnect,
    RateLimited,
    SleepBalanceError,
    TokenRefused,
    Unavailable,
)
from sleepbalance.provider import Answer, Api, ApiKey, Grant, Rate, Reading, Reply
from sleepbalance.store.ids import new_id
from sleepbalance.store.pauses import Pauses
from sleepbalance.wire import Wire
from tests.network.maker import Maker, Said, raw, running

GOOD = Said(body={"ok": True})


@dataclass
class Purse:
    """A bearer whose tokens are counted."""

    maker: Maker
    tokens: list[str] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    trouble: SleepBalanceError | None = None

    def token(self) -> str:
        return self.tokens[-1] if self.tokens else self.renew("")

    def renew(self, seen: str) -> str:
        assert seen == (self.tokens[-1] if self.tokens else "")
        if self.trouble:
            raise self.trouble
        self.tokens.append(self.maker.grant()[0])
        return self.tokens[-1]

    def refused(self, seen: str, why: NeedsReconnect) -> None:
        self.ended.append((seen, str(why)))


@dataclass
class Time:
    """A clock that moves only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


@dataclass
class Stage:
    maker: Maker
    wire: Wire
    purse: Purse
    time: Time
    heard: list[str] = field(default_factory=list)

    def client(self, api: Api | None = None, **words: Any) -> HttpClient:
        api = api or self.maker.api()
        words = {
            "sleep": self.time.sleep,
            "clock": self.time.clock,
            "told": self.heard.append,
        } | words
        return HttpClient(self.wire, api, self.purse, **words)

    def says(self, *said: Said, path: str = "/a") -> None:
        self.maker.script[path] = list(said)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with running() as maker, Wire(timeout=2, provider="acme") as wire:
        yield Stage(maker, wire, Purse(maker), Time())


def test_paths_lie_below_the_base_and_carry_the_token(stage: Stage) -> None:
    client = stage.client()
    for path in ("v1/a", "/v1/a", f"{stage.maker.url}/v1/a"):
        assert client.get(path, {"n": 25, "at": "2026-11-22T20:00:00+01:00"}).json() == {
            "path": "/v1/a",
            "query": {"n": "25", "at": "2026-11-22T20:00:00+01:00"},
        }
    client.post("v1/b", json={"x": 1}, params={"p": 1})
    client.post("v1/c", form={"x": "1"})
    client.delete("v1/d")
    assert client.requests == 6
    assert [a.method for a in stage.maker.asked] == ["GET"] * 3 + ["POST"] * 2 + ["DELETE"]
    assert {a.headers["authorization"] for a in stage.maker.asked} == {
        f"Bearer {stage.purse.tokens[0]}"
    }
    assert stage.maker.asked[3].body == b'{"x":1}'
    assert stage.maker.asked[4].form == {"x": "1"}


def test_a_token_goes_to_the_makers_own_hosts_only(stage: Stage) -> None:
    with pytest.raises(Fatal, match=r"elsewhere\.invalid is no host of this maker"):
        stage.client().get("https://elsewhere.invalid/next-page")
    door = stage.maker.door(pkce=False)
    assert hosts_of(door) == {"127.0.0.1"}
    key = ApiKey(api=door.api, exchange=lambda _c, _k: Grant(access="a"), how_to="")
    assert hosts_of(key) == {"127.0.0.1"}
    with pytest.raises(Unavailable):  # let through, and found to be nowhere
        stage.client(hosts={"elsewhere.invalid"}).get("https://elsewhere.invalid/revoke")


def test_without_a_bearer_nothing_is_renewed(stage: Stage) -> None:
    client = HttpClient(stage.wire, stage.maker.api(), None)
    stage.says(GOOD, Said(401))
    assert client.post("a", form={"key": "k"}).json() == {"ok": True}
    assert "authorization" not in stage.maker.asked[0].headers
    with pytest.raises(NeedsReconnect):
        client.get("a")


def test_a_refused_token_is_renewed_once(stage: Stage) -> None:
    stage.purse.tokens.append("stale")
    assert stage.client().get("a").status == 200
    assert stage.maker.count("/a") == 2
    assert len(stage.purse.tokens) == 2
    assert stage.purse.ended == []


def test_a_new_token_that_is_refused_ends_this_call_only(stage: Stage) -> None:
    stage.says(Said(401), Said(401, {"message": "Gone away"}), Said(401))
    with pytest.raises(TokenRefused, match=r"Acme refuses even a new .* connect again\."):
        stage.client(name="Acme").get("a")
    assert len(stage.maker.script["/a"]) == 1  # it is not tried again at once
    assert stage.purse.ended == []
    stage.says(GOOD)
    assert stage.client().get("a").json() == {"ok": True}


def test_a_token_is_renewed_once_in_a_call_whatever_comes_between(stage: Stage) -> None:
    stage.says(Said(401), Said(503), Said(401), Said(401))
    with pytest.raises(TokenRefused):
        stage.client().get("a")
    assert len(stage.purse.tokens) == 2
    assert len(stage.maker.script["/a"]) == 1


def test_a_refresh_that_failed_is_not_tried_again_behind_its_back(stage: Stage) -> None:
    for trouble in (Unavailable("late"), RateLimited("often", 1)):
        purse = stage.purse = Purse(stage.maker, ["stale"], trouble=trouble)
        with pytest.raises(type(trouble)):
            stage.client().get("a")
        assert purse.ended == []
    assert stage.time.slept == []
    assert stage.maker.count("/a") == 2


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "Malformed"),
        (403, "NotEntitled"),
        (404, "Malformed"),
        (410, "Gone"),
        (422, "Malformed"),
        (302, "Unavailable"),
        (408, "Unavailable"),
        (425, "Unavailable"),
        (500, "Unavailable"),
    ],
)
def test_the_common_rule(status: int, name: str, stage: Stage) -> None:
    stage.says(*[Said(status, {"error": {"message": "Because."}})] * 3)
    with pytest.raises(SleepBalanceError, match=rf"acme answered {status} \(Because\.\)") as caught:
        stage.client().get("a")
    assert type(caught.value) is getattr(errors, name)


def test_the_token_is_not_in_what_the_maker_says(stage: Stage) -> None:
    token = stage.purse.token()
    stage.says(Said(400, {"message": f"No such user for {token}."}))
    with pytest.raises(Malformed, match=r"No such user for …\."):
        stage.client().get("a")


def test_the_providers_own_reading_comes_first(stage: Stage) -> None:
    def fault(reply: Reply) -> SleepBalanceError | Answer | None:
        told = reply.json().get("say")
        known: dict[str, SleepBalanceError | Answer] = {
            "fine": Answer.FINE,
            "gone": Gone("It has ended."),
            "over": NeedsReconnect("No longer."),
            "often": RateLimited("Too much."),
        }
        return known.get(told)

    client = stage.client(stage.maker.api(fault=fault))
    stage.says(Said(404, {"say": "fine"}))
    assert client.get("a").status == 404
    stage.says(Said(200, {"say": "gone"}))
    with pytest.raises(Gone):
        client.get("a")
    stage.says(Said(401, {"say": "over"}), GOOD)
    with pytest.raises(NeedsReconnect):
        client.get("a")
    assert stage.purse.ended == [(stage.purse.tokens[0], "No longer.")]
    stage.says(Said(200, {"say": "often"}, {"Retry-After": "3"}), GOOD)
    assert client.get("a").json() == {"ok": True}
    assert stage.time.slept == [3]
    stage.says(Said(502, b"<html>"), GOOD)
    assert client.get("a").json() == {"ok": True}
    stage.says(Said(200, b"<html>"), GOOD)
    with pytest.raises(Malformed):
        client.get("a")


def test_trouble_is_waited_out_a_few_times(stage: Stage) -> None:
    stage.says(Said(503), Said(503), GOOD)
    assert stage.client().get("a").json() == {"ok": True}
    assert stage.time.slept == [1, 2]
    stage.says(*[Said(503)] * 3, GOOD)
    with pytest.raises(Unavailable):
        stage.client().get("a")
    assert stage.maker.script["/a"] == [GOOD]


def test_trouble_on_the_way_is_waited_out_as_well(stage: Stage) -> None:
    with raw(b"") as url:
        client = HttpClient(
            stage.wire,
            Api(base=url, resources=(), identify=stage.maker.api().identify),
            None,
            sleep=stage.time.sleep,
            told=stage.heard.append,
        )
        with pytest.raises(Unavailable, match="broke the connection off"):
            client.get("a")
    assert stage.heard == [
        "No answer; trying again (2 of 3).",
        "No answer; trying again (3 of 3).",
    ]
    assert client.requests == 3
    assert stage.time.slept == [1, 2]


def test_a_503_says_when_to_come_again(stage: Stage) -> None:
    stage.says(Said(503, headers={"Retry-After": "20"}), GOOD)
    stage.client(name="Acme").get("a")
    assert stage.time.slept == [20]
    assert stage.heard == ["Acme answered 503; trying again in 20 s (2 of 3)."]
    stage.says(Said(503, headers={"Retry-After": "66"}), GOOD)
    with pytest.raises(Unavailable) as caught:
        stage.client().get("a")
    assert caught.value.retry_after == 66
    assert stage.time.slept == [20]


def test_a_short_limit_is_waited_for(stage: Stage) -> None:
    stage.says(
        Said(429, headers={"Retry-After": "30"}), Said(429, headers={"Retry-After": "25"}), GOOD
    )
    assert stage.client(name="Acme").get("a").json() == {"ok": True}
    assert stage.time.slept == [30, 25]
    assert stage.heard == ["Acme asked us to wait 30 s.", "Acme asked us to wait 25 s."]


def test_a_limit_of_which_nothing_is_told(stage: Stage) -> None:
    stage.says(*[Said(429)] * 9)
    with pytest.raises(RateLimited):
        stage.client().get("a")
    assert stage.time.slept == [10, 20]
    assert stage.heard[0] == "acme was asked too often; trying again in 10 s."


def test_a_limit_of_no_seconds_is_no_endless_loop(stage: Stage) -> None:
    stage.says(*[Said(429, headers={"Retry-After": "0"})] * 99)
    with pytest.raises(RateLimited):
        stage.client(patience=5.0).get("a")
    assert stage.time.slept == [1] * 5


def test_a_long_limit_is_told_and_kept_from_then_on(stage: Stage) -> None:
    stage.says(Said(429, headers={"Retry-After": "100"}), GOOD)
    client = stage.client()
    for left, pass_by in ((100, 0), (100, 15), (85, 55)):
        with pytest.raises(RateLimited) as caught:
            client.get("a")
        assert caught.value.retry_after == left
        stage.time.now += pass_by
    assert client.requests == 1
    assert client.get("a").json() == {"ok": True}  # within patience by now
    assert stage.time.slept == [30]


def test_a_limit_by_the_minute_is_waited_for_also_where_a_pause_is_rounded_up(
    stage: Stage, engine: Engine
) -> None:
    def ahead() -> dt.timedelta:
        return dt.timedelta(seconds=stage.time.now)

    stage.says(Said(429, headers={"Retry-After": "60"}), GOOD)
    pauses = Pauses(engine, new_id(), "acme", ahead)
    assert stage.client(pauses=pauses).get("a").json() == {"ok": True}
    assert 60 <= sum(stage.time.slept) <= PATIENCE


def test_nothing_left_is_heeded_before_the_next_request(stage: Stage) -> None:
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"}
    stage.says(Said(body={}, headers=spent), GOOD)
    client = stage.client()
    client.get("a")
    assert stage.time.slept == []
    client.get("a")
    assert stage.time.slept == [40]


def test_our_own_rates_are_kept_to(stage: Stage) -> None:
    client = stage.client(stage.maker.api(reading=Reading(rates=(Rate(2, 10), Rate(3, 30)))))
    for _ in range(4):
        client.get("a")
    assert sum(stage.time.slept) == pytest.approx(30, abs=0.01)
    assert client.requests == 4
    assert stage.heard[0] == "acme may not be asked so often: waiting 10 s."
    assert stage.time.slept[0] == pytest.approx(10, abs=0.01)
    hasty = stage.client(stage.maker.api(reading=Reading(rates=(Rate(1, 30),))), patience=20)
    hasty.get("a")
    with pytest.raises(RateLimited) as caught:
        hasty.get("a")
    assert caught.value.retry_after == pytest.approx(30, abs=0.01)
    assert hasty.requests == 1


# -- pauses that others know of --------------------------------------------------------------------


def test_a_pause_is_known_to_the_next_process(engine: Engine, stage: Stage) -> None:
    bond = new_id()
    stage.says(Said(429, headers={"Retry-After": "100"}), GOOD, GOOD)
    with pytest.raises(RateLimited):
        stage.client(pauses=Pauses(engine, bond, "acme")).get("a")
    later = stage.client(pauses=Pauses(engine, bond, "acme"))
    with pytest.raises(RateLimited) as caught:
        later.get("a")
    assert 95 < (caught.value.retry_after or 0) <= 102
    assert later.requests == 0
    assert stage.client(pauses=Pauses(engine, new_id(), "acme")).get("a").status == 200


def test_a_limit_of_the_app_holds_for_everybody(engine: Engine, stage: Stage) -> None:
    api = stage.maker.api(reading=Reading(rates=(Rate(1000, 60, "app"),)))
    stage.says(Said(429, headers={"Retry-After": "100"}), GOOD)
    with pytest.raises(RateLimited):
        stage.client(api, pauses=Pauses(engine, new_id(), "acme")).get("a")
    with pytest.raises(RateLimited):
        stage.client(api, pauses=Pauses(engine, new_id(), "acme")).get("a")
    assert stage.client(pauses=Pauses(engine, new_id(), "other")).get("a").status == 200


def test_a_pause_is_never_shortened_and_never_too_short(engine: Engine) -> None:
    pauses = Pauses(engine, new_id(), "acme")
    assert pauses.left() == 0
    pauses.begin(50, "user")
    pauses.begin(5, "user")
    pauses.begin(0.5, "app")
    assert 50 <= pauses.left() <= 52


def test_a_pause_goes_by_the_clock_of_the_makers_and_ends_where_that_is_set_back(
    engine: Engine,
) -> None:
    bond, days = new_id(), [30]
    pauses = Pauses(engine, bond, "acme", lambda: dt.timedelta(days=days[0]))
    pauses.begin(50, "user")
    assert 50 <= pauses.left() <= 52
    days[0] = 31
    assert pauses.left() == 0
    days[0] = 0
    assert pauses.left() == 0


def test_rates_of_a_connection_are_shared_between_its_clients(engine: Engine, stage: Stage) -> None:
    api = stage.maker.api(reading=Reading(rates=(Rate(2, 1000),)))
    pauses = Pauses(engine, new_id(), "acme")
    stage.client(api, pauses=pauses).get("a")
    stage.client(api, pauses=pauses).get("a")
    with pytest.raises(RateLimited):
        stage.client(api, pauses=pauses).get("a")
    stage.client(api, pauses=Pauses(engine, new_id(), "acme")).get("a")


def test_rates_of_an_app_are_shared_between_its_users(engine: Engine, stage: Stage) -> None:
    app = new_id()
    api = stage.maker.api(reading=Reading(rates=(Rate(2, 1000, "app"),)))
    for _ in range(2):
        stage.client(api, pauses=Pauses(engine, new_id(), app)).get("a")
    with pytest.raises(RateLimited):
        stage.client(api, pauses=Pauses(engine, new_id(), app)).get("a")
