"""Tables of the archive, line by line, whatever they are separated by."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from sleepbalance.provider import Stream

BLOCK = 2**18
LONGEST = 2**16  # bytes of a line
Row = dict[str, str]


def batches(stream: Stream) -> Iterator[list[str]]:
    """The lines that are not empty, many at a time; the very first one names the columns."""
    held = b""
    while block := stream.read(BLOCK):
        whole, _, held = (held + block).rpartition(b"\n")
        yield _lines(whole)
        held = held[:LONGEST]
    yield _lines(held)


def _lines(told: bytes) -> list[str]:
    text = told.decode("utf-8", "replace").replace("\0", "")
    return [line for each in text.split("\n") if (line := each.strip("\ufeff \t\r"))]


def columns(header: str) -> list[str]:
    """The names of the columns, in lower case."""
    return [name.strip().lower() for name in _fields(header, separator(header))]


def rows(header: str, body: list[str]) -> list[Row]:
    """The lines as rows; one with too few fields, as the last of half a file has, is left out."""
    names, between = columns(header), separator(header)
    found = (_fields(line, between) for line in body)
    return [dict(zip(names, row, strict=False)) for row in found if len(row) >= len(names)]


def cells(header: str, line: str) -> list[str]:
    """The fields of one line."""
    return _fields(line, separator(header))


def separator(header: str) -> str:
    return ";" if ";" in header and "," not in header else ","


def _fields(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
