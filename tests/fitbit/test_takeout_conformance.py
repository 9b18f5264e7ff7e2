"""What others published of their archives, if it lies beside this project.

Each sleep is compared with the maker's own sums and dates. Where they differ it is for a reason
that docs/definitions.md gives: short awakenings are awake, restless is no sleep, and what a
publisher left out of the stages is not made up.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sleepbalance.model import Kind, Method, Session, Stage
from sleepbalance.provider import Raw
from sleepbalance.testing import NOW, Bytes
from tests.fitbit.test_takeout import DOOR, seconds, sessions
from tests.takeouts import LOGS, Takeout

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "google"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="what others published does not lie beside this project"
)


def published(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def told(name: str, **beside: str) -> list[Session]:
    files = [Bytes("sleep.json", published(name))]
    files += [Bytes(path, published(sample)) for path, sample in beside.items()]
    assert all(map(DOOR.recognises, files))
    raws = [raw for raw in DOOR.read(files, NOW) if isinstance(raw, Raw)]
    assert all(raw.problem is None for raw in raws)
    return sessions(raws)


def asleep(session: Session) -> float:
    return seconds(session, *(stage for stage in Stage if stage.is_sleep)) / 60


def entries(name: str) -> list[dict[str, Any]]:
    found = json.loads(published(name))
    listed = found["sleep"] if isinstance(found, dict) else found
    return sorted(listed, key=lambda each: str(each["startTime"]))


@pytest.mark.parametrize(
    "name", ["fitbit_sleep_date_classic.json", "fitbit_sleep_date_range_classic.json"]
)
def test_classic_nights_agree_with_the_makers_sums(name: str) -> None:
    for session, entry in zip(told(name), entries(name), strict=True):
        assert asleep(session) == entry["minutesAsleep"]
        awake = seconds(session, Stage.AWAKE, Stage.RESTLESS) / 60
        assert awake == entry["minutesAwake"]  # the old API's held restless, as ours
        assert session.maker_date == dt.date.fromisoformat(entry["dateOfSleep"])
        assert session.maker_date == session.end.date()
        length = (session.end - session.start).total_seconds()
        assert 0 <= length - entry["duration"] / 1000 <= 30  # which is in whole minutes


def test_the_main_sleep_is_the_makers() -> None:
    kinds = [session.kind for session in told("fitbit_sleep_date_classic.json")]
    assert kinds == [Kind.MAIN, Kind.NAP]
    assert {session.kind for session in told("fitbit_sleep_date_range_classic.json")} == {None}


def test_short_awakenings_of_a_real_night_are_awake() -> None:
    """Its stages alone say 26 minutes awake; with what lies over them it is 62.5."""
    levels = json.loads(published("fitbit_sleep_stages_levels_real.json"))
    first, last = levels["data"][0], levels["data"][-1]
    end = dt.datetime.fromisoformat(last["dateTime"]) + dt.timedelta(seconds=last["seconds"])
    entry = {
        "logId": 1,
        "startTime": first["dateTime"],
        "endTime": end.isoformat(),
        "levels": levels,
    }
    file = (
        Takeout().logs("2023-07-01", [entry]).files[f"Takeout/Fitbit/{LOGS}/sleep-2023-07-01.json"]
    )
    raws = [raw for raw in DOOR.read([Bytes("sleep.json", file)], NOW) if isinstance(raw, Raw)]
    (session,) = sessions(raws)
    assert seconds(session, Stage.AWAKE) == 62.5 * 60
    without = {
        stage: sum(each["seconds"] for each in levels["data"] if each["level"] == stage)
        for stage in ("wake", "light", "rem", "deep")
    }
    assert without["wake"] == 26 * 60
    assert without["light"] - seconds(session, Stage.LIGHT) == 29.5 * 60
    assert without["rem"] - seconds(session, Stage.REM) == 6 * 60
    assert without["deep"] - seconds(session, Stage.DEEP) == 60


def test_an_answer_that_is_pending_holds_no_sleep() -> None:
    pending = Bytes("sleep.json", published("fitbit_sleep_date_pending_meta_constructed.json"))
    assert not DOOR.recognises(pending)


def test_a_night_whose_stages_were_left_out_has_its_sums() -> None:
    """Begun by hand, measured by the device: it has a type that nobody can type in."""
    (session,) = told("takeout_sleep_entry_fitout_comment.json")
    assert session.totals is not None
    assert session.totals.asleep == 474 * 60
    assert session.totals.awake == 57 * 60
    assert session.method == Method.DEVICE
    assert session.kind == Kind.MAIN
    assert session.maker_date == dt.date(2024, 3, 21) == session.end.date()
    assert session.in_bed[0].seconds == 531.5 * 60  # timeInBed is in whole minutes


def test_a_night_of_october_2026_with_its_score() -> None:
    """One of its stages is published, 26 minutes: then the maker's sums are the night."""
    (session,) = told(
        "takeout_sleep_entry_google_health_oct2026.json",
        **{"Sleep Score/sleep_score.csv": "takeout_sleep_score.csv"},
    )
    assert session.hypnogram == ()
    assert session.totals is not None
    assert (session.totals.light, session.totals.deep) == (318 * 60, 47 * 60)
    assert (session.totals.rem, session.totals.asleep) == (24 * 60, 0)
    assert session.maker["minutesAsleep"] == 389
    score = session.maker["score"]
    assert isinstance(score, dict)
    assert score["overall_score"] == "74"
    assert score["resting_heart_rate"] == "53"
    assert session.maker_date == dt.date(2026, 10, 7) == session.end.date()


def test_resting_heart_rates_are_told() -> None:
    name = f"{LOGS}/resting_heart_rate-2024-03-01.json"
    sample = published("takeout_resting_heart_rate-2024-03-01.json")
    log = json.loads(published("takeout_sleep_entry_fitout_comment.json"))[0]
    moved = (
        json.dumps([log]).replace("2024-03-20", "2024-03-01").replace("2024-03-21", "2024-03-02")
    )
    files = [Bytes(name, sample), Bytes("sleep.json", moved.encode())]
    assert all(map(DOOR.recognises, files))
    raws = [raw for raw in DOOR.read(files, NOW) if isinstance(raw, Raw)]
    (session,) = sessions(raws)
    assert session.maker["restingHeartRate"] == 55.069952964782715
