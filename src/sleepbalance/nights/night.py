"""One night as the two tables keep it: the row of its date, and the details beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sleepbalance.model import Report
from sleepbalance.nights.beds import Beds
from sleepbalance.nights.choice import NO_SLEEP, Alternative, Episode
from sleepbalance.nights.days import Day
from sleepbalance.nights.measures import (
    YOUR_EDIT,
    Figures,
    clock,
    computed_fields,
    edited_columns,
    minutes,
    origins,
    stage_fields,
    time_fields,
    vital_fields,
)
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.sleeps import PERSON, Sleep
from sleepbalance.nights.spans import shared

RECORD = (
    "bed_time",
    "sleep_start_time",
    "sleep_end_time",
    "wake_time",
    "total_sleep_time",
    "deep_sleep_duration",
    "rem_sleep_duration",
    "light_sleep_duration",
    "awake_duration",
    "avg_heart_rate",
    "min_heart_rate",
    "max_heart_rate",
    "avg_hrv",
    "avg_breathing_rate",
)
DETAILS = (
    "time_in_bed",
    "sleep_onset_latency",
    "latency_to_arising",
    "sleep_period",
    "unspecified_sleep_duration",
    "restless_duration",
    "unmeasured_duration",
    "gap_duration",
    "nap_duration",
    "sleep_24h",
    "awakenings",
    "sleep_efficiency",
    "sleep_maintenance_efficiency",
    "mid_sleep",
    "awake_scope",
    "avg_hrv_sdnn",
    "avg_spo2",
    "min_spo2",
    "avg_skin_temperature",
)
LISTS = ("parts", "naps", "other_main_sleeps", "alternatives", "sessions", "edited")


@dataclass(frozen=True)
class Night:
    """What we say of a date. `record` and `details` are keyed by the columns of the tables."""

    date: dt.date
    record: Mapping[str, object]
    details: Mapping[str, object]


@dataclass(frozen=True)
class Quality:
    """The person's words on a night."""

    rating: str | None = None
    notes: str | None = None


class Scribe:
    """Writes nights down; it knows all time in bed and all sleeps of every source by date."""

    def __init__(self, beds: Beds, sleeps: Sequence[Sleep], rules: Rules) -> None:
        self._beds = beds
        self._rules = rules
        self._version = rules.rules_version
        self._by_date: dict[dt.date, list[Sleep]] = {}
        for sleep in sleeps:
            self._by_date.setdefault(sleep.date, []).append(sleep)

    def night(self, main: Episode, day: Day, quality: Quality) -> Night:
        figures = self._figures(main.chosen, main.times)
        values, origin = self._values(figures)
        values |= self._totals(main, day)
        chosen, by_choice = main.chosen, {"data_source": YOUR_EDIT} if main.by_choice else {}
        details = {
            **_source(chosen),
            **_place(chosen, figures),
            "parts": _parts(chosen),
            "naps": self._naps(day),
            "other_main_sleeps": [self._summary(e.chosen, e.times) for e in day.others],
            "alternatives": self._alternatives(main.alternatives),
            "edited": [*edited_columns(main.times), *by_choice, *_your_word(chosen)],
            "why": main.why if main.misfit is None else f"{main.why}; {main.misfit}",
            "provenance": origin | by_choice,
        }
        return self._write(main.date, values, details, chosen.source.provider, quality)

    def deleted(self, main: Episode, day: Day | None, quality: Quality) -> Night:
        """The row of a sleep that was none: it stays, and every number in it is null.

        The naps of its date are still listed.
        """
        yours = main.dead
        details = {
            **_source(main.chosen),
            "naps": self._naps(day) if day else [],
            "edited": ["is_deleted"] if yours else [],
            "why": NO_SLEEP if yours else main.why,
            "provenance": {"is_deleted": YOUR_EDIT if yours else main.why},
        }
        provider = main.chosen.source.provider
        return self._write(main.date, {}, details, provider, quality, is_deleted=1)

    def words_only(self, date: dt.date, quality: Quality) -> Night:
        """The row of a date of which only the person said something."""
        return self._write(date, {}, {"why": "nothing but your words"}, PERSON, quality)

    def _write(
        self,
        date: dt.date,
        values: Mapping[str, object],
        details: Mapping[str, object],
        provider: str,
        quality: Quality,
        is_deleted: int = 0,
    ) -> Night:
        record = {name: values.get(name) for name in RECORD} | {
            "quality_rating": quality.rating,
            "quality_notes": quality.notes,
            "data_source": provider,
            "is_deleted": is_deleted,
        }
        empty: dict[str, object] = {name: [] for name in LISTS}
        empty |= dict.fromkeys(PLACE + SOURCE) | {"provisional": 0, "why": None, "provenance": {}}
        numbers = {name: values.get(name) for name in DETAILS}
        version = {"rules_version": self._version}
        return Night(date, record, numbers | empty | dict(details) | version)

    def _figures(self, sleep: Sleep, times: Mapping[str, dt.datetime | None]) -> Figures:
        return Figures(sleep, self._beds.of(sleep), times, self._rules)

    def _values(self, figures: Figures) -> tuple[dict[str, object], dict[str, str]]:
        values = time_fields(figures) | stage_fields(figures) | computed_fields(figures)
        vitals, origin = vital_fields(figures)
        return values | vitals, origins(figures, values) | origin

    def _totals(self, main: Episode, day: Day) -> dict[str, object]:
        """Naps, and all sleep of the date by the source of the night; nothing counted twice."""
        kept = [main.chosen]
        for nap in sorted((e.chosen for e in day.naps), key=lambda s: (-s.size, s.start)):
            if not any(shared(nap.covers, other.covers) for other in kept):
                kept.append(nap)
        return {
            "nap_duration": minutes(sum(s.asleep for s in kept[1:])),
            "sleep_24h": self._whole_day(main, day),
        }

    def _whole_day(self, main: Episode, day: Day) -> int | None:
        if main.chosen.tally.total is None:
            return None
        shown = {s for e in day.episodes for s in (e.chosen,)}
        doubted = {s for e in day.unconfirmed for s in (e.chosen,)}
        own = [s for s in shown - doubted if s.source == main.chosen.source]
        own += [s for s in self._by_date.get(main.date, ()) if _also(s, main, day)]
        counted: list[Sleep] = []
        for sleep in sorted(own, key=lambda s: (s is not main.chosen, -s.asleep, s.start)):
            if not any(shared(sleep.covers, other.covers) for other in counted):
                counted.append(sleep)
        return minutes(sum(s.asleep for s in counted))

    def _naps(self, day: Day) -> list[object]:
        naps = [(e, "nap") for e in day.naps] + [(e, "unconfirmed") for e in day.unconfirmed]
        return [
            self._nap(episode, kind)
            for episode, kind in sorted(naps, key=lambda x: x[0].chosen.start)
        ]

    def _nap(self, episode: Episode, kind: str) -> dict[str, object]:
        sleep = episode.chosen
        return {
            "start": clock(sleep.start, sleep.parts[0].report.zone_start),
            "end": clock(sleep.end, sleep.last.zone_end),
            "minutes": minutes(sleep.tally.total),
            "kind": kind,
            "source": sleep.name,
            "provider": sleep.source.provider,
            "sessions": _sessions(sleep),
            "alternatives": self._alternatives(episode.alternatives),
        }

    def _alternatives(self, alternatives: Sequence[Alternative]) -> list[object]:
        ordered = sorted(alternatives, key=lambda a: (a.sleep.source, a.sleep.start))
        return [self._summary(a.sleep, {}) | {"why": a.why} for a in ordered]

    def _summary(self, sleep: Sleep, times: Mapping[str, dt.datetime | None]) -> dict[str, object]:
        """One sleep with its own numbers, for lists beside the night."""
        figures = self._figures(sleep, times)
        clocks = time_fields(figures)
        return {
            **_named(sleep),
            "start": clocks["sleep_start_time"] or clocks["bed_time"],
            "end": clocks["sleep_end_time"] or clocks["wake_time"],
            **clocks,
            **stage_fields(figures),
            "time_in_bed": minutes(figures.in_bed),
            "sessions": _sessions(sleep),
        }


SOURCE = ("provider", "account", "source_key", "source_name")
PLACE = ("evening_date", "provider_date", "zone", "zone_from")


def _also(sleep: Sleep, main: Episode, day: Day) -> bool:
    """A sleep of the same source that another source was believed about."""
    beside = any(a.sleep is sleep for e in (*day.others, *day.naps) for a in e.alternatives)
    return beside and sleep.source == main.chosen.source


def _source(sleep: Sleep) -> dict[str, object]:
    source = sleep.source
    return {
        "provider": source.provider,
        "account": sleep.last.account,
        "source_key": source.key,
        "source_name": sleep.name,
        "sessions": _sessions(sleep),
    }


def _your_word(sleep: Sleep) -> list[str]:
    if sleep.source.provider == PERSON:
        return ["added"]
    return ["kind"] if sleep.by_person else []


def _named(sleep: Sleep) -> dict[str, object]:
    source = sleep.source
    return {
        "source": sleep.name,
        "provider": source.provider,
        "account": sleep.last.account,
        "source_key": source.key,
    }


def _place(sleep: Sleep, figures: Figures) -> dict[str, object]:
    report = sleep.last
    return {
        "evening_date": figures.evening,
        "provider_date": report.session.maker_date,
        "zone": report.zone_end,
        "zone_from": str(report.zone_from),
        "provisional": int(any(r.session.provisional for r in sleep.reports)),
    }


def _sessions(sleep: Sleep) -> list[str]:
    """Ids of the stored sessions; what the person added is an edit and no session."""
    return [name for report in sleep.reports for name in _stored(report)]


def _stored(report: Report) -> list[str]:
    return [] if report.provider == PERSON else [report.id]


def _parts(sleep: Sleep) -> list[object]:
    return [
        {
            "start": clock(part.span.start, part.report.zone_start),
            "end": clock(part.span.end, part.report.zone_end),
            "total_sleep_time": minutes(part.tally.total),
            "session": next(iter(_stored(part.report)), None),
        }
        for part in sleep.parts
    ]
