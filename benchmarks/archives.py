"""Measures the import of archives of years: a Google Takeout, and Garmin's account export.

Each whole import into a new data folder, from the start of the process to its end, in turn with a
plain pass that unpacks the same members and decodes them (`json.loads`, `csv.reader`) and keeps
nothing. Then a zip of 32,000 members of which a few are read, and a large one. `make bench`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests import takeouts
from tests.garmin import exported

from benchmarks.apple_health import BIN, FOLDER, Candidate

NAMES = """
import sys
from pathlib import Path
from sleepbalance.archive import open_members
from sleepbalance.providers import load
doors = [door for provider in load().values() for door in provider.files]
with open_members(Path(sys.argv[1])) as members:
    names = [m.name for m in members if any(door.recognises(m) for door in doors)]
Path(sys.argv[2]).write_text(chr(10).join(names))
"""
DECODE = """
import csv, json, sys, zipfile
from io import StringIO
with zipfile.ZipFile(sys.argv[1]) as archive, open(sys.argv[2]) as names:
    for name in names.read().split(chr(10)):
        text = archive.read(name).decode()
        if name.endswith(".json"):
            json.loads(text)
        else:
            for _ in csv.reader(StringIO(text)):
                pass
"""


def kept(name: str, make: Callable[[Path], object]) -> Path:
    """The file, made up where it is not there yet."""
    path = FOLDER / name
    if not path.exists():
        print(f"making up {path} ...", file=sys.stderr)
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_name("begun-" + name)
        make(begun)
        begun.rename(path)
    return path


def wanted(file: Path) -> Path:
    """The names of the members that are read, for the plain pass; found outside the measured."""
    names = FOLDER / "names.txt"
    Candidate("names", [sys.executable, "-c", NAMES, str(file), str(names)], names).run()
    return names


def candidates(file: Path, plain: bool) -> list[Candidate]:
    data = FOLDER / "data"
    command = [str(BIN / "sleepbalance"), "--data", str(data), "import", str(file), "--json"]
    found = [Candidate("sleepbalance import", command, data)]
    if plain:
        names = wanted(file)
        passing = [sys.executable, "-c", DECODE, str(file), str(names)]
        found.append(Candidate("plain decoding pass", passing, FOLDER / "nothing"))
    return found


def size(file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        found = archive.infolist()
    unpacked = sum(entry.file_size for entry in found) / 1e6
    return f"{len(found):,} members, {file.stat().st_size / 1e6:,.0f} MB, unpacked {unpacked:,.0f}"


def measure(title: str, file: Path, runs: int, *, plain: bool = True) -> None:
    """Runs in turn, so that whatever else the machine does meets all of them."""
    measured = candidates(file, plain)
    for _ in range(runs):
        for one in measured:
            one.run()
    print(f"{title}: {size(file)} MB; {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print("| | seconds, median | from … to | runs | peak MB |\n|---|---|---|---|---|")
    for one in measured:
        middle = statistics.median(one.seconds)
        span = f"{min(one.seconds):.2f} … {max(one.seconds):.2f}"
        peak = max(one.peak)
        print(f"| {one.name} | {middle:.2f} | {span} | {len(one.seconds)} | {peak:.0f} |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the import of archives")
    parser.add_argument("--years", type=float, default=10)
    parser.add_argument("--members", type=int, default=32_000, help="of the zip of many; 0: none")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    years = f"{given.years:g}"
    takeout = kept(f"takeout-{years}.zip", lambda path: takeouts.of_years(path, given.years))
    garmin = kept(
        f"garmin-{years}.zip", lambda path: path.write_bytes(exported.export(given.years))
    )
    measure(f"Takeout, {years} years", takeout, given.runs)
    measure(f"Garmin's export, {years} years", garmin, given.runs)
    if given.members:
        many = kept(
            f"members-{given.members}.zip",
            lambda path: takeouts.of_years(path, 0.5, clutter=given.members),
        )
        measure("Takeout, half a year among files that nobody reads", many, 1, plain=False)


if __name__ == "__main__":
    main()
