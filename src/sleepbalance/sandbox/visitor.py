"""Does without a browser what people do: gives consent on the maker's page, or makes a key."""

from __future__ import annotations

import json
from collections.abc import Collection
from html.parser import HTMLParser
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from sleepbalance.errors import UsageError

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class _Form(HTMLParser):
    """The fields of the page's form, as (type, name, value)."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("input", "button"):
            found = dict(attrs)
            kind = found.get("type") or tag
            self.fields.append((kind, found.get("name") or "", found.get("value") or ""))


def consent(
    authorize_address: str, *, person: str = "1", allow: Collection[str] | None = None
) -> str:
    """Signs in as a person and ticks `allow` (None: everything; empty: Deny).

    The redirect address comes back, with code and state; it is not followed. Raises UsageError
    where the page objects.
    """
    parts = urlsplit(authorize_address)
    target = f"{parts.path}?{parts.query}"
    form = _Form()
    form.feed(_ask(parts.netloc, "GET", target)[1])
    boxes = [value for kind, _, value in form.fields if kind == "checkbox"]
    if person not in [value for kind, _, value in form.fields if kind == "radio"]:
        raise UsageError(f"The consent page knows no person {person!r}.")
    ticked = [scope for scope in boxes if allow is None or scope in allow]
    fields = [("person", person), *(("scope", scope) for scope in ticked)]
    fields.append(("decision", "allow" if ticked else "deny"))
    return _ask(parts.netloc, "POST", target, urlencode(fields))[0]


def make_key(sandbox: str, maker: str, *, person: str = "1", days: int = 90) -> str:
    """A key that a person made at a maker that hands out keys. Raises UsageError where none does.

    `sandbox` is its address.
    """
    wanted = json.dumps({"person": person, "days": days})
    host = urlsplit(sandbox).netloc
    told = json.loads(_ask(host, "POST", f"/-/{maker}/keys", wanted, JSON)[1])
    return str(told["key"])


def _ask(
    host: str, method: str, target: str, form: str | None = None, kind: str = FORM
) -> tuple[str, str]:
    connection = HTTPConnection(host, timeout=60)
    headers = {"content-type": kind, "connection": "close"}
    try:
        connection.request(method, target, form, headers)
        with connection.getresponse() as reply:
            body = reply.read().decode()
    finally:
        connection.close()
    if reply.status not in (200, 302):
        raise UsageError(f"The sandbox answered {reply.status}: {body[-300:]}")
    return reply.headers.get("location", ""), body
