"""The makers' side, played on this computer: real HTTP, real OAuth, and nights made up.

It is written after the makers' specifications and knows nothing of our own clients. See
docs/sandbox.md for its addresses.
"""

from __future__ import annotations

from sleepbalance.sandbox.server import Address, makers, running, serve
from sleepbalance.sandbox.visitor import consent, make_key

__all__ = ["Address", "consent", "make_key", "makers", "running", "serve"]
