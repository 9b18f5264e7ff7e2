"""The fast road and the careful road give the same, and so does a file that was cut in two."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from sleepbalance.providers.apple_health import packs
from tests.apple_health.layouts import (
    CORE,
    HEART,
    SLEEP,
    date,
    epoch,
    export,
    record,
    through,
)

FIRST = epoch("2026-01-05 00:00:00 +0000")
QUANTITY = "HKQuantityTypeIdentifier"
KINDS = [
    SLEEP,
    HEART,
    QUANTITY + "RespiratoryRate",
    QUANTITY + "OxygenSaturation",
    QUANTITY + "HeartRateVariabilitySDNN",
    QUANTITY + "StepCount",
    QUANTITY + "RestingHeartRate",
    "HKCategoryTypeIdentifierAppleStandHour",
    "HKDataTypeSleepDurationGoal",
]
SOURCES = ["Sam’s Apple\u00a0Watch", "Oura", 'A "b" & <c>', "Zoë", "iPhone", "", "tab\there"]
VALUES = ["60", "61.5", "0.97", CORE, "-3", "nan", "", "1_0", "1e2", " 7 ", "9" * 50]
ENTRIES = [
    {},
    {},
    {"HKMetadataKeyHeartRateMotionContext": "0"},
    {"HKTimeZone": "Europe/Berlin"},
    {"HKWasUserEntered": "1"},
    {"HKWasUserEntered": "0", "note": "a > b & c"},
    {"productType": "Watch7,3"},
]


@st.composite
def some_record(draw: st.DrawFn) -> str:
    start = FIRST + draw(st.integers(0, 40)) * 21_600 + draw(st.integers(0, 90))
    length = draw(st.sampled_from([0, 0, 60, 1800, 5400, 90_000, -60]))
    offset = draw(st.sampled_from([0, 3600, 3600, -18_000, 19_800]))
    begun, ended = date(start, offset), date(start + length, offset)
    if draw(st.integers(0, 20)) == 0:
        begun = draw(st.sampled_from(["soon", "", "2026-02-30 01:00:00 +0100", "2200-01-01"]))
    pointer = draw(st.sampled_from(["0x1", "0x2", "0x33", '0x" a', "0x", "none"]))
    name = f"<<HKDevice: {pointer}>, name:Apple Watch>"
    device = {"device": name} if draw(st.booleans()) else {}
    unit = {"unit": "count/min"} if draw(st.booleans()) else {}
    return record(
        draw(st.sampled_from(KINDS)),
        begun,
        ended,
        draw(st.sampled_from(VALUES)),
        draw(st.sampled_from(SOURCES)),
        draw(st.sampled_from(ENTRIES)),
        **device,
        **unit,
    )


RECORDS = st.lists(some_record(), max_size=30)
BLOCKS = st.sampled_from([1, 97, 1000, 128 * 1024])


def swapped(text: str) -> str:
    return re.sub(r'(type="[^"]*") (sourceName="[^"]*")', r"\2 \1", text)


def nested(text: str) -> str:
    inner = text.replace("\n", "\n ")
    return f'\n <Correlation type="c" sourceName="s">{inner}\n </Correlation>{text}'


MANGLED: list[Callable[[str], str]] = [
    lambda text: text.replace('value="', "value='").replace('"/>', "'/>"),
    lambda text: text.replace(" startDate", "\n   startDate"),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\n", ""),
    lambda text: text.replace("\n ", "\n    "),
    lambda text: text.replace("\n  ", "\n "),
    lambda text: "\n <!-- " + text.replace("--", "") + " -->" + text,
    lambda text: "\n <![CDATA[" + text + "]]>" + text,
    lambda text: "\n <?note " + text.replace("?>", "") + " ?>" + text,
    lambda text: text.replace("HKQ", "HK&#81;"),
    lambda text: text.replace("HKQ", "HK\x0bQ"),
    lambda text: text.replace("sourceName", "\tsourceName"),
    lambda text: text.replace('" ', '"  '),
    lambda text: re.sub(' creationDate="[^"]*"', "", text),
    lambda text: text + "stray text",
    lambda text: "\n <Unheard of='it'>" + text + "\n </Unheard>",
    swapped,
    nested,
]


@given(RECORDS, BLOCKS)
@settings(max_examples=150, deadline=None)
def test_both_roads_give_the_same(records: list[str], block: int) -> None:
    data = export(*records)
    assert through(data, block=block) == through(data, careful=True)


@given(st.lists(st.tuples(some_record(), st.sampled_from([None, None, *MANGLED]))), BLOCKS)
@settings(max_examples=250, deadline=None)
def test_both_roads_give_the_same_of_what_no_phone_writes(
    records: list[tuple[str, Callable[[str], str] | None]], block: int
) -> None:
    data = export(*(mangle(text) if mangle else text for text, mangle in records))
    fast, careful = through(data, block=block), through(data, careful=True)
    assert fast == careful
    assert fast.whole


@given(RECORDS, st.data())
@settings(max_examples=60, deadline=None)
def test_cut_in_two_gives_the_same(records: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(records)))
    whole = through(export(*records))
    halves = [through(export(*part)) for part in (records[:at], records[at:])]
    assert sorted(raw.key for half in halves for raw in half.sleep) == [
        raw.key for raw in whole.sleep
    ]
    assert halves[0].zones.keys() | halves[1].zones.keys() == whole.zones.keys()
    pieces: dict[str, list[bytes]] = {}
    for half in halves[::-1]:
        for key, (_, _, payload) in half.packs.items():
            pieces.setdefault(key, []).append(payload)
    assert {key: packs.join(found) for key, found in pieces.items()} == {
        key: payload for key, (_, _, payload) in whole.packs.items()
    }


@given(st.integers(FIRST, FIRST + 10**7), st.integers(-14 * 60, 14 * 60))
@settings(max_examples=80, deadline=None)
def test_an_instant_is_the_same_in_any_offset(at: int, minutes: int) -> None:
    def read(offset: int) -> tuple[list[str], list[bytes]]:
        begun, ended = date(at, offset), date(at + 600, offset)
        found = through(export(record(HEART, begun, begun, "60"), record(SLEEP, begun, ended)))
        return [raw.key for raw in found.sleep], [pack for _, _, pack in found.packs.values()]

    assert read(minutes * 60) == read(0)


@given(st.binary(max_size=300), st.integers(0, 5000), BLOCKS)
@settings(max_examples=150, deadline=None)
def test_nothing_but_raws_comes_out_of_garbage(garbage: bytes, at: int, block: int) -> None:
    good = [record(start=date(FIRST + i), end=date(FIRST + i + 60)) for i in range(20)]
    data = export(*good)
    body = data.index(b"\n <Record")
    place = body + at % (len(data) - body)
    broken = data[:place] + garbage + data[place:]
    for careful in (False, True):
        found = through(broken, careful, block)
        assert len([raw for raw in found.sleep if raw.problem is None]) >= 18
