"""docs/sandbox.md names every address, fault and setting, and what it shows is true."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from sleepbalance.sandbox.clock import Clock
from sleepbalance.sandbox.faults import FAULTS, Fault
from sleepbalance.sandbox.oauth import CLIENT_ID
from sleepbalance.sandbox.parts.fitbit.kinds import KINDS
from sleepbalance.sandbox.people import population
from sleepbalance.sandbox.server import PORT, Sandbox
from tests.sandbox.guest import TODAY, Guest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "sandbox.md").read_text(encoding="utf-8")
SANDBOX = Sandbox(people=1)


def addresses() -> list[str]:
    found = []
    for route in SANDBOX._app.routes:
        if isinstance(route, Mount):
            found += [f"{route.path}{r.path}" for r in route.routes if isinstance(r, Route)]
        elif isinstance(route, Route):
            methods = (route.methods or set()) - {"HEAD"}
            if route.path.startswith("/-/"):
                found += [
                    f"{method} {route.path.replace('{id}', 'ID')}" for method in sorted(methods)
                ]
    return found


@pytest.mark.parametrize("address", addresses())
def test_every_address_is_documented(address: str) -> None:
    """Here, or on the page of the maker that is played."""
    page = DOCS / "providers" / f"{address.split('/')[1]}.md"
    text = TEXT + (page.read_text(encoding="utf-8") if page.exists() else "")
    assert f"{address.replace(':path', '')}`" in text


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_documented(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", TEXT, re.MULTILINE)
    assert row.replace("`", "").startswith(FAULTS[name].replace("`", ""))


def test_every_setting_is_documented_with_its_default() -> None:
    for name, value in SANDBOX.desks["fitbit"].settings.items():
        (shown,) = re.findall(rf"^\| `{name}` \|.*\| `?(.*?)`? \|$", TEXT, re.MULTILINE)
        assert json.loads(shown) == value, name


def test_every_part_of_a_fault_is_documented() -> None:
    for part in fields(Fault):
        assert f"`{part.name}`" in TEXT or f'"{part.name}"' in TEXT


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_documented(kind: str) -> None:
    assert f"`{kind}`" in TEXT


def test_the_fault_that_is_shown_can_be_set() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    SANDBOX.faults.add(json.loads(shown), SANDBOX.parts)
    assert isinstance(SANDBOX.faults.set[-1], Fault)


def test_the_people_are_those_of_the_table() -> None:
    for person in population(1, 3, Clock(TODAY).now().date()).values():
        place = person.zone.split("/")[1].replace("_", " ")
        assert f"| {person.id} | {person.name}, {place} |" in TEXT


def test_port_and_client() -> None:
    assert f"at port {PORT} unless" in TEXT
    assert f"Client id and secret are both `{CLIENT_ID}`" in TEXT


def test_the_columns_of_a_row_are_named(guest: Guest) -> None:
    row = guest.truth(query="?from=2026-11-16&to=2026-11-16")[0]
    assert [column for column in row if f"`{column}`" not in TEXT] == []
