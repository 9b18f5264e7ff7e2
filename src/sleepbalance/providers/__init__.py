"""Finds the providers that are installed: one folder or package each, known by entry point only."""

from __future__ import annotations

from functools import cache

from sleepbalance.errors import Fatal, UsageError
from sleepbalance.provider import Provider

GROUP = "sleepbalance.providers"


@cache
def load() -> dict[str, Provider]:
    """Every installed provider by id, in the order of ids. Raises Fatal for one that is none."""
    from importlib.metadata import entry_points  # noqa: PLC0415 # a helper process needs none

    found: dict[str, Provider] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        found[entry.name] = checked(entry.name, entry.load())
    return found


def get(provider_id: str) -> Provider:
    """The provider of that id. Raises UsageError that names those there are."""
    known = load()
    if provider_id not in known:
        raise UsageError(
            f"There is no provider {provider_id!r}. Installed: {', '.join(known) or 'none'}."
        )
    return known[provider_id]


def checked(name: str, value: object) -> Provider:
    """What an entry point named `name` leads to, if it is a provider of that id, else Fatal."""
    if not isinstance(value, Provider):
        raise Fatal(f"The entry point {name!r} in {GROUP} leads to no Provider.")
    if value.id != name:
        raise Fatal(f"The entry point {name!r} in {GROUP} leads to a provider called {value.id!r}.")
    return value
