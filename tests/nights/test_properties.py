"""What holds of nights whatever was slept, by whom it was told, and in what order it came."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sleepbalance.model import (
    Edit,
    EditKind,
    Kind,
    Method,
    Piece,
    Report,
    Segment,
    Session,
    Source,
    Stage,
    Totals,
    ZoneFrom,
    zone_info,
)
from sleepbalance.nights import Derived, Night, SourceRank, derive
from sleepbalance.nights.parts import parts_of

ORIGIN = dt.datetime(2026, 10, 20, tzinfo=dt.UTC)  # a change of clocks is ahead
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "+02:00")
SOURCES = (
    ("demo", "watch"),
    ("demo", "phone"),
    ("other", "ring"),
    ("app", "app"),
)


@st.composite
def hypnograms(draw: st.DrawFn) -> tuple[Segment, ...]:
    offset, found = 0, []
    for _ in range(draw(st.integers(1, 8))):
        offset += draw(st.sampled_from((0, 0, 0, 7, 45))) * 60
        seconds = draw(st.integers(1, 120)) * 30
        found.append(Segment(offset, seconds, draw(st.sampled_from(list(Stage)))))
        offset += seconds
    return tuple(found)


@st.composite
def sessions(draw: st.DrawFn, name: str) -> Session:
    start = ORIGIN + dt.timedelta(minutes=draw(st.integers(0, 3 * 24 * 60)))
    shape = draw(st.sampled_from(("hypnogram", "hypnogram", "parts", "totals", "in_bed", "date")))
    segments = draw(hypnograms())
    size = segments[-1].end
    given: dict[str, Any] = {}
    if shape == "hypnogram":
        given["hypnogram"] = segments
    elif shape == "parts":
        later = tuple(Segment(s.offset + size + 1200, s.seconds, s.stage) for s in segments)
        given["hypnogram"] = segments + later
        given["parts"] = (Piece(0, size), Piece(size + 1200, size))
        size = 2 * size + 1200
    elif shape == "totals":
        given["totals"] = Totals(
            light=draw(st.none() | st.integers(0, size)),
            rem=draw(st.none() | st.integers(0, 4000)),
            asleep=draw(st.none() | st.integers(0, size)),
            awake=draw(st.none() | st.integers(0, 4000)),
        )
        if draw(st.booleans()):
            given |= {"sleep_start": start, "sleep_end": start + dt.timedelta(seconds=size)}
    elif shape == "date":
        size = 0
    if shape == "in_bed" or draw(st.booleans()):
        given["in_bed"] = (Piece(-600, size + 600),) if size else ()
    return Session(
        external_id=name,
        source=Source("", ""),
        start=start,
        end=start + dt.timedelta(seconds=size),
        kind=draw(st.sampled_from((None, None, None, *Kind))),
        provisional=draw(st.booleans()),
        **given,
    )


@st.composite
def reports(draw: st.DrawFn) -> list[Report]:
    found = []
    for i in range(draw(st.integers(1, 7))):
        provider, key = draw(st.sampled_from(SOURCES))
        session = draw(sessions(f"r{i}"))
        manual = provider == "app"
        found.append(
            Report(
                id=f"r{i}",
                provider=provider,
                account="",
                session=replace(
                    session,
                    source=Source(key, key, key),
                    method=Method.MANUAL if manual else Method.DEVICE,
                ),
                zone_start=draw(st.sampled_from(ZONES)),
                zone_end=draw(st.sampled_from(ZONES)),
                zone_from=ZoneFrom.NONE if manual else ZoneFrom.RECORD,
            )
        )
    return found


@st.composite
def edits(draw: st.DrawFn) -> list[Edit]:
    found = []
    for i in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(list(EditKind)))
        start = ORIGIN + dt.timedelta(minutes=draw(st.integers(0, 3 * 24 * 60)))
        end = start + dt.timedelta(minutes=draw(st.integers(30, 600)))
        values: dict[EditKind, dict[str, object]] = {
            EditKind.TIMES: {"sleep_start": start.isoformat(), "sleep_end": end.isoformat()},
            EditKind.ADDED: {"kind": draw(st.sampled_from(("main", "nap")))},
            EditKind.KIND: {"kind": draw(st.sampled_from(("main", "nap", "part")))},
            EditKind.SOURCE: {"provider": "other", "account": "", "source": "ring"},
            EditKind.RATING: {"rating": "good"},
            EditKind.NOTES: {"notes": "x"},
        }
        anchored = kind is EditKind.ADDED or draw(st.booleans())
        found.append(
            Edit(
                id=f"e{i}",
                kind=kind,
                value=values.get(kind, {}),
                start=start if anchored else None,
                end=end if anchored else None,
                date=None if anchored else start.date(),
                made_at=ORIGIN + dt.timedelta(days=40, minutes=draw(st.integers(0, 5))),
            )
        )
    return found


def as_json(derived: Derived) -> str:
    plain = {str(date): [night.record, night.details] for date, night in derived.nights.items()}
    dates = {name: str(date) for name, date in derived.dates.items()}
    return json.dumps([plain, dates, dict(derived.superseded)], default=str, sort_keys=True)


@settings(deadline=None)
@given(reports(), edits(), st.randoms(use_true_random=False))
def test_order_of_input_does_not_matter(told: list[Report], said: list[Edit], random: Any) -> None:
    once = as_json(derive(told, said))
    assert as_json(derive(told, said)) == once
    random.shuffle(told)
    random.shuffle(said)
    assert as_json(derive(told, said)) == once


@settings(deadline=None)
@given(reports(), edits())
def test_every_number_fits_the_others(told: list[Report], said: list[Edit]) -> None:
    order = (SourceRank("other", ""),)
    for night in derive(told, said, order=order).nights.values():
        _stages_add_up(night)
        _within_bounds(night)


def _stages_add_up(night: Night) -> None:
    record, details = night.record, night.details
    stages = [record[f"{name}_sleep_duration"] for name in ("light", "deep", "rem")]
    stages.append(details["unspecified_sleep_duration"])
    total = record["total_sleep_time"]
    known = [stage for stage in stages if isinstance(stage, int)]
    assert total is None or sum(known) == total
    assert total is not None or not known


def _within_bounds(night: Night) -> None:
    for name in ("sleep_efficiency", "sleep_maintenance_efficiency"):
        percent = night.details[name]
        assert percent is None or (isinstance(percent, float) and 0 <= percent <= 100)
    for name in ("time_in_bed", "sleep_period", "gap_duration", "nap_duration", "awakenings"):
        number = night.details[name]
        assert number is None or (isinstance(number, int) and number >= 0)


@settings(deadline=None)
@given(reports())
def test_each_part_is_sleep_awake_and_unmeasured(told: list[Report]) -> None:
    for report in told:
        for part in parts_of(report):
            if report.session.hypnogram and part.sleep and part.tally.awake is not None:
                tally = part.tally
                known = (tally.total or 0) + (tally.awake or 0) + (tally.unmeasured or 0)
                assert known == part.sleep.seconds


@settings(deadline=None)
@given(reports(), edits())
def test_a_session_is_told_once(told: list[Report], said: list[Edit]) -> None:
    """Of no two nights, of no night and alternative, and never when it was superseded."""
    said = [e for e in said if e.kind is not EditKind.KIND]  # these may cut a session in two
    derived = derive(told, said)
    assert derived.dates.keys() == {report.id for report in told}
    seen: list[str] = []
    for night in derived.nights.values():
        seen += _sessions_of(night.details)
    assert len(seen) == len(set(seen))
    assert not set(seen) & derived.superseded.keys()
    assert not set(derived.superseded.values()) & derived.superseded.keys()


def _sessions_of(details: Any) -> list[str]:
    found = list(details["sessions"])
    for name in ("naps", "other_main_sleeps", "alternatives"):
        for sleep in details[name]:
            found += sleep["sessions"]
            found += [s for other in sleep.get("alternatives", ()) for s in other["sessions"]]
    return found


@settings(deadline=None)
@given(reports(), edits(), st.sampled_from((-10, 14)))
def test_what_is_far_away_changes_nothing(told: list[Report], said: list[Edit], days: int) -> None:
    before = derive(told, said)
    start = ORIGIN + dt.timedelta(days=days)
    size = 8 * 3600
    far = Report(
        id="far",
        provider="demo",
        account="",
        session=Session(
            external_id="far",
            source=Source("watch", "watch", "watch"),
            start=start,
            end=start + dt.timedelta(seconds=size),
            hypnogram=(Segment(0, size, Stage.LIGHT),),
        ),
    )
    after = derive([*told, far], said)
    new = after.dates["far"]
    rest = {date: night for date, night in after.nights.items() if date != new}
    assert rest == {date: night for date, night in before.nights.items() if date != new}
    assert {k: v for k, v in after.dates.items() if k != "far"} == before.dates


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.integers(0, 275 * 24 * 60),
    st.integers(181, 700),
)
def test_times_are_right_in_any_zone_over_any_change_of_clocks(
    zone: str, zone_end: str, minutes: int, size: int
) -> None:
    first = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    last = first + dt.timedelta(minutes=size)
    report = Report(
        id="r",
        provider="demo",
        account="",
        session=Session(
            external_id="r",
            source=Source("watch", "watch"),
            start=first,
            end=last,
            hypnogram=(Segment(0, size * 60, Stage.LIGHT),),
        ),
        zone_start=zone,
        zone_end=zone_end,
        zone_from=ZoneFrom.RECORD,
    )
    (night,) = derive([report]).nights.values()
    shown = [
        dt.datetime.fromisoformat(str(night.record[f"sleep_{x}_time"])) for x in ("start", "end")
    ]
    assert shown == [first, last]
    assert [t.utcoffset() for t in shown] == [_offset(first, zone), _offset(last, zone_end)]
    assert night.date == shown[1].date()
    assert night.record["total_sleep_time"] == size


def _offset(instant: dt.datetime, zone: str) -> dt.timedelta | None:
    return instant.astimezone(zone_info(zone)).utcoffset()
