"""Looks at everything that has to be right, and says what to do where it is not."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sleepbalance import providers, settings
from sleepbalance.app import connected
from sleepbalance.app.opening import database_status
from sleepbalance.app.outside import Outside, sealing
from sleepbalance.app.verbs import App
from sleepbalance.errors import SleepBalanceError
from sleepbalance.provider import ApiKey, OAuth, Provider
from sleepbalance.store import connections, history, tokens
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
    makers, now = _outside(app, environ)
    yield from ([makers] if makers is not None else [])
    yield _key(app, environ)
    rows = connected.listed(app)
    if now is not None:
        known = {row["provider"] for row in rows if row["door"] != "file"}  # said by their own
        for provider in providers.load().values():
            yield from _provider(app, provider, environ, known)
        for row in rows:
            yield _connection(row, now, _last_failure(app, row))
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


def _outside(app: App, environ: Mapping[str, str]) -> tuple[Finding | None, dt.datetime | None]:
    """Whether the sandbox answers, and what time it is where the makers are.

    No finding where real makers are asked; no time where nobody can be.
    """
    url, real = environ.get(settings.SANDBOX), dt.datetime.now(dt.UTC)
    if not url and not app.folder.made_up:
        return None, real
    if not url:
        said = f"this is a {app.folder.purpose} folder, and no sandbox is set: nothing is asked"
        start = f"sleepbalance sandbox, then set {settings.SANDBOX}"
        return Finding("sandbox", "ok", said, start), None
    try:
        outside = Outside(app, environ)
    except SleepBalanceError as error:
        wrong = Finding(
            "sandbox", "wrong", str(error), f"unset {settings.SANDBOX}, or set it right"
        )
        return wrong, None
    try:
        now = outside.now()
    except SleepBalanceError as error:
        return Finding("sandbox", "wrong", str(error), "sleepbalance sandbox"), None
    return Finding("sandbox", "ok", f"{url} answers; there it is {now:%Y-%m-%d %H:%M} UTC"), now


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
        lost = "bring the key back; if it is lost: sleepbalance disconnect, then connect again"
        return Finding("key", "wrong", str(error), lost)
    said = f"it opens every token that is kept; new ones are sealed with {vault.active}"
    return Finding("key", "ok", f"{said}, from {vault.place.where}")


def _provider(
    app: App, provider: Provider, environ: Mapping[str, str], known: Collection[str]
) -> Iterator[Finding]:
    connect = None if provider.id in known else f"sleepbalance connect {provider.id}"
    if app.folder.made_up:
        if provider.remote:
            yield Finding(provider.name, "ok", "played by the sandbox", connect)
        return
    for key in (door for door in provider.doors if isinstance(door, ApiKey)):
        yield Finding(provider.name, "ok", f"by key. {key.how_to}", connect)
        connect = None
    yield from _client(app, provider, environ, connect)
    for file in provider.files:
        yield Finding(provider.name, "ok", f"by file. {file.how_to}")


def _client(
    app: App, provider: Provider, environ: Mapping[str, str], connect: str | None
) -> Iterator[Finding]:
    """Of the first door that wants a client; the others want the same, and are named."""
    doors = [d for d in provider.remote if isinstance(d, OAuth) and not d.api.made_up]
    if doors:
        others = ", ".join(door.name for door in doors[1:])
        more = f" Another door, by connect --door: {others}." if others else ""
        found = _of_client(app, provider, doors[0], environ, connect)
        yield replace(found, said=found.said + more)


def _of_client(
    app: App, provider: Provider, door: OAuth, environ: Mapping[str, str], connect: str | None
) -> Finding:
    try:
        known = settings.load(app.folder.path, environ).client(provider.id)
    except SleepBalanceError as error:
        return Finding(provider.name, "wrong", str(error))
    if known is not None:
        where = known.redirect_uri or door.callback
        said = f"client {known.id}, which must have {where} among its redirect addresses"
        return Finding(provider.name, "ok", said, connect)
    name = f"SLEEPBALANCE_{provider.id.upper()}"
    by_key = any(isinstance(other, ApiKey) for other in provider.remote)
    without = f"so its door {door.name} is shut" if by_key else "so it cannot be connected"
    steps = door.docs or provider.docs
    return Finding(
        provider.name,
        "ok" if by_key else "mind",
        f"no client is set, {without}. {door.how_to}",
        f"set {name}_CLIENT_ID and {name}_CLIENT_SECRET; step by step: {steps}",
    )


def _last_failure(app: App, row: dict[str, Any]) -> str | None:
    """Why the last sync of a connection failed; None where it did not."""
    with reading(app.engine) as connection:
        last = history.attempts(connection, connection_id=row["id"], limit=1)
    failed = bool(last) and last[0]["status"] == "failed"
    return f"{last[0]['error_code']}: {last[0]['error_message']}" if failed else None


def _connection(row: dict[str, Any], now: dt.datetime, failure: str | None) -> Finding:
    what = f"{row['name']} of {row['user']}"
    said = connected.in_words(row, now)
    if row["status_reason"] == connections.PUSHED_ONLY and row["arrives"]:
        return Finding(what, "ok", said)
    if row["status_reason"] == connections.PUSHED_ONLY or _ended_elsewhere(row):
        return Finding(what, "mind", said, row["connect"])
    if row["status"] in ("needs_reconnect", "ended"):
        return Finding(what, "wrong", said, row["connect"] if row["status"] != "ended" else None)
    if row["status"] != "connected" or row["door"] == "file":
        return Finding(what, "ok", said)
    trouble = _trouble(row, now, failure)
    if trouble is None:
        return Finding(what, "ok", said)
    return Finding(what, "mind", f"{said}; {trouble[0]}", trouble[1])


def _ended_elsewhere(row: dict[str, Any]) -> bool:
    """Whether a connection is gone by the maker's word: who ends it here knows that."""
    return row["status"] == "disconnected" and bool(row["status_reason"])


def _trouble(
    row: dict[str, Any], now: dt.datetime, failure: str | None
) -> tuple[str, str | None] | None:
    """What is not as it should be with a connection that works, and what to do about it."""
    again = row["connect"]
    if failure is not None:
        return f"its last sync failed: {failure}", None
    if connected.ends_soon(row, now):
        return "connect again before that", again
    if row["may_not_read"]:
        return f"it may not read {', '.join(row['may_not_read'])}", f"{again} and allow it"
    unasked = not row["fetched"] and not row["by_push"]
    if row["wanted"] or row["earlier_to_come"] or unasked:
        return "days are still to come", f"sleepbalance sync {row['provider']}"
    return None


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
