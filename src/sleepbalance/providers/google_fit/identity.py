"""Who is connected, and how to let go of it."""

from __future__ import annotations

import re

from sleepbalance.errors import Malformed
from sleepbalance.payloads import decode, inside
from sleepbalance.provider import Account, Client, Grant

_ID = re.compile(r"[A-Za-z0-9._-]{1,255}", re.ASCII)


def identify(client: Client, grant: Grant) -> Account:
    """The Google account: Google Fit itself names nobody."""
    del grant
    told = inside(decode(client.get("oauth2/v3/userinfo").body)).get("sub")
    if not isinstance(told, str) or not _ID.fullmatch(told):
        raise Malformed("Google does not say whose data this is. Try again later.")
    return Account(told)


def revoke(client: Client, grant: Grant) -> None:
    """Ends the whole consent: the refresh token takes its access tokens with it."""
    token = grant.refresh or grant.access
    client.post("https://oauth2.googleapis.com/revoke", form={"token": token})
