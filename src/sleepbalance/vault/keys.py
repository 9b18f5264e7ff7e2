"""Master keys: what one looks like, and how several are written down, one to a line."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from sleepbalance.errors import Fatal

LENGTH = 32  # bytes
ID_LENGTH = 8  # hex digits
DISTINCT = 12  # a random key of 32 bytes has fewer different ones once in 10^16
HOW = "A key is 32 random bytes in base64; `openssl rand -base64 32` makes one."
HEADER = """\
# SleepBalance's master keys: whoever has them can read the sealed tokens.
# The first one seals; the others open what they sealed. Keep a copy, apart from the database's.
"""

_RETIRED = re.compile(r"\s*retired (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\s*")
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Key:
    """One master key. `retired` is when another one took its place in front."""

    secret: bytes = field(repr=False)
    retired: dt.datetime | None = None

    @cached_property
    def id(self) -> str:
        """What the key is called wherever it is spoken of; tells nothing about it."""
        return hashlib.sha256(b"sleepbalance key id\0" + self.secret).hexdigest()[:ID_LENGTH]

    def __repr__(self) -> str:
        return f"Key({self.id})"


Keys = tuple[Key, ...]


def make_key() -> Key:
    return Key(secrets.token_bytes(LENGTH))


def read(text: str, where: str) -> Keys:
    """The keys of a text, each once, in its order. Raises Fatal, which never shows the text."""
    found: dict[str, Key] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        body, _, comment = line.partition("#")
        for word in body.replace(",", " ").split():
            if (secret := _decode(word)) is None:
                raise Fatal(f"Line {number} of {where} holds something that is no key. {HOW}")
            key = Key(secret, _retired(comment))
            found.setdefault(key.id, key)
    if not found:
        raise Fatal(f"There is no key in {where}. {HOW}")
    return tuple(found.values())


def _decode(word: str) -> bytes | None:
    """32 bytes in hex, or in base64 of either alphabet, with or without its padding."""
    try:
        if len(word) == 2 * LENGTH:
            secret = bytes.fromhex(word)
        else:
            plain = word.rstrip("=").replace("-", "+").replace("_", "/")
            secret = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None
    return secret if len(secret) == LENGTH and len(set(secret)) >= DISTINCT else None


def _retired(comment: str) -> dt.datetime | None:
    if not (found := _RETIRED.fullmatch(comment)):
        return None
    try:
        return dt.datetime.strptime(found[1], _STAMP).replace(tzinfo=dt.UTC)
    except ValueError:
        return None  # a person's typing slip: it counts as retired from the next rotation on


def write(keys: Iterable[Key]) -> str:
    """What `read` reads."""
    return HEADER + "".join(_line(key) for key in keys)


def _line(key: Key) -> str:
    word = base64.urlsafe_b64encode(key.secret).decode().rstrip("=")
    since = f" # retired {key.retired.astimezone(dt.UTC):{_STAMP}}" if key.retired else ""
    return f"{word}{since}\n"
