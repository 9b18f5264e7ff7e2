"""The contract of a provider: one frozen value, made of data and of a few pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from sleepbalance.errors import Malformed, SleepBalanceError
from sleepbalance.model import Session, Source


class Stream(Protocol):
    """Unpacked bytes of one member, read once from front to back."""

    def read(self, size: int, /) -> bytes: ...


class Member(Protocol):
    """One file of what a person handed over: a bare file, one in a folder, or one in a zip."""

    @property
    def name(self) -> str:
        """Its path inside what was handed over, with forward slashes; a label, never opened."""

    @property
    def head(self) -> bytes:
        """Its first 64 KiB, unpacked; empty where it is encrypted."""

    @property
    def encrypted(self) -> bool: ...

    @property
    def path(self) -> Path | None:
        """Where it lies on disk by itself; None where it has to be unpacked, or was made."""

    def open(self) -> AbstractContextManager[Stream]:
        """Reads it from the start. A damaged archive ends the stream with `Malformed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """The smallest thing a maker can send, revise or delete again, kept as it came.

    `key` is unique within provider and account. `start` and `end` are instants, None where the
    record could not be placed in time. A companion (heart rate, zone marks) is no sleep itself:
    it is handed to `normalise` beside the records it overlaps, and may be a pack of many samples
    that comes in several pieces, which `Provider.merge` joins. One whose source has the key `""`
    belongs to the account, and is handed beside the records of each of its sources. `zone` is where
    the record itself says that the clock was at its start (IANA name or offset); records near it
    that say nothing take it over. `problem` says why a record was set aside; it is kept all the
    same.
    """

    key: str
    kind: str
    source: Source
    payload: bytes
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    companion: bool = False
    revised_at: dt.datetime | None = None
    zone: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last thing that reading yields: what is true of the file as a whole."""

    as_of: dt.datetime | None = None  # when the maker wrote the file
    problems: tuple[str, ...] = ()  # of the file as a whole, e.g. that it was cut off


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """What raw records that touch each other say: sessions, and what was set aside."""

    sessions: tuple[Session, ...] = ()
    aside: tuple[tuple[str, str], ...] = ()  # (key of a raw record, reason)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the files of a provider may be, before we stop reading."""

    unpacked: int = 64 * 2**30  # bytes
    ratio: int = 200  # unpacked to packed, once more than 256 MiB came out


@dataclass(frozen=True, slots=True)
class File:
    """A door: a file that the person exported and hands over.

    `recognises` tells by content whether a member is what `read` wants. `read` yields raw records
    (repeats included) and one `Finished` at the end; `now` guards against dates in the future.
    `demo` is a made-up file that ships with the provider and says so in its first 64 KiB.
    """

    recognises: Callable[[Member], bool]
    read: Callable[[Sequence[Member], dt.datetime], Iterator[Raw | Finished]]
    how_to: str  # how a person gets such a file, in one or two sentences
    demo: Path | None = None


# -- over the network ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """What a maker's server answered. Names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    def json(self) -> Any:
        """The body as JSON. Raises Malformed where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("The maker's server sent something that is no JSON.") from None


class Answer(Enum):
    """What a provider's `fault` may say of a reply that is no error."""

    FINE = "fine"  # `fetch` reads it itself, whatever its status


class Client(Protocol):
    """HTTP as the person: a fresh token, time-outs, limits, and no errors but ours.

    A path begins below the door's `Api.base`; a whole address stays as it is. A reply comes back
    where its status is 2xx, or where the provider's `fault` says that it is fine.
    """

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply: ...

    def post(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply: ...

    def delete(self, path: str) -> Reply: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a maker handed out: tokens, their lives in seconds, and what they allow.

    `refresh` None keeps the one that is there; `scopes` None is not told.
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_in: float | None = None
    refresh_expires_in: float | None = None
    scopes: frozenset[str] | None = None
    user: str | None = None


def standard_grant(reply: Mapping[str, Any]) -> Grant:
    """The token response of RFC 6749, section 5.1. Raises Malformed where it holds no token."""
    access, refresh = reply.get("access_token"), reply.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise Malformed("The maker's server sent no token.")
    scopes = reply.get("scope")
    told = frozenset(scopes.replace(",", " ").split()) if isinstance(scopes, str) else None
    return Grant(
        access=access,
        refresh=refresh if isinstance(refresh, str) and refresh else None,
        expires_in=_seconds(reply.get("expires_in")),
        refresh_expires_in=_seconds(reply.get("refresh_token_expires_in")),
        scopes=told or None,  # an empty list is legal, and says nothing
    )


def _seconds(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Account:
    """The maker's user behind a connection; `formerly` are ids that the same user had before."""

    id: str
    formerly: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission that is asked for, and what is absent without it, in a person's words."""

    name: str
    reads: str
    needed: bool = False  # without it there is nothing to fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is to be fetched: all sleeps that end in [start, end), or what belongs to `sleeps`.

    `sleeps` is empty for the first resource; for the others it holds the records of the first that
    are new, changed, or young enough that the maker may still add to them, in order of time.
    """

    start: dt.datetime
    end: dt.datetime
    now: dt.datetime
    account: str
    sleeps: tuple[Raw, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of thing that a maker tells. The first one of an `Api` is its sleeps.

    `fetch` yields what it finds, and is through when it has told everything in the ask; an error
    on the way means that it has not. A record that cannot be read is yielded with its problem.
    """

    name: str  # in words, for the log: "sleep", "heart rate"
    fetch: Callable[[Client, Ask], Iterator[Raw]]
    scope: str | None = None  # not asked for without it


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many requests in so many seconds, for one user or for all users of an app."""

    requests: int
    seconds: float
    per: Literal["user", "app"] = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a maker lets itself be read. Days are dates of waking up."""

    rates: tuple[Rate, ...] = ()
    longest: int = 30  # days that one window may span
    first: int = 14  # days of the first window, so that a person soon sees something
    settles_after: int = 7  # days within which a maker may still revise a sleep
    history: int | None = None  # days that a maker keeps; None: all there is


def no_fault(reply: Reply) -> SleepBalanceError | Answer | None:
    """The default `fault`: nothing is special, the common rule holds."""
    del reply
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What is read through a door, and how.

    `fault` reads a reply before the common rule does (401 a new token, 403 `NotEntitled`, 410
    `Gone`, 429 `RateLimited`, 5xx `Unavailable`, other 4xx `Malformed`): it gives the error that
    the reply means, `Answer.FINE` where it is an answer all the same, or None.
    """

    base: str  # e.g. https://health.example.org/
    resources: tuple[Resource, ...]
    reading: Reading = Reading()
    fault: Callable[[Reply], SleepBalanceError | Answer | None] = no_fault
    identify: Callable[[Client, Grant], Account]


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """A door: the person consents in the browser, and the maker hands out tokens.

    `redirect` says which callback the maker takes: any port of this computer, or only what was
    registered with the client (`callback` then, unless a setting names another one).
    """

    api: Api
    authorize_url: str
    token_url: str
    scopes: tuple[Scope, ...]
    how_to: str  # how a person gets a client id, in one or two sentences
    name: str = "oauth"
    scope_separator: str = " "
    extra: Mapping[str, str] = field(default_factory=dict)  # of the authorise address
    pkce: bool = True
    client_auth: Literal["body", "basic"] = "body"
    redirect: Literal["any port", "registered"] = "registered"
    callback: str = "http://127.0.0.1:8723/callback"
    single_use: bool = False  # a refresh token works once
    unwrap: Callable[[Mapping[str, Any]], Grant] = standard_grant
    revoke: Callable[[Client, Grant], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A door: a key that the person makes in the maker's app, exchanged for short-lived tokens.

    `exchange(client, key)` is called without a token, each time one is needed.
    """

    api: Api
    exchange: Callable[[Client, str], Grant]
    how_to: str  # how a person gets a key, in one or two sentences
    name: str = "key"


Door = File | OAuth | ApiKey
Remote = OAuth | ApiKey


def keep_last(kind: str, payloads: Sequence[bytes]) -> bytes:
    """The default `merge`: the newest version of a record replaces the older ones."""
    del kind
    return payloads[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Everything the engine knows of one maker. See CONTRIBUTING.md for a worked example.

    `normalise` is pure: all raw records of one source whose spans lie at most `reach` apart, and
    the companions that overlap them, become sessions. `merge(kind, payloads)` joins several
    versions or pieces of one raw record, oldest first; it must give the same for the same
    set of pieces in any order where pieces may come in any order. `also` are other words for the
    maker and its devices, in lower case; `hub` says that other makers' phone apps write into it.
    """

    id: str
    name: str
    docs: str
    verified: dt.date | None
    doors: tuple[Door, ...]
    normalise: Callable[[Iterable[Raw]], Normalised]
    reach: dt.timedelta = dt.timedelta(0)
    merge: Callable[[str, Sequence[bytes]], bytes] = keep_last
    also: tuple[str, ...] = ()
    hub: bool = False

    @property
    def files(self) -> tuple[File, ...]:
        return tuple(door for door in self.doors if isinstance(door, File))

    @property
    def remote(self) -> tuple[Remote, ...]:
        """The doors that lead over the network."""
        return tuple(door for door in self.doors if not isinstance(door, File))
