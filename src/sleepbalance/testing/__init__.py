"""The contract test suite: what every provider must keep, run over its own samples.

    from sleepbalance.testing import contract, handed_over

    TestContract = contract(PROVIDER, handed_over(Path("samples")), docs=Path())

It needs pytest and hypothesis, and neither network nor database. For a door that takes files, a
sample is a file as a person would hand it over. For a door over the network it is a recording,
called `api_<anything>.json`: what is asked for, and what the maker's server answers.

    {"ask": {"start": "2026-11-08T00:00:00Z", "end": "2026-11-22T00:00:00Z",
             "now": "2026-11-22T09:00:00Z"},
     "account": "who-42",
     "exchanges": [
        {"method": "GET", "path": "v1/me", "body": {"id": "who-42"}},
        {"method": "GET", "path": "v1/sleep", "params": {"page": null}, "body": {"next": "2"}},
        {"method": "GET", "path": "v1/sleep", "params": {"page": "2"}, "body": {"next": ""}}]}

An exchange answers each request with its method and path that carries at least its `params`,
`json` and `form`; null there means that there is none of that name. The first that fits answers,
with `status` (200), `headers` and `body` (JSON, or a text as it is). One that nothing asks for is
a refusal on show, whose body `fault` has to bear. `door` names the door if there are several. Of
a door that orders what is pushed, the sample holds the order.

For a hook a sample is a delivery, called `hook_<anything>.json`: what comes in, what proves it,
and what lies at the addresses that it names. The end of our address is taken as proven.

    {"now": "2026-11-22T09:00:00Z", "headers": {"x-client": "me"}, "client_id": "me",
     "body": {"sleeps": [{"user": "who-42", "at": "https://api.example.org/v1/sleep/7"}]},
     "exchanges": [{"path": "https://api.example.org/v1/sleep/7", "body": {"deep": 90}}]}

`hook` names the hook if there are several; `query` and `client_secret` are told where they prove
something. All of it is invented; nobody's nights and tokens belong into a sample. See
CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from sleepbalance.provider import Provider

from .facts import Facts
from .files import Files
from .hooks import Hooks
from .network import Network
from .records import Records
from .samples import NOW, Bytes, Sample, handed_over, samples_of, together

__all__ = [
    "NOW",
    "Bytes",
    "Contract",
    "Sample",
    "contract",
    "handed_over",
    "samples_of",
    "together",
]


def contract(
    provider: Provider, samples: Sequence[Sample], docs: Path | None = None
) -> type[Contract]:
    """The suite as a test class. `docs` is the folder that `Provider.docs` starts from."""
    own = {"provider": provider, "samples": tuple(samples), "docs": docs}
    return type(f"Contract_{provider.id}", (Contract,), own)


class Contract(Facts, Files, Network, Hooks, Records):
    """Name a subclass `Test…` in a test module, and pytest runs it."""

    provider: ClassVar[Provider]
    samples: ClassVar[tuple[Sample, ...]]
    docs: ClassVar[Path | None] = None
