"""An export becomes nights: right, once, in any order, with every sample accounted for."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sleepbalance.app import App, opened
from sleepbalance.errors import UsageError
from sleepbalance.folder import Folder
from sleepbalance.store.engine import reading
from sleepbalance.store.tables import (
    raw_records,
    sleep_sessions,
    sync_windows,
    wearable_connections,
)
from tests.exports import Export, Sample, evenings, hearts, staged
from tests.homes import NOW, everything_but_the_log, nights

FORTNIGHT = [s for day in evenings("2026-10-20", 14) for s in (*staged(day), *hearts(day))]
PHONE = [
    Sample("2026-10-20T22:40:00", "2026-10-20T22:55:00", "InBed", "Test iPhone", zone=None),
    Sample("2026-10-20T22:57:00", "2026-10-21T06:45:00", "InBed", "Test iPhone", zone=None),
]


def take(app: App, export: Export, tmp_path: Path, name: str = "export.xml", **more: Any) -> Any:
    """Imports an export and gives the attempt."""
    return app.import_path(export.write(tmp_path / name), now=NOW, **more)


def accounted(attempt: dict[str, Any]) -> None:
    """Every sample and every sleep is accounted for."""
    d = attempt["detail"]
    assert d["read"] == d["used"] + d["repeated"] + d["set_aside"]
    kinds = ("inserted", "updated", "skipped")
    assert attempt["records_fetched"] == sum(attempt[f"records_{kind}"] for kind in kinds)


def counts(attempt: dict[str, Any]) -> tuple[int, int, int]:
    accounted(attempt)
    return (
        attempt["records_inserted"],
        attempt["records_updated"],
        attempt["records_skipped"],
    )


def test_a_night_of_watch_and_phone(app: App, tmp_path: Path) -> None:
    attempt = take(app, Export([*staged("2026-10-20"), *hearts("2026-10-20"), *PHONE]), tmp_path)
    assert attempt["status"] == "success"
    assert attempt["provider"] == "apple_health"
    assert attempt["sync_trigger"] == "import"
    assert counts(attempt) == (2, 0, 0)
    (night,) = app.nights(None)
    assert str(night["sleep_date"]) == "2026-10-21"
    assert night["bed_time"] == "2026-10-20T22:57:00+02:00"  # of the sample that overlaps
    assert night["sleep_start_time"] == "2026-10-20T23:00:00+02:00"
    assert night["sleep_end_time"] == "2026-10-21T06:30:00+02:00"
    assert night["wake_time"] == "2026-10-21T06:45:00+02:00"
    assert night["total_sleep_time"] == 450 - 4 * 3
    assert night["deep_sleep_duration"] == 5 * 30
    assert night["awake_duration"] == 4 * 3
    assert night["data_source"] == "apple_health"
    assert night["avg_heart_rate"] is not None
    assert night["details"]["source_name"] == "Test Watch"
    assert night["details"]["zone_from"] == "record"
    assert night["details"]["sleep_onset_latency"] == 3
    (other,) = night["details"]["alternatives"]
    assert other["source"] == "Test iPhone"


def test_what_it_leaves_behind(app: App, tmp_path: Path) -> None:
    attempt = take(app, Export(staged("2026-10-20")), tmp_path)
    with reading(app.engine) as connection:
        (bond,) = connection.execute(select(wearable_connections)).all()
        assert (bond.provider, bond.status, bond.is_active) == ("apple_health", "connected", 1)
        assert (bond.access_token, bond.refresh_token) == ("", None)
        assert bond.last_sync_at is not None
    assert attempt["connection_id"] == bond.id
    assert (str(attempt["sync_date_from"]), str(attempt["sync_date_to"])) == ("2026-10-21",) * 2


@pytest.mark.parametrize("name", ["export.xml", "导出.xml", "exportar.zip"])
def test_the_same_file_again_changes_nothing(app: App, tmp_path: Path, name: str) -> None:
    export = Export([*FORTNIGHT, *PHONE])
    first = take(app, export, tmp_path, name)
    assert counts(first) == (15, 0, 0)
    before = everything_but_the_log(app)
    again = take(app, export, tmp_path, name)
    assert counts(again) == (0, 0, 15)
    assert again["detail"] == {**first["detail"], "same": 15}
    assert everything_but_the_log(app) == before


def test_it_is_the_same_whatever_the_offset_that_the_file_prints(app: App, tmp_path: Path) -> None:
    take(app, Export(FORTNIGHT), tmp_path)
    before = everything_but_the_log(app)
    summer = Export(FORTNIGHT, printed="-07:00", made="2026-11-22T11:00:00+00:00")
    assert counts(take(app, summer, tmp_path)) == (0, 0, 14)
    assert everything_but_the_log(app) == before


def test_a_newer_export_adds_and_replaces_and_removes_nothing(app: App, tmp_path: Path) -> None:
    first = [s for day in evenings("2026-10-20", 5) for s in staged(day)]
    take(app, Export(first), tmp_path)
    gone, changed = staged("2026-10-20"), staged("2026-10-22", hours=8.5)
    newer = [s for s in first if s not in gone] + changed
    newer += [s for day in evenings("2026-10-25", 2) for s in staged(day)]
    attempt = take(app, Export(newer), tmp_path)
    assert counts(attempt) == (2, 1, 3)
    assert len(app.nights(None)) == 7


def test_an_export_taken_at_its_word_removes_and_says_how_many(app: App, tmp_path: Path) -> None:
    first = [s for day in evenings("2026-10-20", 5) for s in staged(day)]
    take(app, Export(first), tmp_path)
    with reading(app.engine) as connection:
        kept = len(connection.execute(select(raw_records)).all())
    left = [s for s in first if s not in staged("2026-10-21")]
    attempt = take(app, Export(left), tmp_path, replace=True)
    assert counts(attempt) == (0, 1, 4)
    assert attempt["detail"]["hidden"] == 1
    found = app.nights(None)
    dates = [str(night["sleep_date"]) for night in found if not night["is_deleted"]]
    assert [str(n["sleep_date"]) for n in found if n["is_deleted"]] == ["2026-10-22"]
    assert dates == ["2026-10-21", "2026-10-23", "2026-10-24", "2026-10-25"]
    with reading(app.engine) as connection:
        assert len(connection.execute(select(raw_records)).all()) == kept  # hidden, not erased
    assert counts(take(app, Export(first), tmp_path)) == (0, 1, 4)
    assert len(app.nights(None)) == 5


def test_a_sleep_that_lost_its_middle_is_not_hidden(lite: App, tmp_path: Path) -> None:
    evening, middle, morning = (
        Sample(f"2026-10-21T{start}", f"2026-10-21T{end}", "AsleepCore")
        for start, end in (("00:00", "01:00"), ("01:20", "01:40"), ("02:00", "06:00"))
    )
    take(lite, Export([evening, middle, morning]), tmp_path)
    attempt = take(lite, Export([evening, morning]), tmp_path, replace=True)
    assert (attempt["detail"]["hidden"], counts(attempt)) == (0, (0, 1, 0))
    assert lite.nights(None)[0]["total_sleep_time"] == 300


@pytest.mark.parametrize("how", ["cut off", "undated"])
def test_a_file_that_is_not_whole_replaces_nothing(lite: App, tmp_path: Path, how: str) -> None:
    nights_there = [*staged("2026-10-20"), *staged("2026-10-21")]
    take(lite, Export(nights_there), tmp_path)
    made = None if how == "undated" else Export().made
    path = Export(staged("2026-10-20"), made=made).write(tmp_path / "again.xml")
    if how == "cut off":
        path.write_text(path.read_text()[:-40])
    attempt = lite.import_path(path, now=NOW, replace=True)
    assert attempt["status"] == "failed"
    assert "Nothing was replaced" in attempt["error_message"]
    assert len(lite.nights(None)) == 2


def test_a_cut_off_file_proves_only_what_it_holds(lite: App, tmp_path: Path) -> None:
    path = Export(staged("2026-10-20")).write(tmp_path / "export.xml")
    path.write_text(path.read_text()[:-40])
    assert lite.import_path(path, now=NOW)["status"] == "partial"
    with reading(lite.engine) as connection:
        (window,) = connection.execute(select(sync_windows)).all()
    assert (str(window.date_from), str(window.date_to)) == ("2026-10-21", "2026-10-21")
    take(lite, Export(staged("2026-10-20")), tmp_path)
    with reading(lite.engine) as connection:
        (window,) = connection.execute(select(sync_windows)).all()
    assert str(window.date_to) == "2026-11-22"


def test_replacing_touches_only_the_sources_and_dates_of_the_export(
    lite: App, tmp_path: Path
) -> None:
    later = staged("2026-10-25")
    ring = staged("2026-10-20", source="Test Ring")
    take(lite, Export([*staged("2026-10-20"), *later, *ring]), tmp_path)
    older = Export(staged("2026-10-20"), made="2026-10-22T09:00:00+02:00")
    assert take(lite, older, tmp_path, replace=True)["detail"]["hidden"] == 0
    assert len(lite.nights(None)) == 2


def _cut(samples: list[Sample], at: int) -> tuple[Export, Export]:
    return Export(samples[:at]), Export(samples[at:])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_an_export_cut_in_two_gives_the_same_nights(
    tmp_path: Path, seed: int, *, turned: bool
) -> None:
    dice = random.Random(seed)
    samples = [*PHONE, *(s for day in evenings("2026-10-20", 4) for s in staged(day))]
    samples += [s for day in evenings("2026-10-20", 4) for s in hearts(day)]
    samples += staged("2026-10-21", begin="14:00", hours=1.5)  # a nap
    samples += [s for s in staged("2026-10-22", source="Test Ring", hours=8) if dice.random() < 0.8]
    if seed % 2:
        dice.shuffle(samples)
    halves = _cut(samples, dice.randrange(1, len(samples)))
    whole_url, halves_url = (f"sqlite:///{tmp_path / n}.db" for n in ("whole", "halves"))
    with opened(Folder(tmp_path, whole_url, demo=False)) as whole:
        accounted(take(whole, Export(samples), tmp_path))
        expected = nights(whole)
    with opened(Folder(tmp_path, halves_url, demo=False)) as halved:
        for half in reversed(halves) if turned else halves:
            accounted(take(halved, half, tmp_path))
        assert nights(halved) == expected
        accounted(take(halved, Export(samples), tmp_path))
        assert nights(halved) == expected


@pytest.mark.parametrize("missing", ["start", "middle", "end"])
def test_a_night_that_grows_stays_one_sleep(app: App, tmp_path: Path, missing: str) -> None:
    whole = staged("2026-10-20")
    third = len(whole) // 3
    left_out = {"start": whole[:2], "middle": whole[third : third + 2], "end": whole[-2:]}[missing]
    take(app, Export([s for s in whole if s not in left_out]), tmp_path)
    (before,) = _session_ids(app)
    (row,) = app.nights(None)
    attempt = take(app, Export(whole), tmp_path)
    assert counts(attempt) == (0, 1, 0)
    assert _session_ids(app) == [before]
    (grown,) = app.nights(None)
    assert grown["id"] == row["id"]
    assert grown["total_sleep_time"] > row["total_sleep_time"]


def _session_ids(app: App) -> list[str]:
    with reading(app.engine) as connection:
        return list(connection.execute(select(sleep_sessions.c.id)).scalars())


def test_two_halves_of_a_night_become_one_sleep_when_the_middle_comes(
    lite: App, tmp_path: Path
) -> None:
    whole = staged("2026-10-20", hours=8)
    evening = [s for s in whole if s.end <= "2026-10-21T01:00:00"]
    morning = [s for s in whole if s.start >= "2026-10-21T04:00:00"]
    assert counts(take(lite, Export([*evening, *morning]), tmp_path)) == (2, 0, 0)
    assert counts(take(lite, Export(whole), tmp_path)) == (0, 1, 0)
    assert len(_session_ids(lite)) == 1
    (night,) = lite.nights(None)
    assert night["details"]["gap_duration"] == 0


def test_exact_duplicates_count_once(lite: App, tmp_path: Path) -> None:
    night = staged("2026-10-20")
    attempt = take(lite, Export([*night, *night[:3]]), tmp_path)
    assert attempt["status"] == "success"
    assert (attempt["detail"]["read"], attempt["detail"]["repeated"]) == (len(night) + 3, 3)
    assert lite.nights(None)[0]["total_sleep_time"] == 438


def test_what_cannot_be_used_is_set_aside_with_its_reason(lite: App, tmp_path: Path) -> None:
    bad = [
        Sample("2026-10-21T03:00:00", "2026-10-21T02:00:00", "AsleepCore"),
        Sample("2026-10-21T03:00:00", "2026-10-21T03:00:00", "AsleepCore"),
        Sample("2026-11-23T22:00:00", "2026-11-24T07:00:00", "InBed", "Test iPhone"),
        Sample("2026-10-21T03:01:00", "2026-10-21T03:05:00", "SomethingNew"),
    ]
    broken = (
        ' <Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="Test Watch"'
        ' startDate="yesterday" endDate="2026-10-21 03:00:00 +0200"'
        ' value="HKCategoryValueSleepAnalysisAsleepREM"/>'
    )
    attempt = take(lite, Export([*staged("2026-10-20"), *bad], extra=[broken]), tmp_path)
    accounted(attempt)
    assert attempt["status"] == "partial"
    assert attempt["error_code"] == "BAD_DATA"
    assert attempt["detail"]["set_aside"] == 5
    assert len(attempt["detail"]["reasons"]) == 5
    assert len(lite.nights(None)) == 1
    with reading(lite.engine) as connection:
        kept = connection.execute(select(raw_records.c.external_id)).all()
    assert len(kept) == len(staged("2026-10-20")) + 5  # kept, with the reason


def test_a_file_out_of_which_nothing_can_be_read_fails(app: App, tmp_path: Path) -> None:
    attempt = take(
        app, Export([Sample("2026-10-21T03:00:00", "2026-10-21T02:00:00", "InBed")]), tmp_path
    )
    assert attempt["status"] == "failed"
    assert attempt["error_code"] == "BAD_DATA"
    assert attempt["error_message"]
    assert app.nights(None) == []
    empty = take(app, Export(), tmp_path)
    assert empty["status"] == "failed"


def test_what_nobody_knows_is_not_tried(app: App, tmp_path: Path) -> None:
    (tmp_path / "letter.xml").write_text("<letter>Dear diary</letter>")
    with pytest.raises(UsageError, match="no export that we know"):
        app.import_path(tmp_path / "letter.xml")
    assert app.history(None) == []
    assert app.users() == []


def test_two_people_do_not_mix(app: App, tmp_path: Path) -> None:
    app.add_user("Ann")
    app.add_user("Bob")
    with pytest.raises(UsageError, match="--user"):
        take(app, Export(staged("2026-10-20")), tmp_path)
    take(app, Export(staged("2026-10-20")), tmp_path, user="Ann")
    take(app, Export(staged("2026-10-20", hours=6)), tmp_path, user="Bob")
    assert [n["total_sleep_time"] for n in app.nights("Ann")] == [438]
    assert [n["total_sleep_time"] for n in app.nights("Bob")] == [351]
    assert len(app.history("Ann")) == 1
    assert len(app.history(None)) == 2


def test_a_trip_keeps_its_dates(lite: App, tmp_path: Path) -> None:
    tokyo = staged("2026-10-20", begin="23:30", place="Asia/Tokyo", zone="Asia/Tokyo")
    export = Export(tokyo, printed="-05:00", made="2026-11-22T05:00:00-05:00")
    take(lite, export, tmp_path)
    (night,) = lite.nights(None)
    assert str(night["sleep_date"]) == "2026-10-21"
    assert night["sleep_end_time"] == "2026-10-21T07:00:00+09:00"


def test_zones_come_from_the_record_its_neighbours_the_person_and_the_file(
    app: App, tmp_path: Path
) -> None:
    silent: dict[str, Any] = {"zone": None, "place": "Asia/Tokyo"}
    near = staged("2026-10-20", begin="13:00", hours=2, place="Asia/Tokyo", zone="Asia/Tokyo")
    samples = [*near, *staged("2026-10-20", **silent), *staged("2026-10-27", **silent)]
    take(app, Export(samples), tmp_path)
    found = [(n["details"]["zone_from"], n["details"]["zone"]) for n in app.nights(None)]
    assert found == [("neighbour", "Asia/Tokyo"), ("file", "+01:00")]
    assert app.set_zone(None, "Asia/Tokyo", None, None) == 2  # it left one date for another
    nights_now = app.nights(None)
    assert nights_now[1]["details"]["zone_from"] == "person"
    assert nights_now[1]["sleep_end_time"] == "2026-10-28T06:30:00+09:00"
    app.set_zone(None, "America/New_York", dt.date(2026, 10, 27), dt.date(2026, 10, 29))
    assert app.nights(None)[1]["sleep_end_time"] == "2026-10-27T17:30:00-04:00"


@pytest.mark.parametrize(
    ("hints", "zone"),
    [
        ([("2026-10-19T01:30:00", "Asia/Tokyo")], "Asia/Tokyo"),  # 22.5 h before
        ([("2026-10-18T22:30:00", "Asia/Tokyo")], "+01:00"),  # 25.5 h before
        ([("2026-10-21T05:30:00", "Asia/Tokyo")], "Asia/Tokyo"),  # 23.5 h after
        ([("2026-10-21T08:00:00", "Asia/Tokyo")], "+01:00"),  # 26 h after
        (
            [("2026-10-20T04:50:00", "America/New_York"), ("2026-10-20T06:10:00", "Asia/Tokyo")],
            "Asia/Tokyo",
        ),
    ],
)
def test_the_nearest_record_tells_the_zone(
    lite: App, tmp_path: Path, hints: list[tuple[str, str]], zone: str
) -> None:
    utc: dict[str, Any] = {"place": "UTC", "source": "Test Watch"}
    night = Sample("2026-10-20T00:00:00", "2026-10-20T06:00:00", "Asleep", zone=None, **utc)
    stands = [
        Sample(at, at, "HKCategoryValueAppleStandHourStood", kind="HKStand", zone=name, **utc)
        for at, name in hints
    ]
    take(lite, Export([night, *stands]), tmp_path)
    assert lite.nights(None)[0]["details"]["zone"] == zone


def test_the_zone_given_with_the_import_is_the_persons(lite: App, tmp_path: Path) -> None:
    export = Export(staged("2026-10-20", zone=None, place="Asia/Tokyo"))
    take(lite, export, tmp_path, timezone="Asia/Tokyo")
    assert lite.nights(None)[0]["details"]["zone_from"] == "person"
    with pytest.raises(UsageError, match="no time zone"):
        take(lite, export, tmp_path, timezone="Tokyo")


def test_the_zone_given_with_an_import_leaves_the_stays_that_were_told(
    lite: App, tmp_path: Path
) -> None:
    silent = Export(staged("2026-10-20", zone=None))
    take(lite, silent, tmp_path)
    lite.set_zone(None, "Europe/Berlin", None, None)
    lite.set_zone(None, "Asia/Tokyo", dt.date(2026, 3, 1), dt.date(2026, 3, 31))
    take(lite, silent, tmp_path, timezone="America/New_York")
    assert lite.nights(None)[0]["details"]["zone"] == "Europe/Berlin"


def test_a_failed_import_leaves_the_zone(lite: App, tmp_path: Path) -> None:
    take(lite, Export(staged("2026-10-20", zone=None)), tmp_path, timezone="Europe/Berlin")
    assert take(lite, Export(), tmp_path, timezone="Asia/Tokyo")["status"] == "failed"
    assert lite.nights(None)[0]["details"]["zone"] == "Europe/Berlin"


def test_of_two_versions_of_a_sample_one_stands_whole(lite: App, tmp_path: Path) -> None:
    old = Sample("2026-10-20T23:00:00", "2026-10-21T06:00:00", "Asleep")
    new = Sample(
        "2026-10-21T06:00:00",
        "2026-10-21T13:00:00",
        "Asleep",
        zone="Asia/Tokyo",
        place="Asia/Tokyo",
        created="2026-10-22T00:00:00+00:00",
    )
    assert old.instants() == new.instants()
    found = []
    for n, order in enumerate(([old, new], [new, old])):
        url = f"sqlite:///{tmp_path / f'{n}.db'}"
        with opened(Folder(tmp_path, url, demo=False)) as app:
            for sample in order:
                take(app, Export([sample]), tmp_path)
            found.append(app.nights(None)[0]["sleep_end_time"])
    assert found == ["2026-10-21T13:00:00+09:00"] * 2


def test_a_nap_days_away_changes_no_zone(lite: App, tmp_path: Path) -> None:
    silent = staged("2026-10-20", begin="16:00", hours=7, zone=None, source="Ring")
    told = staged("2026-10-21", begin="13:00", hours=2)
    take(lite, Export([*silent, *told]), tmp_path)

    def zones() -> list[tuple[str, str]]:
        with reading(lite.engine) as connection:
            columns = (sleep_sessions.c.zone_start, sleep_sessions.c.zone_end)
            query = select(*columns).where(sleep_sessions.c.source_key == "Ring")
            return [tuple(row) for row in connection.execute(query)]

    before = zones()
    for day in evenings("2026-10-23", 5):
        take(lite, Export(staged(day, begin="10:00", hours=1.5)), tmp_path)
    assert zones() == before


def test_nothing_used_and_nothing_beside_it_is_a_failure(lite: App, tmp_path: Path) -> None:
    odd = Sample("2026-10-21T03:00:00", "2026-10-21T03:10:00", "Dreaming")
    attempt = take(lite, Export([odd]), tmp_path)
    assert (attempt["status"], attempt["records_fetched"]) == ("failed", 0)
    assert "Dreaming" in attempt["error_message"]
    assert take(lite, Export([odd, *hearts("2026-10-20")]), tmp_path)["status"] == "partial"


def test_an_in_bed_only_night_is_not_sleep(lite: App, tmp_path: Path) -> None:
    take(lite, Export(PHONE), tmp_path)
    (night,) = lite.nights(None)
    assert night["total_sleep_time"] is None
    assert night["sleep_start_time"] is None
    assert night["avg_heart_rate"] is None
    assert night["details"]["time_in_bed"] == 15 + 468


def test_heart_rates_may_come_in_another_file(app: App, tmp_path: Path) -> None:
    take(app, Export(hearts("2026-10-20")), tmp_path)
    assert app.nights(None) == []
    take(app, Export(staged("2026-10-20")), tmp_path)
    (one,) = app.nights(None)
    take(app, Export(hearts("2026-10-20", begin="22:02")), tmp_path)
    (two,) = app.nights(None)
    assert one["avg_heart_rate"] is not None
    assert two["avg_heart_rate"] is not None
    assert one["id"] == two["id"]
