"""The archive of Google Takeout: what its sleeps become, whole and broken, and what is beside."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

import pytest

from sleepbalance.errors import Malformed
from sleepbalance.model import MANUAL_MARK, UNNAMED, Kind, Method, Session, Stage, Vital
from sleepbalance.provider import File, Finished, Raw
from sleepbalance.providers.fitbit import PROVIDER
from sleepbalance.testing import NOW, Bytes, handed_over, together
from tests.fitbit.sample import BERLIN, BLOCK, NAP, NIGHT, PATH, made
from tests.takeouts import DATA, LOGS, SCORES, SLEEPS, Takeout, entry

DOOR = next(door for door in PROVIDER.doors if isinstance(door, File))
EVENING = dt.datetime(2026, 9, 10, 22, 41, 30, tzinfo=BERLIN)
SHORT = ((2400, 90), (12_000, 60))


def members(takeout: Takeout) -> list[Bytes]:
    return [Bytes(name, data) for name, data in takeout.files.items()]


def read(takeout: Takeout) -> tuple[list[Raw], Finished]:
    wanted = [member for member in members(takeout) if DOOR.recognises(member)]
    *raws, finished = DOOR.read(wanted, NOW)
    assert isinstance(finished, Finished)
    return [raw for raw in raws if isinstance(raw, Raw)], finished


def sessions(raws: Iterable[Raw]) -> list[Session]:
    found = [PROVIDER.normalise(group) for group in together(raws, PROVIDER.reach)]
    assert all(one.aside == () for one in found)
    return sorted((s for one in found for s in one.sessions), key=lambda s: s.start)


def of(takeout: Takeout) -> list[Session]:
    raws, finished = read(takeout)
    assert finished.problems == ()
    assert [raw.problem for raw in raws if raw.problem] == []
    return sessions(raws)


def one_of(takeout: Takeout) -> Session:
    (session,) = of(takeout)
    return session


def one(*logs: dict[str, Any]) -> Session:
    (session,) = of(Takeout().logs("2026-09-01", logs))
    return session


def seconds(session: Session, *stages: Stage) -> int:
    return sum(s.seconds for s in session.hypnogram if s.stage in stages)


def night(**more: Any) -> dict[str, Any]:
    return entry(EVENING, NIGHT, 501, SHORT, **more)


# -- log entries ---------------------------------------------------------------------------------


def test_a_staged_night_has_its_short_awakenings_cut_in() -> None:
    session = one(night())
    assert (session.source.key, session.method, session.kind) == (
        UNNAMED,
        Method.DEVICE,
        Kind.MAIN,
    )
    assert session.wall
    assert session.zone_start is None
    assert session.start == dt.datetime(2026, 9, 10, 22, 41, 30, tzinfo=dt.UTC)
    assert session.maker_date == dt.date(2026, 9, 11)
    assert seconds(session, Stage.AWAKE) == 1200 + 90 + 60
    assert seconds(session, Stage.LIGHT) == 5400 + 2700 + 6300 - 90 - 60  # where they lie
    assert seconds(session, Stage.DEEP) == 3600
    assert session.in_bed == session.parts
    assert session.maker["efficiency"] == 92
    assert session.maker["minutesAsleep"] == (24_600 - 1200 - 150) // 60


def test_in_a_classic_log_restless_is_no_sleep() -> None:
    session = one(entry(EVENING, NAP, 502, mainSleep=False))
    assert seconds(session, Stage.ASLEEP) == 2400
    assert seconds(session, Stage.RESTLESS) == 120
    assert seconds(session, Stage.AWAKE) == 60
    assert session.kind == Kind.NAP


def test_a_second_part_of_a_night_is_no_nap() -> None:
    assert one(night(mainSleep=False)).kind is None


def test_what_the_old_api_called_the_main_sleep() -> None:
    told = {k: v for k, v in night().items() if k != "mainSleep"}
    assert one(told | {"isMainSleep": True}).kind == Kind.MAIN
    assert one(told).kind is None


def test_a_hand_entry_is_a_source_of_its_own() -> None:
    session = one(entry(EVENING, BLOCK, 503, logType="manual"))
    assert session.source.key == UNNAMED + MANUAL_MARK
    assert session.method == Method.MANUAL
    assert session.in_bed == ()


def test_stages_cannot_be_typed_in() -> None:
    assert one(night(logType="manual")).method == Method.DEVICE


def test_a_log_of_the_first_years_tells_minutes() -> None:
    session = of(made())[0]
    assert session.start == dt.datetime(2012, 3, 4, 23, 50, tzinfo=dt.UTC)
    assert seconds(session, Stage.ASLEEP) == 16 * 60
    assert seconds(session, Stage.RESTLESS) == 3 * 60
    assert seconds(session, Stage.AWAKE) == 60
    assert session.hypnogram[-1].end == 20 * 60  # past midnight


def test_sums_stand_where_there_are_no_stages() -> None:
    told = night()
    told["levels"] = {"summary": told["levels"]["summary"]}
    totals = one(told).totals
    assert totals is not None
    assert (totals.deep, totals.rem) == (3600, 5400)
    told["levels"] = {}
    totals = one(told).totals
    assert totals is not None
    assert totals.light is None
    assert totals.asleep == told["minutesAsleep"] * 60
    assert totals.awake == told["minutesAwake"] * 60


def test_a_stage_that_nobody_has_heard_of_is_unknown() -> None:
    session = one(entry(EVENING, ((3600, "light"), (600, "hypnagogic"), (3600, "rem")), 504))
    assert seconds(session, Stage.UNKNOWN) == 600


def test_a_later_file_wins() -> None:
    takeout = Takeout().logs("2026-08-01", [night(efficiency=1)])
    takeout.logs("2026-09-01", [night(efficiency=2)])
    raws, _ = read(takeout)
    payloads = [raw.payload for raw in raws]
    assert len({raw.key for raw in raws}) == 1
    assert PROVIDER.merge(raws[0].kind, payloads) == payloads[1]
    assert b'"efficiency": 2' in payloads[1]


# -- what was measured beside --------------------------------------------------------------------


def test_the_sample_has_everything_in_its_place() -> None:
    _, first, nap, second, hand = of(made())
    assert first.vitals == {
        "hrv_rmssd": Vital(41.337),
        "breathing_rate": Vital(14.6),
        "spo2": Vital(95.8),
        "skin_temperature": Vital(33.94),
    }
    score = first.maker["score"]
    assert isinstance(score, dict)
    assert score["overall_score"] == "81"
    assert "composition_score" not in score  # empty
    assert first.maker["restingHeartRate"] == 54.2
    assert nap.vitals == hand.vitals == {}
    assert second.vitals == {}  # 50.0 is what is written for "could not be measured"
    score = second.maker["score"]
    assert isinstance(score, dict)
    assert "duration_score" not in score  # -1


def test_samples_count_where_there_is_no_number_of_the_night() -> None:
    takeout = made()
    for name in list(takeout.files):
        if "Daily" in name:
            del takeout.files[name]
    session = next(s for s in of(takeout) if s.external_id == "log/50100000001")
    assert session.vitals["hrv_rmssd"].samples == 24
    oxygen = session.vitals["spo2"]
    assert oxygen.low is not None
    assert oxygen.low >= 95
    assert oxygen.samples == 34  # of forty, six say 50.0


# -- what is told apart, and what is broken ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "ours"),
    [
        ("sleep.json", json.dumps([night()]), True),
        ("my_sleep_2019.json", json.dumps({"sleep": [night()]}), True),
        (f"Archiv/Fitbit/{LOGS}/sleep-2026-09-01.json", "[]", True),
        ("sleep-2026-09-01.json", "[]", False),
        ("sleepData.json", '[{"sleepStartTimestampGMT": 1}]', False),
        (f"Takeout/Fitbit/{LOGS}/heart_rate-2026-09-01.json", "[]", False),
        (f"Takeout/Fitbit/{LOGS}/steps-2026-09-01.json", "[]", False),
        ("UserSleeps_2026-09-01.csv", SLEEPS, True),
        ("UserSleeps_2026-09-01.csv", "\x89PNG\x00", False),
        ("UserExercises_2026-09-01.csv", "a,b", False),
        ("Heart Rate Variability Histogram - 1.csv", "a,b", False),
    ],
)
def test_what_is_read(name: str, data: str, ours: bool) -> None:
    assert DOOR.recognises(Bytes(name, data.encode())) is ours


def test_the_old_apis_answer_is_read_too() -> None:
    answer = json.dumps({"sleep": [night()], "summary": {}}).encode()
    raws = list(DOOR.read([Bytes("sleep.json", answer)], NOW))
    assert isinstance(raws[0], Raw)
    assert raws[0].key == "log/501"


def chunk(data: bytes) -> tuple[list[Raw], Finished]:
    return read(Takeout().put(f"{LOGS}/sleep-2026-09-01.json", data))


def test_half_a_file_gives_what_it_has() -> None:
    nights = [entry(EVENING - dt.timedelta(days=n), NIGHT, 600 + n) for n in range(4)]
    data = json.dumps(nights, indent=1).encode()
    raws, finished = chunk(data[: len(data) * 5 // 8])
    assert [raw.problem is None for raw in raws] == [True, True, False]
    assert finished.problems == (
        "sleep-2026-09-01.json is cut off at its end; everything before was read",
    )
    assert chunk(data[: data.rindex(b"]")])[1].problems  # all entries, and no end


def test_one_damaged_entry_costs_that_entry() -> None:
    nights = [entry(EVENING - dt.timedelta(days=n), NIGHT, 600 + n) for n in range(3)]
    data = json.dumps(nights).encode().replace(b'"logId": 601, "dateOfSleep"', b'"logId": 601 "x')
    raws, finished = chunk(data)
    assert sorted(raw.key for raw in raws if raw.problem is None) == ["log/600", "log/602"]
    assert [raw.problem for raw in raws if raw.problem] == ["is no sleep log: damaged, or cut off"]
    assert finished.problems == ("sleep-2026-09-01.json is damaged; what is whole of it was read",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"startTime": None}, "does not say when it began and ended"),
        ({"startTime": "2026-13-45T00:00:00.000"}, "does not say when it began and ended"),
        ({"startTime": "1999-09-10T22:00:00.000"}, "lasts longer than 48 hours"),
        ({"endTime": "2026-09-10T22:00:00.000"}, "ends before it begins, or lasts no time at all"),
        ({"logId": None}, "has no id"),
    ],
)
def test_an_absurd_entry_is_set_aside(change: dict[str, Any], problem: str) -> None:
    raws, _ = chunk(json.dumps([night() | change, entry(EVENING, NAP, 7)]).encode())
    assert sorted(raw.problem or "" for raw in raws) == ["", problem]


@pytest.mark.parametrize("value", [None, "x", [], {}, 1e308, -5, True, "NaN"])
def test_wrong_types_inside_cost_no_sleep(value: Any) -> None:
    told = night(minutesAsleep=value, duration=value, efficiency=value, mainSleep=value)
    told["levels"]["data"][2] = value
    told["levels"]["data"][3]["seconds"] = value
    told["levels"]["shortData"] = value
    session = one(told)
    assert seconds(session, Stage.REM) == 5400


def test_byte_order_marks_and_line_ends_of_other_systems() -> None:
    takeout = Takeout().row(EVENING, NIGHT, "81").logs("2026-09-01", [night()])
    for name, data in takeout.files.items():
        takeout.files[name] = b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")
    assert one_of(takeout).zone_start == "+02:00"


def test_semicolons_separate_too() -> None:
    takeout = Takeout().row(EVENING, NIGHT, "81")
    for name, data in takeout.files.items():
        takeout.files[name] = data.replace(b",", b";")
    assert seconds(one_of(takeout), Stage.REM) == 5400


def test_columns_that_are_not_there_are_named() -> None:
    takeout = Takeout().logs("2026-09-01", [night()])
    takeout.put(f"{DATA}/UserSleeps_2026-09-01.csv", "Schlaf-ID,Beginn,Ende\n1,2,3\n")
    raws, finished = read(takeout)
    assert [raw.key for raw in raws] == ["log/501"]
    (problem,) = finished.problems
    assert problem.startswith("UserSleeps_2026-09-01.csv has no column sleep_id")


def test_empty_tables_are_nothing_special() -> None:
    takeout = Takeout().logs("2026-09-01", [night()])
    takeout.put(f"{DATA}/UserSleeps_2026-09-01.csv", "").table(
        "Sleep Score/sleep_score.csv", SCORES, []
    )
    assert one_of(takeout).external_id == "log/501"


def test_half_lines_are_counted() -> None:
    takeout = Takeout().row(EVENING, NIGHT, "81")
    takeout.files[f"{takeout.root}/{DATA}/UserSleeps_2026-09-01.csv"] += b"82,STAGES,4"
    raws, finished = read(takeout)
    assert [raw.key for raw in raws if not raw.companion] == ["row/81"]
    assert finished.problems == (
        "UserSleeps_2026-09-01.csv: one line could not be read, the rest was",
    )


def test_a_long_file_is_read_piece_by_piece() -> None:
    nights = [entry(EVENING - dt.timedelta(days=n), NIGHT * 5, 1000 + n) for n in range(900)]
    data = json.dumps(nights, indent=2).encode()
    assert len(data) > 5 * 2**20
    raws, finished = chunk(data)
    assert finished.problems == ()
    assert len({raw.key for raw in raws}) == 900
    assert all(raw.problem is None for raw in raws)


def test_what_is_encrypted_says_so() -> None:
    name = f"Takeout/Fitbit/{LOGS}/sleep-2026-09-01.json"
    assert DOOR.recognises(Bytes(name, b"", encrypted=True))
    assert not DOOR.recognises(Bytes("Takeout/Fitbit/steps.json", b"", encrypted=True))


class Shut(Bytes):
    """A member that cannot be opened."""

    def open(self) -> Any:
        raise Malformed(f"{self.name} is encrypted")


def test_all_shut_is_a_failure_and_one_a_problem() -> None:
    shut = [Shut(f"{LOGS}/sleep-2026-0{n}-01.json", b"[") for n in range(1, 10)]
    with pytest.raises(Malformed, match="encrypted"):
        list(DOOR.read(shut, NOW))
    raws = list(DOOR.read([*shut, *members(made())], NOW))
    finished = raws[-1]
    assert isinstance(finished, Finished)
    assert len(finished.problems) == 9  # eight, and how many more
    assert finished.problems[-1] == "and 1 more like these"


def test_the_sample_is_what_its_maker_makes() -> None:
    (sample,) = handed_over(PATH)
    assert {m.name: m.data for m in sample.members} == made().files
