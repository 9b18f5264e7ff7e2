"""Versions of a sleep by the Health API: which one stands, whatever order they come in."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import pytest

from sleepbalance.providers.garmin import PROVIDER
from sleepbalance.providers.garmin.health_records import SLEEPS, record
from sleepbalance.testing.hooks import as_kept
from tests.garmin.health_made import (
    FINAL,
    KEY,
    NIGHT,
    NOW,
    TENTATIVE,
    Json,
    at,
    body,
    by_hand,
    hours,
    in_a_row,
    normal,
    pushed,
    sleep,
    taken_back,
    timeline,
)


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2])))
def test_a_final_sleep_stands_whatever_order_they_come_in(order: tuple[int, ...]) -> None:
    longer = sleep(night=NIGHT[:4], validation="ENHANCED_TENTATIVE")
    bodies = [{"sleeps": [told]} for told in (TENTATIVE, longer, FINAL)]
    result = normal(*(bodies[i] for i in order))
    assert [s.provisional for s in result.sessions] == [False]
    assert timeline(result.sessions[0]) == in_a_row(0, NIGHT)


def test_of_tentative_ones_the_longest_stands() -> None:
    longer = sleep(night=NIGHT[:4], validation="ENHANCED_TENTATIVE")
    for bodies in ((TENTATIVE, longer), (longer, TENTATIVE)):
        (told,) = normal(*({"sleeps": [each]} for each in bodies)).sessions
        assert (hours(told), told.provisional) == (4.0, True)


def test_of_final_ones_the_last_stands_even_if_it_is_shorter() -> None:
    mended = sleep(night=NIGHT[:4], validation="MANUAL")
    (told,) = normal({"sleeps": [FINAL]}, {"sleeps": [mended]}).sessions
    assert hours(told) == 4.0


def test_a_start_that_moved_is_told_once_as_soon_as_it_is_final() -> None:
    moved = sleep(begin=20)
    for bodies in ((TENTATIVE, moved), (moved, TENTATIVE)):
        result = normal(*({"sleeps": [each]} for each in bodies))
        assert [s.external_id for s in result.sessions] == [f"sleeps/x7e57-{at(20):x}"]
        assert taken_back(result) == {KEY}


MOVED = sleep(begin=20)


@pytest.mark.parametrize("sleeps", [(FINAL, MOVED), (MOVED, FINAL)])
@pytest.mark.parametrize("together", [True, False])
def test_of_two_final_starts_the_last_to_come_stands(
    sleeps: tuple[Json, Json], together: bool
) -> None:
    bodies = [{"sleeps": list(sleeps)}] if together else [{"sleeps": [each]} for each in sleeps]
    for times in (1, 2):  # whatever is played again is known
        result = normal(*bodies * times)
        told = [session.external_id for session in result.sessions]
        assert told == [f"sleeps/{sleeps[1]['summaryId']}"]
        assert taken_back(result) == {f"sleeps/{sleeps[0]['summaryId']}"}


def test_of_two_final_starts_that_came_at_once_the_nights_choose() -> None:
    raws = [raw for each in (FINAL, MOVED) for raw in pushed(sleeps=[each])]
    assert len(PROVIDER.normalise(raws).sessions) == 2


OFF = sleep(night=(), validation="OFF_WRIST", sleepLevelsMap={})


def test_what_was_replaced_and_is_played_again_stays_replaced() -> None:
    mended = sleep(night=NIGHT[:4], validation="MANUAL")
    for last in (OFF, mended):
        told = normal({"sleeps": [FINAL]}, {"sleeps": [last]}).sessions
        again = json.loads(json.dumps(FINAL, indent=1, sort_keys=True))  # as a support file has it
        for repeated in (FINAL, again):
            bodies = [{"sleeps": [each]} for each in (FINAL, last, repeated)]
            assert normal(*bodies).sessions == told
    assert told != ()


def test_a_final_sleep_with_news_stands_after_the_watch_was_off() -> None:
    news = sleep(night=NIGHT[:4])
    (told,) = normal(*({"sleeps": [each]} for each in (FINAL, OFF, news))).sessions
    assert hours(told) == 4.0


def test_the_order_is_that_of_coming_and_not_of_reading() -> None:
    bodies = [
        pushed(NOW + dt.timedelta(hours=n), sleeps=[each]) for n, each in enumerate((FINAL, OFF))
    ]
    for raws in itertools.permutations([*bodies, bodies[0]]):
        kept = as_kept(PROVIDER, [raw for part in raws for raw in part])
        assert PROVIDER.normalise(kept).sessions == ()


def test_a_hand_entry_of_the_same_id_leaves_what_was_measured() -> None:
    for bodies in itertools.permutations([FINAL, by_hand()]):
        raws = as_kept(PROVIDER, [raw for each in bodies for raw in pushed(sleeps=[each])])
        assert {raw.source.key for raw in raws} == {"garmin", "garmin#manual"}
        found = [PROVIDER.normalise([raw]).sessions[0] for raw in raws]
        assert len({session.external_id for session in found}) == 2
        assert sorted(len(session.hypnogram) for session in found) == [0, 5]


def test_two_sleeps_that_barely_touch_are_two() -> None:
    result = normal({"sleeps": [FINAL, sleep(begin=400, validation="AUTO_TENTATIVE")]})
    assert len(result.sessions) == 2


def test_the_same_night_pulled_instead_of_pushed_is_the_same() -> None:
    bare = {name: value for name, value in FINAL.items() if name != "userId"}
    pulled = record(SLEEPS, body(**bare))
    both = as_kept(PROVIDER, [*pushed(sleeps=[FINAL]), pulled])
    assert PROVIDER.normalise(both) == PROVIDER.normalise(pushed(sleeps=[FINAL]))
