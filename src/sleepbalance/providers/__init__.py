"""Finds the providers: each folder beside this file, and each package with our entry point."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from sleepbalance.errors import Fatal, UsageError
from sleepbalance.provider import Provider

GROUP = "sleepbalance.providers"


@cache
def load() -> dict[str, Provider]:
    """Every installed provider by id, in the order of ids. Raises Fatal for one that is none."""
    from importlib.metadata import entry_points  # noqa: PLC0415 # a helper process needs none

    found = {name: checked(name, import_module(f"{__name__}.{name}").PROVIDER) for name in ours()}
    for entry in entry_points(group=GROUP):
        found[entry.name] = checked(entry.name, entry.load())
    return {name: found[name] for name in sorted(found)}


def ours() -> list[str]:
    """The ids of the providers that come with SleepBalance."""
    return [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]


def get(provider_id: str) -> Provider:
    """The provider of that id. Raises UsageError that names those there are."""
    known = load()
    if provider_id not in known:
        raise UsageError(
            f"There is no provider {provider_id!r}. Installed: {', '.join(known) or 'none'}."
        )
    return known[provider_id]


def meant(word: str) -> Provider:
    """The provider that a person means by an id, a name or a device. Raises UsageError for none.

    What nobody here has heard of may still come by another maker's road: those are told.
    """
    wanted = " ".join(word.casefold().replace("_", " ").replace("-", " ").split())
    known = load()
    for provider in known.values():
        if wanted in (provider.id.replace("_", " "), provider.name.casefold(), *provider.also):
            return provider
    roads = [
        f"If its phone app writes into {provider.name}, that is a road: {door.how_to}"
        f" Then: sleepbalance import FILE"
        for provider in known.values()
        if provider.hub
        for door in provider.files
    ]
    raise UsageError(
        f"{word!r} is none of the providers that are known here: {', '.join(known) or 'none'}. "
        + " ".join(roads)
    )


def checked(name: str, value: object) -> Provider:
    """What an entry point named `name` leads to, if it is a provider of that id, else Fatal."""
    if not isinstance(value, Provider):
        raise Fatal(f"The entry point {name!r} in {GROUP} leads to no Provider.")
    if value.id != name:
        raise Fatal(f"The entry point {name!r} in {GROUP} leads to a provider called {value.id!r}.")
    return value
