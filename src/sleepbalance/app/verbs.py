"""The verbs of an open data folder: people, imports, and everything that looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepbalance import derive, providers
from sleepbalance.app import naps
from sleepbalance.errors import Unavailable, UsageError
from sleepbalance.folder import Folder
from sleepbalance.model import zone_info
from sleepbalance.store import history, leases, nights, people, sessions
from sleepbalance.store.engine import Connection, Engine, reading, writing
from sleepbalance.store.people import Person

DEMO_MARK = b"sleepbalance:demo"
FIRST_USER = "me"
LAPSES_AFTER = round(leases.LIFE.total_seconds())  # what somebody who died was at work on
SETTLES = 7  # days, of a maker that is not known any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What a door wants to hear while an import runs.

    Bytes (done, all), waiting, a new user, a part of what was handed over that nobody knows.
    """

    on_bytes: Callable[[int, int], None] = lambda _done, _all: None
    waiting: Callable[[], None] = lambda: None
    made_user: Callable[[str], None] = lambda _name: None
    unknown: Callable[[str], None] = lambda _name: None


@dataclass(slots=True)
class Overview:
    """Counts over nights: measured, in bed only, neither, naps, and with a guessed zone."""

    measured: int = 0
    in_bed_only: int = 0
    unmeasured: int = 0
    naps: int = 0
    guessed: int = 0
    total: int = 0
    first: dt.date | None = None
    last: Mapping[str, Any] | None = None  # the last night, whole
    lone_naps: Sequence[Mapping[str, Any]] = ()  # of dates that have no night

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts one more night; they come in order of date."""
        slept = row["total_sleep_time"] is not None
        self.total += 1
        self.measured += slept
        in_bed = (row["details"] or {}).get("time_in_bed") is not None or bool(row["bed_time"])
        self.in_bed_only += not slept and not row["is_deleted"] and in_bed
        self.unmeasured += not slept and not row["is_deleted"] and not in_bed
        self.naps += len(row["naps"])
        unplaced = (row["details"] or {}).get("zone_from") in ("file", "none", None)
        self.guessed += unplaced and not row["is_deleted"]
        self.first = self.first or row["sleep_date"]
        self.last = row


@dataclass(frozen=True, slots=True)
class App:
    """An open data folder. Every method is one verb, in transactions of its own."""

    folder: Folder
    engine: Engine

    # -- people --------------------------------------------------------------------------------

    def add_user(self, name: str) -> Person:
        with writing(self.engine) as connection:
            return people.add(connection, name)

    def users(self) -> list[Person]:
        with reading(self.engine) as connection:
            return people.everybody(connection)

    def person(self, name: str | None) -> Person:
        """The user of that name, or the only one. Raises UsageError where that is not clear."""
        with reading(self.engine) as connection:
            found = _chosen(connection, name)
        if found is None:
            raise UsageError(
                "There is nobody here yet. First: sleepbalance import FILE, or connect a maker:"
                " sleepbalance connect PROVIDER"
            )
        return found

    def set_zone(
        self, name: str | None, zone: str, first: dt.date | None, last: dt.date | None
    ) -> int:
        """Says where a person lived; derives their nights again and gives how many changed."""
        person = self.person(name)
        _check_zone(zone)
        if first is not None and last is not None and last < first:
            raise UsageError(f"--until {last} lies before --from {first}.")
        with writing(self.engine) as connection:
            people.set_zone(connection, person.id, zone, first, last)
            return derive.derive_all(connection, person.id)

    # -- import --------------------------------------------------------------------------------

    def import_path(self, path: Path, **how: Any) -> dict[str, Any]:
        """Imports one maker's export; gives the attempt's row. See `import_paths`."""
        return self.import_paths([path], **how)[0]

    def import_paths(
        self,
        paths: Sequence[Path],
        *,
        user: str | None = None,
        timezone: str | None = None,
        replace: bool = False,
        now: dt.datetime | None = None,
        listening: Listening | None = None,
    ) -> list[dict[str, Any]]:
        """Imports what a person exported from wherever, each maker's in one attempt; their rows.

        Raises UsageError when nobody knows what any of it is: then nothing was tried.
        """
        from sleepbalance import archive, sync
        from sleepbalance.app import handed

        listening = listening or Listening()
        if timezone is not None:
            _check_zone(timezone)
        on_bytes = handed.Together(listening.on_bytes)
        found = handed.sorted_out(paths, archive.open_parts(paths, on_bytes=on_bytes))
        for batch in found.batches:
            handed.guard(self.folder, batch)
        for name in found.unknown:
            listening.unknown(name)
        person = self.person_or_new(user, listening.made_user)
        jobs = [
            sync.Import(
                user_id=person.id,
                provider=batch.provider,
                door=batch.door,
                members=batch.members,
                problems=tuple(batch.problems),
                unopened=tuple(batch.unopened),
                now=now or dt.datetime.now(dt.UTC),
                replace=replace,
                timezone=timezone,
                waiting=listening.waiting,
            )
            for batch in found.batches
        ]
        return [sync.import_file(self.engine, job) for job in jobs]

    def person_or_new(
        self, name: str | None, made: Callable[[str], None] = lambda _name: None
    ) -> Person:
        """The user of that name, or the only one; the first one is made. `made` hears of that."""
        with writing(self.engine) as connection:
            people.lock(connection)
            if people.everybody(connection):
                found = _chosen(connection, name)
                if found is not None:
                    return found
            person = people.add(connection, name or FIRST_USER)
        made(person.name)
        return person

    # -- looking -------------------------------------------------------------------------------

    def nights(
        self, name: str | None, first: dt.date | None = None, last: dt.date | None = None
    ) -> list[dict[str, Any]]:
        """Nights keyed by the columns of `sleep_records`, with `naps` and `details`."""
        with reading(self.engine) as connection:
            person = _chosen(connection, name)
            if person is None:
                return []
            return [_night(*both) for both in nights.listed(connection, person.id, first, last)]

    def overview(self, user_id: str, first: dt.date, last: dt.date) -> Overview:
        """What the nights of a range add up to, without holding them all."""
        found = Overview()
        with reading(self.engine) as connection:
            for both in nights.listed(connection, user_id, first, last):
                found.add(_night(*both))
            found.lone_naps = naps.alone(connection, user_id, first, last)
        return found

    def lone_naps(
        self, name: str | None, first: dt.date | None = None, last: dt.date | None = None
    ) -> list[dict[str, Any]]:
        """Naps of dates that have no night; see `naps.alone`."""
        with reading(self.engine) as connection:
            person = _chosen(connection, name)
            return naps.alone(connection, person.id, first, last) if person else []

    def sessions_of(self, name: str | None, date: dt.date) -> list[sessions.Stored]:
        """What each source told of the night of a date."""
        person = self.person(name)
        with reading(self.engine) as connection:
            return sessions.of_date(connection, person.id, date)

    def history(self, name: str | None, **wanted: Any) -> list[dict[str, Any]]:
        """Attempts, newest first; of everybody where no name is given."""
        person = self.person(name) if name is not None else None
        self._close_lapsed()
        with reading(self.engine) as connection:
            return history.attempts(connection, user_id=person.id if person else None, **wanted)

    def _close_lapsed(self) -> None:
        """Attempts that nobody works on any more end here; nobody is waited for without need."""
        with reading(self.engine) as connection:
            lapsed = history.any_lapsed(connection)
        if lapsed:
            # Somebody who writes just now, or stands still doing it, must not hold up a look.
            with suppress(Unavailable), writing(self.engine, patience_ms=200) as connection:
                history.close_lapsed(connection)

    def stats(self, name: str | None) -> list[dict[str, Any]]:
        """Per provider: attempts by outcome, success rate in percent, sleeps that came."""
        person = self.person(name) if name is not None else None
        self._close_lapsed()
        with reading(self.engine) as connection:
            rows = history.statuses(connection, person.id if person else None)
        return [_rates(provider, rows) for provider in sorted({row.provider for row in rows})]


def _rates(provider: str, rows: Sequence[Any]) -> dict[str, Any]:
    mine = [row for row in rows if row.provider == provider]
    by = {s: sum(row.status == s for row in mine) for s in ("success", "partial", "failed")}
    ended = sum(by.values())
    worked = [row.sync_started_at for row in mine if row.status in ("success", "partial")]
    return {
        "provider": provider,
        "attempts": len(mine),
        **by,
        "in_progress": len(mine) - ended,
        "success_rate": round(100 * by["success"] / ended, 1) if ended else None,
        "records_fetched": sum(row.records_fetched for row in mine),
        "last_success_at": max(worked, default=None),
    }


def night_of(connection: Connection, user_id: str, date: dt.date) -> dict[str, Any] | None:
    """The night of a date, like those of `App.nights`."""
    found = [_night(*both) for both in nights.listed(connection, user_id, date, date)]
    return found[0] if found else None


def _night(record: dict[str, Any], details: dict[str, Any] | None) -> dict[str, Any]:
    if details is not None:
        details = {**details, **_provisional(record["sleep_date"], details)}
    return {**record, "naps": details["naps"] if details else [], "details": details}


def _provisional(date: dt.date, details: Mapping[str, Any]) -> dict[str, Any]:
    """Until when the maker may revise the night; afterwards it is as good as final.

    Some makers never call some nights final.
    """
    if not details["provisional"]:
        return {"provisional_until": None}
    provider = providers.load().get(details["provider"] or "")
    days = [door.api.reading.settles_after for door in provider.remote] if provider else []
    until = date + dt.timedelta(days=max(days, default=SETTLES))
    over = until < dt.datetime.now(dt.UTC).date()
    return {"provisional": 0 if over else 1, "provisional_until": None if over else until}


def _chosen(connection: Connection, name: str | None) -> Person | None:
    if name is not None:
        return people.find(connection, name)
    everybody = people.everybody(connection)
    if len(everybody) > 1:
        known = ", ".join(person.name for person in everybody)
        raise UsageError(f"There are several people here ({known}): say whom with --user NAME.")
    return everybody[0] if everybody else None


def _check_zone(zone: str) -> None:
    try:
        zone_info(zone)
    except ValueError as error:
        raise UsageError(f"{error}.") from None
