"""What others recorded of the live service, if it lies beside this project.

Each sleep is compared with the maker's own sums. Where they differ, it is for one of the reasons
that docs/definitions.md and docs/providers/fitbit.md give: short awakenings, which Google's sums do
not take out, and publishers who left stages out of what they show.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.errors import (
    Fatal,
    NeedsReconnect,
    ScopeMissing,
)
from sleepbalance.model import Kind, Session, Vital
from sleepbalance.provider import Answer, Grant, Raw, Reply, standard_grant
from sleepbalance.providers.fitbit import API, PROVIDER
from tests.fitbit.made import SLEEPS, TYPES, answer, ask, client, fetch, point, raw_of, stretch

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "google"
LATER = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="what others recorded does not lie beside this project"
)


def recorded(name: str) -> Any:
    return json.loads((FOLDER / f"gh_{name}.json").read_text(encoding="utf-8"))


def sleeps(name: str) -> list[Session]:
    raws = fetch("sleep", client(answer(SLEEPS, recorded(name))), ask(400, end=LATER))
    result = PROVIDER.normalise(raws)
    assert result.aside == ()
    return list(result.sessions)


def minutes(session: Session) -> float:
    return sum(s.seconds for s in session.hypnogram if s.stage.is_sleep) / 60


def test_a_night_of_a_watch_differs_by_what_its_publisher_left_out() -> None:
    (session,) = sleeps("sleep_list_stages_pixelwatch4_trimmed")
    (told,) = recorded("sleep_list_stages_pixelwatch4_trimmed")["dataPoints"]
    summary = told["sleep"]["summary"]
    assert session.maker["minutesAsleep"] == summary["minutesAsleep"] == "248"
    assert (session.kind, session.provisional) == (Kind.MAIN, False)
    assert (session.zone_start, session.zone_end) == ("+09:00", "+09:00")
    assert (session.source.key, session.source.device) == ("pixel watch 4", "watch")
    assert (session.end - session.start) == dt.timedelta(minutes=254)
    # two of thirteen stages are shown, AWAKE 6 and LIGHT 13, and one short awakening of a minute
    assert minutes(session) == 12
    awake = sum(s.seconds for s in session.hypnogram if s.stage.is_awake) / 60
    assert awake == int(summary["minutesAwake"]) + 1


def test_the_example_of_the_documents_has_sums_and_no_stages() -> None:
    (session,) = sleeps("sleep_docs_example_charge6")
    assert session.kind == Kind.MAIN  # which this one spells `main`
    totals = session.totals
    assert totals is not None
    assert totals.deep == 114 * 60
    assert (totals.deep or 0) + (totals.asleep or 0) == 407 * 60
    assert totals.awake == 57 * 60


def test_a_sleep_in_progress_is_not_told() -> None:
    assert sleeps("sleep_in_progress_mock") == []


MEASURES = {
    "HRV": ("daily_heart_rate_variability", "hrv_rmssd", 45.0, dt.date(2026, 1, 7)),
    "oxygen": ("daily_oxygen_saturation", "spo2", 96.0, dt.date(2026, 1, 6)),
    "breathing": (
        "daily_respiratory_rate_thirdparty_fixture",
        "breathing_rate",
        14.5,
        dt.date(2026, 6, 22),
    ),
    "skin temperature": (
        "daily_sleep_temperature_derivations_with_nan",
        "skin_temperature",
        34.0,
        dt.date(2026, 1, 4),
    ),
}


def main_sleep(date: dt.date) -> Raw:
    told = point(metadata={"mainSleep": True})
    start = dt.datetime.combine(date, dt.time(), dt.UTC) - dt.timedelta(hours=1)
    told["sleep"]["interval"] |= {
        "startTime": start.isoformat(),
        "endTime": (start + dt.timedelta(hours=7)).isoformat(),
    }
    return raw_of(told)


@pytest.mark.parametrize("name", MEASURES)
def test_a_number_of_the_day_is_found(name: str) -> None:
    file, vital, value, date = MEASURES[name]
    kind = file.removesuffix("_thirdparty_fixture").removesuffix("_with_nan").replace("_", "-")
    asked = client(answer(f"{TYPES}{kind}/dataPoints", recorded(file)))
    sleep = main_sleep(date)
    beside = fetch(name, asked, ask(400, sleep))
    assert all(raw.problem is None for raw in beside)
    (session,) = PROVIDER.normalise([sleep, *beside]).sessions
    assert session.vitals == {vital: Vital(value)}


def test_a_roll_up_of_heart_rates_is_read() -> None:
    told = recorded("rollup_heart_rate_constructed")["response"]
    path = f"{TYPES}heart-rate/dataPoints:rollUp"
    sleep = raw_of(point())
    (raw,) = fetch("heart rate", client(answer(path, told, method="POST")), ask(400, sleep))
    assert raw.problem is None
    (bucket,) = json.loads(raw.payload)
    night = point(stages=[stretch(0, 480, "LIGHT")])
    ends = {name: bucket[name] for name in ("startTime", "endTime")}
    night["sleep"]["interval"] |= ends
    night["sleep"]["stages"] = [ends | {"type": "LIGHT"}]
    (session,) = PROVIDER.normalise([raw_of(night), raw]).sessions
    assert session.vitals == {"heart_rate": Vital(56.4, 48.0, 83.0, 1)}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("400_account_not_linked", NeedsReconnect),
        ("403_scope_insufficient", ScopeMissing),
        ("403_service_disabled", Fatal),
        ("400_invalid_filter_member", Answer),
        ("401_invalid_token", type(None)),
        ("429_resource_exhausted_thirdparty_fixture", type(None)),
        ("token_endpoint_invalid_grant", type(None)),
    ],
)
def test_refusals_are_understood(name: str, meant: type) -> None:
    body = (FOLDER / f"gh_error_{name}.json").read_bytes()
    status = int(name[:3]) if name[:3].isdigit() else 400
    assert type(API.fault(Reply(status, {}, body))) is meant


def test_the_account_is_told() -> None:
    asked = client(answer("v4/users/me/identity", recorded("identity")))
    account = API.identify(asked, Grant(access="a"))
    assert (account.id, account.formerly) == ("mock-health-user-id", ("mock-legacy-user-id",))


def test_a_token_of_a_testing_project_ends_in_a_week() -> None:
    grant = standard_grant(recorded("token_store_testing_mode"))
    assert grant.refresh_expires_in == 601041
    assert len(grant.scopes or ()) == 3
