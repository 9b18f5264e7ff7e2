"""Opens what a person hands over, files, folders and zips, as members to read from.

Nothing is ever unpacked to disk; the names inside are labels. Whatever is wrong with what was
handed over ends in `UsageError` (nothing can be opened) or `Malformed` (what could be read was
handed out before).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sleepbalance.archive.folders import files_in
from sleepbalance.archive.members import Latest, Member, OnBytes, PlainMember, ZipMember
from sleepbalance.archive.zips import is_zip, read_directory
from sleepbalance.errors import UsageError
from sleepbalance.provider import Limits

__all__ = ["Member", "OnBytes", "Part", "open_members", "open_parts"]


@dataclass(frozen=True, slots=True)
class Part:
    """A bare file, a zip, or a folder without its zips. `damage`: why not all of it is there.

    `skipped` are things that lie there and were not read, each with the reason, and `zips` the
    names of zips inside a zip, which are not opened.
    """

    name: str
    members: Sequence[Member]
    damage: str | None = None
    skipped: Sequence[str] = ()
    zips: Sequence[str] = ()


@contextmanager
def open_members(
    path: Path, *, limits: Limits | None = None, on_bytes: OnBytes | None = None
) -> Iterator[Sequence[Member]]:
    """The members of a bare file, a folder or a zip; those of the zips in a folder among them.

    `on_bytes(done, total)` is told, about every MiB, how many packed bytes of the member that is
    being read are done. Raises `UsageError` where there is nothing that could be opened.
    """
    parts = open_parts([path], limits=limits, on_bytes=on_bytes)
    yield [member for part in parts for member in part.members]


def open_parts(
    paths: Sequence[Path], *, limits: Limits | None = None, on_bytes: OnBytes | None = None
) -> list[Part]:
    """The same for several paths, part by part. Where there are several, what is wrong with one
    says which one it is."""
    opening = _Opening(limits or Limits(), on_bytes or _nobody)
    where = [each for path in dict.fromkeys(paths) for each in opening.find(path)]
    return [opening.part(path, name, several=len(where) > 1) for path, name in where]


def _nobody(done: int, total: int) -> None:
    del done, total


@dataclass
class _Opening:
    """What is being opened together."""

    limits: Limits
    on_bytes: OnBytes
    latest: Latest = field(default_factory=Latest)
    loose: dict[Path, list[Path]] = field(default_factory=dict)  # files of a folder, without zips
    skipped: dict[Path, list[str]] = field(default_factory=dict)  # what else lies in a folder

    def find(self, path: Path) -> list[tuple[Path, str]]:
        """The parts that a path is, each with its name."""
        try:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                return self._folder(path)
            if not stat.S_ISREG(mode):
                raise UsageError(f"{path} is neither a file nor a folder; give the export itself")
        except FileNotFoundError:
            raise UsageError(f"There is no {path}; look whether the name is right") from None
        except PermissionError:
            raise _forbidden(path) from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be opened: {error}") from None
        return [(path, path.name)]

    def _folder(self, path: Path) -> list[tuple[Path, str]]:
        os.scandir(path).close()  # one that may not be read raises here; os.walk keeps quiet
        found, skipped = files_in(path)
        if not found:
            why = "".join(f" {each}." for each in skipped)
            raise UsageError(
                f"{path} holds no files; give the export's zip or its unpacked folder.{why}"
            )
        zips = [file for file in found if file.suffix.lower() == ".zip"]
        self.loose[path] = [file for file in found if file.suffix.lower() != ".zip"]
        self.skipped[path] = skipped
        parts = [(file, file.relative_to(path).as_posix()) for file in zips]
        return [(path, path.name), *parts] if self.loose[path] or skipped else parts

    def part(self, path: Path, name: str, *, several: bool) -> Part:
        """One part, opened. What is wrong with one of several is kept, of a single one raised."""
        if path in self.loose:
            files = self.loose[path]
            members = [self._plain(file, path) for file in files]
            return Part(name, members, skipped=self.skipped[path])
        try:
            return self._zip(path, name, several) if is_zip(path) else self._bare(path)
        except PermissionError:
            failure = _forbidden(path)
        except (OSError, ValueError) as error:
            failure = UsageError(f"{path} cannot be opened: {error}")
        if not several:
            raise failure
        return Part(name, [], str(failure))

    def _bare(self, path: Path) -> Part:
        return Part(path.name, [PlainMember(path, path.name, self.on_bytes, self.latest)])

    def _plain(self, file: Path, folder: Path) -> Member:
        name = file.relative_to(folder).as_posix()
        return PlainMember(file, name, self.on_bytes, self.latest)

    def _zip(self, path: Path, name: str, several: bool) -> Part:
        directory = read_directory(path, self.limits)
        damage = directory.damage
        if damage and several:
            damage = f"{name}: {damage}"
        members = [
            ZipMember(path, entry, damage, self.limits, self.on_bytes, self.latest)
            for entry in directory.entries
            if entry.is_file and not _is_litter(entry.name)
        ]
        if members and all(member.encrypted for member in members):
            damage = f"{name} is encrypted: unpack it with its password and import the folder"
        zips = [member.name for member in members if member.name.lower().endswith(".zip")]
        return Part(name, members, damage, zips=zips)


def _forbidden(path: Path) -> UsageError:
    return UsageError(f"{path} may not be read; give yourself the right to read it")


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("._"))
