"""What the log says of a sync, in words for the person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sleepbalance.errors import (
    NeedsReconnect,
    NotEntitled,
    RateLimited,
    ScopeMissing,
    SleepBalanceError,
    TokenRefused,
)
from sleepbalance.model import Kind
from sleepbalance.store.connections import Connected
from sleepbalance.store.sessions import Stored
from sleepbalance.sync.windows import Window

WORST = 10  # reasons named in the log
HEALED_BY_CONNECTING = (NeedsReconnect, ScopeMissing, TokenRefused)
STOPPED = "You stopped it; what was committed before stays."
DISCONNECTED = (
    "The connection was ended, or made anew, while this ran; nothing of it was kept."
    " Sync again to go on."
)


def worst(aside: Mapping[str, int]) -> list[tuple[str, int]]:
    """The reasons why records were set aside, most first."""
    return sorted(aside.items(), key=lambda item: (-item[1], item[0]))[:WORST]


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@dataclass(frozen=True, slots=True)
class Came:
    """What is known now of the days that were asked."""

    nights: int
    naps: int
    empty: int  # days
    missing: int = 0  # sleeps that the maker does not tell any more, and that stand


def came(window: Window, found: Iterable[Stored]) -> Came:
    """Counts the sleeps of a window that the maker still tells, and those that it does not."""
    here = [s for s in found if s.sleep_date in window]
    told = [s for s in here if s.absent_since is None]
    missing = [s for s in here if s.absent_since is not None and s.superseded_by is None]
    naps = [s for s in told if s.sent.kind is Kind.NAP and s.superseded_by is None]
    nights = {s.sleep_date for s in told if s.sent.kind is not Kind.NAP}
    days = {s.sleep_date for s in (*told, *missing)}
    return Came(len(nights), len(naps), window.days - len(days), len(missing))


def summary(
    window: Window,
    known: Came | None,
    changes: Sequence[tuple[int, str]] = (),
    lacking: Sequence[str] = (),
) -> str:
    """E.g. "asked 14 days, 13 nights came, 1 day empty, 2 changed, no heart rate came"."""
    asked = f"asked {count(window.days, 'day')}"
    if known is None:
        return f"{asked}, nothing was kept"
    if not known.nights and not known.naps:
        parts = [asked, "nothing came"]
    else:
        parts = [asked, f"{count(known.nights, 'night')} came"]
        parts += [count(known.naps, "nap")] if known.naps else []
        parts += [f"{count(known.empty, 'day')} empty"] if known.empty else []
    if known.missing:
        still = "it is" if known.missing == 1 else "they are"
        parts.append(
            f"{count(known.missing, 'sleep')} not told any more (kept until {still} missing again,"
            " a day later)"
        )
    parts += [f"{number} {what}" for number, what in changes if number]
    return ", ".join([*parts, *(f"no {name} came" for name in lacking)])


def ordered(window: Window) -> str:
    """For a window whose answer comes by push."""
    return f"asked for {count(window.days, 'day')}; what there is comes by itself"


def kept_anyway(window: Window, nights: int) -> str:
    """For an empty answer about days of which something is known."""
    are, they = ("is", "it was") if nights == 1 else ("are", "they were")
    return (
        f"Nothing came for {count(window.days, 'day')}, although {count(nights, 'night')}"
        f" {are} known there; {they} kept. The next sync asks again."
    )


def partial(
    troubles: Sequence[tuple[str, SleepBalanceError]], aside: Mapping[str, int], again: str
) -> tuple[str, str] | None:
    """Code and message of what is missing or could not be read; None where nothing is."""
    said = [_trouble(name, error) for name, error in troubles]
    if any(isinstance(error, HEALED_BY_CONNECTING) for _, error in troubles):
        said = [_with_command(" ".join(said), again)]
    codes = [error.code for _, error in troubles if not isinstance(error, NotEntitled)]
    if aside:
        number = sum(aside.values())
        reasons = ", ".join(f"{n} × {why}" for why, n in worst(aside))
        said.append(f"{count(number, 'record')} could not be read, and kept as sent: {reasons}.")
        codes.append("BAD_DATA")
    codes += [error.code for _, error in troubles if isinstance(error, NotEntitled)]
    return (codes[0], " ".join(said)) if codes else None


def _trouble(name: str, error: SleepBalanceError) -> str:
    text = str(error)
    if error.code == "SCOPE_MISSING":
        return text if name in text else f"Without {name}: {text}"
    return f"Without {name}: {text}"


def _with_command(said: str, again: str) -> str:
    return said if again in said else f"{said.rstrip('. ')}. The command: {again}"


def failure(error: SleepBalanceError, again: str, now: dt.datetime) -> str:
    """What went wrong, and what the person does next; `again` is the command to connect anew."""
    said = str(error)
    if isinstance(error, HEALED_BY_CONNECTING):
        return _with_command(said, again)
    if isinstance(error, RateLimited) and error.retry_after:
        until = now + dt.timedelta(seconds=min(error.retry_after, 86_400))
        return f"{said} Sync again after {until:%Y-%m-%d %H:%M} UTC."
    return said


def refusal(bond: Connected, name: str, again: str) -> tuple[str, str] | None:
    """Code and message where a connection cannot be used as it is."""
    if bond.status == "needs_reconnect":
        why = bond.status_reason or f"{name} no longer accepts this connection."
        return "AUTH_ERROR", _with_command(why, again)
    why = f" ({bond.status_reason})" if bond.status_reason else ""
    if bond.status == "ended":
        return "PROVIDER_ENDED", (
            f"{name} can no longer be read this way{why}. What was fetched stays; newer nights"
            " come from another source, or a file: sleepbalance import FILE"
        )
    return None


def wait_until(name: str, until: dt.datetime) -> str:
    return f"{name} asked us to wait: sync again after {until:%Y-%m-%d %H:%M} UTC."
