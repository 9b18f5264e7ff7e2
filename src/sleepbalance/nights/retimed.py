"""A sleep between the ends that the person tells, as far as these fit what was measured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from sleepbalance.model import local
from sleepbalance.nights.choice import Episode
from sleepbalance.nights.parts import BY_BOTH, BY_HYPNOGRAM, Part, Tally, measured
from sleepbalance.nights.sleeps import Sleep
from sleepbalance.nights.spans import Calendar, Span, shared

TIMES = ("bed_time", "sleep_start", "sleep_end", "wake_time")
EVENING = TIMES[:2]
PHRASES = ("went to bed", "fell asleep", "woke up", "got up")
Times = Mapping[str, dt.datetime | None]


def as_told(episode: Episode, times: Times, *, dead: bool) -> Episode:
    """The episode with its times as the person says; with its own where those contradict it."""
    if not times and not dead:
        return episode
    bounded = _bounded(episode.chosen, times)
    if not _in_order(episode.chosen, bounded):
        return replace(episode, dead=dead, misfit=_misfit(episode.chosen, times))
    return replace(episode, chosen=retimed(episode.chosen, bounded), times=bounded, dead=dead)


def _bounded(sleep: Sleep, times: Times) -> Times:
    """Sleep ends where the person got up, and begins where they went to bed, at the latest."""
    bed, wake = times.get("bed_time"), times.get("wake_time")
    more: dict[str, dt.datetime | None] = {}
    if bed is not None and "sleep_start" not in times and _known(sleep) and sleep.start < bed:
        more["sleep_start"] = bed
    if wake is not None and "sleep_end" not in times and _known(sleep) and wake < sleep.end:
        more["sleep_end"] = wake
    return {**times, **more}


def _in_order(sleep: Sleep, times: Times) -> bool:
    own: Times = {"sleep_start": sleep.start, "sleep_end": sleep.end} if _known(sleep) else {}
    told = {**own, **{name: at for name, at in times.items() if at is not None}}
    ends = [at for name in TIMES if (at := told.get(name)) is not None]
    start, end = told.get("sleep_start"), told.get("sleep_end")
    asleep = start is None or end is None or start < end
    return asleep and all(one <= two for one, two in pairwise(ends))


def _misfit(sleep: Sleep, times: Times) -> str:
    zone = sleep.last.zone_end
    said = [
        f"{phrase} {local(at, zone):%H:%M}"
        for name, phrase in zip(TIMES, PHRASES, strict=True)
        if (at := times.get(name)) is not None
    ]
    return f"what you said ({', '.join(said)}) does not fit this sleep any more"


def counted_once(before: Sequence[Episode], told: Sequence[Episode]) -> list[Episode]:
    """Time that the person adds ends where another sleep begins: no minute counts twice."""
    living: Calendar[Episode] = Calendar()
    for episode in told:
        if not episode.dead:
            living.add(episode.chosen.covers, episode)
    return [
        _beside(one, two, living) if two.times and not two.dead else two
        for one, two in zip(before, told, strict=True)
    ]


def _beside(before: Episode, told: Episode, living: Calendar[Episode]) -> Episode:
    own, now = before.chosen.covers, told.chosen.covers
    others = [
        other.chosen
        for other in living.near(now)
        if other is not told and shared(other.chosen.covers, now) > shared(other.chosen.covers, own)
    ]
    if not others:
        return told
    start, end = told.chosen.start, told.chosen.end
    middle = start + (end - start) / 2
    for sleep in others:
        if sleep.start + (sleep.end - sleep.start) / 2 < middle:
            start = max(start, sleep.end)
        else:
            end = min(end, sleep.start)
    times = {**told.times, "sleep_start": start, "sleep_end": end}
    return replace(
        told,
        chosen=retimed(before.chosen, times),
        misfit="what you said runs into another sleep, and ends where that begins",
    )


def _known(sleep: Sleep) -> bool:
    return all(part.sleep for part in sleep.parts)


def retimed(sleep: Sleep, times: Times) -> Sleep:
    """The sleep between the ends that the person tells.

    What a hypnogram says between them stays; time that the person adds is sleep, stage unknown.
    """
    if not sleep.measured and times.get("wake_time"):
        sleep = replace(sleep, woke=times["wake_time"])
    start, end = times.get("sleep_start"), times.get("sleep_end")
    known = _known(sleep)
    start, end = (start or sleep.start, end or sleep.end) if known else (start, end)
    if start is None or end is None or start >= end or (known and _is(sleep, start, end)):
        return sleep
    kept = [p for p in sleep.parts if p.span.start < end and start < p.span.end]
    if not kept or not known:
        return replace(sleep, parts=(_as_one(sleep.parts[0], Span(start, end)),))
    starts = [start, *(p.span.start for p in kept[1:])]
    ends = [*(p.span.end for p in kept[:-1]), end]
    spans = (Span(*pair) for pair in zip(starts, ends, strict=True))
    return replace(sleep, parts=tuple(map(_moved, kept, spans)))


def _is(sleep: Sleep, start: dt.datetime, end: dt.datetime) -> bool:
    return (sleep.start, sleep.end) == (start, end)


def _as_one(part: Part, span: Span) -> Part:
    """Where nobody measured when sleep began and ended, the person's two ends are the sleep."""
    total = part.tally.total
    fits = total is not None and part.sleep is None and total <= span.seconds
    tally = part.tally if fits else Tally(asleep=span.seconds)
    awakenings = part.awakenings if fits else None
    scope = part.awake_scope if fits else None
    return replace(
        part, sleep=span, window=span, tally=tally, awakenings=awakenings, awake_scope=scope
    )


def _moved(part: Part, span: Span) -> Part:
    old = part.span
    if span == old:
        return part
    if part.tally.total is None:  # nobody told how much of the time was sleep
        return replace(part, sleep=span, window=_around(part.window, span))
    inner = Span(max(span.start, old.start), min(span.end, old.end))
    longer = span.seconds - inner.seconds
    cut = part if inner == old else _cut(part, inner)
    tally = replace(cut.tally, asleep=(cut.tally.asleep or 0) + longer)
    return replace(cut, sleep=span, window=_around(part.window, span), tally=tally)


def _around(window: Span, span: Span) -> Span:
    return Span(min(window.start, span.start), max(window.end, span.end))


def _cut(part: Part, inner: Span) -> Part:
    if part.basis not in (BY_HYPNOGRAM, BY_BOTH):
        left = max(0, (part.tally.total or 0) - (part.span.seconds - inner.seconds))
        return replace(part, tally=Tally(asleep=left), awakenings=None, awake_scope=None)
    tally, awakenings = measured(part.report, inner)
    unseen = {n: None for n in ("light", "deep", "rem") if getattr(part.tally, n) is None}
    return replace(part, tally=replace(tally, **unseen), awakenings=awakenings)
