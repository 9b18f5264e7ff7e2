"""Other roads of one device: makers' apps that hand their sleeps to other makers' stores."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sleepbalance.model import Source


@dataclass(frozen=True, slots=True)
class Roads:
    """`apps`: the words, in lower case, by which a maker's app appears with others → its provider;
    `names`: provider → what people call it; `hubs`: those that other makers' apps write into."""

    apps: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    hubs: Collection[str] = ()

    def maker(self, provider: str, source: Source) -> str | None:
        """The provider whose app wrote what came through another `provider`."""
        package = source.key.rpartition(":")[2]
        for word in (source.name, source.key, package):
            found = self.apps.get(" ".join(word.casefold().split()))
            if found is not None:
                return None if found == provider else found
        return None

    def name(self, provider: str) -> str:
        return self.names.get(provider, provider)


NO_ROADS = Roads()
