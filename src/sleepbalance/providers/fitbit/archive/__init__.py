"""The archive of Google Takeout: sleep logs with naive times, tables with offsets, scores, vitals.

`files` tells what each file is, `logs` and `tables` read them, `records` and `packs` keep them as
they came, `joining` finds the tellings of one sleep, `sleeps` and `facts` make sessions of it.
"""

from .packs import KINDS, merge
from .reading import read, recognises
from .records import NEAR
from .sleeps import normalise

__all__ = ["KINDS", "NEAR", "merge", "normalise", "read", "recognises"]
