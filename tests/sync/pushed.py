"""Traumland when it answers by push: what is asked for comes later, in bodies of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from sleepbalance.provider import Ask, Client, Delivery, Hook, Item, Proof, Provider, Raw, Reading
from tests.sync.maker import make_provider, sleep

READING = Reading(longest=89, first=89, before=30)


def order(client: Client, ask: Ask) -> None:
    client.get("backfill", {"from": ask.start.isoformat(), "to": ask.end.isoformat()})


def read(body: bytes, now: dt.datetime) -> Iterator[Item]:
    del now
    for told in msgspec.json.decode(body):
        raws = (sleep(told["sleep"]),) if "sleep" in told else ()
        scopes = frozenset(told["scopes"]) if "scopes" in told else None
        yield Item(
            account=told.get("account", ""),
            raws=raws,
            address=told.get("address"),
            ended=told.get("ended"),
            scopes=scopes,
            problem=told.get("problem"),
        )


def collect(client: Client, address: str, now: dt.datetime) -> Iterator[Raw]:
    del now
    for told in client.get(address, {}).json():
        yield sleep(told)


def prove(delivery: Delivery, proof: Proof) -> None:
    del delivery, proof


HOOK = Hook(name="sleeps", door="oauth", prove=prove, read=read, collect=collect)


def make_pushing(reading: Reading = READING) -> Provider:
    provider = make_provider()
    door: Any = provider.remote[0]
    api = replace(door.api, resources=(), order=order, reading=reading)
    return replace(provider, doors=(replace(door, api=api),), hooks=(HOOK,))
