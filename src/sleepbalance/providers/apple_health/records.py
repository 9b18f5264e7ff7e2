"""Makes raw records out of the elements of an export."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping

import msgspec

from sleepbalance.model import Source
from sleepbalance.provider import Raw
from sleepbalance.providers.apple_health import dates
from sleepbalance.providers.apple_health.markup import CUT_OFF, Damage, Element, Event
from sleepbalance.providers.apple_health.packs import SleepSample, encode_sample
from sleepbalance.providers.apple_health.places import Places
from sleepbalance.providers.apple_health.sensors import SENSORS, Readings, fault
from sleepbalance.providers.apple_health.sources import NOBODY, hints_of, source_of, zone_of

SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
QUANTITY = "HKQuantityTypeIdentifier"
LONGEST = 86_400
AHEAD = 86_400  # how far a clock may be behind the phone that made the file
MOST_TEXT = 4096

_ZONE, _ENTERED = "HKTimeZone", "HKWasUserEntered"
_TOLD = {"type", "sourceName", "startDate", "endDate", "value", "creationDate"}
_encode = msgspec.json.Encoder(order="sorted").encode


class Unusable(ValueError):
    """Why a record is set aside, in words; with its span where only that is wrong with it."""

    def __init__(self, reason: str, span: tuple[int, int] | None = None) -> None:
        super().__init__(reason)
        self.span = span


class Records:
    """What the elements of one file say. `until` is when it was made: nothing ends later."""

    def __init__(self, now: dt.datetime) -> None:
        self.as_of: dt.datetime | None = None
        self.until = int(now.timestamp())
        self.readings = Readings()
        self.places = Places()
        self.damages = 0
        self.cut_off = False

    def take(self, events: list[Event]) -> Iterator[Raw]:
        """What the events say; readings are kept back in `readings`."""
        for event in events:
            if isinstance(event, Damage):
                yield from self._damage(event)
            else:
                yield from self._element(event)
        events.clear()

    def _element(self, element: Element) -> Iterator[Raw]:
        kind = element.attributes.get("type", "")
        if element.name == "Record" and kind == SLEEP:
            yield self._sleep(element)
            return
        if element.name == "ExportDate" and self.as_of is None:
            self._export_date(element.attributes.get("value", ""))
        sensor = SENSORS.get(kind.removeprefix(QUANTITY)) if element.name == "Record" else None
        if sensor and kind.startswith(QUANTITY):
            self._reading(element, *sensor)
        if _ZONE in element.metadata:
            self._place(element)
            if self.places.full:
                yield from self.places.flush()

    def _export_date(self, text: str) -> None:
        try:
            made, _ = dates.parse(text)
        except ValueError:
            return
        self.until = min(made, self.until + AHEAD)
        self.as_of = dates.instant(self.until)

    def _sleep(self, element: Element) -> Raw:
        try:
            source = _source(element)
        except ValueError:
            return _aside(NOBODY, "it has no usable source name", element.attributes)
        try:
            sample = _sample(element, self.until)
        except Unusable as reason:
            sent = element.attributes | element.metadata
            return _aside(source, str(reason), sent, reason.span)
        identity = f"{source.key}\0{sample.start}\0{sample.end}\0{sample.value}"
        return Raw(
            key=_digest(identity.encode()),
            kind="sleep",
            source=source,
            payload=encode_sample(sample),
            start=dates.instant(sample.start),
            end=dates.instant(sample.end),
            revised_at=None if sample.created is None else dates.instant(sample.created),
            zone=zone_of(sample.zone),
        )

    def _reading(self, element: Element, kind: str, most: float) -> None:
        try:
            source = _source(element)
            start, _ = dates.parse(element.attributes.get("startDate", ""))
            end, _ = dates.parse(element.attributes.get("endDate", ""))
            value = number(element.attributes.get("value", ""))
        except ValueError:
            self.readings.refuse(kind, "a date, a value or a source name that is none")
            return
        reason = fault(start, end, value, most, self.until)
        if reason:
            self.readings.refuse(kind, reason)
        else:
            self.readings.extend(kind, source, (start,), (end - start,), (value,))

    def _place(self, element: Element) -> None:
        zone = zone_of(element.metadata[_ZONE])
        try:
            source = _source(element)
            start, _ = dates.parse(element.attributes.get("startDate", ""))
        except ValueError:
            return
        if zone is not None and dates.FIRST <= start <= dates.LAST:
            self.places.add(source, zone, start)

    def _damage(self, damage: Damage) -> Iterator[Raw]:
        if damage.reason == CUT_OFF:
            self.cut_off = True
        else:
            self.damages += 1
        for text in damage.text.split(b"<Record"):
            if SLEEP.encode() in text:
                shown = text[:MOST_TEXT].decode("utf-8", "replace")
                yield _aside(NOBODY, damage.reason, {"xml": "<Record" + shown})
            for name, (kind, _) in SENSORS.items():
                if f'"{QUANTITY}{name}"'.encode() in text:
                    self.readings.refuse(kind, damage.reason)


def number(text: str) -> float:
    """A number as the phone writes it. Raises ValueError, also for what only Python takes."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _source(element: Element) -> Source:
    attributes, metadata = element.attributes, element.metadata
    name = attributes.get("sourceName", "")
    return source_of(name, hints_of(attributes, metadata), metadata.get(_ENTERED) == "1")


def _sample(element: Element, until: int) -> SleepSample:
    attributes, metadata = element.attributes, element.metadata
    start, printed = _date(attributes, "startDate", "start")
    end, _ = _date(attributes, "endDate", "end")
    if not attributes.get("value"):
        raise Unusable("it has no value")
    reason = _fault(start, end)
    if reason:
        raise Unusable(reason)
    if end > until:
        raise Unusable("it lies in the future: it ends after the export was made", (start, end))
    return SleepSample(
        start=start,
        end=end,
        value=attributes["value"],
        created=_created(attributes),
        printed=printed,
        zone=metadata.get(_ZONE),
        manual=metadata.get(_ENTERED) == "1",
        more={k: v for k, v in (attributes | metadata).items() if k not in _TOLD | {_ZONE}},
    )


def _date(attributes: Mapping[str, str], name: str, word: str) -> tuple[int, int]:
    if not attributes.get(name):
        raise Unusable(f"it has no {word}")
    try:
        return dates.parse(attributes[name])
    except ValueError:
        raise Unusable(f"its {word} is no date") from None


def _created(attributes: Mapping[str, str]) -> int | None:
    try:
        created, _ = dates.parse(attributes.get("creationDate", ""))
    except ValueError:
        return None
    return created if dates.FIRST <= created <= dates.LAST else None


def _fault(start: int, end: int) -> str | None:
    if not dates.FIRST <= min(start, end) <= max(start, end) <= dates.LAST:
        return "its year is outside 1990 to 2100"
    if end <= start:
        return "it has no length" if end == start else "it ends before it starts"
    return "it lasts longer than 24 hours" if end - start > LONGEST else None


def _aside(
    source: Source,
    reason: str,
    sent: Mapping[str, str],
    span: tuple[int, int] | None = None,
) -> Raw:
    payload = _encode({key: text[:MOST_TEXT] for key, text in sent.items()})
    return Raw(
        key="aside|" + _digest(f"{source.key}\0{reason}\0".encode() + payload),
        kind="sleep",
        source=source,
        payload=payload,
        start=None if span is None else dates.instant(span[0]),
        end=None if span is None else dates.instant(span[1]),
        problem=reason,
    )


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
