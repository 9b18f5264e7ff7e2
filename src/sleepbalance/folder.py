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
    """A data folder and what it is for: a person's own data, or a demo."""

    path: Path
    url: str
    demo: bool


def locate(data: Path | None, url: str | None) -> Folder:
    """The folder that is meant; it is made when something is first kept in it.

    A folder that was made for a demo always means its own file, whatever `url` says.
    """
    path = (data or user_data_path("sleepbalance", appauthor=False)).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; --data wants a folder.")
    demo = _purpose(path) == "demo"
    own = sqlite_url(path / DATABASE)
    return Folder(path, own if demo or not url else url, demo)


def make(folder: Folder) -> None:
    """Makes the folder, readable by its owner only, where it is not there yet."""
    if folder.path.exists():
        if not os.access(folder.path, os.W_OK):
            raise UsageError(
                f"The data folder {folder.path} cannot be written. Even to look, the database"
                " keeps files beside itself: copy the folder to where you may write, or choose"
                " another."
            )
        return
    try:
        folder.path.mkdir(parents=True, mode=0o700)
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
    (path / MARKER).write_text(json.dumps({"purpose": "demo"}) + os.linesep, encoding="utf-8")
    return Folder(path, sqlite_url(path / DATABASE), demo=True)


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
