"""The heart: every way in opens an attempt, reads, and commits data and outcome together."""

from sleepbalance.sync.accepting import Push, take_push
from sleepbalance.sync.accounts import remove_data, rename_account
from sleepbalance.sync.commands import to_connect, whose
from sleepbalance.sync.imports import Import, import_file
from sleepbalance.sync.jobs import Job, goes_on
from sleepbalance.sync.remote import sync

__all__ = [
    "Import",
    "Job",
    "Push",
    "goes_on",
    "import_file",
    "remove_data",
    "rename_account",
    "sync",
    "take_push",
    "to_connect",
    "whose",
]
