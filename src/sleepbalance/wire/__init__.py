"""The one place where bytes go out to makers, and where their failures become ours."""

from __future__ import annotations

from sleepbalance.wire.reading import reason, retry_after, seconds_of_silence, unreadable
from sleepbalance.wire.sending import Wire, host_of, is_loopback

__all__ = [
    "Wire",
    "host_of",
    "is_loopback",
    "reason",
    "retry_after",
    "seconds_of_silence",
    "unreadable",
]
