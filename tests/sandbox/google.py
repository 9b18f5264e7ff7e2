"""Google's own client, pointed at the sandbox and given the tokens of a real login."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import google_auth_httplib2
import httplib2
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document

from tests.sandbox.guest import Guest


@contextmanager
def client(
    guest: Guest, document: dict[str, Any], scopes: Iterable[str], below: str = "/"
) -> Iterator[Any]:
    """Of the API that Google's document describes."""
    credentials = Credentials(  # type: ignore[no-untyped-call]
        token=guest.tokens["access_token"],
        refresh_token=guest.tokens["refresh_token"],
        token_uri=f"{guest.url}/token",
        client_id="sandbox",
        client_secret="sandbox",
        scopes=list(scopes),
    )
    plain = httplib2.Http(timeout=60, proxy_info=None)
    http = google_auth_httplib2.AuthorizedHttp(credentials, http=plain)
    place = {"api_endpoint": f"{guest.url}{below}"}
    built = build_from_document(json.dumps(document), http=http, client_options=place)
    yield built
    built.close()
