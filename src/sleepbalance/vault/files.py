"""Key files: ours, which nobody else may read, and one that somebody mounted for us."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sleepbalance.errors import Fatal

if sys.platform == "win32":
    import msvcrt

    def _wait_for(lock: int) -> None:
        msvcrt.locking(lock, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _wait_for(lock: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)


@dataclass(frozen=True, slots=True)
class Mounted:
    """A file that somebody else writes, and whose permissions are somebody else's business."""

    path: Path

    def get(self) -> str | None:
        with _spoken("read", self.path):
            return _text(self.path)

    def stamp(self) -> object:
        """Differs when the file may hold something else; costs one look."""
        try:
            info = self.path.stat()
        except OSError:
            return None
        return info.st_ino, info.st_mtime_ns, info.st_size


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file in the data folder that we write, for its owner's eyes only."""

    path: Path

    def get(self) -> str | None:
        with _spoken("read", self.path):
            self._check()
            return _text(self.path)

    def _check(self) -> None:
        try:
            info = self.path.stat()
        except FileNotFoundError:
            if self.path.is_symlink():
                raise Fatal(f"{self.path} leads nowhere: bring back what it links to.") from None
            return
        if not stat.S_ISREG(info.st_mode):
            raise Fatal(f"{self.path} is no file; the master keys belong there. Move it away.")
        if os.name == "posix" and info.st_mode & 0o077:
            raise Fatal(
                f"Others may read {self.path}, which holds the master keys. Say"
                f" `chmod 600 {self.path}`; if somebody may have read it, rotate the keys then."
            )

    def put(self, text: str) -> None:
        """Replaces the file in one step, on the disk when this returns."""
        with _spoken("written", self.path):
            real = self.path.resolve()  # a link stays a link
            new = real.with_name(f"{real.name}.new")
            new.unlink(missing_ok=True)  # of a process that was killed here
            with _created(new).open("wb") as file:
                _give_to_owner(file.fileno(), real)
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            new.replace(real)
            _sync(real.parent)

    def stamp(self) -> object:
        """Differs when the file may hold something else; costs one look."""
        return Mounted(self.path).stamp()


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Fatal(f"{path} is no text; it has to hold one key per line, in base64.") from None


def _created(path: Path) -> Path:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


def _give_to_owner(file: int, real: Path) -> None:
    """What root writes stays readable for whoever runs the program otherwise."""
    if sys.platform != "win32" and os.geteuid() == 0:
        owner = (real if real.exists() else real.parent).stat()
        os.fchown(file, owner.st_uid, owner.st_gid)


def _sync(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One at a time, across threads and processes; ends with the process, however that ends."""
    with _spoken("written", path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with _spoken("locked", path):
            _wait_for(handle)
        yield
    finally:
        os.close(handle)


@contextmanager
def _spoken(done: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Fatal(
            f"{path} cannot be {done} ({error.strerror}), and without a master key no token is"
            " kept. Put that right, or give a key in SLEEPBALANCE_MASTER_KEY_FILE or"
            " SLEEPBALANCE_MASTER_KEY."
        ) from None
