"""Says what an edit did to a night, and what was said of one so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sleepbalance.cli import one_night, words
from sleepbalance.cli.show import Screen

if TYPE_CHECKING:
    from sleepbalance.app.editing import Done

Night = Mapping[str, Any]
_TIMES = (
    ("bed_time", "went to bed"),
    ("sleep_start", "fell asleep"),
    ("sleep_end", "woke up"),
    ("wake_time", "got up"),
)
_KINDS = {"main": "the night", "nap": "a nap", "part": "a part of the night"}
BY = {"person": "you", "app": "the phone app"}


def tell(out: Screen, date: dt.date, done: Done, *, undone: bool) -> None:
    """What was said or taken back, and what changed by it."""
    for said in done.edits:
        out.say(("Taken back: " if undone else "Kept: ") + in_words(said) + ".")
    if done.date != date:
        out.say(f"This sleep is of {words.day(done.date, year=True)} now.")
        out.say(f"{words.count(done.changed, 'night')} changed.")
        return
    for line in _changes(done.before, done.after):
        out.say(line)
    if not undone and _stays_no_sleep(done.before) and _stays_no_sleep(done.after):
        out.say(
            "You said that this was no sleep, so it has no numbers. If it was one:"
            f" sleepbalance night {date} --main, or --undo until that is taken back."
        )
    if done.changed > 1:
        out.say(f"{words.count(done.changed, 'night')} changed.")


def _stays_no_sleep(row: Night | None) -> bool:
    """Whether the person said of a night that it was no sleep."""
    details = (row["details"] or {}) if row else {}
    return "is_deleted" in (details.get("edited") or ())


def _changes(before: Night | None, after: Night | None) -> list[str]:
    if after is None:
        why = "There is no night on this date"
        return [why + (" any more." if before else ": a nap alone makes none.")]
    if before is None:
        return ["There was no night on this date; now there is one."]
    if before["is_deleted"] != after["is_deleted"]:
        gone = "Its numbers are gone; what was told of it is kept."
        return [gone if after["is_deleted"] else "The night has numbers again."]
    ours = zip(one_night.values(before), one_night.values(after), strict=True)
    lines = [f"{label}: {old} → {new}" for (label, old), (_, new) in ours if old != new]
    return lines or ["The numbers of the night are the same."]


def in_words(said: Mapping[str, Any]) -> str:
    """One edit as a person would say it."""
    return _IN_WORDS[said["kind"]](said["value"], said["clock"])


def _times(value: Mapping[str, Any], _: str | None) -> str:
    told = [
        f"{phrase} {words.clock(value[name])}" if value[name] else f"nobody knows when you {phrase}"
        for name, phrase in _TIMES
        if name in value
    ]
    return ", ".join(told)


def _added(value: Mapping[str, Any], clock: str | None) -> str:
    what = "a nap" if value.get("kind") == "nap" else "a sleep"
    return f"{what} that you added, {clock}"


def _source(value: Mapping[str, Any], _: str | None) -> str:
    if value.get("provider") == "auto":
        return "the source that the rules choose"
    return f"told by {value.get('name') or value.get('source') or value.get('provider')}"


def _note(value: Mapping[str, Any], _: str | None) -> str:
    return f"note “{value['notes']}”" if value.get("notes") else "no note"


_IN_WORDS: Mapping[str, Callable[[Mapping[str, Any], str | None], str]] = {
    "times": _times,
    "not_sleep": lambda _, __: "not sleep",
    "added": _added,
    "kind": lambda value, _: _KINDS.get(str(value.get("kind")), "of another kind"),
    "source": _source,
    "rating": lambda value, _: f"rated {value.get('rating') or 'nothing'}",
    "notes": _note,
}


def listed(out: Screen, date: dt.date, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line an edit."""
    if not rows:
        out.say(f"Nothing was said of {words.day(date, year=True)}.")
        return
    heads = ("Said (UTC)", "By", "What", "")
    out.table(heads, [_line(row) for row in rows])


def _line(row: Mapping[str, Any]) -> list[str]:
    gone = row["undone_at"]
    return [
        f"{row['made_at']:%Y-%m-%d %H:%M}",
        BY.get(row["made_by"], row["made_by"]),
        in_words(row),
        "" if gone is None else f"taken back {gone:%Y-%m-%d %H:%M}",
    ]
