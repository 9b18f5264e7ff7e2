"""The numbers of the rules of nights, in one place (docs/definitions.md says what each is for)."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, fields

REVISION = 3  # raised when the code of a rule changes while its numbers do not


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of the rules of nights; two values with the same numbers are the same rules."""

    piece_gap: dt.timedelta = dt.timedelta(minutes=60)
    short_gap: dt.timedelta = dt.timedelta(minutes=90)
    short_sleep: dt.timedelta = dt.timedelta(minutes=90)
    long_gap: dt.timedelta = dt.timedelta(minutes=240)
    long_sleep: dt.timedelta = dt.timedelta(minutes=180)
    lone_nap: dt.timedelta = dt.timedelta(minutes=180)
    second_main: dt.timedelta = dt.timedelta(minutes=300)
    longest_night: dt.timedelta = dt.timedelta(minutes=1440)
    longest_added: dt.timedelta = dt.timedelta(minutes=960)
    day_begins: dt.time = dt.time(9)
    day_ends: dt.time = dt.time(21)
    evening_turns: dt.time = dt.time(12)
    same_sleep: float = 0.5
    stands_back: float = 0.75
    unmeasured_limit: float = 0.1
    fewest_samples: int = 10

    @property
    def rules_version(self) -> str:
        """A short name of these rules, another one as soon as any number is another."""
        numbers = ";".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))
        return f"{REVISION}-{hashlib.sha256(numbers.encode()).hexdigest()[:8]}"


RULES = Rules()
