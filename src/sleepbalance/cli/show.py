"""What people read: tables and sentences on a terminal, the same as plain text in a pipe."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sleepbalance.app import Overview
from sleepbalance.cli import words

if TYPE_CHECKING:
    from sleepbalance.app.left_out import LeftOut

Night = Mapping[str, Any]
MARKS = {
    "demo": "DEMO · made-up data, not yours",
    "sandbox": "SANDBOX · made-up people, not you",
}
MOST_LINES = 10  # at the end of an import


class Screen(Console):
    """A console that lets no text through which could steer the terminal.

    Whatever makers, files and people wrote passes here as text: no markup, no control characters.
    """

    def say(self, text: str, style: str = "") -> None:
        """Prints one line of text."""
        self.print(Text(words.safe(text), style=style), no_wrap=not self.is_terminal)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Prints a table; a head that begins with `>` has its column aligned to the right."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for head in heads:
            side: Literal["right", "left"] = "right" if head.startswith(">") else "left"
            table.add_column(head.removeprefix(">"), justify=side, no_wrap=True)
        for row in rows:
            table.add_row(*(Text(words.safe(cell)) for cell in row))
        self.print(table)


def screen(*, purpose: str | None) -> Screen:
    """Standard output; in a pipe as wide as its tables want to be. Made-up data is marked first."""
    terminal = sys.stdout.isatty()
    out = Screen(
        width=None if terminal else 160,
        highlight=False,
        markup=False,  # what makers and people wrote is text, not markup
        emoji=False,
        soft_wrap=not terminal,
    )
    if purpose:
        out.say(MARKS[purpose], style="bold black on yellow")
    return out


def nights(
    out: Screen,
    rows: Sequence[Night],
    lone_naps: Sequence[Night] = (),
    left_out: LeftOut | None = None,
) -> None:
    """One line a night, the newest at the bottom, with what is not certain marked."""
    if rows:
        _nights_table(out, rows)
    elif lone_naps:
        out.say(_only_naps(lone_naps))
    elif left_out is None:
        out.say(
            "No nights here. Import something: sleepbalance import FILE, or connect a maker:"
            " sleepbalance connect PROVIDER"
        )
    if left_out is not None:
        out.say(words.left_out(left_out))


def _nights_table(out: Screen, rows: Sequence[Night]) -> None:
    stages = (">Deep", ">REM", ">Light", ">Awake")
    heads = ("Night", ">Asleep", "From–to", *stages, ">Heart", "Source", "")
    years = len({row["sleep_date"].year for row in rows}) > 1
    out.table(heads, [_night_line(row, year=years) for row in rows])
    used = {mark for row in rows for mark in _marks(row)}
    for mark, meaning in _MEANINGS.items():
        if mark in used:
            out.say(f"{mark} {meaning}", style="dim")


def _only_naps(naps: Sequence[Night]) -> str:
    last = naps[-1]
    return (
        f"No nights here, only {words.count(len(naps), 'nap')}: a nap alone makes no night."
        f" The last of them: sleepbalance night {last['sleep_date']}"
    )


_MEANINGS = {
    "in bed": "only time in bed is known; nobody measured sleep",
    "≈": "the zone is a guess: say where you were with sleepbalance zone set ZONE",
    "…": "provisional: the maker may still revise it",
    "✎": "edited by you",
    "+nap": "a nap on that date, with times of its own",
    "2 parts": "the night was interrupted for longer; the gap is not counted",
    "not sleep": "said not to be sleep, or taken back by its maker",
}


def _marks(row: Night) -> list[str]:
    details = row["details"] or {}
    marks = {
        "not sleep": bool(row["is_deleted"]),
        "in bed": row["total_sleep_time"] is None and details.get("time_in_bed") is not None,
        "2 parts": len(details.get("parts") or ()) > 1,
        "+nap": bool(row["naps"]),
        "≈": details.get("zone_from") in ("file", "none"),
        "…": bool(details.get("provisional")),
        "✎": bool(details.get("edited")),
    }
    return [mark for mark, there in marks.items() if there]


def _night_line(row: Night, *, year: bool) -> list[str]:
    details = row["details"] or {}
    asleep = row["total_sleep_time"]
    times = (row["sleep_start_time"], row["sleep_end_time"])
    if asleep is None:
        times = (row["bed_time"], row["wake_time"])
    marks = [m if m != "2 parts" else f"{len(details['parts'])} parts" for m in _marks(row)]
    return [
        words.night(row["sleep_date"], details.get("evening_date"), year=year),
        words.minutes(asleep),
        words.span(*times) if any(times) else "–",
        words.minutes(row["deep_sleep_duration"]),
        words.minutes(row["rem_sleep_duration"]),
        words.minutes(row["light_sleep_duration"]),
        words.minutes(row["awake_duration"]),
        words.number(row["avg_heart_rate"]),
        str(details.get("source_name") or row["data_source"]),
        " ".join(marks),
    ]


def imported(
    out: Screen,
    attempt: Mapping[str, Any],
    overview: Overview,
    path: str,
    left_out: LeftOut | None = None,
) -> None:
    """What an import did, in at most ten lines that can be checked."""
    if attempt["status"] == "failed":
        out.print(
            Text(f"Nothing was imported from {path}: {attempt['error_message']}", style="red")
        )
        return
    for line in _import_lines(attempt, overview, path, left_out)[:MOST_LINES]:
        out.say(line)


def _import_lines(
    attempt: Mapping[str, Any], overview: Overview, path: str, left_out: LeftOut | None
) -> list[str]:
    detail = attempt["detail"]
    samples = (
        f"{detail['read']:,} read = {detail['used']:,} used"
        f" + {detail['repeated']:,} repeated + {detail['set_aside']:,} set aside"
    )
    sleeps = (
        f"{attempt['records_fetched']:,} = {attempt['records_inserted']:,} new"
        f" + {attempt['records_updated']:,} changed"
        f" + {attempt['records_skipped']:,} known already"
    )
    removed = f" {words.count(detail['hidden'], 'sleep')} removed." if detail["hidden"] else ""
    lines = [
        f"Imported {path}" + (", with something set aside." if detail["reasons"] else "."),
        f"Samples of sleep: {samples}.",
        f"Sleeps: {sleeps}.{removed}",
    ]
    if not detail["sources"]:
        lines.append(_ONLY_BESIDE)
    if overview.last is not None:
        lines += [_nights_line(overview), *_sources_lines(detail["sources"])]
        lines.append(_zones_line(overview))
    elif overview.lone_naps:
        lines.append(_only_naps(overview.lone_naps))
    if attempt["error_message"]:
        lines.append(f"Mind: {attempt['error_message']}")
    if left_out is not None:
        lines.append(f"Mind: {words.left_out(left_out)}")
    lines += [f"Mind: {each}." for each in detail["unopened"]]
    if overview.last is not None:
        lines.append(f"Last night: {words.in_words(overview.last)}")
    lines.append("Next: sleepbalance nights, sleepbalance night last, sleepbalance history")
    return lines


def _nights_line(overview: Overview) -> str:
    first, last = overview.first, overview.last
    assert first is not None
    assert last is not None
    naps = overview.naps + len(overview.lone_naps)
    nothing = f" {overview.unmeasured:,} not measured," if overview.unmeasured else ""
    return (
        f"Nights: {overview.measured:,} measured, {overview.in_bed_only:,} in bed only,{nothing}"
        f" {words.count(naps, 'nap')}, from {words.day(first, year=True)}"
        f" to {words.day(last['sleep_date'], year=True)}."
    )


_ONLY_BESIDE = (
    "No sleep is in it, only what belongs to sleeps. It is kept and goes with them, also where"
    " they come later: hand over the other files of the export, too."
)


def _sources_lines(sources: Mapping[str, int]) -> list[str]:
    if not sources:
        return []
    ordered = sorted(sources.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} {n:,}" for name, n in ordered[:6]]
    more = len(ordered) - len(named)
    return ["Sources: " + ", ".join(named) + (f" and {more} more." if more else ".")]


def _zones_line(overview: Overview) -> str:
    known, guessed = overview.total - overview.guessed, overview.guessed
    text = f"Zones: known for {words.count(known, 'night')}, guessed for {guessed:,}."
    return text + (" Say where you lived: sleepbalance zone set Europe/Berlin" if guessed else "")


def history(out: Screen, attempts: Sequence[Mapping[str, Any]]) -> None:
    """One line an attempt, newest first; beneath them what came of a sync, and what went wrong."""
    if not attempts:
        out.say("Nothing was tried yet.")
        return
    counts = (">Sleeps", ">New", ">Changed", ">Same")
    heads = ("Started (UTC)", "Provider", "By", "Dates", "Outcome", *counts)
    out.table(heads, [_attempt_line(row) for row in attempts])
    for row in attempts:
        if said := _outcome_in_words(row):
            out.say(f"{_started(row)} {said}", style="dim")


def _outcome_in_words(row: Mapping[str, Any]) -> str:
    """What came of an attempt; empty where its line in the table says all there is."""
    said = []
    if summary := (row["detail"] or {}).get("summary"):
        said.append(f"{row['provider']} {_dates(row)}: {summary}")
    if row["error_message"]:
        if not said and row["sync_trigger"] != "import":
            said.append(f"{row['provider']} {_dates(row)}")
        said.append(f"{row['error_code'] or ''}: {row['error_message']}")
    return "; ".join(said)


def _started(row: Mapping[str, Any]) -> str:
    return f"{row['sync_started_at']:%Y-%m-%d %H:%M:%S}"


def _dates(row: Mapping[str, Any]) -> str:
    return f"{row['sync_date_from']} – {row['sync_date_to']}"


def _attempt_line(row: Mapping[str, Any]) -> list[str]:
    counts = [row[f"records_{k}"] for k in ("fetched", "inserted", "updated", "skipped")]
    return [
        _started(row),
        row["provider"],
        row["sync_trigger"] or "",
        _dates(row),
        row["status"].replace("_", " "),
        *(f"{n:,}" for n in counts),
    ]


def stats(out: Screen, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a provider."""
    if not rows:
        out.say("Nothing was tried yet.")
        return
    numbers = (">Attempts", ">Success", ">Partial", ">Failed", ">Running", ">Rate", ">Sleeps")
    heads = ("Provider", *numbers, "Last that worked (UTC)")
    out.table(heads, [_rates_line(row) for row in rows])


def _rates_line(row: Mapping[str, Any]) -> list[str]:
    last: dt.datetime | None = row["last_success_at"]
    keys = ("attempts", "success", "partial", "failed", "in_progress")
    return [
        row["provider"],
        *(f"{row[key]:,}" for key in keys),
        "–" if row["success_rate"] is None else f"{row['success_rate']:g} %",
        f"{row['records_fetched']:,}",
        "–" if last is None else f"{last:%Y-%m-%d %H:%M}",
    ]
