"""The Personal API: what each request passes, and what it is answered."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sleepbalance.sandbox import gates
from sleepbalance.sandbox.parts.garmin import days, measures
from sleepbalance.sandbox.parts.garmin.desk import PERSONAL, GarminDesk
from sleepbalance.sandbox.parts.garmin.night import Night, told
from sleepbalance.sandbox.parts.garmin.refusals import TOO_MANY, Refusal
from sleepbalance.sandbox.people import DAY, Person
from sleepbalance.sandbox.world import World

LONGEST = {"sleep": 31, "hrv": 365, "summaries": 90}  # days in one request
NOTHING = object()  # 204


@dataclass(frozen=True)
class Visit:
    """One request that was let in."""

    request: Request
    world: World
    person: Person
    desk: GarminDesk

    def night(self, date: dt.date) -> Night:
        return told(self.world, self.person, date)

    @property
    def zone(self) -> str:
        """The zone of the account, in which days lie on the calendar."""
        set_to = self.desk.settings["zones"].get(self.person.id, self.person.zone)
        return str(set_to)

    @property
    def clock_zone(self) -> str:
        return "UTC" if self.zone == "gmt" else str(ZoneInfo(self.zone))

    def asked(self, name: str) -> dt.date:
        sent = self.request.path_params.get(name, self.request.query_params.get(name, ""))
        try:
            return dt.date.fromisoformat(sent)
        except ValueError:
            raise Refusal(400, f"Invalid value for {name}: {sent!r}") from None

    def range(self, first: str, last: str, longest: int) -> list[dt.date]:
        low, high = self.asked(first), self.asked(last)
        if high < low:
            raise Refusal(400, f"{last} must not be before {first}")
        if (high - low).days + 1 > longest:
            raise Refusal(400, f"The range must not be longer than {longest} days")
        return [low + n * DAY for n in range((high - low).days + 1)]


async def exchange(request: Request) -> Response:
    """The bare token, as text. A key that is wrong, deleted or over is refused."""
    desk: GarminDesk = request.app.state.desks["garmin"]
    header = request.headers.get("authorization", "")
    request.state.grant = desk.grant_of(header.partition(" ")[2].strip())
    token = desk.exchange(header)
    if token is None:
        return Refusal(401, "Invalid personal API key").response()
    return PlainTextResponse(token, headers={"cache-control": "no-store"})


def answering(handle: Callable[[Visit], Any]) -> Callable[[Request], Any]:
    """Makes an endpoint of a function that gives JSON, NOTHING, or raises a Refusal."""

    async def entering(request: Request) -> Any:
        async with _entered(request) as visit:
            answer = handle(visit)
        return Response(status_code=204) if answer is NOTHING else answer

    return gates.answering(entering)


def _too_many(wait: int) -> Refusal:
    return Refusal(429, TOO_MANY, wait=wait)


@asynccontextmanager
async def _entered(request: Request) -> AsyncIterator[Visit]:
    desk: GarminDesk = request.app.state.desks["garmin"]
    world: World = request.app.state.world
    grant = desk.bearer(request.headers.get("authorization", ""))
    request.state.grant = grant
    if grant is None or PERSONAL not in grant.scopes:
        raise Refusal(401, "Invalid or expired access token")
    limit = desk.settings["requests_a_minute"]
    gates.count(request, ("garmin", grant.id), limit, _too_many)
    doing: dict[str, int] = request.app.state.recent.setdefault("garmin at once", {})
    if doing.get(grant.id, 0) >= desk.settings["at_once"]:
        raise _too_many(14)
    doing[grant.id] = doing.get(grant.id, 0) + 1
    try:
        await asyncio.sleep(desk.settings["answer_after"])
        yield Visit(request, world, world.person(grant.person), desk)
    finally:
        doing[grant.id] -= 1


# -- what there is -------------------------------------------------------------------------------


def sleep_summaries(visit: Visit) -> Any:
    asked = visit.range("startDate", "endDate", LONGEST["sleep"])
    return [days.daily_sleep(visit.night(date)) for date in asked]


def sleep_of_day(visit: Visit) -> Any:
    return days.daily_sleep(visit.night(visit.asked("date")))


def hrv_range(visit: Visit) -> Any:
    """Only the nights that have one; without any there is no content."""
    asked = visit.range("first", "last", LONGEST["hrv"])
    nights = [night for date in asked if (night := visit.night(date)).vital]
    if not nights:
        return NOTHING
    summaries = [measures.hrv_summary(night) for night in nights]
    return {"hrvSummaries": summaries, "userProfilePk": days.profile_number(visit.person)}


def hrv_of_day(visit: Visit) -> Any:
    night = visit.night(visit.asked("date"))
    return measures.hrv_chart(night) if night.vital else NOTHING


def oxygen(visit: Visit) -> Any:
    return measures.oxygen(visit.night(visit.asked("date")), visit.clock_zone)


def heart_rate(visit: Visit) -> Any:
    date, now = visit.asked("date"), visit.world.now()
    return measures.heart_rates(visit.person, date, visit.clock_zone, now)


def day(visit: Visit) -> Any:
    night = visit.night(visit.asked("calendarDate"))
    return measures.daily_summary(night, visit.clock_zone, visit.world.now())


def summaries(visit: Visit) -> Any:
    """Too long a range fails here in another way than elsewhere."""
    try:
        asked = visit.range("startDate", "endDate", LONGEST["summaries"])
    except Refusal as no:
        raise Refusal(500 if "longer" in no.message else 400, no.message) from None
    zone, now = visit.clock_zone, visit.world.now()
    return {"data": [measures.summary_of_day(visit.night(date), zone, now) for date in asked]}


def settings(visit: Visit) -> Any:
    return {
        "displayName": days.display_name(visit.person),
        "preferredLocale": "en",
        "measurementSystem": "metric",
        "firstDayOfWeek": {
            "dayId": 3,
            "dayName": "monday",
            "sortOrder": 3,
            "isPossibleFirstDay": True,
        },
        "numberFormat": "decimal_period",
        "timeZone": visit.zone,
        "golfDistanceUnit": "metric",
        "availableTrainingDays": None,
    }
