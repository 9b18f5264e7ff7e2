"""What machines read: one JSON value or CSV on standard output, and nothing else."""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


def as_json(value: Any, *, purpose: str | None) -> None:
    """Prints one JSON value; in a demo or the sandbox every object at its top says so."""
    if purpose and value is not None:
        mark = {purpose: True}
        value = [{**mark, **v} for v in value] if isinstance(value, list) else {**mark, **value}
    text = msgspec.json.format(msgspec.json.encode(_spelled(value)), indent=2)
    sys.stdout.write(text.decode() + "\n")


def _spelled(value: Any) -> Any:
    """Instants as the tables spell them, `YYYY-MM-DD HH:MM:SS` in UTC."""
    if isinstance(value, Mapping):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(item) for item in value]
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def as_csv(nights: Sequence[Mapping[str, Any]], *, purpose: str | None) -> None:
    """Prints the columns of `sleep_records`; in a demo or the sandbox a first column says so."""
    mark = [purpose] if purpose else []
    columns = [name for name in (nights[0] if nights else {}) if name not in ("naps", "details")]
    out = csv.writer(sys.stdout, lineterminator="\n")
    if nights:
        out.writerow(mark + columns)
    for night in nights:
        row = [_cell(_spelled(night[name])) for name in columns]
        out.writerow(["true" for _ in mark] + row)


def _cell(value: Any) -> Any:
    """A spreadsheet runs text that begins like a formula: an apostrophe keeps it text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
