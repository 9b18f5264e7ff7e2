"""Whatever happens between a home and its maker, the nights end as a clean full sync makes them.

Longer: SLEEPBALANCE_TEST_EXAMPLES=500 pytest tests/connect/test_engine_state.py
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, insert, select, update

from sleepbalance import providers
from sleepbalance.app import App, connected, keys
from sleepbalance.app.opening import opened
from sleepbalance.derive import derive_all
from sleepbalance.folder import Folder
from sleepbalance.nights.derivation import TAKEN_BACK
from sleepbalance.store.engine import reading, writing
from sleepbalance.store.tables import leases, pauses, sleep_edits, token_refreshes
from tests.connect.driver import Dates, killed_sync
from tests.connect.played import MAKER, Home, Makers, makers
from tests.homes import nights, rows

EXAMPLES = int(os.environ.get("SLEEPBALANCE_TEST_EXAMPLES", "10"))
STEPS = int(os.environ.get("SLEEPBALANCE_TEST_STEPS", "12"))
HISTORY = 32  # days that a person has slept with the device when it begins
DAY = dt.timedelta(days=1)
LAPSED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
SLEEP = "dataTypes/sleep/"
STEPS_OF_A_SYNC = (
    SLEEP,
    "dataTypes/heart-rate/",
    "dataTypes/daily-heart-rate-variability/",
    "dataTypes/daily-oxygen-saturation/",
    "dataTypes/",
    "/token",
    "",
)
FAULTS = ("429", "500", "timeout", "cut", "malformed", "empty", "expired", "slow")
SECONDS = {"429": 2, "timeout": 1.0, "slow": 0.02}
TROUBLE = {"RATE_LIMITED", "PROVIDER_UNAVAILABLE", "BAD_DATA", "AUTH_ERROR", "SCOPE_MISSING"}

days_ago = st.integers(0, 45)
dates = st.one_of(
    st.just((None, None)),
    st.tuples(days_ago, days_ago).map(lambda pair: tuple(sorted(pair, reverse=True))),
)


def settled_after() -> int:
    (door,) = providers.get(MAKER).remote
    return door.api.reading.settles_after


class Life(RuleBasedStateMachine):
    """One person, one watch, one folder, and everything that goes wrong between them."""

    template: Path  # a folder that is up to date, to be copied

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.path = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.edits: list[dict[str, Any]] = []
        self.lied: dt.datetime | None = None  # when the maker first said that there is nothing
        self.allowed = "everything"
        self.may_be_lost = False  # the consent, by an answer that never arrived
        self.played: Makers
        self.home: Home

    def teardown(self) -> None:
        try:
            if hasattr(self, "home"):
                self.come_to_rest()
        finally:
            self.stack.close()

    @initialize(
        person=st.sampled_from("1234"), rotating=st.booleans(), life=st.sampled_from([60, 3599])
    )
    def begin(self, person: str, rotating: bool, life: int) -> None:
        self.person = person
        self.played = self.stack.enter_context(makers(people=4))
        told = {"rotating": rotating, "access_life": life, "rate_limit": 100_000}
        self.rotating = rotating
        self.played.post("/-/settings", {MAKER: told})
        self.played.shorten(HISTORY, person)
        self.home = self.open("lived")
        self.home.edges = {"patience": 0.0}
        self.home.connect(person)

    def open(self, name: str) -> Home:
        shutil.copytree(self.template, self.path / name)
        url = f"sqlite:///{self.path / name / 'sleepbalance.db'}"
        app = self.stack.enter_context(opened(Folder(self.path / name, url, sandbox=True)))
        return Home(app, self.played)

    # -- what a person does --------------------------------------------------------------------

    @rule(dates=dates)
    def sync(self, dates: tuple[int | None, int | None]) -> None:
        for attempt in self.home.sync(*self.asked(dates)):
            code = attempt["error_code"]
            excused = self.lied or self.may_be_lost or code == "RATE_LIMITED"
            assert code is None or excused or self.allowed != "everything", attempt
        self.check_log()

    @rule(kind=st.sampled_from(["rating", "notes", "not_sleep"]), which=st.integers(0, 100))
    def edit(self, kind: str, which: int) -> None:
        found = [n for n in self.home.app.nights(None) if n["sleep_start_time"]]
        if not found:
            return
        night = found[which % len(found)]
        start, end = (
            dt.datetime.fromisoformat(night[name]).astimezone(dt.UTC)
            for name in ("sleep_start_time", "sleep_end_time")
        )
        number = len(self.edits)
        said = {
            "id": f"edit{number:03}",
            "kind": kind,
            "value": {} if kind == "not_sleep" else {kind: f"word {number}"},
            "start_at": start,
            "end_at": end,
            "sleep_date": night["sleep_date"],
            "made_at": LAPSED + number * DAY,
            "made_by": "me",
        }
        self.edits.append(said)
        say(self.home.app, [said])

    @rule()
    def rotate_keys(self) -> None:
        keys.rotate(self.home.app)

    @rule(
        how=st.sampled_from(["over", "disconnected", "removed"]),
        allow=st.sampled_from(["everything", "everything", "sleep"]),
    )
    def connect_anew(self, how: str, allow: str) -> None:
        before = nights(self.home.app)
        if how != "over":
            self.home.links().end(delete=how == "removed")
        self.reconnect(allow)
        assert nights(self.home.app) == before

    @precondition(lambda self: self.status() == "needs_reconnect")
    @rule()
    def reconnect_when_told(self) -> None:
        self.reconnect()

    # -- what the maker does ---------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 5, 12, 24, 30, 72]))
    def wait(self, hours: int) -> None:
        self.played.move(hours=hours)

    @rule(which=st.integers(0, 100), minutes=st.integers(-90, 90))
    def revise(self, which: int, minutes: int) -> None:
        if sleep := self.recent(which):
            start, end = (dt.datetime.fromisoformat(sleep[name]) for name in ("start", "end"))
            end = min(end + dt.timedelta(minutes=minutes), self.now())
            if end - start >= dt.timedelta(minutes=20):
                self.change({"revise": sleep["id"], "end": end.isoformat()})

    @rule(which=st.integers(0, 100))
    def forget(self, which: int) -> None:
        """Enough stay that no answer is empty: that would prove nothing."""
        sleep = self.recent(which)
        newest = [s for s in self.sleeps() if self.age(s) <= 7 * DAY]
        if sleep and len(newest) > 4:
            self.change({"delete": sleep["id"]})

    @rule(
        ago=st.integers(0, 11 * 24),
        minutes=st.integers(20, 600),
        kind=st.sampled_from(["night", "nap"]),
        form=st.sampled_from(["staged", "classic", "manual"]),
    )
    def tell_late(self, ago: int, minutes: int, kind: str, form: str) -> None:
        end = (self.now() - dt.timedelta(hours=ago)).replace(second=0)
        start = end - dt.timedelta(minutes=minutes)
        told = {"start": start.isoformat(), "end": end.isoformat(), "kind": kind, "form": form}
        self.change({"add": told})

    @rule()
    def withdraw(self) -> None:
        self.played._send("DELETE", "/-/grants", None)
        self.may_be_lost = True

    # -- what goes wrong -------------------------------------------------------------------------

    @rule(
        fault=st.sampled_from(FAULTS),
        step=st.sampled_from(STEPS_OF_A_SYNC),
        share=st.sampled_from([0.2, 0.5, 1.0]),
        times=st.sampled_from([None, 1, 2, 4]),
        dates=dates,
        killed_at=st.one_of(st.none(), st.none(), st.integers(10, 400)),
    )
    def sync_badly(
        self,
        fault: str,
        step: str,
        share: float,
        times: int | None,
        dates: tuple[int | None, int | None],
        killed_at: int | None,
    ) -> None:
        if not self.break_it(fault, step, share, times):
            return
        if killed_at is not None:
            self.sync_and_die(killed_at, dates)
        else:
            self.sync_somehow(dates)
        self.home.edges.pop("timeout", None)
        self.played.heal()
        with writing(self.home.app.engine) as connection:
            connection.execute(delete(pauses))  # they are over

    def break_it(self, fault: str, step: str, share: float, times: int | None) -> bool:
        """False where nobody could tell the lie from the truth."""
        if fault == "empty":
            step, share = SLEEP, 1.0  # beside sleeps nothing is empty: that may be the truth
            self.lied = self.lied or self.now()
            if self.now() - self.lied >= DAY:
                return False  # whoever says so twice, a day apart, is believed
        if fault == "expired":
            step = "dataTypes/"
        if fault == "timeout":
            times, self.home.edges["timeout"] = 1, 0.5
        if fault in ("cut", "timeout") and step in ("/token", "") and self.rotating:
            self.may_be_lost = True
        more = {"seconds": SECONDS[fault]} if fault in SECONDS else {}
        self.played.fault(fault, step, share=share, times=times, **more)
        return True

    def sync_somehow(self, dates: tuple[int | None, int | None]) -> None:
        before = self.moved()
        attempts = self.home.sync(*self.asked(dates))
        for attempt in attempts:
            assert attempt["status"] == "success" or attempt["error_code"] in TROUBLE, attempt
        if {attempt["status"] for attempt in attempts} == {"failed"}:
            assert self.moved() == before
        self.check_log()

    @rule(statement=st.integers(1, 400), dates=dates)
    def sync_and_die(self, statement: int, dates: tuple[int | None, int | None]) -> None:
        if killed_sync(self.home, self.asked(dates), statement):
            self.may_be_lost = self.may_be_lost or self.rotating
        with writing(self.home.app.engine) as connection:  # long enough ago
            connection.execute(update(leases).values(until=LAPSED))

    # -- and what comes of it --------------------------------------------------------------------

    def come_to_rest(self) -> None:
        self.played.heal()
        assert self.status() == "connected" or self.may_be_lost
        if self.may_be_lost or self.allowed != "everything":
            self.reconnect()
        self.played.move(hours=1)  # so long no limit lasts
        self.home.edges = {}
        self.sync_well()
        while True:  # until the maker takes nothing back meanwhile
            before = {sleep["id"] for sleep in self.sleeps()}
            self.played.move(hours=25)
            self.sync_well()
            if before <= {sleep["id"] for sleep in self.sleeps()}:
                break
        clean = self.open("clean")
        clean.connect(self.person)
        clean.sync()
        say(clean.app, self.edits)
        assert differing(nights(self.home.app), nights(clean.app)) == []
        self.check_rest()

    def sync_well(self) -> None:
        attempts = self.home.sync()
        assert {attempt["status"] for attempt in attempts} == {"success"}, attempts
        self.check_log()

    def check_rest(self) -> None:
        (row,) = connected.listed(self.home.app)
        assert (row["status"], row["wanted"], row["refused"]) == ("connected", [], [])
        assert row["complete_until"] == self.now().date()
        assert len(row["fetched"]) == 1
        assert row["last_sync_at"] is not None
        left = rows(self.home.app, leases.name, token_refreshes.name)
        assert left == {leases.name: [], token_refreshes.name: []}

    def check_log(self) -> None:
        for row in self.home.app.history(None):
            assert row["status"] in ("success", "partial", "failed")
            assert row["sync_completed_at"] is not None
            assert (row["status"] == "success") == (row["error_code"] is None), row
            parts = [row[f"records_{what}"] for what in ("inserted", "updated", "skipped")]
            assert row["records_fetched"] == sum(parts)

    # -- around ----------------------------------------------------------------------------------

    def now(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.played.get("/-/clock")["now"])

    def asked(self, ago: tuple[int | None, int | None]) -> Dates:
        today = self.now().date()
        first, last = (None if days is None else today - days * DAY for days in ago)
        return first, last

    def sleeps(self) -> list[dict[str, Any]]:
        found = self.played.get(f"/-/people/{self.person}/sleeps")
        assert isinstance(found, list)
        return found

    def age(self, sleep: dict[str, Any]) -> dt.timedelta:
        return self.now() - dt.datetime.fromisoformat(sleep["end"])

    def recent(self, which: int) -> dict[str, Any] | None:
        """One of those that the maker may still change."""
        longest = (settled_after() - 2) * DAY
        found = [sleep for sleep in self.sleeps() if self.age(sleep) <= longest]
        return found[which % len(found)] if found else None

    def change(self, what: dict[str, Any]) -> None:
        self.played.post(f"/-/people/{self.person}/sleeps", what)

    def status(self) -> str:
        (row,) = connected.listed(self.home.app)
        return str(row["status"])

    def reconnect(self, allow: str = "everything") -> None:
        names = [scope.name for scope in self.home.links().door.scopes]  # type: ignore[union-attr]
        self.home.connect(self.person, allow=names if allow == "everything" else names[:1])
        self.allowed = allow
        self.may_be_lost = False

    def moved(self) -> Any:
        """What only a commit of data may move."""
        (row,) = connected.listed(self.home.app)
        return nights(self.home.app), row["last_sync_at"], row["fetched"]


def differing(lived: list[Any], clean: list[Any]) -> list[Any]:
    """What is not the same, as (date, field, lived, clean).

    A night that its maker took back stands without numbers where it was known, and a clean sync
    never hears of it: of such dates only what the person said is compared.
    """
    mine, theirs = (
        {night["sleep_date"]: told for night in found if (told := told_of(night))}
        for found in (lived, clean)
    )
    return [
        (str(date), name, mine.get(date, {}).get(name), theirs.get(date, {}).get(name))
        for date in sorted(mine.keys() | theirs.keys())
        for name in sorted(mine.get(date, {}).keys() | theirs.get(date, {}).keys())
        if mine.get(date, {}).get(name) != theirs.get(date, {}).get(name)
    ]


def told_of(night: dict[str, Any]) -> dict[str, Any]:
    found = flat(night)
    if found["why"] not in (TAKEN_BACK, "nothing but your words"):
        return found
    words = {name: night[name] for name in ("quality_rating", "quality_notes")}
    return {name: word for name, word in words.items() if word is not None}


def flat(night: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in night.items() if k != "details"} | (night["details"] or {})


def say(app: App, edits: list[dict[str, Any]]) -> None:
    """Writes what the person says of their nights, who is the only one."""
    (person,) = app.users()
    with writing(app.engine) as connection:
        known = set(connection.execute(select(sleep_edits.c.id)).scalars())
        fresh = [{**said, "user_id": person.id} for said in edits if said["id"] not in known]
        if fresh:
            connection.execute(insert(sleep_edits), fresh)
        derive_all(connection, person.id)


def test_any_life(tmp_path: Path) -> None:
    template = tmp_path / "template"
    url = f"sqlite:///{template / 'sleepbalance.db'}"
    with opened(Folder(template, url, sandbox=True)) as app, reading(app.engine):
        pass
    live = type("Life", (Life,), {"template": template})
    run_state_machine_as_test(
        live,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
