"""Who holds a lease: a process by its number, and where that number means something."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

BOOT, NAMES = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


def here() -> str:
    """What a lease keeps of this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_place()}"


def is_gone(holder: str) -> bool:
    """Whether that process is dead for certain; False wherever nobody here can tell."""
    host, _, known = holder.partition(":")
    number, _, place = known.partition(":")
    if not place or (host, place) != (socket.gethostname(), _place()):
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False  # somebody else's, so it lives
    return False


@cache
def _place() -> str:
    """This start of this machine, and the set of processes that are numbered together in it."""
    try:
        return f"{BOOT.read_text().strip()}/{NAMES.readlink().name.strip('pid:[]')}"
    except OSError:
        return ""  # nobody can tell here whether a process lives
