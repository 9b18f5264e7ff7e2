"""Reads what a zip says it holds, and walks it from the front where its end is missing."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sleepbalance.archive.inflate import STORED, find_end
from sleepbalance.errors import Malformed
from sleepbalance.provider import Limits

MOST_ENTRIES = 200_000
MOST_DIRECTORY = 64 * 2**20
CUT_OFF = "The zip is cut off, as after a broken download; fetch it again"
DAMAGED = "The zip is damaged; make the export anew"

ENCRYPTED, DESCRIPTOR, UTF8 = 1, 8, 0x800

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64_AT = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a zip; `packed`, `size` and `crc` are None where only its end tells."""

    name: str
    flags: int
    method: int
    at: int  # of its local header
    packed: int | None
    size: int | None
    crc: int | None
    is_file: bool = True


@dataclass(frozen=True, slots=True)
class Directory:
    entries: tuple[Entry, ...]
    damage: str | None = None  # what is wrong with the zip as a whole


class _Broken(Exception):
    """The directory cannot be read; the zip is walked from the front."""


def is_zip(path: Path) -> bool:
    """By content; a zip behind other bytes counts where the name says so too."""
    with path.open("rb") as file:
        if file.read(4) in (b"PK\3\4", b"PK\5\6"):
            return True
        return path.suffix.lower() == ".zip" and _find_end(file) is not None


def read_directory(path: Path, limits: Limits) -> Directory:
    """The entries of a zip, by its directory, else by walking it."""
    with path.open("rb") as file:
        try:
            return Directory(tuple(_central(file)))
        except _Broken as broken:
            return Directory(tuple(_walk(file, limits)), str(broken))


def data_start(file: BinaryIO, entry: Entry) -> int:
    """Where the packed bytes of an entry begin. Raises `Malformed`."""
    head = _read_at(file, entry.at, _LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
        raise Malformed(DAMAGED)
    *_, name, extra = _LOCAL.unpack(head)
    return entry.at + _LOCAL.size + int(name) + int(extra)


def _read_at(file: BinaryIO, at: int, size: int) -> bytes:
    """Empty where the place is absurd."""
    try:
        file.seek(at)
        return file.read(size)
    except (OSError, OverflowError, ValueError):
        return b""


def _find_end(file: BinaryIO) -> int | None:
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END.size - 0xFFFF)
    file.seek(start)
    at = file.read().rfind(b"PK\5\6")
    return start + at if at >= 0 and start + at + _END.size <= size else None


def _central(file: BinaryIO) -> Iterator[Entry]:
    end = _find_end(file)
    if end is None:
        raise _Broken(CUT_OFF)
    file.seek(end)
    *_, count, size, start, _ = _END.unpack(file.read(_END.size))
    before = end
    if _UNKNOWN in (size, start) or count == 0xFFFF:
        before, count, size, start = _end64(file, end, (end, count, size, start))
    shift = before - size - start  # bytes that somebody put before the zip
    if shift < 0 or size > MOST_DIRECTORY:
        raise _Broken(DAMAGED)
    file.seek(start + shift)
    yield from _entries(file.read(size), count, shift, before - size)


def _end64(file: BinaryIO, end: int, plain: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    if end < _END64_AT.size:
        return plain
    file.seek(end - _END64_AT.size)
    magic, _, at, _ = _END64_AT.unpack(file.read(_END64_AT.size))
    if magic != b"PK\6\7":
        return plain
    file.seek(min(at, end))
    record = file.read(_END64.size)
    if len(record) < _END64.size or record[:4] != b"PK\6\6":
        raise _Broken(DAMAGED)
    *_, count, size, start = _END64.unpack(record)
    return at, count, size, start


def _entries(data: bytes, count: int, shift: int, size: int) -> Iterator[Entry]:
    at = found = 0
    while at + _CENTRAL.size <= len(data) and data[at : at + 4] == b"PK\1\2":
        fields = _CENTRAL.unpack_from(data, at)
        names, extras, comments = fields[10:13]
        name_at = at + _CENTRAL.size
        extra_at = name_at + names
        at = extra_at + extras + comments
        found += 1
        if at > len(data) or found > MOST_ENTRIES:
            raise _Broken(DAMAGED)
        yield _entry(fields, data[name_at:extra_at], data[extra_at : extra_at + extras], shift)
    if at != len(data) or found & 0xFFFF != count & 0xFFFF or (found and not size):
        raise _Broken(DAMAGED)


def _entry(fields: tuple[int, ...], name: bytes, extra: bytes, shift: int) -> Entry:
    _, made_by, _, flags, method, _, _, crc, packed, size = fields[:10]
    size, packed, at = _wide(extra, [size, packed, fields[16]])
    mode = fields[15] >> 16 if made_by >> 8 == 3 else 0  # 3: written on Unix
    text = decode_name(name, flags)
    special = bool(stat.S_IFMT(mode)) and not stat.S_ISREG(mode)
    is_file = not text.endswith("/") and not special
    return Entry(text, flags, method, at + shift, packed, size, crc, is_file)


def decode_name(name: bytes, flags: int) -> str:
    """A label; what cannot be read of it is replaced."""
    try:
        text = name.decode()  # makers forget the flag, so UTF-8 is tried first
    except UnicodeDecodeError:
        text = name.decode("utf-8" if flags & UTF8 else "cp437", "replace")
    return text.replace("\\", "/")


def _wide(extra: bytes, values: list[int]) -> list[int]:
    """Size, packed size and place of an entry, from its Zip64 field where they need it."""
    fields = _extra_field(extra, 1)
    for i, value in enumerate(values):
        if value == _UNKNOWN and len(fields) >= 8:
            values[i], fields = int.from_bytes(fields[:8], "little"), fields[8:]
    return values


def _extra_field(extra: bytes, wanted: int) -> bytes:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == wanted:
            return extra[4 : 4 + length]
        extra = extra[4 + length :]
    return b""


def _walk(file: BinaryIO, limits: Limits) -> Iterator[Entry]:
    """The entries of a zip without a directory, header by header from the front."""
    at: int | None = 0
    for _ in range(MOST_ENTRIES):
        entry = _local(file, at) if at is not None else None
        if entry is None:
            return
        yield entry
        at = _after(file, entry, limits)


def _local(file: BinaryIO, at: int) -> Entry | None:
    head = _read_at(file, at, _LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
        return None
    _, _, flags, method, _, _, crc, packed, size, names, extras = _LOCAL.unpack(head)
    name = decode_name(file.read(names), flags)
    size, packed = _wide(file.read(extras), [size, packed])
    is_file = not name.endswith("/")
    if flags & DESCRIPTOR:
        return Entry(name, flags, method, at, None, None, None, is_file)
    return Entry(name, flags, method, at, packed, size, crc, is_file)


def _after(file: BinaryIO, entry: Entry, limits: Limits) -> int | None:
    """Where the next header begins, None where nobody can tell."""
    start = data_start(file, entry)
    if entry.packed is not None:
        return start + entry.packed
    end: int | None = start
    if entry.is_file or entry.method != STORED:
        end = None if entry.flags & ENCRYPTED else find_end(file, start, entry.method, limits)
    if end is None:
        return None
    file.seek(end)
    tail = file.read(28)  # the data descriptor: with or without its mark, 32 or 64 bits
    for length in (16, 24, 12, 20, 0):
        if tail[length : length + 4] == b"PK\3\4":
            return end + length
    return None
