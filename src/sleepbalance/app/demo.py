"""The demo: made-up exports, and made-up watches that are connected and synced as real ones are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from sleepbalance import folder, providers, sandbox
from sleepbalance.app.links import Links
from sleepbalance.app.opening import opened
from sleepbalance.app.outside import Outside
from sleepbalance.app.syncing import sync_connected
from sleepbalance.app.verbs import App
from sleepbalance.provider import ApiKey
from sleepbalance.sandbox import parts

LATER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)  # the demo's nights are never in the future
TODAY = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)  # in the sandbox: the exports end there too
KEY_LIFE = 90  # days
SINCE = dt.date(2026, 9, 1)


def demo(path: Path, imported: Callable[[App], None], synced: Callable[[App], None]) -> None:
    """Makes a demo folder anew: every demo export of the providers, every maker of the sandbox.

    `imported` and `synced` are called when the one, and when the other, is done.
    """
    with opened(folder.make_demo(path)) as app:
        for provider in providers.load().values():
            for door in provider.files:
                if door.demo is not None:
                    app.import_path(door.demo, now=LATER)
        imported(app)
        with sandbox.running(people=1, clock=lambda: TODAY) as address:
            outside = Outside(app, {"SLEEPBALANCE_SANDBOX_URL": address.url})
            for provider_id in parts.load():
                _connect(outside, address.url, provider_id)
            sync_connected(outside, dates=(SINCE, None))
        synced(app)


def _connect(outside: Outside, address: str, provider_id: str) -> None:
    """What a person does in the browser, by program."""
    links = Links.to(outside, None, provider_id)
    if isinstance(links.door, ApiKey):
        links.keep(links.receive_key(sandbox.make_key(address, provider_id), KEY_LIFE))
    else:
        login = links.begin(links.redirect_by_hand)
        back = sandbox.consent(login.address)
        links.keep(links.receive(login, dict(parse_qsl(urlsplit(back).query))))
