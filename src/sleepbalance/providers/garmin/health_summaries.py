"""Turns the Health API's summaries of sleep into sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sleepbalance.hypnograms import Canvas, asleep, slept
from sleepbalance.model import Kind, Method, Piece, Segment, Session, Stage, Totals
from sleepbalance.payloads import date, decode, inside, numeral, offset, seconds, unpack
from sleepbalance.provider import Normalised, Raw
from sleepbalance.provider.places import clocks_changed

from . import health_vitals as vitals
from .health_records import DAILIES, PULSE_OX, RESPIRATION, sleep_name, version
from .health_sleep import DAY, SAME, Nap, Summary, Sums, summary_of
from .health_values import instant

DOOR = "health"
HOUR = dt.timedelta(hours=1)
CLOCK = 3600  # seconds that clocks are changed by at most
OFFSET = "startTimeOffsetInSeconds"
# What comes later covers what is there: Garmin does not say when a stage was written.
LAYERS = (Stage.UNKNOWN, Stage.AWAKE, Stage.LIGHT, Stage.DEEP, Stage.REM)
# Of a summary, what has no place of its own in a session.
SENT = (
    "validation",
    "durationInSeconds",
    "totalNapDurationInSeconds",
    "overallSleepScore",
    "sleepScores",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A summary and the record that it is from; `order` is when it came first."""

    raw: Raw
    summary: Summary
    order: tuple[str, int]

    @property
    def name(self) -> str:
        return sleep_name(self.summary)

    @property
    def names(self) -> set[str]:
        """Of the sleep and its naps."""
        return {self.name, *(_nap_name(self, nap) for nap in self.summary.naps)}

    @property
    def rank(self) -> tuple[bool, int, tuple[str, int], bytes]:
        """Of versions of one sleep the highest stands.

        A tentative one never replaces a final one, and of tentative ones the longest stands. Among
        final ones it is the last to come, as Garmin says: only what came later can be a person's
        correction, which may well be shorter, or tell that the watch was not worn.
        """
        asleep = self.summary.sums.slept or 0
        length = asleep if self.summary.tentative else 0
        return not self.summary.tentative, length, self.order, self.raw.payload

    @property
    def newness(self) -> tuple[bool, tuple[str, int]]:
        """Of different sleeps that are the same the higher stands."""
        return not self.summary.tentative, self.order

    def same_sleep(self, other: Told) -> bool:
        """Whether both share at least half of the shorter one."""
        one, two = self.summary, other.summary
        shared = (min(one.end, two.end) - max(one.start, two.start)).total_seconds()
        return shared * 2 >= min(one.seconds, two.seconds)

    def taken_back_by(self, other: Told) -> bool:
        """Whether it was not sure yet, and the watch turned out to lie about in it."""
        one, two = self.summary, other.summary
        return one.tentative and not one.off_wrist and one.start <= two.start < one.end

    def replaced_by(self, other: Told) -> bool:
        """Whether the other tells the same sleep, and is surer, or as sure and came later."""
        return self.newness < other.newness and self.same_sleep(other)


def normalise(raws: Iterable[Raw]) -> Normalised:
    """A session for each sleep and for each of its naps.

    A start that Garmin moves comes as a sleep with another id. Of two that tell the same sleep the
    final one stands, whichever came first; where both are as sure, the one that came later. Where
    that is not known both are told, and the rules of nights choose.
    """
    raws = list(raws)
    beside = [raw for raw in raws if raw.companion]
    versions, aside = _read(raws)
    latest = _latest(versions)
    off_wrist = [each for each in latest if each.summary.off_wrist]
    worn = [
        each
        for each in latest
        if not each.summary.off_wrist and not any(map(each.taken_back_by, off_wrist))
    ]
    standing: list[Told] = []
    for each in sorted(worn, key=lambda each: (each.newness, each.raw.key), reverse=True):
        if not any(map(each.replaced_by, standing)):
            standing.append(each)
            aside += [(each.raw.key, why) for why in each.summary.lost]
    sessions = [s for each in standing for s in _sessions(each, beside)]
    told = {session.external_id for session in sessions}
    stand = {each.raw.key for each in standing}
    replaced = [each for each in versions if each.raw.key not in stand]
    gone = {name for each in replaced for name in (each.raw.key, *each.names)}
    return Normalised(
        sessions=tuple(sorted(sessions, key=lambda s: (s.start, s.external_id))),
        aside=tuple(sorted(aside)),
        withdrawn=tuple(sorted(gone - told)),
    )


def _read(raws: Iterable[Raw]) -> tuple[list[Told], list[tuple[str, str]]]:
    """All versions, in an order of their own, whatever order they come in."""
    told: list[Told] = []
    aside: set[tuple[str, str]] = set()
    sleeps = [raw for raw in raws if not raw.companion]
    for raw in sorted(sleeps, key=lambda raw: (raw.key, raw.payload)):
        found = version(raw.payload)
        summary = summary_of(inside(decode(bytes(found.told))))
        if isinstance(summary, str):
            aside.add((raw.key, summary))
        else:
            told.append(Told(raw, summary, found.order))
    return told, sorted(aside)


def _latest(versions: Iterable[Told]) -> list[Told]:
    """The version of each sleep that stands."""
    found: dict[str, Told] = {}
    for each in versions:
        before = found.get(each.name)
        if before is None or each.rank > before.rank:
            found[each.name] = each
    return list(found.values())


def _sessions(told: Told, beside: Sequence[Raw]) -> Iterator[Session]:
    yield _sleep(told, beside)
    taken: set[str] = set()
    for nap in told.summary.naps:
        session = _nap(told, nap, beside)
        if session.external_id not in taken:  # two lengths for one start: the shorter
            taken.add(session.external_id)
            yield session


def _sleep(told: Told, beside: Sequence[Raw]) -> Session:
    raw, summary = told.raw, told.summary
    hypnogram = _hypnogram(summary)
    day = date(summary.told.get("calendarDate"))
    sleeping = asleep(hypnogram, summary.start) or (summary.start, summary.end)
    worn = not summary.by_hand
    onset = () if hypnogram else sleeping  # Garmin's window begins and ends with sleep
    return Session(
        external_id=told.name,
        source=raw.source,
        start=summary.start,
        end=summary.end,
        door=DOOR,
        kind=Kind.MAIN,
        method=Method.DEVICE if worn else Method.MANUAL,
        zone_start=summary.zone,
        zone_end=_zone_end(summary, beside),
        parts=(Piece(0, summary.seconds),),
        hypnogram=hypnogram,
        sleep_start=onset[0] if onset else None,
        sleep_end=onset[1] if onset else None,
        totals=_totals(summary.sums, summary.seconds, worn=worn, timed=bool(hypnogram)),
        vitals=vitals.of_sleep(summary, beside, sleeping) if worn else {},
        maker={
            **{name: summary.told[name] for name in SENT if summary.told.get(name) is not None},
            **(vitals.as_sent(beside, sleeping, day) if worn else {}),
        },
        maker_date=day,
        provisional=summary.tentative,
    )


def _nap_name(told: Told, nap: Nap) -> str:
    """By its own start: two of one date never share an id."""
    return f"{told.name}/nap/{int(nap.start.timestamp())}"


def _nap(told: Told, nap: Nap, beside: Sequence[Raw]) -> Session:
    return Session(
        external_id=_nap_name(told, nap),
        source=told.raw.source,
        start=nap.start,
        end=nap.end,
        door=DOOR,
        kind=Kind.NAP,
        method=Method.MANUAL if nap.by_hand else Method.DEVICE,
        zone_start=nap.zone,
        zone_end=nap.zone,  # no clock changes at noon, and nobody naps across a flight
        parts=(Piece(0, nap.seconds),),
        sleep_start=nap.start,
        sleep_end=nap.end,
        totals=Totals(asleep=nap.seconds),
        vitals={} if nap.by_hand else vitals.of_nap(beside, (nap.start, nap.end)),
        provisional=told.summary.tentative,
    )


# -- stages ----------------------------------------------------------------------------------------


def _hypnogram(summary: Summary) -> tuple[Segment, ...]:
    """The levels without overlaps. A hole stays a hole: nobody measured there.

    Where they reach less far than the sleep that the sums tell, they are not all of the night.
    """
    if not any(level.stage.is_sleep for level in summary.levels):
        return ()
    canvas = Canvas(summary.seconds)
    for each in sorted(summary.levels, key=lambda each: (LAYERS.index(each.stage), each)):
        canvas.paint(each.begin, each.end, each.stage)
    hypnogram = canvas.hypnogram()
    begin, end = slept(hypnogram) or (0, 0)
    return hypnogram if end - begin >= summary.sums.staged - SAME else ()


def _totals(sums: Sums, length: int, *, worn: bool, timed: bool) -> Totals | None:
    """The maker's sums. A stage that it leaves out is one that the device cannot see."""
    if sums.staged:
        return Totals(
            light=sums.light,
            deep=sums.deep,
            rem=sums.rem,
            asleep=sums.unstaged or None,
            awake=sums.awake,
            unmeasured=sums.unmeasured,
        )
    if timed:
        return None  # zeros beside levels say nothing
    awake = (sums.awake or None) if worn else None  # nobody staged it: its zeros say nothing
    unmeasured = (sums.unmeasured or None) if worn else None
    slept = sums.slept or max(length - (awake or 0) - (unmeasured or 0), 0)
    return Totals(asleep=slept or None, awake=awake, unmeasured=unmeasured)


# -- places ----------------------------------------------------------------------------------------


def _zone_end(summary: Summary, beside: Iterable[Raw]) -> str | None:
    """Where the clock was when somebody awoke, if anything proves it.

    A summary tells the offset of its start only, and in some nights the clock is changed, or one
    flies. What was measured in the last hour tells its own; if the next thing that is told still
    has the offset of the start, nothing changed between; and if it has another one, and clocks
    were changed just so during the sleep, they were here. Else the neighbours decide.
    """
    marks = sorted(_marks(summary, beside))
    last = [zone for start, zone in marks if summary.end - HOUR <= start <= summary.end]
    if last:
        return last[-1]
    later = next((zone for start, zone in marks if start > summary.end), None)
    if later is None or summary.zone is None or later == summary.zone:
        return later if summary.zone else None
    changed = clocks_changed(summary.start, summary.end, summary.zone, later)
    return later if changed else None


def _marks(summary: Summary, beside: Iterable[Raw]) -> Iterator[tuple[dt.datetime, str]]:
    """Instants with the offset of the clock there."""
    for nap in summary.naps:
        if nap.zone is not None:
            yield nap.start, nap.zone
    for raw in beside:
        told = unpack(raw.payload) if raw.kind == RESPIRATION else [raw.payload]
        for each in told if raw.kind in (RESPIRATION, PULSE_OX, DAILIES) else ():
            yield from _marks_of(raw.kind, inside(decode(each)))


def _marks_of(kind: str, told: Mapping[str, Any]) -> Iterator[tuple[dt.datetime, str]]:
    """A day runs from midnight to midnight: if it has an hour more, the clock went back by it."""
    start, ahead = instant(told.get("startTimeInSeconds")), numeral(told.get(OFFSET))
    zone = offset(ahead)
    if start is None or ahead is None or zone is None:
        return
    yield start, zone
    length = seconds(numeral(told.get("durationInSeconds")), 2 * DAY)
    at_end = offset(ahead + DAY - length) if length and abs(DAY - length) <= CLOCK else None
    if kind == DAILIES and length and at_end:
        yield start + dt.timedelta(seconds=length), at_end
