"""The words by which a person names a device, what was typed in beside it, and another sleep's."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepbalance.app.ordering import Named, called, match
from sleepbalance.errors import UsageError
from sleepbalance.nights import EVERY, SourceKey, SourceRank
from tests.exports import Export, staged
from tests.homes import run, run_json

DEVICE = Named(SourceKey("garmin", "", "garmin"), "Garmin")
HAND = Named(SourceKey("garmin", "", "garmin#manual"), "Garmin")
CLOCK = Named(SourceKey("apple_health", "", "clock"), "My Clock")
CLOCK_HAND = Named(SourceKey("apple_health", "", "clock#manual"), "My Clock")
KNOWN = [HAND, DEVICE, CLOCK_HAND, CLOCK]


@pytest.mark.parametrize(
    ("word", "provider", "key"),
    [
        ("garmin", "garmin", None),
        ("garmin by hand", "garmin", "garmin#manual"),
        ("Garmin, by hand", "garmin", "garmin#manual"),
        ("garmin/by hand", "garmin", "garmin#manual"),
        ("My Clock", "apple_health", "clock"),
        ("clock", "apple_health", "clock"),
        ("my clock by hand", "apple_health", "clock#manual"),
        ("clock#manual", "apple_health", "clock#manual"),
    ],
)
def test_a_word_means_the_device_unless_it_says_by_hand(
    word: str, provider: str, key: str | None
) -> None:
    found = match(word, KNOWN)
    assert found == SourceRank(provider, EVERY, key)
    assert called(found, KNOWN).endswith(", by hand") is str(key).endswith("#manual")


def test_what_was_typed_in_alone_is_named_by_its_name_too() -> None:
    assert match("clock", [DEVICE, CLOCK_HAND]) == SourceRank("apple_health", EVERY, "clock#manual")
    with pytest.raises(UsageError, match="My Clock, by hand"):
        match("nobody", KNOWN)
    with pytest.raises(UsageError, match="may be "):
        match("by hand", KNOWN)


def test_a_source_of_another_sleep_of_the_date_is_found_with_the_way_to_it(tmp_path: Path) -> None:
    home, date = tmp_path / "data", "2025-10-21"
    samples = staged("2025-10-20", begin="21:00", hours=10)
    samples += staged(date, begin="12:00", hours=7, source="Test Ring")
    export = Export(samples, made="2025-11-22T09:00:00+01:00").write(tmp_path / "e.zip")
    run("import", export, data=home)
    for word in ("ring", "nobody"):
        refused = run("night", date, "--source", word, data=home, check=2).stderr
        assert "there are: Test Watch (Apple Health)" in refused
        assert "Test Ring (Apple Health) 12:00–19:00" in refused
        assert f"sleepbalance night {date} --sleep 12:00 --main" in refused
    main = run_json("night", date, "--sleep", "12:00", "--main", data=home)
    assert main["details"]["source_name"] == "Test Ring"
