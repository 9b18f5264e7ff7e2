"""The account export: tables known by their columns, the same records as the API's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest

from sleepbalance.errors import Malformed
from sleepbalance.provider import Finished, Raw
from sleepbalance.providers.oura import PROVIDER
from sleepbalance.providers.oura.export import read, recognises
from sleepbalance.testing import Bytes
from tests.oura.made import BED, NOW, document, raw_of

FULL = document(
    25,
    sleep_phase_5_min="42224",
    sleep_phase_30_sec=None,
    average_heart_rate=54.5,
    average_hrv=41,
    total_sleep_duration=900,
    light_sleep_duration=900,
    sleep_score_delta=0,
    heart_rate={"interval": 300.0, "items": [60.0, None, 52.0], "timestamp": BED.isoformat()},
)
COLUMNS = [*FULL, "rem_sleep_duration", "ring_id"]


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str] = COLUMNS, null: str = "") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name), null) for name in columns])
    return text.getvalue()


def _cell(value: Any, null: str) -> Any:
    if value is None:
        return null
    return json.dumps(value) if isinstance(value, dict | list | bool) else value


def member(text: str, name: str = "App Data/sleepmodel.csv") -> Bytes:
    return Bytes(name, text.encode())


def raws(*members: Bytes) -> list[Raw]:
    *found, last = read(members, NOW)
    assert last == Finished()
    return [raw for raw in found if isinstance(raw, Raw)]


@pytest.mark.parametrize("null", ["", "null"])
def test_a_row_is_the_document_of_the_api(null: str) -> None:
    (raw,) = raws(member(table([FULL], null=null)))
    assert json.loads(raw.payload) == FULL
    same = raw_of(FULL)
    assert (raw.key, raw.start, raw.end, raw.zone, raw.source) == (
        same.key,
        same.start,
        same.end,
        same.zone,
        same.source,
    )


def test_the_same_night_comes_of_it_but_for_the_door() -> None:
    (from_file,) = PROVIDER.normalise(raws(member(table([FULL])))).sessions
    (from_api,) = PROVIDER.normalise([raw_of(FULL)]).sessions
    assert (from_file.door, from_api.door) == ("file", "oauth")
    assert from_file.vitals == from_api.vitals != {}
    assert from_file.hypnogram == from_api.hypnogram != ()
    assert (from_file.totals, from_file.maker) == (from_api.totals, from_api.maker)


@pytest.mark.parametrize("name", ["App Data/SleepModel.csv", "sleepmodel.csv", "other.txt"])
def test_it_is_known_by_its_columns_under_any_name(name: str) -> None:
    assert recognises(member(table([FULL]), name))
    assert recognises(member(table([FULL]).upper().partition("\n")[0], name))
    assert recognises(member("\ufeff" + table([FULL]), name))


@pytest.mark.parametrize(
    "header",
    [
        "id;contributors;day;score;temperature_deviation;timestamp",
        "id;class_5_min;score;active_calories;contributors;met;day;steps;timestamp",
        "timestamp;bpm;source",
        "id,bedtime_start,bedtime_end,time_in_bed",
        "",
    ],
)
def test_other_tables_are_not_taken(header: str) -> None:
    assert not recognises(member(f"{header}\n"))


def test_what_is_encrypted_is_not_taken() -> None:
    whole = member(table([FULL]))
    assert not recognises(Bytes(whole.name, whole.data, encrypted=True))


def test_days_lie_beside_the_sleeps() -> None:
    oxygen = [{"id": "o", "day": "2026-11-20", "spo2_percentage": {"average": 95.5}}]
    score = [{"id": "s", "day": "2026-11-20", "score": 71, "contributors": {"deep_sleep": 1}}]
    found = raws(
        member(table([FULL | {"day": "2026-11-20"}])),
        member(table(oxygen, ["id", "day", "spo2_percentage"])),
        member(table(score, ["id", "contributors", "day", "score"])),
    )
    (session,) = PROVIDER.normalise(found).sessions
    assert session.vitals["spo2"].mean == 95.5
    assert session.maker["score"] == 71


def test_deleted_rows_take_back() -> None:
    gone = FULL | {"type": "deleted", "id": "gone"}
    result = PROVIDER.normalise(raws(member(table([gone, FULL]))))
    assert result.withdrawn == ("sleep/gone",)
    assert [session.external_id for session in result.sessions] == ["sleep/a-sleep"]


@pytest.mark.parametrize(
    "row", ['a;"broken', "x;y", 'id;"{""interval"":300', ";" * 40, "\x00;\x00", "}{" * 90_000]
)
def test_a_broken_row_costs_itself_only(row: str) -> None:
    text = table([FULL]) + row + "\r\n" + table([FULL | {"id": "next"}]).partition("\n")[2]
    first, broken, following = raws(member(text))
    assert (first.key, following.key) == ("sleep/a-sleep", "sleep/next")
    assert broken.problem is not None
    assert broken.start is None


def test_a_row_that_is_cut_off_is_not_taken_for_whole() -> None:
    text = table(
        [{"id": "s", "day": "2026-11-20", "score": 71}], ["id", "score", "contributors", "day"]
    )
    for end in range(len(text) - 4, len(text) - 12, -1):
        (raw,) = raws(member(text[:end]))
        assert raw.problem is not None


def test_a_file_of_nothing_that_is_known_is_refused() -> None:
    with pytest.raises(Malformed, match="no table of sleeps"):
        list(read([member("a;b\n1;2\n")], NOW))
