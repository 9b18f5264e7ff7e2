"""What Google's refusals mean here: above all, whether Google Fit has ended."""

from __future__ import annotations

import re
from typing import Any

from sleepbalance.errors import Gone, NotEntitled, ScopeMissing, SleepBalanceError
from sleepbalance.payloads import decode, inside, items, quoted, text
from sleepbalance.provider import Answer, Reply

HEIR = (
    "The nights that came stay here. Its heir is Google's health API: sleepbalance connect "
    "google-health. docs/providers/google_fit.md has the other roads."
)
SESSIONS = "/fitness/v1/users/me/sessions"
STREAMS = "/fitness/v1/users/me/dataSources/"
OVER = re.compile(
    r"(?:shut|turned) ?down|sunset|discontinued|decommissioned|retired|no longer (?:available|"
    r"supported|served)|(?:permanently|for good) disabled|disabled (?:permanently|for good)|"
    r"has (?:ended|been removed)",
    re.IGNORECASE,
)
UNSEEN = ("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
DISABLED = ("accessNotConfigured", "SERVICE_DISABLED")
OLD_STAGES = "com.google.activity.segment"  # only a few people's old nights need them
_SECRET = re.compile(r"[^\s.]{24,}")  # no word of a sentence is as long; tokens are


def fault(reply: Reply) -> SleepBalanceError | Answer | None:
    """This maker's reading of a reply; None leaves it to the common rule."""
    if reply.status not in (400, 403, 404, 410):
        return None
    told = decode(reply.body)
    error = inside(told, "error")
    said, reasons = _said(error.get("message")), set(_reasons(error))
    if reply.status == 410 or (reply.status in (403, 404) and OVER.search(said)):
        return Gone(f"{said}Google Fit has ended. {HEIR}")
    if reply.status == 404:
        return _missing(reply.path, said)
    if reply.status == 403:
        return _refused(reply.path, reasons, said)
    if reply.path == "/revoke" and inside(told).get("error") == "invalid_token":
        return Answer.FINE  # there is nothing left to revoke
    return None


def _missing(path: str, said: str) -> SleepBalanceError | Answer | None:
    """A stream that nobody wrote is no fault; everybody has sessions as long as there is a Fit."""
    if path.startswith(STREAMS):
        return Answer.FINE
    if path == SESSIONS:
        return Gone(f"{said}Google Fit is not there any more (404), so it has ended. {HEIR}")
    return None


def _refused(path: str, reasons: set[str], said: str) -> SleepBalanceError | Answer | None:
    if reasons & set(DISABLED):
        return NotEntitled(
            f"{said}The Fitness API is not enabled in the Google Cloud project of your client. "
            "Enable fitness.googleapis.com there if you can; since 2024-05-01 Google lets no new "
            f"project in. {HEIR}"
        )
    if not (reasons & set(UNSEEN) or "Cannot read data of type" in said):
        return None
    if OLD_STAGES in path:
        return Answer.FINE  # such a night stays without stages
    return ScopeMissing(
        f"{said}You did not allow this. Connect again, and leave its box ticked if you want it."
    )


def _reasons(error: Any) -> list[str]:
    """In the old and in the new spelling of Google's errors."""
    told = [*items(error.get("errors")), *items(error.get("details"))]
    return [text(inside(each).get("reason")) for each in told]


def _said(message: object) -> str:
    """Google's own words, without anything that could be a secret."""
    return quoted("Google", text(message, 300), _SECRET)
