"""An upgrade that is killed between any two statements leaves the old or the new version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.upgrade.phone_files import Form
from tests.upgrade.test_phone_files import filled

ROOT = Path(__file__).parents[2]


def _cut(*arguments: Path) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.upgrade.cut", *map(str, arguments)],
        cwd=ROOT,
        # Measuring what is killed anyway would treble the time.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    met: dict[str, int] = json.loads(done.stdout)
    return met


def test_a_phone_file(tmp_path: Path) -> None:
    original = tmp_path / "phone.db"
    filled(original, Form(9))
    folder = tmp_path / "cuts"
    folder.mkdir()
    met = _cut(folder, original)
    assert met.keys() == {"None", "v5", "v7", "v100", "v101"}
    assert sum(met.values()) > 150


def test_a_fresh_file(tmp_path: Path) -> None:
    met = _cut(tmp_path)
    assert met.keys() == {"None", "v5", "v7", "v100", "v101"}
