"""The tokens of one connection: renewed in time, once for all processes, and never lost.

A refresh runs under the lease of its connection, with no transaction open, so a slow maker holds up
nobody else. Before it leaves, a mark of it is committed: who dies or hears nothing leaves the mark
behind, and a later refusal of the same token can be explained.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from sleepbalance.errors import Fatal, NeedsReconnect, RateLimited, Unavailable
from sleepbalance.provider import Grant
from sleepbalance.store import leases, tokens
from sleepbalance.store.engine import Engine, reading, writing
from sleepbalance.store.tokens import ACCESS, REFRESH, Seals, Stored, Unanswered

AHEAD = 300.0  # seconds before its end at which a token is renewed, at most
SHARE = 0.1  # of a token's life, where that is known and shorter
SAVING = (1.0, 4.0, 15.0)  # seconds between tries to store a new pair


class Credentials:
    """The bearer of one connection. Threads and processes may have one each.

    `refresh(secret)` asks the maker for a new grant; `now` is the clock that lives are told by.
    """

    def __init__(
        self,
        engine: Engine,
        seals: Seals,
        connection_id: str,
        refresh: Callable[[str], Grant],
        *,
        now: Callable[[], dt.datetime],
        sleep: Callable[[float], None] = time.sleep,
        life: dt.timedelta = leases.LIFE,
    ) -> None:
        self._engine = engine
        self._seals = seals
        self._id = connection_id
        self._refresh = refresh
        self._now = now
        self._sleep = sleep
        self._life = life
        self._lives: dict[str, float] = {}  # of the token that this one got, by its fingerprint
        self._spared = ""  # a token that could not be renewed early, and still lives

    def token(self) -> str:
        """A token that is good for a while. Raises NeedsReconnect where there can be none."""
        kept = self._read()
        access = self._open(kept, ACCESS)
        left = self._left(kept)
        if left is None or left > self._margin(access):
            return access
        if left > 0 and tokens.fingerprint(access) == self._spared:
            return access
        try:
            return self._renewed(access)
        except (Unavailable, RateLimited):
            if left <= 0:
                raise
            self._spared = tokens.fingerprint(access)
            return access

    def renew(self, seen: str) -> str:
        """Another token than `seen`, which the maker refused."""
        return self._renewed(seen)

    def refused(self, seen: str, why: NeedsReconnect) -> None:
        """Ends the connection, if `seen` still is its token."""
        self._end(ACCESS, seen, str(why))

    def _renewed(self, seen: str) -> str:
        with leases.held(self._engine, f"refresh:{self._id}", life=self._life):
            kept = self._read()
            access = self._open(kept, ACCESS)
            left = self._left(kept)
            if access != seen and (left is None or left > 0):
                return access  # somebody was faster
            secret = self._open(kept, REFRESH)
            if not secret:
                why = NeedsReconnect("The maker gave nothing to renew the token: connect again.")
                self._end(ACCESS, access, str(why))
                raise why
            return self._ask(kept, secret)

    def _ask(self, kept: Stored, secret: str) -> str:
        # What cannot be sealed or written now could not be kept either: nothing is used up yet.
        self._seals.seal(secret, tokens.TABLE, self._id, REFRESH)
        with writing(self._engine) as connection:
            earlier = tokens.begin_refresh(connection, self._id, secret)
        try:
            grant = self._refresh(secret)
        except NeedsReconnect as refusal:
            told = refusal
        except (RateLimited, Fatal):
            self._call_back(secret, earlier)
            raise
        except Unavailable as trouble:
            if not trouble.sent:
                self._call_back(secret, earlier)
            raise
        else:
            return self._keep(kept, secret, grant)
        return self._after_refusal(secret, told, earlier)

    def _call_back(self, secret: str, earlier: Unanswered | None) -> None:
        with writing(self._engine) as connection:
            tokens.call_back(connection, self._id, secret, earlier)

    def _keep(self, kept: Stored, secret: str, grant: Grant) -> str:
        """Stores the pair before anybody uses it, also where the lease was lost meanwhile."""
        got_at = self._now()
        for pause in SAVING:
            try:
                return self._store(kept, secret, grant, got_at)
            except Unavailable:  # the database's, and the old token may be used up: hold on to it
                self._sleep(pause)
        return self._store(kept, secret, grant, got_at)

    def _store(self, kept: Stored, secret: str, grant: Grant, got_at: dt.datetime) -> str:
        while True:
            with writing(self._engine) as connection:
                done = tokens.replace(connection, self._seals, kept, grant, got_at)
            if done:
                if grant.expires_in is not None:
                    self._lives = {tokens.fingerprint(grant.access): grant.expires_in}
                return grant.access
            there = self._stored()
            if there is None or self._open(there, REFRESH) != secret:
                return self._open(self._read(), ACCESS)  # of another refresh, or another consent
            kept = there  # the same token, sealed anew

    def _after_refusal(
        self, secret: str, refusal: NeedsReconnect, earlier: Unanswered | None
    ) -> str:
        reason = str(refusal)
        if earlier is not None:
            reason += (
                f" The answer to a refresh on {earlier.sent_at:%Y-%m-%d %H:%M} UTC never arrived;"
                " the maker may have used up the token."
            )
        if self._end(REFRESH, secret, reason):
            raise NeedsReconnect(reason)
        return self._open(self._read(), ACCESS)  # somebody stored another pair meanwhile

    def _end(self, column: str, sent: str, reason: str) -> bool:
        """Marks the connection, unless the stored token is another one than was sent."""
        while True:
            kept = self._stored()
            if kept is None or self._open(kept, column) != sent:
                return False
            with writing(self._engine) as connection:
                if tokens.refuse(connection, kept, reason):
                    return True  # else it was sealed anew, or replaced: look again

    def _stored(self) -> Stored | None:
        with reading(self._engine) as connection:
            return tokens.stored(connection, self._id)

    def _read(self) -> Stored:
        kept = self._stored()
        if kept is None or not kept.access:
            raise NeedsReconnect("This connection was ended: connect again.")
        if kept.status == "needs_reconnect":
            raise NeedsReconnect(kept.status_reason or "The consent is gone: connect again.")
        return kept

    def _open(self, kept: Stored, column: str) -> str:
        return tokens.open_token(self._seals, kept, column)

    def _left(self, kept: Stored) -> float | None:
        if kept.expires_at is None:
            return None
        return (kept.expires_at - self._now()).total_seconds()

    def _margin(self, access: str) -> float:
        life = self._lives.get(tokens.fingerprint(access))
        return AHEAD if life is None else max(min(AHEAD, SHARE * life), 0.0)
