"""Replies and bodies as no maker should send them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from .files import damage

SECRET = "token-that-nobody-may-read-0123456789"  # noqa: S105 # planted
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e300, 10**30, "", "NaN", "-0.0", "\x00", "é" * 300, SECRET),
    *([], {}, [[]], [None], {"": None}, "0000-00-00T00:00:00Z", "9999-12-31T23:59:59+14:00"),
)
BODIES = (
    *(b"", b"null", b"[]", b"{}", b"1", b'"text"', b"<html>", b"\xff\xfe", b"[" * 1500),
    json.dumps({"error": SECRET, "error_description": SECRET}).encode(),
    json.dumps({"error": {"message": SECRET, "status": SECRET, "details": [SECRET]}}).encode(),
)

Draw = Callable[[st.SearchStrategy[Any]], Any]


def odd(body: bytes, draw: Draw) -> bytes:
    """Other bytes, other JSON, or something else altogether."""
    how = draw(st.sampled_from(("values", "values", "values", "bytes", "body")))
    if how == "bytes":
        return damage(body, draw)
    if how == "body":
        return bytes(draw(st.sampled_from(BODIES)))
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):  # broken a second time
        return body
    for _ in range(draw(st.integers(1, 6))):
        places = list(_places(told))
        if places:
            where, name = draw(st.sampled_from(places))
            where[name] = deepcopy(draw(st.sampled_from(ODD)))
    return json.dumps(told).encode()


def _places(told: Any) -> list[tuple[Any, Any]]:
    """Every value inside, as what holds it and its name there."""
    names: list[Any] = []
    if isinstance(told, dict | list):
        names = list(told) if isinstance(told, dict) else list(range(len(told)))
    found = [(told, name) for name in names]
    return found + [place for _, name in found for place in _places(told[name])]
