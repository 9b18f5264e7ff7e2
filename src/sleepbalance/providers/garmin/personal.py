"""Garmin's Personal API: a person's own key, and what is asked with it."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
import time
from collections.abc import Iterator

import msgspec

from sleepbalance.errors import Malformed, NeedsReconnect, SleepBalanceError
from sleepbalance.model import zone_info
from sleepbalance.payloads import date, decode, inside, items, listed, numeral, text
from sleepbalance.provider import (
    Account,
    Answer,
    Api,
    ApiKey,
    Ask,
    Client,
    Grant,
    Raw,
    Reading,
    Reply,
    Resource,
)
from sleepbalance.provider.places import DAY, EAST, WEST

from .records import HRV, NIGHT, Reader, kind_of, record_of

EXCHANGE = "personalapitoken-service/personal-api/personal-api-key/token"
SETTINGS = "userprofile-service/userprofile/settings"
SLEEPS = "sleep-service/sleep/dailySleepSummariesByDate"
SLEEP = "sleep-service/sleep/dailySleep"
HRVS = "hrv-service/hrv/daily"
KEYS = "https://connect.garmin.com/app/settings/personalApiToken"

LONGEST = 31  # dates that one request for sleeps may span; 35 were refused
LIFE = 24 * 3600.0  # seconds, where a token does not say it
_TOKEN = re.compile(r"[\w-]{1,8000}\.([\w-]{1,8000})\.[\w-]{0,8000}", re.ASCII)
_NAME = re.compile(r"[\w.@+-]{1,128}", re.ASCII)


# -- the way in ----------------------------------------------------------------------------------


def exchange(client: Client, key: str) -> Grant:
    """A token for a day. There is no refresh token: the key is sent again."""
    reply = client.post(EXCHANGE, headers={"Authorization": f"ApiKey {key}", "Accept": "*/*"})
    told = _TOKEN.fullmatch(reply.body.decode("ascii", "replace").strip().strip('"'))
    if told is None:
        raise Malformed("Garmin answered the key with something that is no token. Try again later.")
    return Grant(access=told[0], expires_in=_life(told[1]))


def _life(claims: str) -> float:
    """Seconds until a token ends, by Garmin's clock where it says when it made it."""
    try:
        told = inside(decode(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))))
    except (binascii.Error, ValueError):
        told = {}
    end, made = numeral(told.get("exp")), numeral(told.get("iat"))
    left = None if end is None else end - (time.time() if made is None else made)
    return left if left is not None and 0 < left <= 366 * LIFE else LIFE


def identify(client: Client, grant: Grant) -> Account:
    """Whose data this is, and where they live: Garmin counts its days there."""
    del grant
    told = inside(decode(client.get(SETTINGS).body))
    name = told.get("displayName")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Malformed("Garmin does not say whose data this is. Try again later.")
    return Account(name, zone=_zone(text(told.get("timeZone"))))


def _zone(name: str) -> str | None:
    """None where nobody ever said it, which Garmin calls gmt."""
    if "/" not in name:
        return None
    try:
        zone_info(name)
    except ValueError:
        return None
    return name


def fault(reply: Reply) -> SleepBalanceError | Answer | None:
    """A key that is refused has ended. A list goes on without the one day that is not there."""
    if reply.status in (401, 403) and reply.path.endswith(EXCHANGE):
        return NeedsReconnect(
            "Garmin does not take your key: it has ended, was deleted, or was not copied whole. "
            f"Make a new one at {KEYS} and connect again."
        )
    if reply.status in (400, 404) and reply.path.endswith(SLEEP):
        return Answer.FINE
    return None


# -- sleeps --------------------------------------------------------------------------------------


def sleeps(client: Client, ask: Ask) -> Iterator[Raw]:
    """Every night and every nap that ends in the window."""
    reader = Reader(ask.now)
    for first, last in _ranges(ask):
        reply = client.get(SLEEPS, {"startDate": str(first), "endDate": str(last)})
        for payload in _listed(reply):
            for raw in reader.day(_whole(client, payload)):
                if raw.end is None or ask.start <= raw.end < ask.end:
                    yield raw


def _ranges(ask: Ask) -> Iterator[tuple[dt.date, dt.date]]:
    """All dates on which a sleep of the window can have ended, wherever that was."""
    day, last = (ask.start - WEST).date(), (ask.end + EAST).date()
    last = min(last, (ask.now + EAST).date())
    while day <= last:
        until = min(last, day + (LONGEST - 1) * DAY)
        yield day, until
        day = until + DAY


def _listed(reply: Reply) -> list[bytes]:
    """The records of a list as sent; an empty answer is an empty list."""
    if not reply.body.strip():
        return []
    found = listed(reply.body)
    if found is None:
        raise Malformed("Garmin sent something that is no list of days. Try again later.")
    return found


def _whole(client: Client, payload: bytes) -> bytes:
    """The day itself where a list says that there were naps, and does not tell them."""
    told = inside(decode(payload))
    day = date(told.get("calendarDate"))
    if not numeral(told.get("napTimeSeconds")) or items(told.get("dailyNapDTOS")) or day is None:
        return payload
    whole = client.get(SLEEP, {"date": str(day)}).body
    return whole if date(inside(decode(whole)).get("calendarDate")) == day else payload


# -- beside them ---------------------------------------------------------------------------------


def hrv(client: Client, ask: Ask) -> Iterator[Raw]:
    """The HRV of the nights, in one request."""
    told = (date(record_of(raw).get("calendarDate")) for raw in ask.sleeps if kind_of(raw) == NIGHT)
    dates = {day for day in told if day is not None}
    if not dates:
        return
    body = client.get(f"{HRVS}/{min(dates)}/{max(dates)}").body
    summaries = inside(decode(body)).get("hrvSummaries")
    if body.strip() and not isinstance(summaries, list):
        raise Malformed("Garmin sent something that is no list of HRVs. Try again later.")
    reader = Reader(ask.now)
    for payload in _apart(body):
        day = date(inside(decode(payload)).get("calendarDate"))
        if day is None:
            yield reader.unreadable_beside(HRV, payload, "does not say of which date it is")
        elif day in dates:
            yield reader.beside(HRV, payload, day)


class _Hrvs(msgspec.Struct):
    summaries: list[msgspec.Raw] = msgspec.field(name="hrvSummaries", default_factory=list)


def _apart(body: bytes) -> list[bytes]:
    if not body.strip():
        return []
    return [bytes(each) for each in msgspec.json.decode(body, type=_Hrvs).summaries]


PERSONAL = ApiKey(
    name="personal",
    api=Api(
        base="https://personal.connectapi.garmin.com/",
        resources=(Resource("sleep", sleeps), Resource("HRV", hrv)),
        reading=Reading(
            # with two days on each side, for the places where a date begins first and ends last,
            # these are three requests for sleeps and one for HRV
            longest=89,
            first=14,
            settles_after=7,
        ),
        fault=fault,
        identify=identify,
    ),
    exchange=exchange,
    how_to=(
        f"Make a key at {KEYS} (in a browser, not in the app), choose how long it lives, and copy "
        "it: it is shown once. It is for your own data only; docs/providers/garmin.md says more."
    ),
    lives=(30, 90, 180, 365),
)
