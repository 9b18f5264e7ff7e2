"""The verbs for edits: what a person says of a sleep, in a layer that no sync touches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sleepbalance import derive
from sleepbalance.app import clocks, ordering, sleeping
from sleepbalance.app.sleeping import Chosen
from sleepbalance.app.verbs import App, night_of
from sleepbalance.derive import Looked
from sleepbalance.errors import UsageError
from sleepbalance.model import Edit, EditKind, ZoneFrom, local
from sleepbalance.nights import AUTO, Episode
from sleepbalance.store import edits, sources
from sleepbalance.store.edits import Anchor
from sleepbalance.store.engine import Connection, clock, reading, writing
from sleepbalance.store.ids import new_id
from sleepbalance.stretches import Span

PERSON = "person"  # who made an edit, where nobody else says so
KINDS = ("main", "nap", "part")
RATINGS = ("bad", "average", "good")
BY_NUMBER = {"1": "bad", "2": "bad", "3": "average", "4": "good", "5": "good"}
NOTHING = "none"
LONGEST_NOTE = 2000
DAY = dt.timedelta(days=1)
HIDDEN = ("together", "zone_from", "near", "later")  # what a value holds for us alone
FUTURE = "That lies in the future."


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person says of one sleep at once; None: nothing of that."""

    sleep: str | None = None  # a time by which one of several sleeps of the date is chosen
    times: Mapping[str, str] = field(default_factory=dict)  # by the names of `clocks.WORDS`
    not_sleep: bool = False
    kind: str | None = None
    source: str | None = None
    rating: str | None = None
    note: str | None = None
    added: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the date that the sleep has now, and the night before and after.

    Where there is no night on that date, `after` is that of the date which was spoken of.
    """

    date: dt.date
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    changed: int  # nights that are others now
    edits: Sequence[dict[str, Any]]  # what was said, or taken back


def edit(app: App, user: str | None, date: dt.date, said: Said, *, by: str = PERSON) -> Done:
    """Writes what a person says, and derives the nights it touches, in one transaction.

    Raises UsageError, and writes nothing, for what cannot be meant.
    """
    person = app.person(user)
    with writing(app.engine) as connection:
        return _Work(connection, person.id, date).say(said, by)


def undo(app: App, user: str | None, date: dt.date, *, everything: bool = False) -> Done:
    """Takes back what was said last of a date, or all of it."""
    person = app.person(user)
    with writing(app.engine) as connection:
        return _Work(connection, person.id, date).undo(everything=everything)


def listed(app: App, user: str | None, date: dt.date) -> list[dict[str, Any]]:
    """All that was ever said of the sleeps of a date, the oldest first."""
    person = app.person(user)
    with reading(app.engine) as connection:
        looked = derive.look(connection, person.id, _day(date))
        mine = {e.id: e for e in _of_date(looked, date)}
        return [
            _plain(mine.get(kept.edit.id, kept.edit), kept.undone_at, kept.wall)
            for kept in edits.everything(connection, person.id)
            if kept.edit.id in mine or (kept.undone_at and kept.edit.date == date)
        ]


def _day(date: dt.date) -> Span:
    start = dt.datetime.combine(date, dt.time(), dt.UTC)
    return start, start + DAY


def _of_date(looked: Looked, date: dt.date) -> list[Edit]:
    """The edits of sleeps that are a date's now, or were when they were edited."""
    meant = {name: episode.date for name, episode in looked.told.meant.items()}
    return [e for e in looked.said if date in (meant.get(e.id), e.date)]


def _plain(
    edit: Edit, undone_at: dt.datetime | None, wall: tuple[str, str] | None = None
) -> dict[str, Any]:
    return {
        "id": edit.id,
        "kind": str(edit.kind),
        "value": {k: v for k, v in edit.value.items() if k not in HIDDEN},
        "start": edit.start,
        "end": edit.end,
        "sleep_date": edit.date,
        "made_at": edit.made_at,
        "made_by": edit.made_by,
        "undone_at": undone_at,
        "clock": _clock(edit, wall) if edit.kind is EditKind.ADDED else None,
    }


def _clock(edit: Edit, wall: tuple[str, str] | None) -> str:
    """A sleep that the person added, as the clock on the wall told it."""
    if edit.start is None or edit.end is None:
        return "–".join(text[11:16] for text in wall or ())
    zone = str(edit.value.get("zone", "UTC"))
    return f"{local(edit.start, zone):%H:%M}–{local(edit.end, zone):%H:%M}"


@dataclass(frozen=True, slots=True)
class _Work:
    """One change of the edits of a date, inside one transaction."""

    connection: Connection
    user_id: str
    date: dt.date

    def _look(self) -> Looked:
        return derive.look(self.connection, self.user_id, _day(self.date))

    def _ready(self) -> Looked:
        """What is there, with everything of the date derived, and nobody else writing."""
        derive.derive(self.connection, self.user_id, [_day(self.date)])
        return self._look()

    def say(self, said: Said, by: str) -> Done:
        looked, now = self._ready(), clock(self.connection)
        if self.date > (now + 14 * dt.timedelta(hours=1)).date():
            raise UsageError(f"{self.date} lies in the future.")
        before = night_of(self.connection, self.user_id, self.date)
        near = sources.nearest_zone(self.connection, self.user_id, _day(self.date)[0])
        told = _Told(looked, self.date, said, now, near)
        anchor, words, span = told.new_sleep() if said.added else told.of_a_sleep()
        together = {"together": new_id()}
        fresh = [(kind, value | together) for kind, value in words]
        ids = edits.add(self.connection, self.user_id, anchor, fresh, by=by, now=now)
        changed = self._derive([span])
        after = self._look()
        made = [_plain(e, None) for e in after.said if e.id in ids]
        meant = after.told.meant.get(ids[0])
        return self._done(meant.date if meant else self.date, before, changed, made)

    def undo(self, *, everything: bool) -> Done:
        looked, now = self._ready(), clock(self.connection)
        before = night_of(self.connection, self.user_id, self.date)
        mine = _of_date(looked, self.date)
        if not mine:
            raise UsageError(f"Nothing was said of {self.date} that could be taken back.")
        newest = max(mine, key=lambda e: (e.made_at or now, e.id))
        gone = mine if everything else [e for e in mine if _together(e, newest)]
        edits.undo(self.connection, [e.id for e in gone], now)
        changed = self._derive([_span(e) for e in gone], {e.date for e in gone if e.date})
        date = _date_now(looked.told.meant.get(newest.id), self._look()) or self.date
        return self._done(date, before, changed, [_plain(e, now) for e in gone])

    def _derive(self, spans: Sequence[Span], dates: set[dt.date] | None = None) -> int:
        spoken = {self.date, *(dates or ())}
        around = [_day(date) for date in spoken]
        changed = [*spans, *around]
        return derive.derive(self.connection, self.user_id, changed, spoken=spoken)

    def _done(
        self,
        date: dt.date,
        before: dict[str, Any] | None,
        changed: int,
        said: Sequence[dict[str, Any]],
    ) -> Done:
        after = night_of(self.connection, self.user_id, date)
        after = after or night_of(self.connection, self.user_id, self.date)
        return Done(date, before, after, changed, said)


def _together(one: Edit, two: Edit) -> bool:
    told = two.value.get("together")
    return one.id == two.id or (told is not None and told == one.value.get("together"))


def _span(edit: Edit) -> Span:
    date = edit.date or dt.date(1970, 1, 1)
    return (edit.start, edit.end) if edit.start and edit.end else _day(date)


def _date_now(before: Episode | None, looked: Looked) -> dt.date | None:
    """The date of a sleep that an edit was about, after the edit is gone."""
    if before is None:
        return None
    return next((e.date for e in looked.told.episodes if e.ids & before.ids), None)


# -- what is said ------------------------------------------------------------------------------

Words = list[tuple[EditKind, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a person says, read against the sleeps that are there."""

    looked: Looked
    date: dt.date
    said: Said
    now: dt.datetime
    near: str | None  # the zone of the nearest sleep of which it is known, however far

    def new_sleep(self) -> tuple[Anchor, Words, Span]:
        """A sleep that nobody measured, with rating and note."""
        added = clocks.read_span(self.said.added or "", self.date)
        zone, zone_from = self.looked.zone(added.end)
        near = self.near if zone_from is ZoneFrom.NONE else None
        start, end = clocks.placed(added, added.zone or near or zone)
        if end > self.now:
            raise UsageError(FUTURE)
        sleeping.check_free(self.looked, (start, end))
        told = {"kind": self.said.kind} if self.said.kind else {}
        if added.zone is None:
            anchor = Anchor(self.date, added.start, added.end, wall=True, near=near)
        else:
            anchor, told = Anchor(self.date, start, end), told | {"zone": added.zone}
        return anchor, [(EditKind.ADDED, told), *_quality(self.said)], (start, end)

    def of_a_sleep(self) -> tuple[Anchor, Words, Span]:
        """Words on a sleep that is there; a rating and a note may be of a date without any."""
        said = self.said
        about_sleep = said.not_sleep or said.kind or said.source or said.times or said.sleep
        chosen = sleeping.choose(
            self.looked, self.date, said.sleep, parts=said.kind is not None, need=bool(about_sleep)
        )
        words = _quality(said)
        if chosen is None:
            return Anchor(self.date), words, _day(self.date)
        if said.not_sleep:
            words.append((EditKind.NOT_SLEEP, {}))
        if said.kind:
            words.append((EditKind.KIND, {"kind": said.kind}))
        if said.source:
            words.append((EditKind.SOURCE, _source(said.source, chosen)))
        span = chosen.span
        if said.times:
            found = clocks.resolve(said.times, chosen.ends)
            words.append((EditKind.TIMES, self._times(found, chosen)))
            known = [at for at in found.values() if at is not None]
            span = min([span[0], *known]), max([span[1], *known])
        return chosen.anchor, words, span

    def _times(self, found: Mapping[str, dt.datetime | None], chosen: Chosen) -> dict[str, Any]:
        if any(at is not None and at > self.now for at in found.values()):
            raise UsageError(FUTURE)
        return chosen.spelled(found)


def _quality(said: Said) -> Words:
    words: Words = []
    if said.rating is not None:
        words.append((EditKind.RATING, _rating(said.rating)))
    if said.note is not None:
        words.append((EditKind.NOTES, {"notes": _note(said.note)}))
    return words


def _rating(text: str) -> dict[str, Any]:
    word = text.strip().casefold()
    if word == NOTHING:
        return {"rating": None}
    if word in BY_NUMBER:
        return {"rating": BY_NUMBER[word], "number": int(word)}
    if word not in RATINGS:
        known = ", ".join(RATINGS)
        raise UsageError(f"A night is rated {known}, or 1 to 5; {NOTHING} takes a rating back.")
    return {"rating": word}


def _note(text: str) -> str | None:
    text = text.strip()
    if len(text) > LONGEST_NOTE:
        raise UsageError(f"A note has at most {LONGEST_NOTE:,} characters; this has {len(text):,}.")
    if any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in text):
        raise UsageError("A note is text; this one holds characters that cannot be read.")
    if any(0xD800 <= ord(c) < 0xE000 for c in text):
        raise UsageError("A note is text; this one is not in the encoding of your terminal.")
    return text or None


def _source(word: str, chosen: Chosen) -> dict[str, Any]:
    if word.strip().casefold() == AUTO:
        return {"provider": AUTO, "account": "", "source": None}
    if not ordering.find(word, chosen.sources) and chosen.others:
        raise UsageError(_elsewhere(word, chosen))
    rank = ordering.match(word, chosen.sources)
    name = ordering.called(rank, chosen.sources)
    return {
        "provider": rank.provider,
        "account": rank.account,
        "source": rank.source_key,
        "name": name,
    }


def _elsewhere(word: str, chosen: Chosen) -> str:
    """Where a source is looked for that told another sleep of the date, or none."""
    date, told = chosen.anchor.date, chosen.others
    named = [sleep for sleep in told if ordering.find(word, sleep.sources)]
    sleeps = "; ".join(
        f"{', '.join(map(str, sleep.sources))} {sleep.start}–{sleep.end}" for sleep in named or told
    )
    here = ", ".join(map(str, chosen.sources))
    return (
        f"{word!r} tells nothing of this sleep; there are: {here}. Other sleeps ended on {date}:"
        f" {sleeps}. One of them becomes the night with: sleepbalance night {date}"
        f" --sleep {(named or told)[0].start} --main"
    )
