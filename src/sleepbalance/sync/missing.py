"""Sleeps that a complete answer lacks: marked, hidden when they are missing again a day later.

See docs/decisions/sleeps-that-go-missing.md for the rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sleepbalance.provider import Provider
from sleepbalance.store import absences, raws, sessions
from sleepbalance.store.engine import Connection
from sleepbalance.store.raws import Owner, Placed
from sleepbalance.store.sessions import Stored
from sleepbalance.store.spool import Spool
from sleepbalance.stretches import Span

AGAIN_AFTER = dt.timedelta(hours=24)


@dataclass(slots=True)
class Missing:
    """Sessions by what their absence means."""

    leaving: list[Stored] = field(default_factory=list)  # to be hidden now
    marked: list[str] = field(default_factory=list)  # missing for the first time
    back: list[str] = field(default_factory=list)  # marked before, and told again
    gone: list[str] = field(default_factory=list)  # keys of the raw records behind `leaving`


def note_missing(
    connection: Connection,
    owner: Owner,
    provider: Provider,
    spool: Spool,
    ask: Span,
    now: dt.datetime,
) -> Missing:
    """Compares what is known with a complete, non-empty answer, and marks what it lacks."""
    standing = [s for s in sessions.ending(connection, owner, *ask) if _by_network(s, provider)]
    found = Missing()
    if standing:
        low = min(min(s.sent.start, s.report.session.start) for s in standing)
        high = max(max(s.sent.end, s.report.session.end) for s in standing)
        records = _Records(raws.placed(connection, owner, low, high), provider, spool, ask)
        for stored in standing:
            _judge(stored, records, found, now)
    absences.mark_absent(connection, found.marked, now)
    absences.mark_absent(connection, found.back, None)
    raws.withdraw(connection, owner, found.gone, now)
    return found


def _by_network(stored: Stored, provider: Provider) -> bool:
    """Whether it came from where this answer came from; a file's sleeps are the file's."""
    return not provider.files or stored.sent.door != "file"


def _judge(stored: Stored, records: _Records, found: Missing, now: dt.datetime) -> None:
    behind = records.behind(stored)
    if not records.lacks(behind):
        if stored.absent_since is not None and behind:
            found.back.append(stored.report.id)
        return
    since = stored.absent_since
    if records.replaced(stored) or (since is not None and now - since >= AGAIN_AFTER):
        found.leaving.append(stored)
        found.gone += [record.key for record in behind]
    elif since is None:
        found.marked.append(stored.report.id)


class _Records:
    """The raw records around, and which of them came."""

    def __init__(
        self, placed: Sequence[Placed], provider: Provider, spool: Spool, ask: Span
    ) -> None:
        self._placed = placed
        self._alone = not provider.reach
        self._ask = ask
        self._has = spool.has
        self._spans = {source: list(spool.spans(source)) for source in spool.sources}

    def behind(self, stored: Stored) -> list[Placed]:
        """The records that a session was made of."""
        sent = stored.sent
        near = [
            record
            for record in self._placed
            if record.source == sent.source.key
            and record.start < sent.end
            and record.end > sent.start
        ]
        own = [record for record in near if record.key == sent.external_id]
        return own if own and self._alone else near

    def lacks(self, behind: Iterable[Placed]) -> bool:
        """Whether the answer speaks of the time of all of these records, and has none of them."""
        start, end = self._ask
        told = [start <= record.end < end and not self._has(record.key) for record in behind]
        return bool(told) and all(told)

    def replaced(self, stored: Stored) -> bool:
        """Whether something that came covers half of it, or lies half in it."""
        sent = stored.sent
        return any(
            2 * (min(end, sent.end) - max(start, sent.start))
            >= min(end - start, sent.end - sent.start)
            for start, end in self._spans.get(sent.source.key, ())
        )
