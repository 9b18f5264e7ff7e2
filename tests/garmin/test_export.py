"""The account export: which files are Garmin's, what stands of those that overlap, and damage."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import pytest

from sleepbalance.errors import Malformed
from sleepbalance.model import Method, Totals, Vital
from sleepbalance.provider import Stream
from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.export import BLOCK, LARGEST, read, recognises
from sleepbalance.testing import Bytes
from tests.garmin import exported
from tests.garmin.made import (
    DAY,
    NOW,
    START,
    dto,
    imported,
    kept,
    sessions_of,
    sleep_file,
    told_by_list,
)

DATE = dt.date(2026, 11, 12)


def night(**told: Any) -> dict[str, Any]:
    return exported.night(DATE, 3, **{"retro": False, **told})


# -- which files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "ours"),
    [
        ("x/DI_CONNECT/DI-Connect-Wellness/2026-01-01_2026-04-11_7_sleepData.json", "[]", True),
        ("2026-01-01_2026-04-11_7_SLEEPDATA.JSON", '[{"retro": false}]', True),
        ("UDSFile_2026-01-01_2026-04-11.json", '[{"calendarDate": "2026-01-01"}]', True),
        ("a_healthStatusData.json", "[]", True),
        ("renamed.json", '\ufeff [ {"sleepStartTimestampGMT": "2026-01-01T22:00:00.0"}]', True),
        ("renamed.json", '[{"calendarDate": "2026-01-01", "restingHeartRate": 50}]', True),
        ("renamed.json", '[{"calendarDate": "2026-01-01", "metrics": [{"type": "HRV"}]}]', True),
        ("customer.json", "{}", False),
        ("2026_sleepData.json", "{}", True),  # and reading says that it is none
        ("2026_sleepData.csv", "[]", False),
        ("sleep-2024-01-01.json", '[{"dateTime": "x", "restingHeartRate": 5}]', False),
        ("day.json", '{"dailySleepDTO": {"sleepStartTimestampGMT": 1}}', False),
        ("push.json", '[{"summaryId": "x", "calendarDate": "x", "restingHeartRate": 5}]', False),
        ("other.json", '[{"calendarDate": "2026-01-01", "steps": 5}]', False),
    ],
)
def test_a_file_is_told_by_its_content(name: str, text: str, ours: bool) -> None:
    assert recognises(Bytes(name, text.encode())) is ours


def test_an_encrypted_file_goes_by_its_name() -> None:
    assert recognises(Bytes("a/2026_sleepData.json", b"", encrypted=True))
    assert not recognises(Bytes("a/list.json", b"", encrypted=True))


# -- what is in them -----------------------------------------------------------------------------


def test_a_night_has_totals_and_no_place() -> None:
    told = night()
    (session,) = (s for i, s in sessions_of(sleep_file(told)).items() if i.startswith("day/"))
    assert (session.external_id, session.door) == (f"day/{DATE}", "file")
    assert (session.zone_start, session.zone_end, session.maker_date) == (None, None, DATE)
    assert session.totals == Totals(
        light=told["lightSleepSeconds"],
        deep=told["deepSleepSeconds"],
        rem=told["remSleepSeconds"],
        asleep=0,
        awake=told["awakeSleepSeconds"],
        unmeasured=told["unmeasurableSeconds"],
    )
    spo2 = told["spo2SleepSummary"]
    assert session.vitals["heart_rate"] == Vital(spo2["averageHR"])
    assert session.vitals["spo2"] == Vital(spo2["averageSPO2"], spo2["lowestSPO2"])
    assert session.vitals["breathing_rate"].mean == told["averageRespiration"]
    assert session.maker["score"] == told["sleepScores"]["overallScore"]


def test_the_same_night_by_export_and_by_the_key_is_the_same_session() -> None:
    (raw,) = told_by_list(dto(seconds=28800))
    record = {
        "calendarDate": DAY,
        "sleepStartTimestampGMT": f"{START:%Y-%m-%dT%H:%M:%S}.0",
        "sleepEndTimestampGMT": f"{START + dt.timedelta(hours=8):%Y-%m-%dT%H:%M:%S}.0",
    }
    (exported_raw,) = imported(sleep_file(record))[0]
    assert (raw.key, raw.start, raw.end) == (
        exported_raw.key,
        exported_raw.start,
        exported_raw.end,
    )


@pytest.mark.parametrize("scale", [1, 1000])
def test_times_may_be_numbers(scale: int) -> None:
    numbers = {
        "sleepStartTimestampGMT": int(START.timestamp()) * scale,
        "sleepEndTimestampGMT": (int(START.timestamp()) + 28800) * scale,
    }
    session = sessions_of(sleep_file({"calendarDate": DAY} | numbers))[f"day/{DAY}"]
    assert (session.start, session.end) == (START, START + dt.timedelta(hours=8))


def test_days_without_data_are_skipped() -> None:
    raws, finished = imported(sleep_file({"retro": False}, {"calendarDate": DAY}, {}))
    assert raws == []
    assert finished.problems == ()


def test_naps_come_with_and_without_a_night() -> None:
    nap = exported.nap(dt.datetime(2026, 11, 12, 13, tzinfo=dt.UTC), 1800)
    found = sessions_of(
        sleep_file(night(napList=[nap]), {"calendarDate": "2026-11-11", "napList": [nap]})
    )
    assert found["nap/2026-11-12T13:00:00Z"].totals == Totals(asleep=1800)


def test_a_night_without_stages_that_was_confirmed_by_hand_is_a_hand_entry() -> None:
    record = {
        "calendarDate": DAY,
        "sleepStartTimestampGMT": "2026-11-20T22:00:00.0",
        "sleepEndTimestampGMT": "2026-11-21T06:00:00.0",
        "sleepWindowConfirmationType": "MANUALLY_CONFIRMED",
    }
    session = sessions_of(sleep_file(record))[f"day/by hand/{DAY}"]
    assert (session.method, session.totals) == (Method.MANUAL, Totals(asleep=28800))
    measured = sessions_of(sleep_file(night(sleepWindowConfirmationType="MANUALLY_CONFIRMED")))
    assert measured[f"day/{DATE}"].method is Method.DEVICE


@pytest.mark.parametrize(
    ("until", "provisional"), [("2026-11-13", True), ("2026-11-30", False), ("2027-02-01", False)]
)
def test_only_the_last_days_of_a_file_may_still_change(until: str, provisional: bool) -> None:
    told = night(sleepWindowConfirmationType="ENHANCED_CONFIRMED")
    found = sessions_of(sleep_file(told, name=f"2026-10-01_{until}_7_sleepData.json"))
    assert found[f"day/{DATE}"].provisional is provisional


# -- what goes with them ---------------------------------------------------------------------------


def test_hrv_and_resting_heart_rate_go_with_the_night_of_their_date() -> None:
    status = {
        "calendarDate": str(DATE),
        "metrics": [
            {"type": "HRV", "value": 44.0, "baselineUpperLimit": 52.0, "baselineLowerLimit": 0.0},
            {"type": "SKIN_TEMP_C"},
            None,
        ],
    }
    day = {"calendarDate": str(DATE), "restingHeartRate": 48, "totalSteps": 9}
    found = sessions_of(
        sleep_file(night()),
        sleep_file(status, name="2026-08-05_2026-11-13_7_healthStatusData.json"),
        sleep_file(day, name="UDSFile_2026-08-05_2026-11-13.json"),
    )
    session = found[f"day/{DATE}"]
    assert session.vitals["hrv_rmssd"] == Vital(44.0)
    assert session.maker["restingHeartRate"] == 48
    assert session.maker["health.HRV.baselineUpperLimit"] == 52.0
    assert "health.HRV.baselineLowerLimit" not in session.maker  # 0.0 is none


def test_of_steps_and_calories_nothing_is_kept() -> None:
    day = {"calendarDate": DAY, "restingHeartRate": 48, "totalSteps": 9}
    none = {"calendarDate": "2026-11-20", "restingHeartRate": 0, "totalSteps": 9}
    raws, _ = imported(sleep_file(day, none, name="UDSFile_x.json"))
    assert [raw.companion for raw in raws] == [True]
    assert b"teps" not in raws[0].payload


def test_a_companion_without_a_date_is_set_aside() -> None:
    raws, _ = imported(sleep_file({"metrics": []}, {"restingHeartRate": 50}, name="UDSFile_x.json"))
    assert [raw.problem for raw in raws] == ["does not say of which date it is"] * 2


# -- files that overlap --------------------------------------------------------------------------


FILES = [
    sleep_file(night(awakeCount=n), name=f"2026-0{n}-01_2026-1{n}-13_7_sleepData.json")
    for n in (0, 1, 2)
]


@pytest.mark.parametrize("files", list(permutations(FILES)), ids=str)
def test_the_file_that_reaches_further_stands_in_any_order(files: tuple[Bytes, ...]) -> None:
    for members in (files, files[:1], files[:2]):
        latest = max(members, key=lambda member: member.name)
        told = sessions_of(*members)[f"day/{DATE}"].maker["awakeCount"]
        assert told == json.loads(latest.data)[0]["awakeCount"]


def test_an_older_export_after_a_newer_one_takes_nothing_back() -> None:
    old, _, new = (kept(file)[f"day/{DATE}"] for file in FILES)
    assert PROVIDER.merge(old.kind, [new.payload, old.payload]) == new.payload
    assert PROVIDER.merge(old.kind, [old.payload, new.payload]) == new.payload


def test_of_the_same_file_exported_again_the_later_import_stands() -> None:
    one = kept(FILES[0])[f"day/{DATE}"]
    two = kept(sleep_file(night(awakeCount=9), name=FILES[0].name.rpartition("/")[2]))
    edited = two[f"day/{DATE}"].payload
    assert PROVIDER.merge(one.kind, [one.payload, edited]) == edited


# -- size and damage -----------------------------------------------------------------------------


def test_a_long_file_is_read_in_pieces() -> None:
    many = [exported.night(DATE - dt.timedelta(days=n), 5, retro=False) for n in range(900)]
    file = sleep_file(*many)
    assert len(file.data) > 2 * BLOCK
    keys = {raw.key for raw in imported(file)[0] if raw.key.startswith("day/")}
    assert keys == {f"day/{DATE - dt.timedelta(days=n)}" for n in range(900)}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_file_that_is_cut_off_gives_what_is_whole(indent: int | None) -> None:
    many = [exported.night(DATE - dt.timedelta(days=n), 5, retro=False) for n in range(4)]
    whole = json.dumps(many, indent=indent).encode()
    cut = Bytes("a_sleepData.json", whole[: len(whole) - 300])
    raws, finished = imported(cut)
    nights = [raw.key for raw in raws if raw.key.startswith("day/")]
    assert nights == [f"day/{DATE - dt.timedelta(days=n)}" for n in range(3)]
    assert "cut off or damaged" in finished.problems[0]


@pytest.mark.parametrize(
    ("good", "bad"), [(b'"calendarDate"', b'"calendarDate'), (b"}", b" "), (b"{", b" ")]
)
@pytest.mark.parametrize("indent", [None, 1])
def test_what_follows_a_damaged_place_is_read(good: bytes, bad: bytes, indent: int | None) -> None:
    many = [exported.night(DATE - dt.timedelta(days=n), 5, retro=False) for n in range(5)]
    whole = json.dumps(many, indent=indent).encode()
    at = whole.index(good, len(whole) // 3)
    broken = Bytes("a_sleepData.json", whole[:at] + bad + whole[at + len(good) :])
    raws, _ = imported(broken)
    found = {raw.key for raw in raws if raw.problem is None}
    assert f"day/{DATE}" in found
    if indent or good != b'"calendarDate"':
        assert f"day/{DATE - dt.timedelta(days=4)}" in found


def test_something_endless_is_given_up() -> None:
    endless = Bytes("a_sleepData.json", b"[" + b'{"a":' * (LARGEST // 4))
    raws, finished = imported(endless)
    assert raws == []
    assert "damaged" in finished.problems[0]


@dataclass(frozen=True)
class Broken:
    """A member of a damaged zip: it ends in the middle, or cannot be opened at all."""

    whole: Bytes
    opens: bool = True

    @property
    def name(self) -> str:
        return self.whole.name

    head = b""
    encrypted = False
    path = None

    def open(self) -> AbstractContextManager[Stream]:
        return self._open()

    @contextmanager
    def _open(self) -> Iterator[Stream]:
        if not self.opens:
            raise Malformed("cannot be opened")
        yield Ending(self.whole.data)


class Ending(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if data := super().read(size):
            return data
        raise Malformed("the zip is cut off")


def test_a_damaged_zip_gives_what_came_before() -> None:
    found = list(read([Broken(sleep_file(night()))], NOW))
    assert "the zip is cut off" in str(found[-1])
    assert len(found) > 1


def test_a_file_that_cannot_be_opened_stops_no_other() -> None:
    shut = Broken(replace(sleep_file(night()), name="2026_sleepData.json"), opens=False)
    found = list(read([shut, sleep_file(night())], NOW))
    assert len(found) > 1
    assert "cannot be opened" in str(found[-1])
    with pytest.raises(Malformed, match="cannot be opened"):
        list(read([shut], NOW))


# -- the generator -------------------------------------------------------------------------------


def test_the_made_up_export_is_the_same_each_time_and_read_whole() -> None:
    assert exported.export(0.5, 4) == exported.export(0.5, 4)
    members = [Bytes(name, data) for name, data in exported.files(0.5, 4)]
    wanted = [member for member in members if recognises(member)]
    assert len(wanted) == len(members) - 1
    raws, finished = imported(*wanted)
    assert finished.problems == ()
    assert all(raw.problem is None for raw in raws)
    assert 120 < len({raw.key for raw in raws if raw.key.startswith("day/")}) < 183


@pytest.mark.parametrize("whole", [b"", b"[" * 9 + b"]" * 9, b"\xff\xfe\0\1", b"<html>"])
def test_a_file_by_its_name_ours_that_holds_no_days_is_named_and_counted(whole: bytes) -> None:
    members = [Bytes("a/2026_sleepData.json", whole), sleep_file({"retro": False})]
    raws, finished = imported(*members)
    assert [raw.problem for raw in raws] == ["is no list of days"]
    assert finished.problems == ("2026_sleepData.json is damaged, or no list of days",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_that_was_saved_as_utf_16_is_read(encoding: str) -> None:
    plain = sleep_file(night())
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    other = Bytes(plain.name, mark + plain.data.decode().encode(encoding))
    assert recognises(other)
    assert imported(other) == imported(plain)
