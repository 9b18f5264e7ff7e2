"""What Garmin sends by itself: who may, what a body tells, and where a ping may lead."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.errors import Malformed, Rejected
from sleepbalance.provider import Delivery, Proof, Reply
from sleepbalance.providers.garmin.health import HEALTH
from sleepbalance.providers.garmin.health_hook import HOOK, checked, collect
from sleepbalance.providers.garmin.health_records import version
from sleepbalance.testing.recording import Exchange, Recorded
from tests.garmin.health_made import (
    ME,
    NOW,
    OTHER,
    START,
    at,
    beside,
    body,
    by_hand,
    items,
    pushed,
    sleep,
)

REST = "https://apis.garmin.com/wellness-api/rest/"
ADDRESS = f"{REST}sleeps?uploadStartTimeInSeconds=1&uploadEndTimeInSeconds=2&token=made-up"
PROOF = Proof(secret="end-of-our-address", client_id="our-client")


def delivery(secret: str = PROOF.secret, client: str | None = "our-client") -> Delivery:
    headers = {} if client is None else {"garmin-client-id": client}
    return Delivery(body=b"{}", headers=headers, secret=secret)


# -- who may ---------------------------------------------------------------------------------------


def test_the_secret_and_the_client_id_prove_it() -> None:
    HOOK.prove(delivery(), PROOF)
    HOOK.prove(delivery(client=None), Proof(secret=PROOF.secret))  # the client id is not set up


@pytest.mark.parametrize(
    ("told", "proof"),
    [
        (delivery(secret=""), PROOF),
        (delivery(secret="end-of-our-addres"), PROOF),
        (delivery(secret="\ud800"), PROOF),
        (delivery(client=None), PROOF),
        (delivery(client="another"), PROOF),
        (delivery(secret=""), Proof(secret="", client_id="our-client")),
    ],
)
def test_what_proves_nothing_is_rejected(told: Delivery, proof: Proof) -> None:
    with pytest.raises(Rejected, match="Endpoint Configuration"):
        HOOK.prove(told, proof)


# -- what a body tells -----------------------------------------------------------------------------


def test_several_people_and_types_come_in_one_body() -> None:
    other = sleep(begin=60) | {"userId": OTHER}
    found = items(
        sleeps=[sleep(), other],
        hrv=[beside(0, 420, lastNightAvg=40)],
        epochs=[{"userId": ME}],
        moveIQActivities="whatever",
        deregistrations=[{"userId": OTHER}],
        userPermissionsChange=[{"userId": ME, "permissions": ["HEALTH_EXPORT", 3, "x y"]}],
    )
    told = [
        (item.account, ["/".join(raw.key.split("/")[:2]) for raw in item.raws])
        for item in found
        if item.raws
    ]
    assert told == [
        (ME, [f"sleeps/x7e57-{at(0):x}"]),
        (OTHER, [f"sleeps/x7e57-{at(60):x}"]),
        (ME, [f"hrv/xbe51de-{at(0):x}"]),
    ]
    ended, allowed = found[3:]
    assert (ended.account, bool(ended.ended)) == (OTHER, True)
    assert (allowed.account, allowed.scopes) == (ME, frozenset({"HEALTH_EXPORT"}))


@pytest.mark.parametrize("name", ["userPermissionsChange", "userPermissions"])
def test_no_permission_at_all_is_told_as_such(name: str) -> None:
    (item,) = items(**{name: [{"userId": ME, "permissions": []}]})
    assert (item.account, item.scopes, item.problem) == (ME, frozenset(), None)


@pytest.mark.parametrize(
    ("changed", "at"), [(at(0), START), ("soon", None), (None, None), (at(0) * 1000, None)]
)
def test_a_change_of_permissions_says_when_it_was(changed: Any, at: dt.datetime | None) -> None:
    told = {"userId": ME, "permissions": [], "changeTimeInSeconds": changed}
    (item,) = items(userPermissionsChange=[told])
    assert (item.scopes, item.at) == (frozenset(), at)


def test_a_time_that_is_no_number_costs_no_permission() -> None:
    told = f'{{"userId": "{ME}", "permissions": ["HEALTH_EXPORT"], "changeTimeInSeconds": NaN}}'
    (item,) = HOOK.read(f'{{"userPermissionsChange": [{told}]}}'.encode(), NOW)
    assert (item.scopes, item.at) == (frozenset({"HEALTH_EXPORT"}), None)


def test_permissions_that_are_no_list_are_a_problem() -> None:
    (item,) = items(userPermissions=[{"userId": ME, "permissions": "HEALTH_EXPORT"}])
    assert item.scopes is None
    assert item.problem


@pytest.mark.parametrize("name", ["pulseox", "pulseOx", "allDayRespiration", "respiration"])
def test_types_are_known_in_both_of_their_spellings(name: str) -> None:
    (raw,) = pushed(**{name: [beside(0, 15)]})
    assert raw.companion


ODD: tuple[Any, ...] = (None, 0, "sleep", [], {}, {"userId": 7}, {"userId": "a b"}, {"userId": ""})


@pytest.mark.parametrize("odd", ODD)
def test_one_bad_item_costs_only_itself(odd: Any) -> None:
    found = items(sleeps=[odd, sleep()], deregistrations=[odd], hrv=odd)
    assert [len(item.raws) for item in found if item.account] == [1]
    assert all(item.problem for item in found if not item.account)
    assert found[0].problem


NO_TOTAL = {"durationInSeconds": -1}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"startTimeInSeconds": None}, "does not say when it began"),
        ({"startTimeInSeconds": at(0) * 1000}, "does not say when it began"),
        ({"startTimeInSeconds": -5}, "does not say when it began"),
        ({"startTimeInSeconds": "x"}, "does not say when it began"),
        (NO_TOTAL | {"deepSleepDurationInSeconds": 10**9}, "nobody sleeps"),
        (NO_TOTAL | {"remSleepInSeconds": "much"}, "nobody sleeps"),
        ({"durationInSeconds": None, "awakeDurationInSeconds": 45 * 3600}, "48 hours"),
        ({"lightSleepDurationInSeconds": 40 * 3600}, "longer than itself"),
        ({"awakeDurationInSeconds": 40 * 3600, "durationInSeconds": 28800}, "awake for longer"),
        ({"startTimeInSeconds": at(60 * 24 * 9)}, "in the future"),
        ({"summaryId": 7}, "summaryId"),
    ],
)
def test_a_sleep_that_cannot_be_read_is_kept_with_its_reason(
    change: dict[str, Any], problem: str
) -> None:
    told = sleep(sleepLevelsMap=None) | change
    item, good = items(sleeps=[told, sleep()])
    (raw,) = item.raws
    assert item.problem is None
    assert problem in (raw.problem or "")
    assert json.loads(raw.payload) == told
    assert good.raws[0].problem is None


def test_a_sleep_of_no_length_is_kept_with_its_reason() -> None:
    (raw,) = [raw for item in items(sleeps=[by_hand(minutes=0)]) for raw in item.raws]
    assert raw.problem == "lasts no time at all"


@pytest.mark.parametrize("whole", [b"", b"[]", b"null", b"7", b'{"sleeps": [}', b"\xff", b"<html>"])
def test_what_is_no_body_says_so(whole: bytes) -> None:
    with pytest.raises(Malformed, match="Summary Resender"):
        list(HOOK.read(whole, NOW))


def test_a_body_of_ten_megabytes_is_read() -> None:
    told = sleep(note="x" * 20_000)
    nights = [told | {"summaryId": f"x{n}"} for n in range(600)]
    whole = body(sleeps=nights)
    assert 10 * 2**20 < len(whole) < HOOK.largest
    assert sum(len(item.raws) for item in HOOK.read(whole, NOW)) == 600


def test_numbers_are_kept_byte_for_byte() -> None:
    whole = b'{"sleeps": [ {"userId":"%s","summaryId":"x1","startTimeInSeconds":1795212420,' % (
        ME.encode()
    )
    whole += b'"durationInSeconds":24960.0, "odd":1.2300e1} ]}'
    (item,) = HOOK.read(whole, NOW)
    assert bytes(version(item.raws[0].payload).told) == whole[13:-3]


def test_a_mark_of_the_order_of_bytes_is_passed_over() -> None:
    assert list(HOOK.read(b"\xef\xbb\xbf" + body(sleeps=[sleep()]), NOW)) == items(sleeps=[sleep()])
    whole = b"\xef\xbb\xbf" + json.dumps([sleep()]).encode()
    assert len(list(collect(lies_there(whole), ADDRESS, NOW))) == 1


LARGE = "9" * 6000


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "Infinity", "1e999", LARGE])
def test_a_number_that_nobody_can_read_costs_only_itself(value: str) -> None:
    """JSON has no NaN, and some who write JSON do not care."""
    told = sleep() | {"note": "NaN, \\"}
    good = json.dumps(told)
    odd = f'{{"userId": "{ME}", "summaryId": "x", "startTimeInSeconds": {value}}}'
    scored = json.dumps(sleep(begin=-1440, odd=0.25) | {"score": "here"}).replace('"here"', value)
    whole = f'{{"sleeps": [{odd}, {good}, {scored}]}}'.encode()
    bad, fine, other = HOOK.read(whole, NOW)
    assert [raw.problem for raw in bad.raws] == ["does not say when it began"]
    assert fine.raws == items(sleeps=[told, told])[1].raws
    assert other.raws[0].problem is None
    assert value.encode() in other.raws[0].payload  # kept, as text
    pulled = list(collect(lies_there(f"[{scored}]".encode()), ADDRESS, NOW))
    assert [raw.problem for raw in pulled] == [None]


def test_what_is_nested_without_end_does_no_harm() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(Malformed):
        list(HOOK.read(b'{"sleeps":' + deep + b"}", NOW))
    with pytest.raises(Malformed):
        list(HOOK.read(b'{"sleeps":["' + b'\\"' * 100_000, NOW))


@pytest.mark.parametrize("whose", ["evil\x1b[31mRED\x1b[0m\nUser", 10**40, 7, "", None, "a" * 65])
def test_whose_it_is_must_be_a_name(whose: object) -> None:
    bad, fine = items(sleeps=[sleep() | {"userId": whose}, sleep()])
    assert (bad.account, bad.raws) == ("", ())
    assert bad.problem == "does not say whose it is: there is no userId that can be read"
    assert fine.account == ME


def test_the_name_of_a_type_is_told_on_one_line() -> None:
    (item,) = items(HRV=7)
    assert item.problem == "holds something under HRV that is no list"


# -- where a ping may lead -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS,
        ADDRESS.replace("apis.garmin.com", "APIS.Garmin.COM"),
        ADDRESS.replace("apis.garmin.com", "apis.garmin.com:443"),
        ADDRESS.replace("https", "HTTPS"),
    ],
)
def test_garmins_own_address_is_taken_in_one_spelling(address: str) -> None:
    (item,) = items(sleeps=[{"userId": ME, "callbackURL": address}])
    assert (item.account, item.address, item.problem) == (ME, ADDRESS, None)


HOSTILE = [
    "http://apis.garmin.com/wellness-api/rest/sleeps?token=a",
    "https://apis.garmin.com.evil.example/wellness-api/rest/sleeps?token=a",
    "https://apis.garmin.com@evil.example/wellness-api/rest/sleeps",
    "https://evil.example@apis.garmin.com/wellness-api/rest/sleeps",
    "https://user:word@apis.garmin.com/wellness-api/rest/sleeps",
    "https://169.254.169.254/wellness-api/rest/sleeps",
    "https://[::1]/wellness-api/rest/sleeps",
    "https://apis.garmin.com:8443/wellness-api/rest/sleeps",
    "https://apis.garmin.com:443:443/wellness-api/rest/sleeps",
    "https://apis.garmin.com:/wellness-api/rest/sleeps",
    "https://apis.garmin.com./wellness-api/rest/sleeps",
    "https://apıs.garmin.com/wellness-api/rest/sleeps",
    "https://xapis.garmin.com/wellness-api/rest/sleeps",
    "https://apis.garmin.com/../../sleeps",
    "https://apis.garmin.com/wellness-api/rest/../sleeps",
    "https://apis.garmin.com/wellness-api/rest/%2e%2e/sleeps",
    "https://apis.garmin.com/wellness-api/rest//sleeps",
    "https://apis.garmin.com/wellness-api/rest/backfill/sleeps?summaryStartTimeInSeconds=1",
    "https://apis.garmin.com/wellness-api/rest/user/registration",
    "https://apis.garmin.com/wellness-api/rest/sleeps/",
    "https://apis.garmin.com/wellness-api/rest/sleeps#x",
    "https://apis.garmin.com/wellness-api/rest/sleeps?a=b#@evil.example/",
    "https://apis.garmin.com\\@evil.example/wellness-api/rest/sleeps",
    "https:\\\\apis.garmin.com/wellness-api/rest/sleeps",
    "https:apis.garmin.com/wellness-api/rest/sleeps",
    "//apis.garmin.com/wellness-api/rest/sleeps",
    "https://apis.garmin.com/wellness-api/rest/sleeps?a=b\r\nHost: evil.example",
    "https://apis.garmin.com/wellness-api/rest/sleeps?a=b\n",
    " https://apis.garmin.com/wellness-api/rest/sleeps",
    "https://apis.garmin.com/wellness-api/rest/sleeps?a=" + "b" * 5000,
    "file:///etc/passwd",
    "",
    None,
    7,
    ["https://apis.garmin.com/wellness-api/rest/sleeps"],
]


@pytest.mark.parametrize("address", HOSTILE)
def test_any_other_address_is_asked_by_nobody(address: Any) -> None:
    assert checked(address) is None
    (item,) = items(sleeps=[{"userId": ME, "callbackURL": address}])
    assert item.address is None
    assert item.problem
    client = Recorded(HEALTH.api, ())
    with pytest.raises(Malformed):
        list(collect(client, str(address), NOW))
    assert client.asked == []


def test_an_address_of_another_type_is_a_problem() -> None:
    (item,) = items(hrv=[{"userId": ME, "callbackURL": ADDRESS}])
    assert item.address is None
    assert item.problem


def lies_there(told: object, status: int = 200) -> Recorded:
    whole = told if isinstance(told, bytes) else json.dumps(told).encode()
    reply = Reply(status, {}, whole)
    return Recorded(HEALTH.api, (Exchange(method="GET", path=ADDRESS, carries={}, reply=reply),))


def test_what_lies_at_an_address_is_what_would_have_been_pushed() -> None:
    bare = {name: value for name, value in sleep().items() if name != "userId"}
    (raw,) = collect(lies_there([bare]), ADDRESS, NOW)
    (same,) = pushed(sleeps=[sleep()])
    assert (raw.key, raw.start, raw.end, raw.zone) == (same.key, same.start, same.end, same.zone)
    assert raw.start == dt.datetime(2026, 11, 20, 22, tzinfo=dt.UTC)


@pytest.mark.parametrize(("told", "status"), [([], 200), (b"", 200), (b"", 204)])
def test_an_address_may_hold_nothing(told: object, status: int) -> None:
    assert list(collect(lies_there(told, status), ADDRESS, NOW)) == []


def test_what_is_no_list_at_an_address_is_refused() -> None:
    with pytest.raises(Malformed, match="no list"):
        list(collect(lies_there({"sleeps": []}), ADDRESS, NOW))


# -- samples that others made ----------------------------------------------------------------------

SHARED = Path(__file__).parents[3] / "shared" / "samples" / "garmin"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the samples do not lie beside this project")
def test_of_the_hostile_samples_only_the_last_is_asked() -> None:
    found = list(HOOK.read((SHARED / "ping_hostile_callback_urls.json").read_bytes(), NOW))
    assert [item.address is not None for item in found] == [False] * 6 + [True]
