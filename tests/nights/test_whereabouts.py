"""Sleeps on the wall among others that name their zone: both ends are shown as they were told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from sleepbalance.model import local
from sleepbalance.store.engine import reading
from sleepbalance.store.tables import sleep_sessions
from sleepbalance.store.upgrade import upgrade
from tests.nights.home import Home, Sleep, database, person, sleep

HOUR = dt.timedelta(hours=1)
CHANGES = (dt.date(2026, 3, 27), dt.date(2026, 10, 23), dt.date(2026, 7, 1))  # the days before
HOMES = (None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
names = (f"someone {number}" for number in count())

slow = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path_factory.mktemp('whereabouts') / 'nights.db'}"
    upgrade(url)
    with database(url) as made:
        yield made


@st.composite
def told(draw: st.DrawFn) -> list[Sleep]:
    """Nights in a row: logs on the wall, rows on the wall with zones, and instants with zones."""
    day, found = draw(st.sampled_from(CHANGES)), []
    for evening in range(draw(st.integers(1, 4))):
        hour = draw(st.integers(20, 25))
        start = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(days=evening, hours=hour)
        slept = dt.timedelta(minutes=draw(st.integers(4 * 60, 9 * 60)))
        form = draw(st.sampled_from(("log", "log", "row", "api", "none")))
        ahead = draw(st.sampled_from((0, 0, -1, 1, 6, -3))) if form == "log" else 0
        more: dict[str, Any] = {"id": f"{evening}", "start": start, "end": start + slept}
        if form == "log":
            more |= {"wall": True, "slept": int(slept.total_seconds())}
            more["end"] += ahead * HOUR
        else:
            more |= {"zone": draw(st.sampled_from(("+09:00", "+02:00", "+01:00", "-05:00")))}
            more |= {"zone_end": draw(st.sampled_from((None, "+01:00")))} | {"wall": form == "row"}
        if form != "none":
            found.append(Sleep(**more))
    return found


def lived(engine: Engine, zone: str | None, batches: list[list[Sleep]]) -> Home:
    home = person(engine, next(names))
    if zone is not None:
        home.live(zone)
    for batch in batches:
        home.tell(batch)
    return home


def placed(home: Home) -> dict[str, Any]:
    with reading(home.engine) as connection:
        mine = sleep_sessions.select().where(sleep_sessions.c.user_id == home.user_id)
        return {row.external_id: row for row in connection.execute(mine)}


@slow
@given(told(), st.sampled_from(HOMES), st.randoms(use_true_random=False))
def test_both_ends_are_shown_as_they_were_told_in_whatever_order_they_came(
    engine: Engine, sleeps: list[Sleep], zone: str | None, random: Any
) -> None:
    home = lived(engine, zone, [sleeps])
    rows = placed(home)
    for log in (each for each in sleeps if each.wall and each.zone is None):
        row = rows[log.id]
        assert row.end_at - row.start_at == dt.timedelta(seconds=log.slept or 0)
        start, end = local(row.start_at, row.zone_start), local(row.end_at, row.zone_end)
        assert start.replace(tzinfo=dt.UTC, fold=0) == log.start
        reckoned = log.end - log.start == row.end_at - row.start_at
        if not reckoned or row.zone_end != zone:
            assert end.replace(tzinfo=dt.UTC, fold=0) == log.end
        if reckoned and row.zone_end != zone:
            assert start.utcoffset() == end.utcoffset()
    one_by_one = [[each] for each in sleeps]
    random.shuffle(one_by_one)
    again = lived(engine, zone, one_by_one)
    assert again.nights() == home.nights()
    for name, row in placed(again).items():
        assert (row.start_at, row.zone_start, row.zone_end, row.zone_from) == (
            rows[name].start_at,
            rows[name].zone_start,
            rows[name].zone_end,
            rows[name].zone_from,
        )


@pytest.mark.parametrize("later", [False, True])
def test_a_zone_from_the_other_end_of_the_world_reaches_a_log_that_lay_there(
    engine: Engine, later: bool
) -> None:
    """By the wall they lie 23 hours apart, and as it lay without that zone it began a day later."""
    log = sleep("18 23:30", "19 06:30", wall=True)
    span: dict[str, Any] = {"start": log.end + 23 * HOUR, "end": log.end + 30 * HOUR}
    told = Sleep(id="row", wall=True, zone="+14:00", **span)
    batches = [[log], [told]] if later else [[told], [log]]
    home = lived(engine, "Pacific/Honolulu", batches)
    assert placed(home)[log.id].zone_end == "+14:00"


def test_a_sleep_without_its_zone_is_at_home_if_what_is_near_was(engine: Engine) -> None:
    """Of instants too: an offset knows no change of clocks."""
    before = sleep("2026-10-23 23:00", "2026-10-24 07:00", zone="+02:00")
    silent = sleep("2026-10-24 23:00", "2026-10-25 07:00")
    home = lived(engine, "Europe/Berlin", [[before, silent]])
    assert home.nights()["2026-10-25"]["sleep_end_time"] == "2026-10-25T07:00:00+01:00"


def test_what_a_sleep_tells_of_its_end_is_of_its_end(engine: Engine) -> None:
    flown = sleep("18 09:00", "18 15:00", zone="+09:00", zone_end="+02:00")
    silent = sleep("18 23:00", "19 07:00")
    home = lived(engine, None, [[flown, silent]])
    assert home.nights()["2026-11-19"]["sleep_end_time"] == "2026-11-19T08:00:00+02:00"
