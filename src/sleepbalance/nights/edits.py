"""What the person says: which sleep each edit means, and what it changes there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from sleepbalance.errors import Fatal
from sleepbalance.model import (
    Edit,
    EditKind,
    Kind,
    Method,
    Report,
    Session,
    Source,
    Totals,
    ZoneFrom,
    zone_info,
)
from sleepbalance.nights.choice import AUTO, NO_SLEEP, Alternative, Episode, Group, SourceRank
from sleepbalance.nights.parts import Part
from sleepbalance.nights.retimed import EVENING, TIMES, as_told, counted_once
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.sleeps import PERSON
from sleepbalance.nights.spans import Calendar, Span, mostly_same, shared
from sleepbalance.nights.standing import EARLIEST


class Held(Protocol):
    """Anything that an edit can mean."""

    @property
    def covers(self) -> tuple[Span, ...]: ...

    @property
    def ids(self) -> frozenset[str]: ...


H = TypeVar("H", bound=Held)


@dataclass(frozen=True, eq=False)
class Word:
    """An edit and what it is about: a span of time, else the reports that its date stood for."""

    edit: Edit
    ids: frozenset[str] = frozenset()

    @property
    def span(self) -> tuple[Span, ...]:
        return span_of(self.edit)

    def hold(self, thing: Held) -> int:
        """How much it has to do with a sleep; 0 is nothing."""
        return shared(self.span, thing.covers) if self.span else len(self.ids & thing.ids)


class Anchors(Generic[H]):
    """Finds what each word means among sleeps."""

    def __init__(self, things: Sequence[H]) -> None:
        self._calendar: Calendar[H] = Calendar()
        self._by_id: dict[str, list[H]] = {}
        for thing in things:
            self._calendar.add(thing.covers, thing)
            for name in thing.ids:
                self._by_id.setdefault(name, []).append(thing)

    def all(self, word: Word) -> list[H]:
        """What it has to do with, most first; of two that share as much the earlier."""
        if word.span:
            near = self._calendar.near(word.span)
        else:
            near = [thing for name in sorted(word.ids) for thing in self._by_id.get(name, ())]
        unique = {id(thing): thing for thing in near if word.hold(thing)}
        return sorted(unique.values(), key=lambda t: (-word.hold(t), t.covers))

    def best(self, word: Word) -> H | None:
        return next(iter(self.all(word)), None)


def span_of(edit: Edit) -> tuple[Span, ...]:
    """The time that an edit is about; nothing where it has no length."""
    if edit.start is None or edit.end is None or edit.end <= edit.start:
        return ()
    return (Span(edit.start, edit.end),)


def in_order(edits: Iterable[Edit]) -> list[Edit]:
    """Oldest first: of two that say different things the later one counts."""
    return sorted(edits, key=lambda e: (e.made_at or EARLIEST, e.id))


def by_date_only(edit: Edit) -> bool:
    """Whether it has to be told which sleep its date stands for."""
    if edit.kind in (EditKind.ADDED, EditKind.RATING, EditKind.NOTES):
        return False
    return edit.date is not None and not span_of(edit)


def words_of(edits: Iterable[Edit], mains: Mapping[dt.date, Episode]) -> list[Word]:
    """Every edit with its anchor; `mains` are the nights before any of them."""
    return [Word(edit, _ids(edit, mains)) for edit in in_order(edits)]


def _ids(edit: Edit, mains: Mapping[dt.date, Episode]) -> frozenset[str]:
    main = mains.get(edit.date) if edit.date and by_date_only(edit) else None
    return main.ids if main else frozenset()


def times_there(edit: Edit, zone_start: str, zone_end: str) -> dict[str, object]:
    """Times told on the wall clock with its offset; `later` names those that it showed again."""
    later = edit.value.get("later")
    twice = later if isinstance(later, list) else ()
    found: dict[str, object] = {}
    for name in TIMES:
        text = edit.value.get(name)
        if isinstance(text, str) and dt.datetime.fromisoformat(text).tzinfo is None:
            zone = zone_start if name in EVENING else zone_end
            wall = dt.datetime.fromisoformat(text)
            found[name] = wall.replace(tzinfo=zone_info(zone), fold=name in twice).isoformat()
    return found


# -- sleeps that the person adds ---------------------------------------------------------------


def added(edits: Iterable[Edit], reports: Sequence[Report]) -> list[Report]:
    """The sleeps that the person added, as reports of a source of their own."""
    return [
        _report(edit, span, reports)
        for edit in edits
        for span in span_of(edit)
        if edit.kind is EditKind.ADDED
    ]


def _report(edit: Edit, span: Span, others: Sequence[Report]) -> Report:
    start, end = span
    kind = edit.value.get("kind")
    zone, zone_from = _zone(edit, start, others)
    return Report(
        id=edit.id,
        provider=PERSON,
        account="",
        session=Session(
            external_id=edit.id,
            source=Source(PERSON, "you"),
            start=start,
            end=end,
            kind=Kind(str(kind)) if kind in (Kind.MAIN, Kind.NAP) else None,
            method=Method.MANUAL,
            sleep_start=start,
            sleep_end=end,
            totals=Totals(asleep=span.seconds),
            revised_at=edit.made_at,
        ),
        zone_start=zone,
        zone_end=zone,
        zone_from=zone_from,
        arrived_at=edit.made_at,
    )


def _zone(edit: Edit, start: dt.datetime, others: Sequence[Report]) -> tuple[str, ZoneFrom]:
    """The zone that the edit was made in, else that of the nearest report."""
    told = edit.value.get("zone")
    if isinstance(told, str):
        return told, ZoneFrom(str(edit.value.get("zone_from", ZoneFrom.PERSON)))
    if not others:
        return "UTC", ZoneFrom.NONE
    near = min(others, key=lambda r: (abs(r.session.start - start), r.id))
    return near.zone_end, ZoneFrom.NEIGHBOUR


# -- what the edits decide ---------------------------------------------------------------------


def kind_word(words: Sequence[Word], rules: Rules) -> Callable[[Part], str | None]:
    """What the person calls a part: main, nap, or part of a night; the last word counts."""
    kinds = [w for w in words if w.edit.kind is EditKind.KIND]

    def word(part: Part) -> str | None:
        for told in reversed(kinds):
            if _added_after(told, part.report):
                return None
            means = mostly_same(told.span, (part.span,), rules.same_sleep)
            if means or part.report.id in told.ids:
                return str(told.edit.value.get("kind"))
        return None

    return word


def source_words(words: Sequence[Word], groups: Sequence[Group]) -> dict[int, SourceRank]:
    """The source that the person named, by the identity of the group that it is for."""
    anchors = Anchors(groups)
    named = {}
    for word in words:
        group = anchors.best(word) if word.edit.kind is EditKind.SOURCE else None
        if group is not None and not any(_added_after(word, s.last) for s in group.sleeps):
            value = word.edit.value
            key = value.get("source")
            named[id(group)] = SourceRank(
                str(value.get("provider")),
                str(value.get("account") or ""),
                None if key is None else str(key),
            )
    return named


def edited(episodes: Sequence[Episode], words: Sequence[Word], rules: Rules) -> list[Episode]:
    """The episodes with their times as the person says, and those marked that were no sleep.

    What the person added counts against every word that is older: that was of something else.
    """
    anchors = Anchors(episodes)
    times: dict[int, dict[str, dt.datetime | None]] = {}
    dead: set[int] = set()
    refused: set[int] = set()  # what was no sleep, before the person added this
    for word in words:
        found = anchors.all(word)
        means = found[:1] if word.span else found
        older = bool(found) and _added_after(word, found[0].chosen.last)
        marked = refused if older else dead
        if word.edit.kind is EditKind.NOT_SLEEP:
            marked.update(map(id, means))
        elif _says_sleep(word.edit):
            marked.difference_update(map(id, means))
        if word.edit.kind is EditKind.TIMES and found and not older:
            held = _held(word, found, rules)
            for name, at in _times(word.edit).items():
                times.setdefault(id(_of_end(held, name, at)), {})[name] = at
    beside = [_refused(e) if id(e) in refused else e for e in episodes]
    told = [
        as_told(e, times.get(id(was), {}), dead=id(was) in dead)
        for was, e in zip(episodes, beside, strict=True)
    ]
    return counted_once(beside, told)


def _added_after(word: Word, report: Report) -> bool:
    """Whether the person added a sleep after they said that word."""
    made = word.edit.made_at or EARLIEST, word.edit.id
    return report.provider == PERSON and made < (report.arrived_at or EARLIEST, report.id)


def _says_sleep(edit: Edit) -> bool:
    """Whether it takes back that something was no sleep: what has a kind or times was one."""
    named = edit.kind is EditKind.SOURCE and edit.value.get("provider") != AUTO
    return named or edit.kind in (EditKind.KIND, EditKind.TIMES)


def _refused(episode: Episode) -> Episode:
    others = (Alternative(other.sleep, NO_SLEEP) for other in episode.alternatives)
    return replace(episode, alternatives=tuple(others))


def _held(word: Word, found: Sequence[Episode], rules: Rules) -> list[Episode]:
    """What an edit of times was made over: one sleep, or what were its parts then, in order."""
    best = found[0].chosen
    parts = [
        e
        for e in found
        if e.chosen.source == best.source
        and mostly_same(word.span, e.chosen.covers, rules.same_sleep)
    ]
    return sorted(parts, key=lambda e: e.chosen.start) or [found[0]]


def _of_end(held: Sequence[Episode], name: str, at: dt.datetime | None) -> Episode:
    """Whose end it is: that of the first or the last part which that time leaves standing."""
    if name in EVENING:
        return next((e for e in held if at is None or at < e.chosen.end), held[0])
    return next((e for e in reversed(held) if at is None or e.chosen.start < at), held[-1])


def _times(edit: Edit) -> dict[str, dt.datetime | None]:
    return {name: _instant(edit.value[name]) for name in TIMES if name in edit.value}


def _instant(value: object) -> dt.datetime | None:
    if value is None:
        return None
    told = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    if told.tzinfo is None:
        raise Fatal(f"{value!r} in an edit has no offset, so nobody knows when that was")
    return told.astimezone(dt.UTC)
