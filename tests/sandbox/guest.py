"""Somebody who uses the sandbox as an app would: signs in, asks, pages, refreshes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from sleepbalance.sandbox import Address, consent

PREFIX = "https://www.googleapis.com/auth/googlehealth."
SLEEP = PREFIX + "sleep.readonly"
METRICS = PREFIX + "health_metrics_and_measurements.readonly"
SETTINGS = PREFIX + "settings.readonly"
PROFILE = PREFIX + "profile.readonly"
SCOPES = (SLEEP, METRICS, SETTINGS, PROFILE)
BACK = "http://127.0.0.1:9/callback"
CLIENT = {"client_id": "sandbox", "client_secret": "sandbox"}
TODAY = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)


@dataclass
class Guest:
    address: Address
    http: httpx2.Client
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.address.url}/fitbit"

    # -- signing in ------------------------------------------------------------------------------

    def authorise_address(self, **changed: str | None) -> str:
        asked: dict[str, str | None] = {
            "client_id": "sandbox",
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": "a state",
            "access_type": "offline",
            "prompt": "consent",
            **changed,
        }
        told = {name: value for name, value in asked.items() if value is not None}
        return f"{self.url}/o/oauth2/v2/auth?{urlencode(told)}"

    def code(
        self, person: str = "1", allow: Collection[str] | None = None, **changed: str | None
    ) -> str:
        back = consent(self.authorise_address(**changed), person=person, allow=allow)
        return dict(parse_qsl(urlsplit(back).query))["code"]

    def token(self, **form: str) -> httpx2.Response:
        return self.http.post(f"{self.url}/token", data={**CLIENT, **form})

    def exchange(self, code: str, **form: str) -> httpx2.Response:
        told = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return self.token(**{**told, **form})

    def renew(self, token: str | None = None) -> httpx2.Response:
        sent = token or self.tokens["refresh_token"]
        return self.token(grant_type="refresh_token", refresh_token=sent)

    def sign_in(self, person: str = "1", allow: Collection[str] | None = None) -> Guest:
        reply = self.exchange(self.code(person, allow))
        assert reply.status_code == 200, reply.text
        self.tokens = reply.json()
        return self

    # -- asking ----------------------------------------------------------------------------------

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens['access_token']}"}

    def get(self, path: str, **params: Any) -> httpx2.Response:
        return self.http.get(f"{self.url}/v4/users/me{path}", params=params, headers=self.headers)

    def post(self, path: str, body: Any) -> httpx2.Response:
        return self.http.post(f"{self.url}/v4/users/me{path}", json=body, headers=self.headers)

    def points(self, kind: str = "sleep", **params: Any) -> httpx2.Response:
        return self.get(f"/dataTypes/{kind}/dataPoints", **params)

    def pages(self, kind: str = "sleep", **params: Any) -> Iterator[dict[str, Any]]:
        """Every page, as long as there is a token."""
        while True:
            reply = self.points(kind, **params)
            assert reply.status_code == 200, reply.text
            page = reply.json()
            yield page
            if not page.get("nextPageToken"):
                return
            params["pageToken"] = page["nextPageToken"]

    def all_points(self, kind: str = "sleep", **params: Any) -> list[dict[str, Any]]:
        return [p for page in self.pages(kind, **params) for p in page.get("dataPoints", [])]

    def rolled(self, start: dt.datetime, end: dt.datetime, window: str, **more: Any) -> Any:
        body = {
            "range": {"startTime": start.isoformat(), "endTime": end.isoformat()},
            "windowSize": window,
            **more,
        }
        return self.post("/dataTypes/heart-rate/dataPoints:rollUp", body)

    def fault(self, fault: str, path: str = "", **more: Any) -> None:
        self.address.ask(
            "POST", "/-/faults", [{"provider": "fitbit", "path": path, "fault": fault, **more}]
        )

    def set(self, **settings: Any) -> None:
        self.address.ask("POST", "/-/settings", {"fitbit": settings})

    def truth(self, person: str = "1", query: str = "") -> Any:
        return self.address.ask("GET", f"/-/people/{person}/nights{query}")
