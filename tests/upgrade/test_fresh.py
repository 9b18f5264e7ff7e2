"""An empty database comes to head, once, however often and by however many it is asked."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sleepbalance.errors import UsageError
from sleepbalance.store.engine import make_engine, reading
from sleepbalance.store.tables import wearable_providers
from sleepbalance.store.upgrade import Upgraded, upgrade
from sleepbalance.store.version import HEAD, What, ready, status


def test_a_fresh_database_comes_to_head_and_stays_there(database_url: str) -> None:
    engine = make_engine(database_url)
    assert not ready(engine)
    assert upgrade(database_url) == Upgraded(None, HEAD)
    assert ready(engine)
    assert upgrade(database_url) == Upgraded(HEAD, HEAD)
    found = status(database_url)
    assert (found.what, found.version, found.pending) == (What.OURS, HEAD, ())
    engine.dispose()


def test_one_version_at_a_time(database_url: str) -> None:
    assert upgrade(database_url, "v5") == Upgraded(None, "v5")
    assert upgrade(database_url, "7") == Upgraded("v5", "v7")
    assert status(database_url).pending == ("v100", "v101")
    assert upgrade(database_url) == Upgraded("v7", HEAD)
    assert upgrade(database_url, "v5") == Upgraded(HEAD, HEAD)


def test_an_unknown_version_is_refused(database_url: str) -> None:
    with pytest.raises(UsageError, match="v6"):
        upgrade(database_url, "v6")


def test_providers_of_the_registry_are_listed_also_when_nothing_else_is_to_do(
    database_url: str,
) -> None:
    engine = make_engine(database_url)
    upgrade(database_url)
    assert not ready(engine, {"oura": "Oura"})
    upgrade(database_url, providers={"oura": "Oura", "fitbit": "Fitbit (new name)"})
    assert ready(engine, {"oura": "Oura"})
    with reading(engine) as connection:
        listed = {row.id: row.name for row in connection.execute(select(wearable_providers))}
    assert listed == {
        "apple_health": "Apple Health",
        "fitbit": "Fitbit (new name)",
        "garmin": "Garmin",
        "google_fit": "Google Fit",
        "oura": "Oura",
    }
    engine.dispose()
