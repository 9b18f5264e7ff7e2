"""The contract of a provider; see CONTRIBUTING.md for a worked example."""

from sleepbalance.provider.contract import Door, Provider, Remote, keep_last
from sleepbalance.provider.files import (
    File,
    Limits,
    Member,
    Stream,
    Until,
    Utf8,
    as_utf8,
    read_each,
)
from sleepbalance.provider.hooks import Delivery, Hook, Item, Proof
from sleepbalance.provider.network import (
    Account,
    Answer,
    Api,
    ApiKey,
    Ask,
    Client,
    Grant,
    OAuth,
    Rate,
    Reading,
    Reply,
    Resource,
    Scope,
    no_fault,
    standard_grant,
)
from sleepbalance.provider.paging import pages
from sleepbalance.provider.places import anywhere, misplaced
from sleepbalance.provider.records import Finished, Normalised, Raw

__all__ = [
    "Account",
    "Answer",
    "Api",
    "ApiKey",
    "Ask",
    "Client",
    "Delivery",
    "Door",
    "File",
    "Finished",
    "Grant",
    "Hook",
    "Item",
    "Limits",
    "Member",
    "Normalised",
    "OAuth",
    "Proof",
    "Provider",
    "Rate",
    "Raw",
    "Reading",
    "Remote",
    "Reply",
    "Resource",
    "Scope",
    "Stream",
    "Until",
    "Utf8",
    "anywhere",
    "as_utf8",
    "keep_last",
    "misplaced",
    "no_fault",
    "pages",
    "read_each",
    "standard_grant",
]
