"""Turns days, naps and what was measured beside them into sessions: totals, never a timeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sleepbalance.model import Kind, Method, Piece, Session, Totals, Vital
from sleepbalance.payloads import date, decode, inside, items, numeral, seconds, text
from sleepbalance.provider import Normalised, Raw

from .records import (
    EXPORTED,
    HRV,
    NAP,
    RESTING,
    STATUS,
    Told,
    by_hand,
    confirmation,
    kind_of,
    off_wrist,
    offsets,
    record_of,
)

MINUTE = 60
SETTLED = dt.timedelta(days=7)  # so old a night is not revised any more
TENTATIVE = ("UNCONFIRMED", "AUTO_CONFIRMED", "ENHANCED_CONFIRMED")
UNMEASURED = ("unmeasurableSleepSeconds", "unmeasurableSeconds")

# What is kept of the maker's own words and numbers.
KEPT = (
    *("sleepTimeSeconds", "napTimeSeconds", "napTimeSec", "deepSleepSeconds", "lightSleepSeconds"),
    *("remSleepSeconds", "awakeSleepSeconds", *UNMEASURED),
    *("sleepStartTimestampGMT", "sleepEndTimestampGMT"),
    *("autoSleepStartTimestampGMT", "autoSleepEndTimestampGMT"),
    *("sleepWindowConfirmed", "sleepWindowConfirmationType", "deviceRemCapable"),
    *("sleepFromDevice", "retro", "awakeCount", "avgSleepStress", "restlessMomentCount"),
    *("sleepScoreFeedback", "sleepScoreInsight", "breathingDisruptionSeverity"),
    *("napSource", "napFeedback"),
)
# ours, the lowest and highest that a sleeper can have, and where it stands: mean, low, high
MEASURES: tuple[tuple[str, float, float, tuple[tuple[str, str, str], ...]], ...] = (
    ("heart_rate", 20, 300, (("avgHeartRate", "", ""), ("spo2SleepSummary.averageHR", "", ""))),
    (
        "spo2",
        50.1,  # 50.0 is what stands for none
        100,
        (
            ("averageSpO2Value", "lowestSpO2Value", "highestSpO2Value"),
            ("spo2SleepSummary.averageSPO2", "spo2SleepSummary.lowestSPO2", ""),
        ),
    ),
    (
        "breathing_rate",
        3,
        60,
        (
            ("averageRespirationValue", "lowestRespirationValue", "highestRespirationValue"),
            ("averageRespiration", "lowestRespiration", "highestRespiration"),
        ),
    ),
)
HRV_LOW, HRV_HIGH = 1, 500  # ms


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """The newest version; of several files of an export the one that reaches furthest."""
    if not kind.startswith(EXPORTED):
        return payloads[-1]
    if kind in (EXPORTED + RESTING, EXPORTED + STATUS):
        return max(payloads, key=lambda payload: (_file(payload), payload))
    return max(reversed(payloads), key=_file)


def _file(payload: bytes) -> str:
    return text(inside(decode(payload)).get("file"))


def normalise(raws: Iterable[Raw]) -> Normalised:
    """One session for each night and each nap."""
    raws = list(raws)
    beside = [raw for raw in raws if raw.companion]
    newest: dict[str, Raw] = {}
    for raw in sorted((r for r in raws if not r.companion), key=_age):
        newest[raw.key] = raw
    sessions: list[Session] = []
    aside: list[tuple[str, str]] = []
    withdrawn: list[str] = []
    for key, raw in sorted(newest.items()):
        told = record_of(raw)
        if not told:
            aside.append((key, "kept in a form that this version cannot read"))
        elif off_wrist(told):
            withdrawn.append(key)
        else:
            sessions.append(_session(raw, told, beside))
    return Normalised(sessions=tuple(sessions), aside=tuple(aside), withdrawn=tuple(withdrawn))


def _age(raw: Raw) -> tuple[str, bytes]:
    """Versions of one record are joined before they come here; this only settles a tie."""
    return _file(raw.payload), raw.payload


def _session(raw: Raw, told: Told, beside: Iterable[Raw]) -> Session:
    if raw.start is None or raw.end is None:
        raise ValueError("this record has no place in time")
    length = round((raw.end - raw.start).total_seconds())
    nap, hand = kind_of(raw) == NAP, by_hand(told)
    day = date(told.get("calendarDate"))
    vitals, maker = _measured(told, () if nap or hand else beside, day)
    zones = offsets(told)
    return Session(
        external_id=raw.key,
        source=raw.source,
        start=raw.start,
        end=raw.end,
        door="file" if raw.kind.startswith(EXPORTED) else "personal",
        kind=Kind.NAP if nap else Kind.MAIN,
        method=Method.MANUAL if hand else Method.DEVICE,
        zone_start=zones[0],
        zone_end=zones[1],
        parts=(Piece(0, length),),
        sleep_start=raw.start,
        sleep_end=raw.end,
        totals=_nap_totals(told, length) if nap else _totals(told, length, hand),
        vitals={} if hand else vitals,
        maker=maker,
        maker_date=day,
        provisional=not nap and not hand and _tentative(raw, told),
        revised_at=raw.revised_at,
    )


def _tentative(raw: Raw, told: Told) -> bool:
    """Whether Garmin may still revise it. In an export only the last days of a file are young."""
    if confirmation(told) not in TENTATIVE or raw.end is None:
        return False
    until = date(_file(raw.payload)) if raw.kind.startswith(EXPORTED) else None
    return until is None or raw.end.date() > until - SETTLED


# -- totals --------------------------------------------------------------------------------------


def _nap_totals(told: Told, length: int) -> Totals:
    """Garmin says how long a nap was, and nothing else of it."""
    slept = seconds(numeral(told.get("napTimeSec")), length)
    return Totals(asleep=slept or length)


def _totals(told: Told, length: int, hand: bool) -> Totals | None:
    """As sent. What its total has more than its stages, over a minute, is unspecified."""
    stages = (numeral(told.get(f"{stage}SleepSeconds")) for stage in ("light", "deep", "rem"))
    light, deep, rem = (seconds(stage, length) for stage in stages)
    if not rem and told.get("deviceRemCapable") is False:
        rem = None
    staged = sum(filter(None, (light, deep, rem)))
    if not staged or staged > length:
        light = deep = rem = None  # their zeros say only that nobody staged it
        staged = 0
    slept = seconds(numeral(told.get("sleepTimeSeconds")), length)
    if not slept and not staged:
        return Totals(asleep=length) if hand else None
    rest = (slept or 0) - staged
    return Totals(
        light=light,
        deep=deep,
        rem=rem,
        asleep=rest if rest > MINUTE or not staged else 0,
        awake=None if hand else seconds(numeral(told.get("awakeSleepSeconds")), length),
        unmeasured=None if hand else _unmeasured(told, length),
    )


def _unmeasured(told: Told, length: int) -> int | None:
    return next((seconds(numeral(told[name]), length) for name in UNMEASURED if name in told), None)


# -- what was measured ---------------------------------------------------------------------------


def _measured(
    told: Told, beside: Iterable[Raw], day: dt.date | None
) -> tuple[dict[str, Vital], dict[str, object]]:
    """The vitals of a night, and the maker's own numbers as sent."""
    vitals = {
        name: vital
        for name, low, high, places in MEASURES
        if (vital := _vital(told, low, high, places)) is not None
    }
    maker = {name: told[name] for name in KEPT if name in told and _plain(told[name])}
    maker |= _scores(told)
    for raw in sorted(beside, key=lambda raw: (raw.kind, *_age(raw))):
        record = record_of(raw)
        if day is None or date(record.get("calendarDate")) != day:
            continue
        night, numbers = _of_day(kind_of(raw), record)
        vitals |= night
        maker |= numbers
    return vitals, maker


def _vital(
    told: Told, low: float, high: float, places: Iterable[tuple[str, str, str]]
) -> Vital | None:
    for place in places:
        mean, least, most = (_at(told, path) for path in place)
        if mean is not None and low <= mean <= high:
            return Vital(
                mean,
                least if least is not None and low <= least <= mean else None,
                most if most is not None and mean <= most <= high else None,
            )
    return None


def _at(told: Told, path: str) -> float | None:
    *folders, name = path.split(".")
    return numeral(inside(told, *folders).get(name))


def _plain(value: Any) -> bool:
    """Whether it may be kept beside our numbers as it is: a flag, a word, a number."""
    if isinstance(value, str):
        return len(value) <= 200 and value.isprintable()
    return isinstance(value, bool) or numeral(value) is not None


def _scores(told: Told) -> dict[str, object]:
    """The API scores with a value and a word, the export with bare numbers."""
    scores = inside(told, "sleepScores")
    overall = scores.get("overall")
    if isinstance(overall, dict):
        kept = {"score": overall.get("value"), "scoreQualifier": overall.get("qualifierKey")}
    else:
        kept = {"score": scores.get("overallScore")}
    return {name: value for name, value in kept.items() if _plain(value)}


def _of_day(kind: str, told: Told) -> tuple[dict[str, Vital], dict[str, object]]:
    """What a companion says of the night that ended on its date."""
    if kind == HRV:
        names = ("lastNightAvg", "lastNight5MinHigh", "status")
        kept = {f"hrv.{name}": told[name] for name in names if _plain(told.get(name))}
        return _hrv(told.get("lastNightAvg")), kept
    if kind == RESTING:
        return {}, _positive("restingHeartRate", told.get("restingHeartRate"))
    metrics = {text(inside(m).get("type")): inside(m) for m in items(told.get("metrics"))}
    kept = {}
    for name, metric in sorted(metrics.items()):
        kept |= _positive(f"health.{name}", metric.get("value"))
        for limit in ("baselineLowerLimit", "baselineUpperLimit"):
            kept |= _positive(f"health.{name}.{limit}", metric.get(limit))
    return _hrv(inside(metrics.get("HRV")).get("value")), kept


def _hrv(value: object) -> dict[str, Vital]:
    """Garmin's HRV of a night is the mean of its RMSSD in five minutes each."""
    told = numeral(value)
    return {"hrv_rmssd": Vital(told)} if told and HRV_LOW <= told <= HRV_HIGH else {}


def _positive(name: str, value: object) -> dict[str, object]:
    """Of these numbers 0 means that there is none."""
    told = numeral(value)
    return {name: told} if told else {}
