"""The command `night`: shows one night, and takes what the person says of it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sleepbalance.cli.commands import AsJson, User, a_date, cli, opened
from sleepbalance.errors import UsageError

if TYPE_CHECKING:
    from sleepbalance.app import App
    from sleepbalance.model import Report


Word = str | None
A_DATE = "YYYY-MM-DD, last, or -3 for the third night before the last."


def _time(name: str, what: str) -> Any:
    return typer.Option(f"--{name}", metavar="TIME", help=what)


def _word(name: str, metavar: str, what: str) -> Any:
    return typer.Option(f"--{name}", metavar=metavar, help=what)


def _flag(name: str, what: str) -> Any:
    return typer.Option(f"--{name}", help=what)


ADate = Annotated[str, typer.Argument(metavar="DATE", help=A_DATE)]
Edit = Annotated[bool, _flag("edit", "Say other times, with the four below.")]
Bed = Annotated[Word, _time("bed", "You went to bed, like 22:50, or none.")]
Asleep = Annotated[Word, _time("asleep", "You fell asleep.")]
Woke = Annotated[Word, _time("woke", "You woke up.")]
Up = Annotated[Word, _time("up", "You got up, or none.")]
NotSleep = Annotated[bool, _flag("not-sleep", "You did not sleep then.")]
Nap = Annotated[bool, _flag("nap", "It was a nap.")]
Main = Annotated[bool, _flag("main", "It was the night.")]
Part = Annotated[bool, _flag("part", "It was a part of the night.")]
Rate = Annotated[Word, _word("rate", "WORD", "bad, average or good, 1 to 5, or none.")]
Note = Annotated[Word, _word("note", "TEXT", "Your words; empty takes them back.")]
Add = Annotated[Word, _word("add", "SPAN", "A sleep that nobody measured, like 23:10-07:00.")]
Source = Annotated[Word, _word("source", "NAME", "Believe it for this night; auto: the rules.")]
Sleep = Annotated[Word, _time("sleep", "Of several sleeps the one that holds this time.")]
Undo = Annotated[bool, _flag("undo", "Take back what you said last of this date.")]
All = Annotated[bool, _flag("all", "With --undo: all that you said of it.")]
Edits = Annotated[bool, _flag("edits", "List what you said of it.")]


@cli.command(context_settings={"ignore_unknown_options": True})
def night(
    context: typer.Context,
    date: ADate,
    edit: Edit = False,
    bed: Bed = None,
    asleep: Asleep = None,
    woke: Woke = None,
    up: Up = None,
    not_sleep: NotSleep = False,
    nap: Nap = False,
    main: Main = False,
    part: Part = False,
    rate: Rate = None,
    note: Note = None,
    add: Add = None,
    source: Source = None,
    sleep: Sleep = None,
    undo: Undo = False,
    everything: All = False,
    edits: Edits = False,
    user: User = None,
    json: AsJson = False,
) -> None:
    """Show one night whole, with each source's numbers; or say what you know better."""
    times = {"bed_time": bed, "sleep_start": asleep, "sleep_end": woke, "wake_time": up}
    kinds = {"nap": nap, "main": main, "part": part}
    words = {"rating": rate, "note": note, "added": add, "source": source, "sleep": sleep}
    said = _Said(times=times, kinds=kinds, not_sleep=not_sleep, **words)
    said.check(edit=edit, undo=undo, everything=everything, edits=edits)
    with opened(context) as app:
        if edits:
            _list(app, date, user, json=json)
        elif undo or said.anything:
            _change(app, date, user, said, undo=undo, everything=everything, json=json)
        else:
            _show(app, date, user, json=json)


class _Said:
    """What was said on the command line, before anything heavy is loaded."""

    def __init__(self, times: dict[str, Word], kinds: dict[str, bool], **words: Any) -> None:
        self.times = {name: text for name, text in times.items() if text is not None}
        self.kinds = [kind for kind, meant in kinds.items() if meant]
        self.words = words

    @property
    def anything(self) -> bool:
        said = {name: word for name, word in self.words.items() if name != "sleep"}
        return bool(self.kinds or self.times or said.pop("not_sleep")) or any(
            word is not None for word in said.values()
        )

    def check(self, *, edit: bool, undo: bool, everything: bool, edits: bool) -> None:
        """Raises UsageError for words that cannot go together."""
        if len(self.kinds) > 1:
            raise UsageError("One sleep is one of --nap, --main and --part.")
        if edit and not self.times:
            raise UsageError("--edit goes with --bed, --asleep, --woke or --up and a time.")
        if everything and not undo:
            raise UsageError("--all goes with --undo.")
        if undo + edits + self.anything > 1:
            raise UsageError("Say something, --undo it, or list the --edits: one at a time.")
        if self.words["sleep"] is not None and not self.anything:
            raise UsageError("--sleep chooses which sleep you edit: say what of it, too.")
        self._check_one()

    def _check_one(self) -> None:
        words = self.words
        if words["not_sleep"] and (self.kinds or self.times or words["source"]):
            raise UsageError("What was --not-sleep has no times, kind or source.")
        if words["added"] is None:
            return
        if self.times or words["source"] or words["not_sleep"] or words["sleep"]:
            raise UsageError("--add tells its own times; with it go --nap, --rate and --note.")
        if self.kinds == ["part"]:
            raise UsageError("--add makes a sleep of its own; add it first, then say --part.")


def _show(app: App, date: str, user: str | None, *, json: bool) -> None:
    from sleepbalance.cli import show

    if naps := _lone_naps(app, date, user):
        _show_naps(app, naps, json=json)
        return
    row = _pick(app, date, user)
    if json:
        _as_json(app, row, user)
    else:
        _page(app, show.screen(purpose=app.folder.purpose), row, user)


def _as_json(app: App, row: dict[str, Any] | None, user: str | None) -> None:
    from sleepbalance.cli import makers, plain

    if row is not None:
        row = {**row, "makers": makers.said(row, _reports(app, row, user))}
    plain.as_json(row, purpose=app.folder.purpose)


def _lone_naps(app: App, date: str, user: str | None) -> list[dict[str, Any]]:
    """What a date without a night has to show."""
    if date == "last" or re.fullmatch(r"-\d+", date):
        return []
    day = a_date("DATE", date)
    return app.lone_naps(user, day, day)


def _show_naps(app: App, naps: list[dict[str, Any]], *, json: bool) -> None:
    from sleepbalance.cli import one_night, plain, show

    if json:
        found = {"sleep_date": naps[0]["sleep_date"], "naps": naps}
        plain.as_json(found, purpose=app.folder.purpose)
    else:
        one_night.show_naps(show.screen(purpose=app.folder.purpose), naps)


def _page(app: App, out: Any, row: dict[str, Any], user: str | None) -> None:
    from sleepbalance.cli import one_night, words

    one_night.show(out, row, _reports(app, row, user))
    if words.only_words(row) and (why := _left_out(app, user, row["sleep_date"])):
        out.say(why)


def _reports(app: App, row: dict[str, Any], user: str | None) -> list[Report]:
    return [stored.report for stored in app.sessions_of(user, row["sleep_date"])]


def _change(
    app: App,
    date: str,
    user: str | None,
    said: _Said,
    *,
    undo: bool,
    everything: bool,
    json: bool,
) -> None:
    from sleepbalance.app import editing
    from sleepbalance.cli import edited, show

    day = _day(app, date, user)
    if undo:
        done = editing.undo(app, user, day, everything=everything)
    else:
        kind = said.kinds[0] if said.kinds else None
        words = editing.Said(times=said.times, kind=kind, **said.words)
        done = editing.edit(app, user, day, words)
    if json:
        _as_json(app, done.after, user)
        return
    out = show.screen(purpose=app.folder.purpose)
    edited.tell(out, day, done, undone=undo)
    if done.after is not None:
        out.say("")
        _page(app, out, done.after, user)


def _list(app: App, date: str, user: str | None, *, json: bool) -> None:
    from sleepbalance.app import editing
    from sleepbalance.cli import edited, plain, show

    day = _day(app, date, user)
    rows = editing.listed(app, user, day)
    if json:
        plain.as_json(rows, purpose=app.folder.purpose)
    else:
        edited.listed(show.screen(purpose=app.folder.purpose), day, rows)


def _day(app: App, date: str, user: str | None) -> dt.date:
    """The date that is meant; of a date without a night something can be said, too."""
    if date == "last" or re.fullmatch(r"-\d+", date):
        found: dt.date = _pick(app, date, user)["sleep_date"]
        return found
    day = a_date("DATE", date)
    assert day is not None
    if not dt.date(1900, 1, 1) <= day <= dt.date(9000, 1, 1):
        raise UsageError(f"DATE: nobody's night was on {day}.")
    return day


def _pick(app: App, date: str, user: str | None) -> dict[str, Any]:
    """The night that is meant by a date, by `last`, or by a number before it."""
    if date == "last" or re.fullmatch(r"-\d+", date):
        rows = app.nights(user)
        back = 0 if date == "last" else int(date[1:])
        if not rows:
            why = _left_out(app, user) or "Import something: sleepbalance import FILE"
            raise UsageError(f"There are no nights here. {why}")
        if back >= len(rows):
            are = "is 1 night" if len(rows) == 1 else f"are {len(rows)} nights"
            raise UsageError(f"There {are} here; {date} is none of them.")
        return rows[-1 - back]
    wanted = a_date("DATE", date)
    rows = app.nights(user, wanted, wanted)
    if not rows:
        none = f"There is no night on {date}. All of them: sleepbalance nights"
        left = _left_out(app, user, wanted)
        raise UsageError(f"{none}. {left}" if left else none)
    return rows[0]


def _left_out(app: App, user: str | None, date: dt.date | None = None) -> str | None:
    """That the order of sources is why there is no night."""
    from sleepbalance.app.left_out import left_out
    from sleepbalance.cli import words

    found = left_out(app, user, date, date)
    return words.left_out(found) if found is not None else None
