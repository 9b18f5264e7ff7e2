"""What Google's words become."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sleepbalance.model import Kind, Method, Piece, Totals
from sleepbalance.providers.fitbit import PROVIDER
from tests.fitbit.made import (
    Json,
    at,
    night,
    point,
    raw_of,
    session_of,
    stretch,
    timeline,
)

STAGED = [stretch(0, 10, "AWAKE"), stretch(10, 480, "LIGHT")]
HAND: Json = {"platform": "FITBIT", "recordingMethod": "MANUAL", "device": {}}
ANOTHER: Json = {
    "platform": "HEALTH_CONNECT",
    "recordingMethod": "UNKNOWN",
    "device": {},
    "application": {"packageName": "example.ring.app"},
}

# Stages


def test_stages_become_a_timeline() -> None:
    session = night((0, 6, "AWAKE"), (6, 60, "LIGHT"), (60, 100, "DEEP"), (100, 480, "REM"))
    assert timeline(session) == [
        (0, 6, "awake"),
        (6, 60, "light"),
        (60, 100, "deep"),
        (100, 480, "rem"),
    ]
    assert session.staged
    assert session.totals is None
    assert session.door == "oauth"


def test_short_awakenings_are_cut_in_whatever_their_type() -> None:
    short = [stretch(60, 61.5, "LIGHT"), stretch(479, 482, "AWAKE"), stretch(70, 71)]
    session = session_of(point(stages=[stretch(0, 480, "DEEP")], shortAwakenings=short))
    assert timeline(session) == [
        (0, 60, "deep"),
        (60, 61.5, "awake"),
        (61.5, 70, "deep"),
        (70, 71, "awake"),
        (71, 479, "deep"),
        (479, 480, "awake"),
    ]


def test_out_of_bed_counts_over_awake_only() -> None:
    session = session_of(
        point(
            stages=[stretch(0, 100, "LIGHT"), stretch(100, 110, "AWAKE"), stretch(110, 480, "REM")],
            shortAwakenings=[stretch(112, 113, "AWAKE")],
            outOfBedSegments=[stretch(95, 105), stretch(112, 114)],
        )
    )
    assert timeline(session) == [
        (0, 100, "light"),
        (100, 105, "out_of_bed"),
        (105, 110, "awake"),
        (110, 112, "rem"),
        (112, 113, "out_of_bed"),
        (113, 480, "rem"),
    ]


def test_a_classic_log_tells_restless_apart() -> None:
    session = night(
        (0, 100, "ASLEEP"), (100, 107, "RESTLESS"), (107, 480, "ASLEEP"), type="CLASSIC"
    )
    assert timeline(session) == [(0, 100, "asleep"), (100, 107, "restless"), (107, 480, "asleep")]
    assert not session.staged


def test_stages_come_in_any_order_and_holes_stay_open() -> None:
    session = night((300, 480, "REM"), (0, 100, "LIGHT"))
    assert timeline(session) == [(0, 100, "light"), (300, 480, "rem")]


def test_stages_are_cut_to_the_sleep() -> None:
    session = night((-30, 100, "LIGHT"), (470, 600, "REM"), (700, 800, "DEEP"))
    assert timeline(session) == [(0, 100, "light"), (470, 480, "rem")]


def test_a_word_nobody_has_heard_of_is_unknown() -> None:
    session = night((0, 100, "LIGHT"), (100, 200, "TWILIGHT"), (150, 480, "REM"))
    assert timeline(session) == [(0, 100, "light"), (100, 150, "unknown"), (150, 480, "rem")]


@pytest.mark.parametrize("flip", [False, True])
def test_a_stage_lies_over_awake_and_awake_over_asleep(flip: bool) -> None:
    told = [stretch(0, 480, "ASLEEP"), stretch(100, 300, "AWAKE"), stretch(200, 400, "DEEP")]
    session = session_of(point(stages=told[::-1] if flip else told))
    assert timeline(session) == [
        (0, 100, "asleep"),
        (100, 200, "awake"),
        (200, 400, "deep"),
        (400, 480, "asleep"),
    ]


@pytest.mark.parametrize("flip", [False, True])
def test_of_two_stages_the_later_written_counts(flip: bool) -> None:
    told = [
        stretch(0, 300, "REM", updateTime=at(500)),
        stretch(200, 480, "LIGHT", createTime=at(490)),
    ]
    session = session_of(point(stages=told[::-1] if flip else told))
    assert timeline(session) == [(0, 300, "rem"), (300, 480, "light")]


@pytest.mark.parametrize("more", [{}, {"type": "STAGES"}, {"stages": []}, {"stages": "none"}])
def test_a_sleep_without_stages_is_sleep_all_the_same(more: dict[str, Any]) -> None:
    session = session_of(point(**more))
    assert timeline(session) == [(0, 480, "asleep")]
    assert not session.staged


def summary(asleep: str, awake: str, **stages: str) -> Json:
    listed = [{"type": word, "minutes": told} for word, told in stages.items()]
    return {"minutesAsleep": asleep, "minutesAwake": awake, "stagesSummary": listed}


def test_without_stages_over_time_their_sums_count() -> None:
    told = summary("407", "57", DEEP="114", LIGHT="200", REM="93", AWAKE="57")
    session = session_of(point(summary=told))
    assert session.hypnogram == ()
    assert session.totals == Totals(
        light=12000, deep=6840, rem=5580, asleep=0, awake=3420, awake_scope="in_bed"
    )


def test_what_the_sums_leave_out_is_sleep_of_unknown_stage() -> None:
    session = session_of(point(summary=summary("407", "57", DEEP="114")))
    assert session.totals is not None
    assert (session.totals.deep, session.totals.asleep) == (6840, 293 * 60)
    assert session.totals.light is None


def test_sums_of_a_sleep_nobody_staged_have_no_stages() -> None:
    told = summary("400", "20", LIGHT="0", DEEP="0", REM="0", RESTLESS="15")
    totals = session_of(point(summary=told)).totals
    assert totals == Totals(asleep=24000, awake=1200, restless=900, awake_scope="in_bed")


@pytest.mark.parametrize(
    "told",
    [
        summary("0", "0"),
        summary("NaN", "-1"),
        summary("481", "0"),
        summary("0", "0", LIGHT="300", DEEP="300"),
        {"minutesAsleep": [], "stagesSummary": [1, {"type": "DEEP"}]},
    ],
    ids=str,
)
def test_sums_that_cannot_be_true_do_not_count(told: Json) -> None:
    session = session_of(point(summary=told))
    assert session.totals is None
    assert timeline(session) == [(0, 480, "asleep")]


# Everything else


def test_the_interval_is_time_in_bed() -> None:
    assert session_of(point(stages=STAGED)).in_bed == (Piece(0, 480 * 60),)


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"mainSleep": True}, Kind.MAIN),
        ({"main": True}, Kind.MAIN),
        ({"nap": True}, Kind.NAP),
        ({"mainSleep": True, "nap": True}, None),
        ({"mainSleep": "yes"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_main_sleep_and_nap_are_what_google_says(metadata: Json | None, kind: Kind | None) -> None:
    assert session_of(point(metadata=metadata)).kind == kind


@pytest.mark.parametrize(
    ("told", "provisional"),
    [
        (point(), True),
        (point(metadata={"processed": False}), True),
        (point(metadata={"stagesStatus": "STAGES_STATE_UNSPECIFIED"}), True),
        (point(stages=[stretch(0, 480, "ASLEEP")]), True),
        (point(metadata={"processed": True}), False),
        (point(metadata={"stagesStatus": "REJECTED_NAP"}), False),
        (point(metadata={"stagesStatus": "TIMEOUT"}), False),
        (point(stages=STAGED), False),
        (point(source=HAND), False),
        (point(source=ANOTHER), False),
    ],
)
def test_a_sleep_whose_stages_may_still_come_is_provisional(told: Json, provisional: bool) -> None:
    assert session_of(told).provisional is provisional


def test_a_hand_entry_is_a_source_of_its_own_without_time_in_bed() -> None:
    session = session_of(point(stages=[stretch(0, 480, "ASLEEP")], source=HAND))
    assert session.method == Method.MANUAL
    assert session.source.key == "fitbit#manual"
    assert session.in_bed == ()
    assert timeline(session) == [(0, 480, "asleep")]


def test_a_sleep_that_was_only_corrected_by_hand_is_the_devices() -> None:
    session = session_of(point(stages=STAGED, metadata={"manuallyEdited": True}))
    assert session.method == Method.DEVICE
    assert session.maker["manuallyEdited"] is True


def test_a_sleep_of_another_app_is_a_source_of_its_own() -> None:
    session = session_of(point(stages=STAGED, source=ANOTHER))
    assert session.source.key == "health_connect:example.ring.app"
    assert session.source.name == "example.ring.app"
    assert session.in_bed == ()


@pytest.mark.parametrize(
    ("source", "key", "name", "device"),
    [
        ({}, "fitbit", "Fitbit", None),
        ({"device": {}, "platform": "FITBIT"}, "fitbit", "Fitbit", None),
        (
            {"device": {"displayName": " Pixel  Watch 4 "}},
            "pixel watch 4",
            "Pixel Watch 4",
            "watch",
        ),
        ({"device": {"displayName": "Luxe", "formFactor": "FITNESS_BAND"}}, "luxe", "Luxe", "band"),
        ({"device": {"formFactor": "RING"}}, "fitbit", "Fitbit", "ring"),
        ({"device": 5, "platform": []}, "fitbit", "Fitbit", None),
        ({"platform": "NEST"}, "nest:nest", "NEST", None),
        ("odd", "fitbit", "Fitbit", None),
    ],
)
def test_devices_are_told_apart(source: Any, key: str, name: str, device: str | None) -> None:
    found = raw_of(point(source=source)).source
    assert (found.key, found.name, found.device) == (key, name, device)


def test_each_end_has_its_own_offset() -> None:
    told = point()
    told["sleep"]["interval"] |= {"startUtcOffset": "7200s", "endUtcOffset": "3600s"}
    session = session_of(told)
    assert (session.zone_start, session.zone_end) == ("+02:00", "+01:00")


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("32400s", "+09:00"),
        ("-25200s", "-07:00"),
        ("-12600s", "-03:30"),
        ("0s", "+00:00"),
        ("3600.000s", "+01:00"),
        ("-07:00", "-07:00"),
        ("+05:30", "+05:30"),
        (None, None),
        ("", None),
        ("3601s", None),
        ("90000s", None),
        ("Z", None),
        ("٣٦٠٠s", None),
    ],
)
def test_offsets_are_read_or_not_told(told: str | None, zone: str | None) -> None:
    assert session_of(point(offset=told)).zone_end == zone


def test_the_makers_own_sums_are_kept_as_sent() -> None:
    told = summary("248", "6", AWAKE="6") | {"minutesToFallAsleep": "0"}
    session = session_of(
        point(stages=STAGED, summary=told, type="STAGES", metadata={"stagesStatus": "SUCCEEDED"})
    )
    assert session.maker == told | {"type": "STAGES", "stagesStatus": "SUCCEEDED"}


def test_of_several_versions_the_last_updated_is_told() -> None:
    early = raw_of(point(updateTime=at(490)))
    late = raw_of(point(stages=STAGED, updateTime=at(500)))
    for order in ([early, late], [late, early]):
        (session,) = PROVIDER.normalise(order).sessions
        assert session.staged
        assert session.revised_at == late.revised_at


def test_what_this_version_cannot_read_is_set_aside() -> None:
    raw = replace(raw_of(point()), payload=b"from another time")
    assert PROVIDER.normalise([raw]).aside == (
        ("sleep/77", "kept in a form that this version cannot read"),
    )
    deep = replace(raw, payload=b"[" * 100_000)
    assert PROVIDER.normalise([deep]).sessions == ()


def test_the_ends_are_cut_to_the_second() -> None:
    told = point(stages=[stretch(0, 480, "LIGHT")])
    told["sleep"]["interval"]["startTime"] = "2026-11-20T22:00:00.999999999Z"
    session = session_of(json.loads(json.dumps(told)))
    assert session.start.isoformat() == "2026-11-20T22:00:00+00:00"
    assert timeline(session) == [(0, 480, "light")]


def test_a_time_with_an_offset_is_the_same_instant() -> None:
    told = point()
    told["sleep"]["interval"]["startTime"] = "2026-11-20T23:00:00+01:00"
    assert session_of(told).start == session_of(point()).start
