"""The verbs for sources: which there are, in which order they are believed, and which alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sleepbalance import derive, providers
from sleepbalance.app.verbs import App
from sleepbalance.errors import UsageError
from sleepbalance.model import MANUAL_MARK
from sleepbalance.nights import EVERY, Homes, SourceKey, SourceRank, is_rank
from sleepbalance.store import homes, people, sources
from sleepbalance.store.engine import Connection, reading, writing

END = SourceRank(EVERY, "")  # what no rank before it names is never a night
MOST = 100  # characters of a source's name in a message


@dataclass(frozen=True, slots=True)
class Named:
    """A source with all the words that a person may call it by."""

    source: SourceKey
    name: str

    @property
    def maker(self) -> str:
        return maker_name(self.source.provider)

    @property
    def by_hand(self) -> bool:
        return self.source.key.endswith(MANUAL_MARK)

    @property
    def called(self) -> str:
        return f"{self.name}, by hand" if self.by_hand else self.name

    def __str__(self) -> str:
        called = f"{self.name[:MOST]}, by hand" if self.by_hand else self.name[:MOST]
        return f"{called} ({self.maker})" if self.name != self.maker else called


def maker_name(provider: str) -> str:
    """What people call a provider; its id where no code for it is here."""
    known = providers.load().get(provider)
    return known.name if known else provider


def listed(app: App, user: str | None) -> list[dict[str, Any]]:
    """Every source of a person: what it told, how many nights are its, its place in the order."""
    person = app.person(user)
    with reading(app.engine) as connection:
        order = order_of(connection, person.id)
        rows = [_row(told, order) for told in _told(connection, person.id)]
    return sorted(rows, key=lambda row: row["place"] or len(order) + 1)


def _row(told: sources.Told, order: Sequence[SourceRank]) -> dict[str, Any]:
    source = SourceKey(told.provider, told.account, told.key)
    place = next((i for i, rank in enumerate(order, 1) if is_rank(source, rank)), None)
    return {
        "provider": told.provider,
        "provider_name": maker_name(told.provider),
        "name": told.name,
        "device": told.device,
        "source_key": told.key,
        "account": told.account,
        "doors": list(told.doors),
        "sleeps": told.sleeps,
        "first": told.first,
        "last": told.last,
        "nights": told.nights,
        "place": place,
        "used": place is not None or END not in order,
    }


def set_order(app: App, user: str | None, words: Sequence[str], *, only: bool = False) -> int:
    """Says which sources are believed first, or alone; none: as the rules say.

    Gives how many nights changed. Raises UsageError for words that name no source, or several.
    """
    person = app.person(user)
    with writing(app.engine) as connection:
        people.lock_nights(connection, person.id)
        known = _known(connection, person.id)
        ranks = list(dict.fromkeys(match(word, known) for word in words))
        people.set_order_of_sources(connection, person.id, [*ranks, *([END] if only else [])])
        return derive.derive_all(connection, person.id)


def order_of(connection: Connection, user_id: str) -> list[SourceRank]:
    """A person's order of sources, archives at home in their accounts."""
    at = homes_of(connection, user_id)
    ranks = [SourceRank(*rank) for rank in people.order_of_sources(connection, user_id)]
    return [r._replace(account=at.get((r.provider, r.account), r.account)) for r in ranks]


def homes_of(connection: Connection, user_id: str) -> Homes:
    """The accounts that a person's archives belong to."""
    return homes.of_archives(homes.accounts(connection, user_id))


def _told(connection: Connection, user_id: str) -> list[sources.Told]:
    return sources.told(connection, user_id, homes_of(connection, user_id))


def _known(connection: Connection, user_id: str) -> list[Named]:
    """What may be named: what told a sleep, and what is connected and told none yet."""
    found = [
        Named(SourceKey(t.provider, t.account, t.key), t.name) for t in _told(connection, user_id)
    ]
    made = {named.source.provider for named in found}
    return found + [
        Named(SourceKey(provider, EVERY, ""), maker_name(provider))
        for provider in sources.connected(connection, user_id)
        if provider not in made
    ]


# -- words of a person -------------------------------------------------------------------------


def match(word: str, known: Sequence[Named]) -> SourceRank:
    """The one source, or all of a provider, that a word names. See `find`.

    Raises UsageError for a word that names nothing, or several.
    """
    found = find(word, known)
    if len(found) == 1:
        return next(iter(found))
    if found:
        raise UsageError(
            f"{word!r} may be {_listed(found.values())}: say which, like"
            f" {_spelled(next(iter(found)), known)}."
        )
    there = _listed(sorted({str(named) for named in known})) or "none yet"
    raise UsageError(f"{word!r} is no source here. There are: {there}.")


def find(word: str, known: Sequence[Named]) -> Mapping[SourceRank, str]:
    """What a word may name, and how that is called.

    A provider's id or name goes before a device's name, the whole name before a piece of it, a
    device before what was typed in beside it; PROVIDER/DEVICE says both.
    """
    maker, slash, device = word.partition("/")
    found: Mapping[SourceRank, str] = {}
    if slash:
        own = [n for n in known if _plain(maker) in _of_maker(n)]
        found = _devices(device, own) or _devices(device, own, part=True)
    found = found or _makers(word, known) or _devices(word, known)
    return found or _makers(word, known, part=True) or _devices(word, known, part=True)


def _makers(word: str, known: Sequence[Named], *, part: bool = False) -> dict[SourceRank, str]:
    plain = _plain(word)
    return {
        SourceRank(named.source.provider, EVERY): named.maker
        for named in known
        if _fits(plain, _of_maker(named), part)
    }


def _devices(word: str, known: Sequence[Named], *, part: bool = False) -> dict[SourceRank, str]:
    plain = _plain(word)
    fit = [n for n in known if _fits(plain, {_plain(n.called), _plain(n.source.key)}, part)]
    devices = [n for n in fit if not n.by_hand]
    return {
        SourceRank(n.source.provider, EVERY, n.source.key): f"{n} with the key {n.source.key}"
        for n in devices or fit
    } | {
        SourceRank(n.source.provider, n.source.account): f"the account {n.source.account}"
        for n in known
        if not part and n.source.account and plain == _plain(n.source.account)
    }


def _fits(word: str, names: Iterable[str], part: bool) -> bool:
    return any(word and (word in name if part else word == name) for name in names)


def _of_maker(named: Named) -> set[str]:
    return {_plain(named.source.provider), _plain(named.maker)}


def _plain(text: str) -> str:
    for mark in "_-,":
        text = text.replace(mark, " ")
    return " ".join(text.casefold().split())


def called(rank: SourceRank, known: Sequence[Named]) -> str:
    """What people call what a rank means."""
    if rank.source_key is None:
        return maker_name(rank.provider)
    return next((n.called for n in known if is_rank(n.source, rank)), rank.source_key)


def _spelled(rank: SourceRank, known: Sequence[Named]) -> str:
    names = [n.called for n in known if is_rank(n.source, rank)]
    alike = len({n.source.key for n in known if n.called in names[:1]}) > 1
    return f"{rank.provider}/{rank.source_key if alike or not names else names[0]}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
