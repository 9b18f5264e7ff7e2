"""Sessions and edits become nights: pure, without clock, database or network."""

from sleepbalance.nights.choice import SourceRank
from sleepbalance.nights.derivation import Derived, derive
from sleepbalance.nights.night import Night
from sleepbalance.nights.rules import RULES, Rules

__all__ = ["RULES", "Derived", "Night", "Rules", "SourceRank", "derive"]
