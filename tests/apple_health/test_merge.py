"""Which version of a sample stands after several exports."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.providers.apple_health import packs
from sleepbalance.providers.apple_health.merge import merge


def sample(
    created: int | None = 5, zone: str | None = None, printed: int = 0, version: str = "11"
) -> bytes:
    more = {"sourceVersion": version}
    told = packs.SleepSample(0, 60, "Asleep", created, printed, zone, more=more)
    return packs.encode_sample(told)


def test_the_later_written_version_of_a_sample_stands_in_any_order() -> None:
    versions = [
        sample(None, "Europe/Rome"),
        sample(1, "Europe/Rome"),
        sample(5, version="12"),
        sample(5, "Europe/Rome"),
        sample(5, "Europe/Rome", version="12"),
    ]
    for order in permutations(versions):
        assert merge("sleep", order) == versions[-1]


def test_another_printed_offset_is_no_other_version() -> None:
    summer, winter = sample(printed=7200), sample(printed=3600)
    assert merge("sleep", [summer, winter]) == summer
    assert merge("sleep", [winter, summer]) == winter


def test_what_was_set_aside_gives_way_to_what_can_be_read() -> None:
    assert merge("sleep", [b'{"startDate":"soon"}', sample(None)]) == sample(None)
    assert merge("sleep", [b"?", b"?"]) == b"?"


def test_zone_marks_hold_nothing_to_join() -> None:
    assert merge("zone", [b"", b""]) == b""


rows = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 60), st.floats(0, 99)), max_size=8)


@given(st.lists(rows, min_size=1, max_size=4))
def test_packs_join_to_the_same_in_any_order(parts: list[list[tuple[int, int, float]]]) -> None:
    payloads = [
        packs.pack(*zip(*part, strict=True)) if part else packs.pack([], [], []) for part in parts
    ]
    whole = merge("heart_rate", payloads)
    assert merge("heart_rate", payloads[::-1]) == whole
    assert merge("heart_rate", [whole, *payloads]) == whole
    kept = packs.unpack(whole)
    assert list(zip(*kept, strict=True)) == sorted({row for part in parts for row in part})
