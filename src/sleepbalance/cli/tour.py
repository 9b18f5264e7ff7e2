"""What the demo shows: the nights, the last one whole, and how to bring in one's own."""

from __future__ import annotations

from sleepbalance import providers
from sleepbalance.app import App, connected
from sleepbalance.cli import links, one_night, show
from sleepbalance.provider import File

NIGHTS = 28  # that fit on a screen


def show_imports(app: App) -> None:
    """What came of each import."""
    out = show.screen(purpose=app.folder.purpose)
    for attempt in app.history(None)[::-1]:
        dates = (attempt["sync_date_from"], attempt["sync_date_to"])
        overview = app.overview(attempt["user_id"], *dates)
        show.imported(out, attempt, overview, "the demo export")


def show_all(app: App) -> None:
    """What was synced, and everything else that a newcomer should see once."""
    out = show.screen(purpose=None)  # marked above
    rows = app.nights(None)
    for row in connected.listed(app):
        if row["door"] != "file":
            out.say("")
            out.say(f"Connected and synced a made-up {row['name']}, through the sandbox.")
    for attempt in app.history(None)[::-1]:
        if attempt["sync_trigger"] != "import":
            links.attempt(out, attempt)
    out.say("")
    show.nights(out, rows[-NIGHTS:])
    out.say("")
    stored = app.sessions_of(None, rows[-1]["sleep_date"])
    one_night.show(out, rows[-1], [s.report for s in stored])
    out.say("")
    out.say("Now your own:", style="bold")
    for provider in providers.load().values():
        for door in provider.doors:
            if not isinstance(door, File) and door.api.made_up:
                continue
            by = "import FILE" if isinstance(door, File) else f"connect {provider.id}"
            by += f" --door {door.name}" if door in provider.remote[1:] else ""
            out.say(f"{provider.name}: {door.how_to} Then:")
            out.say(f"  .venv/bin/sleepbalance {by}", style="bold")
    out.say("What is set up, and what to do next: .venv/bin/sleepbalance doctor")
