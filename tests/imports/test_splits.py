"""A Takeout cut in pieces that come one by one, in whatever order, tells the same nights."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sleepbalance.app import App, opened
from sleepbalance.folder import Folder
from tests.fitbit.sample import BLOCK, NAP, NIGHT, made
from tests.homes import NOW, everything_but_the_log, nights
from tests.takeouts import Takeout, entry

TOKYO, CHICAGO = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Chicago")
BERLIN = ZoneInfo("Europe/Berlin")
LESS = ((20_400, "light"), (3600, "rem"))


def whole() -> dict[str, bytes]:
    """Both tellings of sleeps far from UTC and across a change of the clock, and what is beside."""
    takeout = Takeout(made().files, root="Takeout/Google Health")
    evenings = {
        "1": (dt.datetime(2026, 9, 20, 23, 10, tzinfo=TOKYO), NIGHT),
        "2": (dt.datetime(2026, 9, 21, 13, 0, tzinfo=TOKYO), NAP),
        "3": (dt.datetime(2026, 9, 25, 22, 50, tzinfo=CHICAGO), NIGHT),
        "4": (dt.datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN), LESS),
        "5": (dt.datetime(2026, 10, 28, 23, 0, tzinfo=BERLIN), BLOCK),
    }
    for name, (start, stages) in evenings.items():
        more = {"logType": "manual"} if stages is BLOCK else {}
        log = entry(start, stages, 700 + int(name), mainSleep=stages is not NAP, **more)
        takeout.logs(f"2026-10-0{name}", [log])
        typed_in = [name] if stages is BLOCK else []
        takeout.rows(f"2026-10-0{name}", [(start, stages, name)], typed_in)
    return takeout.files


WHOLE = whole()


def take(app: App, folder: Path, names: Sequence[str], number: int) -> Mapping[str, Any]:
    path = Takeout(WHOLE).zip(folder / f"{number}.zip", names)
    (attempt,) = app.import_paths([path], now=NOW, timezone="Europe/Berlin")
    assert attempt["status"] == "success", attempt["error_message"]
    return attempt


def home(folder: Path) -> Folder:
    return Folder(folder / "home", f"sqlite:///{folder / 'home.db'}", demo=False)


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("at_once")
    with opened(home(folder)) as app:
        take(app, folder, list(WHOLE), 0)
        return nights(app)


def test_at_once_they_are_what_they_should_be(tmp_path: Path) -> None:
    with opened(home(tmp_path)) as app:
        take(app, tmp_path, list(WHOLE), 0)
        told = app.nights(None)
    ends = {str(n["sleep_date"]): n["sleep_end_time"] for n in told}
    assert ends["2026-09-21"].endswith("+09:00")
    assert ends["2026-09-26"].endswith("-05:00")
    assert ends["2026-10-25"] == "2026-10-25T04:40:00+01:00"
    assert len(told) == 8


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],  # an example takes seconds: smaller is not worth it
)
@given(data=st.data())
def test_any_split_in_any_order_tells_the_same_nights(
    at_once: list[Any], data: st.DataObject
) -> None:
    names = data.draw(st.permutations(sorted(WHOLE)))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(names) - 1), max_size=4)))
    pieces = [names[a:b] for a, b in zip([0, *cuts], [*cuts, len(names)], strict=True)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with opened(home(folder)) as app:
            for number, piece in enumerate(pieces):
                take(app, folder, piece, number)
            assert nights(app) == at_once
            before = everything_but_the_log(app)
            attempt = take(app, folder, list(WHOLE), len(pieces))
            counts = attempt["records_inserted"], attempt["records_updated"]
            assert counts == (0, 0)
            assert everything_but_the_log(app) == before


@pytest.mark.parametrize("first", ["rows", "stages"])
def test_stages_and_rows_in_zips_of_their_own(tmp_path: Path, first: str) -> None:
    stages = [name for name in WHOLE if "UserSleepStages" in name]
    rows = [name for name in WHOLE if "UserSleeps_" in name]
    with opened(home(tmp_path)) as app:
        for number, names in enumerate((rows, stages) if first == "rows" else (stages, rows)):
            take(app, tmp_path, names, number)
        night = next(n for n in app.nights(None) if str(n["sleep_date"]) == "2026-09-21")
        assert (night["rem_sleep_duration"], night["deep_sleep_duration"]) == (90, 60)
