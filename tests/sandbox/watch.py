"""Somebody with a Garmin watch: makes keys, signs in, asks both APIs, reads what is delivered."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from sleepbalance.sandbox import Address, consent
from sleepbalance.sandbox.oauth import challenge_of
from tests.sandbox.guest import BACK, CLIENT, TODAY

EXCHANGE = "/personalapitoken-service/personal-api/personal-api-key/token"
SLEEPS = "/sleep-service/sleep/dailySleepSummariesByDate"
REST = "/wellness-api/rest"
NOW = int(TODAY.timestamp())
DAY = 86400


@dataclass
class Watch:
    address: Address
    http: httpx2.Client
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.address.url}/garmin"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens['access_token']}"}

    def get(self, path: str, **params: Any) -> httpx2.Response:
        return self.http.get(self.url + path, params=params, headers=self.headers)

    def move(self, **step: Any) -> None:
        self.address.ask("POST", "/-/clock", step)

    def set(self, **settings: Any) -> None:
        self.address.ask("POST", "/-/settings", {"garmin": settings})

    def fault(self, fault: str, path: str = "", **more: Any) -> None:
        said = {"provider": "garmin", "path": path, "fault": fault, **more}
        self.address.ask("POST", "/-/faults", said)

    # -- by key --------------------------------------------------------------------------------

    def key(self, person: str = "1", days: int = 90) -> str:
        made = self.address.ask("POST", "/-/garmin/keys", {"person": person, "days": days})
        return str(made["key"])

    def exchange(self, key: str) -> httpx2.Response:
        return self.http.post(self.url + EXCHANGE, headers={"authorization": f"ApiKey {key}"})

    def enter(self, person: str = "1") -> Watch:
        reply = self.exchange(self.key(person))
        assert reply.status_code == 200, reply.text
        self.tokens = {"access_token": reply.text}
        return self

    # -- by OAuth ------------------------------------------------------------------------------

    def code(
        self, verifier: str, person: str = "1", allow: Collection[str] | None = None
    ) -> dict[str, str]:
        """What the redirect brings."""
        asked = {
            "client_id": "sandbox",
            "redirect_uri": BACK,
            "response_type": "code",
            "state": "a state",
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        page = f"{self.url}/oauth2Confirm?{urlencode(asked)}"
        return dict(parse_qsl(urlsplit(consent(page, person=person, allow=allow)).query))

    def token(self, **form: str) -> httpx2.Response:
        return self.http.post(f"{self.url}/di-oauth2-service/oauth/token", data=CLIENT | form)

    def renew(self, token: str) -> httpx2.Response:
        return self.token(grant_type="refresh_token", refresh_token=token)

    def sign_in(self, person: str = "1", allow: Collection[str] | None = None) -> Watch:
        verifier = secrets.token_urlsafe(48)
        back = self.code(verifier, person, allow)
        assert set(back) == {"code", "state"}
        reply = self.token(
            grant_type="authorization_code",
            code=back["code"],
            code_verifier=verifier,
            redirect_uri=BACK,
        )
        assert reply.status_code == 200, reply.text
        self.tokens = reply.json()
        return self

    # -- what is sent to the app ---------------------------------------------------------------

    def backfill(
        self, kind: str = "sleeps", start: int = NOW - 30 * DAY, end: int = NOW
    ) -> httpx2.Response:
        span = {"summaryStartTimeInSeconds": start, "summaryEndTimeInSeconds": end}
        return self.get(f"{REST}/backfill/{kind}", **span)

    def deliveries(self, query: str = "") -> Any:
        return self.address.ask("GET", f"/-/garmin/deliveries{query}")

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """Everything of that type that waits, oldest first."""
        return [item for d in self.deliveries() for item in d["body"].get(kind, [])]

    def users(self) -> Any:
        return self.address.ask("GET", "/-/garmin/users")

    def truth(self, person: str = "1", query: str = "") -> Any:
        return self.address.ask("GET", f"/-/people/{person}/nights{query}")


def same_instant(millis: int, told: str) -> bool:
    return dt.datetime.fromtimestamp(millis / 1000, dt.UTC) == dt.datetime.fromisoformat(told)
