"""Every error of ours, named by what happens next.

SleepBalanceError
├── Fatal              wrong configuration or a defect: a person changes something, then tries again
│   ├── UsageError     the command cannot mean anything as given (exit code 2)
│   ├── Locked         the key to a stored token is gone: it is brought back, or one connects again
│   └── StoreError     the database is not ours, newer, older than we read, or out of reach
├── NeedsReconnect     the consent is gone: the person connects again
├── NotEntitled        the plan does not cover this: the rest goes on
│   └── ScopeMissing   the person did not allow this: the rest goes on
├── RateLimited        asked too often: the same again after `retry_after`
├── Unavailable        network or their server: the same again later
│   └── TokenRefused   a token that is new: it heals by itself, or the person connects again
├── Malformed          this record or this file cannot be read: it is kept with its reason
├── Rejected           a push that proves no origin
├── Gone               the service has ended: another door is named
└── LeaseLost          somebody else took the work over: stop, and write nothing more

Each message is written for the person who reads it and says what they can do next.
"""

from __future__ import annotations


class SleepBalanceError(Exception):
    """The root. `code` is what `wearable_sync_history.error_code` says."""

    code = "INTERNAL"


class Fatal(SleepBalanceError):
    """A person has to change something before this can work."""


class UsageError(Fatal):
    """What was asked cannot mean anything; nothing was tried."""


class Locked(Fatal):
    """A stored token does not open; it was left as it is."""

    code = "AUTH_ERROR"


class StoreError(Fatal):
    """The database cannot be used as it is; it was left untouched."""


class NeedsReconnect(SleepBalanceError):
    """The maker no longer accepts this connection; the person connects again."""

    code = "AUTH_ERROR"


class NotEntitled(SleepBalanceError):
    """Scope or plan do not cover this; everything else goes on."""

    code = "NOT_ENTITLED"


class ScopeMissing(NotEntitled):
    """The person did not allow this; everything else goes on."""

    code = "SCOPE_MISSING"


class RateLimited(SleepBalanceError):
    """Asked too often. `retry_after` is in seconds, None where the maker does not say."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SleepBalanceError):
    """Network or server trouble on the way; the same again later.

    `sent` is False where the request surely never arrived; `retry_after` is in seconds.
    """

    code = "PROVIDER_UNAVAILABLE"

    def __init__(
        self, message: str, *, sent: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.sent = sent
        self.retry_after = retry_after


class TokenRefused(Unavailable):
    """A token was refused that the maker had just handed out: the consent lives, so this passes."""

    code = "AUTH_ERROR"


class Malformed(SleepBalanceError):
    """This record, or all of this file, cannot be read."""

    code = "BAD_DATA"


class Rejected(SleepBalanceError):
    """A push that does not prove where it comes from."""

    code = "REJECTED"


class Gone(SleepBalanceError):
    """The service has ended; the message names the doors that are left."""

    code = "PROVIDER_ENDED"


class LeaseLost(SleepBalanceError):
    """The lease lapsed and the work may be somebody else's by now."""

    code = "INTERRUPTED"
