"""What others recorded of the live service, if it lies beside this project.

Each sleep is compared with Oura's own sums and day. Where they differ, it is for one of the reasons
that docs/definitions.md and docs/providers/oura.md give: a day that ends at 18:00, and onset and
waking that are known to five minutes.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.errors import Malformed, NotEntitled
from sleepbalance.model import Kind, Report, Session
from sleepbalance.nights.parts import parts_of
from sleepbalance.provider import Finished, Grant, Raw, Reply
from sleepbalance.providers.oura import PROVIDER
from sleepbalance.providers.oura.doors import API, unwrap
from sleepbalance.providers.oura.export import read, recognises
from sleepbalance.testing import Bytes
from tests.oura.made import BASE, answer, client, day_of, raw_of

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "oura"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="what others recorded does not lie beside this project"
)

PACK = "sleep_variety_pack.real.json"
# Of each record: what it is here, and the seconds of sleep that its string of five minutes shows
KNOWN: dict[str, tuple[Kind | None, int]] = {
    "96e7772a": (Kind.MAIN, 23400),  # Oura: 23220
    "c45e23d6": (Kind.NAP, 2400),  # 2580
    "83b66e04": (Kind.UNCONFIRMED, 0),  # 30
    "90db7a5f": (Kind.UNCONFIRMED, 2400),  # 2370
    "ae1a46cc": (Kind.MAIN, 25728),  # 26310
}
WITHDRAWN = {"efbf938c"}  # `rest`
OTHER_DAY = {"83b66e04"}  # it ended at 22:53, which is Oura's next day


def recorded(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def pack() -> dict[str, dict[str, Any]]:
    return {told["id"][:8]: told for told in recorded(PACK)["data"]}


def session(told: dict[str, Any]) -> Session:
    (found,) = PROVIDER.normalise([raw_of(told)]).sessions
    return found


def test_every_record_is_known_here() -> None:
    assert pack().keys() == KNOWN.keys() | WITHDRAWN


@pytest.mark.parametrize("name", KNOWN)
def test_totals_are_ouras(name: str) -> None:
    told = pack()[name]
    found = session(told)
    (part,) = parts_of(Report(id="r", provider="oura", account="", session=found))
    assert part.tally.total == told["total_sleep_duration"]
    if found.hypnogram:
        stages = (part.tally.light, part.tally.deep, part.tally.rem)
        kinds = ("light", "deep", "rem")
        assert stages == tuple(told[f"{kind}_sleep_duration"] for kind in kinds)
    assert (found.end - found.start).total_seconds() == told["time_in_bed"]


@pytest.mark.parametrize(("name", "kind", "shown"), [(n, *known) for n, known in KNOWN.items()])
def test_what_it_is_and_what_its_string_shows(name: str, kind: Kind, shown: int) -> None:
    found = session(pack()[name])
    assert found.kind is kind
    assert sum(s.seconds for s in found.hypnogram if s.stage.is_sleep) == shown
    assert found.coarse == bool(shown)


@pytest.mark.parametrize("name", KNOWN)
def test_the_day_is_ouras_but_for_what_ends_in_the_evening(name: str) -> None:
    told = pack()[name]
    found = session(told)
    woke = dt.datetime.fromisoformat(told["bedtime_end"])
    assert found.maker_date is not None
    assert (found.maker_date == woke.date()) == (name not in OTHER_DAY)
    assert (woke.replace(tzinfo=None) + dt.timedelta(hours=6)).date() == found.maker_date
    assert found.zone_end == told["bedtime_end"][-6:]


def test_what_was_rejected_is_taken_back() -> None:
    result = PROVIDER.normalise([raw_of(told) for told in pack().values()])
    assert {name[6:14] for name in result.withdrawn} == WITHDRAWN
    assert len(result.sessions) == len(KNOWN)


def test_our_onset_is_earlier_than_ouras() -> None:
    """Hers needs sleep that lasts: 930 s against 300."""
    told = recorded("sleep_single_long_sleep.real.json")
    found = session(told)
    first = next(s for s in found.hypnogram if s.stage.is_sleep)
    assert (first.offset, told["latency"]) == (300, 930)
    assert found.maker["latency"] == 930


def test_vitals_are_ouras() -> None:
    found = session(pack()["96e7772a"])
    beats = found.vitals["heart_rate"]
    assert (beats.mean, beats.low, beats.samples) == (71.25, 60, None)
    assert beats.high == 82
    assert found.vitals["hrv_rmssd"].mean == 38
    assert found.vitals["breathing_rate"].mean == 14.5
    nothing = session(pack()["83b66e04"]).vitals["heart_rate"]
    assert nothing.low is None  # 255


def test_days_are_read() -> None:
    (oxygen, *_) = recorded("daily_spo2_list.real.json")["data"]
    (score, *_) = recorded("daily_sleep_list.real.json")["data"]
    night = pack()["96e7772a"] | {"day": oxygen["day"]}
    beside = [day_of("spo2", **oxygen), day_of("score", **score)]
    (found,) = PROVIDER.normalise([raw_of(night), *beside]).sessions
    assert found.vitals["spo2"].mean == 98.072
    assert (found.maker["score"], found.maker["breathing_disturbance_index"]) == (77, 15)


def test_the_export_says_the_same() -> None:
    member = Bytes("App Data/x.csv", (FOLDER / "export_sleepmodel.constructed.csv").read_bytes())
    assert recognises(member)
    *raws, last = read([member], dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
    assert last == Finished()
    result = PROVIDER.normalise([raw for raw in raws if isinstance(raw, Raw)])
    assert result.aside == ()
    assert {name[6:14] for name in result.withdrawn} == {*WITHDRAWN, "00000000"}
    for found in result.sessions:
        same = session(pack()[found.external_id[6:14]])
        assert (found.hypnogram, found.totals) == (same.hypnogram, same.totals)
        assert (found.start, found.end, found.kind) == (same.start, same.end, same.kind)
        assert found.vitals == same.vitals
    assert len(result.sessions) == len(KNOWN)


def test_account_and_tokens_are_read() -> None:
    told = recorded("personal_info.real_anonymised.json")
    asked = client(answer(BASE + "personal_info", told))
    assert API.identify(asked, Grant(access="a")).id == told["id"]
    (reply, *_) = recorded("oauth_and_errors.constructed.json")
    assert unwrap(reply["body"]).scopes == frozenset({"daily", "email", "personal"})


@pytest.mark.parametrize(
    ("status", "meant"), [(401, type(None)), (403, NotEntitled), (429, type(None))]
)
def test_refusals_are_understood(status: int, meant: type) -> None:
    (found,) = [r for r in recorded("oauth_and_errors.constructed.json") if r["status"] == status]
    body = json.dumps(found["body"]).encode()
    assert type(API.fault(Reply(status, {}, body, "/v2/usercollection/sleep"))) is meant


def test_a_document_that_is_not_there_and_a_range_the_wrong_way_round() -> None:
    for found in recorded("errors_and_edge_responses.json")[:3]:
        body = json.dumps(found["body"]).encode()
        error = API.fault(Reply(found["status"], {}, body))
        assert type(error) is Malformed
        assert "Oura says: " in str(error)
