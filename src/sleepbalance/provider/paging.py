"""Answers that come in pages, each of which names the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from sleepbalance.errors import Malformed

Page = TypeVar("Page")


def pages(
    ask: Callable[[str | None], Page], token_of: Callable[[Page], str | None], maker: str
) -> Iterator[Page]:
    """All of them; `ask(None)` is the first. Raises Malformed where they lead in a circle.

    Only the token tells whether there is another one: a page may be empty.
    """
    seen: set[str | None] = {None}
    token: str | None = None
    while True:
        page = ask(token)
        yield page
        token = token_of(page) or None
        if token is None:
            return
        if token in seen:
            raise Malformed(f"{maker}'s pages lead back to one that was read. Try again later.")
        seen.add(token)
