"""Which version of a record stands, when exports made at different times hold it twice."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from . import packs


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    """One payload out of several, oldest first.

    Readings are joined. Of a sleep sample the later written version stands, in whichever order
    they come; but where nothing differs except the offset that an export happens to print, the
    older stays, so that an export made in another season changes no row.
    """
    if all(payload == payloads[0] for payload in payloads):
        return payloads[0]
    if kind == "sleep":
        return max(payloads, key=_weight)
    return payloads[-1] if kind == "zone" else packs.join(payloads)


def _weight(payload: bytes) -> tuple[bool, bool, int, bool, bytes]:
    """`max` returns the first of equals, and the first is the oldest."""
    try:
        sample = packs.decode_sample(payload)
    except msgspec.DecodeError:  # set aside when it was read
        return False, False, 0, False, payload
    content = packs.encode_sample(msgspec.structs.replace(sample, printed=None))
    return True, sample.created is not None, sample.created or 0, sample.zone is not None, content
