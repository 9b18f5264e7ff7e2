"""What Oura's refusals mean for the person; its own words are in each message."""

from __future__ import annotations

import re

from sleepbalance.errors import Malformed, NotEntitled, ScopeMissing, SleepBalanceError
from sleepbalance.payloads import decode, quoted, text
from sleepbalance.provider import Answer, Reply

LEGACY_REVOKE = "/oauth/revoke"
_SCOPE = re.compile(r"\bscopes?\b|\bpermissions?\b", re.IGNORECASE)
_MEMBER = re.compile(r"\bsubscription|\bmembership|\bexpired\b", re.IGNORECASE)


def fault(reply: Reply) -> SleepBalanceError | Answer | None:
    """This maker's reading of a reply; None leaves it to the common rule."""
    if reply.status == 401 and reply.path == LEGACY_REVOKE:
        return Answer.FINE  # there is nothing left to revoke
    if reply.status == 403:
        return _forbidden(_said(reply))
    if reply.status in (400, 404, 422):
        return Malformed(
            f"{_said(reply)}Oura does not take what it was asked (status {reply.status}). If that "
            "goes on, report it."
        )
    return None


def _forbidden(said: str) -> SleepBalanceError:
    """Of a 403, which Oura says of a missing scope and of a membership that lapsed alike."""
    if _SCOPE.search(said):
        return ScopeMissing(
            f"{said}You did not allow this. Connect again and leave its box ticked if you want it."
        )
    if _MEMBER.search(said):
        return NotEntitled(
            f"{said}Your Oura membership does not cover this. Renew it in the Oura app; the "
            "account export still holds your nights."
        )
    return NotEntitled(
        f"{said}Either your Oura membership has lapsed, or you did not allow this. Look at your "
        "membership in the Oura app, then connect again with every box ticked."
    )


def _said(reply: Reply) -> str:
    """Oura's own words, without anything that could be a secret."""
    told = decode(reply.body)
    detail = told.get("detail") if isinstance(told, dict) else None
    if isinstance(detail, list):
        detail = detail[0].get("msg") if detail and isinstance(detail[0], dict) else None
    return quoted("Oura", text(detail))
