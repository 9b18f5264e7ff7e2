"""Measures the import of an Apple Health export: `make bench`. Prints tables in Markdown.

The whole import into a new data folder, from the start of the process to its end, against one
plain expat pass that looks at every record: in turn, several times, the median counts. Then once
healthkit-to-sqlite on the same file, and the import of ten times as much, zipped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.generate import write

FOLDER = Path(".bench")
BIN = Path(sys.executable).parent
# Python keeps compiled modules unless told otherwise, and on a person's machine nobody tells it.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

PLAIN_PASS = """
import sys
from xml.parsers import expat
seen = 0
def start(name, attributes):
    global seen
    if name == "Record" and attributes["type"]:
        seen += 1
parser = expat.ParserCreate()
parser.StartElementHandler = start
with open(sys.argv[1], "rb") as file:
    parser.ParseFile(file)
"""

READER = """
import datetime, pathlib, sys
from sleepbalance.archive import open_members
from sleepbalance.providers.apple_health.export import read, recognises
with open_members(pathlib.Path(sys.argv[1])) as members:
    for _ in read([m for m in members if recognises(m)], datetime.datetime.now(datetime.UTC)):
        pass
"""


@dataclass
class Candidate:
    """A program under measurement; `made` is removed before each run."""

    name: str
    command: list[str]
    made: Path
    seconds: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    def run(self) -> None:
        if self.made.is_dir():
            shutil.rmtree(self.made)
        else:
            self.made.unlink(missing_ok=True)
        begun = time.perf_counter()
        with subprocess.Popen(self.command, stdout=subprocess.DEVNULL, env=ENVIRONMENT) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{self.name} failed with {process.returncode}")
        self.seconds.append(time.perf_counter() - begun)
        self.peak.append(usage.ru_maxrss / 1024)


def candidates(file: Path, reader_only: bool) -> list[Candidate]:
    """Ours first, then what it is compared with."""
    data = FOLDER / "data"
    ours = [str(BIN / "sleepbalance"), "--data", str(data), "import", str(file), "--json"]
    if reader_only:
        ours = [sys.executable, "-c", READER, str(file)]
    name = "sleepbalance, reading alone" if reader_only else "sleepbalance import"
    found = [Candidate(name, ours, data)]
    if file.suffix == ".xml":
        plain = [sys.executable, "-c", PLAIN_PASS, str(file)]
        found.append(Candidate("plain expat pass", plain, FOLDER / "nothing"))
    return found


def other(file: Path) -> Candidate | None:
    """healthkit-to-sqlite, where it is installed."""
    program, database = BIN / "healthkit-to-sqlite", FOLDER / "other.db"
    if not program.exists():
        return None
    command = [str(program), "--xml", str(file), str(database), "--silent"]
    return Candidate("healthkit-to-sqlite", command, database)


def table(file: Path, measured: Sequence[Candidate]) -> str:
    ours = statistics.median(measured[0].seconds)
    size, python = f"{file.stat().st_size / 1e6:,.0f} MB", sys.version.split()[0]
    lines = [
        f"`{file.name}`, {size}, {os.cpu_count()} cores, Python {python}",
        "",
        "| | seconds, median | from … to | runs | ours / its | its / ours | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in measured:
        median = statistics.median(one.seconds)
        lines.append(
            f"| {one.name} | {median:.2f} | {min(one.seconds):.2f} … {max(one.seconds):.2f} "
            f"| {len(one.seconds)} | {ours / median:.2f} | {median / ours:.1f} "
            f"| {max(one.peak):.0f} |"
        )
    return "\n".join(lines) + "\n"


def made(name: str, megabytes: int) -> Path:
    """The file, made up where it is not there yet."""
    path = FOLDER / f"{Path(name).stem}-{megabytes}{Path(name).suffix}"
    if not path.exists():
        print(f"making up {path} ...", file=sys.stderr)
        begun = path.with_name("begun" + path.suffix)
        write(begun, megabytes)
        begun.rename(path)
    return path


def measure(file: Path, runs: int, reader_only: bool) -> str:
    """Runs in turn, so that whatever else the machine does meets all of them."""
    measured = candidates(file, reader_only)
    for _ in range(runs):
        for one in measured:
            one.run()
    slow = other(file) if file.suffix == ".xml" and not reader_only else None
    if slow:
        slow.run()  # a minute or more: once
        measured.append(slow)
    return table(file, measured)


def account() -> str:
    """What the last import says of itself: proof that all of the file was read."""
    command = [str(BIN / "sleepbalance"), "--data", str(FOLDER / "data")]
    command += ["history", "--limit", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.dumps(json.loads(done.stdout)[0]["detail"], indent=1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the import of an Apple Health export")
    parser.add_argument("--megabytes", type=int, default=200, help="of the file that all read")
    parser.add_argument("--large", type=int, default=2000, help="megabytes in the zip; 0: none")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--reader", action="store_true", help="measure reading alone")
    given = parser.parse_args()
    file = made("export.xml", given.megabytes)
    print(measure(file, given.runs, given.reader), flush=True)
    if given.large:
        print(measure(made("export.zip", given.large), 1, given.reader), flush=True)
    if not given.reader:
        print(account())


if __name__ == "__main__":
    main()
