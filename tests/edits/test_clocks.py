"""A time that a person says means the day on which it is nearest to their sleep."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sleepbalance.app.clocks import WORDS, Added, Ends, placed, read_span, resolve
from sleepbalance.errors import UsageError
from sleepbalance.model import local, zone_info

BERLIN = "Europe/Berlin"
HOUR = dt.timedelta(hours=1)
ZONES = [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "+05:30"]
BACK, FORTH = "2025-10-26", "2025-03-30"  # the clock in Berlin: 03:00 → 02:00, 02:00 → 03:00


def at(text: str, zone: str = BERLIN, fold: int = 0) -> dt.datetime:
    naive = dt.datetime.fromisoformat(text)
    return naive.replace(tzinfo=zone_info(zone), fold=fold).astimezone(dt.UTC)


def ends(start: str, end: str, zone: str = BERLIN, **more: object) -> Ends:
    return Ends(at(start, zone), at(end, zone), zone, zone, **more)  # type: ignore[arg-type]


NIGHT = ends("2025-11-19T23:00", "2025-11-20T07:00")


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({"bed_time": "22:50"}, ["2025-11-19T22:50"]),
        ({"bed_time": "22:50", "sleep_start": "00:10"}, ["2025-11-19T22:50", "2025-11-20T00:10"]),
        ({"sleep_end": "6:05"}, ["2025-11-20T06:05"]),
        ({"wake_time": "11:59"}, ["2025-11-20T11:59"]),
        ({"sleep_start": "2025-11-19T21:00"}, ["2025-11-19T21:00"]),
        ({"sleep_start": "2025-11-19T23:30+02:00"}, ["2025-11-19T22:30"]),
        ({"sleep_start": "23:10:30"}, ["2025-11-19T23:10:30"]),
    ],
)
def test_a_clock_means_the_day_around_the_sleep(told: dict[str, str], meant: list[str]) -> None:
    assert list(resolve(told, NIGHT).values()) == [at(text) for text in meant]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"sleep_start": "07:30"}, "woke up at 07:00, which is not after 07:30"),
        ({"sleep_end": "22:00"}, "not after"),
        ({"bed_time": "23:30"}, "fell asleep at 23:00, which is not after 23:30"),
        ({"wake_time": "06:00"}, "got up at 06:00"),
        ({"sleep_start": "23:10", "sleep_end": "23:10"}, "not after"),
        ({"bed_time": "noon"}, "'noon' is no time"),
        ({"bed_time": "24:10"}, "is no time"),
        ({"bed_time": "2025-11-19"}, "is no time"),
        ({"bed_time": "0001-01-01T00:00+14:00"}, "is no time"),
        ({"bed_time": "9999-12-31T23:00-14:00"}, "is no time"),
        ({"bed_time": "2025-11-15T23:00"}, "more than a day"),
        ({"bed_time": "2025-11-19T01:00", "wake_time": "2025-11-20T18:00"}, "longer than a day"),
        ({"sleep_start": "none"}, "must be a time"),
        ({"bed_time": ""}, "is no time"),
    ],
)
def test_what_cannot_be_meant_is_said(told: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        resolve(told, NIGHT)


def test_an_end_that_the_person_told_before_still_counts() -> None:
    told = ends("2025-11-19T23:00", "2025-11-20T07:00", said={"bed_time": at("2025-11-19T22:50")})
    with pytest.raises(UsageError, match="fell asleep at 22:30, which is not after 22:50"):
        resolve({"sleep_start": "22:30"}, told)
    moved = resolve({"sleep_start": "22:30", "bed_time": "none"}, told)
    assert moved == {"bed_time": None, "sleep_start": at("2025-11-19T22:30")}


def test_a_time_in_bed_is_no_sleep_that_ends_must_agree_with() -> None:
    told = ends("2025-11-19T23:00", "2025-11-20T07:00", measured=False)
    assert resolve({"bed_time": "23:30"}, told) == {"bed_time": at("2025-11-19T23:30")}


def test_a_clock_that_was_put_back_shows_a_time_twice() -> None:
    told = ends("2025-10-25T23:00", f"{BACK}T07:00")
    assert resolve({"sleep_start": "02:30"}, told) == {"sleep_start": at(f"{BACK}T02:30")}
    assert resolve({"sleep_end": "02:30"}, told) == {"sleep_end": at(f"{BACK}T02:30", fold=1)}
    both = resolve({"sleep_start": "02:40", "sleep_end": "02:20"}, told)
    assert both["sleep_start"] == at(f"{BACK}T02:40")
    assert both["sleep_end"] == at(f"{BACK}T02:20", fold=1)
    exact = resolve({"sleep_start": f"{BACK}T02:30+01:00"}, told)
    assert exact["sleep_start"] == at(f"{BACK}T02:30", fold=1)


def test_a_clock_that_was_put_forward_skips_times() -> None:
    told = ends("2025-03-29T23:00", f"{FORTH}T07:00")
    with pytest.raises(UsageError, match=f"There was no 02:30 on {FORTH} in Europe/Berlin"):
        resolve({"sleep_start": "02:30"}, told)
    assert resolve({"sleep_start": "03:30"}, told) == {"sleep_start": at(f"{FORTH}T03:30")}


moments = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: at("2024-01-01T00:00", "UTC") + dt.timedelta(minutes=minutes)
)
changes = st.sampled_from([at(f"{day}T02:30") for day in (BACK, FORTH)])
clocks = st.times().map(lambda time: f"{time:%H:%M}")


@given(
    zone=st.sampled_from(ZONES),
    start=st.one_of(moments, changes),
    hours=st.integers(1, 12),
    early=st.integers(-12, 2),
    name=st.sampled_from(list(WORDS)),
    clock=clocks,
)
def test_whatever_is_said_is_shown_by_the_clock_there_and_nearest(
    zone: str, start: dt.datetime, hours: int, early: int, name: str, clock: str
) -> None:
    begin = start + early * HOUR
    sleep = Ends(begin, begin + hours * HOUR, zone, zone)
    near = sleep.near(name)[0]
    try:
        found = resolve({name: clock}, sleep)[name]
    except UsageError:
        assume(False)
    assert found is not None
    assert f"{local(found, zone):%H:%M}" == clock
    assert abs(found - near) <= 12.5 * HOUR
    for other in (found - 24 * HOUR, found + 24 * HOUR):
        shown = f"{local(other, zone):%H:%M}" == clock
        assert not shown or abs(other - near) >= abs(found - near) - 2 * HOUR
    known = {"sleep_start": sleep.start, "sleep_end": sleep.end} | {name: found}
    ordered = [known[n] for n in WORDS if n in known]
    assert ordered == sorted(ordered)


@given(
    zone=st.sampled_from(ZONES),
    start=st.one_of(moments, changes),
    bed=st.integers(0, 240),
    late=st.integers(1, 240),
    asleep=st.integers(1, 660),
    up=st.integers(0, 120),
    shift=st.integers(-300, 300),
)
def test_four_ends_as_the_clock_showed_them_are_read_back(
    zone: str, start: dt.datetime, bed: int, late: int, asleep: int, up: int, shift: int
) -> None:
    minute = dt.timedelta(minutes=1)
    true = {"bed_time": start, "sleep_start": start + bed * minute}
    true["sleep_end"] = true["sleep_start"] + (late + asleep) * minute
    true["wake_time"] = true["sleep_end"] + up * minute
    walls = {name: local(moment, zone) for name, moment in true.items()}
    told = {name: f"{wall:%H:%M}" for name, wall in walls.items()}
    near = Ends(
        true["sleep_start"] + shift * minute, true["sleep_end"] + shift * minute, zone, zone
    )
    assume(all(_shown_once(wall) for wall in walls.values()))
    assert resolve(told, near) == true
    exact = {name: wall.isoformat() for name, wall in walls.items()}
    assert resolve(exact, near) == true


def _shown_once(wall: dt.datetime) -> bool:
    return wall.replace(fold=0).utcoffset() == wall.replace(fold=1).utcoffset()


# -- a sleep that nobody measured --------------------------------------------------------------

DATE = dt.date(2025, 11, 20)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("23:10-07:00", "2025-11-19T23:10", "2025-11-20T07:00"),
        ("23:10 – 7:00", "2025-11-19T23:10", "2025-11-20T07:00"),
        ("01:10-07:00", "2025-11-20T01:10", "2025-11-20T07:00"),
        ("14:00-14:30", "2025-11-20T14:00", "2025-11-20T14:30"),
        ("2025-11-19T23:10/2025-11-20T07:00", "2025-11-19T23:10", "2025-11-20T07:00"),
        ("2025-11-19T22:10Z/2025-11-20T07:00+01:00", "2025-11-19T23:10", "2025-11-20T07:00"),
    ],
)
def test_a_span_ends_on_its_date(text: str, start: str, end: str) -> None:
    assert placed(read_span(text, DATE), BERLIN) == (at(start), at(end))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "23:10",
        "23:10-07:00-09:00",
        "07:00-07:00",
        "2025-11-20T07:00/2025-11-19T23:10",
        "2025-11-18T07:00/2025-11-20T07:00",
        "2025-11-19T23:10/2025-11-21T07:00",
        "2025-11-19T23:10/2025-11-20T07:00+01:00",
        "23:10/07:00",
        "never-ever",
    ],
)
def test_what_is_no_span_of_that_date_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        read_span(text, DATE)


def test_a_span_that_the_clock_skipped_is_said() -> None:
    span = read_span("02:30-07:00", dt.date.fromisoformat(FORTH))
    with pytest.raises(UsageError, match="There was no 02:30"):
        placed(span, BERLIN)


@given(start=st.times(), end=st.times())
def test_a_span_of_clocks_lasts_less_than_a_day(start: dt.time, end: dt.time) -> None:
    text = f"{start:%H:%M}-{end:%H:%M}"
    minutes = (end.hour - start.hour) * 60 + end.minute - start.minute
    assume(0 < minutes % (24 * 60) <= 16 * 60)
    found = read_span(text, DATE)
    assert isinstance(found, Added)
    assert (f"{found.start:%H:%M}", f"{found.end:%H:%M}") == tuple(text.split("-"))
    assert found.end.date() == DATE
    assert dt.timedelta() < found.end - found.start < dt.timedelta(days=1)
