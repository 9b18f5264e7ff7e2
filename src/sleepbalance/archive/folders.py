"""Finds the files of a folder that a person hands over, and names what in it is not read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sleepbalance.errors import UsageError

MOST_FILES = 200_000
MOST_NAMED = 8


def files_in(folder: Path) -> tuple[list[Path], list[str]]:
    """Every file in a folder and below it, in order, and why what else lies there is skipped.

    A link to a file is that file, which counts once; a link to a folder is not followed, as it may
    lead in circles, or out of what the person meant to hand over. Raises UsageError for too many.
    """
    found: list[Path] = []
    skipped: list[str] = []
    for each in _lying(folder):
        if len(found) == MOST_FILES:
            raise UsageError(f"{folder} holds too many files; give the folder of the export itself")
        if why := _why_skipped(each):
            skipped.append(f"{each.relative_to(folder).as_posix()} {why}")
        else:
            found.append(each)
    return _once(found), _few(skipped)


def _once(found: list[Path]) -> list[Path]:
    """Without the links to files that are among them anyway."""
    links = [path for path in found if path.is_symlink()]
    if not links:
        return found
    files = set(found) - set(links)
    met = {file.resolve() for file in files}
    for link in links:
        if (target := link.resolve()) not in met:
            met.add(target)
            files.add(link)
    return [path for path in found if path in files]


def _lying(folder: Path) -> Iterator[Path]:
    """What lies in a folder and below it; of folders only the links to some."""
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__MACOSX")
        links = [name for name in folders if Path(at, name).is_symlink()]
        for name in sorted([*names, *links]):
            if not name.startswith("._"):
                yield Path(at, name)


def _why_skipped(path: Path) -> str | None:
    """None for a file, and for a link to one."""
    try:
        mode = path.stat().st_mode
    except OSError:  # gone since it was listed, or a link
        return "is a link that leads nowhere; it was skipped" if path.is_symlink() else _GONE
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return "is a link to a folder and was skipped: hand over that folder, too"
    return "is no file; it was skipped"


_GONE = "went away while it was looked at; it was skipped"


def _few(skipped: list[str]) -> list[str]:
    more = len(skipped) - MOST_NAMED
    return skipped if more <= 0 else [*skipped[:MOST_NAMED], f"and {more} more like these"]
