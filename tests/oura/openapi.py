"""Oura's OpenAPI document, where it lies beside this project, and a validator of answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[3] / "shared" / "specs" / "oura-openapi-1.37.json"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)")
SHAPES = {  # what the document only calls a string
    "LocalizedDateTime": INSTANT,
    "UtcDateTime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"),
    "ISODate": re.compile(r"\d{4}-\d\d-\d\d"),
}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def answer_of(path: str, status: int) -> Any:
    """The schema of an answer; None where the document gives none."""
    replies = document()["paths"][path]["get"]["responses"]
    content = replies[str(status)].get("content", {}).get("application/json", {}).get("schema")
    if content and "anyOf" in content:  # the second is what `fields` leads to
        return content["anyOf"][0]
    return content


def faults(value: Any, schema: Any, at: str = "") -> Iterator[str]:
    """Where a value is not what the schema says; a name that it does not know is a fault too."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in SHAPES and not (isinstance(value, str) and SHAPES[name].fullmatch(value)):
            yield f"{at}: {value!r} is no {name}"
        yield from faults(value, document()["components"]["schemas"][name], at)
    elif "anyOf" in schema:
        found = [list(faults(value, each, at)) for each in schema["anyOf"]]
        yield from min(found, key=len)
    else:
        yield from _plain(value, schema, at)


def _plain(value: Any, schema: Any, at: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind is None:
        return
    if not _is(value, kind):
        yield f"{at}: {value!r} is no {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    elif kind == "array":
        for n, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), f"{at}[{n}]")
    elif kind == "object":
        yield from _members(value, schema, at)


def _is(value: object, kind: str) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _members(value: dict[str, Any], schema: Any, at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{at}.{name}: missing" for name in schema.get("required", ()) if name not in value)
    for name, item in value.items():
        if name in known:
            yield from faults(item, known[name], f"{at}.{name}")
        elif known:
            yield f"{at}.{name}: unknown"
