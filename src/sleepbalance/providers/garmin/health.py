"""The door of Garmin's Health API, for those who have a client of Garmin's program.

Nothing can be fetched when one likes: a plain request is refused, and a night comes by push, or by
a ping that says where it lies. What was before is asked for by backfill and comes the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sleepbalance.errors import (
    Fatal,
    Malformed,
    NeedsReconnect,
    NotEntitled,
    ScopeMissing,
    SleepBalanceError,
)
from sleepbalance.payloads import decode, inside, text
from sleepbalance.provider import (
    Account,
    Answer,
    Api,
    Ask,
    Client,
    Grant,
    OAuth,
    Rate,
    Reading,
    Reply,
    Scope,
    standard_grant,
)

from .health_hook import permissions_of

REST = "wellness-api/rest/"
BACKFILL = f"/{REST}backfill/"
# Sleeps, HRV, and the heart rates of the day: breathing and oxygen come inside the sleeps.
# Three times 30 days stay below the 100 days of data that an evaluation client may ask a minute.
ORDERED = ("sleeps", "hrv", "dailies")
EARLY = 600  # seconds that a token is renewed before Garmin says that it ends
READ, HISTORY = "HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT"
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TOO_OLD = re.compile(r"min(imum)?\s*start\s*time", re.IGNORECASE)
_TYPE = re.compile(r"Endpoint not enabled for summary type:?\s*([A-Z_]{1,40})?")
PORTAL = "https://apis.garmin.com/tools/login"


def order(client: Client, ask: Ask) -> None:
    """Asks Garmin to send again what it has of these dates. The sleeps come first."""
    end = min(ask.end, ask.now)
    if ask.start >= end:
        return
    span: dict[str, str | int] = {
        "summaryStartTimeInSeconds": int(ask.start.timestamp()),
        "summaryEndTimeInSeconds": int(end.timestamp()),
    }
    for kind in ORDERED:
        client.get(f"{REST}backfill/{kind}", span)


def unwrap(reply: Mapping[str, Any]) -> Grant:
    """Its scopes are the client's (PARTNER_READ, ...): what the person allowed is asked apart."""
    grant = standard_grant(reply)
    life = grant.expires_in
    if life is not None and life > 0:
        life = max(life - EARLY, life / 2)
    return replace(grant, expires_in=life, scopes=None)


def identify(client: Client, grant: Grant) -> Account:
    del grant
    user = inside(decode(client.get(f"{REST}user/id").body)).get("userId")
    if not isinstance(user, str) or not _USER.fullmatch(user):
        raise Malformed("Garmin does not say whose data this is. Try again later.")
    told = decode(client.get(f"{REST}user/permissions").body)
    listed = told if isinstance(told, list) else inside(told).get("permissions")
    return Account(user, scopes=permissions_of(listed) if isinstance(listed, list) else None)


def revoke(client: Client, grant: Grant) -> None:
    """Ends the whole registration: Garmin sends nothing any more."""
    del grant
    client.delete(f"{REST}user/registration")


# -- what refusals mean ----------------------------------------------------------------------------


def fault(reply: Reply) -> SleepBalanceError | Answer | None:
    """This maker's reading of a reply; None leaves it to the common rule."""
    if not 400 <= reply.status < 500:
        return None
    said = text(inside(decode(reply.body)).get("errorMessage"))
    if reply.status == 409 and reply.path.startswith(BACKFILL):
        return Answer.FINE  # these dates were asked for before, and came, or are on their way
    if reply.status in (400, 401) and _TOO_OLD.search(said):
        return NotEntitled(
            "Garmin tells nothing from longer than about a month before you first connected. Older "
            "nights are in Garmin's account export: see docs/providers/garmin.md."
        )
    return _by_status(reply.status, said)


def _by_status(status: int, said: str) -> SleepBalanceError | None:
    if status == 412:
        return ScopeMissing(
            "You did not allow this in Garmin Connect. Nights need Health data, and those before "
            "you connected Historical data, which is off at first: allow both in Garmin Connect "
            "under Connected apps, or connect again and tick them."
        )
    if status == 403 and said:
        return NeedsReconnect(
            "Garmin no longer knows this consent: it was ended in Garmin Connect, or replaced by "
            "another one. Connect again."
        )
    return _wrong(said) if status == 400 else None


def _wrong(said: str) -> SleepBalanceError | None:
    """Of a 400."""
    if found := _TYPE.search(said):
        return Fatal(
            f"In Garmin's portal your client has no address for {found[1] or 'this type'}, so "
            f"Garmin has nowhere to send it. At {PORTAL}, under Endpoint Configuration, enter one "
            "for Sleeps, HRV and Dailies each and enable it, then try again."
        )
    if "InvalidPullTokenException" in said:
        return Malformed(
            "Garmin does not take the address of this notice any more, or never did: it is good "
            f"for one person, and for some days. To have it again, use Summary Resender at {PORTAL}"
            "."
        )
    return None


HEALTH_API = Api(
    base="https://apis.garmin.com/",
    order=order,
    order_scope=HISTORY,
    reading=Reading(
        rates=(Rate(100, 60, per="app"),),
        longest=30,
        first=30,
        settles_after=7,  # so long Garmin keeps what could not be delivered
        before=30,
    ),
    fault=fault,
    identify=identify,
)

HEALTH = OAuth(
    name="health",
    api=HEALTH_API,
    authorize_url="https://connect.garmin.com/oauth2Confirm",
    token_url="https://diauth.garmin.com/di-oauth2-service/oauth/token",  # noqa: S106 # an address
    scopes=(
        Scope(READ, "sleep, heart rate, HRV, breathing, oxygen", needed=True),
        Scope(HISTORY, "the nights of the month before you connected", ticked="Historical data"),
    ),
    asks_scopes=False,  # the person ticks them on Garmin's page
    how_to=(
        "Garmin gives clients of its Health API to companies in its Connect Developer Program "
        "only, and took no new ones when this was written. For your own data take a key of your "
        "own."
    ),
    docs="docs/providers/garmin_health.md",
    pkce=True,
    client_auth="body",
    single_use=True,
    unwrap=unwrap,
    revoke=revoke,
)
