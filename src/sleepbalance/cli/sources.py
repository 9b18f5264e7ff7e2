"""The commands for sources: which there are, and in which order they are believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sleepbalance.cli.commands import AsJson, User, cli, opened
from sleepbalance.errors import UsageError
from sleepbalance.model import MANUAL_MARK

if TYPE_CHECKING:
    from sleepbalance.cli.show import Screen

sources = typer.Typer(
    help="The devices and apps that told of your sleep, and which you believe first.",
    invoke_without_command=True,
)
cli.add_typer(sources, name="sources")


@sources.callback()
def listed(context: typer.Context, user: User = None, json: AsJson = False) -> None:
    """Show every source: what it told, how many nights are its, its place in your order."""
    if context.invoked_subcommand is None:
        _show(context, user, json=json)
    elif user is not None or json:
        raise UsageError("Say --user and --json after the command: sources order … --user NAME")


@sources.command()
def order(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="A provider or a device, the first believed."),
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="Nights from these alone; others stay beside them.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget the order: the rules choose.")
    ] = False,
    user: User = None,
    json: AsJson = False,
) -> None:
    """Say which sources you believe first, or alone; nights are derived again."""
    from sleepbalance.app import ordering
    from sleepbalance.cli import show

    words = names or []
    if reset == bool(words) or (reset and only):
        raise UsageError(
            "Name the sources, the first believed: sleepbalance sources order NAME NAME."
            " Those alone: --only. No order any more: --reset, and no name."
        )
    with opened(context) as app:
        changed = ordering.set_order(app, user, words, only=only)
        if json:
            _print(app, user, json=True)
            return
        show.screen(purpose=app.folder.purpose).say(_said(changed, reset=reset))
        _print(app, user, json=False, marked=True)


def _said(changed: int, *, reset: bool) -> str:
    from sleepbalance.cli import words

    what = "There is no order any more" if reset else "The order is kept"
    return f"{what}; {words.count(changed, 'night')} changed."


def _show(context: typer.Context, user: str | None, *, json: bool) -> None:
    with opened(context) as app:
        _print(app, user, json=json)


def _print(app: Any, user: str | None, *, json: bool, marked: bool = False) -> None:
    from sleepbalance.app import ordering
    from sleepbalance.cli import plain, show

    rows = ordering.listed(app, user)
    if json:
        plain.as_json(rows, purpose=app.folder.purpose)
    else:
        _table(show.screen(purpose=None if marked else app.folder.purpose), rows)


def _table(out: Screen, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        out.say("No source told anything yet. Import something: sleepbalance import FILE")
        return
    heads = (">Place", "Source", "From", "Account", "By", ">Sleeps", "First", "Last", ">Nights")
    out.table(heads, [_line(row) for row in rows])
    if not all(row["used"] for row in rows):
        out.say("not used: it stays beside the nights, and is never one.", style="dim")


def _line(row: Mapping[str, Any]) -> list[str]:
    place = str(row["place"]) if row["place"] else "–"
    return [
        place if row["used"] else "not used",
        f"{row['name']}, by hand" if row["source_key"].endswith(MANUAL_MARK) else str(row["name"]),
        str(row["provider_name"]),
        str(row["account"]) or "–",
        ", ".join(row["doors"]),
        f"{row['sleeps']:,}",
        str(row["first"] or "–"),
        str(row["last"] or "–"),
        f"{row['nights']:,}",
    ]
