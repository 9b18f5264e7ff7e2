"""Reads what a reply says besides its data: how long to wait, and why it is no answer."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus

from sleepbalance.errors import Malformed
from sleepbalance.provider import Reply

DAY = 86_400.0
FIRST_UNIX_TIME = 1e9  # seconds; what is above is no duration
FIRST_UNIX_MILLIS = 1e12
LONGEST_REASON = 200  # characters
REASONS = ("message", "error_description", "error_message", "detail", "title", "reason", "error")


def retry_after(reply: Reply) -> float | None:
    """Seconds to wait before the same request, at most a day; None where the maker says nothing."""
    told = reply.headers.get("retry-after", "").strip()
    if (seconds := _number(told)) is not None:
        return _bounded(seconds)
    if (instant := _date(told)) is not None:
        return _bounded(instant - _now(reply))
    resets = [_until(value, reply) for name, value in reply.headers.items() if _is_reset(name)]
    return max((seconds for seconds in resets if seconds is not None), default=None)


def seconds_of_silence(reply: Reply) -> float | None:
    """Seconds without any request that follow a reply whose headers say that none is left."""
    longest = None
    for name, value in reply.headers.items():
        if _is_limit(name, "-remaining") and _number(value) == 0:
            reset = reply.headers.get(name.removesuffix("remaining") + "reset")
            seconds = None if reset is None else _until(reset, reply)
            if seconds is not None:
                longest = max(seconds, longest or 0.0)
    return longest


def reason(reply: Reply, hide: Collection[str] = ()) -> str:
    """What the maker says in words, short and in one line, without any of `hide`; "" if nothing."""
    try:
        words = " ".join(_words(reply.json()).split())
    except Malformed:
        return ""
    for secret in sorted(hide, key=len, reverse=True):
        for spelled in {secret, quote(secret, safe=""), quote_plus(secret)}:
            words = words.replace(spelled, "…") if len(spelled) > 3 else words
    kept = "".join(letter for letter in words if letter.isprintable())
    return kept if len(kept) <= LONGEST_REASON else f"{kept[: LONGEST_REASON - 1]}…"


def unreadable(reply: Reply) -> bool:
    """Whether a body that should be a JSON object is none."""
    try:
        return not isinstance(reply.json(), Mapping)
    except Malformed:
        return True


def _words(said: Any) -> str:
    if isinstance(said, list):
        said = said[0] if said else ""
    if isinstance(said, Mapping):
        if isinstance(said.get("errors"), list | Mapping):
            return _words(said["errors"])
        found = [said[name] for name in REASONS if isinstance(said.get(name), str) and said[name]]
        nested = said.get("error")
        return _words(nested) if isinstance(nested, Mapping) else ": ".join(reversed(found[:2]))
    return said if isinstance(said, str) else ""


def _is_reset(name: str) -> bool:
    return _is_limit(name, "-reset")


def _is_limit(name: str, ending: str) -> bool:
    """X-RateLimit-Reset, RateLimit-Reset, X-Rate-Limit-Reset, <Maker>-Rate-Limit-Reset."""
    return name.removesuffix(ending).replace("-", "").endswith("ratelimit") and name.endswith(
        ending
    )


def _until(value: str, reply: Reply) -> float | None:
    """Seconds until a reset that is told in seconds, or as a Unix time in seconds or millis."""
    number = _number(value)
    if number is None or number < FIRST_UNIX_TIME:
        return None if number is None else _bounded(number)
    return _bounded(number / (1000 if number >= FIRST_UNIX_MILLIS else 1) - _now(reply))


def _number(value: str) -> float | None:
    """The first of what may be a list: "0", "0;w=60", "0, 120"."""
    try:
        number = float(re.split("[,;]", value, maxsplit=1)[0])
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), DAY)


def _now(reply: Reply) -> float:
    """By the maker's clock where it shows it: ours may be wrong."""
    return _date(reply.headers.get("date", "")) or dt.datetime.now(dt.UTC).timestamp()


def _date(value: str) -> float | None:
    try:
        instant = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)).timestamp()
