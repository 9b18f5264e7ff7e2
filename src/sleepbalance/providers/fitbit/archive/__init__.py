"""The archive of Google Takeout: sleep logs with naive times, tables with offsets, scores, vitals.

`files` tells what each file is, `logs` and `tables` read them, `joining` finds the two tellings of
one sleep, `packs` keeps what was measured beside them, `sleeps` and `facts` make sessions of it.
"""

from .packs import KINDS, merge
from .reading import read, recognises
from .records import SLEEP
from .sleeps import normalise

__all__ = ["KINDS", "SLEEP", "merge", "normalise", "read", "recognises"]
