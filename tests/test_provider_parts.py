"""What every provider takes from the contract: places in time, pages, files one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest

from sleepbalance.errors import Malformed
from sleepbalance.model import Source, Vital
from sleepbalance.provider import Member, Raw, Stream, Until, anywhere, misplaced, pages, read_each
from sleepbalance.testing import Bytes

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


# -- places in time ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (NOW - 8 * HOUR, NOW, None),
        (NOW - 48 * HOUR, NOW, None),
        (NOW, NOW + 24 * HOUR, None),
        (None, NOW, "does not say when it began and ended"),
        (NOW, None, "does not say when it began and ended"),
        (NOW, NOW, "ends before it begins, or lasts no time at all"),
        (NOW - 49 * HOUR, NOW, "lasts longer than 48 hours"),
        (NOW, NOW + 25 * HOUR, "ends in the future"),
        (
            dt.datetime(1999, 12, 31, 23, tzinfo=dt.UTC),
            dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
            "lies before the year 2000",
        ),
    ],
)
def test_where_a_sleep_can_lie(
    start: dt.datetime | None, end: dt.datetime | None, words: str | None
) -> None:
    assert misplaced(start, end, NOW) == words
    timeless = start is None or end is None
    assert misplaced(start, end, NOW, "has no id") == (words if timeless else "has no id")


def test_a_date_lies_wherever_it_is_told() -> None:
    east, west = dt.timezone(14 * HOUR), dt.timezone(-12 * HOUR)
    begins = dt.datetime(2026, 11, 21, tzinfo=east)
    ends = dt.datetime(2026, 11, 22, tzinfo=west)
    assert anywhere(dt.date(2026, 11, 21)) == (begins, ends)


# -- numbers -------------------------------------------------------------------------------------


def test_a_vital_of_samples() -> None:
    assert Vital.of([]) is None
    assert Vital.of([50.0, 60.0, 51.0]) == Vital(53.667, 50.0, 60.0, 3)
    tenths = [0.1] * 7 + [1e9, -1e9]
    assert Vital.of(tenths) == Vital.of(tenths[::-1])


# -- pages ---------------------------------------------------------------------------------------


def all_pages(told: dict[str | None, tuple[str, str | None]]) -> Iterator[str]:
    return (page[0] for page in pages(told.__getitem__, lambda page: page[1], "Pear"))


def test_only_the_token_tells_whether_there_is_another_page() -> None:
    assert list(all_pages({None: ("a", "1"), "1": ("", "2"), "2": ("c", "")})) == ["a", "", "c"]
    assert list(all_pages({None: ("a", None)})) == ["a"]


def test_pages_that_lead_back_end_in_words() -> None:
    found = all_pages({None: ("a", "1"), "1": ("b", "2"), "2": ("c", "1")})
    assert [next(found) for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(Malformed, match="Pear's pages lead back"):
        next(found)


# -- files ---------------------------------------------------------------------------------------


class Damaged:
    """A stream whose archive ends in the middle."""

    def __init__(self) -> None:
        self.left = [b"abc"]

    def read(self, size: int, /) -> bytes:
        if self.left:
            return self.left.pop()
        raise Malformed("cut off")


def test_a_damaged_stream_ends_and_says_why() -> None:
    stream = Until(Damaged())
    assert stream.read(9) == b"abc"
    assert stream.failure is None
    assert stream.read(9) == stream.read(9) == b""
    assert stream.failure == "cut off"


def read_one(member: Member, stream: Stream) -> Iterator[Raw]:
    content = stream.read(100)
    yield Raw(key=member.name, kind="sleep", source=Source("", ""), payload=content)
    if content == b"bad":
        raise Malformed(f"{member.name} is bad")


def members(**told: bytes) -> Sequence[Member]:
    return [Bytes(name, content) for name, content in told.items()]


def test_a_file_that_cannot_be_read_is_a_problem_beside_the_others() -> None:
    problems = ["before"]
    found = read_each(members(a=b"bad", b=b"good"), read_one, problems)
    assert [raw.payload for raw in found] == [b"bad", b"good"]
    assert problems == ["before", "a is bad"]


def test_where_none_can_be_read_the_first_says_why() -> None:
    problems: list[str] = []
    with pytest.raises(Malformed, match="a is bad"):
        list(read_each(members(a=b"bad", b=b"bad"), read_one, problems))
    assert problems == []
    assert list(read_each([], read_one, problems)) == []
