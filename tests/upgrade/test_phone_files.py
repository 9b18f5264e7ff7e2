"""A phone app's file comes to head in place, in every form, and nothing in it is lost."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sleepbalance.store.engine import make_engine
from sleepbalance.store.upgrade import upgrade
from sleepbalance.store.version import APPLICATION_ID, HEAD, What, ready, status
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import FORMS, Form


def filled(path: Path, form: Form) -> str:
    """A file with people, nights, connections, and rows whose parents are gone."""
    phone.make(path, form)
    with phone.opened(path) as db:
        phone.insert(db, "users", phone.user(), phone.user("u2", "UTC"))
        phone.insert(
            db,
            "sleep_records",
            phone.night("a"),
            phone.night("b", "2025-10-31", quality_rating=None, is_deleted=1),
            phone.night("c", user_id="u2", bed_time=None, wake_time=None),
            phone.night("lost", user_id="gone"),
        )
        if form.version >= 7:
            connection = {
                "id": "w",
                "user_id": "u1",
                "provider": "fitbit",
                "access_token": "clear",
                "refresh_token": "too",
                "token_expires_at": "2025-11-01 10:00:00",
                "connected_at": "2025-10-29T10:00:00.000",
                "created_at": "x",
                "updated_at": "x",
            }
            phone.insert(db, "wearable_connections", connection)
        if form.version >= 9:
            phase = {"started_at": "2025-10-29T23:10:00.000", "duration": 3600}
            phone.insert(
                db,
                "sleep_record_sleep_phases",
                {"id": "p", "sleep_phase_id": 3, "sleep_record_id": "a", **phase},
                {"id": "q", "sleep_phase_id": 3, "sleep_record_id": "nobody", **phase},
            )
        if form.extra:
            phone.insert(db, "diary", {"of_record": "a", "line": "rain"})
    return f"sqlite:///{path}"


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_comes_to_head_with_every_row(sqlite_path: Path, form: Form) -> None:
    url = filled(sqlite_path, form)
    before = phone.contents(sqlite_path, "wearable_connections")
    broken = phone.rows(sqlite_path, "PRAGMA foreign_key_check")
    done = upgrade(url)
    assert (done.before, done.after) == (str(form.version), HEAD)
    after = phone.contents(sqlite_path)
    assert {name: after[name] for name in before if before[name]} == {
        name: rows for name, rows in before.items() if rows
    }
    assert phone.values(sqlite_path, "PRAGMA integrity_check") == ["ok"]
    assert len(phone.rows(sqlite_path, "PRAGMA foreign_key_check")) == len(broken)
    assert phone.values(sqlite_path, "PRAGMA user_version") == [101]
    assert phone.values(sqlite_path, "PRAGMA application_id") == [APPLICATION_ID]
    assert "sleep_records: 1 row whose users row is gone (kept)" in done.notes
    engine = make_engine(url)
    assert ready(engine)
    engine.dispose()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_second_run_changes_nothing(sqlite_path: Path, form: Form) -> None:
    url = filled(sqlite_path, form)
    upgrade(url)
    before = phone.contents(sqlite_path)
    done = upgrade(url)
    assert (done.before, done.after, done.backup) == (HEAD, HEAD, None)
    assert phone.contents(sqlite_path) == before


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_verified_backup_stands_beside_it(sqlite_path: Path, form: Form) -> None:
    url = filled(sqlite_path, form)
    before = phone.contents(sqlite_path)
    backup = upgrade(url).backup
    assert backup is not None
    assert backup.name.startswith(f"{sqlite_path.name}.before-v101-20")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert phone.contents(backup) == before
    assert phone.values(backup, "PRAGMA user_version") == [form.version]
    assert status(url).backups == (backup,)
    assert {p.name for p in sqlite_path.parent.iterdir()} == {sqlite_path.name, backup.name}


def test_everything_that_nobody_knows_is_still_there(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(9))
    query = "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    before = {tuple(row.values()) for row in phone.rows(sqlite_path, query)}
    upgrade(url)
    after = {tuple(row.values()) for row in phone.rows(sqlite_path, query)}
    assert before <= after
    with phone.opened(sqlite_path) as db:
        with pytest.raises(Exception, match="shoe_size"):
            db.execute("UPDATE users SET shoe_size = -1")
        with pytest.raises(Exception, match="preferred_unit_system"):
            db.execute("UPDATE users SET preferred_unit_system = 'cubits'")
        with pytest.raises(Exception, match="a token is needed"):
            db.execute("UPDATE wearable_connections SET access_token = ''")
        assert db.execute("SELECT count(*) FROM grown_ups").fetchone() == (2,)
        db.execute("DELETE FROM sleep_records WHERE id = 'a'")
        assert db.execute("SELECT count(*) FROM diary").fetchone() == (0,)


def test_tokens_in_clear_are_erased_and_ask_for_a_new_consent(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(7))
    with phone.opened(sqlite_path) as db:
        row = dict(phone.rows(sqlite_path, "SELECT * FROM wearable_connections")[0])
        phone.insert(
            db,
            "wearable_connections",
            row | {"id": "off", "provider": "garmin", "is_active": 0},
            row
            | {"id": "none", "provider": "google_fit", "access_token": "", "refresh_token": None},
        )
    done = upgrade(url)
    assert "wearable_connections: 2 unsealed tokens erased" in done.notes
    query = "SELECT id, is_active, status, status_reason FROM wearable_connections ORDER BY id"
    assert phone.rows(sqlite_path, query) == [
        {"id": "none", "is_active": 1, "status": "connected", "status_reason": None},
        {"id": "off", "is_active": 0, "status": "disconnected", "status_reason": None},
        {
            "id": "w",
            "is_active": 1,
            "status": "needs_reconnect",
            "status_reason": "the stored token was not sealed",
        },
    ]
    tokens = phone.rows(sqlite_path, "SELECT access_token, refresh_token FROM wearable_connections")
    assert tokens == [{"access_token": "", "refresh_token": None}] * 3


def test_a_provider_that_only_the_file_knows_is_listed(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(5))
    with phone.opened(sqlite_path) as db:
        db.execute(phone.CONNECTIONS.replace(" CHECK(provider IN", " CHECK(provider NOT IN"))
        phone.insert(db, "users", phone.user())
        at = {"connected_at": "x", "created_at": "x", "updated_at": "x"}
        row = {"id": "w", "user_id": "u1", "provider": "oura", "access_token": "", **at}
        phone.insert(db, "wearable_connections", row)
    upgrade(f"sqlite:///{sqlite_path}")
    listed = phone.values(sqlite_path, "SELECT id FROM wearable_providers ORDER BY id")
    assert listed == ["apple_health", "fitbit", "garmin", "google_fit", "oura"]
    assert phone.rows(sqlite_path, "PRAGMA foreign_key_check") == []


def test_a_file_in_wal_mode_is_read_with_what_is_not_yet_in_it(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(8, wal=True))
    with phone.opened(sqlite_path) as app:  # the app has it open, its last night in the WAL
        phone.insert(app, "sleep_records", phone.night("late", "2025-11-02"))
        assert status(url).what is What.PHONE
        backup = upgrade(url).backup
        assert backup is not None
    ids = "SELECT id FROM sleep_records ORDER BY id"
    assert phone.values(backup, ids) == ["a", "b", "c", "late", "lost"]
    assert phone.values(sqlite_path, ids) == ["a", "b", "c", "late", "lost"]


@pytest.mark.parametrize("number", [0, 5, 9])
def test_one_of_ours_whose_number_the_app_set_back_is_ours(sqlite_path: Path, number: int) -> None:
    url = filled(sqlite_path, Form(9))
    upgrade(url)
    before = phone.contents(sqlite_path)
    with phone.opened(sqlite_path) as db:
        db.execute(f"PRAGMA user_version = {number}")
    engine = make_engine(url)
    assert (status(url).what, status(url).version) == (What.OURS, HEAD)
    assert not ready(engine)
    assert upgrade(url).backup is None
    assert ready(engine)
    engine.dispose()
    assert phone.contents(sqlite_path) == before
    assert phone.values(sqlite_path, "PRAGMA user_version") == [101]


def test_ours_with_rows_is_backed_up_before_tables_are_rebuilt(sqlite_path: Path) -> None:
    url = f"sqlite:///{sqlite_path}"
    upgrade(url, "v7")
    with phone.opened(sqlite_path) as db:
        phone.insert(db, "users", phone.user())
    assert upgrade(url).backup is not None


def test_the_newest_of_a_date_stays_and_the_others_keep_every_column(sqlite_path: Path) -> None:
    url = filled(sqlite_path, Form(9))
    with phone.opened(sqlite_path) as db:
        older = {"created_at": "2025-10-30T07:00:00.000", "updated_at": "2025-10-30T06:00:00.000"}
        phone.insert(
            db,
            "sleep_records",
            phone.night("old", is_deleted=1, quality_notes="gone", **older)
            | {"Mood (1-5)": 2, "avg_heart_rate_variability": 31.5},
            phone.night("lost too", user_id="gone"),
            phone.night("other spelling", "2025-10-31T00:00:00.000", **older),
        )
        phase = {"started_at": "2025-10-29T23:10:00.000", "duration": 60, "sleep_phase_id": 2}
        child = {"id": "r", "sleep_record_id": "old", **phase}
        phone.insert(db, "sleep_record_sleep_phases", child)
        db.execute(
            "CREATE TABLE tags (record TEXT REFERENCES sleep_records ON DELETE SET NULL, tag TEXT)"
        )
        phone.insert(db, "tags", {"record": "old", "tag": "sea"})
        db.execute(
            "CREATE TABLE marks (id INTEGER PRIMARY KEY, phase TEXT"
            " REFERENCES sleep_record_sleep_phases (id))"
        )
        phone.insert(db, "marks", {"phase": "r"}, {"phase": None})
        before = {row["id"]: row for row in phone.rows(sqlite_path, "SELECT * FROM sleep_records")}
        broken = len(phone.rows(sqlite_path, "PRAGMA foreign_key_check"))
    done = upgrade(url)
    assert any(note.startswith("sleep_records: 3 older") for note in done.notes)
    after = {row["id"]: row for row in phone.rows(sqlite_path, "SELECT * FROM sleep_records")}
    assert after == {key: before[key] for key in ("a", "b", "c", "lost too")}
    raw = {
        row["external_id"]: json.loads(row["payload"])
        for row in phone.rows(sqlite_path, "SELECT external_id, payload FROM raw_records")
    }
    assert raw.keys() == {"a", "b", "c", "old", "lost", "other spelling"}
    for key, payload in raw.items():
        assert {n: v for n, v in payload.items() if not n.startswith("_")} == before[key]
    assert raw["old"]["_referencing"] == {
        "sleep_record_sleep_phases": [child],
        "tags": [{"record": "old", "tag": "sea"}],
        "marks": [{"id": 1, "phase": "r"}],
    }
    assert phone.rows(sqlite_path, "SELECT * FROM tags") == [{"record": None, "tag": "sea"}]
    assert phone.rows(sqlite_path, "SELECT * FROM marks") == [{"id": 2, "phase": None}]
    hidden = phone.values(
        sqlite_path, "SELECT external_id FROM sleep_sessions WHERE hidden_since IS NOT NULL"
    )
    assert hidden == ["old"]
    assert len(phone.rows(sqlite_path, "PRAGMA foreign_key_check")) <= broken
    with phone.opened(sqlite_path) as db, pytest.raises(Exception, match="UNIQUE"):
        phone.insert(db, "sleep_records", phone.night("again"))
