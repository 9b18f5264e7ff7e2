"""HTTP as the person: a fresh token, limits kept, trouble waited out, no errors but ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from pyrate_limiter import InMemoryBucket
from pyrate_limiter import Rate as Pace
from pyrate_limiter.abstracts import RateItem

from sleepbalance.errors import (
    Fatal,
    Gone,
    Malformed,
    NeedsReconnect,
    NotEntitled,
    RateLimited,
    SleepBalanceError,
    TokenRefused,
    Unavailable,
)
from sleepbalance.provider import Answer, Api, OAuth, Rate, Remote, Reply
from sleepbalance.wire import Wire, host_of, reason, retry_after, seconds_of_silence

PATIENCE = 65.0  # seconds: a limit by the minute, and what its pause was rounded up by
TRIES = 3
FELT = 0.5  # seconds of waiting; of less nothing is said
SOON = 5.0  # seconds; less needs no number
FIRST_WAIT = 1.0  # seconds; the next ones are twice as long
FIRST_PAUSE = 10.0  # after a 429 that does not say for how long
SHORTEST_PAUSE = 1.0

Per = Literal["user", "app"]
Values = Mapping[str, str | int]


class Bearer(Protocol):
    """Where tokens come from. `seen` is the token that a request went out with."""

    def token(self) -> str: ...

    def renew(self, seen: str) -> str: ...

    def refused(self, seen: str, why: NeedsReconnect) -> None: ...


class Pauses(Protocol):
    """What makers asked us to wait, known to every process; see `store.pauses`."""

    @property
    def user(self) -> str: ...

    @property
    def app(self) -> str: ...

    def left(self) -> float: ...

    def begin(self, seconds: float, per: Per) -> None: ...


@dataclass(slots=True)
class _Call:
    """One request with its retries, and the seconds that may still be spent waiting for it."""

    method: str
    url: str
    content: Mapping[str, Any] = field(repr=False)
    patience: float
    renewed: bool = False
    tries: int = 0
    pauses: int = 0
    status: int | None = None  # of the last answer, where there was one


class HttpClient:
    """Implements `provider.Client` for one connection. Threads don't share it.

    One call waits at most `patience` seconds in all, for limits and between tries, through
    `sleep`. stamina can be given neither of them, so the few tries are a loop of our own. `hosts`
    are those that a whole address may name, beside that of `api.base`; see `hosts_of`. `name` is
    what a person calls the maker; `told` hears, in words, of each wait that can be felt.
    """

    def __init__(
        self,
        wire: Wire,
        api: Api,
        bearer: Bearer | None,
        *,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
        pauses: Pauses | None = None,
        hosts: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
        name: str = "",
        told: Callable[[str], None] = lambda _words: None,
    ) -> None:
        self.requests = 0
        self._name = name or wire.name or host_of(api.base)
        self._wire = wire
        self._api = api
        self._bearer = bearer
        self._patience = patience
        self._sleep = sleep
        self._told = told
        self._pauses = pauses or _OwnPauses(clock)
        self._hosts = {host_of(api.base), *hosts}
        names = (self._pauses.user, self._pauses.app)
        self._paces = _Paces(api.reading.rates, *names, clock)

    def get(self, path: str, params: Values | None = None) -> Reply:
        return self._call("GET", path, params=params)

    def post(
        self,
        path: str,
        *,
        params: Values | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        return self._call("POST", path, params=params, json=json, form=form, headers=headers)

    def delete(self, path: str) -> Reply:
        return self._call("DELETE", path)

    def _call(self, method: str, path: str, **content: Any) -> Reply:
        call = _Call(method, self._address(path), content, self._patience)
        while True:
            outcome = self._try(call)
            if isinstance(outcome, Reply):
                return outcome
            if not self._may_again(call, outcome):
                raise outcome

    def _may_again(self, call: _Call, error: SleepBalanceError) -> bool:
        """Whether the same is worth another try, once it has waited for it."""
        if isinstance(error, TokenRefused):
            return False
        if isinstance(error, Unavailable):
            call.tries += 1
            wait = error.retry_after or FIRST_WAIT * 2 ** (call.tries - 1)
            return call.tries < TRIES and self._wait(call, wait, self._trying_again(call, wait))
        if isinstance(error, RateLimited):
            call.pauses += 1
            if error.retry_after is None:
                wait = FIRST_PAUSE * 2 ** (call.pauses - 1)
                said = f"{self._name} was asked too often; trying again in {wait:.0f} s."
                return self._wait(call, wait, said)
            return error.retry_after <= call.patience  # it is a pause by now, and waited for there
        return False

    def _address(self, path: str) -> str:
        if "://" not in path:
            return f"{self._api.base.rstrip('/')}/{path.removeprefix('/')}"
        host = host_of(path)
        if host not in self._hosts:
            raise Fatal(f"{host} is no host of this maker; no token is sent there.")
        return path

    def _trying_again(self, call: _Call, wait: float) -> str:
        what = "No answer" if call.status is None else f"{self._name} answered {call.status}"
        when = "" if wait < SOON else f" in {wait:.0f} s"
        return f"{what}; trying again{when} ({call.tries + 1} of {TRIES})."

    def _wait(self, call: _Call, seconds: float, why: str) -> bool:
        """Says why, if it is said at all, and waits, if the call's patience lasts so long."""
        if seconds > call.patience:
            return False
        if why:
            self._told(why)
        call.patience -= seconds
        if seconds:
            self._sleep(seconds)
        return True

    def _try(self, call: _Call) -> Reply | SleepBalanceError:
        """Sends once; and once more where the token was refused, and a new one could be had.

        What the bearer raises ends the call: a refresh is never tried again behind its back.
        """
        token = self._bearer.token() if self._bearer is not None else None
        outcome, stale = self._once(call, token)
        if stale and self._bearer and token and not call.renewed:
            call.renewed = True
            token = self._bearer.renew(token)
            outcome, stale = self._once(call, token)
        if stale and call.renewed:
            return TokenRefused(
                f"{self._name} refuses even a new token; if that goes on, connect again."
            )
        if isinstance(outcome, NeedsReconnect) and self._bearer and token:
            self._bearer.refused(token, outcome)
        return outcome

    def _once(self, call: _Call, token: str | None) -> tuple[Reply | SleepBalanceError, bool]:
        """What one request led to, and whether all that is wrong may be the token's age."""
        self._take_turn(call)
        headers = dict(call.content.get("headers") or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.requests += 1
        call.status = None
        try:
            reply = self._wire.send(call.method, call.url, **{**call.content, "headers": headers})
        except Unavailable as trouble:
            return trouble, False
        call.status = reply.status
        if silence := seconds_of_silence(reply):
            self._pauses.begin(silence, self._per)
        verdict = self._verdict(reply)
        if verdict is Answer.FINE or (verdict is None and 200 <= reply.status < 300):
            return reply, False
        secret = [token or "", *(call.content.get("headers") or {}).values()]
        error = self._common(reply, secret) if verdict is None else verdict
        assert isinstance(error, SleepBalanceError)
        self._heed(error, reply)
        return error, verdict is None and reply.status == 401

    def _take_turn(self, call: _Call) -> None:
        """Waits until pauses and rates allow a request; RateLimited where that is too long."""
        while wait := (asked := self._pauses.left()) or self._paces.wait():
            why = "asked us to wait" if asked else "may not be asked so often: waiting"
            said = f"{self._name} {why} {wait:.0f} s." if wait >= FELT else ""
            if not self._wait(call, wait, said):
                raise RateLimited(
                    f"{self._name} lets nobody ask for another {wait:.0f} s; the rest comes with "
                    "the next sync.",
                    wait,
                )

    def _verdict(self, reply: Reply) -> SleepBalanceError | Answer | None:
        try:
            return self._api.fault(reply)
        except Malformed as error:  # an error page where JSON was looked for
            return error if 200 <= reply.status < 300 else None

    def _common(self, reply: Reply, secret: Collection[str]) -> SleepBalanceError:
        """The rule that `provider.Api` tells."""
        status = reply.status
        said = reason(reply, [word for text in secret for word in text.split()])
        told = f"{self._name} answered {status}" + (f" ({said})" if said else "")
        known: dict[int, SleepBalanceError] = {
            401: NeedsReconnect(f"{told}: it takes this connection no longer. Connect again."),
            403: NotEntitled(f"{told}: it does not allow this."),
            408: Unavailable(f"{told}; try again later."),
            410: Gone(f"{told}: this service has ended."),
            425: Unavailable(f"{told}; try again later."),
            429: RateLimited(f"{told}: it was asked too often. The rest comes with the next sync."),
        }
        if status in known:
            return known[status]
        if 400 <= status < 500:
            return Malformed(f"{told}.")
        return Unavailable(f"{told}; try again later.")

    def _heed(self, error: SleepBalanceError, reply: Reply) -> None:
        """Takes over how long the maker asks us to wait, for everybody whom it concerns."""
        if isinstance(error, RateLimited | Unavailable) and error.retry_after is None:
            error.retry_after = retry_after(reply)
        if isinstance(error, RateLimited) and error.retry_after is not None:
            self._pauses.begin(max(error.retry_after, SHORTEST_PAUSE), self._per)

    @property
    def _per(self) -> Per:
        """Whom a limit speaks of: makers don't say, so it is as their rates are."""
        rates = self._api.reading.rates
        return "app" if rates and all(rate.per == "app" for rate in rates) else "user"


def hosts_of(door: Remote) -> frozenset[str]:
    """The hosts that may see a token that came through this door."""
    addresses = [door.api.base]
    if isinstance(door, OAuth):
        addresses += [door.authorize_url, door.token_url]
    return frozenset(map(host_of, addresses))


# -- limits ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _OwnPauses:
    """Pauses where there is no store: of this client only."""

    clock: Callable[[], float]
    until: float = float("-inf")
    user: str = ""
    app: str = ""

    def left(self) -> float:
        return max(self.until - self.clock(), 0.0)

    def begin(self, seconds: float, per: Per) -> None:
        del per
        self.until = max(self.until, self.clock() + seconds)


class _Paces:
    """The rates that one client keeps to; those of a user and of an app are shared by name."""

    shared: ClassVar[dict[tuple[str, tuple[Rate, ...]], InMemoryBucket]] = {}
    mutex = threading.Lock()

    def __init__(
        self, rates: tuple[Rate, ...], user: str, app: str, clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        named = (("user", user), ("app", app))
        groups = [(name, tuple(r for r in rates if r.per == per)) for per, name in named]
        with self.mutex:
            self._buckets = [self._bucket(name, group) for name, group in groups if group]

    def _bucket(self, name: str, rates: tuple[Rate, ...]) -> InMemoryBucket:
        if name and (name, rates) in self.shared:
            return self.shared[name, rates]
        made = InMemoryBucket([Pace(r.requests, max(int(r.seconds * 1000), 1)) for r in rates])
        if name:
            self.shared[name, rates] = made
        return made

    def wait(self) -> float:
        """Takes a turn and gives 0, or gives the seconds until there may be one."""
        with self.mutex:
            now = int(self._clock() * 1000)
            for bucket in self._buckets:
                bucket.leak(now)
                turn = RateItem("request", now)
                if not bucket.put(turn):
                    millis = bucket.waiting(turn)
                    assert isinstance(millis, int)
                    return max(millis, 1) / 1000
        return 0.0
