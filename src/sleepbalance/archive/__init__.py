"""Opens what a person hands over, a file, a folder or a zip, as members to read from.

Nothing is ever unpacked to disk; the names inside are labels. Whatever is wrong with what was
handed over ends in `UsageError` (nothing can be opened) or `Malformed` (what could be read was
handed out before).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sleepbalance.archive.members import Member, OnBytes, PlainMember, ZipMember
from sleepbalance.archive.zips import is_zip, read_directory
from sleepbalance.errors import UsageError
from sleepbalance.provider import Limits

__all__ = ["Member", "OnBytes", "open_members"]

MOST_FILES = 200_000


@contextmanager
def open_members(
    path: Path, *, limits: Limits | None = None, on_bytes: OnBytes | None = None
) -> Iterator[Sequence[Member]]:
    """The members of a bare file, a folder or a zip.

    `on_bytes(done, total)` is told, about every MiB, how many packed bytes of the member that is
    being read are done. Raises `UsageError` where there is nothing that could be opened.
    """
    yield _members(path, limits or Limits(), on_bytes or _nobody)


def _nobody(done: int, total: int) -> None:
    del done, total


def _members(path: Path, limits: Limits, on_bytes: OnBytes) -> Sequence[Member]:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _folder(path, on_bytes)
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path} is neither a file nor a folder; give the export itself")
        if is_zip(path):
            return _zip(path, limits, on_bytes)
    except FileNotFoundError:
        raise UsageError(f"There is no {path}; look whether the name is right") from None
    except PermissionError:
        raise UsageError(f"{path} may not be read; give yourself the right to read it") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be opened: {error}") from None
    return [PlainMember(path, path.name, on_bytes)]


def _folder(path: Path, on_bytes: OnBytes) -> Sequence[Member]:
    os.scandir(path).close()  # a folder that may not be read raises here; os.walk keeps quiet
    members: list[Member] = []
    for file in _files(path):
        if len(members) == MOST_FILES:
            raise UsageError(f"{path} holds too many files; give the folder of the export itself")
        members.append(PlainMember(file, file.relative_to(path).as_posix(), on_bytes))
    if not members:
        raise UsageError(f"{path} holds no files; give the export's zip or its unpacked folder")
    return members


def _files(path: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name != "__MACOSX")
        for name in sorted(names):
            file = Path(folder, name)
            if not name.startswith("._") and _is_regular(file.lstat):
                yield file


def _is_regular(status: Callable[[], os.stat_result]) -> bool:
    try:
        return stat.S_ISREG(status().st_mode)
    except OSError:  # gone since it was listed
        return False


def _zip(path: Path, limits: Limits, on_bytes: OnBytes) -> Sequence[Member]:
    directory = read_directory(path, limits)
    return [
        ZipMember(path, entry, directory.damage, limits, on_bytes)
        for entry in directory.entries
        if entry.is_file and not _is_litter(entry.name)
    ]


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("._"))
