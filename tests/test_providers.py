"""Providers are found by entry point, and nothing outside their folder knows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sleepbalance
from sleepbalance import providers
from sleepbalance.errors import Fatal, UsageError
from sleepbalance.provider import Normalised, Provider

PACKAGE = Path(sleepbalance.__file__).parent


def test_installed_providers_are_found_by_id() -> None:
    known = providers.load()
    assert "apple_health" in known
    assert list(known) == sorted(known)
    assert all(providers.get(name) is provider for name, provider in known.items())


def test_an_unknown_provider_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no provider 'pear'.*apple_health"):
        providers.get("pear")


def test_an_entry_point_must_lead_to_the_provider_it_names() -> None:
    provider = Provider(
        id="pear", name="Pear", docs="", verified=None, doors=(), normalise=lambda _: Normalised()
    )
    assert providers.checked("pear", provider) is provider
    with pytest.raises(Fatal, match="called 'pear'"):
        providers.checked("plum", provider)
    with pytest.raises(Fatal, match="leads to no Provider"):
        providers.checked("plum", "pear")


@pytest.mark.parametrize("provider_id", providers.ours())
def test_nothing_outside_its_folder_names_a_provider(provider_id: str) -> None:
    provider = providers.get(provider_id)
    named = "|".join(map(re.escape, (provider_id, provider.name, *provider.also)))
    words = re.compile(rf"(?<![a-z])(?:{named})(?![a-z])", re.IGNORECASE)
    allowed = [
        PACKAGE / "providers" / provider_id,
        PACKAGE / "store" / "migrations",
        PACKAGE / "sandbox" / "parts",
    ]
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        if not any(path.is_relative_to(folder) for folder in allowed)
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if words.search(line)
    ]
    assert found == []
