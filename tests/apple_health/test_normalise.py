"""What Apple's samples must become, by hand and by property (docs/definitions.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.model import Method, Piece, Segment, Session, Source, Stage, Vital
from sleepbalance.provider import Raw
from sleepbalance.providers.apple_health import packs
from sleepbalance.providers.apple_health.normalise import normalise

EVENING = dt.datetime(2026, 11, 20, 22, 0, tzinfo=dt.UTC)
ZERO = int(EVENING.timestamp())
WATCH = Source("watch", "Made Watch", "watch")


def at(clock: str) -> int:
    """Epoch of a clock time of the night that begins at 22:00 UTC."""
    hours, minutes = map(int, clock.split(":"))
    return ZERO + ((hours - 22) % 24) * 3600 + minutes * 60


def raw(
    value: str,
    start: str | int,
    end: str | int,
    *,
    created: int | None = ZERO,
    zone: str | None = None,
    printed: int | None = 3600,
    manual: bool = False,
    source: Source = WATCH,
    problem: str | None = None,
    more: dict[str, str] | None = None,
) -> Raw:
    first = at(start) if isinstance(start, str) else start
    last = at(end) if isinstance(end, str) else end
    sample = packs.SleepSample(
        start=first,
        end=last,
        value=value if value.isdigit() else "HKCategoryValueSleepAnalysis" + value,
        created=created,
        printed=printed,
        zone=zone,
        manual=manual,
        more=more or {},
    )
    return Raw(
        key=f"{source.key}/{value}/{first}/{last}",
        kind="sleep",
        source=source,
        payload=packs.encode_sample(sample),
        start=dt.datetime.fromtimestamp(first, dt.UTC),
        end=dt.datetime.fromtimestamp(last, dt.UTC),
        zone=zone,
        problem=problem,
    )


def readings(kind: str, rows: Sequence[tuple[str, float]], seconds: int = 0) -> Raw:
    payload = packs.pack(
        [at(clock) for clock, _ in rows], [seconds] * len(rows), [value for _, value in rows]
    )
    return Raw(key=f"watch/{kind}", kind=kind, source=WATCH, payload=payload, companion=True)


def only(*raws: Raw) -> Session:
    result = normalise(raws)
    assert len(result.sessions) == 1
    return result.sessions[0]


def clock(session: Session, seconds: int) -> str:
    return f"{session.start + dt.timedelta(seconds=seconds):%H:%M}"


def drawn(session: Session) -> list[tuple[str, str, str]]:
    return [(clock(session, s.offset), clock(session, s.end), s.stage) for s in session.hypnogram]


def spans(session: Session, pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    return [(clock(session, p.offset), clock(session, p.end)) for p in pieces]


# One night, every value


def test_a_night_of_the_watch() -> None:
    session = only(
        raw("AsleepCore", "22:30", "23:00"),
        raw("AsleepDeep", "23:00", "23:45"),
        raw("Awake", "23:45", "23:50"),
        raw("AsleepREM", "23:50", "00:20"),
        raw("AsleepUnspecified", "00:20", "06:00", created=ZERO + 9 * 3600),
    )
    assert session == Session(
        external_id=f"watch@{at('22:30')}",
        source=WATCH,
        start=EVENING.replace(minute=30),
        end=EVENING + dt.timedelta(hours=8),
        printed=3600,
        parts=(Piece(0, 27000),),
        hypnogram=(
            Segment(0, 1800, Stage.LIGHT),
            Segment(1800, 2700, Stage.DEEP),
            Segment(4500, 300, Stage.AWAKE),
            Segment(4800, 1800, Stage.REM),
            Segment(6600, 20400, Stage.ASLEEP),
        ),
        revised_at=EVENING + dt.timedelta(hours=9),
    )


@pytest.mark.parametrize(
    ("value", "stage"),
    [
        ("Asleep", "asleep"),
        ("AsleepUnspecified", "asleep"),
        ("AsleepCore", "light"),
        ("AsleepDeep", "deep"),
        ("AsleepREM", "rem"),
        ("1", "asleep"),
        ("3", "light"),
        ("4", "deep"),
        ("5", "rem"),
    ],
)
def test_values_that_mean_sleep(value: str, stage: str) -> None:
    assert drawn(only(raw(value, "23:00", "05:00"))) == [("23:00", "05:00", stage)]


@pytest.mark.parametrize(("in_bed", "awake"), [("InBed", "Awake"), ("0", "2")])
def test_in_bed_is_not_asleep(in_bed: str, awake: str) -> None:
    session = only(
        raw(in_bed, "22:30", "23:10"), raw(in_bed, "23:40", "06:00"), raw(awake, "01:00", "01:10")
    )
    assert not session.measures_sleep
    assert spans(session, session.in_bed) == [("22:30", "23:10"), ("23:40", "06:00")]
    assert session.parts == session.in_bed
    assert drawn(session) == [("01:00", "01:10", "awake")]
    assert session.vitals == {}


def test_in_bed_pieces_are_joined_where_they_overlap_or_touch() -> None:
    session = only(
        raw("InBed", "22:00", "23:30"),
        raw("InBed", "23:00", "00:00"),
        raw("InBed", "00:00", "05:00"),
    )
    assert spans(session, session.in_bed) == [("22:00", "05:00")]


# Where a sleep ends and the next begins


def test_an_hour_is_a_gap_and_a_second_more_is_another_sleep() -> None:
    first = raw("AsleepCore", "22:00", "23:00")
    together = only(first, raw("AsleepCore", at("00:00"), at("02:00")))
    assert spans(together, together.parts) == [("22:00", "23:00"), ("00:00", "02:00")]
    apart = normalise([first, raw("AsleepCore", at("00:00") + 1, at("02:00"))])
    assert [session.external_id for session in apart.sessions] == [
        f"watch@{at('22:00')}",
        f"watch@{at('00:00') + 1}",
    ]


@pytest.mark.parametrize("bridge", ["InBed", "Awake"])
def test_in_bed_and_awake_count_as_pieces(bridge: str) -> None:
    session = only(
        raw("AsleepCore", "22:00", "23:00"),
        raw(bridge, "23:30", "23:40"),
        raw("AsleepCore", "00:30", "05:00"),
    )
    assert (session.start, session.end) == (EVENING, EVENING + dt.timedelta(hours=7))


def test_the_longest_reach_counts_and_not_the_last_start() -> None:
    session = only(
        raw("InBed", "22:00", "06:00"),
        raw("Awake", "22:10", "22:20"),
        raw("InBed", "06:30", "07:00"),
    )
    assert spans(session, session.in_bed) == [("22:00", "06:00"), ("06:30", "07:00")]


def test_time_in_bed_fills_no_hole_between_sleeps() -> None:
    session = only(
        raw("InBed", "22:00", "06:30"),
        raw("AsleepCore", "22:30", "02:00"),
        raw("AsleepCore", "02:40", "06:00"),
    )
    assert spans(session, session.parts) == [("22:30", "02:00"), ("02:40", "06:00")]
    assert spans(session, session.in_bed) == [("22:00", "06:30")]
    assert (clock(session, 0), f"{session.end:%H:%M}") == ("22:00", "06:30")


def test_awake_fills_a_hole() -> None:
    session = only(
        raw("AsleepCore", "22:30", "02:00"),
        raw("Awake", "02:00", "02:40"),
        raw("AsleepCore", "02:40", "06:00"),
    )
    assert spans(session, session.parts) == [("22:30", "06:00")]


def test_awake_alone_is_no_sleep() -> None:
    lonely = [raw("Awake", "22:00", "22:10"), raw("Awake", "22:30", "22:40")]
    result = normalise([*lonely, raw("AsleepCore", "00:00", "05:00")])
    assert [session.external_id for session in result.sessions] == [f"watch@{at('00:00')}"]
    assert result.aside == tuple(
        sorted((awake.key, "awake, with no sleep within an hour") for awake in lonely)
    )


# Values nobody has heard of


def test_an_unknown_value_is_set_aside_and_fills_a_hole() -> None:
    new = raw("SomethingNew", "02:00", "02:40")
    result = normalise(
        [raw("AsleepCore", "22:30", "02:00"), new, raw("AsleepCore", "02:40", "06:00")]
    )
    (session,) = result.sessions
    assert drawn(session) == [
        ("22:30", "02:00", "light"),
        ("02:00", "02:40", "unknown"),
        ("02:40", "06:00", "light"),
    ]
    assert spans(session, session.parts) == [("22:30", "06:00")]
    assert result.aside == ((new.key, "unknown value 'HKCategoryValueSleepAnalysisSomethingNew'"),)


def test_an_unknown_value_covers_nothing_and_lengthens_nothing() -> None:
    session = only(
        raw("AsleepCore", "22:30", "02:00"),
        raw("SomethingNew", "22:00", "02:10", created=ZERO + 99),
        raw("AsleepUnspecified", "02:20", "06:00"),
        raw("SomethingNew", "05:00", "07:00", created=ZERO + 99),
    )
    assert drawn(session) == [
        ("22:30", "02:00", "light"),
        ("02:00", "02:10", "unknown"),
        ("02:20", "06:00", "asleep"),
    ]
    assert spans(session, session.parts) == [("22:30", "02:10"), ("02:20", "06:00")]


def test_an_unknown_value_joins_nothing() -> None:
    result = normalise(
        [
            raw("AsleepCore", "22:00", "23:00"),
            raw("SomethingNew", "23:00", "01:00"),
            raw("AsleepCore", "01:00", "05:00"),
        ]
    )
    assert [drawn(session) for session in result.sessions] == [
        [("22:00", "23:00", "light")],
        [("01:00", "05:00", "light")],
    ]


def test_an_unknown_value_says_nothing_of_a_night_in_bed_only() -> None:
    session = only(
        raw("InBed", "22:00", "23:00"),
        raw("SomethingNew", "23:00", "23:30"),
        raw("InBed", "23:30", "06:00"),
    )
    assert session.hypnogram == ()
    assert spans(session, session.parts) == [("22:00", "23:00"), ("23:30", "06:00")]


def test_what_cannot_be_read_is_set_aside() -> None:
    broken = Raw(key="broken", kind="sleep", source=WATCH, payload=b"{")
    pack = Raw(key="pack", kind="heart_rate", source=WATCH, payload=b"SBR", companion=True)
    zone = Raw(key="zone", kind="zone", source=WATCH, payload=b"", companion=True)
    empty = raw("AsleepCore", "23:00", "23:00")
    result = normalise([broken, empty, pack, zone])
    assert result.sessions == ()
    assert dict(result.aside) == {
        "broken": "kept in a form that this version cannot read",
        "pack": "kept in a form that this version cannot read",
        empty.key: "ends before it begins, or lasts no time at all",
    }


def test_what_was_set_aside_before_is_not_looked_at() -> None:
    result = normalise([raw("AsleepCore", "23:00", "05:00", problem="in the future")])
    assert (result.sessions, result.aside) == ((), ())


# Samples that overlap


@pytest.mark.parametrize(
    ("below", "above"),
    [("Awake", "AsleepCore"), ("AsleepUnspecified", "Awake"), ("AsleepUnspecified", "AsleepREM")],
)
def test_a_stage_over_awake_over_asleep_whenever_written(below: str, above: str) -> None:
    session = only(
        raw(below, "22:00", "06:00", created=ZERO + 999),
        raw(above, "01:00", "02:00", created=ZERO),
    )
    names = {"Awake": "awake", "AsleepCore": "light", "AsleepREM": "rem"}
    under = names.get(below, "asleep")
    assert drawn(session) == [
        ("22:00", "01:00", under),
        ("01:00", "02:00", names[above]),
        ("02:00", "06:00", under),
    ]


def test_of_two_stages_the_later_written_counts() -> None:
    session = only(
        raw("AsleepCore", "22:00", "02:00", created=ZERO + 60),
        raw("AsleepDeep", "01:00", "03:00", created=ZERO),
    )
    assert drawn(session) == [("22:00", "02:00", "light"), ("02:00", "03:00", "deep")]


def test_a_stage_without_a_date_of_writing_gives_way() -> None:
    session = only(
        raw("AsleepCore", "22:00", "02:00", created=0),
        raw("AsleepDeep", "01:00", "03:00", created=None),
    )
    assert drawn(session) == [("22:00", "02:00", "light"), ("02:00", "03:00", "deep")]


def test_of_two_written_together_the_later_start_counts_then_a_fixed_order() -> None:
    later = only(raw("AsleepDeep", "22:00", "02:00"), raw("AsleepCore", "01:00", "03:00"))
    assert drawn(later) == [("22:00", "01:00", "deep"), ("01:00", "03:00", "light")]
    same = only(raw("AsleepREM", "22:00", "02:00"), raw("AsleepDeep", "22:00", "03:00"))
    assert drawn(same) == [("22:00", "03:00", "deep")]


def test_a_night_written_twice_is_counted_once() -> None:
    session = only(
        raw("AsleepCore", "22:00", "02:00"),
        raw("AsleepCore", "22:00", "02:00"),
        raw("AsleepCore", "01:30", "04:00"),
        raw("AsleepCore", "04:00", "05:00"),
    )
    assert drawn(session) == [("22:00", "05:00", "light")]


# Zones, offsets, hand entries, facts


def test_the_zone_at_each_end_is_of_the_sample_there() -> None:
    session = only(
        raw("InBed", "22:00", "06:00", zone="Asia/Tokyo"),
        raw("AsleepCore", "22:30", "02:00", zone="Europe/Berlin"),
        raw("AsleepREM", "02:00", "05:30", zone="Europe/Lisbon"),
    )
    assert (session.zone_start, session.zone_end) == ("Europe/Berlin", "Europe/Lisbon")


def test_else_the_zone_is_of_the_nearest_sample_that_knows() -> None:
    session = only(
        raw("AsleepCore", "22:30", "23:00"),
        raw("AsleepDeep", "23:00", "00:00", zone="Europe/Berlin"),
        raw("AsleepCore", "00:00", "04:00", zone="Europe/Lisbon"),
        raw("AsleepREM", "04:00", "05:00"),
    )
    assert (session.zone_start, session.zone_end) == ("Europe/Berlin", "Europe/Lisbon")
    bed = only(raw("InBed", "22:00", "06:00", zone="Asia/Tokyo"), raw("Asleep", "23:00", "05:00"))
    assert (bed.zone_start, bed.zone_end) == ("Asia/Tokyo", "Asia/Tokyo")
    nobody = only(raw("Asleep", "23:00", "05:00"))
    assert (nobody.zone_start, nobody.zone_end) == (None, None)


def test_the_printed_offset_is_of_the_sample_that_ends_last() -> None:
    session = only(
        raw("AsleepCore", "22:30", "06:00", printed=7200),
        raw("InBed", "22:00", "05:00", printed=0),
        raw("Awake", "06:00", "06:10", printed=None),
    )
    assert session.printed == 7200
    assert only(raw("Asleep", "22:30", "06:00", printed=None)).printed is None


def test_hand_entries_say_so() -> None:
    source = Source("app#manual", "Made App")
    session = only(raw("Asleep", "22:30", "06:00", manual=True, source=source))
    assert (session.method, session.kind, session.source) == (Method.MANUAL, None, source)


def test_versions_are_kept_as_sent() -> None:
    session = only(
        raw("AsleepCore", "22:30", "23:00", more={"sourceVersion": "11.1"}),
        raw("AsleepREM", "23:00", "05:00", more={"sourceVersion": "11.0"}),
    )
    assert session.maker == {"sourceVersion": "11.0, 11.1"}
    assert only(raw("Asleep", "22:30", "06:00", created=None)).revised_at is None


def test_a_source_that_knows_its_device_names_the_sleep() -> None:
    vague = Source("watch", "A Made\u00a0Watch")
    session = only(
        raw("AsleepCore", "22:30", "23:00", source=vague), raw("AsleepREM", "23:00", "05:00")
    )
    assert session.source == WATCH


# Vitals


def test_vitals_are_of_the_sleep_and_not_of_its_gaps_or_its_waking() -> None:
    night = (
        raw("InBed", "22:00", "07:00"),
        raw("Awake", "22:20", "22:30"),
        raw("AsleepCore", "22:30", "01:00"),
        raw("Awake", "01:00", "01:10"),
        raw("AsleepREM", "01:10", "02:00"),
        raw("AsleepCore", "02:30", "06:00"),
        raw("Awake", "06:00", "06:20"),
    )
    heart = readings(
        "heart_rate",
        [
            ("22:10", 90),  # in bed
            ("22:25", 80),  # awake before sleep
            ("22:30", 60),
            ("01:05", 70),  # awake inside the sleep period
            ("02:10", 99),  # in the gap
            ("05:59", 53),
            ("06:00", 95),  # the end is not in it
        ],
    )
    assert only(*night, heart).vitals == {"heart_rate": Vital(61.0, 53, 70, 3)}


def test_saturation_is_in_percent_and_means_keep_three_decimals() -> None:
    session = only(
        raw("AsleepCore", "22:30", "06:00"),
        readings("spo2", [("23:00", 0.97), ("00:00", 0.29), ("01:00", 96.0)]),
        readings("hrv_sdnn", [("23:00", 40), ("00:00", 41), ("01:00", 41)], seconds=60),
        readings("breathing_rate", [("05:59", 14.0)], seconds=120),  # ends after the sleep
        readings("steps", [("23:00", 5)]),
    )
    assert session.vitals == {
        "hrv_sdnn": Vital(40.667, 40, 41, 3),
        "spo2": Vital(74.0, 29.0, 97.0, 3),
    }


def test_a_reading_that_comes_in_two_packs_counts_once() -> None:
    one = readings("heart_rate", [("23:00", 60), ("00:00", 50)])
    two = readings("heart_rate", [("00:00", 50), ("01:00", 40), ("02:00", float("nan"))])
    session = only(raw("AsleepCore", "22:30", "06:00"), one, two)
    assert session.vitals == {"heart_rate": Vital(50.0, 40, 60, 3)}


# What must hold for any samples


VALUES = (
    "InBed",
    "Asleep",
    "AsleepUnspecified",
    "Awake",
    "AsleepCore",
    "AsleepDeep",
    "AsleepREM",
    "SomethingNew",
)
ZONES = (None, "Europe/Berlin", "Asia/Tokyo", "+05:30")


@st.composite
def one_raw(draw: st.DrawFn) -> Raw:
    start = ZERO + 300 * draw(st.integers(0, 150))
    length = draw(st.one_of(st.integers(1, 12), st.integers(12, 100))) * 300
    return raw(
        draw(st.sampled_from(VALUES)),
        start,
        start + length,
        created=draw(st.sampled_from((None, ZERO, ZERO + 1, ZERO + 2))),
        zone=draw(st.sampled_from(ZONES)),
        printed=draw(st.sampled_from((None, 0, 3600))),
        source=draw(st.sampled_from((WATCH, Source("watch", "Made  Watch"), Source("watch", "")))),
    )


some_raws = st.lists(one_raw(), max_size=14)


@given(st.data(), some_raws)
def test_order_and_repeats_change_nothing(data: st.DataObject, raws: list[Raw]) -> None:
    pulse = readings("heart_rate", [("23:10", 60), ("01:00", 50.3), ("03:30", 47.7)])
    shuffled = data.draw(st.permutations([*raws, pulse]))
    repeated = data.draw(st.lists(st.sampled_from(shuffled), max_size=5))
    assert normalise([*shuffled, *repeated]) == normalise([*raws, pulse])


@given(some_raws)
def test_a_hypnogram_is_sorted_without_overlap_and_inside_its_window(raws: list[Raw]) -> None:
    for session in normalise(raws).sessions:
        length = round((session.end - session.start).total_seconds())
        for pieces in (session.hypnogram, session.parts, session.in_bed):
            assert all(piece.seconds > 0 for piece in pieces)
            edges = [edge for piece in pieces for edge in (piece.offset, piece.end)]
            assert edges == sorted(edges)
            assert not edges or (edges[0] >= 0 and edges[-1] <= length)
        neighbours = pairwise(session.hypnogram)
        assert all(a.end < b.offset or a.stage != b.stage for a, b in neighbours)


def seconds_of(raws: list[Raw], *values: str) -> set[int]:
    """Five-minute slots that samples of these values cover: a union told another way."""
    slots: set[int] = set()
    for one in raws:
        sample = packs.decode_sample(one.payload)
        if sample.value.removeprefix("HKCategoryValueSleepAnalysis") in values:
            slots |= set(range(sample.start, sample.end, 300))
    return slots


@given(some_raws)
def test_sleep_is_the_union_of_the_samples_that_say_so(raws: list[Raw]) -> None:
    sessions = normalise(raws).sessions
    counted = {
        stages: sum(s.seconds for one in sessions for s in one.hypnogram if s.stage in stages)
        for stages in (("light", "deep", "rem"), ("awake",), ("asleep",))
    }
    staged = seconds_of(raws, "AsleepCore", "AsleepDeep", "AsleepREM")
    unstaged = seconds_of(raws, "Asleep", "AsleepUnspecified")
    known = [one for one in raws if "SomethingNew" not in one.key]
    lonely = {key for key, reason in normalise(raws).aside if reason.startswith("awake")}
    awake = seconds_of([one for one in known if one.key not in lonely], "Awake")
    assert counted["light", "deep", "rem"] == 300 * len(staged)
    assert counted[("awake",)] == 300 * len(awake - staged)
    assert counted[("asleep",)] == 300 * len(unstaged - awake - staged)
    in_bed = sum(piece.seconds for one in sessions for piece in one.in_bed)
    assert in_bed == 300 * len(seconds_of(raws, "InBed"))


@given(some_raws)
def test_every_sample_is_in_one_sleep_or_aside(raws: list[Raw]) -> None:
    result = normalise(raws)
    aside = dict(result.aside)
    for one in raws:
        assert one.start is not None
        assert one.end is not None
        holders = [s for s in result.sessions if s.start <= one.start and one.end <= s.end]
        if "SomethingNew" in one.key:
            assert one.key in aside
        else:
            assert len(holders) == (one.key not in aside)


@given(some_raws)
def test_sleeps_lie_more_than_an_hour_apart(raws: list[Raw]) -> None:
    sessions = normalise(raws).sessions
    for before, after in pairwise(sessions):
        assert after.start - before.end > dt.timedelta(hours=1)
