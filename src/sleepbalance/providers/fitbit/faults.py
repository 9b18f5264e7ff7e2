"""What Google's refusals mean for the person; its own reason is in each message."""

from __future__ import annotations

from sleepbalance.errors import Fatal, Gone, NeedsReconnect, ScopeMissing, SleepBalanceError
from sleepbalance.payloads import decode, inside, items, quoted, text
from sleepbalance.provider import Answer, Reply

SIGN_UP = "https://fitbit.google.com/auth/signup"


def fault(reply: Reply) -> SleepBalanceError | Answer | None:
    """This maker's reading of a reply; None leaves it to the common rule."""
    if reply.status == 410:
        return Gone(
            "This service of Fitbit has ended; Fitbit's own API was shut on 2026-11-02. Connect "
            "again with the Google account that holds your Fitbit data: sleepbalance connect "
            "fitbit."
        )
    if reply.status not in (400, 403):
        return None
    told = decode(reply.body)
    error = inside(told, "error")
    reasons = {text(inside(detail).get("reason")) for detail in items(error.get("details"))}
    said = _said(error.get("message"))
    return _refused(reasons, said) if reply.status == 403 else _wrong(reasons, said, told)


def _wrong(reasons: set[str], said: str, told: object) -> SleepBalanceError | Answer | None:
    """Of a 400."""
    if "ACCOUNT_NOT_LINKED" in reasons:
        return NeedsReconnect(
            f"{said}This Google account has no Fitbit profile (ACCOUNT_NOT_LINKED). Connect again "
            f"with the Google account that your Fitbit or Pixel Watch uses, or make a profile at "
            f"{SIGN_UP} first."
        )
    if "INVALID_DATA_POINT_FILTER" in reasons:
        return Answer.FINE  # `reading` then lists without a filter
    if isinstance(told, dict) and told.get("error") == "invalid_token":
        return Answer.FINE  # of the revoke address: there is nothing left to revoke
    return None


def _refused(reasons: set[str], said: str) -> SleepBalanceError | None:
    """Of a 403."""
    if "UberMint" in said:
        return NeedsReconnect(
            f"{said}Your Fitbit account has not been moved to a Google account yet. Move it in "
            "the Fitbit app, then connect again."
        )
    if "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in reasons:
        return ScopeMissing(
            f"{said}You did not allow this (ACCESS_TOKEN_SCOPE_INSUFFICIENT). Connect again and "
            "leave its box ticked if you want it."
        )
    if "SERVICE_DISABLED" in reasons:
        return Fatal(
            f"{said}The Google Health API is not enabled in the Google Cloud project of your "
            "client (SERVICE_DISABLED). Enable health.googleapis.com there, wait a few minutes, "
            "then try again."
        )
    return None


def _said(message: object) -> str:
    """Google's own words, without anything that could be a secret."""
    return quoted("Google", text(message))
