"""Google's discovery documents, and a validator of answers against its schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
INT64 = re.compile(r"-?\d{1,19}")
ODD_NUMBERS = ("NaN", "Infinity", "-Infinity")  # how proto3 writes what JSON has no number for


@cache
def document(api: str = "health.v4") -> dict[str, Any]:
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: dict[str, Any] = json.loads((folder / f"{api}.json").read_text(encoding="utf-8"))
    return found


def faults(value: Any, schema: Any, at: str = "", api: str = "health.v4") -> Iterator[str]:
    """Where a value is not what the schema (or the schema of that name) says."""
    if isinstance(schema, str):
        schema = document(api)["schemas"][schema]
    if "$ref" in schema:
        yield from faults(value, schema["$ref"], at, api)
    elif schema["type"] == "object":
        yield from _object(value, schema, at, api)
    elif schema["type"] == "array":
        if not isinstance(value, list):
            yield f"{at}: no list"
            return
        for n, item in enumerate(value):
            yield from faults(item, schema["items"], f"{at}[{n}]", api)
    elif not _fits(value, schema):
        yield f"{at}: {value!r} is no {schema['type']} {schema.get('format', '')}".rstrip()


def _object(value: Any, schema: Any, at: str, api: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: no object"
        return
    known = schema.get("properties", {})
    for name, item in value.items():
        if name not in known:
            yield f"{at}.{name}: unknown"
            continue
        yield from faults(item, known[name], f"{at}.{name}", api)
    for name, what in known.items():
        if what.get("description", "").startswith("Required.") and name not in value:
            yield f"{at}.{name}: missing"


def _fits(value: Any, schema: Any) -> bool:
    kind, form = schema["type"], schema.get("format")
    if kind == "string":
        return isinstance(value, str) and _text_fits(value, schema, form)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    assert kind == "number", schema
    return value in ODD_NUMBERS or (isinstance(value, int | float) and not isinstance(value, bool))


def _text_fits(value: str, schema: Any, form: str | None) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    shapes = {"google-datetime": INSTANT, "google-duration": DURATION, "int64": INT64}
    assert form is None or form in shapes, form
    return form is None or shapes[form].fullmatch(value) is not None
