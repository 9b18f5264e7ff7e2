"""Nights in a database: the same whatever came first, and what is left when something goes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from sleepbalance.model import EditKind
from sleepbalance.store.upgrade import upgrade
from tests.nights.home import Home, Sleep, database, moved, person, sleep

API: dict[str, Any] = {"door": "oauth", "zone": "Europe/Berlin"}
names = (f"person {n}" for n in count(1))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path_factory.mktemp('nights') / 'nights.db'}"
    upgrade(url)
    with database(url) as made:
        yield made


@pytest.fixture
def home(engine: Engine) -> Home:
    return person(engine, next(names))


# -- two doors ---------------------------------------------------------------------------------

WALL = sleep("19 23:00", "20 07:00", wall=True)
TOLD = sleep("19 23:00", "20 07:00", by="charge 6", **API)


@pytest.mark.parametrize("archive_first", [True, False])
def test_archive_and_api_are_one_night_in_whatever_order_they_come(
    home: Home, archive_first: bool
) -> None:
    doors = [([WALL], ""), ([TOLD], "anna")]
    for told, account in doors if archive_first else reversed(doors):
        home.tell(told, account)
    (night,) = home.nights().values()
    assert night["sessions"] == [TOLD.id]
    assert (night["alternatives"], night["naps"], night["other_main_sleeps"]) == ([], [], [])
    assert night["sleep_start_time"] == "2026-11-19T23:00:00+01:00"


def test_a_night_of_an_archive_gets_its_zone_from_the_api_beside_it(home: Home) -> None:
    home.tell([WALL])
    assert home.nights()["2026-11-20"]["zone_from"] == "none"
    home.tell([sleep("20 23:00", "21 07:00", by="charge 6", **API)], "anna")
    first = home.nights()["2026-11-20"]
    assert (first["zone"], first["zone_from"]) == ("Europe/Berlin", "neighbour")
    assert first["sleep_start_time"] == "2026-11-19T23:00:00+01:00"


def test_nights_of_an_archive_far_from_any_api_are_told_of_the_account(home: Home) -> None:
    """The order names the account; the archive is of it as soon as anything of it is there."""
    home.tell([sleep("02 23:00", "03 07:00", wall=True)])
    home.tell([sleep("02 23:00", "03 07:00", by="ring", **API)], "ann", "ringmaker")
    home.order(("dreams", "anna", "charge 6"))
    home.tell([TOLD], "anna")
    assert home.nights()["2026-11-03"]["data_source"] == "dreams"
    home.remove("anna")
    assert home.nights()["2026-11-03"]["data_source"] == "dreams"


def test_a_second_account_takes_the_archive_out_of_the_first_also_far_away(home: Home) -> None:
    home.tell([sleep("19 23:00", "20 07:00", wall=True, id=WALL.id, stage="asleep")])
    home.tell([TOLD], "anna")
    home.tell([sleep("02 23:00", "03 07:00", by="alta", **API)], "ben")
    (other,) = home.nights()["2026-11-20"]["alternatives"]
    assert (other["account"], other["sessions"]) == ("", [WALL.id])
    home.remove("ben")
    assert home.nights()["2026-11-20"]["alternatives"] == []


# -- whatever came first -----------------------------------------------------------------------

Batch = tuple[str, str, list[Sleep]]  # provider, account, what it tells
DAYS = [("2026-06-10", "2026-06-11")] + [
    (f"2026-10-{d}", f"2026-10-{d + 1}") for d in range(23, 27)
]


@st.composite
def histories(draw: st.DrawFn) -> list[Batch]:
    """What some doors tell of some nights, the clock of Berlin being put back in one of them."""
    told: dict[str, list[Sleep]] = {"archive": [], "anna": [], "ben": [], "ring": []}
    for first, last in DAYS:
        hour = draw(st.integers(0, 2))
        whole = (f"{first} 2{hour}:00", f"{last} 06:00")
        kind = draw(st.sampled_from((None, "main")))
        wall = draw(st.booleans())
        for door in draw(st.sets(st.sampled_from(sorted(told)))):
            given: dict[str, Any] = {} if door == "archive" and wall else {"zone": "Europe/Berlin"}
            given |= {"kind": kind, "stage": draw(st.sampled_from(("light", "asleep")))}
            given |= {"wall": door == "archive" and wall, "provisional": draw(st.booleans())}
            if door != "archive":
                given |= {"by": draw(st.sampled_from(("left", "right"))), "door": "oauth"}
            one = sleep(*whole, id=f"{door}/{first}", **given)
            told[door].append(moved(one, draw(st.sampled_from((0, 0, 7, 240)))))
    rings = ("ringmaker", "ring")
    return [
        (*(rings if door == "ring" else ("dreams", door if door != "archive" else "")), half)
        for door, all_of in told.items()
        for half in (all_of[:2], all_of[2:])
        if half
    ]


def lived(engine: Engine, batches: list[Batch], order: bool) -> Home:
    home = person(engine, next(names))
    if order:
        home.order(("dreams", "anna", None))
    for provider, account, told in batches:
        home.tell(told, account, provider)
    return home


slow = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@slow
@given(histories(), st.randoms(use_true_random=False), st.booleans())
def test_nights_do_not_depend_on_what_came_first(
    engine: Engine, batches: list[Batch], random: Any, order: bool
) -> None:
    once = lived(engine, batches, order).nights()
    random.shuffle(batches)
    assert lived(engine, batches, order).nights() == once


@slow
@given(histories(), st.randoms(use_true_random=False), st.sampled_from(("", "anna", "ben")))
def test_what_was_removed_might_never_have_been(
    engine: Engine, batches: list[Batch], random: Any, gone: str
) -> None:
    random.shuffle(batches)
    home = lived(engine, batches, order=True)
    home.remove(gone)
    rest = [batch for batch in batches if batch[:2] != ("dreams", gone)]
    assert home.nights() == lived(engine, rest, order=True).nights()


@slow
@given(histories())
def test_one_sleep_is_one_night_whichever_doors_told_it(
    engine: Engine, batches: list[Batch]
) -> None:
    """With one account nothing is added, whatever is told by both doors."""
    batches = [b for b in batches if b[1] in ("", "anna") and b[0] == "dreams"]
    shown = lived(engine, batches, order=False).nights()
    for night in shown.values():
        assert len(night["parts"]) == 1
        assert night["total_sleep_time"] <= 11 * 60


# -- what is left ------------------------------------------------------------------------------


def test_without_a_connections_data_the_next_best_source_tells_the_night(home: Home) -> None:
    span = ("19 23:00", "20 07:00")
    home.tell([sleep(*span, by="charge 6", **API)], "anna")
    home.tell([sleep(*span, by="ring", stage="asleep", **API)], "ann", "ringmaker")
    home.say(EditKind.RATING, span, rating="good")
    assert home.nights()["2026-11-20"]["data_source"] == "dreams"
    home.remove("anna")
    night = home.nights()["2026-11-20"]
    assert (night["data_source"], night["why"], night["alternatives"]) == (
        "ringmaker",
        "only source",
        [],
    )
    assert night["quality_rating"] == "good"
    home.remove("ann", "ringmaker")
    night = home.nights()["2026-11-20"]
    assert (night["data_source"], night["total_sleep_time"]) == ("person", None)


def test_without_the_apis_data_the_archive_tells_the_night(home: Home) -> None:
    home.tell([WALL])
    alone = home.nights()
    home.tell([TOLD], "anna")
    assert home.nights() != alone
    home.remove("anna")
    assert home.nights() == alone


def test_what_its_maker_took_back_leaves_the_next_best_and_then_a_row_without_numbers(
    home: Home,
) -> None:
    span = ("19 23:00", "20 07:00")
    home.tell([TOLD], "anna")
    home.tell([sleep(*span, id="ring", by="ring", stage="asleep", **API)], "ann", "ringmaker")
    home.hide(TOLD.id)
    assert home.nights()["2026-11-20"]["data_source"] == "ringmaker"
    home.hide("ring")
    night = home.nights()["2026-11-20"]
    assert (night["is_deleted"], night["total_sleep_time"]) == (1, None)
    home.remove("anna")
    home.remove("ann", "ringmaker")
    assert home.nights() == {}


# -- where and when ----------------------------------------------------------------------------


def test_the_makers_date_until_a_zone_is_known_and_edits_follow(home: Home) -> None:
    """An account's export that tells instants and dates, of somebody in Auckland."""
    given: dict[str, Any] = {"maker_date": "2026-11-20", "by": "watch"}
    told = sleep("2026-11-19 11:00", "2026-11-19 18:30", **given)
    home.tell([told])
    home.say(EditKind.NOTES, ("2026-11-19 12:00", "2026-11-19 18:00"), notes="slept well")
    (guessed,) = home.nights().items()
    assert (guessed[0], guessed[1]["zone_from"]) == ("2026-11-20", "none")
    assert guessed[1]["evening_date"] is None
    home.live("America/Los_Angeles")
    (known,) = home.nights().items()
    assert (known[0], known[1]["quality_notes"]) == ("2026-11-19", "slept well")
    assert str(known[1]["provider_date"]) == "2026-11-20"
    home.live("Pacific/Auckland")
    (known,) = home.nights().items()
    assert (known[0], known[1]["zone_from"]) == ("2026-11-20", "person")
    assert str(known[1]["evening_date"]) == "2026-11-19"
    assert known[1]["quality_notes"] == "slept well"


def test_an_edit_follows_its_sleep_to_another_door_and_another_date(home: Home) -> None:
    home.tell([WALL])
    home.live("Europe/Berlin")
    home.say(EditKind.NOTES, ("19 23:00", "20 07:00"), notes="deep")
    later = sleep("19 17:00", "19 23:59", by="charge 6", id="moved", **API)
    home.tell([TOLD], "anna")
    assert home.nights()["2026-11-20"]["quality_notes"] == "deep"
    home.remove("")
    assert home.nights()["2026-11-20"]["quality_notes"] == "deep"
    home.remove("anna")
    home.tell([later], "anna")
    night = home.nights()["2026-11-19"]
    assert night["quality_notes"] == "deep"
    assert night["total_sleep_time"] == 419


def test_the_zone_is_that_of_the_same_source_before_a_nearer_one(home: Home) -> None:
    """An archive's night on the wall: its account's device says Berlin, another says New York."""
    home.tell([WALL])
    away = {**API, "zone": "America/New_York"}
    home.tell([sleep("20 08:00", "20 09:00", by="ring", **away)], "ann", "ringmaker")
    assert home.nights()["2026-11-20"]["zone"] == "America/New_York"
    home.tell([sleep("20 23:00", "21 06:00", by="charge 6", **API)], "anna")
    assert home.nights()["2026-11-20"]["zone"] == "Europe/Berlin"
    home.remove("anna")
    assert home.nights()["2026-11-20"]["zone"] == "America/New_York"


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [("2026-10-24", "2026-10-25", 9), ("2026-03-28", "2026-03-29", 7)],
)
def test_a_wall_clock_over_a_change_of_clocks(
    home: Home, first: str, last: str, hours: int
) -> None:
    home.live("Europe/Berlin")
    home.tell([sleep(f"{first} 23:00", f"{last} 07:00", wall=True, slept=hours * 3600)])
    night = home.nights()[last]
    assert night["total_sleep_time"] == hours * 60
    assert (night["zone_from"], night["zone"]) == ("person", "Europe/Berlin")
    assert night["sleep_end_time"][:16] == f"{last}T07:00"
    told = [sleep(f"{first} 23:00", f"{last} 07:00", by="charge 6", **API)]
    home.tell(told, "anna")
    assert home.nights()[last]["total_sleep_time"] == hours * 60
    assert home.nights()[last]["alternatives"] == []
