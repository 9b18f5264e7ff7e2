"""What a provider says of itself, and the page about it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from urllib.parse import urlsplit

from sleepbalance.provider import OAuth, Remote

from .samples import Suite

THIS_COMPUTER = ("127.0.0.1", "localhost")


class Facts(Suite):
    """The part of the suite that needs no sample."""

    def test_facts(self) -> None:
        provider = self.provider
        assert re.fullmatch(r"[a-z][a-z0-9_]*", provider.id)
        assert provider.name.strip() == provider.name != ""
        assert provider.verified is None or isinstance(provider.verified, dt.date)
        assert provider.doors, "a provider without a door cannot be used"
        assert provider.reach >= dt.timedelta(0)
        for door in provider.doors:
            assert door.how_to.strip().endswith("."), "how_to is a sentence for the person"

    def test_docs_page_exists(self) -> None:
        own = [door.docs for door in self.provider.remote if isinstance(door, OAuth)]
        for page in (self.provider.docs, *filter(None, own)):
            if not page.startswith("https://"):
                text = ((self.docs or Path()) / page).read_text(encoding="utf-8")
                assert self.provider.name in text

    def test_doors_over_the_network_say_how_they_are_used(self) -> None:
        names = [door.name for door in self.provider.remote]
        assert len(names) == len(set(names)), "two doors have one name"
        for door in self.provider.remote:
            _reading_is_sound(door)
            if isinstance(door, OAuth):
                _scopes_are_sound(door)


def _reading_is_sound(door: Remote) -> None:
    api, reading = door.api, door.api.reading
    _is_secure(api.base)
    assert api.base.endswith("/")
    assert bool(api.resources) != bool(api.order), "it fetches, or asks for what is pushed"
    named = [resource.name for resource in api.resources]
    assert len(named) == len(set(named)), "two resources have one name"
    assert all(name.strip() for name in named)
    assert 1 <= reading.first <= reading.longest
    assert reading.settles_after >= 0
    assert reading.history is None or reading.history > 0
    assert reading.before is None or reading.before > 0
    assert all(rate.requests > 0 and rate.seconds > 0 for rate in reading.rates)


def _scopes_are_sound(door: OAuth) -> None:
    for address in (door.authorize_url, door.token_url):
        _is_secure(address)
    back = urlsplit(door.callback)
    assert back.scheme == "https" or back.hostname in THIS_COMPUTER
    named = [scope.name for scope in door.scopes]
    assert len(named) == len(set(named)), "one scope is asked for twice"
    assert all(scope.reads.strip() for scope in door.scopes)
    wanted = [door.api.order_scope, *(resource.scope for resource in door.api.resources)]
    assert {*wanted} <= {None, *named}, "a resource wants a scope that is not asked for"
    first = next(iter(wanted[1:]), None)
    assert first is None or first in {s.name for s in door.scopes if s.needed}


def _is_secure(address: str) -> None:
    parts = urlsplit(address)
    assert parts.scheme == "https", f"{address} is not https"
    assert parts.hostname
    assert parts.username is None
