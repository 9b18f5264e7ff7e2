"""Every installed provider keeps the contract, over its own samples."""

from __future__ import annotations

from pathlib import Path

from sleepbalance import providers
from sleepbalance.testing import contract, samples_of

ROOT = Path(__file__).parents[1]

for name, provider in providers.load().items():
    vars()[f"Test_{name}"] = contract(provider, samples_of(name), docs=ROOT)
