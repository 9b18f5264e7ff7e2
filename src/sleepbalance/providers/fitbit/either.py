"""Sends each raw record to those who know it: the API's to its own, the archive's to theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sleepbalance.provider import Normalised, Raw

from . import archive
from .normalise import merge as merge_told
from .normalise import normalise as of_told


def normalise(raws: Iterable[Raw]) -> Normalised:
    """One session for each sleep, whichever door it came through."""
    raws = list(raws)
    filed = [raw for raw in raws if raw.kind in archive.KINDS]
    told = [raw for raw in raws if raw.kind not in archive.KINDS]
    if not filed:
        return of_told(told)
    if not told:
        return archive.normalise(filed)
    both = (of_told(told), archive.normalise(filed))
    return Normalised(
        sessions=tuple(session for one in both for session in one.sessions),
        aside=tuple(each for one in both for each in one.aside),
    )


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """Of several versions of a record what is to be kept."""
    return (archive.merge if kind in archive.KINDS else merge_told)(kind, payloads)
