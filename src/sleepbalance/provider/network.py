"""The doors over the network: how a person lets us in, and how a maker lets itself be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, Protocol

import msgspec

from sleepbalance.errors import Malformed, SleepBalanceError
from sleepbalance.provider.records import Raw


@dataclass(frozen=True, slots=True)
class Reply:
    """What a maker's server answered. Names of `headers` are in lower case.

    `path` is what was asked, below the maker's host and without its query.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    path: str = ""

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
        headers: Mapping[str, str] | None = None,
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
    """The maker's user behind a connection; `formerly` are ids that the same user had before.

    `zone` is the IANA name of where the maker says that they live; taken as the person's own
    where they did not say it themselves. `scopes` are what may be read, where the maker tells it
    only to who asks, and not with the tokens; None: it is not told here.
    """

    id: str
    formerly: tuple[str, ...] = ()
    zone: str | None = None
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission that is asked for, and what is absent without it, in a person's words."""

    name: str
    reads: str
    needed: bool = False  # without it there is nothing to fetch
    ticked: str = ""  # what the maker's page calls it, where a person could miss it

    @property
    def to_allow(self) -> str:
        """How the person allows it; the command follows."""
        tick = f" and tick {self.ticked}" if self.ticked else ""
        return f"To allow it, connect again{tick}"


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
    before: int | None = None  # days before the connection was made that may be asked; None: all


def no_fault(reply: Reply) -> SleepBalanceError | Answer | None:
    """The default `fault`: nothing is special, the common rule holds."""
    del reply
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What is read through a door, and how.

    `fault` reads a reply before the common rule does (401 a new token, 403 `NotEntitled`, 410
    `Gone`, 429 `RateLimited`, 5xx `Unavailable`, other 4xx `Malformed`): it gives the error that
    the reply means, `Answer.FINE` where it is an answer all the same, or None. `made_up` says
    that the maker makes up what it tells here, so that it may only be kept in a sandbox folder.

    A maker that answers by push has `order` instead of resources: it asks for a window, each date
    once, and what it asked for, and whatever is new, comes by a hook. For dates that can't be
    asked any more `fault` says `NotEntitled`. Without `order_scope` nothing is asked for, and what
    is new comes all the same.
    """

    base: str  # e.g. https://health.example.org/
    resources: tuple[Resource, ...] = ()
    order: Callable[[Client, Ask], None] | None = None
    order_scope: str | None = None
    reading: Reading = Reading()
    fault: Callable[[Reply], SleepBalanceError | Answer | None] = no_fault
    identify: Callable[[Client, Grant], Account]
    made_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """A door: the person consents in the browser, and the maker hands out tokens.

    `redirect` says which callback the maker takes: any port of this computer, or only what was
    registered with the client (`callback` then, unless a setting names another one). The issuer
    that a callback may name (RFC 9207) has to be `issuer`, else the code is not used up. Consents
    are revoked at `revoke_url` (RFC 7009), or by `revoke` where a maker has its own way. `docs` is
    the page of this door, where it has one of its own.
    """

    api: Api
    authorize_url: str
    token_url: str
    scopes: tuple[Scope, ...]
    how_to: str  # how a person gets a client id, in one or two sentences
    name: str = "oauth"
    scope_separator: str = " "
    asks_scopes: bool = True  # in the authorise address; False: the maker's page asks by itself
    extra: Mapping[str, str] = field(default_factory=dict)  # of the authorise address
    pkce: bool = True
    client_auth: Literal["body", "basic"] = "body"
    redirect: Literal["any port", "registered"] = "registered"
    callback: str = "http://127.0.0.1:8723/callback"
    single_use: bool = False  # a refresh token works once
    unwrap: Callable[[Mapping[str, Any]], Grant] = standard_grant
    issuer: str | None = None
    revoke_url: str | None = None
    revoke: Callable[[Client, Grant], None] | None = None
    docs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A door: a key that the person makes in the maker's app, exchanged for short-lived tokens.

    `exchange(client, key)` is called without a token, each time one is needed. `lives` are the
    days that a key may live, where the maker lets the person choose and does not say it later.
    """

    api: Api
    exchange: Callable[[Client, str], Grant]
    how_to: str  # how a person gets a key, in one or two sentences
    lives: tuple[int, ...] = ()
    name: str = "key"
