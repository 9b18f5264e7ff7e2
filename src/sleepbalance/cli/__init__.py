"""The command line: one door to the verbs of `app`."""

from sleepbalance.cli.entry import main

__all__ = ["main"]
