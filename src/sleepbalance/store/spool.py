"""A spool: what reading a file yields, kept on disk until the one transaction that writes it.

It is a private SQLite database without a name: it leaves memory flat however large the file is,
and vanishes with the process, also when that is killed.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from sleepbalance.model import Source
from sleepbalance.provider import Raw
from sleepbalance.store.engine import translated

Merge = Callable[[str, Sequence[bytes]], bytes]
Span = tuple[dt.datetime, dt.datetime]

_SCHEMA = """
CREATE TABLE records (
  key TEXT PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL, start INTEGER, end INTEGER,
  zone TEXT, problem TEXT, revised INTEGER, payload BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX records_by_time ON records (source, start);
CREATE TABLE pieces (
  source TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, start INTEGER, end INTEGER,
  zone TEXT, problem TEXT, payload BLOB NOT NULL
);
"""


@dataclass
class Spool:
    """Raw records on their way in. `read` counts the records seen, `repeated` the repeats.

    Companions are no samples of sleep; one that cannot be read is counted, as it is set aside.
    """

    merge: Merge
    _db: sqlite3.Connection
    sources: dict[str, Source] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    read: int = 0
    repeated: int = 0

    def add(self, raw: Raw) -> None:
        """Keeps a raw record; the same key again is joined with what is there."""
        self.sources.setdefault(raw.source.key, raw.source)
        times = (_epoch(raw.start), _epoch(raw.end))
        if raw.companion:
            self.read += raw.problem is not None
            row = (raw.source.key, raw.key, raw.kind, *times, raw.zone, raw.problem, raw.payload)
            self._db.execute("INSERT INTO pieces VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            return
        self.read += 1
        self.seen[raw.source.key] = self.seen.get(raw.source.key, 0) + 1
        rest = (raw.zone, raw.problem, _epoch(raw.revised_at), raw.payload)
        fresh = self._db.execute(
            "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (raw.key, raw.source.key, raw.kind, *times, *rest),
        )
        if not fresh.rowcount:
            self.repeated += 1
            self._join(raw)

    def _join(self, raw: Raw) -> None:
        query = "SELECT payload FROM records WHERE key = ?"
        (before,) = self._db.execute(query, (raw.key,)).fetchone()
        payload = self.merge(raw.kind, [before, raw.payload])
        if payload == before:
            return
        self._db.execute("UPDATE records SET payload = ? WHERE key = ?", (payload, raw.key))
        if payload == raw.payload:  # the newer version stands, with all that it says
            times = (_epoch(raw.start), _epoch(raw.end), _epoch(raw.revised_at))
            self._db.execute(
                "UPDATE records SET start = ?, end = ?, revised = ?, zone = ?, problem = ?"
                " WHERE key = ?",
                (*times, raw.zone, raw.problem, raw.key),
            )

    def usable(self) -> bool:
        """Whether anything at all could be read."""
        good = "SELECT 1 FROM records WHERE problem IS NULL LIMIT 1"
        return self._db.execute(good).fetchone() is not None or self.beside()

    def beside(self) -> bool:
        """Whether there are companions that can be read."""
        good = "SELECT 1 FROM pieces WHERE problem IS NULL LIMIT 1"
        return self._db.execute(good).fetchone() is not None

    def problems(self) -> list[tuple[str, int]]:
        """Why records were set aside on reading, with how many each, most first."""
        query = (
            "SELECT problem, count(*) FROM"
            " (SELECT problem FROM records UNION ALL SELECT problem FROM pieces)"
            " WHERE problem IS NOT NULL GROUP BY problem ORDER BY count(*) DESC, problem"
        )
        return [(str(why), int(n)) for why, n in self._db.execute(query)]

    def unplaced(self) -> list[str]:
        """Why records could not even be placed in time: nobody knows what they would be."""
        query = "SELECT DISTINCT problem FROM records WHERE problem IS NOT NULL AND start IS NULL"
        return [why for (why,) in self._db.execute(query)]

    def records(self, source: str, size: int = 500) -> Iterator[list[Raw]]:
        """The records of a source in order of time, in batches."""
        query = (
            "SELECT key, kind, start, end, zone, problem, revised, payload FROM records"
            " WHERE source = ? ORDER BY start, key"
        )
        cursor = self._db.cursor()
        cursor.row_factory = sqlite3.Row
        cursor.execute(query, (source,))
        while rows := cursor.fetchmany(size):
            yield [self._raw(source, row) for row in rows]

    def _raw(self, source: str, row: sqlite3.Row) -> Raw:
        return Raw(
            key=row["key"],
            kind=row["kind"],
            source=self.sources[source],
            payload=row["payload"],
            start=_instant(row["start"]),
            end=_instant(row["end"]),
            zone=row["zone"],
            problem=row["problem"],
            revised_at=_instant(row["revised"]),
        )

    def companions(self, source: str) -> Iterator[Raw]:
        """The companions of a source, the readable pieces of each joined."""
        self._db.execute("CREATE INDEX IF NOT EXISTS pieces_by_key ON pieces (source, key)")
        query = (
            "SELECT key, kind, min(start), max(end), max(zone), problem FROM pieces"
            " WHERE source = ? GROUP BY key, kind, problem"
            " ORDER BY problem IS NOT NULL, min(start), key"
        )
        read = "SELECT payload FROM pieces WHERE source = ? AND key = ? AND problem IS ?"
        for key, kind, start, end, zone, why in self._db.execute(query, (source,)).fetchall():
            found = self._db.execute(read, (source, key, why))
            payloads = [payload for (payload,) in found]
            payload = payloads[0] if len(payloads) == 1 else self.merge(kind, payloads)
            yield Raw(
                key=key,
                kind=kind,
                source=self.sources[source],
                payload=payload,
                start=_instant(start),
                end=_instant(end),
                zone=zone,
                companion=True,
                problem=why,
            )

    def spans(self, source: str) -> Iterator[Span]:
        """The spans of the records that can be placed in time, in order."""
        query = (
            "SELECT start, end FROM records"
            " WHERE source = ? AND problem IS NULL AND start IS NOT NULL ORDER BY start"
        )
        for start, end in self._db.execute(query, (source,)):
            yield _instant(start), _instant(end)  # type: ignore[misc] # never None here

    def readable(self, key: str) -> bool:
        """Whether the file tells this record so that it can be read."""
        good = "SELECT 1 FROM records WHERE key = ? AND problem IS NULL"
        return self._db.execute(good, (key,)).fetchone() is not None

    def has(self, key: str) -> bool:
        """Whether the file speaks of this record."""
        return (
            self._db.execute("SELECT 1 FROM records WHERE key = ?", (key,)).fetchone() is not None
        )


class Spools:
    """A spool for each account that a file tells of, "" where it tells none."""

    def __init__(self, merge: Merge, opened: ExitStack) -> None:
        self._merge, self._opened = merge, opened
        self.by_account: dict[str, Spool] = {}

    def add(self, raw: Raw) -> None:
        spool = self.by_account.get(raw.account)
        if spool is None:
            spool = self._opened.enter_context(spooling(self._merge))
            self.by_account[raw.account] = spool
        spool.add(raw)

    @property
    def all(self) -> list[Spool]:
        return [spool for _, spool in sorted(self.by_account.items())]

    @property
    def read(self) -> int:
        return sum(spool.read for spool in self.all)

    @property
    def repeated(self) -> int:
        return sum(spool.repeated for spool in self.all)

    @property
    def usable(self) -> bool:
        """Whether anything at all could be read."""
        return any(spool.usable() for spool in self.all)

    @property
    def beside(self) -> bool:
        """Whether there are companions that can be read."""
        return any(spool.beside() for spool in self.all)

    def problems(self) -> Counter[str]:
        """Why records were set aside on reading, with how many each."""
        return sum((Counter(dict(spool.problems())) for spool in self.all), Counter[str]())

    def unplaced(self) -> list[str]:
        """Why records could not even be placed in time: nobody knows what they would be."""
        return [why for spool in self.all for why in spool.unplaced()]

    def by_name(self) -> Counter[str]:
        """Samples per source; several sources may have one name, e.g. what was typed in."""
        found: Counter[str] = Counter()
        for spool in self.all:
            for key, seen in spool.seen.items():
                found[spool.sources[key].name] += seen
        return found


@contextmanager
def spooling_apart(merge: Merge) -> Iterator[Spools]:
    """Empty spools, one for each account, that are gone afterwards."""
    with ExitStack() as opened:
        yield Spools(merge, opened)


@contextmanager
def spooling(merge: Merge) -> Iterator[Spool]:
    """An empty spool that is gone afterwards."""
    with translated(), closing(sqlite3.connect("", isolation_level=None)) as db:
        db.executescript(_SCHEMA)
        db.execute("PRAGMA cache_size = -2000")  # 2 MB, the rest is on disk
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("BEGIN")
        yield Spool(merge, db)


def _epoch(instant: dt.datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())


def _instant(epoch: int | None) -> dt.datetime | None:
    return None if epoch is None else dt.datetime.fromtimestamp(epoch, dt.UTC)
