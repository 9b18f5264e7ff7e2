"""What makers send us by themselves: how a delivery proves its origin, and what it tells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sleepbalance.provider.network import Client
from sleepbalance.provider.records import Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request that came in. Names of `headers` are in lower case.

    `secret` is the last segment of the address that it came to, which only the maker was told.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a delivery is held against: the secret of our address, and who we are for the maker."""

    secret: str = field(repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a delivery tells of one account of the maker.

    `raws` are data; `address` is where the maker says that they lie, checked by the provider, so
    that it may be asked with the person's token. `ended` says in words why the consent is gone,
    `scopes` what may be read from now on. `at` is when that happened, where the maker tells it:
    what comes late never undoes what is newer. `problem` is why an item could not be read: then
    `account` may be "".
    """

    account: str
    raws: tuple[Raw, ...] = ()
    address: str | None = None
    ended: str | None = None
    scopes: frozenset[str] | None = None
    at: dt.datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """An address of ours that a maker sends to.

    `prove` raises Rejected for a delivery that proves no origin; it compares in constant time.
    `read` never raises for one bad item: it is told with its problem, and the rest goes on; it
    raises Malformed for a body of which nothing can be read. Its `now` is when the body came.
    `collect` reads what lies at an item's address; its last argument is that `now`. `door` is that
    of the connections it speaks of.
    """

    name: str
    door: str
    prove: Callable[[Delivery, Proof], None]
    read: Callable[[bytes, dt.datetime], Iterator[Item]]
    collect: Callable[[Client, str, dt.datetime], Iterator[Raw]] | None = None
    methods: tuple[str, ...] = ("POST",)
    status: int = 200  # of our answer
    largest: int = 10 * 2**20  # bytes that a body may have
