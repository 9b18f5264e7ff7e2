"""What the demo shows: the nights, the last one whole, and how to bring in one's own."""

from __future__ import annotations

from sleepbalance import providers
from sleepbalance.app import App
from sleepbalance.cli import one_night, show


def show_all(app: App) -> None:
    """Everything that a newcomer should see once."""
    out = show.screen(purpose=app.folder.purpose)
    rows = app.nights(None)
    attempts = app.history(None, limit=10)
    for attempt in attempts:
        dates = (attempt["sync_date_from"], attempt["sync_date_to"])
        overview = app.overview(attempt["user_id"], *dates)
        show.imported(out, attempt, overview, "the demo export")
    out.say("")
    show.nights(out, rows)
    out.say("")
    stored = app.sessions_of(None, rows[-1]["sleep_date"])
    one_night.show(out, rows[-1], [s.report for s in stored])
    out.say("")
    out.say("Now your own:", style="bold")
    for provider in providers.load().values():
        for door in provider.files:
            out.say(f"{provider.name}: {door.how_to}")
    out.say(".venv/bin/sleepbalance import FILE", style="bold")
