"""Two doors of one source: an archive and an API, and devices that nobody named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepbalance.model import UNNAMED, EditKind, Method, Report, Totals
from sleepbalance.nights import Derived, SourceRank, derive
from tests.nights.made import at, day, edit, report
from tests.nights.test_properties import _sessions_of, as_json, reports

NIGHT = ("19 23:00", "20 07:00")
HOMES = {("demo", ""): "anna"}
API: dict[str, Any] = {"account": "anna", "door": "oauth"}


def archive(*times: str, by: str = UNNAMED, **more: Any) -> Report:
    return report(*times, by=by, **{"door": "file", **more})


def derived(*reports: Report, **more: Any) -> Derived:
    return derive(reports, **{"homes": HOMES, **more})


def the_night(found: Derived, date: str = "20") -> Any:
    return {**found.nights[day(date)].record, **found.nights[day(date)].details}


# -- accounts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["archive", "api"])
def test_an_archive_and_an_account_are_one_source(first: str) -> None:
    came = {"archive": "25 09:00", "api": "25 09:00", first: "20 09:00"}
    told = [
        archive(*NIGHT, by="watch", id="archive", arrived_at=at(came["archive"])),
        report(*NIGHT, id="api", arrived_at=at(came["api"]), **API),
    ]
    assert derived(*told).superseded == {"archive": "api"}
    found = the_night(derived(*told))
    assert (found["alternatives"], found["account"], found["nap_duration"]) == ([], "anna", 0)


def test_an_archive_that_may_be_of_two_accounts_is_a_source_of_its_own() -> None:
    told = [archive(*NIGHT, by="watch"), report(*NIGHT, "L480", **API)]
    found = the_night(derive([*told], homes={}))
    assert [a["account"] for a in found["alternatives"]] == [""]
    assert found["total_sleep_time"] == 480


def test_another_makers_archive_is_not_taken_in() -> None:
    told = [archive(*NIGHT, by="watch", provider="other"), report(*NIGHT, "L480", **API)]
    assert [a["provider"] for a in the_night(derived(*told))["alternatives"]] == ["other"]


def test_archive_and_account_make_parts_of_one_night() -> None:
    told = [archive("19 21:00", "20 00:30", by="watch"), report("20 02:30", "20 06:00", **API)]
    found = the_night(derived(*told))
    assert (found["total_sleep_time"], found["gap_duration"]) == (420, 120)
    assert len(found["parts"]) == 2


@pytest.mark.parametrize("account", ["", "anna"])
def test_an_order_and_a_choice_mean_both_doors(account: str) -> None:
    other = report(*NIGHT, "L480", by="ring", provider="other")
    only = archive(*NIGHT, by="watch")
    rank = SourceRank("demo", account, "watch")
    assert the_night(derived(only, other, order=[rank]))["source_key"] == "watch"
    told: dict[str, Any] = {"provider": "demo", "account": account, "source": "watch"}
    said = [edit(EditKind.SOURCE, NIGHT, **told)]
    assert the_night(derived(only, other, edits=said))["source_key"] == "watch"
    assert the_night(derived(only, other, edits=said, homes={}))["source_key"] == "watch"


def test_which_report_stands_in_order_of_what_counts() -> None:
    """Each of these is better than all that follow it, whichever door it came by."""
    told = [
        archive(*NIGHT, "L470", by="watch", id="a"),
        report(*NIGHT, "L480", id="b", provisional=True, **API),
        report(*NIGHT, id="c", totals=Totals(asleep=1), provisional=True, **API),
    ]
    assert derived(*told).superseded == {"b": "a", "c": "a"}
    assert derived(*told[1:]).superseded == {"c": "b"}
    totals = archive(*NIGHT, by="watch", id="d", totals=Totals(asleep=1), provisional=True)
    assert derived(told[2], totals).superseded == {"d": "c"}


# -- unnamed devices ---------------------------------------------------------------------------


def test_an_unnamed_report_is_of_the_device_whose_sleep_it_tells() -> None:
    told = [archive(*NIGHT, id="archive"), report(*NIGHT, "L480", id="api", by="charge 6", **API)]
    found = derived(*told)
    assert found.superseded == {"archive": "api"}
    assert the_night(found)["source_key"] == "charge 6"
    better = [told[0], replace(told[1], session=replace(told[1].session, provisional=True))]
    found = derived(*better)
    assert found.superseded == {"api": "archive"}
    assert (the_night(found)["source_key"], the_night(found)["source_name"]) == (
        "charge 6",
        "Unnamed",
    )


def test_of_two_devices_it_is_the_one_that_tells_most_alike() -> None:
    told = [
        archive("19 23:00", "20 07:00", id="one"),
        archive("19 22:50", "20 07:10", id="two"),
        report("19 23:00", "20 07:00", "L480", id="left", by="left", **API),
        report("19 22:50", "20 07:10", "L500", id="right", by="right", **API),
    ]
    found = derived(*told)
    assert found.superseded == {"one": "left", "two": "right"}
    assert len(the_night(found)["alternatives"]) == 1


def test_beside_one_device_it_is_a_part_of_its_night() -> None:
    told = [
        archive("19 21:00", "20 00:30"),
        report("20 02:30", "20 06:00", by="charge 6", **API),
    ]
    found = the_night(derived(*told))
    assert (found["total_sleep_time"], found["source_key"]) == (420, "charge 6")


def test_beside_two_devices_it_is_spliced_with_neither() -> None:
    told = [
        archive("19 20:30", "19 23:45"),
        report("20 01:00", "20 06:00", "L300", by="left", **API),
        report("20 01:10", "20 06:00", by="right", **API),
    ]
    found = the_night(derived(*told))
    assert (found["total_sleep_time"], len(found["parts"])) == (300, 1)
    assert found["source_key"] == "left"


def test_far_from_any_device_it_stays_by_itself() -> None:
    told = [archive(*NIGHT), report("22 23:00", "23 07:00", by="charge 6", **API)]
    found = derived(*told)
    assert the_night(found)["source_key"] == UNNAMED
    assert the_night(found, "23")["source_key"] == "charge 6"


def test_a_device_of_another_account_has_nothing_to_do_with_it() -> None:
    told = [archive(*NIGHT), report(*NIGHT, "L480", by="charge 6", **API)]
    found = the_night(derive(told, homes={}))
    assert [a["source_key"] for a in found["alternatives"]] == [UNNAMED]


@pytest.mark.parametrize("key", ["#manual", "unnamed#manual"])
def test_what_was_typed_in_is_no_report_of_a_device(key: str) -> None:
    hand = archive(*NIGHT, by=key, id="hand", method=Method.MANUAL)
    watch = report(*NIGHT, "L480", by="charge 6", id="watch", **API)
    assert derived(hand, watch).superseded == {}
    typed = report(*NIGHT, by="fitbit#manual", id="typed", method=Method.MANUAL, **API)
    assert derived(hand, watch, typed).superseded == {"hand": "typed"}


def test_an_unnamed_report_of_an_api_is_of_the_device_of_the_archive() -> None:
    told = [
        archive(*NIGHT, by="gen3", id="archive"),
        report(*NIGHT, by=UNNAMED, id="api", **API),
    ]
    assert derived(*told).superseded == {"archive": "api"}


def test_unnamed_records_of_which_only_the_date_is_known() -> None:
    given: dict[str, Any] = {"maker_date": day("20"), "totals": Totals(asleep=420 * 60)}
    told = [
        archive("20 12:00", "20 12:00", id="archive", **given),
        report("20 12:00", "20 12:00", id="api", by="charge 6", **given, **API),
    ]
    found = derived(*told)
    assert found.superseded == {"archive": "api"}
    assert the_night(found)["total_sleep_time"] == 420


@pytest.mark.parametrize("named", [UNNAMED, "charge 6"])
def test_a_choice_follows_its_sleep_to_the_other_door(named: str) -> None:
    """The person chose the archive's report, or the API's: then the other one tells the sleep."""
    said = [edit(EditKind.SOURCE, NIGHT, provider="demo", account="anna", source=named)]
    ring = report(*NIGHT, "L480", by="ring", provider="other")
    for own in (archive(*NIGHT), report(*NIGHT, by="charge 6", **API)):
        found = the_night(derived(own, ring, edits=said))
        assert (found["data_source"], found["edited"]) == ("demo", ["data_source"])


DOORS = st.tuples(
    st.sampled_from((UNNAMED, "watch", "phone")),
    st.sampled_from(("", "anna", "ben")),
    st.sampled_from(("file", "oauth")),
)


def through(told: Report, door: tuple[str, str, str]) -> Report:
    key, account, name = door
    source = replace(told.session.source, key=key)
    return replace(told, account=account, session=replace(told.session, source=source, door=name))


@settings(deadline=None)
@given(reports(), st.lists(DOORS, min_size=7, max_size=7), st.randoms(use_true_random=False))
def test_whatever_came_through_which_door_is_told_once(
    told: list[Report], doors: list[tuple[str, str, str]], random: Any
) -> None:
    gone, *living = [through(*pair) for pair in zip(told, doors, strict=False)]
    given: dict[str, Any] = {"homes": HOMES, "withdrawn": [gone]}
    once = derive(living, **given)
    seen: list[str] = []
    for night in once.nights.values():
        if not night.record["is_deleted"]:
            seen += _sessions_of(night.details)
    assert len(seen) == len(set(seen))
    assert not set(seen) & {gone.id, *once.superseded}
    random.shuffle(living)
    assert as_json(derive(living, **given)) == as_json(once)
