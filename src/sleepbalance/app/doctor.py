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
from sleepbalance.app.outside import Outside, sealing
from sleepbalance.app.verbs import App
from sleepbalance.errors import SleepBalanceError
from sleepbalance.provider import ApiKey, OAuth, Provider
from sleepbalance.store import connections, tokens
from sleepbalance.store.engine import reading

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
    makers = _outside(app, environ)
    yield from ([makers] if makers is not None else [])
    rows = connected.listed(app)
    yield _key(app, environ)
    reachable = makers is None or makers.verdict == "ok"
    for provider in providers.load().values():
        yield from _provider(app, provider, environ, reachable=reachable)
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


def _outside(app: App, environ: Mapping[str, str]) -> Finding | None:
    """Whether the sandbox answers; None where real makers are asked."""
    url = environ.get(settings.SANDBOX)
    if not app.folder.made_up and not url:
        return None
    try:
        outside = Outside(app, environ)
    except SleepBalanceError as error:
        return Finding("sandbox", "wrong", str(error), f"set {settings.SANDBOX} right, or unset it")
    try:
        now = outside.now()
    except SleepBalanceError as error:
        return Finding("sandbox", "wrong", str(error), "sleepbalance sandbox")
    return Finding("sandbox", "ok", f"{url} answers; there it is {now:%Y-%m-%d %H:%M} UTC")


def _key(app: App, environ: Mapping[str, str]) -> Finding:
    """Tries the key on every token that is stored."""
    with reading(app.engine) as connection:
        bonds = [tokens.stored(connection, bond.id) for bond in connections.listed(connection)]
    kept = [bond for bond in bonds if bond is not None and (bond.access or bond.refresh)]
    if not kept:
        return Finding("key", "ok", "none is needed yet; one is made at the first connect")
    try:
        vault = sealing(app, environ)
        for bond in kept:
            tokens.opened(vault, bond)
    except SleepBalanceError as error:
        return Finding("key", "wrong", str(error), "bring the key back, or connect again")
    said = f"it opens every token that is kept; new ones are sealed with {vault.active}"
    return Finding("key", "ok", f"{said}, from {vault.place.where}")


def _provider(
    app: App, provider: Provider, environ: Mapping[str, str], *, reachable: bool
) -> Iterator[Finding]:
    for door in provider.doors:
        if isinstance(door, OAuth):
            if app.folder.made_up and reachable:
                connect = f"sleepbalance connect {provider.id}"
                yield Finding(provider.name, "ok", "played by the sandbox", connect)
            elif reachable:
                yield _client(app, provider, door, environ)
        elif isinstance(door, ApiKey):
            yield Finding(provider.name, "ok", f"by key. {door.how_to}")
        elif not app.folder.made_up:
            yield Finding(provider.name, "ok", f"by file. {door.how_to}")


def _client(app: App, provider: Provider, door: OAuth, environ: Mapping[str, str]) -> Finding:
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
    again = f"sleepbalance connect {row['provider']}"
    if row["status"] in ("needs_reconnect", "ended"):
        return Finding(what, "wrong", said)
    if row["status"] != "connected" or row["door"] == "file":
        return Finding(what, "ok", said)
    if connected.ends_soon(row, now):
        return Finding(what, "mind", said, again)
    if row["may_not_read"]:
        said += f"; it may not read {', '.join(row['may_not_read'])}"
        return Finding(what, "mind", said, f"{again} and allow it")
    if row["wanted"] or row["earlier_to_come"] or not row["fetched"]:
        said += "; days are still to come"
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
