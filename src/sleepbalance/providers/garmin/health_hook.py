"""What Garmin sends by itself: pings that say where data lie, pushes that hold them, and notices.

Garmin signs nothing: that a delivery is Garmin's shows only in the secret end of our address and in
a header with our client id, which can both be had by others. So an address that a ping names is
asked only where it is Garmin's own to the letter, and with the token of an account that is known.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from sleepbalance.errors import Malformed, Rejected
from sleepbalance.payloads import decode, decode_as, inside, items, listed
from sleepbalance.provider import Client, Delivery, Hook, Item, Proof, Raw

from .health_records import KINDS, record

LARGEST = 32 * 2**20  # bytes; Garmin wants 10 MB to be taken
ENDED = "deregistrations"
PERMISSIONS = ("userpermissionschange", "userpermissions")
# The whole address in one pattern, so that no two readers of addresses can disagree over it.
ADDRESS = re.compile(
    r"https://apis\.garmin\.com/wellness-api/rest/([A-Za-z]{1,40})"
    r"(\?[A-Za-z0-9._~%+/=&:,-]{1,4000})?",
    re.ASCII,
)
ORIGIN = re.compile(r"https://[^/]*", re.ASCII | re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
Reader = Callable[[bytes, Mapping[str, Any]], Item]
_PERMISSION = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)


def prove(delivery: Delivery, proof: Proof) -> None:
    """Our address ends in a secret, and Garmin names our client id."""
    right_end = bool(proof.secret) and _same(delivery.secret, proof.secret)
    told = delivery.headers.get("garmin-client-id", "")
    right_client = not proof.client_id or _same(told, proof.client_id)
    if not (right_end and right_client):
        raise Rejected(
            "This does not prove that it is from Garmin: its address does not end in our secret, "
            "or its header garmin-client-id is not our client id. In Garmin's portal check the "
            "address under Endpoint Configuration, here check the client id in the settings."
        )


def _same(told: str, ours: str) -> bool:
    return hmac.compare_digest(*(text.encode("utf-8", "surrogatepass") for text in (told, ours)))


def read(body: bytes, now: dt.datetime) -> Iterator[Item]:
    """What a delivery tells, item by item; types that no night needs are passed over."""
    told = decode_as(body, dict[str, msgspec.Raw])
    if told is None:
        raise Malformed(
            "This is nothing that Garmin sends: that is JSON, an object with summaries by type. "
            "Ask for the same data again with the Summary Resender in Garmin's portal."
        )
    for name, value in told.items():
        if (read_one := _reader(name.casefold(), now)) is None:
            continue
        found = listed(bytes(value))
        if found is None:
            yield Item(account="", problem=f"holds something under {name[:40]} that is no list")
        for each in found or ():
            yield read_one(each, inside(decode(each)))


def _reader(name: str, now: dt.datetime) -> Reader | None:
    if name == ENDED:
        return _ended
    if name in PERMISSIONS:
        return _permissions
    if (kind := KINDS.get(name)) is None:
        return None
    return lambda payload, told: _data(kind, payload, told, now)


def _account(told: Mapping[str, Any]) -> str:
    account = told.get("userId")
    return account if isinstance(account, str) and _ID.fullmatch(account) else ""


NOBODY = Item(account="", problem="does not say whose it is: there is no userId that can be read")


def _data(kind: str, payload: bytes, told: Mapping[str, Any], now: dt.datetime) -> Item:
    account = _account(told)
    if not account:
        return NOBODY
    if "callbackURL" not in told:
        return Item(account=account, raws=(record(kind, payload, now),))
    address = checked(told["callbackURL"])
    if address is None or _kind_at(address) != kind:
        return Item(account=account, problem="names an address that is not one of Garmin's")
    return Item(account=account, address=address)


def _ended(payload: bytes, told: Mapping[str, Any]) -> Item:
    del payload
    account = _account(told)
    if not account:
        return NOBODY
    ended = "You ended the connection in Garmin Connect. To have it again, connect again."
    return Item(account=account, ended=ended)


def _permissions(payload: bytes, told: Mapping[str, Any]) -> Item:
    del payload
    account, allowed = _account(told), told.get("permissions")
    if not account:
        return NOBODY
    if not isinstance(allowed, list):
        return Item(account=account, problem="tells of permissions and does not list them")
    return Item(account=account, scopes=permissions_of(allowed))


def permissions_of(allowed: object) -> frozenset[str]:
    """The permissions that a list names; an empty one says that there are none."""
    return frozenset(p for p in items(allowed) if isinstance(p, str) and _PERMISSION.fullmatch(p))


# -- what lies at an address -----------------------------------------------------------------------


def checked(address: object) -> str | None:
    """The address in one spelling if it is Garmin's own, over https, below what is read; else None.

    A guard against deliveries that would have us ask somebody else, with the person's token.
    """
    if not isinstance(address, str):
        return None
    origin = ORIGIN.match(address)
    if origin is None:
        return None
    address = origin[0].lower().removesuffix(":443") + address[origin.end() :]
    found = ADDRESS.fullmatch(address)
    return address if found and _kind_at(address) else None


def _kind_at(address: str) -> str | None:
    found = ADDRESS.fullmatch(address)
    return KINDS.get(found[1].casefold()) if found else None


def collect(client: Client, address: str, now: dt.datetime) -> Iterator[Raw]:
    """The summaries at the address of a ping: a plain list, as they would have been pushed."""
    own = checked(address)
    kind = _kind_at(own) if own else None
    if own is None or kind is None:
        raise Malformed("This address is not one of Garmin's, so it is not asked.")
    reply = client.get(own)
    if not reply.body.strip():
        return
    found = listed(reply.body)
    if found is None:
        raise Malformed("Garmin sent something that is no list of summaries. Try again later.")
    yield from (record(kind, each, now) for each in found)


HOOK = Hook(
    name="health",
    door="health",
    prove=prove,
    read=read,
    collect=collect,
    largest=LARGEST,
)
