"""The sandbox's own addresses: clock, people, truth and its edits, settings, what was asked."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import httpx2
import pytest

from sleepbalance.errors import UsageError
from sleepbalance.sandbox import Address, makers, running
from sleepbalance.sandbox.clock import Clock
from sleepbalance.sandbox.world import World
from tests.sandbox.guest import TODAY, Guest

NIGHTS = "/-/people/1/nights"
SLEEPS = "/-/people/1/sleeps"


# -- the clock -----------------------------------------------------------------------------------


def test_the_clock_is_told_and_moved(address: Address) -> None:
    said = {"now": "2026-11-21T18:00:00Z", "date": "2026-11-21"}
    assert address.ask("GET", "/-/clock") == said
    moves: list[tuple[dict[str, Any], str]] = [
        ({"date": "2026-11-25"}, "2026-11-25T12:00:00Z"),
        ({"days": 1, "hours": -2, "seconds": 5}, "2026-11-26T10:00:05Z"),
        ({"now": "2026-12-01T08:00:00+01:00"}, "2026-12-01T07:00:00Z"),
        ({"date": "2026-12-02", "hours": 1}, "2026-12-02T13:00:00Z"),
    ]
    for body, now in moves:
        assert address.ask("POST", "/-/clock", body)["now"] == now


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"years": 1},
        {"date": "tomorrow"},
        {"now": "2026-12-01T08:00:00"},
        {"days": "two"},
        {"days": 10**12},
        [],
    ],
)
def test_a_clock_is_not_set_to_nonsense(address: Address, body: Any) -> None:
    before = address.ask("GET", "/-/clock")
    with pytest.raises(UsageError):
        address.ask("POST", "/-/clock", body)
    assert address.ask("GET", "/-/clock") == before


def test_a_clock_runs_on_from_where_it_was_set() -> None:
    clock = Clock(TODAY)
    first = clock.now()
    assert first >= TODAY
    assert clock.now() - TODAY < dt.timedelta(days=1)
    while clock.now() == first:  # it runs: this ends
        pass
    pace = clock.pace()
    clock.move(dt.timedelta(seconds=100))
    assert clock.pace() - pace >= 100


def test_nights_ahead_do_not_exist_yet(guest: Guest) -> None:
    assert all(row["sleep_date"] <= "2026-11-21" for row in guest.truth())
    newest = guest.points().json()["dataPoints"][0]["sleep"]["interval"]["endTime"]
    assert newest < "2026-11-21T18:00:00Z"
    guest.address.ask("POST", "/-/clock", {"days": 30})
    guest.tokens |= guest.renew().json()
    assert guest.points().json()["dataPoints"][0]["sleep"]["interval"]["endTime"] > "2026-12-18"
    for kind in ("heart-rate", "daily-resting-heart-rate"):
        assert "2026" in guest.points(kind, pageSize=1).text


def test_a_night_comes_first_without_its_stages(address: Address) -> None:
    """Hour by hour through two weeks: what is not yet computed is marked, and then revised."""
    seen: dict[str, list[tuple[str, str]]] = {}
    for _ in range(14 * 8):
        address.ask("POST", "/-/clock", {"hours": 3})
        for sleep in address.ask("GET", "/-/people/3/sleeps")[:3]:
            versions = seen.setdefault(sleep["id"], [])
            if not versions or versions[-1][0] != sleep["updated"]:
                versions.append((sleep["updated"], sleep["form"]))
    forms = [[form for _, form in versions] for versions in seen.values()]
    assert ["plain", "staged"] in [f[:2] for f in forms]
    assert ["staged"] in forms
    stamps = [[at for at, _ in versions] for versions in seen.values()]
    assert all(at == sorted(set(at)) for at in stamps)


def test_what_is_pending_says_so(guest: Guest) -> None:
    for _ in range(60):
        guest.address.ask("POST", "/-/clock", {"hours": 3})
        row = guest.truth(query="?from=2026-11-21")[-1]
        if row["provisional"]:
            break
    assert row["deep_sleep_duration"] is None
    assert row["unspecified_sleep_duration"] == row["total_sleep_time"]
    (change,) = [c for c in row["will_change"] if c["what"] == "revised"][:1]
    assert change["id"] in row["sleeps"]
    guest.tokens |= guest.renew().json()
    sleep = guest.points().json()["dataPoints"]
    names = guest.address.ask("GET", SLEEPS)
    (name,) = [s["makers"]["fitbit"] for s in names if s["id"] == change["id"]]
    (point,) = [p["sleep"] for p in sleep if p["name"] == name]
    assert [s["type"] for s in point["stages"]] == ["ASLEEP"]
    assert "processed" not in point["metadata"]
    assert "stagesStatus" not in point["metadata"]
    guest.address.ask("POST", "/-/clock", {"now": change["at"]})
    guest.tokens |= guest.renew().json()
    (later,) = [p["sleep"] for p in guest.points().json()["dataPoints"] if p["name"] == name]
    assert (later["type"], later["metadata"]["processed"]) == ("STAGES", True)
    assert later["updateTime"] > point["updateTime"]
    assert later["createTime"] == point["createTime"]


def test_a_date_does_not_depend_on_when_it_is_asked(address: Address) -> None:
    """But for what had not settled."""
    query = "?from=2026-09-01&to=2026-11-14"
    before = address.ask("GET", NIGHTS + query)
    address.ask("POST", "/-/clock", {"days": 200})
    after = address.ask("GET", NIGHTS + query)
    assert [row for row in before if not row["will_change"]] == [
        row
        for row in after
        if row["sleep_date"] in {b["sleep_date"] for b in before if not b["will_change"]}
    ]
    address.ask("POST", "/-/clock", {"now": TODAY.isoformat()})
    assert address.ask("GET", NIGHTS + query) == before, "and back"


def test_what_changes_was_announced() -> None:
    """A night that differs a week later had said so."""
    world = World(people=1, clock=lambda: TODAY)
    person = world.people["1"]
    changed = 0
    for _ in range(60):
        world.clock.move(dt.timedelta(days=1))
        before = {s.sleep.id: s for s in world.sleeps(person)}
        world.clock.move(dt.timedelta(days=7))
        after = {s.sleep.id: s for s in world.sleeps(person)}
        world.clock.move(-dt.timedelta(days=7))
        for sleep_id, seen in before.items():
            if after.get(sleep_id) != seen:
                changed += 1
                known = world.all_of(person, seen.date)
                assert any(t.at > world.now() for s in known for t in s.tellings)
    assert changed > 10


# -- people --------------------------------------------------------------------------------------


def test_who_there_is(address: Address) -> None:
    people = address.ask("GET", "/-/people")
    assert [p["id"] for p in people] == ["1", "2", "3", "4"]
    assert [p["zone"] for p in people[:2]] == ["Europe/Berlin", "America/Los_Angeles"]
    assert len({p["makers"]["fitbit"] for p in people}) == 4
    assert {"fitbit", "garmin"} <= set(makers())


def test_the_same_seed_is_the_same_to_the_byte() -> None:
    def told(seed: int) -> bytes:
        with running(seed=seed, people=1, clock=lambda: TODAY) as address:
            parts = [
                address.ask("GET", "/-/people"),
                address.ask("GET", f"{NIGHTS}?from=2026-09-01"),
            ]
            with httpx2.Client(timeout=60) as http:
                raw = Guest(address, http).sign_in().points().content
            return json.dumps(parts).encode() + raw

    assert told(5) == told(5) != told(6)


def test_unknown_people_and_dates(address: Address) -> None:
    with pytest.raises(UsageError, match="no person '99'"):
        address.ask("GET", "/-/people/99/nights")
    with pytest.raises(UsageError, match="isoformat"):
        address.ask("GET", f"{NIGHTS}?from=monday")


# -- edits of the truth --------------------------------------------------------------------------


def point(guest: Guest, sleep_id: str) -> Any:
    (name,) = [
        s["makers"]["fitbit"] for s in guest.address.ask("GET", SLEEPS) if s["id"] == sleep_id
    ]
    return guest.http.get(f"{guest.url}/v4/{name}", headers=guest.headers).json()["sleep"]


def test_a_sleep_is_deleted(guest: Guest) -> None:
    sleep = guest.address.ask("GET", SLEEPS)[4]
    assert guest.address.ask("POST", SLEEPS, {"delete": sleep["id"]}) == {"id": sleep["id"]}
    names = {p["name"] for p in guest.points().json()["dataPoints"]}
    assert sleep["makers"]["fitbit"] not in names
    assert sleep["id"] not in {s["id"] for s in guest.address.ask("GET", SLEEPS)}
    with pytest.raises(UsageError, match="not told of"):
        guest.address.ask("POST", SLEEPS, {"delete": sleep["id"]})
    guest.address.ask("POST", "/-/clock", {"days": 10})
    assert sleep["id"] not in {s["id"] for s in guest.address.ask("GET", SLEEPS)}, "for good"


def test_a_sleep_is_revised(guest: Guest) -> None:
    (sleep,) = [s for s in guest.address.ask("GET", SLEEPS) if s["id"] == "2026-11-16.1"]
    before = point(guest, sleep["id"])
    for minutes in (-90, 30):
        guest.address.ask("POST", "/-/clock", {"seconds": 1})
        end = dt.datetime.fromisoformat(sleep["end"]) + dt.timedelta(minutes=minutes)
        guest.address.ask("POST", SLEEPS, {"revise": sleep["id"], "end": end.isoformat()})
        after = point(guest, sleep["id"])
        assert dt.datetime.fromisoformat(after["interval"]["endTime"]) == end
        assert after["stages"][-1]["endTime"] == after["interval"]["endTime"]
        assert after["metadata"]["manuallyEdited"]
        assert after["updateTime"] > before["updateTime"]
        (row,) = guest.truth(query="?from=2026-11-16&to=2026-11-16")
        assert dt.datetime.fromisoformat(row["wake_time"]) == end
        before = after


def test_a_sleep_is_added_and_takes_over(guest: Guest) -> None:
    asked = {"start": "2026-11-20T21:00:00Z", "end": "2026-11-21T05:30:00Z"}
    added = guest.address.ask("POST", SLEEPS, {"add": asked})["id"]
    told = {s["id"]: s for s in guest.address.ask("GET", SLEEPS)}
    assert told[added]["form"] == "staged"
    assert point(guest, added)["type"] == "STAGES"
    nap = {"start": "2026-11-21T12:00:00Z", "end": "2026-11-21T12:40:00Z", "kind": "nap"}
    nap_id = guest.address.ask("POST", SLEEPS, {"add": {**nap, "form": "classic"}})["id"]
    assert point(guest, nap_id)["metadata"]["stagesStatus"] == "REJECTED_NAP"
    assert point(guest, nap_id)["metadata"]["nap"]
    by_hand = {"start": "2026-11-19T12:00:00Z", "end": "2026-11-19T12:50:00Z", "form": "manual"}
    hand_id = guest.address.ask("POST", SLEEPS, {"add": {**by_hand, "kind": "nap"}})["id"]
    assert [s["type"] for s in point(guest, hand_id)["stages"]] == ["ASLEEP"]
    (row,) = guest.truth(query="?from=2026-11-21&to=2026-11-21")
    assert nap_id in {n["id"] for n in row["naps"]}


def test_another_main_sleep_moves_the_update_time() -> None:
    """Nothing in the first one changed but that it is no longer the main one."""
    world = World(people=1, clock=lambda: TODAY)
    person = world.people["1"]
    (old,) = [s for s in world.sleeps(person) if s.sleep.id == "2026-11-16.1"]
    world.clock.move(dt.timedelta(minutes=1))
    start = dt.datetime(2026, 11, 15, 20, tzinfo=dt.UTC)
    world.add(person, start, start + dt.timedelta(hours=12), "night", "staged")
    (new,) = [s for s in world.sleeps(person) if s.sleep.id == "2026-11-16.1"]
    assert (old.main, new.main) == (True, False)
    assert new.telling == old.telling
    assert new.updated == world.now() > old.updated


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"delete": "nothing"}, "no sleep 'nothing'"),
        ({"delete": "2026-11-16.9"}, "no sleep"),
        ({"revise": "2026-11-16.1", "end": "2027-11-16T06:00:00Z"}, "not ahead"),
        ({"revise": "2026-11-16.1", "end": "2026-11-15T06:00:00Z"}, "ten minutes"),
        ({"revise": "2026-11-16.1", "end": "2026-11-16T06:00:00"}, "no offset"),
        ({"revise": "2026-11-16.1"}, "Say"),
        ({"add": {"start": "2026-11-16T06:00:00Z"}}, "Say"),
        (
            {"add": {"start": "2026-11-16T06:00:00Z", "end": "2026-11-16T06:00:10Z"}},
            "half minutes",
        ),
        (
            {
                "add": {
                    "start": "2026-11-16T06:00:00Z",
                    "end": "2026-11-16T09:00:00Z",
                    "form": "round",
                }
            },
            "form is",
        ),
        ({"delete": 5}, "Say"),
        (None, "Say"),
    ],
)
def test_edits_that_mean_nothing(address: Address, body: Any, words: str) -> None:
    before = address.ask("GET", SLEEPS)
    with pytest.raises(UsageError, match=words):
        address.ask("POST", SLEEPS, body)
    assert address.ask("GET", SLEEPS) == before


# -- settings and the ledger ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "Say {"),
        ([], "Say {"),
        ({"fitbit": 1}, "Say {"),
        ({"pear": {}}, "pear is not played here. Played are: fitbit, "),
        ({"fitbit": {"colour": 1}}, "fitbit has no setting colour, but these: access_life, "),
        (
            {"fitbit": {"rotating": 1}},
            'rotating cannot be 1. As it begins: {"fitbit": {"rotating": false}}.',
        ),
        ({"fitbit": {"rate_limit": True}}, "rate_limit cannot be true"),
        ({"fitbit": {"rate_limit": -1}}, "rate_limit cannot be -1"),
        ({"fitbit": {"rate_limit": 9, "refresh_life": "9"}}, 'refresh_life cannot be "9"'),
        ({"fitbit": {"accounts": []}}, "accounts cannot be []"),
        ({"fitbit": {"rate_limit": 9}, "garmin": {"mode": None}}, "mode cannot be null"),
    ],
)
def test_settings_that_are_none(address: Address, body: Any, said: str) -> None:
    before = address.ask("GET", "/-/settings")
    with pytest.raises(UsageError, match=re.escape(said)):
        address.ask("POST", "/-/settings", body)
    assert address.ask("GET", "/-/settings") == before


def test_a_setting_without_end_gets_one_and_loses_it_again(address: Address) -> None:
    for value in (60, None):
        told = address.ask("POST", "/-/settings", {"fitbit": {"refresh_life": value}})
        assert told["fitbit"]["refresh_life"] == value


def test_settings_are_told(address: Address) -> None:
    told = address.ask("POST", "/-/settings", {"fitbit": {"rotating": True}})
    assert told["fitbit"]["rotating"]
    assert address.ask("GET", "/-/settings") == told


def test_settings_of_one_sandbox_are_not_those_of_the_next(address: Address) -> None:
    address.ask("POST", "/-/settings", {"fitbit": {"accounts": {"1": "not_linked"}}})
    with running(people=1) as other:
        assert other.ask("GET", "/-/settings")["fitbit"]["accounts"] == {}


def test_what_was_asked_is_counted_without_its_secrets(guest: Guest) -> None:
    for _ in range(3):
        guest.points(pageSize=2)
    guest.renew()
    told = guest.address.ask("GET", "/-/requests")
    counts = {(e["path"], e["status"], e["grant"]): e["count"] for e in told["summary"]}
    assert counts["/v4/users/me/dataTypes/sleep/dataPoints", 200, "fitbit-1"] == 3
    assert counts["/token", 200, "fitbit-1"] == 2
    assert told["requests"][-2]["query"] == "pageSize=2"
    assert told["requests"][-2]["person"] == "1"
    assert told["total"] == len(told["requests"]) == 7
    for secret in (guest.tokens["access_token"], guest.tokens["refresh_token"], "code="):
        assert secret not in json.dumps(told)
    (grant,) = guest.address.ask("GET", "/-/grants")
    assert (grant["requests"], grant["refreshes"], grant["alive"]) == (5, 1, True)
    assert guest.address.ask("DELETE", "/-/requests")["total"] == 0


def test_no_json_is_answered_in_words(stranger: Guest) -> None:
    reply = stranger.http.post(f"{stranger.address.url}/-/clock", content=b"{")
    assert reply.status_code == 400
    assert "Expecting" in reply.json()["error"]


def test_edits_of_one_person_leave_the_others_alone(address: Address) -> None:
    before = address.ask("GET", "/-/people/2/sleeps")
    for sleep in address.ask("GET", SLEEPS)[:3]:
        address.ask("POST", SLEEPS, {"delete": sleep["id"]})
    assert address.ask("GET", "/-/people/2/sleeps") == before
