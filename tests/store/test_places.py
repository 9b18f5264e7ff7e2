"""Sleeps that were told on the wall: what is shown of them, wherever in the world they were."""

from __future__ import annotations

import datetime as dt

from hypothesis import assume, example, given
from hypothesis import strategies as st

from sleepbalance.model import Piece, Session, Source, ZoneFrom, local
from sleepbalance.store.places import Place, as_instants, settle

HOUR, QUARTER = 3600, 900
# The clock was set in these nights: by an hour, by half of one, by a day.
SET = (
    ("Europe/Berlin", dt.date(2026, 3, 28)),
    ("Europe/Berlin", dt.date(2026, 10, 24)),
    ("Australia/Lord_Howe", dt.date(2026, 4, 4)),
    ("Australia/Lord_Howe", dt.date(2026, 10, 3)),
    ("America/New_York", dt.date(2026, 10, 31)),
    ("Pacific/Apia", dt.date(2011, 12, 29)),
)
ANY = ("Asia/Kathmandu", "Pacific/Kiritimati", "Europe/Berlin", "UTC", "+09:00", "-11:00")
days = st.dates(dt.date(2005, 1, 1), dt.date(2030, 1, 1))
somewhere = st.one_of(st.sampled_from(SET), st.tuples(st.sampled_from(ANY), days))
minutes = st.integers(12 * 60, 34 * 60)  # after that date began
lengths = st.integers(1, 13 * 60).map(lambda told: told * 60)
set_by = st.one_of(
    st.just(0),
    st.sampled_from((-HOUR, HOUR, -HOUR // 2, HOUR // 2)),
    st.integers(-104, 104).map(lambda told: told * QUARTER),
)


def told(day: dt.date, minute: int, length: int, ahead: int) -> Session:
    start = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(minutes=minute)
    return Session(
        external_id="1",
        source=Source("watch", "Watch"),
        start=start,
        end=start + dt.timedelta(seconds=length + ahead),
        wall=True,
        parts=(Piece(0, length),),
    )


def shown(at: dt.datetime, zone: str) -> dt.datetime:
    return local(at, zone).replace(tzinfo=dt.UTC, fold=0)


def ahead_there(at: dt.datetime, zone: str) -> int:
    return round((local(at, zone).utcoffset() or dt.timedelta()).total_seconds())


def on_earth(seconds: int) -> bool:
    return -12 * HOUR <= seconds <= 14 * HOUR


@given(somewhere, minutes, lengths, set_by, st.booleans())
@example(SET[0], 26 * 60 + 30, 20 * 60, 0, False)  # 02:30 never was
@example(SET[0], 23 * 60, 4 * HOUR, -HOUR, True)
@example(SET[1], 26 * 60 + 30, HOUR, 0, True)  # 02:30 was twice
@example(SET[1], 23 * 60, 8 * HOUR, 0, False)
@example(SET[5], 34 * 60, HOUR, 0, False)  # that date never was
@example(("Pacific/Kiritimati", dt.date(2026, 3, 1)), 23 * 60, HOUR, 6 * HOUR, True)
def test_the_clock_at_both_ends_is_as_it_was_told(
    where: tuple[str, dt.date], minute: int, length: int, ahead: int, last: bool
) -> None:
    zone, day = where
    sent = told(day, minute, length, ahead)
    assume(sent.end > sent.start)
    place = settle(sent, zone, ZoneFrom.PERSON, last=last)
    found = as_instants(sent, place)
    assert (found.end - found.start).total_seconds() == length
    assert shown(found.start, place.zone_start) == sent.start
    ends = (found.start, place.zone_start), (found.end, place.zone_end)
    assert all(on_earth(ahead_there(*end)) for end in ends)
    told_there = shown(found.end, place.zone_end) == sent.end
    if ahead == 0:  # one offset, or the end was only reckoned
        same = ahead_there(*ends[0]) == ahead_there(*ends[1])
        assert same == told_there
        assert same or place == Place(zone, zone, ZoneFrom.PERSON)
    elif on_earth(ahead_there(found.start, zone) + ahead):
        assert told_there


@given(somewhere, minutes, lengths, set_by)
@example(SET[0], 23 * 60, 8 * HOUR, -7 * HOUR)
def test_an_end_in_the_zone_is_shown_by_its_clock(
    where: tuple[str, dt.date], minute: int, length: int, ahead: int
) -> None:
    zone, day = where
    sent = told(day, minute, length, ahead)
    assume(ahead % (24 * HOUR) and sent.end > sent.start)
    place = settle(sent, zone, ZoneFrom.PERSON, last=True)
    found = as_instants(sent, place)
    assume(place.zone_end == zone != place.zone_start)
    assert shown(found.end, zone) == sent.end
    assert ahead_there(found.start, place.zone_start) + ahead == ahead_there(found.end, zone)


def test_what_clocks_do_not_do_is_no_flight() -> None:
    """A clock is set by quarters of an hour."""
    sent = told(dt.date(2026, 7, 1), 23 * 60, 8 * HOUR, 700)
    assert settle(sent, "Asia/Tokyo", ZoneFrom.PERSON) == Place(
        "Asia/Tokyo", "Asia/Tokyo", ZoneFrom.PERSON
    )
