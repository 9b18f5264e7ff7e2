"""The makers that the sandbox plays: one module or package here for each, found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sleepbalance.sandbox.oauth import Desk, Door
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import Seen, World

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute


@dataclass(frozen=True, kw_only=True)
class Part:
    """One maker: its addresses below `/<id>`, and how it lets people in.

    `user_id(person)` and `sleep_id(person, seen)` are the maker's own names. `refusal(status,
    wait)` is its answer for too many requests (429) and for a failure of its own (500). `settings`
    are what `/-/settings` may change, with their defaults, beside those of the door. `desk` is the
    login where it has rules of its own, `own(world, desk)` makes what else it remembers (found in
    `app.state.own`), `control` are its addresses below `/-/<id>`.
    """

    id: str
    name: str
    door: Door
    routes: tuple[BaseRoute, ...]
    user_id: Callable[[Person], str]
    sleep_id: Callable[[Person, Seen], str]
    refusal: Callable[[int, int], Response]
    settings: Mapping[str, Any] = field(default_factory=dict)
    desk: type[Desk] = Desk
    own: Callable[[World, Any], Any] | None = None
    control: tuple[BaseRoute, ...] = ()
    look_at: tuple[str, ...] = ()  # addresses worth a look


def load() -> dict[str, Part]:
    """Every part there is, by id."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        part: Part = importlib.import_module(f"{__name__}.{module.name}").PART
        found[part.id] = part
    return found
