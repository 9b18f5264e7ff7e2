"""What Garmin sends by itself: pings that say where data lie, pushes that hold them, and notices.

Garmin signs nothing: that a delivery is Garmin's shows only in the secret end of our address and in
a header with our client id, which can both be had by others. So an address that a ping names is
asked only where it is Garmin's own to the letter, and with the token of an account that is known.
"""

from __future__ import annotations

import datetime as dt
import hmac
import itertools
import re
from collections.abc import Callable, Iterator

import msgspec

from sleepbalance.errors import Malformed, Rejected
from sleepbalance.payloads import decode, decode_as, inside, items, listed, text
from sleepbalance.provider import Client, Delivery, Hook, Item, Proof, Raw

from .health_records import KINDS, record
from .health_values import instant

LARGEST = 32 * 2**20  # bytes; Garmin wants 10 MB to be taken
BOM = b"\xef\xbb\xbf"
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
Reader = Callable[[bytes, str, int], Item]
# A text, or a number, or what is none.
_TOKENS = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|(?P<number>-?(?:NaN|Infinity|[0-9][0-9.eE+-]*+))',
    re.DOTALL,
)
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
    body = body.removeprefix(BOM)
    told = decode_as(body, dict[str, msgspec.Raw]) or decode_as(_tame(body), dict[str, msgspec.Raw])
    if told is None:
        raise Malformed(
            "This is nothing that Garmin sends: that is JSON, an object with summaries by type. "
            "Ask for the same data again with the Summary Resender in Garmin's portal."
        )
    place = itertools.count()
    for name, value in told.items():
        if (read_one := _reader(name.casefold(), now)) is None:
            continue
        found = listed(bytes(value))
        if found is None:
            yield Item(
                account="", problem=f"holds something under {text(name, 40)} that is no list"
            )
        for each in found or ():
            yield read_one(each, _account(each), next(place))


def _tame(payload: bytes) -> bytes:
    """JSON in which numbers that nobody can read, such as NaN, are text instead.

    One such value must not cost the whole body; as text it is kept, and read as nothing.
    """
    return _TOKENS.sub(_readable, payload)


def _readable(token: re.Match[bytes]) -> bytes:
    number = token["number"]
    return token[0] if number is None or decode(number) is not None else b'"' + number + b'"'


def _summary(payload: bytes) -> bytes:
    return payload if decode(payload) is not None else _tame(payload)


def _reader(name: str, now: dt.datetime) -> Reader | None:
    if name == ENDED:
        return _ended
    if name in PERMISSIONS:
        return _permissions
    if (kind := KINDS.get(name)) is None:
        return None
    return lambda payload, account, place: _data(kind, payload, account, now, place)


class _Whose(msgspec.Struct, rename="camel"):
    user_id: str


def _account(payload: bytes) -> str:
    """Whose an item is, also where the rest of it cannot be read; "" where nobody's."""
    told = decode_as(payload, _Whose)
    return told.user_id if told and _ID.fullmatch(told.user_id) else ""


NOBODY = Item(account="", problem="does not say whose it is: there is no userId that can be read")


def _data(kind: str, payload: bytes, account: str, now: dt.datetime, place: int) -> Item:
    if not account:
        return NOBODY
    payload = _summary(payload)
    told = inside(decode(payload))
    if "callbackURL" not in told:
        return Item(account=account, raws=(record(kind, payload, now, place),))
    address = checked(told["callbackURL"])
    if address is None or _kind_at(address) != kind:
        return Item(account=account, problem="names an address that is not one of Garmin's")
    return Item(account=account, address=address)


def _ended(payload: bytes, account: str, place: int) -> Item:
    del payload, place
    if not account:
        return NOBODY
    ended = "You ended the connection in Garmin Connect. To have it again, connect again."
    return Item(account=account, ended=ended)


def _permissions(payload: bytes, account: str, place: int) -> Item:
    del place
    told = inside(decode(_summary(payload)))
    allowed, at = told.get("permissions"), instant(told.get("changeTimeInSeconds"))
    if not account:
        return NOBODY
    if not isinstance(allowed, list):
        return Item(account=account, problem="tells of permissions and does not list them")
    return Item(account=account, scopes=permissions_of(allowed), at=at)


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
    body = reply.body.removeprefix(BOM)
    found = listed(body) or listed(_tame(body))
    if found is None:
        raise Malformed("Garmin sent something that is no list of summaries. Try again later.")
    for place, each in enumerate(found):
        yield record(kind, _summary(each), now, place)


HOOK = Hook(
    name="health",
    door="health",
    prove=prove,
    read=read,
    collect=collect,
    largest=LARGEST,
)
