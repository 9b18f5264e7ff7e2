"""Heart rate summed up by windows of time or by days."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from sleepbalance.sandbox.body import rates_in, tenth
from sleepbalance.sandbox.parts.fitbit import points
from sleepbalance.sandbox.parts.fitbit.gate import Visit, enter
from sleepbalance.sandbox.parts.fitbit.kinds import METRICS
from sleepbalance.sandbox.parts.fitbit.reading import (
    answer_page,
    kind_of,
    page_size,
    read_token,
    write_token,
)
from sleepbalance.sandbox.parts.fitbit.refusals import invalid
from sleepbalance.sandbox.people import DAY

LONGEST = dt.timedelta(days=14)
WINDOW = re.compile(r"(\d+)(?:\.\d{1,9})?s")
FIELDS = frozenset({"range", "pageSize", "pageToken", "dataSourceFamily"})

Window = tuple[dt.datetime, dt.datetime]


async def roll_up(request: Request) -> Any:
    """`POST dataPoints:rollUp`: windows of any length, newest first, empty ones left out."""
    visit, body = await _asked(request, FIELDS | {"windowSize"})
    low, high = (_instant(body["range"], name) for name in ("startTime", "endTime"))
    size = WINDOW.fullmatch(str(body.get("windowSize", "")))
    if size is None or int(size[1]) < 1:
        raise invalid("window_size must be at least 1 second.")
    _check_range(low, high)
    step = dt.timedelta(seconds=int(size[1]))
    windows = _buckets(visit, _windows(low, high, step))
    rolled = [
        {"startTime": points.instant(a), "endTime": points.instant(b), "heartRate": rate}
        for a, b, rate in windows
    ]
    return _paged(visit, body, rolled, 1440, 10_000)


async def daily_roll_up(request: Request) -> Any:
    """`POST dataPoints:dailyRollUp`: the end is exclusive, as the document has it."""
    visit, body = await _asked(request, FIELDS | {"windowSizeDays"})
    low, high = (_civil(body["range"], name) for name in ("start", "end"))
    if (days := body.get("windowSizeDays", 1)) not in range(1, 15):
        raise invalid("window_size_days must lie between 1 and 14.")
    _check_range(low, high)
    rolled = []
    for a, b in _windows(low, high, days * DAY):
        instants = (_here(visit, a), _here(visit, b))
        for _, _, rate in _buckets(visit, [instants]):
            span = {"civilStartTime": points.civil(a), "civilEndTime": points.civil(b)}
            rolled.append({**span, "heartRate": rate})
    return _paged(visit, body, rolled, 14, 14)


def _buckets(
    visit: Visit, windows: Iterable[Window]
) -> Iterator[tuple[dt.datetime, dt.datetime, dict[str, float]]]:
    now = visit.world.now()
    for start, end in windows:
        if rate := _summed(rates_in(visit.person, start, min(end, now))):
            yield start, end, rate


def _summed(rates: list[int]) -> dict[str, float]:
    if not rates:
        return {}
    return {
        "beatsPerMinuteAvg": tenth(sum(rates) / len(rates)),
        "beatsPerMinuteMin": float(min(rates)),
        "beatsPerMinuteMax": float(max(rates)),
    }


def _windows(low: dt.datetime, high: dt.datetime, step: dt.timedelta) -> Iterator[Window]:
    """Newest first; the newest may be cut short by the end of the range."""
    count = -(-(high - low) // step)
    for n in range(count - 1, -1, -1):
        yield low + n * step, min(high, low + (n + 1) * step)


def _paged(visit: Visit, body: dict[str, Any], rolled: list[Any], usual: int, most: int) -> Any:
    size = page_size(body.get("pageSize"), usual, most)
    same = {k: v for k, v in body.items() if k not in ("pageToken", "pageSize")}
    query = f"{visit.request.url.path}?{json.dumps(same, sort_keys=True)}"
    place = read_token(visit, query, body.get("pageToken", ""))
    first = int(place["at"] or 0)
    token = write_token(visit, query, str(first + size)) if len(rolled) > first + size else ""
    answer: dict[str, Any] = answer_page(
        "rollupDataPoints", rolled[first : first + size], token, visit
    )
    return answer


# -- what was asked ------------------------------------------------------------------------------


async def _asked(request: Request, known: frozenset[str]) -> tuple[Visit, dict[str, Any]]:
    kind = kind_of(request)
    visit = enter(request, METRICS, frozenset())
    if kind.id != "heart-rate":
        raise invalid(f"Data type '{kind.id}' does not support rollup.")
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise invalid("Invalid JSON payload received. Unexpected token.") from None
    unknown = [name for name in body if name not in known] if isinstance(body, dict) else ["?"]
    if unknown:
        raise invalid(
            f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
        )
    if not isinstance(body.get("range"), dict):
        raise invalid("range is required.")
    return visit, body


def _instant(asked: dict[str, Any], name: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(asked[name])
    except (KeyError, TypeError, ValueError):
        raise invalid(f"Invalid value at 'range.{name}' (type.googleapis.com/Timestamp)") from None
    if found.tzinfo is None:
        raise invalid(f"Invalid value at 'range.{name}': a timestamp ends in Z or an offset.")
    return found.astimezone(dt.UTC)


def _civil(asked: dict[str, Any], name: str) -> dt.datetime:
    try:
        date = asked[name]["date"]
        if any(asked[name].get("time", {}).values()):
            raise invalid("The range must be aligned with the aggregation window.")
        return dt.datetime(date["year"], date["month"], date["day"])  # noqa: DTZ001 - civil time
    except (KeyError, TypeError, ValueError, AttributeError):
        raise invalid(f"Invalid value at 'range.{name}' (CivilDateTime)") from None


def _here(visit: Visit, civil: dt.datetime) -> dt.datetime:
    zone = ZoneInfo(visit.person.place(civil.date()))
    return civil.replace(tzinfo=zone).astimezone(dt.UTC)


def _check_range(low: dt.datetime, high: dt.datetime) -> None:
    if low >= high:
        raise invalid("The range must end after it starts.")
    if high - low > LONGEST:
        raise invalid("The maximum range for data type 'heart-rate' is 14 days.")
