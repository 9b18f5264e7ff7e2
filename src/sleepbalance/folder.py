"""The data folder: where it is, which database it means, and whether it is a demo."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from sleepbalance.errors import UsageError
from sleepbalance.store.engine import sqlite_url

MARKER = "sleepbalance.json"  # says what the folder was made for
DATABASE = "sleepbalance.db"


@dataclass(frozen=True, slots=True)
class Folder:
    """A data folder and what it is for: a person's own data, a demo, or the sandbox."""

    path: Path
    url: str
    demo: bool = False
    sandbox: bool = False

    @property
    def made_up(self) -> bool:
        return self.demo or self.sandbox

    @property
    def purpose(self) -> str | None:
        return "demo" if self.demo else "sandbox" if self.sandbox else None

    @property
    def owns_its_database(self) -> bool:
        """Whether the database is the file in the folder, and nobody else's."""
        return self.url == sqlite_url(self.path / DATABASE)


def locate(data: Path | None, url: str | None, *, sandbox: bool = False) -> Folder:
    """The folder that is meant; it is made when something is first kept in it.

    A folder that was made for a demo always means its own file, whatever `url` says. With `sandbox`
    a folder that was named, and that is new or empty, becomes one for the sandbox.
    """
    path = (data or user_data_path("sleepbalance", appauthor=False)).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; --data wants a folder.")
    purpose = _purpose(path)
    if purpose is None and sandbox and data is not None and not _holds_anything(path):
        purpose = "sandbox"
    own = sqlite_url(path / DATABASE)
    demo = purpose == "demo"
    return Folder(path, own if demo or not url else url, demo, purpose == "sandbox")


def _holds_anything(path: Path) -> bool:
    return path.exists() and any(path.iterdir())


def make(folder: Folder) -> None:
    """Makes the folder, readable by its owner only, where it is not there yet."""
    if folder.path.exists():
        if not os.access(folder.path, os.W_OK):
            raise UsageError(
                f"The data folder {folder.path} cannot be written. Even to look, the database"
                " keeps files beside itself: copy the folder to where you may write, or choose"
                " another."
            )
        if folder.sandbox and _purpose(folder.path) is None:
            _mark(folder.path, "sandbox")
        return
    try:
        folder.path.mkdir(parents=True, mode=0o700)
        if folder.sandbox:
            _mark(folder.path, "sandbox")
    except OSError as error:
        raise UsageError(
            f"The data folder {folder.path} cannot be made ({error.strerror}); "
            "choose another with --data."
        ) from None


def make_demo(path: Path) -> Folder:
    """An empty demo folder; an older demo there is cleared away, anything else is refused."""
    path = path.expanduser().absolute()
    if path.exists():
        if _purpose(path) != "demo" and any(path.iterdir()):
            raise UsageError(f"{path} is no demo folder; nothing in it was touched.")
        shutil.rmtree(path)
    path.mkdir(parents=True, mode=0o700)
    _mark(path, "demo")
    return Folder(path, sqlite_url(path / DATABASE), demo=True)


def _mark(path: Path, purpose: str) -> None:
    (path / MARKER).write_text(json.dumps({"purpose": purpose}) + os.linesep, encoding="utf-8")


def _purpose(path: Path) -> str | None:
    try:
        value = json.loads((path / MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise UsageError(
            f"{path / MARKER} cannot be read; it says what the folder is for."
        ) from None
    return str(value.get("purpose")) if isinstance(value, dict) else None
