"""The sandbox plays Garmin's Personal API: keys, tokens, limits, and days as the truth has them."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import Address
from sleepbalance.sandbox.oauth import SETTINGS as OF_EVERY_LOGIN
from sleepbalance.sandbox.parts.garmin import PART
from tests.sandbox.guest import TODAY
from tests.sandbox.watch import EXCHANGE, SLEEPS, Watch, same_instant

SETTINGS = "/userprofile-service/userprofile/settings"
HRV = "/hrv-service/hrv"
HEART = "/wellness-service/wellness/dailyHeartRate"


@pytest.fixture
def watch(address: Address) -> Iterator[Watch]:
    """Nobody's yet."""
    with httpx2.Client(timeout=60) as http:
        yield Watch(address, http)


def range_of(first: str, last: str) -> dict[str, str]:
    return {"startDate": first, "endDate": last}


def all_days(watch: Watch, first: dt.date, last: dt.date) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    while first <= last:
        until = min(last, first + dt.timedelta(days=30))
        reply = watch.get(SLEEPS, **range_of(first.isoformat(), until.isoformat()))
        assert reply.status_code == 200, reply.text
        found |= {day["calendarDate"]: day for day in reply.json()}
        first = until + dt.timedelta(days=1)
    return found


# -- keys and tokens -----------------------------------------------------------------------------


def test_a_key_gives_a_token_for_a_day(watch: Watch) -> None:
    reply = watch.exchange(watch.key())
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain")
    claims = reply.text.split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert told["exp"] == int(TODAY.timestamp()) + 86400
    watch.tokens = {"access_token": reply.text}
    assert watch.get(SETTINGS).json()["timeZone"] == "Europe/Berlin"
    watch.move(hours=24, seconds=1)
    assert watch.get(SETTINGS).status_code == 401


def test_keys_end_by_the_clock(watch: Watch) -> None:
    key = watch.key(days=30)
    watch.move(days=29)
    assert watch.exchange(key).status_code == 200
    watch.move(days=1, seconds=1)
    assert watch.exchange(key).status_code == 401


def test_a_deleted_key_opens_nothing_and_other_people_keep_theirs(watch: Watch) -> None:
    mine, theirs = watch.key("1"), watch.key("2")
    listed = watch.address.ask("DELETE", "/-/garmin/keys?person=1")
    assert [(k["person"], k["alive"]) for k in listed] == [("1", False), ("2", True)]
    assert mine not in json.dumps(listed)
    assert watch.exchange(mine).status_code == 401
    assert watch.exchange(theirs).status_code == 200
    assert watch.exchange("no key").status_code == 401
    assert watch.exchange("no key").json()["errorMessage"]


@pytest.mark.parametrize("wrong", [{"person": "1"}, {"person": "1", "days": 400}, None, []])
def test_a_key_that_nobody_can_make(watch: Watch, wrong: Any) -> None:
    with pytest.raises(UsageError, match="a key lives"):
        watch.address.ask("POST", "/-/garmin/keys", wrong)


def test_a_token_that_ends_early_is_replaced_by_the_same_key(watch: Watch) -> None:
    key = watch.key()
    watch.tokens = {"access_token": watch.exchange(key).text}
    watch.address.ask("DELETE", "/-/garmin/tokens")
    assert watch.get(SETTINGS).status_code == 401
    watch.tokens = {"access_token": watch.exchange(key).text}
    assert watch.get(SETTINGS).status_code == 200


def test_faults_meet_keys_and_tokens(watch: Watch) -> None:
    watch.enter()
    watch.fault("expired", "/userprofile", times=1)
    assert watch.get(SETTINGS).status_code == 401
    assert watch.enter().get(SETTINGS).status_code == 200
    key = watch.key()
    watch.fault("revoked", "/token$", times=1)
    assert watch.exchange(key).status_code == 401
    assert watch.exchange(key).status_code == 401
    watch.fault("429", SLEEPS, seconds=14)
    reply = watch.get(SLEEPS, **range_of("2026-11-20", "2026-11-21"))
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "14")
    watch.fault("500", SETTINGS)
    assert watch.get(SETTINGS).status_code == 500


def test_a_key_is_made_on_garmins_page(watch: Watch) -> None:
    address = f"{watch.url}/app/settings/personalApiToken"
    assert "Alma" in watch.http.get(address).text
    page = watch.http.post(address, data={"person": "2", "days": "365"})
    key = page.text.split("<code>")[1].split("</code>")[0]
    assert watch.exchange(key).status_code == 200
    assert "2027-11-21" in page.text
    (told,) = watch.address.ask("GET", "/-/garmin/keys")
    assert (told["person"], told["ends"][:10]) == ("2", "2027-11-21")
    assert watch.http.post(address, data={"person": "2", "days": "366"}).status_code == 400
    assert watch.http.post(address, data={"person": "99", "days": "30"}).status_code == 400


def test_the_doors_do_not_open_each_other(watch: Watch) -> None:
    watch.enter()
    assert watch.get("/wellness-api/rest/user/id").status_code == 403
    watch.sign_in()
    assert watch.get(SETTINGS).status_code == 401


def test_no_key_and_no_token_is_written_down(watch: Watch) -> None:
    key = watch.key()
    watch.tokens = {"access_token": watch.exchange(key).text}
    watch.get(SETTINGS)
    told = watch.address.ask("GET", "/-/requests")
    assert [r["path"] for r in told["requests"]] == [EXCHANGE, SETTINGS]
    assert {r["person"] for r in told["requests"]} == {"1"}
    assert key not in json.dumps(told)
    assert watch.tokens["access_token"] not in json.dumps(told)
    (grant,) = watch.address.ask("GET", "/-/grants")
    assert (grant["refreshes"], grant["requests"]) == (1, 2)


# -- limits --------------------------------------------------------------------------------------


def test_a_burst_is_too_much(watch: Watch) -> None:
    watch.enter().set(answer_after=1)
    calls = [HTTPConnection(urlsplit(watch.url).netloc, timeout=60) for _ in range(12)]
    try:
        for call in calls:
            call.connect()
        for call in calls:
            call.request("GET", f"/garmin{SETTINGS}", headers=watch.headers)
        replies = [answered(call) for call in calls]
    finally:
        for call in calls:
            call.close()
    assert sorted(reply.status for reply in replies) == [200] * 2 + [429] * 10
    assert {r.headers["retry-after"] for r in replies if r.status == 429} == {"14"}
    watch.set(answer_after=0)
    assert watch.get(SETTINGS).status_code == 200


def answered(call: HTTPConnection) -> HTTPResponse:
    reply = call.getresponse()
    reply.read()
    return reply


def test_so_many_requests_a_minute(watch: Watch) -> None:
    watch.enter().set(requests_a_minute=3)
    assert [watch.get(SETTINGS).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(watch.get(SETTINGS).headers["retry-after"]) <= 61
    watch.move(seconds=61)
    assert watch.get(SETTINGS).status_code == 200


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        (SLEEPS, range_of("2026-10-22", "2026-11-21"), 200),
        (SLEEPS, range_of("2026-10-18", "2026-11-21"), 400),
        (SLEEPS, range_of("2026-11-21", "2026-11-20"), 400),
        (SLEEPS, range_of("21.11.2026", "2026-11-21"), 400),
        (SLEEPS, {}, 400),
        (f"{HRV}/daily/2025-11-22/2026-11-21", {}, 200),
        (f"{HRV}/daily/2025-11-21/2026-11-21", {}, 400),
        ("/usersummary-service/v2/dailysummaries", range_of("2026-08-24", "2026-11-21"), 200),
        ("/usersummary-service/v2/dailysummaries", range_of("2026-08-23", "2026-11-21"), 500),
        ("/usersummary-service/usersummary/daily", {"calendarDate": "today"}, 400),
    ],
)
def test_how_long_a_range_may_be(
    watch: Watch, path: str, asked: dict[str, str], status: int
) -> None:
    assert watch.enter().get(path, **asked).status_code == status


# -- days ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["1", "2", "3", "4"])
def test_the_nights_are_those_of_the_truth(watch: Watch, person: str) -> None:
    watch.enter(person)
    told = all_days(watch, dt.date(2026, 3, 1), TODAY.date())
    truth = {row["sleep_date"]: row for row in watch.truth(person, "?from=2026-03-01")}
    slept = {d for d, day in told.items() if day["sleepTimeSeconds"]}
    assert slept == set(truth)
    for date, row in truth.items():
        told_as(row, told[date])


def told_as(row: dict[str, Any], day: dict[str, Any]) -> None:
    start, end = day["sleepStartTimestampGMT"], day["sleepEndTimestampGMT"]
    assert same_instant(start, row["sleep_start_time"])
    assert same_instant(end, row["sleep_end_time"])
    for instant, name in ((start, "Start"), (end, "End")):
        local = dt.datetime.fromisoformat(row[f"sleep_{name.lower()}_time"])
        ahead = day[f"sleep{name}TimestampLocal"] - instant
        assert dt.timedelta(milliseconds=ahead) == local.utcoffset()
    assert (day["sleepTimeSeconds"] + 30) // 60 == row["total_sleep_time"]
    assert day["id"] == start
    assert day["sleepFromDevice"] is not row["by_hand"]
    assert day["averageRespirationValue"] == row["avg_breathing_rate"]
    assert day.get("averageSpO2Value") == row["avg_spo2"]
    if row["by_hand"]:
        assert day["deepSleepSeconds"] is None
        return
    assert day["avgHeartRate"] == row["avg_heart_rate"]
    assert (day["awakeSleepSeconds"] + 30) // 60 == row["awake_duration"]
    asleep = sum(day[f"{stage}SleepSeconds"] for stage in ("deep", "light", "rem"))
    assert day["sleepTimeSeconds"] == asleep
    between = day["awakeSleepSeconds"] + day["unmeasurableSleepSeconds"]
    assert (end - start) // 1000 == asleep + between
    if row["form"] == "staged" and row["unspecified_sleep_duration"] == 0:
        assert abs(day["remSleepSeconds"] / 60 - row["rem_sleep_duration"]) <= 1
        assert abs(day["deepSleepSeconds"] / 60 - row["deep_sleep_duration"]) <= 1


def test_naps_have_their_offsets_in_minutes(watch: Watch) -> None:
    watch.enter("2")
    told = all_days(watch, dt.date(2026, 6, 1), TODAY.date())
    naps = [nap for row in watch.truth("2", "?from=2026-06-01") for nap in row["naps"]]
    found = {
        nap["napStartTimestampGMT"]: nap
        for day in told.values()
        for nap in day.get("dailyNapDTOS", [])
    }
    assert len(naps) > 10
    for nap in naps:
        start = dt.datetime.fromisoformat(nap["sleep_start_time"])
        shown = found[start.astimezone(dt.UTC).replace(tzinfo=None).isoformat()]
        assert dt.timedelta(minutes=shown["napStartTimeOffset"]) == start.utcoffset()
        assert (shown["napTimeSec"] + 30) // 60 == nap["total_sleep_time"]
    assert {nap["napSource"] for nap in found.values()} >= {0, 1}
    for day in told.values():
        assert (day["napTimeSeconds"] or 0) == sum(
            nap["napTimeSec"] for nap in day.get("dailyNapDTOS", [])
        )


def test_what_comes_about_in_the_course_of_days(watch: Watch) -> None:
    watch.enter("1")
    seen: dict[str, list[str]] = {}
    for _ in range(60):
        watch.move(hours=12)
        watch.tokens = {"access_token": watch.exchange(watch.key("1")).text}
        last = dt.date.fromisoformat(watch.address.ask("GET", "/-/clock")["date"])
        for date, day in all_days(watch, last - dt.timedelta(days=8), last).items():
            word = day["sleepWindowConfirmationType"] or ""
            if seen.setdefault(date, [""])[-1] != word:
                seen[date].append(word)
    words = {word for told in seen.values() for word in told}
    assert words >= {"", "unconfirmed", "enhanced_confirmed_final", "manually_confirmed"}
    assert any(told[1:2] == ["unconfirmed"] and len(told) > 2 for told in seen.values())


def test_a_window_that_a_person_moved_keeps_the_watchs_own(watch: Watch) -> None:
    watch.enter("3")
    row = next(r for r in reversed(watch.truth("3")) if r["form"] == "staged" and r["parts"] == 1)
    date = row["sleep_date"]
    before = watch.get("/sleep-service/sleep/dailySleep", date=date).json()
    end = dt.datetime.fromisoformat(row["sleep_end_time"]) - dt.timedelta(minutes=40)
    edit = {"revise": row["sleeps"][0], "end": end.isoformat()}
    watch.address.ask("POST", "/-/people/3/sleeps", edit)
    after = watch.get("/sleep-service/sleep/dailySleep", date=date).json()
    assert after["sleepWindowConfirmationType"] == "manually_confirmed"
    assert after["sleepFromDevice"] is True
    assert after["sleepEndTimestampGMT"] < before["sleepEndTimestampGMT"]
    for edge in ("Start", "End"):
        assert after[f"autoSleep{edge}TimestampGMT"] == before[f"sleep{edge}TimestampGMT"]


def test_a_night_off_the_wrist_has_a_window_and_nothing_in_it(watch: Watch) -> None:
    watch.enter("1")
    told = all_days(watch, dt.date(2026, 3, 1), TODAY.date())
    lying = [d for d in told.values() if d["sleepWindowConfirmationType"] == "off_wrist"]
    assert lying
    dates = {row["sleep_date"] for row in watch.truth("1", "?from=2026-03-01")}
    for day in lying:
        assert day["calendarDate"] not in dates
        assert day["sleepTimeSeconds"] == day["awakeSleepSeconds"] == 0
        assert day["sleepEndTimestampGMT"] > day["sleepStartTimestampGMT"]


def test_days_without_a_night(watch: Watch) -> None:
    watch.enter("1")
    reply = watch.get("/sleep-service/sleep/dailySleep", date="2026-12-24")
    assert reply.status_code == 200
    day = reply.json()
    assert day["calendarDate"] == "2026-12-24"
    assert {day[name] for name in day if "Timestamp" in name} == {None}
    assert watch.get(f"{HRV}/2026-12-24").status_code == 204
    empty = watch.get(f"{HRV}/daily/2026-12-01/2026-12-24")
    assert (empty.status_code, empty.content) == (204, b"")
    assert watch.get(HEART, date="2026-12-24").json()["restingHeartRate"] is None


def test_hrv_and_heart(watch: Watch) -> None:
    watch.enter("1")
    rows = {r["sleep_date"]: r for r in watch.truth("1", "?from=2026-11-01") if r["avg_hrv"]}
    told = watch.get(f"{HRV}/daily/2026-11-01/2026-11-21").json()["hrvSummaries"]
    assert {night["calendarDate"]: night["lastNightAvg"] for night in told} == {
        date: int(row["avg_hrv"] + 0.5) for date, row in rows.items()
    }
    date = max(rows)
    chart = watch.get(f"{HRV}/{date}").json()
    values = [reading["hrvValue"] for reading in chart["hrvReadings"]]
    assert abs(sum(values) / len(values) - rows[date]["avg_hrv"]) < 3
    heart = watch.get(HEART, date=date).json()
    assert heart["restingHeartRate"] == rows[date]["resting_heart_rate"]
    assert heart["minHeartRate"] <= rows[date]["min_heart_rate"]
    day = watch.get("/usersummary-service/usersummary/daily", calendarDate=date).json()
    assert day["restingHeartRate"] == heart["restingHeartRate"]
    assert day["displayName"] == watch.get(SETTINGS).json()["displayName"]


def test_an_account_in_another_zone(watch: Watch) -> None:
    watch.enter("2").set(zones={"2": "gmt"})
    assert watch.get(SETTINGS).json()["timeZone"] == "gmt"
    heart = watch.get(HEART, date="2026-11-20").json()
    assert heart["startTimestampGMT"] == heart["startTimestampLocal"] == "2026-11-20T00:00:00.0"


def test_every_setting_is_documented_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name, value in PART.settings.items():
        if name in OF_EVERY_LOGIN:
            assert f"`{name}` is {value}" in text or f"`{name}` {value}".lower() in text, name
            continue
        (shown,) = re.findall(rf"^\| `{name}` \|.*\| `?(.*?)`? \|$", text, re.MULTILINE)
        assert json.loads(shown) == value, name
