"""The console script: signals, exit codes, and options that may stand before or after a command."""

from __future__ import annotations

import os
import signal
import sys

import typer

from sleepbalance.cli import linking, night, sources
from sleepbalance.cli.commands import cli
from sleepbalance.errors import SleepBalanceError, UsageError

STOPPED = 130  # also what Typer makes of Ctrl-C
COMMANDS = (cli, linking, night, sources)  # to be loaded is what makes commands known


def main() -> None:
    """The console script. Exit codes: 0 done, 1 failed, 2 it could not be meant so, 130 stopped."""
    os.umask(0o077)  # nights are nobody else's business on this machine
    for ending in ("SIGTERM", "SIGHUP"):  # as if the person had stopped it: nothing stays open
        if hasattr(signal, ending):
            signal.signal(getattr(signal, ending), _stop)
    try:
        cli(_hoisted(sys.argv[1:]))
    except SleepBalanceError as error:
        _complain(error)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has seen enough
        sys.exit(0)
    except (KeyboardInterrupt, SystemExit) as ended:
        if isinstance(ended, SystemExit) and ended.code != STOPPED:
            raise
        typer.echo("Stopped. What was committed stays; the same again goes on.", err=True)
        sys.exit(STOPPED)


def _hoisted(words: list[str]) -> list[str]:
    """`--data DIR` means the same before and after the command."""
    if "--" in words:
        at = words.index("--")
        return _hoisted(words[:at]) + words[at:]
    front: list[str] = []
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if word in ("--data", "--database-url"):
            front += [word, *([value] if (value := next(left, None)) is not None else [])]
        elif word.startswith(("--data=", "--database-url=")):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _complain(error: SleepBalanceError) -> None:
    from sleepbalance.cli import words

    typer.echo(words.safe(str(error)), err=True)
