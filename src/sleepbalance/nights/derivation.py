"""The road from the reports and edits of one person to their nights."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sleepbalance.model import Edit, EditKind, Report, local
from sleepbalance.nights.beds import Beds
from sleepbalance.nights.choice import Alternative, Episode, SourceRank, choose, groups_of
from sleepbalance.nights.days import Day, day_of
from sleepbalance.nights.edits import (
    Anchors,
    Word,
    added,
    by_date_only,
    edited,
    kind_word,
    source_words,
    words_of,
)
from sleepbalance.nights.night import Night, Quality, Scribe
from sleepbalance.nights.rules import RULES, Rules
from sleepbalance.nights.sleeps import Sleep, sleeps_of
from sleepbalance.nights.standing import Reading, read, stand


@dataclass(frozen=True)
class Derived:
    """All nights by date; the date of every report; what replaces each superseded report."""

    nights: Mapping[dt.date, Night]
    dates: Mapping[str, dt.date]
    superseded: Mapping[str, str]


@dataclass(frozen=True)
class _Told:
    """The sleeps of the person after the choice of sources and the person's words."""

    standing: Sequence[Reading]
    superseded: Mapping[str, str]
    sleeps: Sequence[Sleep]
    episodes: Sequence[Episode]


def derive(
    reports: Sequence[Report],
    edits: Sequence[Edit] = (),
    *,
    order: Sequence[SourceRank] = (),
    rules: Rules = RULES,
) -> Derived:
    """Makes the nights of one person out of everything that was told of them.

    `edits` are those in force (none undone); `order` is the person's order of sources, the best
    first. Neither the order of `reports` nor that of `edits` matters.
    """
    ours = read([*reports, *added(edits, reports)])
    words = words_of(edits, _mains_before(ours, edits, order, rules))
    told = _told(ours, words, order, rules)
    days = _days(told.episodes, rules)
    scribe = Scribe(Beds(_in_bed(ours, told)), told.sleeps, rules)
    nights = _nights(told.episodes, days, words, scribe, rules)
    return Derived(nights, _dates(reports, told), told.superseded)


def _in_bed(readings: Sequence[Reading], told: _Told) -> list[Report]:
    """Whose time in bed counts: what stands, and time in bed that sleep of its source replaced."""
    known = {reading.report.id: reading.report for reading in readings}
    replaced = [
        known[old]
        for old, new in sorted(told.superseded.items())
        if known[new].session.measures_sleep and not known[old].session.measures_sleep
    ]
    return [*(reading.report for reading in told.standing), *replaced]


def _told(
    readings: Sequence[Reading], words: Sequence[Word], order: Sequence[SourceRank], rules: Rules
) -> _Told:
    standing, superseded = stand(readings, rules)
    sleeps = sleeps_of(standing, kind_word(words, rules), rules)
    dated = [s for s in sleeps if s.dateless_clock]
    groups = groups_of([s for s in sleeps if not s.dateless_clock], rules)
    named = source_words(words, groups)
    episodes = [e for g in groups for e in choose(g.sleeps, rules, order, named.get(id(g)))]
    episodes += [Episode(sleep, "only source") for sleep in dated]
    return _Told(standing, superseded, sleeps, edited(episodes, words))


def _mains_before(
    readings: Sequence[Reading],
    edits: Sequence[Edit],
    order: Sequence[SourceRank],
    rules: Rules,
) -> dict[dt.date, Episode]:
    """The nights without any edit: what an edit of a date, and of no span, is about."""
    if not any(by_date_only(edit) for edit in edits):
        return {}
    days = _days(_told(readings, (), order, rules).episodes, rules)
    return {date: day.main for date, day in days.items() if day.main}


def _days(episodes: Iterable[Episode], rules: Rules) -> dict[dt.date, Day]:
    by_date: dict[dt.date, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if not episode.dead:
            by_date[episode.date].append(episode)
    return {date: _day(found, rules) for date, found in by_date.items()}


def _day(episodes: Sequence[Episode], rules: Rules) -> Day:
    """Records of which only the date is known belong to its night, or are it."""
    dated = [e for e in episodes if e.chosen.dateless_clock]
    day = day_of([e for e in episodes if not e.chosen.dateless_clock], rules)
    if not dated:
        return day
    dated.sort(key=lambda e: (-e.chosen.size, e.chosen.source))
    main, rest = (day.main, dated) if day.main else (dated[0], dated[1:])
    more = tuple(Alternative(e.chosen, "it tells no times, only the date") for e in rest)
    return replace(day, main=replace(main, alternatives=(*main.alternatives, *more)))


def _nights(
    episodes: Sequence[Episode],
    days: Mapping[dt.date, Day],
    words: Sequence[Word],
    scribe: Scribe,
    rules: Rules,
) -> dict[dt.date, Night]:
    said = _said(episodes, days, words)
    qualities = {date: Quality(s.get("rating"), s.get("notes")) for date, s in said.items()}
    nights = {
        date: scribe.night(day.main, day, qualities.get(date, Quality()))
        for date, day in days.items()
        if day.main
    }
    for date, main in _gone(episodes, rules).items():
        if date not in nights:
            nights[date] = scribe.deleted(main, qualities.get(date, Quality()))
    ended = {episode.date for episode in episodes}
    for date, quality in qualities.items():
        if date not in nights and date not in ended:
            nights[date] = scribe.words_only(date, quality)
    return dict(sorted(nights.items()))


def _gone(episodes: Sequence[Episode], rules: Rules) -> dict[dt.date, Episode]:
    """What would be the night of a date, had the person not said that it was no sleep."""
    dead: dict[dt.date, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if episode.dead:
            dead[episode.date].append(episode)
    return {date: main for date, gone in dead.items() if (main := _day(gone, rules).main)}


SAID = {EditKind.RATING: "rating", EditKind.NOTES: "notes"}


def _said(
    episodes: Sequence[Episode], days: Mapping[dt.date, Day], words: Sequence[Word]
) -> dict[dt.date, dict[str, str | None]]:
    """The last rating and note of each date; one on a nap gives way to one on the night."""
    anchors = Anchors(episodes)
    naps = {id(e) for day in days.values() for e in (*day.naps, *day.unconfirmed)}
    spoken = [(anchors.best(word), word.edit) for word in words if word.edit.kind in SAID]
    spoken.sort(key=lambda pair: id(pair[0]) not in naps)
    said: dict[dt.date, dict[str, str | None]] = defaultdict(dict)
    for episode, edit in spoken:
        date = episode.date if episode else edit.date
        if date is not None:
            name = SAID[edit.kind]
            said[date][name] = _text(edit.value.get(name))
    return dict(said)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _dates(reports: Sequence[Report], told: _Told) -> dict[str, dt.date]:
    """The date of every report: of its sleep, of what replaces it, else of its own end."""
    found: dict[str, dt.date] = {}
    for episode in sorted(told.episodes, key=lambda e: (e.chosen.size, e.chosen.start)):
        found.update(dict.fromkeys(episode.ids, episode.date))
    dates = {}
    for report in reports:
        name = told.superseded.get(report.id, report.id)
        end = local(report.session.end, report.zone_end).date()
        dates[report.id] = found.get(name, end)
    return dates
