"""Turns each of Oura's sleeps into one of ours; knows its words for what a sleep is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sleepbalance.hypnograms import slept
from sleepbalance.model import Kind, Piece, Session, Vital, local
from sleepbalance.payloads import date, decode, inside, number, text
from sleepbalance.provider import Normalised, Raw

from .stages import Account, account
from .values import moment

DOORS = {"sleep": "oauth", "sandbox-sleep": "sandbox", "archived-sleep": "file"}  # by Raw.kind
WITHDRAWN = ("deleted", "rest")  # by the person; "rest" is a false alarm that they rejected
DAYTIME = dt.time(9), dt.time(21)  # as in docs/definitions.md
SAMPLE = 300  # seconds of one item of heart rates and HRV
LIMITS = {  # outside them no sleeper is alive, or nothing was measured: 0 and 255 occur
    "heart_rate": (20, 250),
    "hrv_rmssd": (1, 500),
    "breathing_rate": (3, 60),
    "spo2": (50.1, 100),
}
SENT = (
    "type",
    "period",
    "time_in_bed",
    "total_sleep_duration",
    "awake_time",
    "light_sleep_duration",
    "deep_sleep_duration",
    "rem_sleep_duration",
    "latency",
    "efficiency",
    "restless_periods",
    "sleep_score_delta",
    "sleep_algorithm_version",
    "sleep_analysis_reason",
    "low_battery_alert",
)


def normalise(raws: Iterable[Raw]) -> Normalised:
    """One session for each sleep, with what was measured during it and told of its day."""
    raws = list(raws)
    beside = sorted((raw for raw in raws if raw.companion), key=lambda raw: (raw.key, raw.payload))
    sleeps = {(raw.key, raw.payload): raw for raw in raws if not raw.companion}
    newest = {key: raw for (key, _), raw in sorted(sleeps.items(), key=lambda item: item[0])}
    sessions: list[Session] = []
    aside: list[tuple[str, str]] = []
    withdrawn: list[str] = []
    for key, raw in newest.items():
        told = decode(raw.payload)
        if not isinstance(told, dict) or raw.kind not in DOORS:
            aside.append((key, "kept in a form that this version cannot read"))
        elif told.get("type") in WITHDRAWN:
            withdrawn.append(key)
        else:
            sessions.append(_session(raw, told, beside))
    return Normalised(
        sessions=tuple(sessions), aside=tuple(aside), withdrawn=tuple(sorted(withdrawn))
    )


def _session(raw: Raw, told: Mapping[str, Any], beside: Sequence[Raw]) -> Session:
    if raw.start is None or raw.end is None:
        raise ValueError("this record has no place in time")
    length = round((raw.end - raw.start).total_seconds())
    stages: Account = account(told, length)
    woke = moment(told.get("bedtime_end"))
    vitals = _vitals(told, slept(stages.hypnogram) or (0, length))
    kind, day = _kind(told, raw), date(told.get("day"))
    maker: dict[str, object] = _scalars(told, SENT)
    maker |= _scalars(inside(told, "readiness"), ("temperature_deviation",))
    if kind in (Kind.MAIN, None) and day is not None:
        oxygen, of_day = _of_day(beside, day)
        vitals |= oxygen
        maker |= of_day
    return Session(
        external_id=raw.key,
        source=raw.source,
        start=raw.start,
        end=raw.end,
        door=DOORS[raw.kind],
        kind=kind,
        zone_start=raw.zone,
        zone_end=woke.zone if woke else None,
        parts=(Piece(0, length),),
        hypnogram=stages.hypnogram,
        coarse=stages.coarse,
        in_bed=(Piece(0, length),),
        totals=stages.totals,
        vitals=vitals,
        maker=maker,
        maker_date=day,
        revised_at=raw.revised_at,
    )


def _kind(told: Mapping[str, Any], raw: Raw) -> Kind | None:
    """Oura has no word for naps: `sleep` is short, and counts where it moves the day's score.

    By day it is a nap then; by night it may be all that there was, so the rules decide. One that
    moves nothing is a guess of the ring's that nobody confirmed.
    """
    word = text(told.get("type"))
    if word != "sleep":
        return {"long_sleep": Kind.MAIN, "late_nap": Kind.NAP}.get(word)
    if number(told.get("sleep_score_delta")) is None:
        return Kind.UNCONFIRMED
    by_day = raw.start and raw.zone and DAYTIME[0] <= local(raw.start, raw.zone).time() < DAYTIME[1]
    return Kind.NAP if by_day else None


def _scalars(told: Mapping[str, Any], names: Sequence[str]) -> dict[str, object]:
    """Oura's own values, as sent."""
    kept: dict[str, object] = {}
    for name in names:
        value = told.get(name)
        if isinstance(value, bool) or number(value) is not None or text(value):
            kept[name] = text(value) or value
    return kept


# -- vitals --------------------------------------------------------------------------------------


def _vitals(told: Mapping[str, Any], asleep: tuple[int, int]) -> dict[str, Vital]:
    beats = _samples(told, "heart_rate", asleep)
    found = {
        "heart_rate": _vital(
            beats,
            _plausible("heart_rate", told.get("average_heart_rate")),
            _plausible("heart_rate", told.get("lowest_heart_rate")),
            max(beats, default=None),
        ),
        "hrv_rmssd": _vital(
            _samples(told, "hrv", asleep, "hrv_rmssd"),
            _plausible("hrv_rmssd", told.get("average_hrv")),
        ),
        "breathing_rate": _vital([], _plausible("breathing_rate", told.get("average_breath"))),
    }
    return {name: vital for name, vital in found.items() if vital is not None}


def _vital(
    samples: Sequence[float],
    mean: float | None,
    low: float | None = None,
    high: float | None = None,
) -> Vital | None:
    """Oura's own mean and lowest, else those of its samples in sleep."""
    if mean is not None:
        low = low if low is not None and low <= mean else None
        return Vital(mean, low, high if high is not None and high >= mean else None)
    return Vital.of(samples)


def _plausible(name: str, value: object) -> float | None:
    told, (low, high) = number(value), LIMITS[name]
    return told if told is not None and low <= told <= high else None


def _samples(
    told: Mapping[str, Any], member: str, asleep: tuple[int, int], vital: str | None = None
) -> list[float]:
    """The items of five minutes that lie wholly between the first and the last sleep."""
    pack = inside(told, member)
    items = pack.get("items")
    if not isinstance(items, list) or number(pack.get("interval")) != SAMPLE:
        return []
    first, last = -(-asleep[0] // SAMPLE), asleep[1] // SAMPLE
    inside_sleep = (_plausible(vital or member, item) for item in items[first:last])
    return [item for item in inside_sleep if item is not None]


def _of_day(beside: Iterable[Raw], day: dt.date) -> tuple[dict[str, Vital], dict[str, object]]:
    """Oxygen and score of the day: they belong to its night."""
    vitals: dict[str, Vital] = {}
    maker: dict[str, object] = {}
    for raw in beside:
        told = decode(raw.payload)
        if not isinstance(told, dict) or date(told.get("day")) != day:
            continue
        if raw.kind == "score":
            maker |= _scalars(told, ("score",))
        elif raw.kind == "spo2":
            maker |= _scalars(told, ("breathing_disturbance_index",))
            average = _plausible("spo2", inside(told, "spo2_percentage").get("average"))
            if average is not None:
                vitals["spo2"] = Vital(average)
    return vitals, maker
