"""The road from the reports and edits of one person to their nights."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sleepbalance.model import Edit, EditKind, Report, local
from sleepbalance.nights.beds import Beds
from sleepbalance.nights.choice import ALONE, Alternative, Episode, SourceRank, groups_of
from sleepbalance.nights.days import Day, day_of
from sleepbalance.nights.doors import Homes, at_home, edit_at_home, rank_at_home, with_devices
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
from sleepbalance.nights.only import choose_wanted, is_wanted
from sleepbalance.nights.roads import NO_ROADS, Roads
from sleepbalance.nights.rules import RULES, Rules
from sleepbalance.nights.sleeps import Sleep, sleeps_of
from sleepbalance.nights.spans import Calendar, mostly_same
from sleepbalance.nights.standing import Reading, read, source_of, stand

TAKEN_BACK = "its maker took it back"
NO_HOMES: Homes = {}


@dataclass(frozen=True)
class Derived:
    """All nights by date; the date of every report; what replaces each superseded report.

    Beside them the sleeps that they were made of: those of each date, all of them, also those that
    were none, by the id of an edit the sleep that it is about, and by date what would be its night,
    had the person not said that it was no sleep.
    """

    nights: Mapping[dt.date, Night]
    dates: Mapping[str, dt.date]
    superseded: Mapping[str, str]
    days: Mapping[dt.date, Day] = field(default_factory=dict)
    episodes: Sequence[Episode] = ()
    meant: Mapping[str, Episode] = field(default_factory=dict)
    gone: Mapping[dt.date, Episode] = field(default_factory=dict)


@dataclass(frozen=True)
class Ways:
    """How sources of one person hang together, and which of them is believed.

    `order` is the person's order of sources, the best first. `homes` are the accounts that
    archives belong to. `roads` tell other makers' apps.
    """

    order: Sequence[SourceRank] = ()
    homes: Homes = field(default_factory=dict)
    roads: Roads = NO_ROADS


@dataclass(frozen=True)
class _Told:
    """The sleeps of the person after the choice of sources and the person's words."""

    standing: Sequence[Reading]
    superseded: Mapping[str, str]
    sleeps: Sequence[Sleep]
    episodes: Sequence[Episode]
    meant: Mapping[str, Episode]
    withdrawn: Sequence[Episode] = ()


def derive(
    reports: Sequence[Report],
    edits: Sequence[Edit] = (),
    *,
    order: Sequence[SourceRank] = (),
    homes: Homes = NO_HOMES,
    roads: Roads = NO_ROADS,
    withdrawn: Sequence[Report] = (),
    rules: Rules = RULES,
) -> Derived:
    """Makes the nights of one person out of everything that was told of them.

    `edits` are those in force (none undone); `withdrawn` is what makers told and took back. The
    order of `reports`, `edits` and `withdrawn` does not matter.
    """
    ways = Ways([rank_at_home(rank, homes) for rank in order], homes, roads)
    edits = [edit_at_home(edit, homes) for edit in edits]
    ours = _read([*reports, *added(edits, reports)], ways, rules)
    words = words_of(edits, _mains_before(ours, edits, ways, rules))
    told = _told(ours, words, ways, rules)
    lost = [r for r in _read(withdrawn, ways, rules) if is_wanted(source_of(r.report), ways.order)]
    told = replace(told, withdrawn=_taken_back(lost, told, rules))
    days = _days(told.episodes, rules)
    lenders = [r for r in _in_bed(ours, told) if is_wanted(source_of(r), ways.order)]
    scribe = Scribe(Beds(lenders), told.sleeps, rules)
    nights = _nights(told, days, words, scribe, rules)
    dates = _dates(reports, told)
    gone = {date: e for date, e in _no_sleep(told, rules).items() if not _has_night(days, date)}
    return Derived(nights, dates, told.superseded, days, told.episodes, told.meant, gone)


def _read(reports: Iterable[Report], ways: Ways, rules: Rules) -> list[Reading]:
    return with_devices(read(at_home(report, ways.homes) for report in reports), rules)


def _taken_back(readings: Sequence[Reading], told: _Told, rules: Rules) -> list[Episode]:
    """What makers took back, but for what they tell in other words, and others tell too."""
    living: Calendar[Sleep] = Calendar()
    for sleep in told.sleeps:
        living.add(sleep.covers, sleep)
    standing, _ = stand(readings, rules)
    return [
        Episode(sleep, TAKEN_BACK)
        for sleep in sleeps_of(standing, lambda _: None, rules)
        if not any(
            mostly_same(sleep.covers, other.covers, rules.same_sleep)
            for other in living.near(sleep.covers)
        )
    ]


def _in_bed(readings: Sequence[Reading], told: _Told) -> list[Report]:
    """Whose time in bed counts: what stands, and time in bed that sleep of its source replaced."""
    known = {reading.report.id: reading.report for reading in readings}
    replaced = [
        known[old]
        for old, new in sorted(told.superseded.items())
        if known[new].session.measures_sleep and not known[old].session.measures_sleep
    ]
    return [*(reading.report for reading in told.standing), *replaced]


def _told(readings: Sequence[Reading], words: Sequence[Word], ways: Ways, rules: Rules) -> _Told:
    standing, superseded = stand(readings, rules)
    sleeps = sleeps_of(standing, kind_word(words, rules), rules)
    dated = [s for s in sleeps if s.dateless_clock]
    groups = groups_of([s for s in sleeps if not s.dateless_clock], rules)
    named = source_words(words, groups)
    episodes = [
        episode
        for group in groups
        for episode in choose_wanted(
            group.sleeps, rules, ways.order, named.get(id(group)), ways.roads
        )
    ]
    episodes += [Episode(s, ALONE) for s in dated if is_wanted(s.source, ways.order)]
    spoken = edited(episodes, words, rules)
    return _Told(standing, superseded, sleeps, spoken, _meant(episodes, spoken, words))


def _meant(
    told: Sequence[Episode], spoken: Sequence[Episode], words: Sequence[Word]
) -> dict[str, Episode]:
    """What each edit is about: a sleep that the person moved is found where it was told."""
    now = dict(zip(map(id, told), spoken, strict=True))
    anchors = Anchors(told)
    best = [(word.edit.id, anchors.best(word)) for word in words]
    return {name: now[id(episode)] for name, episode in best if episode is not None}


def _mains_before(
    readings: Sequence[Reading],
    edits: Sequence[Edit],
    ways: Ways,
    rules: Rules,
) -> dict[dt.date, Episode]:
    """The nights without any edit: what an edit of a date, and of no span, is about."""
    if not any(by_date_only(edit) for edit in edits):
        return {}
    days = _days(_told(readings, (), ways, rules).episodes, rules)
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
    told: _Told,
    days: Mapping[dt.date, Day],
    words: Sequence[Word],
    scribe: Scribe,
    rules: Rules,
) -> dict[dt.date, Night]:
    said = _said(told, days, words)
    qualities = {date: Quality(s.get("rating"), s.get("notes")) for date, s in said.items()}
    nights = {
        date: scribe.night(day.main, day, qualities.get(date, Quality()))
        for date, day in days.items()
        if day.main
    }
    for date, main in _gone(told, rules).items():
        if date not in nights:
            nights[date] = scribe.deleted(main, days.get(date), qualities.get(date, Quality()))
    ended = {episode.date for episode in told.episodes}
    for date, quality in qualities.items():
        if date not in nights and date not in ended:
            nights[date] = scribe.words_only(date, quality)
    return dict(sorted(nights.items()))


def _gone(told: _Told, rules: Rules) -> dict[dt.date, Episode]:
    """What would be the night of a date, had nobody said that it was no sleep: the person first."""
    gone = _mains(told.withdrawn, rules)
    return gone | _no_sleep(told, rules)


def _no_sleep(told: _Told, rules: Rules) -> dict[dt.date, Episode]:
    return _mains([e for e in told.episodes if e.dead], rules)


def _has_night(days: Mapping[dt.date, Day], date: dt.date) -> bool:
    return date in days and days[date].main is not None


def _mains(episodes: Iterable[Episode], rules: Rules) -> dict[dt.date, Episode]:
    by_date: dict[dt.date, list[Episode]] = defaultdict(list)
    for episode in episodes:
        by_date[episode.date].append(episode)
    return {date: main for date, found in by_date.items() if (main := _day(found, rules).main)}


SAID = {EditKind.RATING: "rating", EditKind.NOTES: "notes"}


def _said(
    told: _Told, days: Mapping[dt.date, Day], words: Sequence[Word]
) -> dict[dt.date, dict[str, str | None]]:
    """The last rating and note of each date; one on a nap gives way to one on the night."""
    gone = Anchors(told.withdrawn)
    naps = {id(e) for day in days.values() for e in (*day.naps, *day.unconfirmed)}
    spoken = [
        (told.meant.get(word.edit.id) or gone.best(word), word.edit)
        for word in words
        if word.edit.kind in SAID
    ]
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
