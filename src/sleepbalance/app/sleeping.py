"""Finds the sleep that a person means by a date and a time, and says what its edits hold on to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sleepbalance import nights
from sleepbalance.app import clocks
from sleepbalance.app.clocks import Ends
from sleepbalance.app.ordering import MOST, Named
from sleepbalance.derive import Looked
from sleepbalance.errors import UsageError
from sleepbalance.model import Edit, Report, Session, local
from sleepbalance.nights import Episode
from sleepbalance.nights.spans import shared
from sleepbalance.store.edits import Anchor
from sleepbalance.store.places import from_wall
from sleepbalance.stretches import Span

EVENING, MORNING = dt.time(23), dt.time(7)  # about when, where only the date is known


class Other(NamedTuple):
    """A sleep that is not meant, by the clock on the wall."""

    start: str
    end: str
    sources: Sequence[Named]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A sleep that is meant: what an edit of it holds on to, and how it stands now."""

    anchor: Anchor
    span: Span
    ends: Ends
    sources: Sequence[Named]
    others: Sequence[Other] = ()  # the other sleeps of the date

    def spelled(self, found: Mapping[str, dt.datetime | None]) -> dict[str, Any]:
        """Times as their sleep was told: on the wall clock, or with their offset."""
        told: dict[str, Any] = {}
        later = []
        for name, at in found.items():
            here = at and local(at, self.ends.near(name)[1])
            if here and self.anchor.wall:
                later += [name] if here.fold else []
                here = here.replace(tzinfo=None)
            told[name] = here and here.isoformat()
        return told | ({"later": later} if later else {})


def choose(
    looked: Looked, date: dt.date, time: str | None, *, parts: bool, need: bool
) -> Chosen | None:
    """The sleep of a date that is meant: the night, or the one of a time.

    With `parts` the time may mean one part of a sleep. Raises UsageError where none is there and
    one is needed, or where nobody can tell which.
    """
    here = [episode for episode in looked.told.episodes if episode.date == date]
    if not here:
        if need:
            raise UsageError(
                f"No sleep ended on {date}. One that nobody measured: sleepbalance night {date}"
                " --add 23:10-07:00"
            )
        return None
    if time is None:
        episode = _main(looked, date, here) if need else _main_or_none(looked, date, here)
        return None if episode is None else _chosen(looked, date, episode)
    zone = here[0].chosen.last.zone_end
    order = clocks.nearest([(e.chosen.start, e.chosen.end) for e in here], time, zone)
    episode = here[order[0]]
    found = _chosen(looked, date, episode)
    if parts and len(episode.chosen.parts) > 1:
        return _part(looked, date, episode, found, time)
    return found


def check_free(looked: Looked, added: Span) -> None:
    """Raises UsageError where somebody measured or told a sleep in that time, and it stands."""
    span = nights.Span(*added)
    standing = [e for e in looked.told.episodes if e.chosen.measured and not e.dead]
    there = max(standing, key=lambda e: shared([span], e.chosen.covers), default=None)
    if there is None or not shared([span], there.chosen.covers):
        return
    start, end, (source, *_) = _other(there)
    edit = f"sleepbalance night {there.date} --sleep {start}"
    raise UsageError(
        f"Nothing was added: {there.date} has a sleep {start}–{end} by {source.called[:MOST]}, and"
        f" a sleep that you add is one that nobody told. It had other times: {edit} --asleep TIME"
        f" --woke TIME. Another source is right: {edit} --source NAME. It was no sleep, and then"
        f" something can be added: {edit} --not-sleep"
    )


def _main(looked: Looked, date: dt.date, here: Sequence[Episode]) -> Episode:
    found = _main_or_none(looked, date, here)
    if found is None:
        spans = ", ".join(
            f"{local(e.chosen.start, e.chosen.last.zone_end):%H:%M}–"
            f"{local(e.chosen.end, e.chosen.last.zone_end):%H:%M}"
            for e in sorted(here, key=lambda e: e.chosen.start)
        )
        raise UsageError(f"{date} has several sleeps ({spans}): say which with --sleep HH:MM.")
    return found


def _main_or_none(looked: Looked, date: dt.date, here: Sequence[Episode]) -> Episode | None:
    day = looked.told.days.get(date)
    if day is not None and day.main is not None:
        return day.main
    if date in looked.told.gone:
        return looked.told.gone[date]
    living = [episode for episode in here if not episode.dead]
    if living or len(here) == 1:
        return living[0] if len(living) == 1 else None if living else here[0]
    return max(here, key=lambda e: (e.chosen.size, e.chosen.start))


def _chosen(looked: Looked, date: dt.date, episode: Episode) -> Chosen:
    sleep = episode.chosen
    span = _hull(sleep.reports)
    last = sleep.last
    anchor = _anchor(looked, date, sleep.reports, span)
    zones = sleep.parts[0].report.zone_start, last.zone_end
    if not anchor.wall:
        zones = looked.clock(sleep.start, zones[0]), looked.clock(sleep.end, zones[1])
    ends = Ends(
        sleep.start,
        sleep.end,
        *zones,
        measured=sleep.measured,
        said=_said(episode),
    )
    if sleep.dateless_clock:
        ends = _about(date, last.zone_end)
        return Chosen(Anchor(date), span, ends, _sources(episode))
    others = [e for e in looked.told.episodes if e.date == date and e is not episode]
    return Chosen(anchor, span, ends, _sources(episode), [_other(e) for e in others])


def _other(episode: Episode) -> Other:
    sleep = episode.chosen
    start = local(sleep.start, sleep.parts[0].report.zone_start)
    end = local(sleep.end, sleep.last.zone_end)
    return Other(f"{start:%H:%M}", f"{end:%H:%M}", _sources(episode))


def _said(episode: Episode) -> dict[str, dt.datetime | None]:
    """The ends in bed that the person told before; those of the sleep are its own by now."""
    return {n: at for n, at in episode.times.items() if n in ("bed_time", "wake_time")}


def _about(date: dt.date, zone: str) -> Ends:
    evening = dt.datetime.combine(date - dt.timedelta(days=1), EVENING, dt.UTC)
    morning = dt.datetime.combine(date, MORNING, dt.UTC)
    start, end = from_wall(evening, zone), from_wall(morning, zone)
    return Ends(start, end, zone, zone, measured=False)


def _hull(reports: Sequence[Report | Session]) -> Span:
    told = [r.session if isinstance(r, Report) else r for r in reports]
    return min(s.start for s in told), max(s.end for s in told)


def _anchor(looked: Looked, date: dt.date, reports: Sequence[Report], span: Span) -> Anchor:
    sent = [looked.sent[r.id] for r in reports if r.id in looked.sent]
    if len(sent) == len(reports) and all(_on_the_wall(session) for session in sent):
        return Anchor(date, *_hull(sent), wall=True)
    added = _added_on_the_wall(looked, reports)
    if not sent and added is not None:
        zone, near = reports[0].zone_end, added.value.get("near")
        walls = (_wall(at, zone) for at in span)
        return Anchor(
            date, next(walls), next(walls), wall=True, near=None if near is None else str(near)
        )
    return Anchor(date, *span)


def _on_the_wall(sent: Session) -> bool:
    """Whether its maker told the clock on the wall, and not where that hung."""
    return sent.wall and (sent.zone_start is None or sent.zone_end is None)


def _added_on_the_wall(looked: Looked, reports: Sequence[Report]) -> Edit | None:
    """The person's own sleep, where they told it by the clock on the wall, wherever that hung."""
    ids = {report.id for report in reports}
    return next((e for e in looked.said if e.id in ids and "zone_from" in e.value), None)


def _wall(at: dt.datetime, zone: str) -> dt.datetime:
    return local(at, zone).replace(tzinfo=dt.UTC)


def _part(looked: Looked, date: dt.date, episode: Episode, whole: Chosen, time: str) -> Chosen:
    """One part of a sleep, by the time that it holds or begins near to."""
    parts = episode.chosen.parts
    order = clocks.nearest([p.span for p in parts], time, whole.ends.zone_end)
    part = parts[order[0]]
    span: Span = (part.span.start, part.span.end)
    anchor = Anchor(date, *span)
    if whole.anchor.wall:
        start = _wall(span[0], part.report.zone_start)
        anchor = Anchor(date, start, _wall(span[1], part.report.zone_end), wall=True)
    return Chosen(anchor, span, whole.ends, whole.sources)


def _sources(episode: Episode) -> list[Named]:
    told = [episode.chosen, *(other.sleep for other in episode.alternatives)]
    return list(dict.fromkeys(Named(sleep.source, sleep.name) for sleep in told))
