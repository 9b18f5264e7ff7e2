"""Tables of the archive, line by line, whatever they are separated by."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from sleepbalance.provider import Stream

BLOCK = 2**18
LONGEST = 2**16  # bytes of a line
Row = dict[str, str]


def lines(stream: Stream) -> Iterator[str]:
    """The lines that are not empty, without their ends; the first one names the columns."""
    held = b""
    while block := stream.read(BLOCK):
        *whole, held = (held + block).split(b"\n")
        yield from _told(whole)
        held = held[:LONGEST]
    yield from _told([held])


def _told(found: list[bytes]) -> Iterator[str]:
    for line in found:
        text = line[:LONGEST].decode("utf-8", "replace").replace("\0", "").strip("\ufeff \t\r")
        if text:
            yield text


def columns(header: str) -> list[str]:
    """The names of the columns, in lower case."""
    return [name.strip().lower() for name in _fields(header, separator(header))]


def rows(header: str, body: list[str]) -> list[Row]:
    """The lines as rows; one with too few fields, as the last of half a file has, is left out."""
    names, between = columns(header), separator(header)
    found = (_fields(line, between) for line in body)
    return [dict(zip(names, row, strict=False)) for row in found if len(row) >= len(names)]


def separator(header: str) -> str:
    return ";" if ";" in header and "," not in header else ","


def _fields(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
