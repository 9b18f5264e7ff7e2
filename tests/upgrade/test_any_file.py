"""Whatever a phone's file holds, an upgrade neither fails nor loses a row."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sleepbalance.store.upgrade import upgrade
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import Form

FORMS = st.builds(
    Form,
    version=st.sampled_from([5, 7, 8, 9]),
    unique=st.booleans(),
    second_hrv=st.booleans(),
    rating_checked=st.booleans(),
    extra=st.booleans(),
    history=st.booleans(),
    indexes=st.booleans(),
    wal=st.booleans(),
)
ODD = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.sampled_from(["2025-10-30T06:00:00.000", "2025-10-29T23:00:00+02:00", "2025-10-30"]),
)
DATES = ["2025-10-30", "2025-10-31", "2025-10-31T00:00:00.000", "30.10.2025", "", 20251030, b"\xff"]
REQUIRED = {"sleep_date", "data_source", "created_at", "updated_at", "user_id", "id"}
NIGHTS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(["u1", "u2", "gone", "lost"]),
            "sleep_date": st.sampled_from(DATES),
            "updated_at": st.sampled_from(["2025-10-30T06:00:00.000", "2025-10-31", "x", b"\x80"]),
        },
        optional={name: ODD for name in phone.night("x") if name not in REQUIRED},
    ),
    max_size=8,
)
IDS = st.lists(
    st.one_of(st.none(), st.text(max_size=3), st.binary(max_size=2)), min_size=8, max_size=8
)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(form=FORMS, nights=NIGHTS, ids=IDS, zone=st.sampled_from(["UTC", "Asia/Tokyo", "?", ""]))
def test_any_file(form: Form, nights: list[dict[str, Any]], ids: list[Any], zone: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phone.db"
        _fill(path, form, nights, ids, zone)
        _check(path)


def _fill(path: Path, form: Form, nights: list[dict[str, Any]], ids: list[Any], zone: str) -> None:
    phone.make(path, form)
    with phone.opened(path) as db:
        phone.insert(db, "users", phone.user(timezone=zone), phone.user("u2"))
        for key, night in zip(ids, nights, strict=False):
            row = phone.night("x") | night | {"id": key}
            names = ", ".join(row)
            marks = ", ".join("?" for _ in row)
            sql = f"INSERT OR IGNORE INTO sleep_records ({names}) VALUES ({marks})"
            db.execute(sql, tuple(row.values()))
            if form.version >= 9:
                phase = {"started_at": "2025-10-30T01:00:00", "duration": 60, "sleep_phase_id": 7}
                child = {"id": None, "sleep_record_id": key if key is not None else "none", **phase}
                phone.insert(db, "sleep_record_sleep_phases", child)


def _check(path: Path) -> None:
    query = "SELECT rowid, typeof(id) AS kind, * FROM sleep_records"
    before = {row["rowid"]: row for row in _rows(path, query)}
    broken = len(_rows(path, "PRAGMA foreign_key_check"))
    sound = phone.values(path, "PRAGMA integrity_check")
    upgrade(f"sqlite:///{path}")
    after = {row["rowid"]: row for row in _rows(path, query)}
    assert all(before[rowid] == row for rowid, row in after.items())
    raws = _rows(path, "SELECT user_id, external_id, payload FROM raw_records")
    kept = Counter(raw["external_id"] for raw in raws)
    for rowid, row in before.items():
        mine = row["id"] if row["kind"] == b"text" else f"row {rowid}".encode()
        assert rowid in after or kept[mine], row
        if row["user_id"] in (b"u1", b"u2"):
            assert kept[mine], row
    for raw in raws:
        json.loads(raw["payload"])
    assert len(_rows(path, "PRAGMA foreign_key_check")) <= broken
    assert phone.values(path, "PRAGMA integrity_check") == sound
    assert len({(row["user_id"], row["sleep_date"]) for row in after.values()}) == len(after)
    upgrade(f"sqlite:///{path}")
    assert {row["rowid"]: row for row in _rows(path, query)} == after


def _rows(path: Path, sql: str) -> list[dict[str, Any]]:
    """Text as bytes: what is stored need not be text."""
    with phone.opened(path) as db:
        db.text_factory = bytes
        cursor = db.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]
