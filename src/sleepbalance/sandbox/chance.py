"""Chance that is the same on every machine: dice named by what they decide."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws that depend on the given words and on nothing else.

    Only additions and multiplications are used, so that no mathematics library of a platform
    can change a single bit.
    """

    def __init__(self, *words: object) -> None:
        name = ":".join(map(str, words))
        self._source = random.Random(name)  # noqa: S311 - nothing here is secret

    def happens(self, chance: float) -> bool:
        return self._source.random() < chance

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._source.random()

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return min(high, low + int((high - low + 1) * self._source.random()))

    def bell(self, middle: float, spread: float) -> float:
        """About normal, and never further than 3.5 spreads away."""
        total = sum(self._source.random() for _ in range(4)) - 2
        return middle + spread * total * 1.7320508

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.whole(0, len(choices) - 1)]

    def noise(self, count: int) -> bytes:
        return self._source.randbytes(count)


def number(*words: object, digits: int = 19) -> int:
    """A number of so many digits that the words decide."""
    name = ":".join(map(str, words)).encode()
    lowest: int = 10 ** (digits - 1)
    return lowest + int.from_bytes(hashlib.sha256(name).digest()[:12], "big") % (9 * lowest)
