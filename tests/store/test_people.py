"""People need a name only; their zones are a list that begins at their own midnights."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from sleepbalance.errors import UsageError
from sleepbalance.store import people
from sleepbalance.store.engine import make_engine, reading, writing
from sleepbalance.store.tables import people_zones, users


def test_a_name_or_a_code_is_enough(engine: Engine) -> None:
    with writing(engine) as connection:
        people.add(connection, "  Ann  Lee ")
        people.add(connection, "P-017")
    with reading(engine) as connection:
        assert [p.name for p in people.everybody(connection)] == ["Ann Lee", "P-017"]
        rows = connection.execute(text("SELECT email, last_name, birth_date FROM users")).all()
        assert [tuple(row) for row in rows] == [(None, "", "")] * 2
        found = people.find(connection, "ann lee")
        assert people.find(connection, found.id) == found


def test_names_are_told_apart(engine: Engine) -> None:
    with writing(engine) as connection:
        people.add(connection, "Ann")
        with pytest.raises(UsageError, match="already"):
            people.add(connection, "ANN")
        with pytest.raises(UsageError, match="needs a name"):
            people.add(connection, "  ")
        with pytest.raises(UsageError, match="no user 'Bob'"):
            people.find(connection, "Bob")


def test_two_of_one_name_are_named_by_id(engine: Engine) -> None:
    with writing(engine) as connection:
        people.add(connection, "Ann")
        connection.execute(
            text(
                "INSERT INTO users (id, first_name, last_name, birth_date, timezone, created_at,"
                " updated_at) VALUES ('x', 'ann', '', '', 'UTC', '', '')"
            )
        )
        with pytest.raises(UsageError, match="2 people"):
            people.find(connection, "Ann")
        assert people.find(connection, "x").id == "x"


def test_the_apps_placeholder_zone_means_nothing(engine: Engine) -> None:
    with writing(engine) as connection:
        ann = people.add(connection, "Ann")
        assert people.zones(connection, ann.id) == [(people.FIRST_DAY, None)]
        people.set_zone(connection, ann.id, "UTC")
        assert people.zones(connection, ann.id) == [(people.FIRST_DAY, "UTC")]


def test_who_was_deleted_is_nobody(engine: Engine) -> None:
    with writing(engine) as connection:
        people.add(connection, "Ann")
        people.add(connection, "Bob")
        connection.execute(text("UPDATE users SET is_deleted = 1 WHERE first_name = 'Bob'"))
        assert [p.name for p in people.everybody(connection)] == ["Ann"]


@pytest.mark.parametrize("name", ["\udcff", "a\x1b[31mb", ""])
def test_names_can_be_read(engine: Engine, name: str) -> None:
    with pytest.raises(UsageError, match="needs a name"), writing(engine) as connection:
        people.add(connection, name)


def test_stays_told_at_once_are_all_kept(engine: Engine) -> None:
    with writing(engine) as connection:
        ann = people.add(connection, "Ann")

    def tell(month: int) -> None:
        with writing(engine) as connection:
            stay = (dt.date(2026, month, 5), dt.date(2026, month, 20))
            people.set_zone(connection, ann.id, "Asia/Tokyo", *stay)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(1, 9)))
    with reading(engine) as connection:
        assert len(people.zones(connection, ann.id)) == 1 + 2 * 8


def test_a_stay_without_an_end(engine: Engine) -> None:
    with writing(engine) as connection:
        ann = people.add(connection, "Ann")
        people.set_zone(connection, ann.id, "Asia/Tokyo", dt.date(2026, 3, 1), dt.date.max)
        assert people.zones(connection, ann.id)[-1] == (dt.date(2026, 3, 1), "Asia/Tokyo")


def test_a_stay_elsewhere_ends(engine: Engine) -> None:
    with writing(engine) as connection:
        ann = people.add(connection, "Ann")
        people.set_zone(connection, ann.id, "Europe/Berlin")
        trip = (dt.date(2026, 3, 1), dt.date(2026, 3, 14))
        people.set_zone(connection, ann.id, "Asia/Tokyo", *trip)
        assert people.zones(connection, ann.id) == [
            (people.FIRST_DAY, "Europe/Berlin"),
            (dt.date(2026, 3, 1), "Asia/Tokyo"),
            (dt.date(2026, 3, 15), "Europe/Berlin"),
        ]
        people.set_zone(connection, ann.id, "Europe/Berlin", *trip)
        assert people.zones(connection, ann.id) == [(people.FIRST_DAY, "Europe/Berlin")]


def test_a_stay_is_known_though_home_is_not(engine: Engine) -> None:
    with writing(engine) as connection:
        ann = people.add(connection, "Ann")
        people.set_zone(connection, ann.id, "Asia/Tokyo", dt.date(2026, 3, 1))
        assert people.zones(connection, ann.id) == [
            (people.FIRST_DAY, None),
            (dt.date(2026, 3, 1), "Asia/Tokyo"),
        ]


Stay = tuple[str, dt.date | None, dt.date | None]
_days = st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 28))
_zones = st.sampled_from(["Europe/Berlin", "Asia/Tokyo", "America/New_York"])


@given(st.lists(st.tuples(_zones, st.none() | _days, st.none() | _days), max_size=6))
def test_the_last_word_on_a_day_stands(
    said: list[tuple[str, dt.date | None, dt.date | None]],
) -> None:
    engine = make_engine("sqlite://")
    day = dt.date(2020, 1, 20)
    expected: str | None = None
    with engine.begin() as connection:
        for table in (users, people_zones):
            table.create(connection)
        ann = people.add(connection, "Ann")
        for zone, first, last in said:
            if first is not None and last is not None and last < first:
                continue
            people.set_zone(connection, ann.id, zone, first, last)
            if (first or day) <= day <= (last or day):
                expected = zone
        known = people.zones(connection, ann.id)
    assert next(zone for start, zone in reversed(known) if start <= day) == expected
    assert known == sorted(known, key=lambda entry: entry[0])
