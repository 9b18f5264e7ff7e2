"""A file read by two processes at once tells the same as one that is read by one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sleepbalance.archive import open_members
from sleepbalance.provider import Finished, Raw
from sleepbalance.providers.apple_health.export import read
from sleepbalance.providers.apple_health.halves import middle
from tests.apple_health.layouts import NOW, Outcome, outcome
from tests.exports import Export, Sample, evenings, hearts, staged

ALWAYS, NEVER = 0, 2**40  # bytes from which on a second process is worth it


def told(path: Path, worth: int) -> tuple[Outcome, dt.datetime | None]:
    with open_members(path) as members:
        *raws, finished = read(members, NOW, worth)
    assert isinstance(finished, Finished)
    found = [raw for raw in raws if isinstance(raw, Raw)]
    return outcome(found, list(finished.problems)), finished.as_of


def nights() -> list[Sample]:
    days = evenings("2026-03-01", 4)
    odd = Sample("2026-03-02T03:00:00", "2026-03-02T02:00:00", "AsleepREM")
    beats = [s for day in days for s in hearts(day)]
    late = Sample("2026-03-03T03:00:00", "2026-03-03T03:00:00", "much", kind=beats[0].kind)
    return [*beats, late, odd, *(s for day in days for s in staged(day))]


PLAIN = Export(nights(), made="2026-05-01T09:00:00+02:00")


def changed(text: str, how: str) -> str:
    half = text.find("\n <Record", len(text) // 2)
    return {
        "as the phone writes it": text,
        "with a BOM": "\ufeff" + text,
        "cut off": text[:-300],
        "cut off before the middle": text[: len(text) // 3],
        "formatted anew": text.replace("\n <Record ", "\n    <Record\n      "),
        "a comment over the middle": f"{text[: half - 900]}<!--{text[half - 900 : half + 900]}-->"
        + text[half + 900 :],
        "an element over the middle": f"{text[:half]}\n <Correlation>{text[half:]}",
        "dated behind the middle": text.replace("<ExportDate", "<Was", 1).replace(
            "</HealthData>", ' <ExportDate value="2026-03-03 12:00:00 +0100"/>\n</HealthData>'
        ),
        "broken in both halves": text.replace("Awake", "Aw<ake"),
        "named by an entity": text.replace("Test Watch", "Test &amp; Watch"),
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "as the phone writes it",
        "with a BOM",
        "cut off",
        "cut off before the middle",
        "formatted anew",
        "a comment over the middle",
        "an element over the middle",
        "dated behind the middle",
        "broken in both halves",
        "named by an entity",
    ],
)
def test_two_processes_tell_what_one_tells(tmp_path: Path, how: str) -> None:
    path = tmp_path / "export.xml"
    path.write_text(changed(PLAIN.xml(), how), encoding="utf-8")
    assert told(path, ALWAYS) == told(path, NEVER)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_read_by_one(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "export.xml"
    text = PLAIN.xml().replace("Test Watch", "Zoë").replace("UTF-8", encoding)
    path.write_text(text, encoding=encoding)
    assert told(path, ALWAYS) == told(path, NEVER)
    assert told(path, ALWAYS)[0].sleep[-1].source.name == "Zoë"


def test_only_a_large_bare_file_is_worth_it(tmp_path: Path) -> None:
    path = PLAIN.write(tmp_path / "export.xml")
    split = middle(path, ALWAYS)
    assert split is not None
    assert path.read_bytes()[split:].startswith(b'\n <Record type="HK')
    assert middle(path) is None
    assert middle(tmp_path / "nowhere", ALWAYS) is None
    zipped = PLAIN.write(tmp_path / "export.zip")
    assert told(zipped, ALWAYS)[0].sleep == told(path, NEVER)[0].sleep


def test_a_second_process_that_fails_costs_nothing(tmp_path: Path) -> None:
    """The file is gone when it looks: the first, which has it open, reads on."""
    path = PLAIN.write(tmp_path / "export.xml")
    expected = told(path, NEVER)
    with open_members(path) as members:
        reading = read(members, NOW, ALWAYS)
        items = [next(reading)]
        path.rename(tmp_path / "elsewhere")
        items += reading
    *raws, finished = items
    assert isinstance(finished, Finished)
    found = [raw for raw in raws if isinstance(raw, Raw)]
    assert outcome(found, list(finished.problems)) == expected[0]
