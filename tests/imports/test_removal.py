"""What came by file is removed by the same command, whether or not its maker can be connected."""

from __future__ import annotations

from pathlib import Path

from tests.exports import Export, staged
from tests.fitbit.sample import PATH
from tests.homes import run, run_json

DATE = "2026-09-11"  # a night of the sample, too


def tellers(home: Path) -> dict[str, str]:
    rows = run_json("nights", "--from", "2026-09-01", data=home)
    return {row["sleep_date"]: row["data_source"] for row in rows}


def test_the_data_of_a_maker_of_files_alone_are_removed_and_the_next_best_is_back(
    tmp_path: Path,
) -> None:
    home, without = tmp_path / "home", tmp_path / "without"
    watch = Export(
        [*staged("2026-09-10"), *staged("2026-09-19")], made="2026-09-20T09:00:00+02:00"
    ).write(tmp_path / "watch.zip")
    for data in (home, without):
        run("import", PATH, data=data)
    run("import", watch, data=home)
    run("sources", "order", "apple health", data=home)
    assert tellers(home)[DATE] == "apple_health"
    assert "2026-09-20" in tellers(home)

    kept = run("disconnect", "apple health", "--delete", data=home).stdout
    assert "Apple Health is removed." in kept
    assert tellers(home)[DATE] == "apple_health"
    left = run("disconnect", "apple health", data=home, check=2).stderr
    assert "What it brought is still here: add --delete --with-data." in left

    done = run("disconnect", "apple health", "--delete", "--with-data", data=home).stdout
    assert "Its data is deleted; 2 nights derived again from what is left." in done
    assert tellers(home) == tellers(without)
    assert [row["provider"] for row in run_json("connections", data=home)] == ["fitbit"]
    nothing = run("disconnect", "apple health", "--delete", "--with-data", data=home, check=2)
    assert "is not connected to Apple Health." in nothing.stderr
    run("import", watch, data=home)
    assert tellers(home)[DATE] == "apple_health"
