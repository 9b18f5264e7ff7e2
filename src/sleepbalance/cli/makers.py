"""What makers say of a night themselves: their own scores, as sent, beside our numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sleepbalance.model import Report
from sleepbalance.payloads import numeral

WORTH_SAYING = ("score", "efficiency", "resting")  # all of it is in the JSON
NO_NUMBERS = ("id", "time", "offset", "delta")
MOST = 6
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def said(row: Mapping[str, Any], reports: Iterable[Report]) -> list[dict[str, Any]]:
    """What was sent of each report; `stands` is of those that the night was made of."""
    chosen = (row["details"] or {}).get("sessions") or ()
    return [
        {
            "provider": report.provider,
            "account": report.account,
            "source": report.session.source.name,
            "stands": report.id in chosen,
            "said": dict(report.session.maker),
        }
        for report in reports
        if report.session.maker
    ]


def lines(row: Mapping[str, Any], reports: Sequence[Report]) -> list[str]:
    """ "Some maker's own: score 82, efficiency 93", of those that the night was made of."""
    told: dict[str, dict[str, str]] = {}
    for each in said(row, reports):
        if each["stands"]:
            told.setdefault(each["source"], {}).update(_scores(each["said"]))
    return [
        f"{source}'s own: " + ", ".join(f"{name} {value}" for name, value in scores.items()) + "."
        for source, scores in told.items()
        if scores
    ]


def _scores(told: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name: f"{value:g}"
        for name, value in _numbers(told)
        if any(word in name for word in WORTH_SAYING) and name.split()[-1] not in NO_NUMBERS
    }
    ordered = sorted(found, key=lambda name: (name != "score", "score" not in name, name))
    return {name: found[name] for name in ordered[:MOST]}


def _numbers(told: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _numbers(value)
        elif (number := numeral(value)) is not None:
            yield _plain(str(name)), number


def _plain(name: str) -> str:
    """ "overall_score" and "overallScore" are the score."""
    words = " ".join(word.lower() for word in _WORDS.findall(name))
    return words.removeprefix("overall ")
