"""The streams that are played: stages, activities, heart rate and oxygen, merged and by app."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sleepbalance.sandbox.body import beats, tenth, vitals
from sleepbalance.sandbox.parts.google_fit.apps import (
    BY_HAND,
    OF_DEVICES,
    SECOND,
    app_of,
    point,
    points,
)
from sleepbalance.sandbox.parts.google_fit.gate import ACTIVITY, HEART, OXYGEN, SLEEP, Visit
from sleepbalance.sandbox.parts.google_fit.sessions import between
from sleepbalance.sandbox.people import DAY, Person

GMS = "com.google.android.gms"
CODES = {"awake": 1, "restless": 1, "asleep": 2, "out_of_bed": 3, "light": 4, "deep": 5, "rem": 6}
AS_ACTIVITY = {
    "asleep": 72,
    "light": 109,
    "deep": 110,
    "rem": 111,
    "awake": 112,
    "restless": 112,
    "out_of_bed": 112,
}
WALKING = 7
FIVE_MINUTES = dt.timedelta(minutes=5)
HALF_DAY = dt.timedelta(hours=8)  # from 16 o'clock on it is the next night

Points = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Type:
    """One data type: what is in it between two instants, whoever wrote it."""

    name: str
    scope: str
    merged: str  # how the merged stream is called
    fields: tuple[tuple[str, str], ...]
    read: Callable[[Visit, dt.datetime, dt.datetime], Points]
    apps: tuple[str, ...] = OF_DEVICES


@dataclass(frozen=True)
class Stream:
    """One data source: an app's own, or the merged one where `app` is None."""

    type: Type
    app: str | None = None
    empty: bool = field(default=False)

    @property
    def id(self) -> str:
        if self.app is None:
            return f"derived:{self.type.name}:{GMS}:{self.type.merged}"
        return f"raw:{self.type.name}:{self.app}:{'user_input' if self.app == BY_HAND else ''}"

    def points(self, visit: Visit, low: dt.datetime, high: dt.datetime) -> Points:
        """Those of one app do not say where they are from."""
        for each in iter(()) if self.empty else self.type.read(visit, low, high):
            if self.app is None:
                yield each
            elif each["originDataSourceId"] == self.id:
                yield {name: each[name] for name in each if name != "originDataSourceId"}

    def described(self) -> dict[str, Any]:
        fields = [{"name": name, "format": form} for name, form in self.type.fields]
        return {
            "dataStreamId": self.id,
            "dataStreamName": self.id.rpartition(":")[2],
            "type": "raw" if self.app else "derived",
            "dataType": {"name": self.type.name, "field": fields},
            "application": {"packageName": self.app or GMS},
        }


def streams(visit: Visit) -> Iterator[Stream]:
    """Every one that there is, the merged ones first."""
    for each in TYPES.values():
        yield Stream(each, empty=each.name == STAGES and not visit.settings["merged"])
    for each in TYPES.values():
        for app in each.apps:
            yield Stream(each, app)


# -- what is in them -----------------------------------------------------------------------------


def _stages(visit: Visit, low: dt.datetime, high: dt.datetime) -> Points:
    for session in between(visit, low - DAY, high + DAY):
        if session.end.date() >= _turned(visit):
            yield from points(session, CODES, STAGES)


def _activities(visit: Visit, low: dt.datetime, high: dt.datetime) -> Points:
    """The stages of old nights, and a walk at noon of every day that is over."""
    for session in between(visit, low - DAY, high + DAY):
        if session.end.date() < _turned(visit):
            yield from points(session, AS_ACTIVITY, ACTIVITIES)
    day = max(low.date(), visit.person.began)
    while day <= high.date() and day < visit.world.now().date():
        noon = dt.datetime.combine(day, dt.time(12), ZoneInfo(visit.person.place(day)))
        walk = noon.astimezone(dt.UTC), (noon + 3 * FIVE_MINUTES).astimezone(dt.UTC)
        yield point(ACTIVITIES, _origin(ACTIVITIES, GMS), walk, {"intVal": WALKING})
        day += DAY


def _turned(visit: Visit) -> dt.date:
    """Since when stages have a type of their own."""
    return dt.date.fromisoformat(visit.settings["activities_until"])


def _beats(visit: Visit, low: dt.datetime, high: dt.datetime) -> Points:
    """A rate a minute, of the app of what was worn in that night."""
    began = dt.datetime.combine(visit.person.began, dt.time(), dt.UTC) - 2 * DAY
    for beat in beats(visit.person, max(low, began), min(high, visit.world.now())):
        origin = _origin(HEARTS, _worn(visit.person, beat.at))
        yield point(HEARTS, origin, (beat.at, beat.at), {"fpVal": float(beat.bpm)})


def _worn(person: Person, when: dt.datetime) -> str:
    here = when.astimezone(ZoneInfo(person.place(when.date())))
    return app_of(person.device((here + HALF_DAY).date()))


def _oxygen(visit: Visit, low: dt.datetime, high: dt.datetime) -> Points:
    """Every five minutes of sleeps with stages."""
    for seen in visit.world.sleeps(visit.person, (low - DAY).date(), (high + DAY).date()):
        told, usual = seen.telling, vitals(visit.person, seen.date).oxygen
        when = told.start
        while told.form == "staged" and when < told.end:
            level = visit.person.dice("oxygen", when).bell(usual, 0.8)
            value = {"fpVal": tenth(min(100.0, level))}
            origin = _origin(OXYGENS, app_of(seen.sleep.device))
            yield point(OXYGENS, origin, (when, when), value, {"fpVal": 0.0})
            when += FIVE_MINUTES


def _origin(data_type: str, app: str) -> str:
    return f"raw:{data_type}:{app}:"


STAGES = "com.google.sleep.segment"
ACTIVITIES = "com.google.activity.segment"
HEARTS = "com.google.heart_rate.bpm"
OXYGENS = "com.google.oxygen_saturation"
WRITERS = (*OF_DEVICES, SECOND, BY_HAND)
TYPES = {
    each.name: each
    for each in (
        Type(STAGES, SLEEP, "merged", (("sleep_segment_type", "integer"),), _stages, WRITERS),
        Type(
            ACTIVITIES,
            ACTIVITY,
            "merge_activity_segments",
            (("activity", "integer"),),
            _activities,
            (*WRITERS, GMS),
        ),
        Type(HEARTS, HEART, "merge_heart_rate_bpm", (("bpm", "floatPoint"),), _beats),
        Type(
            OXYGENS,
            OXYGEN,
            "merged",
            (("oxygen_saturation", "floatPoint"), ("supplemental_oxygen_flow_rate", "floatPoint")),
            _oxygen,
        ),
    )
}
