"""Listing, getting and reconciling data points, with filters and pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from itertools import islice
from typing import Any

from starlette.requests import Request

from sleepbalance.sandbox.chance import Dice
from sleepbalance.sandbox.parts.fitbit import points
from sleepbalance.sandbox.parts.fitbit.filters import matches, parse
from sleepbalance.sandbox.parts.fitbit.gate import Visit, enter
from sleepbalance.sandbox.parts.fitbit.kinds import KINDS, Entry, Kind, bounds, filtered
from sleepbalance.sandbox.parts.fitbit.refusals import Refusal, invalid, not_found

QUERY = frozenset({"filter", "pageSize", "pageToken", "dataSourceFamily"})
FAMILIES = ("all-sources", "google-wearables", "google-sources", "self-sources")


def kind_of(request: Request) -> Kind:
    name = request.path_params["type"]
    if name not in KINDS:
        raise invalid(f"Data type '{name}' is not supported (by this sandbox).")
    return KINDS[name]


def list_points(request: Request) -> Any:
    kind = kind_of(request)
    visit = enter(request, kind.scope, QUERY)
    family = _family(visit)
    if kind.id == "sleep" and family:
        raise invalid("Filtering by data source family is not supported for data type 'sleep'.")
    entries, token = _page(visit, kind, family)
    body = [_listed(visit, kind, entry) for entry in entries]
    return _answer("dataPoints", body, token, visit)


def reconcile(request: Request) -> Any:
    kind = kind_of(request)
    visit = enter(request, kind.scope, QUERY)
    entries, token = _page(visit, kind, _family(visit))
    body = []
    for entry in entries:
        point = {kind.member: entry.member()}
        if entry.seen is not None:
            point["dataPointName"] = points.sleep_name(visit.person, entry.seen)
        body.append(point)
    return _answer("dataPoints", body, token, visit)


def get_point(request: Request) -> Any:
    """Only sleeps have names."""
    kind = kind_of(request)
    visit = enter(request, kind.scope, frozenset())
    wanted = request.path_params["point"]
    for seen in visit.world.sleeps(visit.person) if kind.id == "sleep" else ():
        if points.sleep_name(visit.person, seen).endswith(f"/{wanted}"):
            return points.sleep_point(visit.person, seen)
    raise not_found()


def _listed(visit: Visit, kind: Kind, entry: Entry) -> dict[str, Any]:
    if entry.seen is not None:
        return points.sleep_point(visit.person, entry.seen)
    device = None
    if kind.id == "heart-rate" and entry.moment.end:
        device = points.device_name(visit.person.device(entry.moment.end.date()))
    return {"dataSource": points.source(kind.method, device), kind.member: entry.member()}


def _family(visit: Visit) -> str:
    asked = visit.query.get("dataSourceFamily", "")
    if not asked:
        return ""
    users = ("me", points.health_user_id(visit.person))
    known = {f"users/{u}/dataSourceFamilies/{f}": f for u in users for f in FAMILIES}
    if asked not in known:
        raise invalid("Data family is missing or is not supported.")
    return known[asked]


# -- pages ---------------------------------------------------------------------------------------


def page_size(asked: Any, usual: int, most: int) -> int:
    try:
        size = int(asked or 0)
    except (TypeError, ValueError):
        raise invalid(f"Invalid value at 'page_size' (TYPE_INT32), {asked!r}") from None
    if size < 0:
        raise invalid("Page size must not be negative.")
    return min(size or usual, most)


def _page(visit: Visit, kind: Kind, family: str) -> tuple[list[Entry], str]:
    """One page, and the token of the next; a full page has one even if nothing follows."""
    text = visit.query.get("filter", "")
    parsed = parse(text, kind.filter_name, kind.record) if text else []
    size = page_size(visit.query.get("pageSize"), kind.page, kind.most)
    query = f"{visit.request.url.path}?{text}&{family}"
    place = read_token(visit, query)
    if place["at"] is not None and not place["paused"] and _pauses(visit, place["at"]):
        return [], write_token(visit, query, place["at"], paused=True)
    low, high = bounds(visit.world, visit.person, parsed)
    entries = filtered(
        kind.entries(visit.world, visit.person, (low, high)),
        lambda moment: matches(parsed, moment),
        place["at"],
    )
    if family == "self-sources":
        entries = iter(())
    elif family == "google-wearables":
        entries = (e for e in entries if not e.by_hand)
    found = list(islice(entries, size))
    token = write_token(visit, query, found[-1].key) if len(found) == size else ""
    return found, token


def _pauses(visit: Visit, at: str) -> bool:
    """Now and then a page is empty and leads on all the same."""
    share = visit.settings["empty_pages"]
    return Dice(visit.person.seed, visit.person.id, "pause", at).happens(share)


def _answer(name: str, body: list[Any], token: str, visit: Visit) -> dict[str, Any]:
    """An empty list is left out, so that the last page may be a bare `{}`."""
    answer: dict[str, Any] = {name: body} if body else {}
    if token:
        answer["nextPageToken"] = token
    elif body and Dice(visit.person.seed, str(body[-1])).happens(0.5):
        answer["nextPageToken"] = ""
    return answer


answer_page = _answer


def write_token(visit: Visit, query: str, at: str, *, paused: bool = False) -> str:
    """Opaque, and of use for the same query by the same person only."""
    place = json.dumps({"at": at, "paused": paused}).encode()
    return base64.urlsafe_b64encode(_seal(visit, query, place) + place).decode()


def read_token(visit: Visit, query: str, sent: Any = None) -> dict[str, Any]:
    token = sent if sent is not None else visit.query.get("pageToken", "")
    if not token:
        return {"at": None, "paused": False}
    try:
        opened = base64.urlsafe_b64decode(token)
    except (ValueError, binascii.Error):
        opened = b""
    if len(opened) < 17 or not hmac.compare_digest(_seal(visit, query, opened[16:]), opened[:16]):
        raise Refusal(400, "INVALID_ARGUMENT", "Invalid page token.")
    place: dict[str, Any] = json.loads(opened[16:])
    return place


def _seal(visit: Visit, query: str, place: bytes) -> bytes:
    key = f"{visit.person.seed}:{visit.person.id}:{query}".encode()
    return hmac.digest(hashlib.sha256(key).digest(), place, "sha256")[:16]
