"""The commands: what may be said on the command line, and what each of them calls."""

from __future__ import annotations

import datetime as dt
import gc
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import sleepbalance
from sleepbalance.errors import UsageError

if TYPE_CHECKING:
    from sleepbalance.app import App
    from sleepbalance.folder import Folder

cli = typer.Typer(
    name="sleepbalance",
    help="Keeps every night that your wearables measured: complete, honest, yours.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
zone = typer.Typer(help="Where you lived, for nights that do not know their zone.")
user = typer.Typer(help="The people whose nights are kept here.")
db = typer.Typer(help="The database: its version, and bringing it up to date.")
for name, group in (("zone", zone), ("user", user), ("db", db)):
    group.info.no_args_is_help = True
    cli.add_typer(group, name=name)

User = Annotated[str | None, typer.Option("--user", help="Whose; needed where there are several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
From = Annotated[str | None, typer.Option("--from", help="First date, YYYY-MM-DD.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sleepbalance {sleepbalance.__version__}")
        raise typer.Exit


@cli.callback()
def options(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="SLEEPBALANCE_DATA",
            show_envvar=True,
            help="The data folder; without it, the platform's own place.",
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="SLEEPBALANCE_DATABASE_URL",
            show_envvar=True,
            hidden=True,
            help="Another database, e.g. postgresql://…",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    del version  # answered before we get here
    context.obj = (data, database_url)


@contextmanager
def opened(context: typer.Context, *, sandbox: bool = False) -> Iterator[App]:
    gc.disable()  # what is loaded stays: to look through it again and again is a tenth of an import
    from sleepbalance import app

    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()
    with app.opened(where(context, sandbox=sandbox), tell) as found:
        yield found


def where(context: typer.Context, *, sandbox: bool = False) -> Folder:
    """The data folder that is meant; with `sandbox` a new one is for made-up data."""
    from sleepbalance import folder

    sandbox = sandbox or bool(os.environ.get("SLEEPBALANCE_SANDBOX_URL"))
    return folder.locate(*context.obj, sandbox=sandbox)


@cli.command("import")
def import_(
    context: typer.Context,
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Zips, an unpacked folder, a folder of zips, or a bare file."
        ),
    ],
    user: User = None,
    timezone: Annotated[
        str | None, typer.Option(help="Where you live, for nights that do not say, Area/City.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="The export is the whole truth: remove what it lacks. Only where it says when it "
            "was made: of any other nobody knows up to which night it is whole.",
        ),
    ] = False,
    json: AsJson = False,
) -> None:
    """Import exports that you made: archives, unpacked folders, or single files."""
    from sleepbalance.app import Listening
    from sleepbalance.cli.progress import Progress

    if not all(given):  # as a path it would be the folder that the person happens to be in
        raise UsageError("One of the paths is empty: say what to import, a file or a folder.")
    paths = [Path(each) for each in given]
    with opened(context) as app, Progress() as progress:
        listening = Listening(
            on_bytes=progress.bytes,
            waiting=progress.waiting,
            made_user=progress.made_user,
            unknown=progress.unknown,
        )
        attempts = app.import_paths(
            paths, user=user, timezone=timezone, replace=replace, listening=listening
        )
        progress.done()
        if json:
            from sleepbalance.cli import plain

            one = attempts[0] if len(attempts) == 1 else attempts
            plain.as_json(one, purpose=app.folder.purpose)
        else:
            _show_imports(app, attempts, paths)
    raise typer.Exit(1 if any(a["status"] == "failed" for a in attempts) else 0)


def _show_imports(app: App, attempts: list[dict[str, Any]], paths: list[Path]) -> None:
    """What came of each maker's export."""
    from sleepbalance.app.left_out import left_out
    from sleepbalance.cli import show

    out = show.screen(purpose=app.folder.purpose)
    handed = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
    for attempt in attempts:
        dates = (attempt["sync_date_from"], attempt["sync_date_to"])
        overview = app.overview(attempt["user_id"], *dates)
        of = f" ({attempt['provider']})" if len(attempts) > 1 else ""
        beside = left_out(app, attempt["user_id"], *dates, attempt["provider"])
        show.imported(out, attempt, overview, handed + of, beside)


@cli.command()
def nights(
    context: typer.Context,
    first: From = None,
    last: Annotated[str | None, typer.Option("--to", help="Last date, YYYY-MM-DD.")] = None,
    user: User = None,
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV and nothing else.")] = False,
) -> None:
    """List the nights, one line each."""
    from sleepbalance.cli import plain, show

    if json and csv:
        raise UsageError("Choose one of --json and --csv.")
    with opened(context) as app:
        dates = a_date("--from", first), a_date("--to", last)
        rows = app.nights(user, *dates)
        if json:
            plain.as_json(rows, purpose=app.folder.purpose)
        elif csv:
            plain.as_csv(rows, purpose=app.folder.purpose)
        else:
            from sleepbalance.app.left_out import left_out

            naps = [] if rows else app.lone_naps(user, *dates)
            out = show.screen(purpose=app.folder.purpose)
            show.nights(out, rows, naps, left_out(app, user, *dates))


@cli.command()
def history(
    context: typer.Context,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only success, partial, failed or in_progress.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Not older than 7d, 12h, 2w, or a date.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 10,
    user: User = None,
    json: AsJson = False,
) -> None:
    """Show what was tried, when, and what came of it, the newest first."""
    from sleepbalance.cli import plain, show

    with opened(context) as app:
        rows = app.history(
            user, provider=provider, status=_status(status), since=_since(since), limit=limit
        )
        if json:
            plain.as_json(rows, purpose=app.folder.purpose)
        else:
            show.history(show.screen(purpose=app.folder.purpose), rows)


@cli.command()
def stats(context: typer.Context, user: User = None, json: AsJson = False) -> None:
    """Show how often each provider's attempts succeeded."""
    from sleepbalance.cli import plain, show

    with opened(context) as app:
        rows = app.stats(user)
        if json:
            plain.as_json(rows, purpose=app.folder.purpose)
        else:
            show.stats(show.screen(purpose=app.folder.purpose), rows)


@zone.command("set")
def zone_set(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ZONE", help="Like Europe/Berlin.")],
    first: From = None,
    last: Annotated[str | None, typer.Option("--until", help="Last date, YYYY-MM-DD.")] = None,
    user: User = None,
) -> None:
    """Say where you lived; nights that guess their zone are derived again."""
    with opened(context) as app:
        from sleepbalance.cli import words

        changed = app.set_zone(user, name, a_date("--from", first), a_date("--until", last))
        say_in(app, f"Zone {name} is set; {words.count(changed, 'night')} changed.")


@user.command("add")
def user_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name or a code; nothing else is asked for.")],
) -> None:
    """Add a person."""
    with opened(context) as app:
        person = app.add_user(name)
        say_in(app, f"Added {person.name}.")


@user.command("list")
def user_list(context: typer.Context, json: AsJson = False) -> None:
    """List the people."""
    from sleepbalance.cli import plain

    with opened(context) as app:
        people = [{"id": person.id, "name": person.name} for person in app.users()]
        if json:
            plain.as_json(people, purpose=app.folder.purpose)
            return
        for person in people:
            say_in(app, f"{person['name']}  {person['id']}")
        if not people:
            say_in(app, "Nobody yet. The first import makes one: sleepbalance import FILE")


@db.command("upgrade")
def db_upgrade(
    context: typer.Context,
    revision: Annotated[str, typer.Argument(help="v5, v7, v100, v101 or head.")] = "head",
) -> None:
    """Bring the database up to a version; a backup is made before tables are rewritten."""
    from sleepbalance import app
    from sleepbalance.cli import show

    lines = app.upgrade(where(context), revision)
    out = show.screen(purpose=where(context).purpose)
    for line in lines:
        out.say(line)


@db.command("status")
def db_status(context: typer.Context, json: AsJson = False) -> None:
    """Say which version the database has, and what it is."""
    from sleepbalance import app
    from sleepbalance.cli import plain, show

    meant = where(context)
    found = app.database_status(meant)
    if json:
        plain.as_json(found, purpose=meant.purpose)
        return
    out = show.screen(purpose=meant.purpose)
    for key, value in found.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text:
            out.say(f"{key}: {text}")


@cli.command()
def demo(
    context: typer.Context,
) -> None:
    """Import and sync made-up data into an empty demo folder, and show the nights in it."""
    from sleepbalance.app.demo import demo as make
    from sleepbalance.cli import tour

    data = context.obj[0]
    if data is None:
        raise UsageError("Say where: sleepbalance --data .demo demo")
    make(data, tour.show_imports, tour.show_all)


def tell(line: str) -> None:
    """News beside what was asked for."""
    from sleepbalance.cli import words

    typer.echo(words.safe(line), err=True)


def say_in(app: App, text: str) -> None:
    """One line, beneath the mark of made-up data."""
    from sleepbalance.cli import show

    show.screen(purpose=app.folder.purpose).say(text)


def a_date(option: str, value: str | None) -> dt.date | None:
    """What was said for an option, as a date. Raises UsageError for what is none."""
    if value is None:
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{option}: {value!r} is no date; one looks like 2026-11-21.") from None


def _status(value: str | None) -> str | None:
    known = ("success", "partial", "failed", "in_progress")
    if value is not None and value not in known:
        raise UsageError(f"--status is one of {', '.join(known)}.")
    return value


def _since(value: str | None) -> dt.datetime | None:
    if value is None:
        return None
    if match := re.fullmatch(r"(\d{1,6})([hdw])", value):
        hours = {"h": 1, "d": 24, "w": 168}[match[2]] * int(match[1])
        try:
            return dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)
        except OverflowError:
            return None
    day = a_date("--since", value) or dt.date.min
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
