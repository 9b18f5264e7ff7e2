"""What a maker's data become on their way: raw records, and what they say."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sleepbalance.model import Session, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """The smallest thing a maker can send, revise or delete again, kept as it came.

    `key` is unique within provider and account. `start` and `end` are instants, None where the
    record could not be placed in time. A companion (heart rate, zone marks) is no sleep itself:
    it is handed to `normalise` beside the records it overlaps, and may be a pack of many samples
    that comes in several pieces, which `Provider.merge` joins. One whose source has the key `""`
    belongs to the account, and is handed beside the records of each of its sources. `zone` is where
    the record itself says that the clock was at its start (IANA name or offset); records near it
    that say nothing take it over. One whose times are not instants but what the wall showed leaves
    that to its session. `account` is the maker's name for the account where a file tells it: what
    the files of two accounts tell is never mixed. `problem` says why a record was set aside; it is
    kept all the same.
    """

    key: str
    kind: str
    source: Source
    payload: bytes
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    companion: bool = False
    revised_at: dt.datetime | None = None
    zone: str | None = None
    problem: str | None = None
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last thing that reading yields: what is true of the file as a whole."""

    as_of: dt.datetime | None = None  # when the maker wrote the file
    problems: tuple[str, ...] = ()  # of the file as a whole, e.g. that it was cut off


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """What raw records that touch each other say: sessions, and what was set aside.

    `withdrawn` are external ids of sleeps that the maker takes back (deleted, off the wrist): one
    that was told before is hidden, and kept. A record that merely says nothing withdraws nothing.
    """

    sessions: tuple[Session, ...] = ()
    aside: tuple[tuple[str, str], ...] = ()  # (key of a raw record, reason)
    withdrawn: tuple[str, ...] = ()
