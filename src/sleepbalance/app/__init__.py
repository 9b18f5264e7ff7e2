"""Wiring: the verbs that every door calls, on an open data folder."""

from sleepbalance.app.opening import database_status, opened, upgrade
from sleepbalance.app.verbs import DEMO_MARK, App, Listening, Overview

__all__ = [
    "DEMO_MARK",
    "App",
    "Listening",
    "Overview",
    "database_status",
    "opened",
    "upgrade",
]
