"""Sealing: authenticated encryption of one text, bound to the place where it is stored."""

from __future__ import annotations

import base64
import os
import re
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sleepbalance.errors import Locked
from sleepbalance.vault.keys import ID_LENGTH, Key, Keys
from sleepbalance.vault.places import Place

PREFIX = "sb1."
NONCE = 12  # bytes, random: NIST SP 800-38D, section 8.2.2

_SEALED = re.compile(rf"sb1\.([0-9a-f]{{{ID_LENGTH}}})\.([A-Za-z0-9_-]+)")


def key_of(sealed: str) -> str | None:
    """The id of the key that sealed it; None where it is not sealed."""
    found = _SEALED.fullmatch(sealed)
    return found[1] if found else None


def is_sealed(text: str) -> bool:
    """Whether it looks sealed; whether it opens is for the vault to say."""
    return key_of(text) is not None


def sealed_under(key_id: str) -> str:
    """How everything begins that this key sealed."""
    return f"{PREFIX}{key_id}."


class Vault:
    """Seals and opens under the keys of a place, and notices when they change there.

    Before it seals, and when it meets a key that it does not know, it looks at the place again:
    another process may have rotated the keys meanwhile. Threads may share it.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._mutex = threading.Lock()
        self._stamp = place.words.stamp()  # looked at before the keys: rather too old than too new
        self._keys = place.begin()

    def __repr__(self) -> str:
        return f"Vault({', '.join(key.id for key in self._keys)})"

    @property
    def keys(self) -> Keys:
        """The keys as they are now; the first one seals. Raises Locked where they are gone."""
        with self._mutex:
            stamp = self.place.words.stamp()
            if stamp != self._stamp:
                self._keys = self.place.keys()
                self._stamp = stamp
            return self._keys

    @property
    def active(self) -> str:
        """The id of the key that seals."""
        return self.keys[0].id

    def seal(self, text: str, table: str, row: str, column: str) -> str:
        """A text that opens in this table, row and column only."""
        key, nonce = self.keys[0], os.urandom(NONCE)
        bound = _bound(table, row, column, key.id)
        plain = text.encode("utf-8", "surrogatepass")
        sealed = nonce + AESGCM(key.secret).encrypt(nonce, plain, bound)
        return sealed_under(key.id) + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, sealed: str, table: str, row: str, column: str) -> str:
        """What was sealed. Raises Locked where it is not sealed, altered, moved, or locked."""
        found = _SEALED.fullmatch(sealed)
        if found is None:
            raise Locked(
                f"{column} of {table} {row} is not sealed, so it is not used. Connect again."
            )
        key = self._key(found[1], f"{column} of {table} {row}")
        try:
            packed = _unpack(found[2])
            plain = AESGCM(key.secret).decrypt(
                packed[:NONCE], packed[NONCE:], _bound(table, row, column, key.id)
            )
        except (InvalidTag, ValueError):
            raise Locked(
                f"{column} of {table} {row} does not open: it was altered, or moved there from"
                " elsewhere. Connect again."
            ) from None
        return plain.decode("utf-8", "surrogatepass")

    def _key(self, key_id: str, what: str) -> Key:
        key = _named(self._keys, key_id) or _named(self.keys, key_id)
        if key is not None:
            return key
        raise Locked(
            f"{what} was sealed with the master key {key_id}, which is not in {self.place.where}"
            f" ({', '.join(key.id for key in self._keys)}). Bring that key back, or connect again."
        )


def _named(keys: Keys, key_id: str) -> Key | None:
    return next((key for key in keys if key.id == key_id), None)


def _bound(*parts: str) -> bytes:
    """What the seal also vouches for; lengths keep ("ab", "c") and ("a", "bc") apart."""
    packed = [part.encode("utf-8", "surrogatepass") for part in (PREFIX, *parts)]
    return b"".join(b"%d:%b" % (len(part), part) for part in packed)


def _unpack(text: str) -> bytes:
    """Raises ValueError also for a spelling that is not ours: some letters hold unused bits."""
    packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(packed).decode().rstrip("=") != text:
        raise ValueError
    return packed
