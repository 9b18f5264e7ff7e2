"""Turns the Health API's summaries of sleep into sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sleepbalance.hypnograms import Canvas, asleep
from sleepbalance.model import Kind, Method, Piece, Segment, Session, Stage, Totals
from sleepbalance.payloads import date, decode, inside, numeral, offset, unpack
from sleepbalance.provider import Normalised, Raw

from . import health_vitals as vitals
from .health_records import PULSE_OX, RESPIRATION, SLEEPS, merge
from .health_sleep import Nap, Summary, Sums, summary_of
from .health_values import instant

DOOR = "health"
HOUR = dt.timedelta(hours=1)
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
    """A summary and the record that it is from."""

    raw: Raw
    summary: Summary

    def same_sleep(self, other: Told) -> bool:
        """Whether both share at least half of the shorter one."""
        one, two = self.summary, other.summary
        shared = (min(one.end, two.end) - max(one.start, two.start)).total_seconds()
        return shared * 2 >= min(one.seconds, two.seconds)

    def taken_back_by(self, other: Told) -> bool:
        """Whether it was not sure yet, and the watch turned out to lie about in it."""
        one, two = self.summary, other.summary
        return one.tentative and not one.off_wrist and one.start <= two.start < one.end


def normalise(raws: Iterable[Raw]) -> Normalised:
    """A session for each sleep and for each of its naps.

    A start that Garmin moves comes as a sleep with another id. Where one of two that tell the same
    sleep is final and the other is not, the final one stands, whichever came first. Where both are
    as sure, both are told: which one is newer shows only in when they came, and the rules of nights
    go by that.
    """
    raws = list(raws)
    beside = [raw for raw in raws if raw.companion]
    told, aside = _read(raws)
    off_wrist = [each for each in told if each.summary.off_wrist]
    standing: list[Told] = []
    replaced: list[str] = []
    worn = []
    for each in told:
        if any(each.taken_back_by(other) for other in off_wrist):
            replaced.append(each.raw.key)
        elif not each.summary.off_wrist:
            worn.append(each)
    for each in sorted(worn, key=lambda each: (each.summary.tentative, each.raw.key)):
        final = [s for s in standing if not s.summary.tentative]
        if each.summary.tentative and any(each.same_sleep(other) for other in final):
            replaced.append(each.raw.key)
        else:
            standing.append(each)
            if each.summary.lost:
                aside.append((each.raw.key, "tells a nap that cannot be read"))
    sessions = [s for each in standing for s in _sessions(each, beside)]
    return Normalised(
        sessions=tuple(sorted(sessions, key=lambda s: (s.start, s.external_id))),
        aside=tuple(sorted(aside)),
        withdrawn=tuple(sorted([*(each.raw.key for each in off_wrist), *replaced])),
    )


def _read(raws: Iterable[Raw]) -> tuple[list[Told], list[tuple[str, str]]]:
    """Each record once, in the version that stands, in whatever order they come."""
    versions: dict[str, dict[bytes, Raw]] = {}
    for raw in raws:
        if not raw.companion:
            versions.setdefault(raw.key, {})[raw.payload] = raw
    told: list[Told] = []
    aside: list[tuple[str, str]] = []
    for key, found in sorted(versions.items()):
        raw = found[merge(SLEEPS, sorted(found))]
        summary = summary_of(inside(decode(raw.payload)))
        if isinstance(summary, str):
            aside.append((key, summary))
        else:
            told.append(Told(raw, summary))
    return told, aside


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
        external_id=raw.key,
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


def _nap(told: Told, nap: Nap, beside: Sequence[Raw]) -> Session:
    """A nap by its own start: two of one date never share an id."""
    return Session(
        external_id=f"{told.raw.key}/nap/{int(nap.start.timestamp())}",
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
    """The levels without overlaps. A hole stays a hole: nobody measured there."""
    if not any(level.stage.is_sleep for level in summary.levels):
        return ()
    canvas = Canvas(summary.seconds)
    for each in sorted(summary.levels, key=lambda each: (LAYERS.index(each.stage), each)):
        canvas.paint(each.begin, each.end, each.stage)
    return canvas.hypnogram()


def _totals(sums: Sums, length: int, *, worn: bool, timed: bool) -> Totals | None:
    """The maker's sums. A stage that it leaves out is one that the device cannot see."""
    if sums.staged:
        return Totals(
            light=sums.light,
            deep=sums.deep,
            rem=sums.rem,
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
    flies. What was measured in the last hour tells its own; and if the next thing that is told
    still has the offset of the start, nothing changed between. Else the neighbours decide.
    """
    marks = sorted(_marks(summary, beside))
    last = [zone for start, zone in marks if summary.end - HOUR <= start <= summary.end]
    if last:
        return last[-1]
    later = [zone for start, zone in marks if start > summary.end]
    return summary.zone if later and later[0] == summary.zone else None


def _marks(summary: Summary, beside: Iterable[Raw]) -> Iterator[tuple[dt.datetime, str]]:
    for nap in summary.naps:
        if nap.zone is not None:
            yield nap.start, nap.zone
    for raw in beside:
        told = unpack(raw.payload) if raw.kind == RESPIRATION else [raw.payload]
        for each in told if raw.kind in (RESPIRATION, PULSE_OX) else ():
            start = instant(inside(decode(each)).get("startTimeInSeconds"))
            zone = offset(numeral(inside(decode(each)).get("startTimeOffsetInSeconds")))
            if start is not None and zone is not None:
                yield start, zone
