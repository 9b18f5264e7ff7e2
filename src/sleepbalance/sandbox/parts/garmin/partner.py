"""What Garmin keeps of the app's users: who is registered, what was uploaded, what is sent out."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sleepbalance.sandbox.oauth import Grant
from sleepbalance.sandbox.parts.garmin.desk import PERSONAL, GarminDesk
from sleepbalance.sandbox.parts.garmin.happenings import Happening, between, in_span
from sleepbalance.sandbox.parts.garmin.summaries import TYPES, Summary, summary_id, user_id
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import World

READ, HISTORY = "HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT"
SLOT = 900  # seconds of uploads that go out in one body
MOST = 100  # summaries of a type in one body
KEPT = dt.timedelta(days=7)  # how long a callback works
REST = "https://apis.garmin.com/wellness-api/rest"


@dataclass(frozen=True)
class Delivery:
    """One body that is sent to the app."""

    number: int
    at: dt.datetime
    people: tuple[str, ...]
    body: dict[str, list[Summary]]


@dataclass(frozen=True)
class Pull:
    """What a callback's token opens."""

    person: str
    kind: str
    start: int
    end: int
    until: dt.datetime


@dataclass(frozen=True)
class Order:
    """History that was asked for, and is sent when it is due."""

    due: dt.datetime
    person: str
    kind: str
    start: dt.datetime
    end: dt.datetime


@dataclass
class Partner:
    """One app that takes part in Garmin's program. `gather` brings it up to the clock."""

    world: World
    desk: GarminDesk
    outbox: list[Delivery] = field(default_factory=list)
    uploads: list[Happening] = field(default_factory=list)
    pulls: dict[str, Pull] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    asked: list[tuple[str, str, int, int]] = field(default_factory=list)  # grant, type, from, to
    _told: dict[str, dt.datetime] = field(default_factory=dict)  # person → until when
    _left: set[str] = field(default_factory=set)  # the last consents of those who left
    _sent: int = 0

    # -- who is registered ---------------------------------------------------------------------

    def grants(self, person: str) -> list[Grant]:
        """Every consent of that person, oldest first."""
        every = self.desk.grants.values()
        return [g for g in every if g.person == person and PERSONAL not in g.scopes]

    def registration(self, person: str) -> Grant | None:
        return next((g for g in reversed(self.grants(person)) if g.alive), None)

    def end(self, person: str) -> None:
        """The person, or the app, ends it; Garmin says so."""
        for grant in self.grants(person):
            grant.alive = False
        self.gather()

    def permit(self, person: str, permissions: tuple[str, ...]) -> None:
        """The person changes in Garmin Connect what may be read."""
        self.gather()
        for grant in self.grants(person):
            grant.scopes = permissions
        who, now = self.world.person(person), self.world.now()
        item = {
            "userId": user_id(who),
            "summaryId": summary_id(who, "permissions", now),
            "permissions": list(permissions),
            "changeTimeInSeconds": int(now.timestamp()),
        }
        self._put(now, (person,), {"userPermissionsChange": [item]})

    # -- what goes out -------------------------------------------------------------------------

    def gather(self) -> None:
        """Everything that has happened since the last time goes into the outbox."""
        now = self.world.now()
        found: list[Happening] = []
        for person in self.world.people.values():
            found += self._news(person, now)
        found += self._ordered(now)
        self.uploads += found
        self._send_out(found)
        self._say_who_left(now)

    def _news(self, person: Person, now: dt.datetime) -> Iterator[Happening]:
        grant = self.registration(person.id)
        if grant is None:
            return
        since = self._told.get(person.id, grant.since)
        self._told[person.id] = max(now, since)
        if READ in grant.scopes and now > since:
            yield from self._enabled(between(self.world, person, since, now, self.desk.settings))

    def _enabled(self, happenings: Iterable[Happening]) -> Iterator[Happening]:
        """A type without an address in Garmin's portal is not sent."""
        return (h for h in happenings if h.kind in self.desk.settings["endpoints"])

    def _ordered(self, now: dt.datetime) -> Iterator[Happening]:
        due = [order for order in self.orders if order.due <= now]
        self.orders = [order for order in self.orders if order.due > now]
        for order in due:
            grant = self.registration(order.person)
            if grant and READ in grant.scopes:
                person, span = self.world.person(order.person), (order.start, order.end)
                yield from in_span(
                    self.world, person, order.kind, span, order.due, self.desk.settings
                )

    def _send_out(self, found: list[Happening]) -> None:
        """What was uploaded within a quarter of an hour goes out together, whosever it is."""
        found.sort(key=lambda h: h.at)
        for slot, group in groupby(found, key=lambda h: int(h.at.timestamp()) // SLOT):
            together = list(group)
            if self.desk.settings["mode"] == "ping":
                self._ping(slot * SLOT, together)
            else:
                self._push(together)

    def _push(self, together: list[Happening]) -> None:
        """As many bodies as are needed."""
        bodies: dict[int, list[Happening]] = {}
        counts: Counter[str] = Counter()
        for h in together:
            bodies.setdefault(counts[h.kind] // MOST, []).append(h)
            counts[h.kind] += 1
        for sent in bodies.values():
            body: dict[str, list[Summary]] = {}
            for h in sent:
                body.setdefault(h.kind, []).append({"userId": user_id(h.person), **h.summary})
            self._put(sent[-1].at, tuple(sorted({h.person.id for h in sent})), body)

    def _ping(self, start: int, together: list[Happening]) -> None:
        body: dict[str, list[Summary]] = {}
        concerned = dict.fromkeys((h.kind, h.person.id) for h in together)
        for kind, who in concerned:
            token = secrets.token_urlsafe(18)
            until = together[-1].at + KEPT
            self.pulls[token] = Pull(who, kind, start, start + SLOT, until)
            body.setdefault(kind, []).append(
                {
                    "userId": user_id(self.world.person(who)),
                    "callbackURL": (
                        f"{REST}/{TYPES[kind]}?uploadStartTimeInSeconds={start}"
                        f"&uploadEndTimeInSeconds={start + SLOT}&token={token}"
                    ),
                }
            )
        self._put(together[-1].at, tuple(sorted({who for _, who in concerned})), body)

    def _say_who_left(self, now: dt.datetime) -> None:
        for person in self.world.people.values():
            last = next(reversed(self.grants(person.id)), None)
            if last is None or self.registration(person.id) or last.id in self._left:
                continue
            self._left.add(last.id)
            self._told.pop(person.id, None)
            self._put(now, (person.id,), {"deregistrations": [{"userId": user_id(person)}]})

    def _put(self, at: dt.datetime, people: tuple[str, ...], body: dict[str, Any]) -> None:
        self._sent += 1
        self.outbox.append(Delivery(self._sent, at, people, body))
