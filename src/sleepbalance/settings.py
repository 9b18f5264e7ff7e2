"""Settings that a person makes: who we are for each maker, by environment or in a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sleepbalance.errors import UsageError

FILE = "settings.toml"
ELSEWHERE = "SLEEPBALANCE_SETTINGS"
SANDBOX = "SLEEPBALANCE_SANDBOX_URL"

_CLIENT = re.compile(
    r"SLEEPBALANCE_([A-Z0-9_]+)_(CLIENT_ID|CLIENT_SECRET_FILE|CLIENT_SECRET|REDIRECT_URI|DOOR)"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set: its variable, its key in the file, and what it is for."""

    name: str
    what: str
    key: str | None = None


SETTINGS = (
    Setting("SLEEPBALANCE_DATA", "the data folder; the same as --data"),
    Setting(
        "SLEEPBALANCE_DATABASE_URL",
        "another database, e.g. postgresql://user@host/name; else a file in the data folder",
    ),
    Setting(ELSEWHERE, f"the settings file; else {FILE} in the data folder"),
    Setting(
        "SLEEPBALANCE_<PROVIDER>_CLIENT_ID",
        "the client id that the maker gave you",
        "providers.<provider>.client_id",
    ),
    Setting(
        "SLEEPBALANCE_<PROVIDER>_CLIENT_SECRET",
        "the client secret that goes with it",
        "providers.<provider>.client_secret",
    ),
    Setting(
        "SLEEPBALANCE_<PROVIDER>_CLIENT_SECRET_FILE",
        "a file that holds the client secret, e.g. a mounted one; goes before the secret itself",
        "providers.<provider>.client_secret_file",
    ),
    Setting(
        "SLEEPBALANCE_<PROVIDER>_REDIRECT_URI",
        "the callback that you registered with the maker, where it is not the usual one",
        "providers.<provider>.redirect_uri",
    ),
    Setting(
        "SLEEPBALANCE_<PROVIDER>_DOOR",
        "the door to connect through, where the maker has several; the same as connect --door",
        "providers.<provider>.door",
    ),
    Setting(
        "SLEEPBALANCE_MASTER_KEY_FILE",
        "a file, e.g. a mounted secret, with the keys that seal tokens: one per line, the first"
        " one seals",
    ),
    Setting(
        "SLEEPBALANCE_MASTER_KEY",
        "the keys themselves, with commas between them; or the word keyring, for the operating"
        " system's; else master.key in the data folder, which is made on first use",
    ),
    Setting(SANDBOX, "the address of a running sandbox, asked instead of every maker"),
)


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are for a maker. `secret` is "" where none is set."""

    id: str
    secret: str = field(default="", repr=False)
    redirect_uri: str | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one source of settings says of one provider."""

    client_id: str = ""
    client_secret: str = ""
    client_secret_file: str = ""
    redirect_uri: str = ""
    door: str = ""

    def __repr__(self) -> str:
        return f"_Entry({self.client_id!r})"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set, the environment before the file. Nothing secret shows when it is printed."""

    file: Path
    sandbox_url: str | None = None
    _environment: Mapping[str, _Entry] = field(default_factory=dict, repr=False)
    _in_file: Mapping[str, _Entry] = field(default_factory=dict, repr=False)

    @property
    def providers(self) -> frozenset[str]:
        """Ids that something is set for, as written; in the environment `-` becomes `_`."""
        return frozenset(self._environment) | frozenset(self._in_file)

    def client(self, provider_id: str) -> Client | None:
        """Who we are for a provider; None where nobody said.

        Raises UsageError where what is set cannot be used.
        """
        given = self._environment.get(_variable(provider_id).lower(), _Entry())
        filed = self._in_file.get(provider_id, _Entry())
        client_id = given.client_id or filed.client_id
        secret = self._secret(provider_id, given) or self._secret(provider_id, filed)
        redirect = given.redirect_uri or filed.redirect_uri
        name = f"SLEEPBALANCE_{_variable(provider_id)}"
        if redirect:
            _check_address(redirect, f"The callback ({name}_REDIRECT_URI)")
        if not client_id:
            if secret:
                raise UsageError(f"There is a secret for {provider_id}, but no {name}_CLIENT_ID.")
            return None
        return Client(client_id, secret, redirect or None)

    def door(self, provider_id: str) -> str | None:
        """The name of the door that is to be used; None where nobody said."""
        given = self._environment.get(_variable(provider_id).lower(), _Entry())
        return given.door or self._in_file.get(provider_id, _Entry()).door or None

    def _secret(self, provider_id: str, entry: _Entry) -> str:
        if not entry.client_secret_file:
            return entry.client_secret
        path = self.file.parent / Path(entry.client_secret_file).expanduser()
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or "it is no text"
            raise UsageError(
                f"The client secret of {provider_id} cannot be read from {path}: {said}."
            ) from None
        if not secret:
            raise UsageError(f"{path} is empty; the client secret of {provider_id} belongs there.")
        return secret


def load(folder: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of a data folder. Raises UsageError that names the file or the variable."""
    elsewhere = environ.get(ELSEWHERE, "").strip()
    file = Path(elsewhere).expanduser().absolute() if elsewhere else folder / FILE
    return Settings(
        file=file,
        sandbox_url=_sandbox(environ.get(SANDBOX, "").strip()),
        _environment=_from_environment(environ),
        _in_file=_from_file(file, wanted=bool(elsewhere)),
    )


def _sandbox(url: str) -> str | None:
    if url:
        _check_address(url, SANDBOX)
    return url.rstrip("/") or None


def _check_address(url: str, name: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        good = good and parts.port != 0 and not parts.username and not parts.password
    except ValueError:
        good = False
    if not good or "#" in url or any(c.isspace() for c in url):
        raise UsageError(f"{name} is no address; one looks like http://127.0.0.1:8730.")


def _variable(provider_id: str) -> str:
    return provider_id.upper().replace("-", "_")


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Entry]:
    said: dict[str, dict[str, str]] = {}
    for name, value in environ.items():
        if (found := _CLIENT.fullmatch(name)) and value.strip():
            said.setdefault(found[1].lower(), {})[found[2].lower()] = value.strip()
    for entry in said.values():
        if secret := entry.get("client_secret_file"):  # in the file it is relative to the file
            entry["client_secret_file"] = str(Path(secret).expanduser().absolute())
    return {provider: msgspec.convert(entry, _Entry) for provider, entry in said.items()}


def _from_file(file: Path, *, wanted: bool) -> dict[str, _Entry]:
    """What the file says; nothing where there is none and nobody named one."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if wanted:
            raise UsageError(f"{file} is not there, but {ELSEWHERE} names it.") from None
        return {}
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text in UTF-8.") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no TOML: {error}.") from None
    return _entries(file, found)


def _entries(file: Path, found: Mapping[str, Any]) -> dict[str, _Entry]:
    if unknown := sorted(set(found) - {"providers"}):
        raise UsageError(f"{file}: nothing is called {unknown[0]}. It holds [providers.NAME] only.")
    tables = found.get("providers", {})
    if not isinstance(tables, dict):
        raise UsageError(f"{file}: providers has to be written as [providers.NAME].")
    return {name: _entry(file, name, table) for name, table in tables.items()}


def _entry(file: Path, name: str, table: Any) -> _Entry:
    try:
        return msgspec.convert(table, _Entry)
    except msgspec.ValidationError as error:  # speaks of names and types, never of values
        raise UsageError(f"{file}: in [providers.{name}]: {error}.") from None
