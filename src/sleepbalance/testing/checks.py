"""When raw records, and the sessions made of them, are sound."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from hypothesis import HealthCheck, settings

from sleepbalance.model import Session, Stage
from sleepbalance.provider import Normalised, Raw

from .samples import span_of

VITALS = {"heart_rate", "hrv_rmssd", "hrv_sdnn", "breathing_rate", "spo2", "skin_temperature"}

broken_often = settings(
    max_examples=150,
    deadline=None,
    # one suite runs over many providers, on purpose
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)


def is_placed(raw: Raw) -> None:
    """A raw record lies in time, or says why it does not."""
    assert raw.key
    assert raw.kind
    assert raw.source.key or raw.companion or raw.problem, "whose sleep is it?"
    if raw.problem is None:
        start, end = span_of(raw)
        assert start <= end
    for instant in (raw.start, raw.end, raw.revised_at):
        assert instant is None or instant.utcoffset() == dt.timedelta(0)


def is_sound(group: Sequence[Raw], result: Normalised) -> None:
    """Each record became part of a sound session, is set aside with a reason, or withdraws one."""
    for session in result.sessions:
        assert session.source.key == group[0].source.key
        _session_is_sound(session)
    aside = {key for key, reason in result.aside if reason}
    assert aside <= {raw.key for raw in group}
    for raw in group:
        if not raw.companion and raw.key not in (*aside, *result.withdrawn):
            assert _hold(result.sessions, raw), raw.key


def _hold(sessions: Sequence[Session], raw: Raw) -> bool:
    """Whether the sessions that the record touches reach from its start to its end.

    A record may tell several, such as a night and the naps of its day.
    """
    start, end = span_of(raw)
    spans = [
        (session.start - day, session.end + day)
        for session in sessions
        for day in [dt.timedelta(days=1 if session.wall else 0)]
    ]
    near = [span for span in spans if span[0] <= end and start <= span[1]]
    return bool(near) and min(near)[0] <= start and end <= max(last for _, last in near)


def _session_is_sound(session: Session) -> None:
    assert session.external_id
    assert session.start < session.end
    for instant in (session.start, session.end, session.sleep_start, session.sleep_end):
        assert instant is None or instant.utcoffset() == dt.timedelta(0)
    set_meanwhile = dt.timedelta(days=1 if session.wall else 0)  # the clock, or on a flight
    length = (session.end - session.start + set_meanwhile).total_seconds()
    for pieces in (session.hypnogram, session.parts, session.in_bed):
        assert all(piece.offset >= 0 < piece.seconds for piece in pieces)
        assert all(piece.end <= length for piece in pieces)
        edges = [edge for piece in pieces for edge in (piece.offset, piece.end)]
        assert edges == sorted(edges), "unsorted or overlapping"
    assert all(isinstance(segment.stage, Stage) for segment in session.hypnogram)
    assert session.vitals.keys() <= VITALS
