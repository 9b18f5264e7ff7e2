"""What is asked of Google, how its pages are followed, and what is kept of them."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.errors import Malformed
from sleepbalance.provider import Raw
from sleepbalance.providers.fitbit import PROVIDER
from sleepbalance.providers.fitbit.reading import camel
from sleepbalance.store.raws import LONGEST
from tests.fitbit.made import (
    FILTER_REFUSED,
    NOW,
    SLEEPS,
    START,
    TYPES,
    answer,
    ask,
    at,
    client,
    fetch,
    point,
    raw_of,
    stretch,
)

ROLL_UP = TYPES + "heart-rate/dataPoints:rollUp"
HRV = TYPES + "daily-heart-rate-variability/dataPoints"


def page(*points: Any, then: str | None = None, of: str = "dataPoints") -> dict[str, Any]:
    return {of: list(points)} if then is None else {of: list(points), "nextPageToken": then}


def keys(raws: list[Raw]) -> list[str]:
    return [raw.key for raw in raws]


# Sleeps


def test_sleeps_are_asked_for_by_the_time_they_end() -> None:
    wanted = (
        'sleep.interval.end_time >= "2026-11-08T09:00:00Z" AND '
        'sleep.interval.end_time < "2026-11-22T09:00:00Z"'
    )
    asked = client(answer(SLEEPS, page(point()), params={"pageSize": 25, "filter": wanted}))
    assert keys(fetch("sleep", asked, ask())) == ["sleep/77"]
    assert len(asked.asked) == 1


def test_a_window_that_begins_within_a_second_is_asked_for_exactly() -> None:
    end = NOW - dt.timedelta(microseconds=500_000)
    asked = client(answer(SLEEPS, {}))
    assert fetch("sleep", asked, ask(end=end)) == []
    assert '"2026-11-22T08:59:59.500000Z"' in asked.asked[0]


def test_only_the_token_tells_whether_there_is_another_page() -> None:
    asked = client(
        answer(SLEEPS, page(point(key="1"), then="b"), params={"pageToken": None}),
        answer(SLEEPS, page(then="c"), params={"pageToken": "b"}),
        answer(SLEEPS, page(point(key="2"), then="d"), params={"pageToken": "c"}),
        answer(SLEEPS, {}, params={"pageToken": "d"}),
    )
    assert keys(fetch("sleep", asked, ask())) == ["sleep/1", "sleep/2"]


def test_the_last_page_may_carry_an_empty_token() -> None:
    asked = client(answer(SLEEPS, page(point(), then="")))
    assert len(fetch("sleep", asked, ask())) == 1
    assert len(asked.asked) == 1


def test_pages_that_go_round_in_a_circle_end() -> None:
    with pytest.raises(Malformed, match="lead back"):
        fetch("sleep", client(answer(SLEEPS, page(then="a"))), ask())


@pytest.mark.parametrize(
    "body",
    [[], "", None, 7, {"dataPoints": {}}, {"nextPageToken": 3}, {"error": {"code": 500}}],
    ids=str,
)
def test_what_is_no_page_is_no_empty_page(body: object) -> None:
    with pytest.raises(Malformed, match="no page"):
        fetch("sleep", client(answer(SLEEPS, body)), ask())


def test_where_the_filter_is_refused_everything_is_listed_until_it_is_too_old() -> None:
    day = 24 * 60
    asked = client(
        answer(
            SLEEPS, page(point(key="now"), then="b"), params={"filter": None, "pageToken": None}
        ),
        answer(
            SLEEPS,
            page(
                point(-3 * day, -3 * day + 480, key="in"),
                point(-4.5 * day, -3.8 * day, key="ends in"),
                point(-5 * day, -4.5 * day, key="before"),
                point(-7 * day, -6.5 * day, key="too old"),
                point(-3 * day, -3 * day + 60, key="never looked at"),
                then="c",
            ),
            params={"filter": None, "pageToken": "b"},
        ),
        answer(SLEEPS, FILTER_REFUSED, status=400),
    )
    window = ask(2, end=START - dt.timedelta(days=2))  # nothing answers to the token c
    assert keys(fetch("sleep", asked, window)) == ["sleep/in", "sleep/ends in"]


def test_a_filter_refused_in_the_middle_is_an_error() -> None:
    asked = client(
        answer(SLEEPS, page(then="b"), params={"pageToken": None}),
        answer(SLEEPS, FILTER_REFUSED, status=400),
    )
    with pytest.raises(Malformed):
        fetch("sleep", asked, ask())


def test_points_are_kept_byte_for_byte() -> None:
    sent = b'{ "name":"x/5",\n "sleep" : {"interval": {"startTime":"2026-11-20T22:00:00Z",'
    sent += b'"endTime":"2026-11-21T06:00:00Z"}}, "new": 1e2}'
    exchange = answer(SLEEPS, {})
    body = b'{"dataPoints": [' + sent + b"]}"
    asked = client(replace(exchange, reply=replace(exchange.reply, body=body)))
    (raw,) = fetch("sleep", asked, ask())
    assert raw.payload == sent


def test_a_sleep_that_is_still_going_on_is_not_told() -> None:
    told = point()
    del told["sleep"]["interval"]["endTime"]
    assert fetch("sleep", client(answer(SLEEPS, page(told))), ask()) == []


def test_a_sleep_is_placed_and_dated() -> None:
    raw = raw_of(point(updateTime="2026-11-21T06:15:42.827423Z", offset="20700s"))
    assert (raw.start, raw.end) == (START, START + dt.timedelta(hours=8))
    assert raw.revised_at == dt.datetime(2026, 11, 21, 6, 15, 42, tzinfo=dt.UTC)
    assert raw.zone == "+05:45"
    assert raw.problem is None


def broken(**interval: object) -> dict[str, Any]:
    told = point()
    told["sleep"]["interval"] |= interval
    return told


NAMELESS = {name: value for name, value in point().items() if name != "name"}


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (broken(endTime="2026-11-20T21:00:00Z"), "ends before it begins"),
        (broken(endTime="2026-11-20T22:00:00.9Z"), "no time at all"),
        (broken(startTime="2026-11-18T05:00:00Z"), "48 hours"),
        (broken(endTime="tomorrow"), "does not say when"),
        (broken(startTime=None), "does not say when"),
        (broken(startTime="2026-02-30T22:00:00Z"), "does not say when"),
        (broken(startTime="1999-12-31T22:00:00Z", endTime="1999-12-31T23:00:00Z"), "2000"),
        (broken(startTime="2026-11-23T22:00:00Z", endTime="2026-11-24T05:00:00Z"), "future"),
        (point(interval=5), "does not say when"),
        (NAMELESS, "no name"),
        ({}, "does not say when"),
        ([], "does not say when"),
        ("sleep", "does not say when"),
    ],
)
def test_what_cannot_be_read_is_kept_with_its_reason(told: Any, problem: str) -> None:
    asked = client(answer(SLEEPS, page(told, point(key="good"))))
    bad, good = fetch("sleep", asked, ask())
    assert problem in (bad.problem or "")
    assert bad.start is None
    assert json.loads(bad.payload) == told
    assert (good.key, good.problem) == ("sleep/good", None)


# Heart rates


def bucket(begin: float, beats: float = 50) -> dict[str, Any]:
    told = {"beatsPerMinuteAvg": beats, "beatsPerMinuteMin": beats, "beatsPerMinuteMax": beats}
    return stretch(begin, begin + 5) | {"heartRate": told}


def test_heart_rates_are_asked_for_around_the_sleeps_on_the_clock() -> None:
    asked = client(
        answer(
            ROLL_UP,
            page(bucket(0), bucket(5), of="rollupDataPoints"),
            method="POST",
            json={
                "range": {"startTime": at(0), "endTime": at(485)},
                "windowSize": "300s",
                "pageSize": 10000,
                "pageToken": None,
            },
        )
    )
    (raw,) = fetch("heart rate", asked, ask(14, raw_of(point(1.5, 480.5))))
    assert (raw.key, raw.companion, raw.source.key) == ("heart-rate/2026-11-20", True, "")
    assert (raw.start, raw.end) == (START, START + dt.timedelta(minutes=10))
    assert json.loads(raw.payload) == [bucket(0), bucket(5)]


def test_heart_rates_are_packed_by_day_in_order_whatever_the_pages() -> None:
    asked = client(
        answer(
            ROLL_UP,
            page(bucket(125), bucket(115), of="rollupDataPoints", then="b"),
            method="POST",
            json={"pageToken": None},
        ),
        answer(
            ROLL_UP,
            page(bucket(120), {"startTime": "never"}, of="rollupDataPoints"),
            method="POST",
            json={"pageToken": "b", "windowSize": "300s"},
        ),
    )
    odd, first, second = fetch("heart rate", asked, ask(14, raw_of(point())))
    assert odd.problem == "does not say when it was measured"
    assert (first.key, json.loads(first.payload)) == ("heart-rate/2026-11-20", [bucket(115)])
    assert second.key == "heart-rate/2026-11-21"
    assert json.loads(second.payload) == [bucket(120), bucket(125)]


def every_night(nights: int) -> list[Raw]:
    day = 24 * 60
    return [raw_of(point(-day * n, -day * n + 480, key=str(n))) for n in reversed(range(nights))]


@pytest.mark.parametrize(("nights", "requests"), [(1, 1), (14, 1), (15, 2), (28, 2), (364, 26)])
def test_heart_rates_need_one_request_for_each_14_days(nights: int, requests: int) -> None:
    asked = client(answer(ROLL_UP, {}, method="POST"))
    assert fetch("heart rate", asked, ask(400, *every_night(nights))) == []
    assert len(asked.asked) == requests


def test_nights_far_apart_are_not_asked_for_as_one() -> None:
    far = [every_night(1)[0], every_night(60)[0], every_night(59)[0]]
    asked = client(answer(ROLL_UP, {}, method="POST"))
    fetch("heart rate", asked, ask(100, *far))
    assert len(asked.asked) == 2


def test_no_range_is_longer_than_google_allows_or_reaches_into_the_future() -> None:
    asked = client(answer(ROLL_UP, {}, method="POST"))
    going = raw_of(point(24 * 60 + 300, 24 * 60 + 700, key="until after now"))
    fetch("heart rate", asked, ask(100, *every_night(60), going))
    ends = []
    for request in asked.asked:
        told = request.replace("'", '"').split('"range": ')[1].split("}")[0] + "}"
        start, end = (dt.datetime.fromisoformat(value) for value in json.loads(told).values())
        assert end - start <= dt.timedelta(days=14)
        ends.append(end)
    assert max(ends) == NOW


# Numbers of the day


def daily(day: int, **values: object) -> dict[str, Any]:
    date = {"year": 2026, "month": 11, "day": day}
    return {"dailyHeartRateVariability": {"date": date, **values}}


def test_numbers_of_the_day_are_asked_for_once_around_all_sleeps() -> None:
    wanted = (
        'daily_heart_rate_variability.date >= "2026-11-18" AND '
        'daily_heart_rate_variability.date < "2026-11-23"'
    )
    asked = client(
        answer(HRV, page(daily(21), daily(20)), params={"pageSize": 10000, "filter": wanted})
    )
    found = fetch("HRV", asked, ask(14, *every_night(3)))
    assert keys(found) == [
        "daily-heart-rate-variability/2026-11-20",
        "daily-heart-rate-variability/2026-11-21",
    ]
    assert all(raw.companion and raw.source.key == "" for raw in found)


def test_a_number_of_the_day_lies_beside_each_sleep_that_may_end_on_it() -> None:
    found = fetch("HRV", client(answer(HRV, page(daily(21)))), ask(14, raw_of(point())))
    (raw,) = found
    assert raw.start == dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)  # 00:00 at +14:00
    assert raw.end == dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)  # 24:00 at -12:00
    assert raw.end - raw.start < LONGEST


def test_two_devices_of_one_date_are_kept_together() -> None:
    one, two = daily(21, entropy=1), daily(21, entropy=2)
    sleeps = ask(14, raw_of(point()))
    (raw,) = fetch("HRV", client(answer(HRV, page(one, two))), sleeps)
    (same,) = fetch("HRV", client(answer(HRV, page(two, one))), sleeps)
    assert raw == same
    assert json.loads(raw.payload) == [one, two]


def test_dates_without_a_sleep_and_without_a_date_are_told_apart() -> None:
    asked = client(answer(HRV, page(daily(21), daily(3), daily(31), {})))
    bad, worse, good = fetch("HRV", asked, ask(14, raw_of(point())))
    assert bad.problem == worse.problem == "does not say of which date it is"
    assert good.key.endswith("2026-11-21")


def test_numbers_of_the_day_are_listed_where_their_filter_is_refused() -> None:
    asked = client(
        answer(HRV, page(daily(21), daily(19), daily(20), then="b"), params={"filter": None}),
        answer(HRV, FILTER_REFUSED, status=400),
    )
    assert keys(fetch("HRV", asked, ask(14, raw_of(point())))) == [
        "daily-heart-rate-variability/2026-11-21"
    ]


def test_names_inside_a_point_are_written_together() -> None:
    assert camel("daily-sleep-temperature-derivations") == "dailySleepTemperatureDerivations"


# Versions


def test_of_a_sleep_the_version_updated_last_stands_in_any_order() -> None:
    early = json.dumps(point(updateTime=at(490))).encode()
    late = json.dumps(point(updateTime=at(600))).encode()
    never = json.dumps(point()).encode()
    for order in ([early, late], [late, early], [never, late, early], [b"broken", late]):
        assert PROVIDER.merge("sleep", order) == late
    assert PROVIDER.merge("sleep", [never, b"broken"]) == b"broken"


def test_heart_rates_of_a_day_are_completed_and_replaced() -> None:
    def packed(*buckets: dict[str, Any]) -> bytes:
        return b"[" + b",".join(json.dumps(each).encode() for each in buckets) + b"]"

    before, after = packed(bucket(0, 50), bucket(5, 51)), packed(bucket(5, 60), bucket(10, 61))
    both = PROVIDER.merge("heart-rate", [before, after])
    assert json.loads(both) == [bucket(0, 50), bucket(5, 60), bucket(10, 61)]
    assert PROVIDER.merge("heart-rate", [both, after]) == both


def test_a_number_of_the_day_is_replaced() -> None:
    assert PROVIDER.merge("daily-oxygen-saturation", [b"[1]", b"[2]"]) == b"[2]"
