"""What processes of their own do with a connection, for tests."""

from __future__ import annotations

import os
import signal
from threading import BrokenBarrierError
from typing import Any

from sleepbalance import oauth
from sleepbalance.client import HttpClient
from sleepbalance.provider import Grant
from sleepbalance.wire import Wire
from tests.network.bonds import SHORT, WHO, Plan

_start: Any = None


def begin(start: Any) -> None:
    """Called in each process of a pool, with the barrier at which they meet."""
    global _start  # noqa: PLW0603 - the only way to hand a barrier to a pool
    _start = start


def read_once(plan: Plan) -> tuple[str, int]:
    """Asks for a token and reads with it, when all the others are ready; token and status."""
    engine = plan.open()
    bond = plan.bond_of(engine)
    with Wire() as wire:
        credentials = bond.credentials(wire)
        try:
            _start.wait(60)
        except BrokenBarrierError:
            raise AssertionError("the others did not come") from None
        token = credentials.token()
        status = HttpClient(wire, bond.maker.api(), credentials).get("data").status
    engine.dispose()
    return token, status


def die_with_the_answer(plan: Plan) -> None:
    """Gets a new pair, and is killed before it is stored."""
    bond = plan.bond_of(plan.open())
    with Wire() as wire:

        def refresh(token: str) -> Grant:
            oauth.refresh(wire, bond.maker.door(), WHO, token)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

        bond.credentials(wire, refresh=refresh, life=SHORT).token()
