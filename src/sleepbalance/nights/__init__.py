"""Sessions and edits become nights: pure, without clock, database or network."""

from sleepbalance.nights.choice import AUTO, EVERY, NO_SLEEP, Episode, SourceRank, is_rank
from sleepbalance.nights.days import Day
from sleepbalance.nights.derivation import Derived, derive
from sleepbalance.nights.doors import Homes
from sleepbalance.nights.edits import times_there
from sleepbalance.nights.night import Night
from sleepbalance.nights.retimed import EVENING, TIMES
from sleepbalance.nights.roads import Roads
from sleepbalance.nights.rules import RULES, Rules
from sleepbalance.nights.spans import Span
from sleepbalance.nights.standing import SourceKey

__all__ = [
    "AUTO",
    "EVENING",
    "EVERY",
    "NO_SLEEP",
    "RULES",
    "TIMES",
    "Day",
    "Derived",
    "Episode",
    "Homes",
    "Night",
    "Roads",
    "Rules",
    "SourceKey",
    "SourceRank",
    "Span",
    "derive",
    "is_rank",
    "times_there",
]
