"""The world outside the data folder: settings, keys, the makers' servers, and what time it is."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from sleepbalance import providers, settings
from sleepbalance.app.verbs import App
from sleepbalance.client import PATIENCE, Bearer, HttpClient, hosts_of
from sleepbalance.credentials import Credentials
from sleepbalance.errors import Malformed, SleepBalanceError, UsageError
from sleepbalance.oauth import ClientId, refresh
from sleepbalance.provider import Grant, OAuth, Provider, Remote
from sleepbalance.store import secrets
from sleepbalance.store.engine import reading
from sleepbalance.store.pauses import Pauses
from sleepbalance.vault import PREFIX, Vault, find, place_of
from sleepbalance.wire import Wire

SANDBOX_CLIENT = ClientId("sandbox", "sandbox")  # what the sandbox takes, as docs/sandbox.md says


@dataclass
class Outside:
    """What an open folder may reach: the makers, or the sandbox, never both.

    `timeout` is how many seconds one answer may take, `patience` how many may be waited in all
    before a call is given up.
    """

    app: App
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    timeout: float = 30.0
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        where, url = self.app.folder, self.settings.sandbox_url
        if url is not None and not where.made_up:
            raise UsageError(
                f"SLEEPBALANCE_SANDBOX_URL is set, but {where.path} is for real nights. Unset it,"
                " or name a new folder for the sandbox with --data."
            )

    def allow(self, door: Remote) -> None:
        """Raises UsageError where made-up data would come among real nights, or the other way."""
        where, sandbox = self.app.folder, self.settings.sandbox_url is not None
        if where.made_up and not sandbox and not door.api.made_up:
            raise UsageError(
                f"{where.path} is a {where.purpose} folder: no real maker is asked from it. Start"
                " sleepbalance sandbox and set SLEEPBALANCE_SANDBOX_URL, or name another folder."
            )
        if door.api.made_up and not where.made_up:
            raise UsageError(
                f"What comes through this door ({door.name}) is made up, and {where.path} is for"
                " real nights: name a new folder for it with --data."
            )

    @cached_property
    def settings(self) -> settings.Settings:
        return settings.load(self.app.folder.path, self.environ)

    @cached_property
    def vault(self) -> Vault:
        return sealing(self.app, self.environ)

    def wire(self, provider: Provider) -> Wire:
        """A way to a maker's servers; close it."""
        return Wire(
            sandbox=self.settings.sandbox_url,
            provider=provider.id,
            timeout=self.timeout,
            name=provider.name,
        )

    def now(self) -> dt.datetime:
        """The time that nights and tokens go by: the sandbox's own where that is asked."""
        ahead = self._ahead  # first: it may take a request, and is told by the time after it
        return dt.datetime.now(dt.UTC) + ahead

    @cached_property
    def _ahead(self) -> dt.timedelta:
        """How far the sandbox's clock is ahead of ours."""
        if self.settings.sandbox_url is None:
            return dt.timedelta(0)
        with Wire(sandbox=self.settings.sandbox_url) as wire:
            told = wire.send("GET", f"{self.settings.sandbox_url}/-/clock").json()
        try:
            now = dt.datetime.fromisoformat(told["now"]).astimezone(dt.UTC)
        except (KeyError, TypeError, ValueError):
            raise Malformed("What SLEEPBALANCE_SANDBOX_URL names is no sandbox of ours.") from None
        return now - dt.datetime.now(dt.UTC)

    def client_id(self, provider: Provider, door: OAuth) -> ClientId:
        """Who we are for a maker. Raises UsageError that says how to become somebody."""
        if self.settings.sandbox_url is not None:
            return SANDBOX_CLIENT
        known = self.settings.client(provider.id)
        if known is None:
            name = f"SLEEPBALANCE_{provider.id.upper()}"
            raise UsageError(
                f"{provider.name} gives its data only to a client that it knows. {door.how_to}"
                f" Then set {name}_CLIENT_ID and {name}_CLIENT_SECRET."
                f" Each step: {door.docs or provider.docs}"
            )
        return ClientId(known.id, known.secret)

    def redirect(self, provider: Provider, door: OAuth) -> str:
        """The callback that the maker is told; port 0 stands for any free one."""
        if self.settings.sandbox_url is not None or door.redirect == "any port":
            address = urlsplit(door.callback)
            return address._replace(netloc=f"{address.hostname}:0").geturl()
        known = self.settings.client(provider.id)
        return (known.redirect_uri if known is not None else None) or door.callback

    def client(
        self,
        wire: Wire,
        provider: Provider,
        door: Remote,
        bond: str,
        told: Callable[[str], None] = lambda _words: None,
    ) -> HttpClient:
        """HTTP as the person behind a connection; `told` hears why it waits."""
        credentials = Credentials(
            self.app.engine,
            _Later(self),
            bond,
            lambda secret: self._renew(wire, provider, door, secret),
            now=self.now,
        )
        pauses = Pauses(self.app.engine, bond, provider.id, lambda: self._ahead)
        return HttpClient(
            wire,
            door.api,
            credentials,
            pauses=pauses,
            hosts=hosts_of(door),
            patience=self.patience,
            name=provider.name,
            told=told,
        )

    def bare_client(self, wire: Wire, door: Remote, bearer: Bearer | None = None) -> HttpClient:
        """HTTP before there is a connection."""
        return HttpClient(wire, door.api, bearer, hosts=hosts_of(door), patience=self.patience)

    def _renew(self, wire: Wire, provider: Provider, door: Remote, secret: str) -> Grant:
        if isinstance(door, OAuth):
            return refresh(wire, door, self.client_id(provider, door), secret)
        return door.exchange(self.bare_client(wire, door), secret)


@dataclass(frozen=True, slots=True)
class _Later:
    """The vault, looked for when the first token is opened: a missing key is in the log then."""

    outside: Outside

    def seal(self, text: str, table: str, row: str, column: str) -> str:
        return self.outside.vault.seal(text, table, row, column)

    def open(self, sealed: str, table: str, row: str, column: str) -> str:
        return self.outside.vault.open(sealed, table, row, column)


def sealing(app: App, environ: Mapping[str, str]) -> Vault:
    """What seals and opens the tokens of a folder.

    A key is made where there is none yet, but not where tokens are sealed already: then the one
    that sealed them is missing, and Locked is raised.
    """
    with reading(app.engine) as connection:
        sealed = secrets.any_like(connection, PREFIX)
    if sealed:
        place_of(app.folder.path, environ).keys()
    return find(app.folder.path, environ)


def time_of(app: App) -> dt.datetime:
    """What time it is where the makers are; this computer's own where they are out of reach."""
    try:
        return Outside(app).now()
    except SleepBalanceError:
        return dt.datetime.now(dt.UTC)


def is_made_up(word: str, door: str | None) -> bool:
    """Whether a maker makes up what comes through its door of that name."""
    provider = providers.meant(word)
    doors = {known.name: known for known in provider.remote}
    name = door or os.environ.get(f"SLEEPBALANCE_{provider.id.upper()}_DOOR", "")
    return name in doors and doors[name].api.made_up


def remote_door(provider: Provider, name: str | None = None) -> Remote:
    """The door over the network of that name, or the first one. Raises UsageError without any."""
    doors = [door for door in provider.remote if name is None or door.name == name]
    if doors:
        return doors[0]
    if provider.remote:
        known = ", ".join(door.name for door in provider.remote)
        raise UsageError(f"{provider.name} has no door {name!r}; it has: {known}.")
    roads = " ".join(door.how_to for door in provider.files)
    raise UsageError(
        f"{provider.name} cannot be connected; its files can be imported. {roads}"
        " Then: sleepbalance import FILE"
    )
