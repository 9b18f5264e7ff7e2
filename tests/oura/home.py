"""A person with a ring: connects, syncs, looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sleepbalance import sandbox
from sleepbalance.app import App
from sleepbalance.app.links import Links, Received
from sleepbalance.app.syncing import sync_connected
from tests.connect.played import Makers

MAKER = "oura"


@dataclass
class Home:
    app: App
    makers: Makers

    def consent(
        self, person: str = "1", door: str | None = None, allow: Collection[str] | None = None
    ) -> tuple[Links, Received]:
        links = Links.to(self.makers.outside(self.app), None, MAKER, door)
        login = links.begin(links.redirect_by_hand)
        back = sandbox.consent(login.address, person=person, allow=allow)
        return links, links.receive(login, dict(parse_qsl(urlsplit(back).query)))

    def connect(self, person: str = "1", **how: Any) -> dict[str, Any]:
        links, received = self.consent(person, **how)
        return links.keep(received)

    def existing(self) -> Links:
        return Links.existing(self.makers.outside(self.app), None, MAKER)

    def sync(self, first: dt.date | None = None, last: dt.date | None = None) -> list[Any]:
        return sync_connected(self.makers.outside(self.app), None, MAKER, (first, last))
