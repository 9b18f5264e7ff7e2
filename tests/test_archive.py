"""Opening what a person hands over: files, folders, zips, and what only looks like them."""

from __future__ import annotations

import os
import random
import socket
import stat
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepbalance.archive import open_members
from sleepbalance.archive.inflate import FREE_OF_RATIO
from sleepbalance.errors import Malformed, UsageError
from sleepbalance.provider import Limits, Member

TEXT = "".join(f"line {i} of {i * 7919 % 1000}\n" for i in range(30_000)).encode()


def contents(member: Member, size: int = 50_000) -> bytes:
    with member.open() as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


def salvaged(member: Member) -> tuple[bytes, str]:
    """What could be read, and what was said then."""
    found = bytearray()

    def read() -> None:
        with member.open() as stream:
            while more := stream.read(10_000):
                found.extend(more)

    with pytest.raises(Malformed) as raised:
        read()
    return bytes(found), str(raised.value)


def zipped(
    path: Path,
    files: dict[str, bytes] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
    streamed: bool = False,
) -> Path:
    """A zip; `streamed` writes it as a phone does: sizes only behind the data."""
    out = Unseekable(path) if streamed else path
    with zipfile.ZipFile(out, "w", method) as whole:  # type: ignore[call-overload]
        for name, data in (files or {"apple_health_export/export.xml": TEXT}).items():
            whole.writestr(name, data)
    if isinstance(out, Unseekable):
        out.file.close()
    return path


class Unseekable:
    """What a zip is streamed into."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")

    def write(self, data: bytes) -> int:
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


# ── files and folders ────────────────────────────────────────────────────────────────────────


def test_a_bare_file(tmp_path: Path) -> None:
    path = tmp_path / "导出.xml"
    path.write_bytes(TEXT)
    with open_members(path) as members:
        (member,) = members
        assert (member.name, member.encrypted) == ("导出.xml", False)
        assert member.head == TEXT[: 64 * 1024]
        assert contents(member) == contents(member) == TEXT


def test_nobody_needs_to_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(bytes(3 * 2**20))
    with open_members(tmp_path / "a.xml") as (member,):
        assert len(contents(member)) == 3 * 2**20


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    path.touch()
    with open_members(path) as (member,):
        assert member.head == contents(member) == b""


def test_a_folder_without_its_litter(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "other.xml").write_bytes(b"x")
    folder = tmp_path / "apple_health_export"
    for name in ("export.xml", "workout-routes/a.gpx", "__MACOSX/export.xml", "._export.xml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "linked").symlink_to(outside)
    (folder / "linked.xml").symlink_to(outside / "other.xml")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.xml")
    with open_members(folder) as members:
        found = {member.name: contents(member) for member in members}
    own = {name: name.encode() for name in ("export.xml", "workout-routes/a.gpx")}
    assert found == {**own, "linked.xml": b"x"}


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no "), open_members(tmp_path / "missing.zip"):
        pass
    with pytest.raises(UsageError, match="no files"), open_members(tmp_path):
        pass


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError), open_members(tmp_path / name):
        pass


def test_pipes_devices_and_sockets(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "pipe", tmp_path / "socket", Path("/dev/zero")):
            with pytest.raises(UsageError, match="neither a file nor a folder"):
                open_members(path).__enter__()


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(TEXT)
    (tmp_path / "b.xml").symlink_to(tmp_path / "a.xml")
    with open_members(tmp_path / "b.xml") as (member,):
        assert contents(member) == TEXT


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "a")
    with pytest.raises(UsageError), open_members(tmp_path / "a"):
        pass


def test_a_file_that_went_away(tmp_path: Path) -> None:
    for name in ("a.xml", "b.zip"):
        path = zipped(tmp_path / name)
        with open_members(path) as (member,):
            path.unlink()
            assert member.head == b""
            with pytest.raises(Malformed, match=name):
                contents(member)


def _read_telling(path: Path, told: list[tuple[int, int]]) -> None:
    with open_members(path, on_bytes=lambda *now: told.append(now)) as (member,):
        assert member.head
        assert told == []
        contents(member)


def test_progress_is_told_about_every_megabyte(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(5_000_000)
    (tmp_path / "a.xml").write_bytes(data)
    for path in (tmp_path / "a.xml", zipped(tmp_path / "a.zip", {"a": data})):
        told: list[tuple[int, int]] = []
        _read_telling(path, told)
        assert 4 <= len(told) <= 6
        assert told == sorted(told)
        assert told[-1][0] == told[-1][1] >= 5_000_000


# ── zips ─────────────────────────────────────────────────────────────────────────────────────

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1, 1000, 1_000_000])
def test_each_method(tmp_path: Path, method: int, size: int) -> None:
    with open_members(zipped(tmp_path / "a.zip", method=method)) as (member,):
        assert member.name == "apple_health_export/export.xml"
        if size > 1:
            assert contents(member, size) == TEXT
        assert member.head == TEXT[: 64 * 1024]
    with open_members(zipped(tmp_path / "b.zip", {"empty": b"", "one": b"1"}, method)) as members:
        assert [contents(member, size) for member in members] == [b"", b"1"]


@pytest.mark.parametrize("streamed", [False, True])
def test_names_are_labels(tmp_path: Path, streamed: bool) -> None:
    files = {
        "../../evil.xml": b"1",
        "/etc/passwd": b"2",
        "C:\\a\\b.xml": b"3",
        "apple_health_export/导出.xml": b"4",
        "__MACOSX/apple_health_export/._x.xml": b"",
        "a/._export.xml": b"",
        "folder/": b"",
    }
    with open_members(zipped(tmp_path / "a.zip", files, streamed=streamed)) as members:
        found = {member.name: contents(member) for member in members}
    assert sorted(found.values()) == [b"1", b"2", b"3", b"4"]
    assert "C:/a/b.xml" in found
    assert "apple_health_export/导出.xml" in found
    assert list(tmp_path.iterdir()) == [tmp_path / "a.zip"]


def test_an_old_name_is_read_somehow(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"aXport.xml": b"1"})
    path.write_bytes(path.read_bytes().replace(b"aXport", b"a\xffport"))
    with open_members(path) as (member,):
        assert member.name == "a\u00a0port.xml"  # code page 437
        assert contents(member) == b"1"


def test_links_in_a_zip_are_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        link = zipfile.ZipInfo("export.xml")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        whole.writestr(link, "/etc/passwd")
    with open_members(tmp_path / "a.zip") as members:
        assert list(members) == []


def test_bytes_before_the_zip(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(b"#!/bin/sh\n" + whole)
    with open_members(tmp_path / "b.zip") as (member,):
        assert contents(member) == TEXT


def test_zip64(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        with whole.open("export.xml", "w", force_zip64=True) as out:
            out.write(TEXT)
        for i in range(66_000):
            whole.writestr(f"electrocardiograms/{i}.csv", b"")
    with open_members(path) as members:
        assert len(members) == 66_001
        assert contents(members[0]) == TEXT
        assert contents(members[-1]) == b""


def test_what_is_no_zip_is_a_file(tmp_path: Path) -> None:
    for data in (b"hello", b"", b"PK", b"x" * 100_000):
        (tmp_path / "a.zip").write_bytes(data)
        with open_members(tmp_path / "a.zip") as (member,):
            assert contents(member) == data


def test_an_empty_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    with open_members(tmp_path / "a.zip") as members:
        assert list(members) == []


def patched(path: Path, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def test_an_encrypted_zip(tmp_path: Path) -> None:
    def encrypt(data: bytearray) -> None:
        data[6] |= 1
        data[data.index(b"PK\1\2") + 8] |= 1

    path = patched(zipped(tmp_path / "a.zip"), encrypt)
    with open_members(path) as (member,):
        assert member.encrypted
        assert member.head == b""
        with pytest.raises(Malformed, match=r"encrypted.*password.*folder"):
            contents(member)


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (93, "Zstandard"), (77, "77")])
def test_a_method_that_we_cannot_undo(tmp_path: Path, method: int, name: str) -> None:
    def change(data: bytearray) -> None:
        data[8] = method
        data[data.index(b"PK\1\2") + 10] = method

    with open_members(patched(zipped(tmp_path / "a.zip"), change)) as (member,):
        assert member.head == b""
        with pytest.raises(Malformed, match=rf"{name}.*import the folder"):
            contents(member)


def test_a_checksum_that_differs(tmp_path: Path) -> None:
    def change(data: bytearray) -> None:
        data[data.index(b"PK\1\2") + 16] ^= 1

    with open_members(patched(zipped(tmp_path / "a.zip"), change)) as (member,):
        found, said = salvaged(member)
    assert found == TEXT
    assert "checksum" in said


@pytest.mark.parametrize("method", METHODS)
def test_damaged_data(tmp_path: Path, method: int) -> None:
    noise = random.Random(2).randbytes(400_000)

    def change(data: bytearray) -> None:
        for i in range(200_000, 200_100):
            data[i] ^= 0x5A

    with open_members(patched(zipped(tmp_path / "a.zip", {"a": noise}, method), change)) as (m,):
        found, said = salvaged(m)
    assert noise.startswith(found[:100_000]) or method == zipfile.ZIP_BZIP2
    assert "damage" in said


def test_a_member_beyond_the_end(tmp_path: Path) -> None:
    def change(data: bytearray) -> None:
        struct.pack_into("<I", data, data.index(b"PK\1\2") + 42, 0x7FFFFFFF)

    with open_members(patched(zipped(tmp_path / "a.zip"), change)) as (member,):
        assert salvaged(member) == (b"", salvaged(member)[1])


def test_sizes_that_lie(tmp_path: Path) -> None:
    def longer(data: bytearray) -> None:
        struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, len(TEXT) + 1)

    def shorter(data: bytearray) -> None:
        struct.pack_into("<I", data, data.index(b"PK\1\2") + 20, 1000)

    def beyond(data: bytearray) -> None:
        struct.pack_into("<I", data, data.index(b"PK\1\2") + 20, 10**9)

    for change in (longer, shorter):
        with open_members(patched(zipped(tmp_path / "a.zip"), change)) as (member,):
            assert TEXT.startswith(salvaged(member)[0])
    with open_members(patched(zipped(tmp_path / "a.zip"), beyond)) as (member,):
        assert contents(member) == TEXT  # its own end and its checksum are right
    stored = patched(zipped(tmp_path / "a.zip", method=zipfile.ZIP_STORED), beyond)
    with open_members(stored) as (member,):
        found, said = salvaged(member)
    assert found.startswith(TEXT)
    assert "cut off" in said


def test_zip_bombs(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole, whole.open("a", "w") as out:
        for _ in range(FREE_OF_RATIO // 2**20 + 2):
            out.write(bytes(2**20))
    with open_members(path) as (member,):
        assert "200 times its size" in salvaged(member)[1]
    with open_members(path, limits=Limits(unpacked=10 * 2**20)) as (member,):
        assert "beyond 10 MiB" in salvaged(member)[1]
    # the same behind a zip that is cut off: the walk from the front stops too
    path.write_bytes(path.read_bytes()[:-60])
    with open_members(path, limits=Limits(unpacked=10 * 2**20)) as (member,):
        assert "beyond 10 MiB" in salvaged(member)[1]


# ── broken zips ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a_zip_without_its_directory(tmp_path: Path, method: int, streamed: bool) -> None:
    files = {"a.csv": b"1,2\n" * 5000, "dir/": b"", "export.xml": TEXT, "z.csv": b""}
    path = zipped(tmp_path / "a.zip", files, method, streamed)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"PK\1\2")])
    with open_members(path) as members:
        found = {member.name: salvaged(member) for member in members}
    if method == zipfile.ZIP_STORED and streamed:  # nothing says where the first one ends
        assert set(found) == {"a.csv"}
        return
    assert {name: data for name, (data, _) in found.items()} == {
        name: data for name, data in files.items() if name != "dir/"
    }
    assert all("cut off" in said for _, said in found.values())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_zip_cut_off_in_the_middle(tmp_path: Path, part: float, streamed: bool) -> None:
    path = zipped(tmp_path / "a.zip", streamed=streamed)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with open_members(path) as (member,):
        found, said = salvaged(member)
        assert member.head == TEXT[: min(len(found), 64 * 1024)]
    assert len(TEXT) * (part - 0.15) < len(found) < len(TEXT)
    assert TEXT.startswith(found)
    assert "cut off" in said


def test_an_encrypted_zip_that_is_cut_off(tmp_path: Path) -> None:
    def encrypt(data: bytearray) -> None:
        data[6] |= 1
        del data[-100:]

    with open_members(patched(zipped(tmp_path / "a.zip", streamed=True), encrypt)) as (member,):
        assert member.encrypted


def spoil(path: Path, at: int, new: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[at : at + len(new)] = new
    path.write_bytes(data)


def test_directories_that_lie(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = path.read_bytes()
    end, central = data.rindex(b"PK\5\6"), data.index(b"PK\1\2")
    spoiled = {
        "more entries": (end + 10, b"\7\0"),
        "far away": (end + 16, b"\xf0\xff\xff\x7f"),
        "huge": (end + 12, b"\xf0\xff\xff\x7f"),
        "wide without the record": (end + 16, b"\xff\xff\xff\xff"),
        "long name": (central + 28, b"\xff\xff"),
        "no entry": (central, b"xx"),
    }
    for at, new in spoiled.values():
        path.write_bytes(data)
        spoil(path, at, new)
        with open_members(path) as (member,):
            assert salvaged(member)[0] == TEXT


def test_a_wide_end_that_lies(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    for at in (0, 2**63, end - 4):
        locator = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
        tail = bytearray(data[end:])
        tail[16:20] = b"\xff\xff\xff\xff"
        path.write_bytes(data[:end] + locator + tail)
        with open_members(path) as (member,):
            assert salvaged(member)[0] == TEXT


def test_a_wide_place_beyond_all_numbers(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    central, end = data.index(b"PK\1\2"), data.rindex(b"PK\5\6")
    struct.pack_into("<I", data, central + 42, 0xFFFFFFFF)
    extra = struct.pack("<2HQ", 1, 8, 2**64 - 1)
    struct.pack_into("<H", data, central + 30, len(extra))
    struct.pack_into("<I", data, end + 12, end - central + len(extra))
    path.write_bytes(data[:end] + extra + data[end:])
    with open_members(path) as (member,):
        assert salvaged(member)[0] == b""


def test_a_walk_that_leads_astray(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"1", "b": b"2"})
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"PK\1\2")])
    extra = struct.pack("<2H2Q", 1, 16, 2**64 - 1, 2**64 - 1)
    head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 1, 20)
    path.write_bytes(head + b"x" + extra + path.read_bytes())
    with open_members(path) as members:
        assert [member.name for member in members] == ["x"]


def test_entries_that_overlap_are_read_all_the_same(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": TEXT, "b": TEXT})
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, second + 42, 0)
    path.write_bytes(data)
    with open_members(path) as members:
        assert [contents(member) for member in members] == [TEXT, TEXT]


def test_lzma_properties_that_lie(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"abc" * 50}, zipfile.ZIP_LZMA)
    data = path.read_bytes()
    at = 30 + 1  # local header and name
    for new in (b"\xff\xff\xff\xff\xff", b"\x09\x14\x05\x00\xff\xff\xff\xff\xff"):
        path.write_bytes(data)
        spoil(path, at, new)
        with open_members(path) as (member,):
            salvaged(member)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_nothing_but_our_errors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    method = data.draw(st.sampled_from(METHODS))
    files = {"a.xml": b"<HealthData>" * 50, "b": b"1" * 300}
    raw = bytearray(zipped(path, files, method, data.draw(st.booleans())).read_bytes())
    for _ in range(data.draw(st.integers(0, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with suppress(UsageError), open_members(path) as members:
        for member in members:
            assert len(member.head) <= 64 * 1024
            with suppress(Malformed):
                contents(member)
