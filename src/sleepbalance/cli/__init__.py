"""The command line: one door to the verbs of `app`."""

from sleepbalance.cli.commands import main

__all__ = ["main"]
