"""Looks at everything that has to be right, and says what to do where it is not."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sleepbalance import providers, settings
from sleepbalance.app import connected
from sleepbalance.app.opening import database_status
from sleepbalance.app.outside import Outside
from sleepbalance.app.verbs import App
from sleepbalance.errors import SleepBalanceError
from sleepbalance.provider import ApiKey, OAuth, Provider
from sleepbalance.vault import place_of

Verdict = Literal["ok", "mind", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it stands, in words, and what to do next."""

    what: str
    verdict: Verdict
    said: str
    next: str | None = None

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def examine(app: App, environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Everything, the ground first. Nothing is changed, and no maker is asked."""
    environ = os.environ if environ is None else environ
    yield _folder(app)
    yield _settings(app, environ)
    yield from _sandbox(app, environ)
    rows = connected.listed(app)
    yield _key(app, environ, sealed=any(row["door"] not in ("file", None) for row in rows))
    for provider in providers.load().values():
        yield from _provider(app, provider, environ)
    for row in rows:
        yield _connection(row, dt.datetime.now(dt.UTC))
    yield from _zones(app)


def _folder(app: App) -> Finding:
    where, found = app.folder, database_status(app.folder)
    kind = f"a {where.purpose} folder" if where.purpose else "your own nights"
    return Finding("data folder", "ok", f"{where.path} ({kind}), database {found['version']}")


def _settings(app: App, environ: Mapping[str, str]) -> Finding:
    try:
        settings.load(app.folder.path, environ)
    except SleepBalanceError as error:
        return Finding("settings", "wrong", str(error))
    path = app.folder.path / settings.FILE
    there = f"{path} is read" if path.exists() else f"no {settings.FILE}; the environment alone"
    return Finding("settings", "ok", there)


def _sandbox(app: App, environ: Mapping[str, str]) -> Iterator[Finding]:
    if not app.folder.made_up and not environ.get("SLEEPBALANCE_SANDBOX_URL"):
        return
    try:
        now = Outside(app, environ).now()
    except SleepBalanceError as error:
        yield Finding("sandbox", "wrong", str(error), "sleepbalance sandbox")
        return
    yield Finding("sandbox", "ok", f"it answers; there it is {now:%Y-%m-%d %H:%M} UTC")


def _key(app: App, environ: Mapping[str, str], *, sealed: bool) -> Finding:
    if not sealed:
        return Finding("key", "ok", "none is needed yet; one is made at the first connect")
    try:
        place = place_of(app.folder.path, environ)
        active = place.keys()[0].id
    except SleepBalanceError as error:
        return Finding("key", "wrong", str(error), "bring the key back, or connect again")
    return Finding("key", "ok", f"tokens are sealed with the key {active}, from {place.where}")


def _provider(app: App, provider: Provider, environ: Mapping[str, str]) -> Iterator[Finding]:
    for door in provider.doors:
        if isinstance(door, OAuth):
            yield _client(app, provider, door, environ)
        elif isinstance(door, ApiKey):
            yield Finding(provider.name, "ok", f"by key. {door.how_to}")
        else:
            yield Finding(provider.name, "ok", f"by file. {door.how_to}")


def _client(app: App, provider: Provider, door: OAuth, environ: Mapping[str, str]) -> Finding:
    if app.folder.made_up:
        return Finding(provider.name, "ok", "the sandbox knows us")
    try:
        known = settings.load(app.folder.path, environ).client(provider.id)
    except SleepBalanceError as error:
        return Finding(provider.name, "wrong", str(error))
    if known is not None:
        where = known.redirect_uri or door.callback
        said = f"client {known.id}, which must have {where} among its redirect addresses"
        return Finding(provider.name, "ok", said, f"sleepbalance connect {provider.id}")
    name = f"SLEEPBALANCE_{provider.id.upper()}"
    return Finding(
        provider.name,
        "mind",
        f"no client is set, so it cannot be connected. {door.how_to}",
        f"set {name}_CLIENT_ID and {name}_CLIENT_SECRET; step by step: {provider.docs}",
    )


def _connection(row: dict[str, Any], now: dt.datetime) -> Finding:
    what = f"{row['name']} of {row['user']}"
    said = connected.in_words(row, now)
    if row["status"] in ("needs_reconnect", "ended"):
        return Finding(what, "wrong", said)
    if row["wanted"]:
        gaps = len(row["wanted"])
        said += f"; {gaps} {'range' if gaps == 1 else 'ranges'} of days still to come"
        return Finding(what, "mind", said, f"sleepbalance sync {row['provider']}")
    return Finding(what, "ok", said)


def _zones(app: App) -> Iterator[Finding]:
    for person in app.users():
        guessed = app.overview(person.id, dt.date.min, dt.date.max).guessed
        if guessed:
            yield Finding(
                f"zones of {person.name}",
                "mind",
                f"{guessed} nights guess where they were slept",
                "sleepbalance zone set Europe/Berlin, with --from and --until for stays elsewhere",
            )
