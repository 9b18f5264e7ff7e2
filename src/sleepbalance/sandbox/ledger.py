"""What was asked of the sandbox: the last requests, and counts that do not forget."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 10_000


@dataclass(kw_only=True)
class Entry:
    """One request. No token is in it: `grant` is the number of the consent behind it."""

    method: str
    provider: str
    path: str
    query: str
    at: str
    status: int | None = None
    grant: str | None = None
    person: str | None = None
    fault: str | None = None


class Ledger:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._last: deque[Entry] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str, str, str, int | None, str | None]] = Counter()

    def note(self, entry: Entry) -> None:
        self._last.append(entry)
        key = (entry.method, entry.provider, entry.path, entry.status, entry.grant)
        self._counts[key] += 1

    def told(self) -> dict[str, Any]:
        names = ("method", "provider", "path", "status", "grant")
        return {
            "total": sum(self._counts.values()),
            "summary": [
                {**dict(zip(names, key, strict=True)), "count": count}
                for key, count in self._counts.items()
            ],
            "requests": [asdict(entry) for entry in self._last],
        }
