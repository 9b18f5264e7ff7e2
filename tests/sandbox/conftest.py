"""A sandbox whose clock stands still, and somebody who visits it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from sleepbalance.sandbox import Address, running
from tests.sandbox.guest import TODAY, Guest


@pytest.fixture
def address() -> Iterator[Address]:
    with running(seed=1, people=4, clock=lambda: TODAY) as running_at:
        yield running_at


@pytest.fixture
def stranger(address: Address) -> Iterator[Guest]:
    """Not signed in."""
    with httpx2.Client(timeout=60) as http:
        yield Guest(address, http)


@pytest.fixture
def guest(stranger: Guest) -> Guest:
    """Signed in as person 1, with every scope."""
    return stranger.sign_in()
