"""What an import shows while it runs: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

PATIENCE = 1.0  # seconds before a bar is worth showing


class Progress:
    """A bar over bytes on standard error, where that is a terminal and it takes long."""

    def __init__(self) -> None:
        self._out = Console(stderr=True, highlight=False, markup=False)
        self._began = time.monotonic()
        columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=self._out, transient=True)
        self._task = self._bar.add_task("import", total=None)
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.done()

    def bytes(self, done: int, of: int) -> None:
        """So many bytes are read."""
        if not sys.stderr.isatty():
            return
        if not self._shown and time.monotonic() - self._began > PATIENCE:
            self._bar.start()
            self._shown = True
        self._bar.update(self._task, completed=done, total=of)

    def waiting(self) -> None:
        """Somebody else imports for the same person."""
        self._out.print("Another import for the same person is running: waiting for it.")

    def made_user(self, name: str) -> None:
        """Nobody was here: the first import made a person."""
        self._out.print(f"Nobody was here yet: made the user {name!r}.")

    def done(self) -> None:
        """Takes the bar away."""
        if self._shown:
            self._bar.stop()
            self._shown = False
