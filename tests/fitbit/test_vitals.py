"""What was measured beside a sleep: which of it counts, and for which sleeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sleepbalance.model import Session, Vital
from sleepbalance.provider import Raw
from sleepbalance.providers.fitbit import API
from tests.fitbit.made import TYPES, Json, answer, ask, client, point, raw_of, session_of, stretch

MAIN = {"mainSleep": True}
STAGES = [stretch(0, 12, "AWAKE"), stretch(12, 468, "LIGHT"), stretch(468, 480, "AWAKE")]
BY_HAND = {"recordingMethod": "MANUAL", "platform": "FITBIT"}
ANOTHERS = {"platform": "HEALTH_KIT", "application": {"packageName": "example.app"}}


def beats(begin: float, mean: Any = 50, low: Any = 45, high: Any = 60) -> Json:
    told = {"beatsPerMinuteAvg": mean, "beatsPerMinuteMin": low, "beatsPerMinuteMax": high}
    return stretch(begin, begin + 5) | {"heartRate": told}


def beside(name: str, *points: object) -> list[Raw]:
    """What the resource of that name fetches, if Google says these points."""
    (resource,) = [each for each in API.resources if each.name == name]
    kinds = {
        "heart rate": "heart-rate",
        "HRV": "daily-heart-rate-variability",
        "breathing": "daily-respiratory-rate",
        "oxygen": "daily-oxygen-saturation",
        "skin temperature": "daily-sleep-temperature-derivations",
    }
    path = f"{TYPES}{kinds[name]}/dataPoints"
    if name == "heart rate":
        exchange = answer(path + ":rollUp", {"rollupDataPoints": points}, method="POST")
    else:
        exchange = answer(path, {"dataPoints": points})
    return list(resource.fetch(client(exchange), ask(14, raw_of(point()))))


def session(*around: Raw, **told: Any) -> Session:
    return session_of(point(**{"stages": STAGES, "metadata": MAIN} | told), *around)


# Heart rate


def test_pieces_between_first_and_last_sleep_count() -> None:
    pieces = [beats(n, 40 + n / 10, 38, 90) for n in range(0, 480, 5)]
    told = session(*beside("heart rate", *pieces))
    inside = [40 + n / 10 for n in range(15, 464, 5)]  # 12:00 to 468:00, whole pieces only
    assert told.vitals == {
        "heart_rate": Vital(round(sum(inside) / len(inside), 3), 38, 90, len(inside))
    }


def test_lowest_and_highest_are_those_of_the_pieces() -> None:
    around = beside("heart rate", beats(20, 50, 44, 61), beats(25, 53, 48, 80), beats(30))
    assert session(*around).vitals["heart_rate"] == Vital(51, 44, 80, 3)


@pytest.mark.parametrize(
    "odd",
    [
        beats(20, "NaN"),
        beats(20, None),
        beats(20, 50, 0),
        beats(20, 50, 55, 60),
        beats(20, 300, 200, 400),
        beats(20, True),
        stretch(20, 25),
        stretch(20, 25) | {"heartRate": []},
    ],
    ids=str,
)
def test_a_piece_that_is_no_heart_rate_does_not_count(odd: Json) -> None:
    assert session(*beside("heart rate", odd)).vitals == {}
    assert session(*beside("heart rate", odd, beats(25))).vitals["heart_rate"].samples == 1


def test_numbers_may_be_text() -> None:
    assert session(*beside("heart rate", beats(20, "50", "45.5", "60"))).vitals == {
        "heart_rate": Vital(50, 45.5, 60, 1)
    }


def test_a_nap_has_its_heart_rate() -> None:
    assert "heart_rate" in session(*beside("heart rate", beats(20)), metadata={"nap": True}).vitals


def test_a_sleep_without_stages_has_that_of_its_whole_length() -> None:
    around = beside("heart rate", beats(0), beats(475), beats(480))
    told = session_of(point(), *around)
    assert told.vitals["heart_rate"].samples == 2


# Numbers of the day

DATE = {"year": 2026, "month": 11, "day": 21}  # where the sleeps of these tests end
DAILY: list[tuple[str, Json, dict[str, Vital]]] = [
    (
        "HRV",
        {
            "dailyHeartRateVariability": {
                "averageHeartRateVariabilityMilliseconds": 45.5,
                "deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds": 40.0,
                "date": DATE,
            }
        },
        {"hrv_rmssd": Vital(45.5)},
    ),
    (
        "breathing",
        {"dailyRespiratoryRate": {"breathsPerMinute": 14.5, "date": DATE}},
        {"breathing_rate": Vital(14.5)},
    ),
    (
        "oxygen",
        {
            "dailyOxygenSaturation": {
                "averagePercentage": 96,
                "lowerBoundPercentage": 94.0,
                "upperBoundPercentage": 98.0,
                "date": DATE,
            }
        },
        {"spo2": Vital(96)},
    ),
    (
        "skin temperature",
        {
            "dailySleepTemperatureDerivations": {
                "nightlyTemperatureCelsius": 34.0,
                "baselineTemperatureCelsius": "NaN",
                "date": DATE,
            }
        },
        {"skin_temperature": Vital(34)},
    ),
]


@pytest.mark.parametrize(("name", "told", "vitals"), DAILY, ids=[name for name, _, _ in DAILY])
def test_a_number_of_the_day_belongs_to_the_main_sleep_that_ended_on_it(
    name: str, told: Json, vitals: dict[str, Vital]
) -> None:
    around = beside(name, told)
    assert session(*around).vitals == vitals
    ((member, values),) = told.items()
    assert session(*around).maker[member] == {k: v for k, v in values.items() if k != "date"}
    for other in (
        session(*around, metadata={"nap": True}),
        session(*around, metadata={}),
        session(*around, offset="-36000s"),  # 20:00 of the day before
        session(*around, offset=None),
        session(*around, source=BY_HAND),
        session(*around, source=ANOTHERS),
    ):
        assert other.vitals == {}


def hrv(value: object, **more: Any) -> Json:
    told = {"averageHeartRateVariabilityMilliseconds": value, "date": DATE}
    return {"dailyHeartRateVariability": told} | more


@pytest.mark.parametrize("value", ["NaN", None, 0, -5, 1000, "Infinity", [], 1e300])
def test_what_is_no_number_is_not_told(value: object) -> None:
    assert session(*beside("HRV", hrv(value))).vitals == {}


def test_fifty_percent_of_oxygen_is_how_invalid_is_written() -> None:
    told = {"dailyOxygenSaturation": {"averagePercentage": 50.0, "date": DATE}}
    assert session(*beside("oxygen", told)).vitals == {}


def test_of_several_points_of_a_date_one_of_the_makers_own_with_a_number_counts() -> None:
    others = hrv(30, dataSource={"platform": "HEALTH_CONNECT"})
    around = beside("HRV", others, hrv("NaN"), hrv(41))
    assert session(*around).vitals == {"hrv_rmssd": Vital(41)}


def test_the_date_is_that_of_the_place_where_the_person_woke_up() -> None:
    end = 16 * 60  # 14:00 UTC on the 21st, which is the 22nd east of +10:00
    stages = [stretch(0, end, "LIGHT")]
    around = beside("HRV", hrv(41))
    assert session(*around, end=end, stages=stages, offset="0s").vitals != {}
    assert session(*around, end=end, stages=stages, offset="39600s").vitals == {}


def test_a_pack_that_this_version_cannot_read_says_nothing() -> None:
    broken = [
        Raw(
            key=raw.key,
            kind=raw.kind,
            source=raw.source,
            payload=b"?",
            start=raw.start,
            end=raw.end,
            companion=True,
        )
        for raw in beside("HRV", hrv(41)) + beside("heart rate", beats(20))
    ]
    assert session(*broken).vitals == {}


def test_everything_told_can_be_stored() -> None:
    around = [raw for name, told, _ in DAILY for raw in beside(name, told)]
    told = session(*around, *beside("heart rate", beats(20)))
    assert len(told.vitals) == 5
    assert json.loads(json.dumps(told.maker)) == told.maker
