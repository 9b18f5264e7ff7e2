"""What people read about connections, syncs and the doctor's findings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sleepbalance.app import connected
from sleepbalance.app.accepting import Accepted
from sleepbalance.app.doctor import Finding
from sleepbalance.app.links import Ended
from sleepbalance.cli import words
from sleepbalance.cli.show import Screen

Row = Mapping[str, Any]
MARKS = {"ok": ("✓", "green"), "mind": ("!", "yellow"), "wrong": ("✗", "red")}


def connections(out: Screen, rows: Sequence[dict[str, Any]], now: dt.datetime) -> None:
    """A paragraph for each connection."""
    if not rows:
        out.say("Nothing is connected yet. Connect something: sleepbalance connect PROVIDER")
        return
    several = len({row["user"] for row in rows}) > 1
    for row in rows:
        whose = f" of {row['user']}" if several else ""
        account = f", account {row['account']}" if row["account"] else ""
        out.say(f"{row['name']}{whose}{account}", style="bold")
        for line in _lines(row, now):
            out.say(f"  {line}")


def _lines(row: dict[str, Any], now: dt.datetime) -> list[str]:
    lines = [connected.in_words(row, now)]
    if row["reads"]:
        lines.append(f"may read: {', '.join(row['reads'])}")
    if row["may_not_read"]:
        lines.append(f"may not read: {', '.join(row['may_not_read'])}; connect again to allow it")
    if row["last_sync_at"]:
        lines.append(f"last synced {row['last_sync_at']:%Y-%m-%d %H:%M} UTC")
    said = _RANGES | (
        {"asked": f"asked for, and {_COMES[row['arrives']]}"} if row["by_push"] else {}
    )
    lines += [f"{said[s]}: {', '.join(map(_range, row[s]))}" for s in said if row[s]]
    if row["earlier_to_come"]:
        lines.append("the years before are still to come: sleepbalance sync goes on with them")
    ends = row["consent_expires_at"]
    if row["status"] == "connected" and ends and not connected.ends_soon(row, now):
        lines.append(f"the {row['ends']} ends {ends:%Y-%m-%d %H:%M} UTC")
    return lines


_COMES = {True: "comes by itself", False: "did not come"}
_RANGES = {
    "fetched": "fetched",
    "asked": "came empty, to be asked once more",
    "wanted": "still missing",
    "refused": "the maker does not give",
}


def _range(span: Mapping[str, dt.date]) -> str:
    return f"{span['from']} – {span['to']}"


def attempt(out: Screen, row: Row) -> None:
    """One window, as it ends."""
    dates = f"{row['sync_date_from']} – {row['sync_date_to']}"
    said = (row["detail"] or {}).get("summary") or row["status"].replace("_", " ")
    out.say(f"{row['provider']} {dates}: {said}")
    if row["error_message"]:
        style = "red" if row["status"] == "failed" else "yellow"
        out.say(f"  {row['error_code'] or ''}: {row['error_message']}", style=style)


def _nothing_asked(out: Screen, rows: Sequence[dict[str, Any]]) -> None:
    pushed = [row for row in rows if row["by_push"] and row["may_not_read"]]
    silent = [row for row in pushed if not row["arrives"]]
    for row in silent:
        said = connected.nothing_arrives(row)
        out.say(f"Mind: {row['name']} of {row['user']}: {said}", style="yellow")
    if not silent:
        out.say("Nothing is to be asked for: what is new comes by itself.")


def synced(
    out: Screen, attempts: Sequence[Row], rows: Sequence[dict[str, Any]], now: dt.datetime
) -> None:
    """What a sync came to in all, and which consents will end soon."""
    if not attempts:
        _nothing_asked(out, rows)
        return
    counts = {key: sum(row[f"records_{key}"] for row in attempts) for key in _COUNTS}
    failed = sum(row["status"] == "failed" for row in attempts)
    said = (
        f"{counts['fetched']:,} sleeps = {counts['inserted']:,} new"
        f" + {counts['updated']:,} changed + {counts['skipped']:,} known already"
    )
    out.say(said + (f"; {words.count(failed, 'window')} failed." if failed else "."))
    if failed:
        heals = all(row["error_code"] in HEALS for row in attempts if row["status"] == "failed")
        again = "What is missing is asked for again by the next sync. " if heals else ""
        out.say(f"{again}The log: sleepbalance history")
    else:
        out.say(_next(rows, counts["fetched"]))
    for row in rows:
        if connected.ends_soon(row, now):
            out.say(
                f"Mind: {row['name']} of {row['user']}: {connected.in_words(row, now)}", "yellow"
            )


def accepted(
    out: Screen, done: Accepted, names: Mapping[str, str], hints: Mapping[str, str]
) -> None:
    """What became of a body that was pushed elsewhere.

    `names` are the people's, by id; `hints` say what is to be done about accounts set aside.
    """
    for row in done.attempts:
        if len(done.attempts) > 1:
            out.say(f"Of {names.get(row['user_id'], '')}:")
        attempt(out, row)
    for account, items in done.aside.items():
        said = f"{words.count(items, 'item')} of the account {account}: {hints[account]}"
        out.say(said, style="yellow")
    for why, items in done.problems.items():
        out.say(f"{words.count(items, 'item')} could not be read: {why}.", style="yellow")
    if done.attempts:
        out.say("Next: sleepbalance nights, sleepbalance history")


def _next(rows: Sequence[dict[str, Any]], fetched: int) -> str:
    pushing = [row["provider"] for row in rows if row["by_push"]]
    if pushing and not fetched:
        return (
            "What was asked for is pushed. What was pushed elsewhere:"
            f" sleepbalance accept {pushing[0]} FILE"
        )
    return "Next: sleepbalance nights, sleepbalance night last, sleepbalance connections"


HEALS = ("RATE_LIMITED", "PROVIDER_UNAVAILABLE", "BAD_DATA", "INTERRUPTED")
_COUNTS = ("fetched", "inserted", "updated", "skipped")


def ended(out: Screen, name: str, done: Ended) -> None:
    """What became of a connection that was ended."""
    out.say(f"{name} is {'removed' if done.deleted else 'disconnected'}.")
    if done.shared:
        out.say(f"{name} was not told: somebody else here is connected with the same account.")
    elif done.revoked:
        out.say(f"{name} was told, and forgets the consent.")
    elif done.revoked is False:
        out.say(f"{name} could not be told: take the consent back in your account there.")
    if done.nights is not None:
        said = words.count(done.nights, "night")
        out.say(f"Its data is deleted; {said} derived again from what is left.")
        if done.left:
            out.say(
                f"What came of {name} by file, or by another account, is still here; to delete that"
                " as well, say the same once more."
            )
    else:
        out.say("Its nights and the log stay.")


def findings(out: Screen, found: Sequence[Finding]) -> None:
    """One line each, with what to do next beneath it."""
    for finding in found:
        mark, style = MARKS[finding.verdict]
        out.say(f"{mark} {finding.what}: {finding.said}", style=style)
        if finding.next:
            out.say(f"    next: {finding.next}")
