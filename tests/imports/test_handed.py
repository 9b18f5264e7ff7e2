"""What is handed over and not read is named: links, zips in zips, and a path that is none."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from sleepbalance.app import App
from sleepbalance.errors import UsageError
from tests.homes import NOW, run
from tests.imports.test_counts import packed
from tests.imports.test_several import take, takeout


def wrapped(path: Path, *inner: Path, around: Path | None = None) -> Path:
    """A zip of zips, with what another zip holds beside them."""
    with zipfile.ZipFile(path, "w") as whole:
        for each in inner:
            whole.write(each, f"parts/{each.name}")
        if around is not None:
            with zipfile.ZipFile(around) as other:
                for name in other.namelist():
                    whole.writestr(name, other.read(name))
    return path


def test_links_to_files_are_followed(lite: App, tmp_path: Path) -> None:
    zips, folder = takeout(rows=False).zips(tmp_path, 2), tmp_path / "links"
    folder.mkdir()
    for zipped in zips:
        (folder / zipped.name).symlink_to(zipped)
    (attempt,) = take(lite, folder)
    assert (attempt["status"], attempt["records_inserted"]) == ("success", 6)


def test_a_link_to_a_file_that_lies_beside_it_counts_once(lite: App, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    zipped = takeout(rows=False).zip(folder / "one.zip")
    (folder / "again.zip").symlink_to(zipped)
    (attempt,) = take(lite, folder)
    assert (attempt["detail"]["read"], attempt["detail"]["repeated"]) == (6, 0)


def test_what_is_not_followed_is_named(lite: App, tmp_path: Path) -> None:
    folder, outside = tmp_path / "given", tmp_path / "outside"
    takeout(rows=False).zip(folder / "one.zip")
    outside.mkdir()
    (folder / "away").symlink_to(outside)
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "around").symlink_to(folder)
    (folder / "lost.zip").symlink_to(tmp_path / "nowhere.zip")
    os.mkfifo(folder / "pipe")
    (attempt,) = take(lite, folder)
    assert (attempt["status"], attempt["records_inserted"]) == ("partial", 6)
    assert attempt["detail"]["problems"] == [
        "around is a link to a folder and was skipped: hand over that folder, too",
        "away is a link to a folder and was skipped: hand over that folder, too",
        "circle is a link that leads nowhere; it was skipped",
        "lost.zip is a link that leads nowhere; it was skipped",
        "pipe is no file; it was skipped",
    ]


def test_where_nothing_else_lies_there_the_objection_names_it(lite: App, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "circle").symlink_to(folder / "circle")
    with pytest.raises(UsageError, match=r"holds no files.*circle is a link"):
        take(lite, folder)


def test_zips_beside_an_export_in_its_zip_are_named(lite: App, tmp_path: Path) -> None:
    first, second = takeout(rows=False).zips(tmp_path, 2)
    whole = wrapped(tmp_path / "whole.zip", second, around=first)
    heard = run("import", whole, data=tmp_path / "home")
    assert f"Mind: whole.zip holds a zip that was not opened: parts/{second.name}." in (
        heard.stdout
    )
    assert "unpack whole.zip and import the folder." in heard.stdout
    (attempt,) = take(lite, whole)
    assert attempt["status"] == "success"  # many an export holds zips of other things
    assert len(attempt["detail"]["unopened"]) == 1


def test_of_nothing_but_zips_in_a_zip_the_objection_says_so(lite: App, tmp_path: Path) -> None:
    whole = wrapped(tmp_path / "whole.zip", *takeout(rows=False).zips(tmp_path, 2))
    with pytest.raises(UsageError, match=r"no export that we know\. whole\.zip holds zips"):
        take(lite, whole)


def test_a_zip_of_zips_among_others_is_named(lite: App, tmp_path: Path) -> None:
    first, second = takeout(rows=False).zips(tmp_path, 2)
    (attempt,) = lite.import_paths([first, wrapped(tmp_path / "whole.zip", second)], now=NOW)
    assert "whole.zip" in attempt["detail"]["unopened"][0]


def test_an_empty_path_is_none(tmp_path: Path) -> None:
    done = run("import", "", data=tmp_path / "home", check=2)
    assert "path" in done.stderr
    assert "empty" in done.stderr


CHUNK = "Takeout/Fitbit/Global Export Data/sleep-2026-01-01.json"


def contents(folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(takeout().zip(folder / "whole.zip")) as whole:
        return {name: whole.read(name) for name in whole.namelist()}


@pytest.mark.parametrize("depth", [1_000, 200_000])
def test_a_file_of_ours_that_cannot_be_read_is_named_and_counted(
    lite: App, tmp_path: Path, depth: int
) -> None:
    files = contents(tmp_path) | {CHUNK: b"[" * depth + b"]" * depth}
    (attempt,) = take(lite, packed(tmp_path / "deep.zip", files))
    assert (attempt["status"], attempt["records_inserted"]) == ("partial", 6)
    assert attempt["detail"]["set_aside"] == 1
    assert "sleep-2026-01-01.json is damaged" in attempt["error_message"]


def test_text_that_was_saved_as_utf_16_is_read(lite: App, tmp_path: Path) -> None:
    files = {n: data.decode().encode("utf-16") for n, data in contents(tmp_path).items()}
    (attempt,) = take(lite, packed(tmp_path / "wide.zip", files))
    assert (attempt["status"], attempt["records_inserted"]) == ("success", 6)
