"""The ways in over the network: both generations of Oura's OAuth, and its own made-up data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sleepbalance.errors import Malformed
from sleepbalance.provider import (
    Account,
    Api,
    Client,
    Grant,
    OAuth,
    Rate,
    Reading,
    Scope,
    standard_grant,
)

from .faults import LEGACY_REVOKE, fault
from .reading import resources
from .values import identifier

PREFIX = "extapi:"  # of granted scopes; they are asked for without it
LIMIT = 5000, 300.0

SCOPES = (
    Scope("daily", "sleep, with its heart rate, HRV, breathing and score", needed=True),
    Scope("spo2", "oxygen"),
)


def identify(client: Client, grant: Grant) -> Account:
    """Oura tells the id whatever the person allowed."""
    del grant
    told = client.get("v2/usercollection/personal_info").json()
    found = identifier(told.get("id")) if isinstance(told, dict) else None
    if found is None:
        raise Malformed("Oura does not say whose data this is. Try again later.")
    return Account(found)


def unwrap(reply: Mapping[str, Any]) -> Grant:
    """The scopes come back with a prefix, `id_token` as null."""
    grant = standard_grant(reply)
    if grant.scopes is None:
        return grant
    return replace(grant, scopes=frozenset(name.removeprefix(PREFIX) for name in grant.scopes))


def revoke_legacy(client: Client, grant: Grant) -> None:
    """The old generation's own way, older than RFC 7009; a 401 means that it is done already."""
    client.post(f"https://api.ouraring.com{LEGACY_REVOKE}", params={"access_token": grant.access})


API = Api(
    base="https://api.ouraring.com/",
    resources=resources("v2/usercollection", "sleep"),
    reading=Reading(
        rates=(Rate(*LIMIT), Rate(*LIMIT, per="app")),
        longest=90,  # Oura advises one to three months for each call
        first=14,
        settles_after=14,  # naps are confirmed and bedtimes edited days later
    ),
    fault=fault,
    identify=identify,
)

NEW = OAuth(
    api=API,
    authorize_url="https://moi.ouraring.com/oauth/v2/ext/oauth-authorize",
    token_url="https://moi.ouraring.com/oauth/v2/ext/oauth-token",  # noqa: S106 # an address
    scopes=SCOPES,
    how_to=(
        "At developer.ouraring.com make an application with the redirect address "
        "http://localhost:8723/callback; docs/providers/oura.md has each step."
    ),
    callback="http://localhost:8723/callback",  # 127.0.0.1 is refused
    single_use=True,
    unwrap=unwrap,
    issuer="https://moi.ouraring.com/oauth/v2/ext/oauth-anonymous",
    revoke_url="https://moi.ouraring.com/oauth/v2/ext/oauth-revoke",
)

LEGACY = replace(
    NEW,
    name="legacy",
    authorize_url="https://cloud.ouraring.com/oauth/authorize",
    token_url="https://api.ouraring.com/oauth/token",  # noqa: S106 # an address
    how_to=(
        "For an application that was made at cloud.ouraring.com/oauth/applications, with the "
        "redirect address http://localhost:8723/callback; docs/providers/oura.md has each step."
    ),
    issuer=None,
    revoke_url=None,
    revoke=revoke_legacy,
)

MADE_UP = replace(
    NEW,
    name="sandbox",
    api=replace(
        API, resources=resources("v2/sandbox/usercollection", "sandbox-sleep"), made_up=True
    ),
    how_to=(
        "Oura's own made-up nights, for developers, with an application of developer.ouraring.com; "
        "docs/providers/oura.md has each step."
    ),
)
