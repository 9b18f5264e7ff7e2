"""What a maker sent is read as far as it goes, and nothing in it raises."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sleepbalance import payloads
from sleepbalance.payloads import (
    decode,
    decode_as,
    digest,
    inside,
    instant,
    items,
    listed,
    number,
    numeral,
    offset,
    pack,
    printed,
    quoted,
    seconds,
    stamp,
    text,
    unpack,
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
finite = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
bytes_or_json = st.binary() | values.map(lambda value: json.dumps(value).encode())


class Form(msgspec.Struct):
    name: str


# -- whole payloads ------------------------------------------------------------------------------


@given(bytes_or_json)
@example(b"[" * 100_000)
@example(b'"\xff"')
@example(b"NaN")
def test_no_bytes_raise(payload: bytes) -> None:
    found = listed(payload)
    assert found is None or isinstance(decode(payload), list)
    assert unpack(payload) == (found or [])
    told = decode_as(payload, Form)
    assert told is None or decode(payload)["name"] == told.name


@given(finite)
def test_json_is_what_it_says(value: Any) -> None:
    assert decode(json.dumps(value).encode()) == value


def test_what_has_another_form_is_none() -> None:
    assert decode_as(b'{"name": "a", "more": 1}', Form) == Form("a")
    assert decode_as(b'{"name": 1}', Form) is None
    assert decode_as(b"[]", Form) is None


@given(st.lists(finite))
def test_a_pack_holds_its_members_byte_for_byte(told: list[Any]) -> None:
    members = [json.dumps(value, indent=1).encode() for value in told]
    assert unpack(pack(members)) == members


def test_a_digest_is_of_the_bytes() -> None:
    assert digest(b"a") == digest(b"a") != digest(b"b")
    assert len(digest(b"")) == 32


# -- what is in them -----------------------------------------------------------------------------


@given(values)
def test_no_value_raises(value: Any) -> None:
    for read in (inside, items, text, number, numeral, printed, instant, payloads.date):
        read(value)
    assert inside(value, "a", "b") == {} or value["a"]["b"]
    assert items(value) in (value, [])


def test_inside_goes_down_by_names() -> None:
    told = {"a": {"b": {"c": 1}}, "n": None}
    assert inside(told, "a", "b") == {"c": 1}
    assert inside(told) == told
    assert inside(told, "n", "b") == inside(told, "a", "b", "c") == inside([told], "a") == {}


@given(st.text())
def test_text_is_one_line(value: str) -> None:
    assert len(text(value)) <= 200
    assert len(text(value, 7)) <= 7
    assert not set(text(value)) & set("\n\r\t\x0b\u2028")


def test_quoted_words_hide_what_could_be_a_secret() -> None:
    token = "ya29." + "a1" * 20
    assert quoted("Pear", f"Bad token {token}.") == "Pear says: Bad token …. "
    assert quoted("Pear", " . ") == ""


@given(scalars)
def test_numbers_are_finite_and_no_flags(value: Any) -> None:
    told = numeral(value)
    assert told is None or (math.isfinite(told) and abs(told) < 10**15)
    assert number(value) == (None if isinstance(value, str) else told)
    if isinstance(value, bool):
        assert told is None


@pytest.mark.parametrize(
    ("written", "means"),
    [("49", 49.0), ("-0.5", -0.5), ("NaN", None), ("1e9", None), ("٣", None), ("", None)],
)
def test_a_numeral_may_be_written_as_text(written: str, means: float | None) -> None:
    assert numeral(written) == means
    assert number(written) is None


def test_seconds_are_what_a_sleep_can_hold() -> None:
    assert seconds(90.4, 100) == 90
    assert seconds(1.5, 90, 60) == 90
    assert seconds(0, 0) == 0
    assert seconds(1.6, 90, 60) is seconds(-1, 100) is seconds(None, 100) is None


# -- times ---------------------------------------------------------------------------------------

first, last = dt.datetime(1900, 1, 2, tzinfo=dt.UTC), dt.datetime(2199, 12, 30, tzinfo=dt.UTC)
moments = st.timedeltas(dt.timedelta(0), last - first).map(lambda after: first + after)
aheads = st.integers(-18 * 60, 18 * 60).map(lambda minutes: dt.timedelta(minutes=minutes))


@given(moments, aheads)
def test_an_instant_is_read_in_any_offset(moment: dt.datetime, ahead: dt.timedelta) -> None:
    told = printed(moment.astimezone(dt.timezone(ahead)).isoformat())
    assert told is not None
    assert told.utcoffset() == ahead
    assert told == instant(stamp(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-21",
        "2026-11-21T22:15:00",
        "2026-02-30T22:15:00Z",
        "2026-11-21T22:15:00+99:00",
        "0001-01-01T00:00:00Z",
        "٢٠٢٦-11-21T22:15:00Z",
        1_700_000_000,
    ],
)
def test_what_is_no_instant_is_none(written: object) -> None:
    assert printed(written) is instant(written) is None


@given(st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)))
def test_a_date_is_read(day: dt.date) -> None:
    assert payloads.date(str(day)) == day
    assert payloads.date(f"{day}T00:00:00Z") is None


def test_a_date_that_is_none() -> None:
    assert payloads.date("2026-02-30") is None


def test_an_offset_is_a_zone_on_earth() -> None:
    assert offset(7200) == "+02:00"
    assert offset(-12_600.0) == "-03:30"
    assert offset(18 * 3600) == "+18:00"
    assert offset(18 * 3600 + 60) is offset(30) is offset(None) is None
