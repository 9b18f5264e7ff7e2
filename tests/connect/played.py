"""Tests against the sandbox: what a person does with the program, the browser and the makers."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

from sleepbalance import sandbox
from sleepbalance.app import App, connected, opened
from sleepbalance.app.links import Links, Received
from sleepbalance.app.outside import Outside
from sleepbalance.app.syncing import sync_connected
from sleepbalance.folder import Folder
from sleepbalance.store.pauses import Pauses
from tests.homes import PROGRAM, environment, run

TODAY = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)
MAKER = "fitbit"
TOLD = (
    "sleep_date",
    "bed_time",
    "sleep_start_time",
    "sleep_end_time",
    "wake_time",
    "total_sleep_time",
    "deep_sleep_duration",
    "rem_sleep_duration",
    "light_sleep_duration",
    "awake_duration",
)


@dataclass(frozen=True)
class Makers:
    """A running sandbox, and what may be said to it."""

    url: str

    def get(self, path: str) -> Any:
        with urlopen(self.url + path, timeout=30) as reply:
            return json.load(reply)

    def post(self, path: str, body: Any) -> Any:
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: Any) -> Any:
        data = json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        with urlopen(Request(self.url + path, data, kind, method=method), timeout=30) as reply:
            return json.loads(reply.read() or b"null")

    def fault(self, fault: str, path: str = "", **more: Any) -> None:
        """From now on, requests whose path matches fail."""
        said = {"provider": MAKER, "path": path, "share": 1, "fault": fault, **more}
        self.post("/-/faults", [said])

    def heal(self) -> None:
        self._send("DELETE", "/-/faults", None)

    def move(self, **by: Any) -> None:
        """Moves the clock."""
        self.post("/-/clock", by)

    def shorten(self, history: int, person: str = "1") -> dt.date:
        """Sets the clock so that the person has worn the device for so many days."""
        (began,) = (p["began"] for p in self.get("/-/people") if p["id"] == person)
        today = dt.date.fromisoformat(began) + dt.timedelta(days=history)
        self.post("/-/clock", {"date": str(today)})
        return today

    def rest(self, app: App) -> None:
        """Lets the limit pass that a maker spoke of: its clock stands still by itself here."""
        (row,) = connected.listed(app)
        ahead = self.outside(app).now() - dt.datetime.now(dt.UTC)
        pauses = Pauses(app.engine, row["id"], row["provider"], lambda: ahead)
        self.move(seconds=pauses.left() + 5)

    def truth(self, person: str = "1", first: str = "", last: str = "") -> list[dict[str, Any]]:
        found = self.get(f"/-/people/{person}/nights?from={first}&to={last}")
        assert isinstance(found, list)
        return found

    def outside(self, app: App, **edges: float) -> Outside:
        return Outside(app, {"SLEEPBALANCE_SANDBOX_URL": self.url}, **edges)


@contextmanager
def makers(people: int = 2) -> Iterator[Makers]:
    with sandbox.running(people=people, clock=lambda: TODAY) as address:
        yield Makers(address.url)


def same_as_the_truth(found: list[dict[str, Any]], truth: list[dict[str, Any]]) -> None:
    """Whether these are the nights that the makers really have."""
    assert len(found) == len(truth)
    for night, told in zip(found, truth, strict=True):
        ours = {name: night[name] for name in TOLD} | {"sleep_date": str(night["sleep_date"])}
        assert ours == {name: told[name] for name in TOLD}


@dataclass
class Home:
    """A sandbox folder, opened in this process."""

    app: App
    makers: Makers
    user: str | None = None
    edges: dict[str, float] = field(default_factory=dict)
    maker: str = MAKER

    def links(self, user: str | None = None, door: str | None = None) -> Links:
        outside = self.makers.outside(self.app, **self.edges)
        return Links.to(outside, user or self.user, self.maker, door)

    def existing(self) -> Links:
        return Links.existing(self.makers.outside(self.app), self.user, self.maker)

    def consent(
        self,
        person: str = "1",
        allow: Collection[str] | None = None,
        user: str | None = None,
        door: str | None = None,
    ) -> tuple[Links, Received]:
        links = self.links(user, door)
        login = links.begin(links.redirect_by_hand)
        back = sandbox.consent(login.address, person=person, allow=allow)
        return links, links.receive(login, dict(parse_qsl(urlsplit(back).query)))

    def connect(self, person: str = "1", **how: Any) -> dict[str, Any]:
        links, received = self.consent(person, **how)
        return links.keep(received)

    def sync(self, first: dt.date | None = None, last: dt.date | None = None) -> list[Any]:
        outside = self.makers.outside(self.app, **self.edges)
        return sync_connected(outside, self.user, self.maker, (first, last))


@contextmanager
def home(path: Path, url: str, played: Makers, maker: str = MAKER) -> Iterator[Home]:
    with opened(Folder(path, url, sandbox=True)) as app:
        yield Home(app, played, maker=maker)


# -- by the command ------------------------------------------------------------------------------


def hasty(fault: str | None) -> dict[str, float]:
    """Edges of one that waits for nobody, and gives up on an answer only where silence is tried.

    Any answer may be slow where the tests have a busy machine.
    """
    return {"patience": 0.0} | ({"timeout": 2.0} if fault == "timeout" else {})


@dataclass
class Shell:
    """The command in processes of its own, pointed at the sandbox."""

    data: Path
    makers: Makers
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        return {"SLEEPBALANCE_SANDBOX_URL": self.makers.url} | dict(self.more)

    @property
    def environ(self) -> dict[str, str]:
        return environment() | self.settings

    def run(self, *words: str | Path, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        return run(*words, data=self.data, check=check, settings=self.settings)

    def json(self, *words: str, check: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", check=check).stdout)

    def connect(self, *words: str, person: str = "1", check: int = 0, fetch: bool = False) -> str:
        """Connects as a person would: the address in the browser, and back to the callback."""
        later = () if fetch else ("--no-sync",)
        command = [PROGRAM, "--data", str(self.data), "connect", MAKER, *words, *later]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=self.environ,
        ) as running:
            assert running.stdout is not None
            said = []
            for line in running.stdout:
                said.append(line)
                if line.startswith("http"):
                    back = sandbox.consent(line.strip(), person=person)
                    with urlopen(back, timeout=60) as page:
                        assert "is connected" in page.read().decode()
            running.wait(timeout=60)
        assert running.returncode == check, said
        return "".join(said)
