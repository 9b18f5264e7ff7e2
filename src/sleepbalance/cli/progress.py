"""What an import shows while it runs: a bar on a terminal, nothing but news elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from sleepbalance.cli import words

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PATIENCE = 1.0  # seconds before a bar is worth showing


class Progress:
    """A bar over bytes on standard error, where that is a terminal and it takes long."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown = ExitStack()
        self._bar: tuple[Bar, TaskID] | None = None

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
        if not sys.stderr.isatty() or time.monotonic() - self._began < PATIENCE:
            return
        bar, task = self._bar or self._start()
        bar.update(task, completed=done, total=of)

    def _start(self) -> tuple[Bar, TaskID]:
        from rich.console import Console  # a pipe does not pay for it
        from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
        bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._shown.enter_context(bar)
        self._bar = (bar, bar.add_task("import", total=None))
        return self._bar

    def waiting(self) -> None:
        """Somebody else imports for the same person."""
        self._say(words.waiting("import for the same person"))

    def made_user(self, name: str) -> None:
        """Nobody was here: the first import made a person."""
        self._say(f"Nobody was here yet: made the user {name!r}.")

    def unknown(self, name: str) -> None:
        """A part of what was handed over is nobody's."""
        self._say(f"{name} holds nothing that we know; it was left out.")

    def _say(self, text: str) -> None:
        sys.stderr.write(words.safe(text) + "\n")
        sys.stderr.flush()

    def done(self) -> None:
        """Takes the bar away."""
        self._shown.close()
        self._bar = None
