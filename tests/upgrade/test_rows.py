"""How each column of the app's rows is read (docs/from-the-app.md says the same in words)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.model import EditKind, Method, Piece, Segment, Stage, Totals, Vital, ZoneFrom
from sleepbalance.store import edits, sessions
from sleepbalance.store.engine import make_engine, reading, writing
from sleepbalance.store.phone import person_zone, read
from sleepbalance.store.tables import metadata
from sleepbalance.store.upgrade import upgrade
from tests.upgrade import phone_files as phone
from tests.upgrade.phone_files import Form


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def row(**more: Any) -> dict[str, Any]:
    return phone.night("a") | {"is_deleted": 0} | more


def without_times(**more: Any) -> dict[str, Any]:
    return row(bed_time=None, sleep_start_time=None, sleep_end_time=None, wake_time=None, **more)


def test_a_whole_row() -> None:
    told = read(row(), "Europe/Berlin")
    assert told.session is not None
    assert told.problem is None
    session = told.session
    assert (session.wall, session.method, session.kind) == (True, Method.MANUAL, None)
    assert (session.external_id, session.source.key, session.source.name) == ("a", "app", "manual")
    assert (session.start, session.end) == (at("2025-10-29T22:50"), at("2025-10-30T06:55"))
    assert (session.sleep_start, session.sleep_end) == (
        at("2025-10-29T23:10"),
        at("2025-10-30T06:40"),
    )
    assert session.parts == session.in_bed == (Piece(0, 485 * 60),)
    assert session.totals == Totals(
        light=240 * 60,
        deep=80 * 60,
        rem=90 * 60,
        asleep=20 * 60,
        awake=35 * 60,
        awake_scope="in_bed",
    )
    assert session.vitals == {
        "heart_rate": Vital(55.5, 48.0, 70.0),
        "hrv_rmssd": Vital(42.0),
        "breathing_rate": Vital(14.2),
    }
    assert session.maker == {}
    assert (told.date, session.maker_date) == (dt.date(2025, 10, 30), dt.date(2025, 10, 30))
    assert told.revised_at == session.revised_at == at("2025-10-30T06:00")  # 07:00 in Berlin
    assert dict(told.edits) == {
        EditKind.RATING: {"rating": "good"},
        EditKind.NOTES: {"notes": "slept like a log"},
    }


@pytest.mark.parametrize(
    ("minutes", "totals"),
    [
        ({"total_sleep_time": 410}, Totals(light=14400, deep=4800, rem=5400, asleep=None)),
        ({"total_sleep_time": 400}, Totals(light=14400, deep=4800, rem=5400, asleep=None)),
        ({"total_sleep_time": None}, Totals(light=14400, deep=4800, rem=5400, asleep=None)),
        ({"rem_sleep_duration": None}, Totals(light=14400, deep=4800, rem=None, asleep=6600)),
        (
            dict.fromkeys(("light_sleep_duration", "deep_sleep_duration", "rem_sleep_duration"), 0),
            Totals(asleep=25800),
        ),
        (
            {"light_sleep_duration": "lots", "deep_sleep_duration": -5, "rem_sleep_duration": 9e99},
            Totals(asleep=25800),
        ),
    ],
)
def test_what_is_asleep_and_what_is_not_staged(minutes: dict[str, Any], totals: Totals) -> None:
    session = read(row(awake_duration=None, **minutes)).session
    assert session is not None
    assert session.totals is not None
    assert session.totals == replace(totals, awake_scope="in_bed")


def test_a_row_that_measured_nothing_has_no_totals() -> None:
    nothing = dict.fromkeys(
        [name for name in row() if name.endswith("_duration") or name.startswith(("avg", "m"))]
    )
    session = read(row(**nothing, total_sleep_time=None)).session
    assert session is not None
    assert (session.totals, session.vitals, session.measures_sleep) == (None, {}, False)


def test_a_row_with_a_date_only() -> None:
    told = read(without_times())
    assert told.session is not None
    assert told.session.start == told.session.end == at("2025-10-30T12:00")
    assert (told.session.parts, told.session.in_bed, told.session.wall) == ((), (), True)


def test_times_that_carry_an_offset_are_instants() -> None:
    told = read(
        row(
            bed_time=None,
            sleep_start_time="2025-10-25T23:10:00+02:00",
            sleep_end_time="2025-10-26T06:40:00+01:00",
            wake_time=None,
        ),
        "Asia/Tokyo",
    )
    assert told.session is not None
    assert not told.session.wall
    assert (told.session.zone_start, told.session.zone_end) == ("+02:00", "+01:00")
    assert told.session.start == at("2025-10-25T21:10")
    assert told.session.in_bed == ()


def test_z_is_an_instant_and_no_place() -> None:
    times = {"bed_time": None, "wake_time": None}
    both = {"sleep_start_time": "2025-10-29T22:10:00Z", "sleep_end_time": "2025-10-30T05:40:00Z"}
    session = read(row(**times, **both)).session
    assert session is not None
    assert (session.wall, session.zone_start, session.zone_end) == (False, None, None)


def test_one_naive_time_makes_all_of_them_a_wall_clock() -> None:
    session = read(row(wake_time="2025-10-30T06:55:00+01:00")).session
    assert session is not None
    assert (session.wall, session.end) == (True, at("2025-10-30T06:55"))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"sleep_date": "yesterday"}, "its date cannot be read"),
        ({"sleep_date": 20251030}, "its date cannot be read"),
        ({"bed_time": "late"}, "its bed_time cannot be read"),
        ({"bed_time": "2025-10-29"}, "its bed_time cannot be read"),
        ({"bed_time": b"\xff"}, "its bed_time cannot be read"),
        ({"wake_time": "2026-10-30T06:55:00"}, "more than a day and a half apart"),
        ({"sleep_end_time": "2025-10-29T22:55:00"}, "its sleep ends before it begins"),
    ],
)
def test_what_cannot_be_read_is_named(more: dict[str, Any], problem: str) -> None:
    told = read(row(**more))
    assert told.problem is not None
    assert problem in told.problem
    assert told.session is not None


def test_a_row_that_no_word_places_in_time_is_no_session() -> None:
    told = read(without_times(sleep_date="?"))
    assert (told.session, told.date) == (None, None)


def test_sleep_phases_are_the_hypnogram() -> None:
    def phase(name: Any, started_at: str, duration: Any) -> dict[str, Any]:
        return {"name": name, "started_at": f"2025-10-29T{started_at}:00.000", "duration": duration}

    phases = [
        phase("Deep", "23:40", 1800),
        phase("LIGHT_SLEEP", "23:10", 2400),  # ten minutes of it are deep's: it came first
        phase("Zzz", "22:30", 60),
        phase(None, "23:59", 300),
        phase("REM", "never", 60),
        phase("rem", "23:00", "long"),
    ]
    told = read(row(), phases=phases)
    assert told.session is not None
    assert told.session.start == at("2025-10-29T22:30")
    assert told.session.hypnogram == (
        Segment(0, 60, Stage.UNKNOWN),
        Segment(2400, 2400, Stage.LIGHT),
        Segment(4800, 1200, Stage.DEEP),
    )
    assert told.problem == "2 of its sleep phases cannot be read"


def test_phases_alone_place_a_row_and_far_ones_do_not() -> None:
    near = {"name": "awake", "started_at": "2025-10-30T01:00:00", "duration": 600}
    session = read(without_times(), phases=[near]).session
    assert session is not None
    assert (session.start, session.end) == (at("2025-10-30T01:00"), at("2025-10-30T01:10"))
    told = read(row(), phases=[near | {"started_at": "2025-12-30T01:00:00"}])
    assert told.session is not None
    assert told.session.hypnogram == ()
    assert told.problem == "its sleep phases lie too far apart"
    utc = read(without_times(), phases=[near | {"started_at": "2025-10-30T01:00:00Z"}]).session
    assert utc is not None
    assert (utc.wall, utc.zone_start) == (False, None)


@pytest.mark.parametrize("zone", ["UTC", "", " ", "Mars/Olympus", None, 5, b"x", "+99:00", "../x"])
def test_zones_that_say_nothing(zone: object) -> None:
    assert person_zone(zone) is None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "+02:00", " Asia/Tokyo "])
def test_zones_that_a_person_chose(zone: str) -> None:
    assert person_zone(zone) == zone.strip()


ODD = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.binary(max_size=8),
    st.datetimes().map(lambda t: t.isoformat()),
    st.datetimes(timezones=st.timezones()).map(lambda t: t.isoformat()),
)


@given(
    st.fixed_dictionaries(dict.fromkeys(row(), ODD)),
    st.lists(st.fixed_dictionaries(dict.fromkeys(("name", "started_at", "duration"), ODD))),
    st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "-11:30"]),
)
def test_whatever_a_row_holds_is_read(
    odd: dict[str, Any], phases: list[dict[str, Any]], zone: str
) -> None:
    told = read(odd, zone, phases)
    if told.session is None:
        return
    session = told.session
    length = (session.end - session.start).total_seconds()
    assert 0 <= length <= 36 * 3600
    ends = [0]
    for segment in session.hypnogram:
        assert segment.offset >= ends[-1]
        ends.append(segment.end)
    assert ends[-1] <= length
    for piece in (*session.parts, *session.in_bed):
        assert 0 <= piece.offset < piece.end <= length
    sessions.fingerprint(session)


# -- through the migration -----------------------------------------------------------------------


def test_what_the_store_reads_back(sqlite_path: Path) -> None:
    phone.make(sqlite_path, Form(9))
    with phone.opened(sqlite_path) as db:
        phone.insert(db, "users", phone.user(), phone.user("u2", "UTC"))
        plain: dict[str, Any] = {"quality_rating": None, "quality_notes": ""}
        zoned: dict[str, Any] = {
            "bed_time": None,
            "wake_time": None,
            "sleep_start_time": "2025-10-29T23:10:00+09:00",
            "sleep_end_time": "2025-10-30T06:40:00+09:00",
        }
        phone.insert(
            db,
            "sleep_records",
            phone.night("a"),
            phone.night("b", "2025-10-31", is_deleted=1) | zoned,
            phone.night("c", user_id="u2", **plain),
        )
        phase = {"started_at": "2025-10-29T23:10:00.000", "duration": 3600}
        child = {"id": "p", "sleep_phase_id": 3, "sleep_record_id": "a", **phase}
        phone.insert(db, "sleep_record_sleep_phases", child)
    engine = make_engine(f"sqlite:///{sqlite_path}")
    upgrade(f"sqlite:///{sqlite_path}")
    with reading(engine) as connection:
        found = {
            s.report.session.external_id: s
            for user in ("u1", "u2")
            for s in sessions.of_person(connection, user, at("2025-10-01"), at("2025-12-01"))
        }
        words = edits.standing(connection, "u1")
        assert edits.standing(connection, "u2") == []
    engine.dispose()
    a, b, c = (found[key].report for key in "abc")
    assert (a.provider, a.account, a.session.door) == ("app", "", "file")
    assert (a.zone_start, a.zone_from) == ("Europe/Berlin", ZoneFrom.PERSON)
    assert (b.zone_end, b.zone_from) == ("+09:00", ZoneFrom.RECORD)
    assert (c.zone_start, c.zone_from) == ("UTC", ZoneFrom.NONE)
    assert a.session.start == at("2025-10-29T21:50")
    assert a.session.sleep_start == at("2025-10-29T22:10")
    assert found["a"].sent.start == at("2025-10-29T22:50")
    assert found["a"].sleep_date == dt.date(2025, 10, 30)
    assert a.session.hypnogram == (Segment(1200, 3600, Stage.DEEP),)
    assert c.session.totals is not None
    for stored in found.values():
        assert stored.payload_hash == sessions.fingerprint(stored.sent)
    wall = ("2025-10-29T22:50:00", "2025-10-30T06:55:00")
    said = [(e.kind, e.value, e.start, start, end, e.date) for e, start, end in words]
    first, second = dt.date(2025, 10, 30), dt.date(2025, 10, 31)
    good, log = {"rating": "good"}, {"notes": "slept like a log"}
    instant = at("2025-10-29T14:10")
    assert sorted(said, key=str) == sorted(
        [
            (EditKind.RATING, good, None, *wall, first),
            (EditKind.NOTES, log, None, *wall, first),
            (EditKind.RATING, good, instant, None, None, second),
            (EditKind.NOTES, log, instant, None, None, second),
            (EditKind.NOT_SLEEP, {}, instant, None, None, second),
        ],
        key=str,
    )
    assert {e.made_at for e, _, _ in words} == {at("2025-10-30T06:00")}
    assert {e.made_by for e, _, _ in words} == {"app"}


def test_rows_that_stood_on_a_server_are_taken_over_too(postgres_url: str) -> None:
    upgrade(postgres_url, "v7")
    engine = make_engine(postgres_url)
    night = phone.night("a") | {"sleep_date": dt.date(2025, 10, 30)}
    with writing(engine) as connection:
        connection.execute(metadata.tables["users"].insert().values(phone.user()))
        connection.execute(metadata.tables["sleep_records"].insert().values(night))
    upgrade(postgres_url)
    with reading(engine) as connection:
        (stored,) = sessions.of_person(connection, "u1", at("2025-10-01"), at("2025-12-01"))
        assert len(edits.standing(connection, "u1")) == 2
    engine.dispose()
    assert stored.report.session.start == at("2025-10-29T21:50")
    assert stored.sleep_date == dt.date(2025, 10, 30)
