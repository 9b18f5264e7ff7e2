"""The commands that reach the makers, and the sandbox that plays them."""

from __future__ import annotations

import hmac
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sleepbalance.cli.commands import AsJson, From, User, a_date, cli, opened
from sleepbalance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sleepbalance.app.links import Links, Login, Received
    from sleepbalance.app.outside import Outside
    from sleepbalance.app.syncing import Hearing
    from sleepbalance.cli.show import Screen
    from sleepbalance.loopback import Page, Query

keys = typer.Typer(help="The keys that seal the tokens.", no_args_is_help=True)
cli.add_typer(keys, name="keys")

ProviderName = Annotated[str, typer.Argument(metavar="PROVIDER", help="Its id or its name.")]
MINUTES = 10  # that a login may take


@cli.command()
def connect(
    context: typer.Context,
    provider: ProviderName,
    user: User = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the address, or only print it.")
    ] = True,
    paste: Annotated[
        bool, typer.Option("--paste", help="No callback: paste where your browser ended.")
    ] = False,
    switch: Annotated[
        bool, typer.Option("--switch", help="Go on with another account than the connected one.")
    ] = False,
    door: Annotated[
        str | None, typer.Option(help="Which way in, where the maker has several.")
    ] = None,
    key_life: Annotated[
        int | None, typer.Option(min=1, max=3660, help="Days that the key lives, if you know it.")
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--sync/--no-sync", help="Fetch your nights at once, or later.")
    ] = True,
) -> None:
    """Connect a provider: you consent in the browser, or give a key; then your nights come."""
    from sleepbalance.app.links import Links
    from sleepbalance.app.outside import Outside, is_made_up
    from sleepbalance.cli import show
    from sleepbalance.provider import ApiKey

    with opened(context, sandbox=is_made_up(provider, door)) as app:
        out = show.screen(purpose=app.folder.purpose)
        outside = Outside(app)
        links = Links.to(outside, user, provider, door)
        asked = _Ask(out, switch=switch, fetches=fetch)
        if isinstance(links.door, ApiKey):
            _by_key(links, asked, key_life)
        elif paste:
            _by_hand(links, asked)
        else:
            _by_callback(links, asked, browser=browser and _on_a_desk())
        attempts = _fetch(outside, links, out) if fetch else []
    raise typer.Exit(1 if any(attempt["status"] == "failed" for attempt in attempts) else 0)


def _by_key(links: Links, asked: _Ask, life: int | None) -> None:
    from sleepbalance.provider import ApiKey

    assert isinstance(links.door, ApiKey)
    asked.out.say(links.door.how_to)
    if sys.stdin.isatty():
        key = typer.prompt(f"The key for {links.provider.name}", hide_input=True)
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise UsageError("No key was given; nothing was connected.")
    _keep(links, links.receive_key(key.strip(), life), asked)


def _fetch(outside: Outside, links: Links, out: Screen) -> list[dict[str, Any]]:
    """The first sync: as soon as the newest nights are there, the last one is shown."""
    from sleepbalance.app import connected
    from sleepbalance.app.syncing import sync_connected
    from sleepbalance.cli import links as said
    from sleepbalance.cli import one_night

    app, person, shown = outside.app, links.person.name, list[dict[str, Any]]()

    def told(attempt: Mapping[str, Any]) -> None:
        said.attempt(out, attempt)
        dates = attempt["sync_date_from"], attempt["sync_date_to"]
        if not shown and (nights := app.nights(person, *dates)):
            shown.append(nights[-1])
            reports = [s.report for s in app.sessions_of(person, nights[-1]["sleep_date"])]
            one_night.show(out, nights[-1], reports)
        sys.stdout.flush()

    hearing = _hearing(out, told)
    attempts = sync_connected(outside, person, links.provider.id, hearing=hearing)
    rows = connected.listed(app, links.person.id, links.provider.id)
    said.synced(out, attempts, rows, outside.now())
    return attempts


class _Ask:
    """What is said to the person and asked of them while a login goes on."""

    def __init__(self, out: Screen, *, switch: bool, fetches: bool) -> None:
        self.out = out
        self.switch = switch
        self.fetches = fetches  # the nights come at once

    def address(self, links: Links, login: Login) -> None:
        self.out.say(f"Open this address to connect {links.provider.name}:")
        self.out.say(login.address)
        sys.stdout.flush()

    def another(self, why: str) -> bool:
        """Whether the person wants to go on with another account."""
        if not sys.stdin.isatty():
            return False
        self.out.say(why)
        return typer.confirm("Go on with the new account?", default=False)


def _on_a_desk() -> bool:
    """Whether somebody sits here whose browser can be opened."""
    return sys.stdout.isatty() and sys.stdin.isatty()


def _by_callback(links: Links, asked: _Ask, *, browser: bool) -> None:
    import webbrowser

    from sleepbalance.loopback import Page, listening

    logins: list[Login] = []

    def ours(query: Query) -> bool:
        return any(hmac.compare_digest(query.get("state", ""), x.state) for x in logins)

    def answer(query: Query) -> Page:
        _keep(links, links.receive(logins[0], query), asked)
        return Page(f"{links.provider.name} is connected", "You can close this window.")

    with listening(links.redirect, ours) as callback:
        login = links.begin(callback.address)
        logins.append(login)
        asked.address(links, login)
        if browser:
            webbrowser.open(login.address)
        callback.wait(answer, MINUTES * 60)


def _by_hand(links: Links, asked: _Ask) -> None:
    from urllib.parse import parse_qsl, unquote, urlsplit

    login = links.begin(links.redirect_by_hand)
    asked.address(links, login)
    asked.out.say("When you have allowed it, your browser ends on an address that may not open.")
    said = typer.prompt("Paste that address, or the code in it").strip()
    query = {"code": unquote(said)}  # an address bar writes / as %2F
    if "?" in said:
        query = dict(parse_qsl(urlsplit(said).query))
    query.setdefault("state", login.state)  # a bare code was typed in by the one who began
    _keep(links, links.receive(login, query), asked)


def _keep(links: Links, received: Received, asked: _Ask) -> None:
    from sleepbalance.app.links import OtherAccount

    try:
        row = links.keep(received, switch=asked.switch)
    except OtherAccount as error:
        if not asked.another(str(error)):
            links.give_back(received)
            raise
        row = links.keep(received, switch=True)
    out = asked.out
    out.say(f"{row['name']} is connected, as account {row['account']}.")
    out.say(f"It may read: {', '.join(row['reads']) or 'nothing'}.")
    if missing := links.missing(received.grant):
        out.say(f"Mind: {missing.code}: {missing}", style="yellow")
    if ends := row["consent_expires_at"]:
        out.say(f"The {row['ends']} ends {ends:%Y-%m-%d %H:%M} UTC; connect again before.")
    elif lives := row["lives"]:
        days = ", ".join(map(str, lives))
        out.say(f"The key lives {days} days, as you chose; to be told ahead, add --key-life DAYS.")
    if not asked.fetches:
        out.say(f"Next: sleepbalance sync {row['provider']}")
    sys.stdout.flush()


@cli.command()
def connections(context: typer.Context, user: User = None, json: AsJson = False) -> None:
    """Show what is connected, what it may read, and which days were fetched or are missing."""
    from sleepbalance.app import connected
    from sleepbalance.app.outside import time_of
    from sleepbalance.cli import links, plain, show

    with opened(context) as app:
        person = app.person(user) if user is not None else None
        rows = connected.listed(app, person.id if person else None)
        if json:
            plain.as_json(rows, purpose=app.folder.purpose)
        else:
            links.connections(show.screen(purpose=app.folder.purpose), rows, time_of(app))


@cli.command()
def sync(
    context: typer.Context,
    provider: Annotated[
        str | None, typer.Argument(metavar="[PROVIDER]", help="Only this one; else all.")
    ] = None,
    first: From = None,
    last: Annotated[str | None, typer.Option("--to", help="Last date, YYYY-MM-DD.")] = None,
    user: User = None,
    json: AsJson = False,
) -> None:
    """Fetch what is new, what may have changed, and what is still missing."""
    from sleepbalance.app import connected
    from sleepbalance.app.outside import Outside
    from sleepbalance.app.syncing import Hearing, sync_connected
    from sleepbalance.cli import links, plain, show

    with opened(context) as app:
        out = None if json else show.screen(purpose=app.folder.purpose)
        hearing = Hearing()
        if out is not None:
            hearing = _hearing(out, lambda attempt: links.attempt(out, attempt))
        dates = (a_date("--from", first), a_date("--to", last))
        outside = Outside(app)
        attempts = sync_connected(outside, user, provider, dates, hearing=hearing)
        if out is None:
            plain.as_json(attempts, purpose=app.folder.purpose)
        else:
            links.synced(out, attempts, connected.listed(app), outside.now())
    raise typer.Exit(1 if any(attempt["status"] == "failed" for attempt in attempts) else 0)


def _hearing(out: Screen, told: Callable[[Mapping[str, Any]], None]) -> Hearing:
    from sleepbalance.app.syncing import Hearing
    from sleepbalance.cli import words

    return Hearing(
        told=told,
        waiting=lambda: _at_once(out, words.waiting("sync of this")),
        news=lambda said: _at_once(out, said),
    )


def _at_once(out: Screen, words: str) -> None:
    """Also where the output is a pipe, which else tells it at the end."""
    out.say(words)
    sys.stdout.flush()


@cli.command()
def accept(
    context: typer.Context,
    provider: ProviderName,
    file: Annotated[Path, typer.Argument(help="A body that the maker pushed elsewhere.")],
    user: User = None,
    account: Annotated[
        str | None, typer.Option(metavar="ID", help="Say that this account in it is yours.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Take a body that a maker pushed elsewhere: a support file, or one to be played again."""
    from sleepbalance.app import accepting
    from sleepbalance.app.claims import hint
    from sleepbalance.app.outside import Outside
    from sleepbalance.cli import links, plain, show

    with opened(context) as app:
        out = None if json else show.screen(purpose=app.folder.purpose)
        accepted = accepting.accept(Outside(app), provider, file, user=user, account=account)
        if out is None:
            plain.as_json(accepted.row(), purpose=app.folder.purpose)
        else:
            names = {person.id: person.name for person in app.users()}
            hints = {each: hint(app, accepted, file, each, user) for each in accepted.aside}
            links.accepted(out, accepted, names, hints)
    raise typer.Exit(1 if accepted.failed else 0)


@cli.command()
def disconnect(
    context: typer.Context,
    provider: ProviderName,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove the connection; nights and log stay.")
    ] = False,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="And delete what this account brought.")
    ] = False,
    user: User = None,
) -> None:
    """End a connection here and at the provider; what was fetched stays."""
    from sleepbalance.app.links import Links
    from sleepbalance.app.outside import Outside
    from sleepbalance.cli import links as said
    from sleepbalance.cli import show

    if with_data and not delete:
        raise UsageError("--with-data goes with --delete: it removes the connection and its data.")
    with opened(context) as app:
        links = Links.existing(Outside(app), user, provider)
        if with_data and sys.stdin.isatty() and not typer.confirm("Delete what it brought?"):
            raise typer.Exit(1)
        done = links.end(delete=delete, with_data=with_data)
        said.ended(show.screen(purpose=app.folder.purpose), links.provider.name, done)


@cli.command()
def doctor(context: typer.Context, json: AsJson = False) -> None:
    """Say what is set up, what is missing, and what to do next."""
    from sleepbalance.app.doctor import examine
    from sleepbalance.cli import links, plain, show

    with opened(context) as app:
        findings = list(examine(app))
        if json:
            plain.as_json([finding.plain() for finding in findings], purpose=app.folder.purpose)
        else:
            links.findings(show.screen(purpose=app.folder.purpose), findings)
    raise typer.Exit(1 if any(finding.verdict == "wrong" for finding in findings) else 0)


@keys.command("rotate")
def keys_rotate(context: typer.Context) -> None:
    """Seal every token anew under a new key, also while syncs run."""
    from sleepbalance.app.keys import rotate
    from sleepbalance.cli import show

    with opened(context) as app:
        out = show.screen(purpose=app.folder.purpose)
        whole, lines = rotate(app)
        for line in lines:
            out.say(line)
    raise typer.Exit(0 if whole else 1)


@cli.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8730,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
    people: Annotated[int, typer.Option(min=1, max=1000, help="How many there are.")] = 3,
) -> None:
    """Run a server that plays the makers, with made-up people and real HTTP."""
    from sleepbalance import sandbox as served

    served.serve(port=port, seed=seed, people=people)
