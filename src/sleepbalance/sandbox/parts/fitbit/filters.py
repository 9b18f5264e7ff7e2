"""The filters of data points: the part of AIP-160 that Google documents, and its complaints."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sleepbalance.sandbox.parts.fitbit.refusals import invalid_filter

MEMBERS = {  # per record kind: member → which value of a point it looks at
    "session": {"interval.end_time": "end", "interval.civil_end_time": "civil"},
    "sample": {"sample_time.physical_time": "end", "sample_time.civil_time": "civil"},
    "daily": {"date": "date"},
}
TOKEN = re.compile(
    r"\s*(?:(?P<word>AND|OR)\b|(?P<member>[A-Za-z_][\w.\-]*)"
    r'|(?P<op><=|>=|!=|<|>|=|:)|"(?P<literal>[^"\n]*)"|(?P<other>\S+))'
)
CIVIL = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Moment:
    """What of a point a filter may look at."""

    end: dt.datetime | None = None
    civil: dt.datetime | None = None
    date: dt.date | None = None


@dataclass(frozen=True)
class Restriction:
    field: str
    at_least: bool
    value: Any

    def holds(self, moment: Moment) -> bool:
        found = getattr(moment, self.field)
        return bool(found >= self.value if self.at_least else found < self.value)


Filter = list[list[Restriction]]  # all of these, of which one each: OR binds closer than AND


def matches(parsed: Filter, moment: Moment) -> bool:
    return all(any(one.holds(moment) for one in group) for group in parsed)


def parse(text: str, name: str, kind: str) -> Filter:
    """Reads a filter for the data type `name` in snake_case. Raises Refusal."""
    tokens = [
        (m.lastgroup or "", m.group(m.lastgroup or 0), m.start(m.lastgroup or 0))
        for m in TOKEN.finditer(text)
        if m.lastgroup
    ]
    parsed: Filter = []
    complaints: list[tuple[str, str]] = []
    joined = "AND"
    for at in range(0, len(tokens), 4):
        piece = tokens[at : at + 4]
        if [token[0] for token in piece[:3]] != ["member", "op", "literal"]:
            raise _syntax(piece[0][2])
        one = _restriction(piece, name, kind, complaints)
        if joined == "OR" and parsed:
            parsed[-1].append(one)
        else:
            parsed.append([one])
        joined = _joint(piece, kind, last=at + 4 >= len(tokens), complaints=complaints)
    if complaints:
        raise invalid_filter([c[0] for c in complaints], [c[1] for c in complaints])
    return parsed


def _joint(
    piece: list[tuple[str, str, int]], kind: str, *, last: bool, complaints: list[tuple[str, str]]
) -> str:
    if len(piece) < 4:
        return ""
    sort, word, at = piece[3]
    if sort != "word" or last:
        raise _syntax(at)
    if word == "OR" and kind != "session":
        complaints.append(("LOGICAL_OPERATOR", f"Operator 'OR' is not supported.{_at(at)}"))
    return word


def _restriction(
    piece: list[tuple[str, str, int]], name: str, kind: str, complaints: list[tuple[str, str]]
) -> Restriction:
    (_, member, at), (_, op, op_at), (_, literal, literal_at) = piece[:3]
    field = MEMBERS[kind].get(member.removeprefix(f"{name}."))
    if field is None or not member.startswith(f"{name}."):
        words = f"Member '{member}' is not supported for filtering.{_at(at)}"
        complaints.append(("DATA_TYPE_MEMBER", words))
        return Restriction("end", True, None)
    if op not in (">=", "<"):
        complaints.append(("COMPARATOR", f"Comparator '{op}' is not supported.{_at(op_at)}"))
    value = READ[field](literal)
    if value is None:
        complaints.append(("LITERAL", f"Literal '{literal}' is not valid.{_at(literal_at - 1)}"))
    return Restriction(field, op == ">=", value)


def _instant(text: str) -> Any:
    return _read(INSTANT, text, dt.datetime.fromisoformat)


def _civil(text: str) -> Any:
    return _read(CIVIL, text, dt.datetime.fromisoformat)


def _date(text: str) -> Any:
    return _read(re.compile(r"\d{4}-\d\d-\d\d"), text, dt.date.fromisoformat)


READ: dict[str, Callable[[str], Any]] = {"end": _instant, "civil": _civil, "date": _date}


def _read(shape: re.Pattern[str], text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text) if shape.fullmatch(text) else None
    except ValueError:
        return None


def _syntax(at: int) -> Exception:
    return invalid_filter(["SYNTAX"], [f"The filter cannot be read.{_at(at)}"])


def _at(index: int) -> str:
    return f" (at line 1, column {index + 1})"
