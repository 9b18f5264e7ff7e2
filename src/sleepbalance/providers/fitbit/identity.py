"""Who is connected, and how to let go of it."""

from __future__ import annotations

import re

from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode, inside
from sleepbalance.provider import Account, Client, Grant

_ID = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)


def identify(client: Client, grant: Grant) -> Account:
    """The Google Health user; `formerly` is the id that Fitbit's own API knew."""
    del grant
    told = inside(decode(client.get("v4/users/me/identity").body))
    ids = [told.get(name) for name in ("healthUserId", "legacyUserId")]
    health, legacy = (i if isinstance(i, str) and _ID.fullmatch(i) else None for i in ids)
    if health is None:
        raise Malformed("Google does not say whose data this is. Try again later.")
    return Account(health, formerly=(legacy,) if legacy else ())


def revoke(client: Client, grant: Grant) -> None:
    """Ends the whole consent: the refresh token takes its access tokens with it."""
    token = grant.refresh or grant.access
    client.post("https://oauth2.googleapis.com/revoke", form={"token": token})
