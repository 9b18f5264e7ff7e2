"""The made-up nights are plausible, the same every time, and settle in the end."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepbalance.sandbox.body import beats, rates_in, vitals
from sleepbalance.sandbox.hypnogram import ASLEEP, Stretch, cut_in
from sleepbalance.sandbox.life import rests
from sleepbalance.sandbox.people import DAY, Person, journeys, population
from sleepbalance.sandbox.sleeps import SETTLED, Sleep, Telling, recorded

TODAY = dt.date(2026, 11, 21)
people = st.builds(
    lambda seed, n: population(seed, n, TODAY)[str(n)], st.integers(0, 999), st.integers(1, 9)
)
dates = st.dates(dt.date(2022, 1, 1), dt.date(2028, 12, 31))


def weeks(person: Person, first: dt.date, count: int = 21) -> list[Sleep]:
    return [s for n in range(count) for s in recorded(person, first + n * DAY)]


@given(people, dates)
@settings(max_examples=60, deadline=None)
def test_nobody_sleeps_twice_at_once(person: Person, first: dt.date) -> None:
    lived = [rest for n in range(21) for rest in rests(person, first + n * DAY)]
    for one, two in pairwise(lived):
        assert two.start - one.end >= dt.timedelta(minutes=70), (one, two)
    told = [t for sleep in weeks(person, first) for t in sleep.tellings if not t.gone]
    told.sort(key=lambda t: t.start)
    for one_told, two_told in pairwise(told):
        assert two_told.start >= one_told.end or two_told.start == one_told.start


@given(people, dates)
@settings(max_examples=60, deadline=None)
def test_stages_fill_the_sleep_without_holes(person: Person, first: dt.date) -> None:
    for sleep in weeks(person, first, 7):
        for told in sleep.tellings:
            _is_sound(told)


def _is_sound(told: Telling) -> None:
    assert told.stages[0].offset == 0
    assert told.stages[-1].end == told.seconds
    assert all(a.end == b.offset and a.stage != b.stage for a, b in pairwise(told.stages))
    assert all(s.seconds > 0 and s.seconds % 30 == 0 for s in told.stages)
    asleep = [s for s in told.stages if s.stage in ASLEEP]
    assert all(a.end < b.offset for a, b in pairwise(told.short))
    for short in told.short:
        assert 30 <= short.seconds <= 180
        assert asleep[0].offset < short.offset
        assert short.end < asleep[-1].end
        assert any(s.offset <= short.offset and short.end <= s.end for s in asleep)
    for up in told.out_of_bed:
        over = next(s for s in told.stages if s.offset <= up.offset < s.end)
        assert over.stage == "awake"
        assert up.end <= over.end
    if told.form == "staged":
        assert {s.stage for s in told.stages} <= {"awake", "light", "deep", "rem"}
        assert told.seconds >= 3 * 3600 - 20 * 60
    else:
        assert not told.short
        assert {s.stage for s in told.stages} <= {"asleep", "restless", "awake"}


@given(people, dates)
@settings(max_examples=60, deadline=None)
def test_a_sleep_belongs_to_the_date_on_which_it_ends(person: Person, date: dt.date) -> None:
    for sleep in recorded(person, date):
        assert sleep.id.startswith(date.isoformat())
        assert {sleep.date_of(told) for told in sleep.tellings} == {date}


@given(people, dates)
@settings(max_examples=60, deadline=None)
def test_everything_settles(person: Person, first: dt.date) -> None:
    for sleep in weeks(person, first):
        told = sleep.tellings
        assert [t.at for t in told] == sorted({t.at for t in told})
        assert told[0].at > told[0].end
        assert told[-1].at - told[0].end <= SETTLED
        assert not told[-1].pending
        assert sleep.told_at(told[0].at - dt.timedelta(seconds=1)) is None


def test_deep_sleep_comes_early_and_rem_late() -> None:
    person = population(1, 1, TODAY)["1"]
    early, late = dict.fromkeys(ASLEEP, 0), dict.fromkeys(ASLEEP, 0)
    for n in range(365):
        for rest in rests(person, TODAY - n * DAY):
            if rest.sort == "night":
                for stage in rest.stages:
                    half = early if stage.end < rest.seconds / 2 else late
                    if stage.stage in half:
                        half[stage.stage] += stage.seconds
    assert early["deep"] > 3 * late["deep"]
    assert late["rem"] > 2 * early["rem"]


def test_weekends_are_longer() -> None:
    person = population(1, 1, TODAY)["1"]
    sums = {True: [0, 0], False: [0, 0]}
    for n in range(700):
        date = TODAY - n * DAY
        for rest in rests(person, date):
            if rest.sort == "night":
                sums[date.weekday() >= 5][0] += rest.seconds
                sums[date.weekday() >= 5][1] += 1
    assert sums[True][0] / sums[True][1] > sums[False][0] / sums[False][1] + 1200


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_a_history_has_everything_in_it(seed: int) -> None:
    """What a client has to cope with occurs within the three years of person 1."""
    person = population(seed, 1, TODAY)["1"]
    days = [person.began + n * DAY for n in range((TODAY - person.began).days)]
    assert 3 * 365 <= len(days) <= 3 * 365 + 32
    sleeps = [s for date in days for s in recorded(person, date)]
    told = [t for s in sleeps for t in s.tellings]
    last = [s.tellings[-1] for s in sleeps]
    assert {t.form for t in last} == {"staged", "classic", "plain", "manual"}
    assert {t.why for t in told} == {"", "pending", "nap", "coverage", "hand"}
    assert {s.kind for s in sleeps} == {"night", "nap"}
    assert any(t.gone for t in told)
    assert any(t.edited for t in told)
    assert any(t.out_of_bed for t in told)
    assert any(not rests(person, date) for date in days), "a night without sleep"
    assert any(sum(r.sort == "split" for r in rests(person, d)) == 2 for d in days)
    assert len({s.device for s in sleeps} - {None}) >= 2
    assert any(t.at - t.end > DAY for t in told), "a phone that was away"
    away = [d for d in days if person.place(d) != person.zone]
    assert {person.place(d) for d in away} == set(person.trips)
    offsets = [(s.offset(t.start, t), s.offset(t.end, t)) for s in sleeps for t in s.tellings]
    changes = {b - a for a, b in offsets}
    assert {3600, -3600, 0} < changes, "both clock changes, and a flight"
    assert any(not person.wears(d) and person.wears(d - DAY) for d in days)


def test_the_flight_home_lands_in_another_zone() -> None:
    person = population(1, 1, TODAY)["1"]
    (flight,) = [j for j in journeys(person, 2026) if j.overnight]
    rest = rests(person, flight.back)[0]
    assert (rest.zone_start, rest.zone_end) == (flight.zone, person.zone)
    assert rest.end.astimezone(ZoneInfo(person.zone)).date() == flight.back


@given(people, dates)
@settings(max_examples=40, deadline=None)
def test_a_body_is_a_body(person: Person, date: dt.date) -> None:
    noon = dt.datetime.combine(date, dt.time(12), tzinfo=dt.UTC)
    samples = list(beats(person, noon, noon + DAY))
    assert all(38 <= b.bpm <= 140 for b in samples)
    assert all(a.at < b.at for a, b in pairwise(samples))
    assert [b.bpm for b in samples] == rates_in(person, noon, noon + DAY)
    middle = noon + dt.timedelta(seconds=12_345)
    assert samples == [*beats(person, noon, middle), *beats(person, middle, noon + DAY)]
    told = vitals(person, date)
    assert 9 <= told.rmssd <= 160
    assert 9 < told.breath < 21
    assert 85 < told.oxygen_low < told.oxygen < told.oxygen_high <= 100
    assert 31 < told.warmth < 36


def test_the_heart_is_slower_in_sleep() -> None:
    person = population(1, 1, TODAY)["1"]
    for n in range(1, 60):
        date = TODAY - n * DAY
        if not person.wears(date) or not person.wears(date - DAY):
            continue
        for rest in rests(person, date):
            asleep = rates_in(person, rest.start, rest.end)
            after = rates_in(person, rest.end, rest.end + dt.timedelta(hours=2))
            if rest.sort == "night":
                assert sum(asleep) / len(asleep) < sum(after) / len(after)


@given(st.integers(0, 9999), st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_people_are_the_same_whenever_they_are_made(seed: int, count: int) -> None:
    """A night depends on seed, person and date, and not on the day of the question."""
    one, two = population(seed, 12, TODAY), population(seed, count, TODAY + 400 * DAY)
    date = dt.date(2026, 10, 25)
    for person_id, person in two.items():
        assert recorded(one[person_id], date) == recorded(person, date)
        assert vitals(one[person_id], date) == vitals(person, date)
        assert (person.name, person.zone) == (one[person_id].name, one[person_id].zone)


def test_the_bytes_of_a_seed_do_not_change() -> None:
    """Demos and figures in documents rest on it. A change here is news for CHANGELOG.md."""
    person = population(1, 1, TODAY)["1"]
    (sleep,) = recorded(person, dt.date(2026, 11, 16))
    told = sleep.tellings[-1]
    assert (told.start.isoformat(), told.end.isoformat(), len(told.stages)) == PINNED


PINNED = ("2026-11-15T22:03:00+00:00", "2026-11-16T05:00:00+00:00", 26)

stages = st.lists(
    st.tuples(st.sampled_from(["light", "rem", "awake", "deep"]), st.integers(1, 20)), min_size=1
)


@given(stages, st.lists(st.tuples(st.integers(0, 100), st.integers(1, 9)), max_size=6))
def test_short_awakenings_are_cut_in_as_a_picture_of_them_says(
    runs: list[tuple[str, int]], over: list[tuple[int, int]]
) -> None:
    laid, at = [], 0
    for stage, seconds in runs:
        laid.append(Stretch(at, seconds, stage))
        at += seconds
    short = [Stretch(start, seconds, "light") for start, seconds in over]
    picture = [s.stage for s in laid for _ in range(s.seconds)]
    for start, seconds in over:
        for second in range(start, min(start + seconds, at)):
            picture[second] = "awake"
    found = cut_in(tuple(laid), short)
    assert [s.stage for s in found for _ in range(s.seconds)] == picture
