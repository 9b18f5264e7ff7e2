"""What Oura calls people, rings and documents."""

from __future__ import annotations

import uuid

from sleepbalance.sandbox.chance import number
from sleepbalance.sandbox.people import Person


def _name(*words: object) -> str:
    return str(uuid.UUID(int=number(*words, digits=38), version=4))


def user_id(person: Person) -> str:
    return _name(person.seed, person.id, "oura")


def document_id(person: Person, collection: str, of: object) -> str:
    return _name(person.seed, person.id, "oura", collection, of)


def ring_id(person: Person, index: int) -> str:
    return _name(person.seed, person.id, "oura ring", index).replace("-", "")
