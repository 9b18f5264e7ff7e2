"""Connections: begun with the person's consent, kept with sealed tokens, looked at, and ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from sleepbalance import derive, oauth, providers, sync
from sleepbalance.app import connected
from sleepbalance.app.outside import Outside, remote_door
from sleepbalance.errors import NeedsReconnect, ScopeMissing, SleepBalanceError, UsageError
from sleepbalance.provider import Account, ApiKey, Grant, OAuth, Provider, Remote
from sleepbalance.store import connections, homes, leases, people, raws, tokens
from sleepbalance.store.connections import Connected
from sleepbalance.store.engine import Connection, reading, writing
from sleepbalance.store.people import Person
from sleepbalance.wire import Wire


class OtherAccount(UsageError):
    """The person is connected with another account of this maker; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login under way: where the person goes, and what only we know of it."""

    address: str = field(repr=False)  # holds the state
    redirect_uri: str
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Received:
    """What a maker handed out after the consent, not kept yet. `secret` renews the token."""

    grant: Grant
    account: Account
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What was done. `revoked`: whether the maker knows, None where it was not to be told, or
    cannot be; `shared`: somebody else here lives on the same consent; `nights`: how many lost
    data, None where none was taken away; `left`: something else of this maker is still kept."""

    revoked: bool | None
    shared: bool
    deleted: bool
    nights: int | None
    left: bool = False


@dataclass
class Links:
    """One person's connection to one provider, through a door over the network.

    What is kept of a maker that has no such door has none either; it can be ended all the same.
    """

    outside: Outside
    person: Person
    provider: Provider
    door: Remote | None

    @classmethod
    def to(
        cls, outside: Outside, user: str | None, provider_id: str, door_name: str | None = None
    ) -> Links:
        """Without `door_name` it is the one that is set, else the maker's first."""
        provider = providers.meant(provider_id)
        door = remote_door(provider, door_name or outside.settings.door(provider.id))
        outside.allow(door)
        if isinstance(door, OAuth):
            outside.client_id(provider, door)  # before anybody is made for nothing
        return cls(outside, outside.app.person_or_new(user), provider, door)

    @classmethod
    def existing(cls, outside: Outside, user: str | None, provider_id: str) -> Links:
        """The same for a person who is here already, whatever the settings say."""
        provider, person = providers.meant(provider_id), outside.app.person(user)
        with reading(outside.app.engine) as connection:
            row = connections.find(connection, person.id, provider.id)
        if not provider.remote:
            return cls(outside, person, provider, None)
        known = {door.name for door in provider.remote}
        name = row.door if row is not None and row.door in known else None
        door = remote_door(provider, name)
        outside.allow(door)
        return cls(outside, person, provider, door)

    @property
    def remote(self) -> Remote:
        """The door, where there has to be one."""
        assert self.door is not None
        return self.door

    @property
    def redirect(self) -> str:
        """The callback to listen on; port 0 stands for any free one."""
        assert isinstance(self.door, OAuth)
        return self.outside.redirect(self.provider, self.door)

    @property
    def redirect_by_hand(self) -> str:
        """The address that the browser ends on where nobody listens."""
        assert isinstance(self.door, OAuth)
        address = self.redirect
        return self.door.callback if urlsplit(address).port == 0 else address

    # -- connecting ----------------------------------------------------------------------------

    def begin(self, redirect_uri: str) -> Login:
        """Opens a login: its address is for the person's browser, its state is good once."""
        door, engine = self.door, self.outside.app.engine
        assert isinstance(door, OAuth)
        client_id = self.outside.client_id(self.provider, door)
        state = oauth.new_state()
        verifier = oauth.new_verifier() if door.pkce else None
        address = oauth.authorize_address(door, client_id, redirect_uri, state, verifier)
        with writing(engine) as connection:
            tokens.put_state(
                connection,
                self.outside.vault,
                state=state,
                user_id=self.person.id,
                provider=self.provider.id,
                redirect_uri=redirect_uri,
                verifier=verifier,
            )
        with Wire(sandbox=self.outside.settings.sandbox_url, provider=self.provider.id) as wire:
            return Login(wire.rewritten(address), redirect_uri, state)

    def receive(self, login: Login, query: Mapping[str, str]) -> Received:
        """Takes what the browser brought back, and exchanges it for tokens."""
        door, engine = self.door, self.outside.app.engine
        assert isinstance(door, OAuth)
        code = oauth.read_redirect(query, login.state)
        oauth.check_issuer(query, door)
        with writing(engine) as connection:
            taken = tokens.take_state(
                connection, self.outside.vault, login.state, self.person.id, self.provider.id
            )
        if taken is None:
            raise UsageError("This login was used already, or took too long. Begin again: connect.")
        client_id = self.outside.client_id(self.provider, door)
        with self.outside.wire(self.provider) as wire:
            grant = oauth.exchange(wire, door, client_id, code, taken.redirect_uri, taken.verifier)
            try:
                return self._received(wire, grant, grant.refresh)
            except NeedsReconnect:
                with suppress(SleepBalanceError):
                    self._revoke(wire, grant)  # nobody can use it: it is nobody's account here
                raise

    def receive_key(self, key: str, life: int | None = None) -> Received:
        """Takes a key that the person made, and that lives `life` days, if the maker takes it."""
        door = self.door
        assert isinstance(door, ApiKey)
        with self.outside.wire(self.provider) as wire:
            grant = door.exchange(self.outside.bare_client(wire, door), key)
            if life is not None:
                grant = replace(grant, refresh_expires_in=life * 86_400.0)
            return self._received(wire, grant, key)

    def _received(self, wire: Wire, grant: Grant, secret: str | None) -> Received:
        client = self.outside.bare_client(wire, self.remote, _Fixed(grant.access))
        account = self.remote.api.identify(client, grant)
        if account.scopes is not None:
            grant = replace(grant, scopes=account.scopes)
        return Received(grant, account, secret)

    def keep(self, received: Received, *, switch: bool = False) -> dict[str, Any]:
        """Keeps a connection, or renews the one that is there; gives it as `connected.listed` does.

        Raises OtherAccount where the person is connected with another account, unless `switch`.
        """
        with writing(self.outside.app.engine) as connection:
            people.lock_nights(connection, self.person.id)  # before the row, as syncs do
            before = connections.find(connection, self.person.id, self.provider.id)
            if before is not None:
                self._carry_over(connection, before, received, switch=switch)
            tokens.bind(
                connection,
                self.outside.vault,
                user_id=self.person.id,
                provider=self.provider.id,
                door=self.remote.name,
                account=received.account.id,
                grant=received.grant,
                secret=received.secret,
                now=self.outside.now(),
            )
            zone = received.account.zone
            if zone and people.suggest_first_zone(connection, self.person.id, zone):
                derive.derive_all(connection, self.person.id)
        return connected.one(self.outside.app, self.person.id, self.provider.id)

    def _carry_over(
        self, connection: Connection, before: Connected, received: Received, *, switch: bool
    ) -> None:
        """Makes what is kept of the connection fit the new consent."""
        account, was = received.account, before.account
        formerly = bool(was) and was in account.formerly
        other = bool(was) and was != account.id
        if other and not formerly and not switch:
            raise OtherAccount(
                f"{self.person.name} is connected to {self.provider.name} with another account"
                f" ({was}); this one is {account.id}.{self._other_door(before)} The sleeps"
                " of both stay, each by itself; of a date that both tell, the night is taken from"
                " one of them. To go on with the new one: add --switch. To be rid of the old one"
                " first: sleepbalance disconnect"
                f" {self.provider.id} --delete --with-data"
            )
        if formerly:
            sync.rename_account(connection, before.owner, account.id)
        if other or before.door == "file":  # what a file told, the maker is asked all the same
            connections.forget_windows(connection, before.id)
        elif self._allows_more(before, received.grant):
            connections.want_again(connection, before.id)  # what may be read now lacks in all of it
        elif self.remote.api.order is not None:
            connections.order_again(connection, before.id)

    def _other_door(self, before: Connected) -> str:
        """A maker may call one person by other names behind its other doors."""
        known = {door.name for door in self.provider.remote} - {self.remote.name}
        if before.door not in known:
            return ""
        return f" That one came by the door {before.door}, where the same account has another name."

    def _allows_more(self, before: Connected, grant: Grant) -> bool:
        """Whether something may be read that might not be read before."""
        asked = {resource.scope for resource in self.remote.api.resources}
        return bool(before.scopes) and bool(asked & (grant.scopes or set()) - before.scopes)

    def give_back(self, received: Received) -> None:
        """Ends at the maker what was granted and is not to be kept."""
        if not self._shared(received.account.id):
            with self.outside.wire(self.provider) as wire, suppress(SleepBalanceError):
                self._revoke(wire, received.grant)

    def missing(self, grant: Grant) -> ScopeMissing | None:
        """What the person did not allow, in words; None where nothing is known to be missing."""
        if not isinstance(self.door, OAuth) or grant.scopes is None:
            return None
        lacking = [scope for scope in self.door.scopes if scope.name not in grant.scopes]
        if not lacking:
            return None
        absent = " and ".join(scope.reads for scope in lacking)
        ticked = next((scope for scope in lacking if scope.ticked), lacking[0])
        return ScopeMissing(f"You did not allow: {absent}. {ticked.to_allow}: {self._again()}")

    def _again(self) -> str:
        """The command that connects this person by this door."""
        with reading(self.outside.app.engine) as connection:
            bond = connections.find(connection, self.person.id, self.provider.id)
            plain = f"sleepbalance connect {self.provider.id}"
            return sync.to_connect(connection, self.provider, bond) if bond else plain

    # -- ending --------------------------------------------------------------------------------

    def end(self, *, delete: bool = False, with_data: bool = False) -> Ended:
        """Ends the connection here and at the maker; the row stays unless `delete`."""
        engine = self.outside.app.engine
        with reading(engine) as connection:
            before = connections.find(connection, self.person.id, self.provider.id)
        if before is None:
            return self._erase_what_is_left(with_data=with_data)
        with reading(engine) as connection:
            kept = tokens.stored(connection, before.id)
        shared = self._shared(before.account)
        with writing(engine) as connection:
            tokens.disconnect(connection, before.id)  # a sync that runs stops before its commit
        revoked = None
        if kept is not None and kept.access and not shared:
            revoked = self._told(kept)
        nights = None
        with leases.held(engine, f"sync:{before.id}"):
            if with_data:
                nights = sum(sync.remove_data(engine, owner) for owner in self._own(before.owner))
            if delete:
                with writing(engine) as connection:
                    connections.remove(connection, before.id)
        left = with_data and bool(self._owners())
        return Ended(revoked=revoked, shared=shared, deleted=delete, nights=nights, left=left)

    def _own(self, owner: raws.Owner) -> list[raws.Owner]:
        """What a connection brought: by file it may be of several accounts."""
        files = [each for each in self._owners() if homes.is_archive(each.account)]
        return [owner] if owner.account else [owner, *(each for each in files if each.account)]

    def _owners(self) -> list[raws.Owner]:
        """The accounts of this maker of which something is kept; files have one of their own."""
        with reading(self.outside.app.engine) as connection:
            return raws.owners(connection, self.person.id, self.provider.id)

    def _erase_what_is_left(self, *, with_data: bool) -> Ended:
        """The data of a connection that was removed before."""
        engine, owners = self.outside.app.engine, self._owners()
        if not with_data or not owners:
            left = " What it brought is still here: add --delete --with-data." if owners else ""
            raise UsageError(f"{self.person.name} is not connected to {self.provider.name}.{left}")
        nights = sum(sync.remove_data(engine, owner) for owner in owners)
        return Ended(revoked=None, shared=False, deleted=True, nights=nights)

    def _told(self, kept: tokens.Stored) -> bool | None:
        """Whether the maker knows; None where there is no way to tell it."""
        door = self.door
        if not isinstance(door, OAuth) or not (door.revoke or door.revoke_url):
            return None
        try:
            grant = tokens.opened(self.outside.vault, kept)
            with self.outside.wire(self.provider) as wire:
                self._revoke(wire, grant)
        except SleepBalanceError:
            return False  # out of reach, or the key to the token is gone
        return True

    def _revoke(self, wire: Wire, grant: Grant) -> None:
        door = self.door
        if isinstance(door, OAuth) and door.revoke is not None:
            bearer = _Fixed(grant.access)
            door.revoke(self.outside.bare_client(wire, door, bearer), grant)
        elif isinstance(door, OAuth) and door.revoke_url is not None:
            oauth.revoke(wire, door, self.outside.client_id(self.provider, door), grant)

    def _shared(self, account: str) -> bool:
        """Whether somebody else here lives on the same consent, which a revoke would end."""
        if not account:
            return False  # what came by file needs no consent
        with reading(self.outside.app.engine) as connection:
            others = connections.holders(connection, self.provider.id, account)
        return any(user != self.person.id for user in others)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The bearer of a token that was just handed out: there is nothing to renew yet."""

    access: str = field(repr=False)

    def token(self) -> str:
        return self.access

    def renew(self, seen: str) -> str:
        del seen
        raise NeedsReconnect("The maker refused the token that it had just handed out. Try again.")

    def refused(self, seen: str, why: NeedsReconnect) -> None:
        """Nothing is stored yet that could be marked."""
