"""What a maker says of a night itself is shown beside our numbers, and all of it is in the JSON."""

from __future__ import annotations

from pathlib import Path

from tests.fitbit.sample import PATH
from tests.homes import run, run_json


def test_a_makers_own_score_is_shown(tmp_path: Path) -> None:
    run("import", PATH, data=tmp_path, check=0)
    shown = run("night", "2026-09-11", data=tmp_path, check=0).stdout
    assert "Fitbit's own: score 81, revitalization score 80, efficiency 92, resting" in shown
    (made,) = run_json("night", "2026-09-11", data=tmp_path)["makers"][:1]
    assert made["stands"]
    assert made["said"]["score"]["overall_score"] == "81"
    assert made["said"]["restingHeartRate"] == 54.2


def test_of_a_night_without_scores_nothing_is_said(tmp_path: Path) -> None:
    run("import", PATH, data=tmp_path, check=0)
    shown = run("night", "2026-09-12", data=tmp_path, check=0).stdout
    assert "own: score 77." in shown  # -1 is none, and its id is no score
    shown = run("night", "2012-03-05", data=tmp_path, check=0).stdout
    assert "score" not in shown
