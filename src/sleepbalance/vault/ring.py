"""The keyring of the operating system as the place of the master keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import keyring
from keyring.errors import KeyringError

from sleepbalance.errors import Fatal

SERVICE = "sleepbalance"


class Backend(Protocol):
    """What we need of a keyring; each of the package's backends is one."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Ring:
    """An entry of the keyring, named by the data folder: two folders share no keys.

    Else a rotation in the one would throw away keys that the other still needs.
    """

    name: str
    backend: Backend

    def get(self) -> str | None:
        with _spoken():
            return self.backend.get_password(SERVICE, self.name)

    def put(self, text: str) -> None:
        with _spoken():
            self.backend.set_password(SERVICE, self.name, text)
            kept = self.backend.get_password(SERVICE, self.name)
        if kept != text:
            raise Fatal(f"The keyring did not keep the master key. {_OR_ELSE}")

    def stamp(self) -> object:
        """A keyring does not say when it changed: asking it is the way to know."""
        return object()


def open_ring(name: str) -> Ring:
    with _spoken():
        return Ring(name, keyring.get_keyring())


_OR_ELSE = (
    "Unlock it or install one; or leave SLEEPBALANCE_MASTER_KEY out, and the key is kept in a file"
    " of the data folder that only you can read."
)


@contextmanager
def _spoken() -> Iterator[None]:
    try:
        yield
    except KeyringError as error:
        said = str(error).partition("\n")[0][:100] or type(error).__name__
        raise Fatal(f"The keyring cannot be used ({said}). {_OR_ELSE}") from None
