"""Which files of a Takeout are read, and how each is told from everything else in it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from sleepbalance.provider import Member, as_utf8

LOGS, RESTING = "logs", "resting"
DETAILED = ("hrv details", "oxygen by minute")  # samples, a day in a file


class Table(NamedTuple):
    """A table by its name, in lower case, and the columns without which it says nothing."""

    kind: str
    name: re.Pattern[str]
    needs: tuple[str, ...]


def _table(kind: str, name: str, *needs: str) -> Table:
    return Table(kind, re.compile(name + r".*\.csv"), needs)


# Everything else is left closed: heart_rate-*.json alone is gigabytes.
TABLES = (
    _table("sleeps", "usersleeps_", "sleep_id", "sleep_start", "sleep_end"),
    _table("stages", "usersleepstages_", "sleep_id", "sleep_stage_type", "sleep_stage_start"),
    _table("scores", "usersleepscores_", "sleep_id", "score_time", "overall_score"),
    _table("log scores", "sleep_score", "sleep_log_entry_id", "timestamp", "overall_score"),
    _table("hrv", "daily heart rate variability summary", "timestamp", "rmssd"),
    _table("hrv details", "heart rate variability details", "timestamp", "rmssd"),
    _table("breathing", "daily respiratory rate summary", "timestamp", "daily_respiratory_rate"),
    _table(
        "breathing by stage", "respiratory rate summary", "timestamp", "full_sleep_breathing_rate"
    ),
    _table("oxygen", "daily spo2", "timestamp", "average_value"),
    _table("oxygen by minute", "minute spo2", "timestamp", "value"),
    _table("temperature", "computed temperature", "sleep_end", "nightly_temperature"),
    _table("resting by day", "daily_resting_heart_rate", "timestamp", "beats per minute"),
)
_CHUNK = re.compile(r"sleep-\d{4}-\d\d-\d\d\.json")
_RESTING = re.compile(r"resting_heart_rate-\d{4}-\d\d-\d\d\.json")
_FOLDER = "global export data"  # inside whatever the root is called


def table_of(name: str) -> Table | None:
    """The table that a file of this name is."""
    return next((table for table in TABLES if table.name.fullmatch(name)), None)


def kind_of(member: Member) -> str | None:
    """What a member is, by its name and the beginning of its content; None for anything else."""
    path = PurePosixPath(member.name.lower())
    if path.suffix == ".json":
        return _json(member, path)
    table = table_of(path.name) if path.suffix == ".csv" else None
    if table is None or not (member.encrypted or is_table(as_utf8(member.head))):
        return None
    return table.kind


def _json(member: Member, path: PurePosixPath) -> str | None:
    ours = path.parent.name == _FOLDER or member.encrypted  # then reading says what is wrong
    if _RESTING.fullmatch(path.name):
        return RESTING if ours or b'"dateTime"' in as_utf8(member.head) else None
    if "sleep" not in path.name:
        return None
    if _CHUNK.fullmatch(path.name) and ours:
        return LOGS
    head = as_utf8(member.head)
    return LOGS if b'"logId"' in head and b'"startTime"' in head else None


def is_table(head: bytes) -> bool:
    """Whether it begins as text with columns, or is empty."""
    first = head.split(b"\n", 1)[0]
    return not head.strip() or (b"\0" not in first and bool(re.search(rb"[,;]", first)))
