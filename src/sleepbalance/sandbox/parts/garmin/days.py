"""What the Personal API tells of the night and the naps of a day."""

from __future__ import annotations

import uuid
from typing import Any

from sleepbalance.sandbox.body import tenth, vitals
from sleepbalance.sandbox.chance import number
from sleepbalance.sandbox.parts.garmin.night import (
    Night,
    ahead_at_end,
    ahead_at_start,
    onset,
    waking,
)
from sleepbalance.sandbox.parts.garmin.times import bare, millis, seconds_ahead
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.truth import asleep_in
from sleepbalance.sandbox.world import Seen

QUALIFIERS = ((90, "EXCELLENT"), (80, "GOOD"), (60, "FAIR"), (0, "POOR"))
EMPTY = (
    "id",
    "sleepTimeSeconds",
    "napTimeSeconds",
    "sleepWindowConfirmed",
    "sleepWindowConfirmationType",
    "sleepStartTimestampGMT",
    "sleepEndTimestampGMT",
    "sleepStartTimestampLocal",
    "sleepEndTimestampLocal",
    "autoSleepStartTimestampGMT",
    "autoSleepEndTimestampGMT",
    "sleepQualityTypePK",
    "sleepResultTypePK",
    "unmeasurableSleepSeconds",
    "deepSleepSeconds",
    "lightSleepSeconds",
    "remSleepSeconds",
    "awakeSleepSeconds",
    "sleepFromDevice",
    "averageRespirationValue",
    "lowestRespirationValue",
    "highestRespirationValue",
    "awakeCount",
    "avgSleepStress",
    "avgHeartRate",
    "ageGroup",
    "sleepScoreFeedback",
    "sleepScoreInsight",
    "sleepScores",
    "sleepVersion",
)


def display_name(person: Person) -> str:
    return str(uuid.UUID(int=number(person.seed, person.id, "display", digits=38), version=4))


def profile_number(person: Person) -> int:
    return number(person.seed, person.id, "profile", digits=8)


def device_number(person: Person, seen: Seen) -> int:
    return number(person.seed, person.id, "watch", seen.sleep.device, digits=10)


def daily_sleep(night: Night) -> dict[str, Any]:
    """A DailySleepDTO; that of a day without a night has null times."""
    body: dict[str, Any] = dict.fromkeys(EMPTY)
    body |= {
        "userProfilePK": profile_number(night.person),
        "calendarDate": night.date.isoformat(),
        "deviceRemCapable": False,
        "retro": False,
    }
    if night.parts:
        body |= _window(night) | _stages(night) | _measured(night)
    elif night.off_wrist:
        body |= _off_wrist(night)
    if night.naps:
        body["dailyNapDTOS"] = [_nap(night.person, seen) for seen in night.naps]
        body["napTimeSeconds"] = sum(asleep_in(seen) for seen in night.naps)
    return body


def _window(night: Night) -> dict[str, Any]:
    start, end = night.start, night.end
    body = {
        "id": millis(start),
        "napTimeSeconds": 0,
        "sleepStartTimestampGMT": millis(start),
        "sleepEndTimestampGMT": millis(end),
        "sleepStartTimestampLocal": millis(start) + 1000 * night.ahead_at_start,
        "sleepEndTimestampLocal": millis(end) + 1000 * night.ahead_at_end,
        "sleepWindowConfirmed": not night.pending,
        "sleepWindowConfirmationType": confirmation(night),
        "sleepFromDevice": not night.by_hand,
        "sleepVersion": 2,
        "ageGroup": "ADULT",
    }
    if night.edited:
        body |= _as_the_watch_had_it(night)
    return body


def confirmation(night: Night) -> str:
    if night.by_hand or night.edited:
        return "manually_confirmed"
    if night.pending:
        return "unconfirmed"
    enhanced = night.person.dice("confirmed", night.date).happens(0.8)
    return "enhanced_confirmed_final" if enhanced else "auto_confirmed_final"


def _as_the_watch_had_it(night: Night) -> dict[str, Any]:
    """Where a person moved the window, the watch's own is told beside it."""
    edges = []
    for seen in night.parts:
        own = next((t for t in reversed(seen.sleep.tellings) if not t.edited), None)
        there = Seen(seen.sleep, own, seen.main, seen.created, seen.updated) if own else seen
        edges.append((onset(there), waking(there)))
    return {
        "autoSleepStartTimestampGMT": millis(edges[0][0]),
        "autoSleepEndTimestampGMT": millis(edges[-1][1]),
    }


def _stages(night: Night) -> dict[str, Any]:
    if night.by_hand:
        return {"sleepTimeSeconds": night.asleep, "unmeasurableSleepSeconds": 0}
    seconds = night.seconds
    return {
        "sleepTimeSeconds": night.asleep,
        "unmeasurableSleepSeconds": seconds["unmeasurable"],
        "deepSleepSeconds": seconds["deep"],
        "lightSleepSeconds": seconds["light"],
        "remSleepSeconds": seconds["rem"],
        "awakeSleepSeconds": seconds["awake"],
        "deviceRemCapable": night.staged,
        "awakeCount": sum(stage == "awake" for _, _, stage in night.levels),
    }


def _measured(night: Night) -> dict[str, Any]:
    rates = night.rates()
    body: dict[str, Any] = {}
    if rates and not night.by_hand:
        body["avgHeartRate"] = tenth(sum(rates) / len(rates))
    if not night.vital:
        return body
    dice, measured = night.person.dice("garmin", night.date), vitals(night.person, night.date)
    value = score(night)
    return body | {
        "averageRespirationValue": measured.breath,
        "lowestRespirationValue": tenth(measured.breath - dice.between(2, 4)),
        "highestRespirationValue": tenth(measured.breath + dice.between(2, 5)),
        "averageSpO2Value": measured.oxygen,
        "lowestSpO2Value": int(measured.oxygen_low),
        "highestSpO2Value": int(measured.oxygen_high + 0.5),
        "avgSleepStress": float(dice.whole(8, 34)),
        "sleepScoreFeedback": "POSITIVE_DEEP" if value >= 60 else "NEGATIVE_NOT_RESTORATIVE",
        "sleepScoreInsight": "NONE",
        "breathingDisruptionSeverity": dice.pick(("NONE", "NONE", "LOW", "UNMEASURABLE")),
        "sleepScores": {
            "overall": {"value": value, "qualifierKey": qualifier(value)},
            "remPercentage": {
                "value": 100 * night.seconds["rem"] // night.asleep,
                "qualifierKey": dice.pick(("EXCELLENT", "GOOD", "FAIR", "INVALID")),
                "optimalStart": 21.0,
                "optimalEnd": 31.0,
            },
        },
    }


def score(night: Night) -> int:
    return night.person.dice("score", night.date).whole(38, 98)


def qualifier(value: int) -> str:
    return next(word for least, word in QUALIFIERS if value >= least)


def _off_wrist(night: Night) -> dict[str, Any]:
    """The watch lay about: a window, and nothing in it."""
    rest = night.off_wrist
    assert rest
    ahead = (
        1000 * seconds_ahead(rest.start, rest.zone_start),
        1000 * seconds_ahead(rest.end, rest.zone_end),
    )
    return {
        "id": millis(rest.start),
        "sleepTimeSeconds": 0,
        "napTimeSeconds": 0,
        "sleepWindowConfirmed": True,
        "sleepWindowConfirmationType": "off_wrist",
        "sleepStartTimestampGMT": millis(rest.start),
        "sleepEndTimestampGMT": millis(rest.end),
        "sleepStartTimestampLocal": millis(rest.start) + ahead[0],
        "sleepEndTimestampLocal": millis(rest.end) + ahead[1],
        "unmeasurableSleepSeconds": 0,
        "deepSleepSeconds": 0,
        "lightSleepSeconds": 0,
        "remSleepSeconds": 0,
        "awakeSleepSeconds": 0,
        "sleepFromDevice": True,
    }


def _nap(person: Person, seen: Seen) -> dict[str, Any]:
    by_hand = seen.telling.form == "manual"
    dice = person.dice("nap", seen.sleep.id)
    return {
        "userProfilePK": profile_number(person),
        "deviceId": 0 if by_hand else device_number(person, seen),
        "calendarDate": seen.date.isoformat(),
        "napTimeSec": asleep_in(seen),
        "napStartTimestampGMT": bare(onset(seen)),
        "napEndTimestampGMT": bare(waking(seen)),
        "napFeedback": "IDEAL_TIMING_IDEAL_DURATION_LOW_NEED",
        "napSource": 2 if by_hand or seen.telling.edited else dice.pick((0, 0, 1)),
        "napStartTimeOffset": ahead_at_start(seen) // 60,
        "napEndTimeOffset": ahead_at_end(seen) // 60,
        "createTimestampGMT": bare(seen.created),
        "updateTimestampGMT": bare(seen.updated),
    }
