"""OAuth 2.0 as every maker speaks it: authorise, exchange, refresh (RFC 6749, RFC 7636)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import parse_qs

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from sleepbalance.errors import (
    Fatal,
    Gone,
    Malformed,
    NeedsReconnect,
    RateLimited,
    SleepBalanceError,
    Unavailable,
    UsageError,
)
from sleepbalance.provider import Grant, OAuth, Reply
from sleepbalance.wire import Wire, host_of, reason, retry_after, unreadable

# What `error` may be, beside RFC 6749, section 5.2, in the answers of makers.
CONSENT_GONE = {
    "invalid_grant",
    "invalid_token",
    "expired_token",
    "access_denied",
    "consent_required",
    "interaction_required",
    "login_required",
}
TOO_OFTEN = {"slow_down", "rate_limit_exceeded"}
UNKNOWN_CLIENT = {"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"}
WRONG_SETTINGS = {
    "invalid_request",
    "invalid_scope",
    "unsupported_grant_type",
    "unsupported_response_type",
    "redirect_uri_mismatch",
    "invalid_redirect_uri",
}
SECRET = ("code", "refresh_token", "code_verifier", "client_secret")


@dataclass(frozen=True, slots=True)
class ClientId:
    """What a maker gave to whoever runs this program."""

    id: str
    secret: str = field(default="", repr=False)


def new_state() -> str:
    """What comes back with the redirect, so that nobody else's consent is taken for this one."""
    return secrets.token_urlsafe(32)


def new_verifier() -> str:
    """PKCE's secret: 64 characters."""
    return secrets.token_urlsafe(48)


def authorize_address(
    door: OAuth, client_id: ClientId, redirect_uri: str, state: str, verifier: str | None = None
) -> str:
    """Where the person consents, at the maker: a sandbox is `Wire.rewritten`'s matter."""
    wanted = dict(door.extra)
    if door.pkce and verifier:
        wanted["code_challenge"] = create_s256_code_challenge(verifier)
        wanted["code_challenge_method"] = "S256"
    scopes = door.scope_separator.join(scope.name for scope in door.scopes)
    address: str = prepare_grant_uri(
        door.authorize_url,
        client_id.id,
        "code",
        redirect_uri=redirect_uri,
        scope=scopes if door.asks_scopes else None,
        state=state,
        **wanted,
    )
    return address


def read_redirect(query: str | Mapping[str, str], state: str) -> str:
    """The code in the query of a redirect.

    Raises UsageError where it does not belong to `state`, NeedsReconnect where the person said no.
    """
    told = _read_query(query) if isinstance(query, str) else query
    if not secrets.compare_digest(told.get("state", "").encode(), state.encode()):
        raise UsageError(
            "This answer does not belong to the consent that was begun here. "
            "Begin again with `connect`, and use only the newest address."
        )
    if "error" in told:
        _refuse_redirect(told["error"], told.get("error_description", ""))
    if not told.get("code"):
        raise UsageError("The answer holds no code. Copy the whole address, from http to its end.")
    return told["code"]


def check_issuer(told: Mapping[str, str], door: OAuth) -> None:
    """Raises UsageError where another server than the door's answered (RFC 9207, section 2.4).

    The code is not used up then: it works once, and only where it was made.
    """
    issuer = told.get("iss")
    if issuer is None or issuer == door.issuer:
        return
    raise UsageError(
        f"This answer came from {issuer[:100]}, which is not where this login was begun"
        f" ({door.name}). Your client may belong to another door: connect again with --door."
    )


def revoke(wire: Wire, door: OAuth, client_id: ClientId, grant: Grant) -> None:
    """Ends the consent at the maker (RFC 7009); a token that is unknown there is as good."""
    assert door.revoke_url is not None
    token = grant.refresh or grant.access
    form = {"token": token, "token_type_hint": "refresh_token" if grant.refresh else "access_token"}
    headers = _prove_client(door, client_id, form)
    reply = wire.send("POST", door.revoke_url, headers=headers, form=form)
    if not 200 <= reply.status < 300 and _error(reply) not in CONSENT_GONE:
        hide = [token, client_id.secret]
        raise _refusal(reply, wire.name or host_of(door.revoke_url), hide)


def _read_query(query: str) -> dict[str, str]:
    try:
        told = parse_qs(query.removeprefix("?"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        told = {"": ["", ""]}
    if any(len(values) > 1 for values in told.values()):
        raise UsageError("The answer says two things at once. Begin again with `connect`.")
    return {name: values[0] for name, values in told.items()}


def _refuse_redirect(error: str, description: str) -> NoReturn:
    said = " ".join(f"{error} {description}".split())[:200]
    if error in CONSENT_GONE:
        raise NeedsReconnect(
            f"Access was not allowed ({said}), so nothing was connected. "
            "Begin again with `connect` to allow it."
        )
    if error in ("server_error", "temporarily_unavailable"):
        raise Unavailable(f"The maker could not ask for consent ({said}); try again later.")
    raise Fatal(
        f"The maker refused to ask for consent ({said}). "
        "Check the client id, its redirect address and its scopes in the settings."
    )


def exchange(
    wire: Wire, door: OAuth, client_id: ClientId, code: str, redirect_uri: str, verifier: str | None
) -> Grant:
    """Makes tokens of a code. It works once: not to be tried again.

    Raises UsageError for a code that the maker does not take.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if door.pkce and verifier:
        form["code_verifier"] = verifier
    try:
        return _ask(wire, door, client_id, form)
    except NeedsReconnect:
        problem = UsageError(
            f"{wire.name or host_of(door.token_url)} does not take this code: it was used, is"
            " too old, or was not copied whole. Begin again with `connect`."
        )
    raise problem


def refresh(wire: Wire, door: OAuth, client_id: ClientId, token: str) -> Grant:
    """Makes a new access token of a refresh token, which it may use up.

    Raises NeedsReconnect only where the maker says that the consent is gone.
    """
    return _ask(wire, door, client_id, {"grant_type": "refresh_token", "refresh_token": token})


def _ask(wire: Wire, door: OAuth, client_id: ClientId, form: dict[str, str]) -> Grant:
    headers = _prove_client(door, client_id, form)
    reply = wire.send("POST", door.token_url, headers=headers, form=form)
    hide = [form[name] for name in SECRET if name in form] + [client_id.secret]
    name = wire.name or host_of(door.token_url)
    if not 200 <= reply.status < 300 or _error(reply):
        raise _refusal(reply, name, hide)
    try:
        return door.unwrap(reply.json())
    except (Malformed, AttributeError, TypeError):
        problem = Unavailable(f"{name} sent no tokens that can be read; try again later.")
    raise problem


def _prove_client(door: OAuth, client_id: ClientId, form: dict[str, str]) -> dict[str, str]:
    """Who we are: in the headers that it gives, or in the form, as the maker wants it."""
    if door.client_auth == "basic" and client_id.secret:
        return _basic(client_id)
    form |= {"client_id": client_id.id}
    form |= {"client_secret": client_id.secret} if client_id.secret else {}
    return {}


def _basic(client_id: ClientId) -> dict[str, str]:
    headers: dict[str, str] = {}
    try:
        ClientAuth(client_id.id, client_id.secret).prepare("POST", "", headers, "")
    except UnicodeError:
        headers = {}
    if not headers:
        raise Fatal("The client id or the client secret holds letters that no maker gives out.")
    return headers


def _error(reply: Reply) -> str:
    """The `error` of RFC 6749, section 5.2, or of a list of them; "" where there is none."""
    if unreadable(reply):
        return ""
    said: Mapping[str, object] = reply.json()
    listed = said.get("errors")
    if isinstance(listed, list) and listed and isinstance(listed[0], Mapping):
        said = {"error": listed[0].get("errorType")}
    error = said.get("error")
    return error if isinstance(error, str) else ""


def _refusal(reply: Reply, name: str, hide: list[str]) -> SleepBalanceError:
    error, status = _error(reply), reply.status
    said = reason(reply, hide) or f"status {status}"
    if status == 429 or error in TOO_OFTEN:
        told = f"{name} was asked for tokens too often ({said}); try again later."
        return RateLimited(told, retry_after(reply))
    if status < 500:
        if error in CONSENT_GONE:
            return NeedsReconnect(
                f"{name} takes this connection no longer ({said}). Connect again."
            )
        if error in UNKNOWN_CLIENT or status == 401:
            return Fatal(
                f"The client id or secret for {name} is not accepted ({said}): check the settings."
            )
        if error in WRONG_SETTINGS:
            return Fatal(f"{name} refuses how it is asked ({said}): check the settings.")
        if status == 410:
            return Gone(f"{name} has ended this service ({said}).")
    return Unavailable(
        f"{name} hands out no tokens just now ({said}); try again later.",
        retry_after=retry_after(reply),
    )
