"""The demo export that ships is what its script makes, and says that it is a demo."""

from __future__ import annotations

import datetime as dt
import runpy
import zipfile
from collections import Counter
from pathlib import Path

from sleepbalance.model import Method, Session
from sleepbalance.provider import Raw
from sleepbalance.providers.apple_health import PROVIDER
from sleepbalance.testing import handed_over, together

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "src/sleepbalance/providers/apple_health/samples/demo_export.zip"


def test_the_shipped_demo_is_what_the_script_makes() -> None:
    made: str = runpy.run_path(str(ROOT / "tools/make_demo_export.py"))["export"]()
    with zipfile.ZipFile(SHIPPED) as archive:
        assert archive.read("apple_health_export/export.xml").decode() == made
        assert archive.namelist() == [
            "apple_health_export/export.xml",
            "apple_health_export/export_cda.xml",
        ]


def test_the_demo_is_small_and_marked() -> None:
    assert SHIPPED.stat().st_size < 200_000
    with zipfile.ZipFile(SHIPPED) as archive:
        for name in archive.namelist():
            assert b"<!-- sleepbalance:demo -->" in archive.read(name)[:2048]


def read() -> list[Raw]:
    (door,) = PROVIDER.files
    (sample,) = handed_over(SHIPPED)
    members = [member for member in sample.members if door.recognises(member)]
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    return [item for item in door.read(members, now) if isinstance(item, Raw)]


def sessions() -> list[Session]:
    results = [PROVIDER.normalise(group) for group in together(read(), PROVIDER.reach)]
    assert all(result.aside == () for result in results)
    return [session for result in results for session in result.sessions]


def test_the_demo_repeats_one_sample_and_has_nothing_that_cannot_be_read() -> None:
    samples = [raw for raw in read() if not raw.companion]
    assert [raw.problem for raw in samples if raw.problem] == []
    assert sorted(Counter(raw.key for raw in samples).values())[-2:] == [1, 2]


def test_the_demo_holds_what_goes_wrong_elsewhere() -> None:
    told = sessions()
    assert Counter(session.source.key for session in told) == {
        "Demo Watch": 28,  # 26 nights, two naps
        "Demo iPhone": 26,
        "Demo Ring": 5,
        "Demo iPhone#manual": 1,
    }
    watch = [session for session in told if session.source.key == "Demo Watch"]
    phone = [session for session in told if session.source.key == "Demo iPhone"]
    assert [session.end.date().day for session in watch if len(session.parts) == 2] == [3]
    assert [session.end.date().day for session in phone if len(session.parts) == 3] == [10]
    away = [session.end.date().day for session in watch if session.zone_end == "America/New_York"]
    assert away == [13, 14, 15, 16]
    naps = [session for session in watch if session.end - session.start < dt.timedelta(hours=2)]
    assert [session.end.date().day for session in naps] == [7, 16]
    assert [session.method for session in told].count(Method.MANUAL) == 1
    assert all(not session.measures_sleep for session in phone)
    for session in watch:
        assert session.vitals.keys() == {"breathing_rate", "heart_rate", "hrv_sdnn", "spo2"}
        assert session.zone_start is not None
