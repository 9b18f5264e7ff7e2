"""The sandbox plays Garmin's Health API: consent, permissions, history by order, deliveries."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import Address, running
from tests.sandbox.guest import BACK, TODAY
from tests.sandbox.watch import DAY, NOW, REST, Watch

READ, HISTORY = "HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT"
ZEROS = ("deepSleepDurationInSeconds", "lightSleepDurationInSeconds", "remSleepInSeconds")


@pytest.fixture
def watch(address: Address) -> Iterator[Watch]:
    """Nobody's yet."""
    with httpx2.Client(timeout=60) as http:
        yield Watch(address, http)


# -- OAuth ---------------------------------------------------------------------------------------


def test_the_reply_of_the_token_endpoint(watch: Watch) -> None:
    told = watch.sign_in().tokens
    assert {name: told[name] for name in ("expires_in", "token_type", "scope")} == {
        "expires_in": 86400,
        "token_type": "bearer",
        "scope": "PARTNER_WRITE PARTNER_READ CONNECT_READ CONNECT_WRITE",
    }
    assert told["refresh_token_expires_in"] == 7775998
    assert told["jti"]


def test_each_refresh_brings_a_new_refresh_token(watch: Watch) -> None:
    first = watch.sign_in().tokens
    watch.move(days=80)
    second = watch.renew(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["refresh_token_expires_in"] == 7775998
    again = watch.renew(first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    third = watch.renew(second["refresh_token"])  # the reuse has ended nothing
    watch.tokens = third.json()
    assert watch.get(f"{REST}/user/id").status_code == 200
    watch.move(days=91)
    assert watch.renew(watch.tokens["refresh_token"]).status_code == 400


def test_pkce_is_required(watch: Watch) -> None:
    asked = {"client_id": "sandbox", "redirect_uri": BACK, "response_type": "code"}
    page = watch.http.get(f"{watch.url}/oauth2Confirm", params=asked)
    assert page.status_code == 400
    assert "code challenge is missing" in page.text
    back = watch.code("v" * 43)
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
    assert watch.token(**form, code_verifier="w" * 43).json()["error"] == "invalid_grant"


def test_the_consent_page_does_not_propose_history(watch: Watch) -> None:
    asked = {
        "client_id": "sandbox",
        "redirect_uri": BACK,
        "response_type": "code",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    page = watch.http.get(f"{watch.url}/oauth2Confirm", params=asked).text
    assert f'value="{READ}" checked' in page
    assert f'value="{HISTORY}">' in page


def test_who_and_what(watch: Watch) -> None:
    watch.sign_in("2", [READ])
    told = watch.get(f"{REST}/user/id").json()["userId"]
    (user,) = watch.users()
    assert (user["person"], user["userId"], user["permissions"]) == ("2", told, [READ])
    assert watch.get(f"{REST}/user/permissions").json() == {"permissions": [READ]}
    watch.set(bare_permissions=True)
    assert watch.get(f"{REST}/user/permissions").json() == [READ]
    watch.sign_in("2")
    assert watch.get(f"{REST}/user/id").json()["userId"] == told


def test_what_a_bad_token_is_told(watch: Watch) -> None:
    path = f"{watch.url}{REST}/user/id"
    assert watch.http.get(path).status_code == 401
    unknown = watch.http.get(path, headers={"authorization": "Bearer nothing"})
    assert (unknown.status_code, list(unknown.json())) == (403, ["errorMessage"])
    watch.sign_in().fault("expired", "/user/id", times=1)
    assert watch.get(f"{REST}/user/id").status_code == 401
    watch.sign_in().fault("revoked", "/user/id", times=1)
    assert watch.get(f"{REST}/user/id").status_code == 403


# -- history by order ----------------------------------------------------------------------------


def test_history_comes_later_and_once(watch: Watch) -> None:
    watch.sign_in()
    reply = watch.backfill()
    assert (reply.status_code, reply.content) == (202, b"")
    assert watch.deliveries() == []
    watch.move(seconds=61)
    (body,) = [d["body"] for d in watch.deliveries()]
    starts = [s["startTimeInSeconds"] for s in body["sleeps"]]
    assert starts == sorted(starts)
    assert NOW - 30 * DAY <= starts[0] < starts[-1] < NOW
    told = {s.get("calendarDate") for s in body["sleeps"] if s["validation"] != "OFF_WRIST"}
    assert told - {None} <= {r["sleep_date"] for r in watch.truth(query="?from=2026-10-01")}
    assert watch.backfill().status_code == 409
    assert watch.backfill(start=NOW - 5 * DAY).status_code == 409
    assert watch.backfill("hrv").status_code == 202
    assert watch.sign_in().backfill().status_code == 202  # connected anew


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (NOW - 40 * DAY, NOW - 20 * DAY, "before min start time of 2026-10-22"),
        (NOW - 30 * DAY, NOW + 61 * DAY, "at most 90 days"),
        (NOW, NOW, "longer than 0"),
        (NOW * 1000, NOW * 1000 + 5, "seconds since 1970"),
    ],
)
def test_ranges_that_are_refused(watch: Watch, start: int, end: int, said: str) -> None:
    reply = watch.sign_in().backfill(start=start, end=end)
    assert reply.status_code == 400
    assert said in reply.json()["errorMessage"]


def test_the_oldest_night_goes_by_the_first_connection(watch: Watch) -> None:
    watch.sign_in()
    watch.move(days=20)
    watch.sign_in()
    assert watch.backfill(start=NOW - 30 * DAY).status_code == 202


@pytest.mark.parametrize("missing", [READ, HISTORY])
def test_history_needs_two_permissions(watch: Watch, missing: str) -> None:
    watch.sign_in(allow={READ, HISTORY} - {missing})
    assert watch.backfill().status_code == 412


def test_a_type_without_an_endpoint(watch: Watch) -> None:
    watch.sign_in().set(endpoints=["hrv"])
    reply = watch.backfill()
    assert reply.status_code == 400
    said = "Endpoint not enabled for summary type: CONNECT_SLEEP"
    assert reply.json() == {"errorMessage": said}
    assert watch.backfill("moods").status_code == 404
    watch.move(days=3)
    assert {kind for d in watch.deliveries() for kind in d["body"]} == {"hrv"}


def test_so_many_days_a_minute(watch: Watch) -> None:
    watch.sign_in()
    told = [watch.backfill(kind) for kind in ("sleeps", "hrv", "dailies", "pulseOx")]
    assert [reply.status_code for reply in told] == [202, 202, 202, 429]
    assert told[-1].headers["retry-after"] == "60"
    watch.move(seconds=60)
    assert watch.backfill("pulseOx").status_code == 202


# -- pushes --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def season() -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """The sleeps that are sent to an app in ten weeks, and the truth at their end."""
    with (
        running(seed=8, people=2, clock=lambda: TODAY) as address,
        httpx2.Client(timeout=60) as http,
    ):
        watch = Watch(address, http).sign_in("2")
        watch.backfill()
        watch.move(days=70)
        yield watch.sent("sleeps"), watch.truth("2", "?from=2026-10-25")


Season = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def end_of(summary: dict[str, Any]) -> int:
    """As the facts have it: from the levels, or from start and durations."""
    levels = [at for stage in summary.get("sleepLevelsMap", {}).values() for at in stage]
    asleep = sum(summary[name] for name in ZEROS)
    within = summary["awakeDurationInSeconds"] + unmeasurable(summary)
    duration = summary["durationInSeconds"]
    known = asleep + within if abs(duration - asleep) <= 60 else duration
    ends = [summary["startTimeInSeconds"] + known, *(at["endTimeInSeconds"] for at in levels)]
    return int(max(ends))


def unmeasurable(summary: dict[str, Any]) -> int:
    both = ("unmeasurableSleepInSeconds", "unmeasurableSleepDurationInSeconds")
    (name,) = [name for name in both if name in summary]
    return int(summary[name])


def standing(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What stands in the end: of summaries that overlap, the one that came last."""
    found: list[dict[str, Any]] = []
    for new in sent:
        end = end_of(new)
        found = [
            old
            for old in found
            if old["summaryId"] != new["summaryId"]
            and (end <= old["startTimeInSeconds"] or end_of(old) <= new["startTimeInSeconds"])
        ]
        found.append(new)
    nights = [s for s in found if s["validation"] != "OFF_WRIST"]
    return sorted(nights, key=lambda s: int(s["startTimeInSeconds"]))


def test_what_stands_in_the_end_is_the_truth(season: Season) -> None:
    nights = standing(season[0])
    rows = season[1]
    assert len(rows) > 80
    by_end = {end_of(night): night for night in nights}
    for row in rows:
        end = int(dt.datetime.fromisoformat(row["sleep_end_time"]).timestamp())
        night = by_end.pop(end)
        start = dt.datetime.fromisoformat(row["sleep_start_time"])
        assert night["startTimeInSeconds"] == start.timestamp()
        ahead = start.utcoffset()
        assert ahead
        assert night["startTimeOffsetInSeconds"] == ahead.total_seconds()
        assert night.get("calendarDate", row["sleep_date"]) == row["sleep_date"]
        asleep = sum(night[name] for name in ZEROS) or night["durationInSeconds"]
        assert (asleep + 30) // 60 == row["total_sleep_time"]
        assert night["totalNapDurationInSeconds"] == sum(
            nap["napDurationInSeconds"] for nap in night.get("naps", [])
        )
        assert len(night.get("naps", [])) == len(row["naps"])
    first = rows[0]["sleep_date"]
    assert [n for n in by_end.values() if n.get("calendarDate", first) > first] == []


def test_everything_that_a_reader_must_bear_occurs(season: Season) -> None:
    sent = season[0]
    words = {s["validation"] for s in sent}
    assert words >= {"ENHANCED_TENTATIVE", "ENHANCED_FINAL", "AUTO_TENTATIVE", "AUTO_FINAL"}
    assert words >= {"MANUAL", "AUTO_MANUAL", "OFF_WRIST"}
    assert any("calendarDate" not in s for s in sent)
    assert any("unmeasurableSleepInSeconds" in s for s in sent)
    assert any("unmeasurableSleepDurationInSeconds" in s for s in sent)
    assert any("naps" in s for s in sent)
    staged = [s for s in sent if s.get("sleepLevelsMap")]
    asleep = [s["durationInSeconds"] - sum(s[name] for name in ZEROS) for s in staged]
    assert 0 in asleep
    assert any(
        more == s["awakeDurationInSeconds"] > 60 for more, s in zip(asleep, staged, strict=True)
    )
    assert any(has_hole(s) for s in staged)
    assert any("rem" not in s["sleepLevelsMap"] for s in staged)
    moved = [
        (a, b)
        for a, b in pairwise(sent)
        if a["summaryId"] != b["summaryId"] and b["startTimeInSeconds"] < end_of(a)
    ]
    assert any("TENTATIVE" in a["validation"] for a, _ in moved)
    ids = {s["summaryId"]: s for s in sent}
    assert len(ids) < len(sent)
    for name, summary in ids.items():
        assert name.endswith(f"-{summary['startTimeInSeconds']:x}")


def has_hole(summary: dict[str, Any]) -> bool:
    pieces = sorted(
        (at["startTimeInSeconds"], at["endTimeInSeconds"])
        for stage in summary["sleepLevelsMap"].values()
        for at in stage
    )
    return any(before[1] < after[0] for before, after in pairwise(pieces))


def test_what_comes_with_a_night(watch: Watch) -> None:
    watch.sign_in("1").move(days=6)
    bodies = [d["body"] for d in watch.deliveries()]
    body = next(b for b in bodies if "hrv" in b)
    row = next(
        r
        for r in watch.truth(query="?from=2026-11-20")
        if r["sleep_date"] == body["hrv"][0]["calendarDate"]
    )
    assert body["hrv"][0]["lastNightAvg"] == int(row["avg_hrv"] + 0.5)
    (night,) = [p for p in body["pulseox"] if not p["onDemand"]]
    levels = list(night["timeOffsetSpo2Values"].values())
    assert sum(levels) / len(levels) == pytest.approx(row["avg_spo2"], abs=0.05)
    breaths = [v for r in body["allDayRespiration"] for v in r["timeOffsetEpochToBreaths"].values()]
    assert sum(breaths) / len(breaths) == pytest.approx(row["avg_breathing_rate"], abs=0.05)
    days = {d["calendarDate"]: d for d in watch.sent("dailies")}
    day = days[row["sleep_date"]]
    assert day["durationInSeconds"] == DAY
    assert day["restingHeartRateInBeatsPerMinute"] == row["resting_heart_rate"]
    assert day["startTimeInSeconds"] + 3600 == NOW // DAY * DAY + DAY * (
        dt.date.fromisoformat(row["sleep_date"]) - TODAY.date()
    ) // dt.timedelta(days=1)


def test_several_people_in_one_body(watch: Watch) -> None:
    for person in ("1", "2"):
        watch.sign_in(person)
        assert watch.backfill().status_code == 202
    watch.move(seconds=61)
    (delivery,) = watch.deliveries()
    assert delivery["people"] == ["1", "2"]
    users = {user["userId"] for user in watch.users()}
    assert {s["userId"] for s in delivery["body"]["sleeps"]} == users
    assert watch.deliveries("?person=3") == []


def test_a_night_that_a_person_deletes(watch: Watch) -> None:
    watch.sign_in("3").move(days=3)
    row = next(r for r in reversed(watch.truth("3")) if r["parts"] == 1 and not r["by_hand"])
    watch.address.ask("DELETE", "/-/garmin/deliveries")
    watch.move(seconds=1)
    watch.address.ask("POST", "/-/people/3/sleeps", {"delete": row["sleeps"][0]})
    (gone,) = watch.sent("sleeps")
    start = int(dt.datetime.fromisoformat(row["sleep_start_time"]).timestamp())
    assert (gone["validation"], gone["durationInSeconds"]) == ("OFF_WRIST", 0)
    assert gone["summaryId"].endswith(f"-{start:x}")


def test_nights_by_hand_and_edited_ones(watch: Watch) -> None:
    watch.sign_in("3").move(days=2)
    watch.address.ask("DELETE", "/-/garmin/deliveries")
    row = next(r for r in reversed(watch.truth("3")) if r["parts"] == 1 and r["form"] == "staged")
    end = dt.datetime.fromisoformat(row["sleep_end_time"]) - dt.timedelta(minutes=30)
    watch.move(seconds=1)
    revise = {"revise": row["sleeps"][0], "end": end.isoformat()}
    watch.address.ask("POST", "/-/people/3/sleeps", revise)
    assert [s["validation"] for s in watch.sent("sleeps")] == ["AUTO_MANUAL"]
    watch.address.ask("DELETE", "/-/garmin/deliveries")
    watch.set(edited_as="MANUAL")
    watch.move(days=20)
    (by_hand, *_) = [s for s in watch.sent("sleeps") if "sleepLevelsMap" not in s]
    assert by_hand["validation"] == "MANUAL"
    assert by_hand["durationInSeconds"] > 0
    assert {by_hand[name] for name in ZEROS} == {0}


# -- pings ---------------------------------------------------------------------------------------


def called_back(watch: Watch, address: str, **changed: Any) -> httpx2.Response:
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("https", "apis.garmin.com")
    return watch.get(parts.path, **{**dict(parse_qsl(parts.query)), **changed})


def test_a_ping_leads_to_what_a_push_brings(watch: Watch) -> None:
    watch.sign_in("1").move(days=2)
    pushed = watch.address.ask("DELETE", "/-/garmin/deliveries")
    assert any("sleeps" in d["body"] for d in pushed)
    watch.set(mode="ping")
    watch.sign_in("1")
    now = int(dt.datetime(2026, 11, 23, 18, tzinfo=dt.UTC).timestamp())
    watch.backfill(start=now - 2 * DAY, end=now)
    watch.move(seconds=61)
    (ping,) = [item for d in watch.deliveries() for item in d["body"]["sleeps"]]
    reply = called_back(watch, ping["callbackURL"])
    assert reply.status_code == 200
    told = {s["summaryId"]: s for s in reply.json()}
    latest = {s["summaryId"]: s for d in pushed for s in d["body"].get("sleeps", [])}
    assert told
    for name, summary in told.items():
        assert {"userId": ping["userId"], **summary} == latest[name]
    assert called_back(watch, ping["callbackURL"]).json() == reply.json()
    watch.set(mode="push")


def test_a_pull_needs_the_token_of_a_ping(watch: Watch) -> None:
    watch.set(mode="ping")
    watch.sign_in("1").backfill()
    watch.move(seconds=61)
    ((address,),) = [
        [item["callbackURL"] for item in d["body"]["sleeps"]] for d in watch.deliveries()
    ]
    refused = called_back(watch, address, token="")
    said = {"errorMessage": "InvalidPullTokenException failure"}
    assert (refused.status_code, refused.json()) == (400, said)
    assert called_back(watch, address, token="another").status_code == 400
    assert called_back(watch, address.replace("/sleeps", "/hrv")).status_code == 400
    longer = called_back(watch, address, uploadEndTimeInSeconds=NOW + 2 * DAY)
    assert "86400" in longer.json()["errorMessage"]
    shorter = called_back(watch, address, uploadEndTimeInSeconds=NOW + 1)
    assert shorter.json() == []
    watch.address.ask("POST", "/-/garmin/users", {"person": "1", "permissions": []})
    assert called_back(watch, address).status_code == 412
    watch.sign_in("2")
    assert called_back(watch, address).status_code == 400
    watch.sign_in("1").move(days=7)
    watch.sign_in("1")
    assert called_back(watch, address).json() == said
    told = json.dumps(watch.address.ask("GET", "/-/requests"))
    assert dict(parse_qsl(urlsplit(address).query))["token"] not in told


# -- the end, and permissions --------------------------------------------------------------------


def test_the_app_ends_a_registration(watch: Watch) -> None:
    user = watch.sign_in("1").get(f"{REST}/user/id").json()
    watch.sign_in("1")  # twice, and one user all the same
    reply = watch.http.delete(f"{watch.url}{REST}/user/registration", headers=watch.headers)
    assert (reply.status_code, reply.content) == (204, b"")
    assert watch.get(f"{REST}/user/id").status_code == 403
    assert watch.renew(watch.tokens["refresh_token"]).status_code == 400
    assert watch.sent("deregistrations") == [user]
    watch.move(days=3)
    assert watch.sent("sleeps") == []
    watch.sign_in("1").move(days=3)
    assert watch.sent("deregistrations") == [user]
    assert watch.sent("sleeps")


def test_a_person_disconnects(watch: Watch) -> None:
    watch.sign_in("1")
    watch.sign_in("2")
    watch.address.ask("DELETE", "/-/garmin/users?person=1")
    assert [u["registered"] for u in watch.users()] == [False, True]
    assert [d["people"] for d in watch.deliveries()] == [["1"]]
    with pytest.raises(UsageError, match="not registered"):
        watch.address.ask("DELETE", "/-/garmin/users?person=1")
    watch.address.ask("DELETE", "/-/grants")
    assert len(watch.sent("deregistrations")) == 2


def test_permissions_change(watch: Watch) -> None:
    watch.sign_in("1")
    user = watch.users()[0]["userId"]
    change = {"person": "1", "permissions": [HISTORY]}
    watch.address.ask("POST", "/-/garmin/users", change)
    (told,) = watch.sent("userPermissionsChange")
    assert (told["userId"], told["permissions"]) == (user, [HISTORY])
    assert told["changeTimeInSeconds"] == NOW
    assert watch.get(f"{REST}/user/permissions").json() == {"permissions": [HISTORY]}
    watch.move(days=3)
    assert watch.sent("sleeps") == []
    assert watch.backfill().status_code == 401  # the token of a day is over
    watch.address.ask("POST", "/-/garmin/users", {"person": "1", "permissions": [READ]})
    watch.move(days=2)
    assert watch.sent("sleeps")
    with pytest.raises(UsageError, match="There are the permissions"):
        watch.address.ask("POST", "/-/garmin/users", {"person": "1", "permissions": ["ALL"]})


# -- sending -------------------------------------------------------------------------------------


@contextmanager
def listening(statuses: list[int]) -> Iterator[tuple[str, list[tuple[dict[str, str], Any]]]]:
    """A server of an app that answers with these, then 200; and what it got."""
    got: list[tuple[dict[str, str], Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hooks/garmin?key=1", got
        finally:
            server.shutdown()
            thread.join()


def test_deliveries_are_posted(watch: Watch) -> None:
    watch.sign_in("1").move(days=2)
    waiting = watch.deliveries()
    assert len(waiting) > 2
    with listening([200, 500]) as (to, got):
        done = watch.address.ask("POST", f"/-/garmin/deliveries/send?to={to}")
    assert [d["status"] for d in done] == [200, 500, *[200] * (len(waiting) - 2)]
    assert [body for _, body in got] == [d["body"] for d in waiting]
    headers = got[0][0]
    assert headers["garmin-client-id"] == "sandbox"
    assert headers["user-agent"] == "Garmin Health API"
    assert [d["number"] for d in watch.deliveries()] == [waiting[1]["number"]]
    (left,) = watch.address.ask("POST", f"/-/garmin/deliveries/send?to={to}")
    assert left["status"] is None  # nobody listens any more


@pytest.mark.parametrize("to", ["", "https://127.0.0.1/", "http://example.org/hook"])
def test_only_to_this_computer(watch: Watch, to: str) -> None:
    with pytest.raises(UsageError, match="of this computer"):
        watch.address.ask("POST", f"/-/garmin/deliveries/send?to={to}")
