"""The words of the engine as frozen values: a session, a report, an edit, a night.

Instants are aware datetimes in UTC. Durations are whole seconds in sessions and whole minutes in
nights. Offsets inside a session are seconds from its `start`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Stage(StrEnum):
    """What a stretch of a hypnogram is; `in bed` is not a stage (see docs/definitions.md)."""

    LIGHT = "light"
    DEEP = "deep"
    REM = "rem"
    ASLEEP = "asleep"  # asleep, stage unknown
    AWAKE = "awake"
    RESTLESS = "restless"
    OUT_OF_BED = "out_of_bed"
    UNKNOWN = "unknown"  # no data, unmeasurable, or a code nobody has heard of

    @property
    def is_sleep(self) -> bool:
        return self in _SLEEP

    @property
    def is_awake(self) -> bool:
        return self in _AWAKE


_SLEEP = frozenset({Stage.LIGHT, Stage.DEEP, Stage.REM, Stage.ASLEEP})
_AWAKE = frozenset({Stage.AWAKE, Stage.RESTLESS, Stage.OUT_OF_BED})


class Kind(StrEnum):
    """What the maker says a sleep is."""

    MAIN = "main"
    NAP = "nap"
    UNCONFIRMED = "unconfirmed"


class Method(StrEnum):
    DEVICE = "device"
    MANUAL = "manual"  # typed in by a person, or a row that an app kept without its device's data


class ZoneFrom(StrEnum):
    """Where a session's zone is from, surest first."""

    RECORD = "record"  # the record says it
    NEIGHBOUR = "neighbour"  # the nearest record within 24 h says it
    PERSON = "person"  # the person's own list of zones
    FILE = "file"  # the offset that the file happens to print: a guess
    NONE = "none"  # nobody says anything: UTC, a guess

    @property
    def is_guess(self) -> bool:
        return self in (ZoneFrom.FILE, ZoneFrom.NONE)


class EditKind(StrEnum):
    TIMES = "times"  # value: {"bed_time", "sleep_start", "sleep_end", "wake_time"}, ISO instants
    NOT_SLEEP = "not_sleep"  # value: {}
    ADDED = "added"  # value: {"kind": "main" | "nap"}; the anchor is the sleep
    KIND = "kind"  # value: {"kind": "main" | "nap" | "part"}
    SOURCE = "source"  # value: {"provider", "account", "source"}
    RATING = "rating"  # value: {"rating": str}
    NOTES = "notes"  # value: {"notes": str}


class Segment(NamedTuple):
    """One stretch of a hypnogram."""

    offset: int
    seconds: int
    stage: Stage

    @property
    def end(self) -> int:
        return self.offset + self.seconds


class Piece(NamedTuple):
    """A stretch of a session that says nothing of stages: a part of it, or time in bed."""

    offset: int
    seconds: int

    @property
    def end(self) -> int:
        return self.offset + self.seconds


UNNAMED = "unnamed"  # the `Source.key` of a sleep of which the maker does not say the device
MANUAL_MARK = "#manual"  # ends the `Source.key` of what a person typed in


@dataclass(frozen=True, slots=True)
class Source:
    """One device or app through one account. `key` is stable, `name` is as the maker sent it."""

    key: str
    name: str
    device: str | None = None  # "watch", "phone", "ring", "band", "mat", where it is known


@dataclass(frozen=True, slots=True)
class Vital:
    """What one measure was during one sleep; `samples` is None where the maker gives no count."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    samples: int | None = None

    @classmethod
    def of(cls, samples: Sequence[float]) -> Vital | None:
        """Mean, lowest and highest; None where nothing was measured.

        Three decimals: what another order of adding up could change lies below them.
        """
        if not samples:
            return None
        mean = round(math.fsum(samples) / len(samples), 3)
        return cls(mean, min(samples), max(samples), len(samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A maker's seconds per stage for sleeps that come without a hypnogram; None = not told."""

    light: int | None = None
    deep: int | None = None
    rem: int | None = None
    asleep: int | None = None  # asleep, stage unknown
    awake: int | None = None
    restless: int | None = None
    unmeasured: int | None = None
    awake_scope: str = "sleep_period"  # or "in_bed": one number for the whole time in bed


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sleep as one source tells it, in our terms.

    `start` and `end` span all that the source says of it, in-bed time included. With `wall` they
    are what the clock on the wall showed, written as if in UTC, because the maker sent no offset;
    resolving the zone turns them into instants; `parts`, where there are any, then tell how long it
    lasted, however the clock was set meanwhile. `zone_start` and `zone_end` are what the record
    itself says: an IANA name or an offset such as "+02:00"; `printed` is the offset in seconds
    that the file prints whatever the place. A hole between two `parts` is a gap; a hole inside a
    part counts as unknown. Vitals are keyed heart_rate (1/min), hrv_rmssd (ms), hrv_sdnn (ms),
    breathing_rate (1/min), spo2 (%), skin_temperature (°C). `maker` holds the maker's own totals,
    efficiency and score, as sent.
    """

    external_id: str
    source: Source
    start: dt.datetime
    end: dt.datetime
    door: str = "file"
    kind: Kind | None = None
    method: Method = Method.DEVICE
    wall: bool = False
    zone_start: str | None = None
    zone_end: str | None = None
    printed: int | None = None
    parts: tuple[Piece, ...] = ()
    hypnogram: tuple[Segment, ...] = ()
    coarse: bool = False
    in_bed: tuple[Piece, ...] = ()
    sleep_start: dt.datetime | None = None
    sleep_end: dt.datetime | None = None
    totals: Totals | None = None
    vitals: Mapping[str, Vital] = field(default_factory=dict)
    maker: Mapping[str, object] = field(default_factory=dict)
    maker_date: dt.date | None = None
    provisional: bool = False
    revised_at: dt.datetime | None = None

    @property
    def measures_sleep(self) -> bool:
        """Whether anybody measured or told sleep here (and not only time in bed)."""
        if self.hypnogram:
            return any(s.stage.is_sleep for s in self.hypnogram)
        t = self.totals
        return t is not None and any(x is not None for x in (t.light, t.deep, t.rem, t.asleep))

    @property
    def staged(self) -> bool:
        """Whether it tells light, deep or REM apart, by hypnogram or by totals."""
        if self.hypnogram:
            return any(s.stage.is_sleep and s.stage != Stage.ASLEEP for s in self.hypnogram)
        t = self.totals
        return t is not None and any(t for t in (t.light, t.deep, t.rem))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A session as the store keeps it: whose it is, and where in time it lies.

    `session.start` and `session.end` are instants here, also where the maker sent a wall clock.
    """

    id: str
    provider: str
    account: str
    session: Session
    zone_start: str = "UTC"  # IANA name or offset
    zone_end: str = "UTC"
    zone_from: ZoneFrom = ZoneFrom.NONE
    arrived_at: dt.datetime | None = None
    home: str = ""  # the account that an archive belongs to, as far as that is known

    @property
    def of_account(self) -> str:
        return self.home or self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What the person says of one sleep, anchored to its span, or to a date where it has none."""

    id: str
    kind: EditKind
    value: Mapping[str, object] = field(default_factory=dict)
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    date: dt.date | None = None
    made_at: dt.datetime | None = None
    made_by: str = "person"


def local(instant: dt.datetime, zone: str) -> dt.datetime:
    """The instant on the wall clock of `zone`, an IANA name or an offset like "+05:30"."""
    return instant.astimezone(zone_info(zone))


_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)")
_NOWHERE = ("localtime", "posixrules", "Factory")  # files beside the zones that are no places


def zone_info(zone: str) -> dt.tzinfo:
    """The zone's rules. Raises ValueError for a name that is none."""
    if match := _OFFSET.fullmatch(zone):
        size = dt.timedelta(hours=int(match[2]), minutes=int(match[3]))
        return dt.timezone(size if match[1] == "+" else -size)
    try:
        found = None if zone in _NOWHERE else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        found = None
    if found is None:
        raise ValueError(f"{zone!r} is no time zone; one looks like Europe/Berlin")
    return found


def is_offset(zone: str) -> bool:
    """Whether it is an offset, which knows no change of clocks, and no place."""
    return _OFFSET.fullmatch(zone) is not None


def offset_name(seconds: int) -> str:
    """An offset in seconds as a zone: 7200 → "+02:00"."""
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{abs(seconds) // 3600:02}:{abs(seconds) % 3600 // 60:02}"
