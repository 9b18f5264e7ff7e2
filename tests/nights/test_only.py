"""The person may want some sources alone: the others stay beside a night, and never make one."""

from __future__ import annotations

from typing import Any

from sleepbalance.model import EditKind
from sleepbalance.nights import EVERY, SourceRank, derive
from sleepbalance.nights.only import NOT_WANTED, ONLY_WANTED
from tests.nights.made import NAP, app_row, day, edit, night, nights, phone, report

NIGHT = ("19 23:00", "20 07:00")
END = SourceRank(EVERY, "")
ONLY_RING = (SourceRank("demo", EVERY, "ring"), END)


def beside(found: Any) -> dict[str, str]:
    return {other["source"]: other["why"] for other in found.details["alternatives"]}


def test_what_nobody_wants_stays_beside_the_night() -> None:
    pair = [report(*NIGHT, "L480"), report("19 23:30", "20 06:00", by="ring")]
    found = night(*pair, order=ONLY_RING)
    assert found.details["why"] == ONLY_WANTED
    assert found.record["total_sleep_time"] == 390
    assert beside(found) == {"Watch": NOT_WANTED}


def test_a_date_that_only_others_told_has_no_night_and_the_record_its_date() -> None:
    derived = derive([report(*NIGHT, id="watch")], order=ONLY_RING)
    assert derived.nights == {}
    assert derived.dates == {"watch": day("20")}


def test_what_nobody_wants_is_no_yardstick() -> None:
    order = (SourceRank("demo", EVERY, "ring"), SourceRank("demo", EVERY, "band"), END)
    told = [
        report("19 20:00", stages="L720"),
        report("20 01:00", stages="L300", by="ring"),
        report("20 01:00", stages="L310", by="band"),
    ]
    assert night(*told, order=order).details["source_key"] == "ring"
    assert night(*told, order=order[:2]).details["source_key"] == "watch"


def test_what_nobody_wants_is_no_nap_and_lends_no_time_in_bed() -> None:
    told = [
        report(*NIGHT, by="ring"),
        report("20 13:00", "20 14:00", kind=NAP),
        phone("19 22:30", "20 07:20"),
    ]
    wide, only = night(*told), night(*told, order=ONLY_RING)
    assert (len(wide.details["naps"]), len(only.details["naps"])) == (1, 0)  # type: ignore[arg-type]
    assert wide.record["bed_time"] is not None
    assert only.record["bed_time"] is None


def test_the_person_may_still_name_or_add_one() -> None:
    pair = [report(*NIGHT), report(*NIGHT, by="ring")]
    named = edit(EditKind.SOURCE, NIGHT, provider="demo", account=EVERY, source="watch")
    found = night(*pair, edits=[named], order=ONLY_RING)
    assert found.details["source_key"] == "watch"
    assert beside(found) == {"Ring": "your choice for this night"}
    added = edit(EditKind.ADDED, NIGHT)
    assert night(*pair, edits=[added], order=ONLY_RING).record["data_source"] == "person"


def test_a_choice_of_what_the_order_left_out_alone_counts() -> None:
    named = edit(EditKind.SOURCE, NIGHT, provider="demo", account=EVERY, source=None)
    assert len(nights(report(*NIGHT), edits=[named], order=ONLY_RING)) == 1
    named = edit(EditKind.SOURCE, NIGHT, provider="demo", account=EVERY, source="watch")
    told = report(*NIGHT), report(*NIGHT, "L480", by="ring", provider="other")
    found = night(*told, edits=[named], order=ONLY_RING)
    assert found.details["why"] == "your choice for this night"


def test_what_its_maker_took_back_leaves_no_row_if_nobody_wants_it() -> None:
    lost = report(*NIGHT)
    assert len(nights(withdrawn=[lost])) == 1
    assert nights(withdrawn=[lost], order=ONLY_RING) == {}


def test_a_row_of_which_only_the_date_is_known_is_a_source_like_any() -> None:
    row = app_row("20 12:00", "20 12:00", maker_date=day("20"))
    assert len(nights(row)) == 1
    assert nights(row, order=ONLY_RING) == {}


def test_every_account_of_a_provider_is_named_at_once() -> None:
    pair = [report(*NIGHT, account="anna"), report(*NIGHT, "L480", provider="other")]
    order = (SourceRank("demo", EVERY), END)
    assert night(*pair, order=order).record["data_source"] == "demo"
    assert nights(*pair, order=(SourceRank("demo", "bert"), END)) == {}
