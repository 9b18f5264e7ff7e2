"""The demo export that ships is what its script makes, and says that it is a demo."""

from __future__ import annotations

import runpy
import zipfile
from pathlib import Path

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
