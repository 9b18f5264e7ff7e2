"""Turns the samples of one source that touch each other into sleeps; knows Apple's vocabulary."""

from __future__ import annotations

import datetime as dt
import math
import struct
from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec

from sleepbalance.model import Method, Piece, Segment, Session, Source, Stage, Vital
from sleepbalance.provider import Normalised, Raw

from . import packs
from .timeline import Said, Stretch, clusters, overlay, unbroken, union

REACH = dt.timedelta(minutes=60)

_PREFIX = "HKCategoryValueSleepAnalysis"
VALUES: dict[str, Stage | None] = {  # None = in bed, which is no stage
    "InBed": None,
    "AsleepUnspecified": Stage.ASLEEP,
    "Asleep": Stage.ASLEEP,  # until iOS 15
    "Awake": Stage.AWAKE,
    "AsleepCore": Stage.LIGHT,
    "AsleepDeep": Stage.DEEP,
    "AsleepREM": Stage.REM,
    # HealthKit's own numbers, as some apps that imitate the export write them
    "0": None,
    "1": Stage.ASLEEP,
    "2": Stage.AWAKE,
    "3": Stage.LIGHT,
    "4": Stage.DEEP,
    "5": Stage.REM,
}
_READINGS = ("breathing_rate", "heart_rate", "hrv_sdnn", "spo2")
_FRACTION = 1.5  # a saturation up to here is a fraction (0.97), above it a percentage (97)

Aside = tuple[str, str]


def normalise(raws: Iterable[Raw]) -> Normalised:
    """The sleeps of one source, out of all its samples that touch, and what says nothing of sleep.

    A sleep is a cluster of known samples at most an hour apart. Unknown values are set aside; they
    fill holes inside a cluster, but neither lengthen one nor join two.
    """
    ordered = _in_order(raws)
    said, unheard, aside = _read(raw for raw in ordered if raw.kind == "sleep")
    readings, broken = _readings(raw for raw in ordered if raw.kind in _READINGS)
    sources = {raw.key: raw.source for raw in ordered}
    sessions: list[Session] = []
    for cluster in clusters(said, round(REACH.total_seconds())):
        if all(piece.stage == Stage.AWAKE for piece in cluster):
            aside += [(piece.key, "awake, with no sleep within an hour") for piece in cluster]
            continue
        source = _source(sources[piece.key] for piece in cluster)
        sessions.append(_session(source, cluster, unheard, readings))
    return Normalised(sessions=tuple(sessions), aside=tuple(sorted({*aside, *broken})))


def _in_order(raws: Iterable[Raw]) -> list[Raw]:
    """Each readable record once, in an order that depends on nothing but the records."""
    found = {
        (raw.kind, raw.key, raw.payload, raw.zone or "", *_spelling(raw.source)): raw
        for raw in raws
        if raw.problem is None
    }
    return [found[name] for name in sorted(found)]


def _read(raws: Iterable[Raw]) -> tuple[list[Said], list[Said], list[Aside]]:
    """Samples with a known value, samples with an unknown one, and what was set aside."""
    said: list[Said] = []
    unheard: list[Said] = []
    aside: list[Aside] = []
    for raw in raws:
        try:
            sample = packs.decode_sample(raw.payload)
        except msgspec.DecodeError:
            aside.append((raw.key, "kept in a form that this version cannot read"))
            continue
        name = sample.value.removeprefix(_PREFIX)
        if sample.end <= sample.start:
            aside.append((raw.key, "ends before it begins, or lasts no time at all"))
        elif name in VALUES:
            said.append(Said(sample.start, sample.end, VALUES[name], raw.key, raw.zone, sample))
        else:
            aside.append((raw.key, f"unknown value {sample.value!r}"))
            stage = Stage.UNKNOWN
            unheard.append(Said(sample.start, sample.end, stage, raw.key, raw.zone, sample))
    return said, unheard, aside


def _readings(raws: Iterable[Raw]) -> tuple[dict[str, list[packs.Readings]], list[Aside]]:
    found: dict[str, list[packs.Readings]] = {}
    aside: list[Aside] = []
    for raw in raws:
        try:
            found.setdefault(raw.kind, []).append(packs.unpack(raw.payload))
        except (ValueError, struct.error):
            aside.append((raw.key, "kept in a form that this version cannot read"))
    return found, aside


def _source(sources: Iterable[Source]) -> Source:
    """The same source under several spellings: one that knows its device, then by name."""
    return min(sources, key=_spelling)


def _spelling(source: Source) -> tuple[bool, str, str]:
    return source.device is None, source.device or "", source.name


def _session(
    source: Source,
    cluster: Sequence[Said],
    unheard: Iterable[Said],
    readings: dict[str, list[packs.Readings]],
) -> Session:
    start = min(piece.start for piece in cluster)
    account = overlay(_staged(cluster, unheard))
    in_bed = union((piece.start, piece.end) for piece in cluster if piece.stage is None)
    asleep = any(stretch.stage.is_sleep for stretch in account)
    runs = unbroken(account)
    tellers = [piece for piece in cluster if piece.is_sleep] or cluster
    first, last = min(piece.start for piece in tellers), max(piece.end for piece in tellers)
    written = [piece.sample.created for piece in cluster if piece.sample.created is not None]
    end = max(piece.end for piece in cluster)
    return Session(
        external_id=f"{source.key}@{start}",
        source=source,
        start=_instant(start),
        end=_instant(end),
        method=Method.MANUAL if all(p.sample.manual for p in cluster) else Method.DEVICE,
        zone_start=_zone(cluster, first),
        zone_end=_zone(cluster, last),
        printed=_printed(cluster, end),
        parts=_pieces([(run[0].start, run[-1].end) for run in runs] if asleep else in_bed, start),
        hypnogram=tuple(Segment(a - start, b - a, stage) for a, b, stage in account),
        in_bed=_pieces(in_bed, start),
        vitals=_vitals(readings, _sleep_periods(runs)),
        maker=_maker(cluster),
        revised_at=_instant(max(written)) if written else None,
    )


def _staged(cluster: Sequence[Said], unheard: Iterable[Said]) -> list[Said]:
    """What has a stage, and the unknown samples cut to the span of it."""
    staged = [piece for piece in cluster if piece.stage is not None]
    if not staged:
        return []
    first, last = min(piece.start for piece in staged), max(piece.end for piece in staged)
    cut = [
        piece._replace(start=max(piece.start, first), end=min(piece.end, last))
        for piece in unheard
        if piece.start < last and piece.end > first
    ]
    return staged + cut


def _zone(cluster: Sequence[Said], moment: int) -> str | None:
    """Where the clock was at `moment`, by the nearest sample that knows.

    At the same distance a sleep sample goes before time in bed, which may be a phone's schedule.
    """
    known = [
        (max(piece.start - moment, moment - piece.end, 0), not piece.is_sleep, -piece.start, zone)
        for piece in cluster
        if (zone := piece.zone)
    ]
    return min(known)[3] if known else None


def _printed(cluster: Sequence[Said], end: int) -> int | None:
    offsets = [
        (end - piece.end, -piece.start, piece.sample.printed)
        for piece in cluster
        if piece.sample.printed is not None
    ]
    return min(offsets)[2] if offsets else None


def _sleep_periods(runs: Iterable[Sequence[Stretch]]) -> list[tuple[int, int]]:
    """Of each part with sleep in it: from its first sleep to the end of its last."""
    asleep = ([stretch for stretch in run if stretch.stage.is_sleep] for run in runs)
    return [(run[0].start, run[-1].end) for run in asleep if run]


def _vitals(
    readings: dict[str, list[packs.Readings]], periods: Sequence[tuple[int, int]]
) -> dict[str, Vital]:
    vitals = {}
    for kind, columns in sorted(readings.items()):
        found = [column.between(*period) for column in columns for period in periods]
        values = _finite(found, repeats=len(columns) > 1)
        if kind == "spo2":
            values = [value * 100 if value <= _FRACTION else value for value in values]
        if values:
            vitals[kind] = _vital(values)
    return vitals


def _finite(found: Sequence[packs.Readings], repeats: bool) -> list[float]:
    """The values that are numbers; of a reading that is in two packs, one."""
    if repeats:
        rows = {row for readings in found for row in zip(*readings, strict=True)}
        return [value for _, _, value in rows if math.isfinite(value)]
    return list(filter(math.isfinite, chain.from_iterable(each.values for each in found)))


def _vital(values: Sequence[float]) -> Vital:
    """Three decimals: what another order of adding up could change lies below them."""
    mean = math.fsum(values) / len(values)
    return Vital(round(mean, 3), round(min(values), 3), round(max(values), 3), len(values))


def _maker(cluster: Sequence[Said]) -> dict[str, object]:
    versions = {piece.sample.more.get("sourceVersion") for piece in cluster} - {None}
    return {"sourceVersion": ", ".join(sorted(map(str, versions)))} if versions else {}


def _pieces(spans: Iterable[tuple[int, int]], origin: int) -> tuple[Piece, ...]:
    return tuple(Piece(start - origin, end - start) for start, end in spans)


def _instant(epoch: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)
