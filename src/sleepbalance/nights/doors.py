"""The doors of one source under one name: an archive's account and device are those of the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sleepbalance.model import MANUAL_MARK, UNNAMED, Edit, EditKind, Report, Source
from sleepbalance.nights.choice import SourceRank
from sleepbalance.nights.rules import Rules
from sleepbalance.nights.spans import Calendar, Span, length, shared
from sleepbalance.nights.standing import Reading, one_sleep

Homes = Mapping[tuple[str, str], str]  # by provider and account of an archive: whose it is
Family = tuple[str, str, bool]  # provider, account, typed in by hand


def at_home(report: Report, homes: Homes) -> Report:
    """The report with the account that it belongs to."""
    home = homes.get((report.provider, report.account))
    return report if home is None else replace(report, home=home)


def rank_at_home(rank: SourceRank, homes: Homes) -> SourceRank:
    home = homes.get((rank.provider, rank.account))
    return rank if home is None else rank._replace(account=home)


def edit_at_home(edit: Edit, homes: Homes) -> Edit:
    value = edit.value
    home = homes.get((str(value.get("provider")), str(value.get("account") or "")))
    if edit.kind is not EditKind.SOURCE or home is None:
        return edit
    return replace(edit, value={**value, "account": home})


# -- devices -----------------------------------------------------------------------------------


def is_unnamed(source: Source) -> bool:
    """Whether the maker does not say which device it was, or by which one it was typed in."""
    return source.key == UNNAMED or source.key in (MANUAL_MARK, UNNAMED + MANUAL_MARK)


def with_devices(readings: Sequence[Reading], rules: Rules) -> list[Reading]:
    """Every reading of an unnamed device as one of the device whose sleep it tells.

    That is the device of its account that it shares most with; where it shares no sleep with any,
    the only one that tells sleep near enough to be the same night. Else it stays by itself.
    """
    named: dict[Family, Calendar[Reading]] = defaultdict(Calendar)
    for reading in readings:
        if not is_unnamed(reading.report.session.source):
            named[_family(reading)].add(reading.extent, reading)
    return [_with_device(r, named, rules) for r in readings] if named else list(readings)


def _family(reading: Reading) -> Family:
    report = reading.report
    by_hand = report.session.source.key.endswith(MANUAL_MARK)
    return report.provider, report.of_account, by_hand


def _with_device(
    reading: Reading, named: Mapping[Family, Calendar[Reading]], rules: Rules
) -> Reading:
    report = reading.report
    calendar = named.get(_family(reading)) if is_unnamed(report.session.source) else None
    device = calendar and _device(reading, calendar.near(reading.extent, around=1), rules)
    if not device:
        return reading
    source = replace(report.session.source, key=device)
    report = replace(report, session=replace(report.session, source=source))
    return Reading(report, tuple(replace(part, report=report) for part in reading.parts))


def _device(reading: Reading, near: Iterable[Reading], rules: Rules) -> str | None:
    others = list(near)
    same = [r for r in others if one_sleep(reading, r, rules)]
    if same:
        return min((_apart(reading, r), r.report.session.source.key) for r in same)[1]
    beside = {r.report.session.source.key for r in others if _beside(reading, r, rules)}
    return beside.pop() if len(beside) == 1 else None


def _apart(one: Reading, two: Reading) -> int:
    """Seconds that only one of them tells."""
    return length(one.extent) + length(two.extent) - 2 * shared(one.extent, two.extent)


def _beside(one: Reading, two: Reading, rules: Rules) -> bool:
    a, b = _whole(one), _whole(two)
    gap = max(b.start - a.end, a.start - b.end)
    return gap <= rules.long_gap and min(a.seconds, b.seconds) > 0


def _whole(reading: Reading) -> Span:
    return Span(reading.extent[0].start, reading.extent[-1].end)
