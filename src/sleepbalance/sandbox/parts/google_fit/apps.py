"""The phone apps that write into Google Fit, and what they make of a night."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sleepbalance.sandbox.chance import Dice, number
from sleepbalance.sandbox.hypnogram import Stages, lay
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import Seen

OF_DEVICES = ("com.urbandroid.sleep", "com.xiaomi.hm.health", "com.huawei.health")
BY_HAND = "com.google.android.apps.fitness"
SECOND = "com.northcube.sleepcycle"  # on the phone, beside whatever is worn
SECONDS = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Written:
    """One session, and the stages of it if the app tells any."""

    id: str
    app: str
    name: str
    start: dt.datetime
    end: dt.datetime
    modified: dt.datetime
    stages: Stages = ()
    gone: bool = False

    @property
    def by_hand(self) -> bool:
        return self.app == BY_HAND


def account(person: Person) -> str:
    """What Google calls the person: 21 digits."""
    return str(number(person.seed, person.id, "google account", digits=21))


def app_of(device: int | None) -> str:
    return BY_HAND if device is None else OF_DEVICES[device % len(OF_DEVICES)]


def session_id(person: Person, seen: Seen) -> str:
    return _id(person, seen.sleep.id, app_of(seen.sleep.device))


def _id(person: Person, sleep: str, app: str) -> str:
    return f"{app}.{number(person.seed, person.id, app, sleep, digits=13)}"


def written(person: Person, seen: Seen) -> Iterator[Written]:
    """What is in Google Fit of one sleep: the device's app, now and then a second one beside it."""
    told = seen.telling
    yield Written(
        id=session_id(person, seen),
        app=app_of(seen.sleep.device),
        name="Nap" if seen.sleep.kind == "nap" else "Sleep",
        start=told.start,
        end=told.end,
        modified=seen.updated,
        stages=_up(told.hypnogram, told.out_of_bed) if told.form != "plain" else (),
    )
    dice = Dice(person.seed, person.id, "second app", seen.sleep.id)
    if told.form not in ("staged", "classic") or not seen.main or not dice.happens(0.15):
        return
    staged = dice.happens(0.4)  # then of less sleep than the device saw, else of more
    start = told.start + MINUTE * (25 if staged else -dice.whole(3, 15))
    end = told.end + MINUTE * (-20 if staged else 5)
    seconds = int((end - start).total_seconds())
    runs = [("awake", 1800), ("light", seconds - 3600), ("awake", 1800)]
    yield Written(
        id=_id(person, seen.sleep.id, SECOND),
        app=SECOND,
        name="Sleep analysis",
        start=start,
        end=end,
        modified=seen.updated,
        stages=lay(runs) if staged and seconds > 7200 else (),
    )


def _up(stages: Stages, out_of_bed: Stages) -> Stages:
    """Where the person was up, in the middle of an awakening."""
    runs: list[tuple[str, int]] = []
    for stage in stages:
        at = stage.offset
        inside = (s for s in out_of_bed if stage.stage == "awake")
        for up in (s for s in inside if s.offset >= stage.offset and s.end <= stage.end):
            runs += [(stage.stage, up.offset - at), ("out_of_bed", up.seconds)]
            at = up.end
        runs.append((stage.stage, stage.end - at))
    return lay(runs)


def points(session: Written, codes: dict[str, int], data_type: str) -> Iterator[dict[str, Any]]:
    """The stages as points of a stream."""
    stream = "user_input" if session.by_hand else ""
    for stage in session.stages:
        span = tuple(session.start + SECONDS * edge for edge in (stage.offset, stage.end))
        origin = f"raw:{data_type}:{session.app}:{stream}"
        yield point(data_type, origin, (span[0], span[1]), {"intVal": codes[stage.stage]})


def point(
    data_type: str, origin: str, span: tuple[dt.datetime, dt.datetime], *values: dict[str, Any]
) -> dict[str, Any]:
    return {
        "startTimeNanos": str(nanos(span[0])),
        "endTimeNanos": str(nanos(span[1])),
        "dataTypeName": data_type,
        "originDataSourceId": origin,
        "value": [{**value, "mapVal": []} for value in values],
    }


def nanos(when: dt.datetime) -> int:
    return millis(when) * 10**6


def millis(when: dt.datetime) -> int:
    return int(when.timestamp()) * 1000 + when.microsecond // 1000
