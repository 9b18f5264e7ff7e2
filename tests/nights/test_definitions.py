"""docs/definitions.md says what the code does: its columns, its numbers, its examples."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import fields
from pathlib import Path

from sleepbalance.nights import RULES
from sleepbalance.store.tables import night_details, sleep_records

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
NO_MEASURES = {"id", "user_id", "sleep_date", "created_at", "updated_at", "synced_at"}
NO_DETAILS = {"user_id", "sleep_date", "row_hash", "derived_at"}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table whose header begins with `heading`."""
    lines = TEXT.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |")) + 2
    found = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_every_column_is_explained_once() -> None:
    named = [cells[0].strip("`") for cells in rows("column")]
    columns = set(sleep_records.c.keys()) - NO_MEASURES
    columns |= set(night_details.c.keys()) - NO_DETAILS
    assert sorted(named) == sorted(columns)
    assert all(all(cells) and len(cells) == 4 for cells in rows("column"))


def shown(value: object) -> str:
    if isinstance(value, dt.timedelta):
        minutes = value.total_seconds() / 60
        return f"{minutes:g} min" if minutes < 120 else f"{minutes / 60:g} h"
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    return f"{value:.0%}".replace("%", " %") if isinstance(value, float) else str(value)


def test_the_numbers_are_those_of_the_code() -> None:
    told = {cells[0].strip("`"): cells[1].replace("1.5 h", "90 min") for cells in rows("setting")}
    assert told == {f.name: shown(getattr(RULES, f.name)) for f in fields(RULES)}


def test_every_setting_is_named_in_a_rule() -> None:
    rules = TEXT[TEXT.index("## Rules of nights") : TEXT.index("| setting |")]
    assert {f.name for f in fields(RULES)} <= set(re.findall(r"`(\w+)`", rules))


def test_every_example_is_a_test() -> None:
    tests = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    for told, _, test in rows("told"):
        name = test.strip("`")
        assert f"def {name}(" in tests, told
