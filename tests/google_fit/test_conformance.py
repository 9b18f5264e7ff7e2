"""What others recorded of the live service, if it lies beside this project.

There are no sums of the maker's to compare with: Google Fit has none. Each sample is read whole,
and what is told of it here was counted by hand.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.model import Session, Totals, Vital
from sleepbalance.provider import Ask, Raw
from sleepbalance.providers.google_fit import PROVIDER
from tests.google_fit.made import ACTIVITIES, HEARTS, STAGES, Fit, Json, fetch, session

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "google"
APP = "com.northcube.sleepcycle"
HOURS = dt.timedelta(hours=1)

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="what others recorded does not lie beside this project"
)


def recorded(name: str) -> Any:
    return json.loads((FOLDER / f"googlefit_{name}.json").read_text(encoding="utf-8"))


def around(when: dt.datetime, *sleeps: Raw) -> Ask:
    day = dt.timedelta(days=1)
    return Ask(start=when - day, end=when + day, now=when + day, account="42", sleeps=sleeps)


def read(told: Json, streams: dict[str, list[Json]]) -> tuple[Raw, Session]:
    end = dt.datetime.fromtimestamp(int(told["endTimeMillis"]) / 1000, dt.UTC)
    (raw,) = fetch("sleep", Fit([told], streams), around(end))
    result = PROVIDER.normalise([raw])
    assert (raw.problem, result.aside) == (None, ())
    return raw, result.sessions[0]


def test_a_session_without_stages() -> None:
    (told,) = recorded("sessions_list")["session"]
    raw, found = read(told, {STAGES: [], ACTIVITIES: []})
    assert (raw.source.key, raw.source.name) == (APP, APP)
    assert raw.key == f"sleep/{APP}.1571696890917"
    assert found.start == dt.datetime(2019, 10, 21, 22, 28, 10, tzinfo=dt.UTC)
    assert found.end == dt.datetime(2019, 10, 22, 5, 52, 59, tzinfo=dt.UTC)
    assert found.totals == Totals(asleep=26_689)
    assert found.revised_at == dt.datetime(2019, 10, 22, 6, 36, 13, tzinfo=dt.UTC)
    assert found.maker["name"] == "Analyse du sommeil"


def test_a_session_with_stages_under_another_name() -> None:
    """They end after 150 of 445 minutes; of the rest nobody knows."""
    (told,) = recorded("sessions_list")["session"]
    _, found = read(told, {STAGES: recorded("dataset_sleep_segment_constructed")["point"]})
    minutes = [(s.seconds / 60, s.stage.value) for s in found.hypnogram]
    assert minutes == [(25, "light"), (35, "deep"), (25, "rem"), (5, "awake"), (60, "light")]
    assert found.hypnogram[0].offset == 0
    assert found.totals is None


def test_a_nap_that_is_an_activity_typed_in() -> None:
    (point,) = recorded("dataset_activity_segment_sleep")["point"]
    edges = {f"{e}TimeMillis": point[f"{e}TimeNanos"][:-6] for e in ("start", "end")}
    told = session(app="com.google.android.apps.fitness", modifiedTimeMillis=None) | edges
    raw, found = read(told, {STAGES: [], ACTIVITIES: [point]})
    assert raw.source.key == "com.google.android.apps.fitness#manual"
    assert (found.method.value, found.totals) == ("manual", Totals(asleep=1800))


@pytest.mark.parametrize(
    ("app", "when", "value"),
    [
        ("com.azumio.instantheartrate.full", dt.datetime(2015, 1, 30, 15, tzinfo=dt.UTC), 54.0),
        ("si.modula.android.instantheartrate", dt.datetime(2015, 7, 10, 14, tzinfo=dt.UTC), 58.0),
    ],
)
def test_heart_rates_go_to_the_sleeps_of_their_app(
    app: str, when: dt.datetime, value: float
) -> None:
    edges = [int((when + HOURS * n).timestamp()) * 1000 for n in (0, 2)]
    times = {"startTimeMillis": str(edges[0]), "endTimeMillis": str(edges[1])}
    raw, _ = read(session(app=app) | times, {STAGES: [], ACTIVITIES: []})
    client = Fit([], {HEARTS: recorded("dataset_heart_rate")["point"]})
    (pack,) = fetch("heart rate", client, around(when, raw))
    (found,) = PROVIDER.normalise([raw, pack]).sessions
    assert found.vitals == {"heart_rate": Vital(value, value, value, 1)}
